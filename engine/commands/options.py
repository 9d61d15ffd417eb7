"""Options that several commands share, and how their words are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

if TYPE_CHECKING:
    from ..provenance.consent import Rights as StatedRights

Json = Annotated[bool, typer.Option("--json", help="Events and results as JSON lines on stdout.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Log to the screen too, and say where the log file is.")]
Direction = Annotated[str, typer.Option(metavar="NAME|FILE", help="How to perform: a preset's name or a TOML file.")]
Cues = Annotated[Optional[Path], typer.Option("--cues", metavar="X.rttm|X.json", help="Who speaks when, in a recording of several people.")]
Speaker = Annotated[str, typer.Option(metavar="NAME", help=(
    "Which of the people in --cues to perform, or left or right of a stereo recording with one to a channel; listens while others speak."))]
Settings = Annotated[Optional[list[str]], typer.Option("--set", metavar="KEY=VALUE", help="Change one key of the direction; repeatable.")]
Seed = Annotated[int, typer.Option(help="Another seed is another take; the same seed is the same take.")]
Fps = Annotated[str, typer.Option(metavar="RATE", help="Frames per second: 25, 29.97, 24000/1001.")]
Size = Annotated[str, typer.Option(metavar="SIZE", help="source, the longer side in pixels (512), or 1920x1080.")]
Formats = Annotated[str, typer.Option("--format", metavar="LIST", help="mp4 (H.264), mov (ProRes 4444 with alpha), png; with commas.")]
Alpha = Annotated[bool, typer.Option("--alpha", help="Leave the background out (png and mov keep the alpha, mp4 shows black).")]
Device = Annotated[str, typer.Option("--device", metavar="NAME", help=(
    "What makes the frames: cpu (the default), cuda, or mps, which only poses. SOLILOQUY_DEVICE says it for every command."))]
Face = Annotated[Optional[int], typer.Option(help="Which face, counted from 0, largest first.")]
Landmarks = Annotated[Optional[Path], typer.Option(metavar="FILE", help="JSON with 478 corrected landmarks, instead of detection.")]
PortraitSettings = Annotated[Optional[list[str]], typer.Option("--set", metavar="KEY=VALUE", help=(
    "Decide about this portrait; repeatable. glasses, light: auto, on, off; lips: auto, closed, open; teeth: 0 to 1 of them seen; "
    "matte: -0.2 to 0.2 moves the person's edge, in pupil distances. Kept in the file; light and teeth of a .portrait can be changed "
    "later."))]
Rights = Annotated[Optional[str], typer.Option("--rights", metavar="BASIS[:TEXT]|FILE.toml", help=(
    "On what basis this person may be animated: self, consent, public-domain, fictional or licensed, and in words where that is "
    "written down. Asked once: a .portrait keeps it."))]
Text = Annotated[str, typer.Option(help="What is said; makes the phones exact.")]
Corrections = Annotated[Optional[Path], typer.Option("--speech", metavar="FILE", help=(
    "Words and phones put right by hand: a Praat .TextGrid (tiers words, phones, events), or a speech.json."))]
TextFile = Annotated[Optional[Path], typer.Option(metavar="FILE", help="What is said, from a text file.")]


def spoken(text: str, text_file: Path | None) -> str:
    """The transcript from --text or --text-file. Raises InputError."""
    if text_file is None:
        return text
    from ..errors import InputError
    try:
        return text_file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{text_file} is not a readable text file ({error}). Save it as UTF-8 text.") from error


def stated_rights(text: str | None) -> StatedRights | None:
    """The rights that --rights states, if any. Raises InputError."""
    from ..provenance.consent import Rights
    return Rights.parse(text) if text else None


def format_names(text: str) -> tuple[str, ...]:
    """The names in a list with commas, each once."""
    return tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
