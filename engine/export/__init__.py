"""Writing a performance into other programs' files: one small module per format, one line here for each."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

from ...common.visemes import set_keys, viseme_set
from ..audio.speech import Speech
from ..errors import InputError
from ..motion.clip import MotionClip
from .arrays import write_arrays
from .audio2face import write_audio2face
from .live_link import read_live_link_csv, write_live_link_csv
from .visemes import write_visemes

EXPORTERS: dict[str, tuple[str, Callable[[MotionClip, Path], None]]] = {
    "csv": ("Live Link Face CSV: Apple's column order, timecode, head and eye angles in radians", write_live_link_csv),
    "json": ("Soliloquy's own clip: JSON header and arrays beside it", MotionClip.save),
    "npz": ("NumPy arrays in one file, with channel names and frame rate", write_arrays),
    "audio2face": ("NVIDIA Audio2Face's blendshape JSON: 52 weights a frame", write_audio2face),
}
"""By the name `soliloquy export --to` knows: what it is, and the function that writes it."""

VISEMES = "visemes-"
"""`--to visemes-oculus`: weights of a viseme set over time, as JSON or CSV by the file's suffix."""


def format_names() -> list[str]:
    """Everything `export_clip` takes."""
    return [*EXPORTERS, *(VISEMES + key for key in set_keys())]


def export_clip(clip: MotionClip, path: Path, *, to: str, speech: Speech | None = None) -> None:
    """Write `clip` in format `to`. speech: what is said in it, for exact visemes.

    Raises InputError for a format nobody registered, OutputError when it cannot be written.
    """
    if to not in format_names():
        raise InputError(f"Unknown format {to!r}. Known: {', '.join(format_names())}.")
    if to in EXPORTERS:
        write = EXPORTERS[to][1]
    else:
        write = partial(write_visemes, speech=speech, visemes=viseme_set(to.removeprefix(VISEMES)))
    write(clip, Path(path))


def read_clip(path: Path, *, fps: Fraction | None = None) -> MotionClip:
    """Read a clip of ours (.json) or a Live Link Face CSV, told apart by the suffix. Raises FormatError.

    fps: rate of a CSV whose timecode does not tell.
    """
    path = Path(path)
    return read_live_link_csv(path, fps=fps) if path.suffix.lower() == ".csv" else MotionClip.load(path)


def speech_beside(path: Path) -> Speech | None:
    """What is said in the clip at `path`, when `animate` or `motion` left a speech.json beside it. Raises FormatError."""
    beside = Path(path).with_name("speech.json")
    return Speech.load(beside) if Path(path).name == "motion.json" and beside.is_file() else None
