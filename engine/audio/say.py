"""Text to a spoken recording: hibari speaks (Apache-2.0, American English voice inside its wheel), pydub levels and writes."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import whole_file

SLOWEST, FASTEST = 0.5, 2.0
HEADROOM_DB = 3.0
"""The loudest sample of a spoken line lies this far below full scale, so that lines spoken at different times match."""


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
    from hibari import SAMPLE_RATE, Hibari

    samples = Hibari()(text, speed=speed, seed=seed)
    if not len(samples):
        raise InputError(f"Nothing in {text.strip()[:40]!r} can be spoken; the voice reads English.")
    with whole_file(path) as temporary:
        levelled(samples, SAMPLE_RATE).export(temporary, format="wav").close()
    return len(samples) / SAMPLE_RATE


def levelled(samples: np.ndarray, sample_rate: int):
    """Mono samples (N,) in -1..1 as a pydub AudioSegment of 16 bits, its peak HEADROOM_DB below full scale."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # pydub looks for an ffmpeg on the path, which WAV does not need
        from pydub import AudioSegment
        from pydub.effects import normalize
    pulses = np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2")
    return normalize(AudioSegment(pulses.tobytes(), sample_width=2, frame_rate=sample_rate, channels=1), headroom=HEADROOM_DB)
