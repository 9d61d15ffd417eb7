"""Text to a spoken recording with hibari (Apache-2.0, American English voice inside its wheel)."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import InputError
from ..files import whole_file

SLOWEST, FASTEST = 0.5, 2.0


def say(text: str, path: str | os.PathLike, *, speed: float = 1.0, seed: int = 0) -> float:
    """Speak `text` into a 24 kHz 16-bit mono WAV file, written whole; returns its length in seconds.

    speed: 1 is a normal pace, SLOWEST .. FASTEST. seed: same seed, same file.
    Raises InputError when there is nothing to say, OutputError when the file cannot be written.
    """
    if not any(character.isalnum() for character in text):
        raise InputError("There is no text to speak. Give at least one word.")
    if not SLOWEST <= speed <= FASTEST:
        raise InputError(f"speed {speed:g} is out of range; use {SLOWEST:g} to {FASTEST:g}.")
    if Path(path).suffix.lower() != ".wav":
        raise InputError(f"{path}: speech is written as WAV; give a name that ends in .wav.")
    from hibari import SAMPLE_RATE, Hibari, write_wav

    samples = Hibari()(text, speed=speed, seed=seed)
    if not len(samples):
        raise InputError(f"Nothing in {text.strip()[:40]!r} can be spoken; the voice reads English.")
    with whole_file(path) as temporary:
        write_wav(str(temporary), samples)
    return len(samples) / SAMPLE_RATE
