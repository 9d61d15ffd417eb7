"""`blender -b FILE -c soliloquy update|regenerate|render|export`: what is done with a performance that is in the file already,
by the same functions as the buttons. Each tells what it did, with --json as one JSON object on the last line."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import bpy

from . import engine_choice
from .command_reports import tell
from .edit_properties import REGIONS
from .engine_client import Progress, run_job
from .errors import AddonError
from .operators import chosen
from .operators.regenerate import Regeneration, span_of_frames
from .operators.update import ReadThenRender, refreshed
from .scene import record as records
from .scene.assemble import save_blend
from .scene.clip_file import write_clip
from .scene.read_rig import RigReader
from .scene.found_rig import Rig


def update(options: argparse.Namespace) -> int:
    """Render again what changed on one rig, or on every rig of the scene."""
    scene, done = bpy.context.scene, {}
    rigs = [chosen.rig_called(scene, options.rig)] if options.rig else records.performing_rigs(scene)
    if not rigs:
        chosen.rig_called(scene, "")
    for rig in rigs:
        result = _run(ReadThenRender(engine_choice.current_engine(), rig, scene))
        refreshed(records.read(rig.armature).identity, result)
        done[rig.armature.name] = {"frames": result["frames"], "spans": result["spans"]}
    return tell(options, "".join(f"{name}: {what['frames']} frames rendered again\n" for name, what in done.items()), rigs=done)


def regenerate(options: argparse.Namespace) -> int:
    """Perform a part again; keys made by hand stay. --blend saves the file."""
    scene = bpy.context.scene
    rig = chosen.rig_called(scene, options.rig)
    regions = [name for name in options.regions.split(",") if name]
    if unknown := [name for name in regions if name not in (*REGIONS, "all")]:
        raise AddonError(f"--regions {unknown[0]}: there is no such region. Regions: {', '.join(REGIONS)}, all.", code="bad_input")
    work = Regeneration(rig, scene)
    direction = {"direction": options.direction} if options.direction else None
    spans = [span_of_frames(rig, scene, *_frames(options.frames))] if options.frames else []
    result = run_job(engine_choice.current_engine(), "regenerate",
                     work.job(spans, regions, seed=options.seed, direction=direction, seam_s=0.0), _write_progress)
    changed = work.finish(rig, scene, result)
    work.end()
    if options.blend:
        save_blend(options.blend.resolve())
    return tell(options, f"{rig.armature.name}: {changed} frames performed again\n", frames=changed, kept=result["kept"])


def render(options: argparse.Namespace) -> int:
    """Draw the rig as it is now into a folder of its own."""
    rig = chosen.rig_called(bpy.context.scene, options.rig)
    with tempfile.TemporaryDirectory(prefix="soliloquy-") as scratch:
        job = {"folder": str(records.folder_of(rig.armature)), "clip": str(_read(rig, Path(scratch))), "out": str(options.out.resolve()),
               "size": options.size, "formats": options.format.split(","), "alpha": options.alpha}
        result = run_job(engine_choice.current_engine(), "render", job, _write_progress)
    return tell(options, "".join(f"{options.out / name}\n" for name in result["files"]), files=result["files"])


def export(options: argparse.Namespace) -> int:
    """Write what the rig does now in another program's format."""
    rig = chosen.rig_called(bpy.context.scene, options.rig)
    with tempfile.TemporaryDirectory(prefix="soliloquy-") as scratch:
        job = {"clip": str(_read(rig, Path(scratch))), "out": str(options.out.resolve()), "format": options.to,
               "folder": str(records.folder_of(rig.armature))}
        run_job(engine_choice.current_engine(), "export", job, _write_progress)
    return tell(options, f"{options.out}\n", out=str(options.out))


def _read(rig: Rig, scratch: Path) -> Path:
    write_clip(RigReader(rig, bpy.context.scene).read_all(), scratch / "read.json")
    return scratch / "read.json"


def _run(work: ReadThenRender) -> dict:
    try:
        while work.result is None:
            for report in work.poll(wait_s=0.1):
                _write_progress(report)
        return work.result
    finally:
        work.end()


def _frames(text: str) -> tuple[float, float]:
    first, _, last = text.partition(":")
    try:
        return float(first), float(last)
    except ValueError:
        raise AddonError(f"--frames {text}: write the first and the last frame as 101:140.", code="bad_input") from None


def _write_progress(report: Progress) -> None:
    if report.done >= report.total:
        sys.stderr.write(f"{report.stage} {report.done}/{report.total}\n")


def add_parsers(commands: argparse._SubParsersAction) -> None:
    """Make the commands known."""
    _parser(commands, "update", update, "render again what changed on the rig since its frames were rendered")
    again = _parser(commands, "regenerate", regenerate, "perform a part again; keys made by hand stay")
    again.add_argument("--frames", metavar="FROM:TO", default="", help="frames of the scene that may change; all by default")
    again.add_argument("--regions", metavar="LIST", default="all", help=f"with commas: {', '.join(REGIONS)}, all")
    again.add_argument("--seed", type=int, help="the take; one that was not used yet by default")
    again.add_argument("--direction", default="", help="name of a preset or a TOML file; as before by default")
    again.add_argument("--blend", type=Path, help="save the file here afterwards; without it nothing is saved")
    draw = _parser(commands, "render", render, "draw the rig as it is now, without Blender's own renderer")
    draw.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    draw.add_argument("--size", default="source", help="source, 512 or WIDTHxHEIGHT")
    draw.add_argument("--format", default="png", help="png, mp4, mov, with commas")
    draw.add_argument("--alpha", action="store_true", help="without the background")
    write = _parser(commands, "export", export, "write what the rig does now for another program")
    write.add_argument("-o", "--out", type=Path, required=True, metavar="FILE")
    write.add_argument("--to", default="", metavar="FORMAT", help="a format of `soliloquy export`; by the file's suffix by default")


def _parser(commands: argparse._SubParsersAction, name: str, action: Callable, text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(action=action)
    parser.add_argument("--rig", default="", metavar="NAME", help="the armature that is meant, when there are several")
    parser.add_argument("--json", action="store_true", help="tell the result, or what went wrong, as JSON")
    return parser
