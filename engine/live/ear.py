"""The live ear: what the sound says about the lips, hop by hop as it comes in, 56 ms behind it.

The offline mouth looks up phones and hears 180 ms of what follows; here one small network says everything from the sound
(training/build_live.py, docs/models.md): how far the lips part and spread, whether they are sealed (p b m), whether the lip
touches the teeth (f v), whether anything is said. It gives the same whatever the sizes of the chunks.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from ..audio.mel import WINDOW_SAMPLES, normalised
from ..audio.weights import Layer, shipped_weights
from .spectra import HOP_SAMPLES, RunningGround, RunningSpectra
from .stack import RunningStack, look_ahead

WEIGHTS = "live.safetensors"
WEIGHTS_SHA256 = "fecc2fedc1dc4bca1fdca21f6c4f45e342b04ff0b70365af2de09a6e79b89985"
PREFIX, USUAL = "live", "usual"

LAYERS: tuple[Layer, ...] = ((2, 1, 1), (2, 1, 1), (2, 0, 1), (2, 0, 2), (2, 0, 4), (2, 0, 8))
"""Reads 680 ms back and 40 ms ahead (spectra of 32 ms aside)."""

WIDTH, OUTPUTS = 64, 5
WIDTH_SCALE = 2.0
LOOK_AHEAD_SAMPLES = look_ahead(LAYERS) * HOP_SAMPLES + WINDOW_SAMPLES // 2


@dataclass(frozen=True)
class Heard:
    """One hop (HEARD_HOP_S).

    gap, width: as `motion.lips.predict` gives them; sealed, touching, said: probabilities; level_db: against the loud
    passages; audible: whether there is more than the room's own noise.
    """

    gap: float
    width: float
    sealed: float
    touching: float
    said: float
    level_db: float
    audible: bool


SILENCE = Heard(0.0, 0.0, 0.0, 0.0, 0.0, -100.0, False)


class LiveEar:
    """Samples in, one `Heard` per hop out; hop n is about the time n * HEARD_HOP_S."""

    def __init__(self) -> None:
        weights = shipped_weights(WEIGHTS, WEIGHTS_SHA256)
        self._spectra = RunningSpectra()
        self._ground = RunningGround(weights[USUAL])
        self._stack = RunningStack(weights, PREFIX, LAYERS)
        self._levels: deque[tuple[float, bool]] = deque()

    def push(self, samples: np.ndarray) -> list[Heard]:
        """(N,) float32 samples at 16 kHz -> the hops that are now known, LOOK_AHEAD_SAMPLES behind the last sample."""
        rows = []
        for power in self._spectra.push(samples):
            ground, level_db, audible = self._ground.take(power)
            self._levels.append((level_db, audible))
            rows.append(normalised(power[None], ground)[0])
        if not rows:
            return []
        out = self._stack.push(np.stack(rows))
        return [_heard(row, *self._levels.popleft()) for row in out]


def _heard(row: np.ndarray, level_db: float, audible: bool) -> Heard:
    sealed, touching, said = expit(row[2:])
    return Heard(max(float(row[0]), 0.0), WIDTH_SCALE * float(row[1]), float(sealed), float(touching), float(said), level_db, audible)
