"""`blender -b file.blend -c soliloquy animate PORTRAIT AUDIO -o DIR [--blend OUT.blend]`: the operators' work without a
window, with the arguments and exit codes of the engine's own command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import bpy

from . import character_commands, edit_commands, engine_choice, rights, trust_commands
from .command_reports import tell, tell_failure
from .engine_client import Progress, run_job
from .errors import AddonError
from .keys_setting import LARGEST_TOLERANCE, PERCENT, SMALLEST_TOLERANCE
from .scene.assemble import assemble, save_blend
from .scene.timing import scene_fps


def run(arguments: list[str]) -> int:
    """Called with what follows `-c soliloquy` (see `command_line`); the return value becomes the exit code."""
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as request:
        return int(request.code or 0)
    try:
        return options.action(options)
    except AddonError as error:
        return tell_failure(options, error)


def animate(options: argparse.Namespace) -> int:
    """Perform, put the result into the open file at its playhead, and save that as a new file when asked."""
    job = animate_job(options)
    run_job(engine_choice.current_engine(), "animate", job, _write_progress)
    return _into_scene(Path(job["out"]), options)


def import_folder(options: argparse.Namespace) -> int:
    """Put a performance that exists into the open file."""
    return _into_scene(options.folder.resolve(), options)


def animate_job(options: argparse.Namespace) -> dict:
    """The engine's job; without --fps it performs at the open scene's rate. Raises AddonError for settings without '='."""
    rate = scene_fps(bpy.context.scene)
    text = _text(options)
    job = {"portrait": str(options.portrait.resolve()), "audio": str(options.audio.resolve()),
           "out": str(options.out.resolve()),
           "direction": options.direction, "settings": _settings(options.set), "seed": options.seed,
           "fps": options.fps or f"{rate.numerator}/{rate.denominator}", "size": options.size,
           "formats": options.format.split(","), "alpha": options.alpha}
    optional = {"text": text or None, "face": options.face, "rights": options.rights}
    return {**job, **{key: value for key, value in optional.items() if value is not None}}


def _into_scene(folder: Path, options: argparse.Namespace) -> int:
    made = assemble(folder, match_scene=options.match_scene, reduce_by=_reduction(options.reduce))
    if options.blend:
        save_blend(options.blend.resolve())
    scene = bpy.context.scene.name
    text = f"{folder}: frames {made.start_frame} to {made.end_frame - 1} of scene {scene}\n"
    return tell(options, text + (f"saved {options.blend}\n" if options.blend else ""), folder=str(folder), scene=scene,
                start_frame=made.start_frame, end_frame=made.end_frame, rig=made.rig.armature.name if made.rig else None,
                blend=str(options.blend) if options.blend else None)


def _settings(pairs: list[str]) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair:
            raise AddonError(f"--set {pair}: write it as key=value.", code="bad_input")
    return {key.strip(): value.strip() for key, _, value in (pair.partition("=") for pair in pairs)}


def _reduction(percent: float) -> float:
    if not (percent == 0 or SMALLEST_TOLERANCE <= percent <= LARGEST_TOLERANCE):
        raise AddonError(f"--reduce {percent:g}: give a tolerance of {SMALLEST_TOLERANCE:g} to {LARGEST_TOLERANCE:g} percent, "
                         "or 0.", code="bad_input")
    return percent / PERCENT


def _text(options: argparse.Namespace) -> str | None:
    if options.text_file is None:
        return options.text
    try:
        return options.text_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AddonError(f"{options.text_file} cannot be read: {error}", code="bad_input") from error


def _write_progress(report: Progress) -> None:
    counted = f" {report.done}/{report.total}" if report.total else ""
    sys.stderr.write(f"{report.stage}{counted}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="blender -b [FILE] -c soliloquy",
                                     description="A portrait that speaks, without a window.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    make = commands.add_parser("animate", help="animate a portrait and put it into the open file")
    make.set_defaults(action=animate)
    make.add_argument("portrait", type=Path, help="picture or .portrait")
    make.add_argument("audio", type=Path, help="voice recording")
    make.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="folder for frames, curves and report")
    words = make.add_mutually_exclusive_group()
    words.add_argument("--text", help="what is said")
    words.add_argument("--text-file", type=Path, help="file with what is said")
    make.add_argument("--direction", default="neutral", help="name of a preset or a TOML file")
    make.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one key of the direction")
    make.add_argument("--seed", type=int, default=0)
    make.add_argument("--fps", help="25 or 24000/1001; the open scene's rate by default")
    make.add_argument("--size", default="source", help="source, 512 or WIDTHxHEIGHT")
    make.add_argument("--format", default="png", help="png, mp4 or both: png,mp4")
    make.add_argument("--alpha", action="store_true", help="render the person without the background")
    make.add_argument("--face", type=int, help="which face when there are several")
    make.add_argument("--rights", metavar="BASIS[:TEXT]|FILE.toml", help=(
        f"on what basis the person may be animated: {', '.join(rights.BASES)}; not needed for a .portrait that says it"))
    bring = commands.add_parser("import", help="put a finished performance into the open file")
    bring.set_defaults(action=import_folder)
    bring.add_argument("folder", type=Path, help="folder written by animate")
    for command in (make, bring):
        command.add_argument("--blend", type=Path, help="save the file here afterwards; without it nothing is saved")
        command.add_argument("--match-scene", action="store_true",
                             help="set the scene's size, camera and colours to the portrait's")
        command.add_argument("--json", action="store_true", help="tell the result, or what went wrong, as JSON")
        command.add_argument("--reduce", type=float, default=0.0, metavar="PERCENT", help=(
            "leave out keys that straight lines replace to within so much of a whole shape key (1: 0.25 degrees, 0.4 mm); "
            "0, the default: a key on every frame"))
    character_commands.add_parser(commands)
    edit_commands.add_parsers(commands)
    trust_commands.add_parsers(commands, _write_progress)
    return parser
