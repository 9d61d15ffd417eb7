"""`blender -b shot.blend -c soliloquy final` and `... verify`: the Trust panel's work without a window."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import bpy

from . import engine_choice
from .engine_client import Progress, run_job
from .errors import AddonError
from .operators.final import ANIMATION, STILL, RenderThenSeal, cannot_seal, sealed_message

WAIT_S = 0.1


def add_parsers(commands: argparse._SubParsersAction, on_progress: Callable[[Progress], None]) -> None:
    """Add the parsers."""
    render = commands.add_parser("final", help="render the open file's scene and hand the portraits' credentials on to it")
    render.set_defaults(action=lambda options: final(options, on_progress))
    render.add_argument("-o", "--output", metavar="PATH", help="where to, instead of the scene's output path")
    render.add_argument("--still", action="store_true", help="the current frame instead of the animation")
    render.add_argument("--rendered", action="store_true", help="render nothing: seal what lies at the output path")
    look = commands.add_parser(
        "verify", help="say what a file or folder is; exit status 0 intact, 1 altered, 2 no credentials, 3 unreadable"
    )
    look.set_defaults(action=lambda options: verify(options, on_progress))
    look.add_argument("path", type=Path, help="video, picture, frame folder, or a folder of them")


def final(options: argparse.Namespace, on_progress: Callable[[Progress], None]) -> int:
    """Render and seal; returns the exit status."""
    scene = bpy.context.scene
    if options.output:
        scene.render.filepath = str(Path(options.output).absolute()) + ("/" if options.output.endswith("/") else "")
    if reason := cannot_seal(bpy.context):
        raise AddonError(f"{reason}.", code="bad_input")
    job = RenderThenSeal(
        engine_choice.current_engine(), scene, kind=STILL if options.still else ANIMATION, render=not options.rendered
    )
    try:
        while job.result is None:
            for report in job.poll(WAIT_S):
                on_progress(report)
    finally:
        job.end()
    sys.stdout.write(f"{sealed_message(job.result)}\n")
    return 0


def verify(options: argparse.Namespace, on_progress: Callable[[Progress], None]) -> int:
    """Tell what a file is; returns the exit status of `soliloquy verify`."""
    result = run_job(engine_choice.current_engine(), "verify", {"path": str(options.path.absolute())}, on_progress)
    for finding in result["findings"]:
        sys.stdout.write(
            "\n".join([f"{finding['path']}: {finding['verdict']}", *(f"  {line}" for line in finding["told"])]) + "\n"
        )
    return int(result["status"])
