"""What goes to and comes from other programs: `say`, `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from ..console import command
from .options import Json, Seed, Verbose


def say(text: Annotated[str, typer.Argument(metavar="TEXT")],
        out: Annotated[Path, typer.Option("-o", "--out", metavar="voice.wav")],
        speed: Annotated[float, typer.Option(help="1 is a normal pace.")] = 1.0, seed: Seed = 0,
        json_events: Json = False, verbose: Verbose = False) -> None:
    """Speak a text into a WAV file with the bundled voice (English)."""
    with command(json_events=json_events, verbose=verbose) as console:
        from ..audio.say import say as speak
        from ..stages import check_writable
        check_writable(out.parent)
        seconds = speak(text, out, speed=speed, seed=seed)
        console.result(f"{out}: {seconds:.2f} s.", out=str(out), duration_s=seconds)


def export(clip: Annotated[Path, typer.Argument(metavar="CLIP", help="A clip (.json), or a Live Link Face .csv.")],
           out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE")],
           to: Annotated[str, typer.Option(metavar="FORMAT", help=(
               "csv (Live Link Face), json, npz, audio2face, visemes-oculus, visemes-microsoft, visemes-preston_blair, visemes-vrm."))
           ] = "csv",
           fps: Annotated[str, typer.Option(metavar="RATE", help="Rate of a CSV whose timecode does not tell.")] = "",
           speech: Annotated[Optional[Path], typer.Option(metavar="FILE", help=(
               "What is said, for exact visemes; a speech.json beside motion.json is found by itself."))] = None,
           json_events: Json = False, verbose: Verbose = False) -> None:
    """Write a performance in another program's format."""
    with command(json_events=json_events, verbose=verbose) as console:
        from ..audio.speech import Speech
        from ..export import export_clip, read_clip, speech_beside
        from ..rates import parse_rate
        performance = read_clip(clip, fps=parse_rate(fps) if fps else None)
        export_clip(performance, out, to=to, speech=Speech.load(speech) if speech else speech_beside(clip))
        console.result(f"{out}: {len(performance)} frames.", out=str(out), frames=len(performance), format=to)
