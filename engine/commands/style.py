"""`style`: presets made from performances."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..console import command
from .options import Json, Verbose

app = typer.Typer(help="Direction presets made from performances.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def learn(clips: Annotated[list[Path], typer.Argument(metavar="CLIP...", help="Clips (.json) or Live Link Face .csv, captured or made.")],
          out: Annotated[Path, typer.Option("-o", "--out", metavar="PRESET.toml", help="The direction file to write.")],
          json_events: Json = False, verbose: Verbose = False) -> None:
    """Learn how much somebody moves, blinks and looks away, as a preset for --direction."""
    with command(json_events=json_events, verbose=verbose) as console:
        from dataclasses import asdict

        from ..capture.style import described, learned_direction, measured
        from ..errors import InputError
        from ..export import read_clip
        from ..motion.direction import save_direction
        from ..stages import check_writable
        if out.suffix.lower() != ".toml":
            raise InputError(f"{out} must end in .toml, so that --direction can read it.")
        check_writable(out.parent)
        style = measured([read_clip(path) for path in clips])
        direction = learned_direction(style)
        save_direction(direction, out, description=described(style))
        console.result(f"{out}: head {direction.head:g}, blinks {direction.blink_rate:g} a minute, brows {direction.brows:g}, "
                       f"aversion {direction.aversion_rate:g}, jaw {direction.jaw:g}, lips {direction.lips:g}.",
                       out=str(out), style=asdict(style), direction=direction.as_record())
