"""What the sound alone says about the lips: a small convolutional network over mel spectra (training/build_lips.py)."""

from __future__ import annotations

import numpy as np

from ..progress import Progress, silent
from .mel import ground_of, mel_power, normalised
from .rows import BLOCK_ROWS, Track
from .speech import HEARD_TRACKS
from .weights import Layer, run_stack, shipped_weights

WEIGHTS = "ear.safetensors"
WEIGHTS_SHA256 = "e8c1832877d7d1e8677690822cb573c3d9cc8c1813dfe38ead44aa2156fe5252"
"""Checked when loaded; being part of the source it also tells the cache that another network would hear something else."""

LAYERS: tuple[Layer, ...] = ((2, 2, 1), (2, 1, 1), (2, 1, 1), (2, 0, 2), (2, 0, 4))
"""Reads 320 ms back and 80 ms ahead (spectra of 32 ms aside)."""

_CONTEXT_FRAMES = 20


def hear(samples: np.ndarray) -> np.ndarray:
    """(N,) samples at 16 kHz -> (N // 320 + 1, HEARD_TRACKS) float32 in -1..1, one row per HEARD_HOP_S."""
    return hear_spectra(mel_power(samples))


def hear_spectra(power: Track, *, progress: Progress = silent) -> np.ndarray:
    """The same from (T, 40) mel power (mel.py)."""
    weights = shipped_weights(WEIGHTS, WEIGHTS_SHA256)
    ground = ground_of(power)
    heard = np.empty((len(power), HEARD_TRACKS), np.float32)
    for first in range(0, len(power), BLOCK_ROWS):
        progress("lips", first, len(power))
        start, stop = max(first - _CONTEXT_FRAMES, 0), first + BLOCK_ROWS
        block = run_stack(normalised(power[start : stop + _CONTEXT_FRAMES], ground), weights, "ear", LAYERS)
        heard[first:stop] = np.tanh(block[first - start : first - start + BLOCK_ROWS])
    return heard
