"""`capture`: a performance is read off a person's video."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..console import command
from .options import Json, Verbose


def capture(video: Annotated[Path, typer.Argument(metavar="VIDEO", help="One face, from the front, in even light.")],
            out: Annotated[Path, typer.Option("-o", "--out", metavar="CLIP", help="clip.json, or .csv / .npz.")],
            json_events: Json = False, verbose: Verbose = False) -> None:
    """Act it yourself: head, gaze, blinks and expression of the person in a video, as curves for any portrait."""
    with command(json_events=json_events, verbose=verbose) as console:
        from ..capture.capture import capture as read
        from ..export import export_clip
        from ..stages import check_writable
        check_writable(out.parent)
        clip = read(video, progress=console.progress)
        export_clip(clip, out, to=out.suffix.lstrip(".").lower() or "json")
        seen, gaps = clip.provenance["seen_share"], clip.provenance["gaps"]
        remark = f" The face was lost {len(gaps)} times and bridged: " + ", ".join(f"{a:.2f}-{b:.2f} s" for a, b in gaps[:8]) + "." if gaps else ""
        console.result(f"{out}: {len(clip)} frames at {clip.fps} per second, the face seen in {100 * seen:.0f} %.{remark}",
                       out=str(out), frames=len(clip), fps=str(clip.fps), seen_share=seen, gaps=gaps)
