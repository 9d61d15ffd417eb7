"""Writing a performance into other programs' files: one small module per format, one line here for each."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from ..errors import InputError
from ..motion.clip import MotionClip
from .arrays import write_arrays
from .live_link import read_live_link_csv, write_live_link_csv

EXPORTERS: dict[str, tuple[str, Callable[[MotionClip, Path], None]]] = {
    "csv": ("Live Link Face CSV: Apple's column order, timecode, head and eye angles in radians", write_live_link_csv),
    "json": ("Soliloquy's own clip: JSON header and arrays beside it", MotionClip.save),
    "npz": ("NumPy arrays in one file, with channel names and frame rate", write_arrays),
}
"""By the name `soliloquy export --to` knows: what it is, and the function that writes it."""


def export_clip(clip: MotionClip, path: Path, *, to: str) -> None:
    """Write `clip` in format `to`. Raises InputError for a format nobody registered, OutputError when it cannot be written."""
    if to not in EXPORTERS:
        raise InputError(f"Unknown format {to!r}. Known: {', '.join(EXPORTERS)}.")
    EXPORTERS[to][1](clip, Path(path))


def read_clip(path: Path, *, fps: Fraction | None = None) -> MotionClip:
    """Read a clip of ours (.json) or a Live Link Face CSV, told apart by the suffix. Raises FormatError.

    fps: rate of a CSV whose timecode does not tell.
    """
    path = Path(path)
    return read_live_link_csv(path, fps=fps) if path.suffix.lower() == ".csv" else MotionClip.load(path)
