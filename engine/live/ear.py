"""The live ear: what the sound says about the lips, hop by hop as it comes in, 56 ms behind it.

The offline mouth looks up phones and hears 180 ms of what follows. Here one small network says from the sound how far the lips
part and spread, whether the lip touches the teeth (f v), whether anything is said (training/build_live.py, docs/models.md); whether
the lips are sealed (p b m), and what is breath or laughter, is told by the phone network (audio/phone_stream.py), which has heard
many more people. Its newest answer is 10 - 20 ms older than the other's: nothing waits for it. Same whatever the sizes of the chunks.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from ..audio.heard import LABELS, label_chances
from ..audio.mel import MEL_BANDS, WINDOW_SAMPLES, normalised
from ..audio.phone_stream import PhoneStream
from ..audio.sounds import BREATH, LAUGHTER
from ..audio.speech import HEARD_HOP_S, HOP_S
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


_SEALED = [LABELS.index(label) for label in ("P", "B", "M")]
_BREATH, _LAUGHTER = LABELS.index(BREATH), LABELS.index(LAUGHTER)
_ROWS = round(HEARD_HOP_S / HOP_S)
"""Answers of the phone network to a hop."""


@dataclass(frozen=True, eq=False)
class Heard:
    """One hop (HEARD_HOP_S).

    gap, width: as `motion.lips.predict` gives them; sealed, touching, said, breath, laughter: probabilities; level_db: against the
    loud passages; audible: whether there is more than the room's own noise; power: (MEL_BANDS,) mel power.
    """

    gap: float
    width: float
    sealed: float
    touching: float
    said: float
    level_db: float
    audible: bool
    breath: float
    laughter: float
    power: np.ndarray


SILENCE = Heard(0.0, 0.0, 0.0, 0.0, 0.0, -100.0, False, 0.0, 0.0, np.zeros(MEL_BANDS, np.float32))


class LiveEar:
    """Samples in, one `Heard` per hop out; hop n is about the time n * HEARD_HOP_S."""

    def __init__(self) -> None:
        weights = shipped_weights(WEIGHTS, WEIGHTS_SHA256)
        self._spectra = RunningSpectra()
        self._ground = RunningGround(weights[USUAL])
        self._stack = RunningStack(weights, PREFIX, LAYERS)
        self._phones, self._chances = PhoneStream(), deque(np.zeros((_ROWS, len(LABELS)), np.float32))
        self._levels: deque[tuple[float, bool, np.ndarray]] = deque()

    def push(self, samples: np.ndarray) -> list[Heard]:
        """(N,) float32 samples at 16 kHz -> the hops that are now known, LOOK_AHEAD_SAMPLES behind the last sample."""
        self._chances += list(label_chances(self._phones.push(samples)))
        rows = []
        for power in self._spectra.push(samples):
            ground, level_db, audible = self._ground.take(power)
            self._levels.append((level_db, audible, power))
            rows.append(normalised(power[None], ground)[0])
        if not rows:
            return []
        out = self._stack.push(np.stack(rows))
        return [_heard(row, np.array([self._chances.popleft() for _ in range(_ROWS)]), *self._levels.popleft()) for row in out]


def _heard(row: np.ndarray, chances: np.ndarray, level_db: float, audible: bool, power: np.ndarray) -> Heard:
    """One hop from (OUTPUTS,) `row` and the phone network's (_ROWS, len(LABELS)) `chances` of the hop before."""
    touching, said = expit(row[3:])  # row[2] is its own guess at a seal, with three times as many false ones
    sealed, breath, laughter = chances[:, _SEALED].sum(axis=1).max(), chances[:, _BREATH].mean(), chances[:, _LAUGHTER].mean()
    return Heard(max(float(row[0]), 0.0), WIDTH_SCALE * float(row[1]), float(sealed), float(touching), float(said), level_db, audible,
                 float(breath), float(laughter), power)
