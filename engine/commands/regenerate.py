"""`regenerate`: another take of a performance, of all of it or of a part."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from ..console import command
from .options import Direction, Json, Settings, Verbose

REGIONS_HELP = "What to perform again, with commas: lips, jaw, cheeks, brows, lids, blinks, gaze, head; mouth, eyes, mood, face, all."


def regenerate(source: Annotated[Path, typer.Argument(metavar="DIR|CLIP", help="A folder written by animate, or a clip (.json).")],
               span: Annotated[Optional[list[str]], typer.Option(metavar="FROM:TO", help="Seconds, such as 2.0:3.5; repeatable.")] = None,
               regions: Annotated[str, typer.Option(metavar="LIST", help=REGIONS_HELP)] = "all",
               seed: Annotated[Optional[int], typer.Option(help="The take; one that was not used yet when left out.")] = None,
               out: Annotated[Optional[Path], typer.Option("-o", "--out", metavar="CLIP", help=(
                   "Write the new clip here (.json, .csv, .npz) and change nothing else. Left out, the folder's clip is replaced and "
                   "the frames that changed are rendered again."))] = None,
               speech: Annotated[Optional[Path], typer.Option(metavar="FILE", help="Speech of a clip that has none beside it.")] = None,
               blend: Annotated[Optional[float], typer.Option(metavar="SECONDS", help="Length of the seams; each region's own by default.")] = None,
               direction: Direction = "", settings: Settings = None, json_events: Json = False, verbose: Verbose = False) -> None:
    """Perform a part again: a span of time, some regions of the face, or everything. What was edited by hand is kept."""
    with command(json_events=json_events, verbose=verbose) as console:
        from ..audio.speech import Speech
        from ..errors import InputError
        from ..export import export_clip
        from ..motion.direction import parse_settings
        from ..motion.edit import WHOLE, Span
        from ..retake import retake
        from ..stages import directed
        clip, generated, spoken = _inputs(source, speech)
        if out is None and not source.is_dir():
            raise InputError(f"{source} is a clip of its own: say with -o where the new one goes.")
        chosen = directed(direction, parse_settings(settings or [])) if direction or settings else None
        again = retake(clip, generated, Speech.load(spoken), direction=chosen, seed=seed, blend_s=blend,
                       spans=[Span.parse(text) for text in span or []] or [WHOLE],
                       regions=[name.strip() for name in regions.split(",") if name.strip()], progress=console.progress)
        if out is not None:
            export_clip(again.clip, out, to=out.suffix.lstrip(".").lower() or "json")
            console.result(f"{out}: {len(again.clip)} frames.", out=str(out), frames=len(again.clip), kept=again.kept)
            return
        from ..folder import PerformanceFolder
        from ..update import update_folder
        generated = again.save(PerformanceFolder.read(source).next_take())
        done = update_folder(source, again.clip, generated=generated, progress=console.progress)
        console.result(f"{source}: {done['frames']} of {len(again.clip)} frames rendered again.", out=str(source), kept=again.kept, **done)


def _inputs(source: Path, speech: Path | None):
    """(clip, what it was before it was edited, the speech's file) of a folder or a clip. Raises InputError, FormatError."""
    from ..errors import InputError
    from ..folder import PerformanceFolder
    from ..motion.clip import MotionClip
    if source.is_dir():
        made = PerformanceFolder.read(source)
        return made.shown(), made.generated(), speech or made.speech
    clip = MotionClip.load(source)
    found = speech or source.parent / "speech.json"
    if not found.is_file():
        raise InputError(f"There is no {found}. Say with --speech what the clip speaks.")
    return clip, clip, found
