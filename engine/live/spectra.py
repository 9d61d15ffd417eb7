"""Mel spectra of sound that is still coming in, and what is taken out of them while nobody knows the rest."""

from __future__ import annotations

from collections import deque

import numpy as np

from ..audio.decode import SAMPLE_RATE_HZ
from ..audio.mel import MEL_BANDS, RANGE_DB, WINDOW_SAMPLES, Ground, decibels, power_of
from ..audio.speech import HEARD_HOP_S

HOP_SAMPLES = round(HEARD_HOP_S * SAMPLE_RATE_HZ)

REMEMBERED_HOPS = 1000
"""What is loud and what is the room is read off the last 20 s."""

LEAST_LOUD_DB = -20.0
"""Sum of the bands' power below which nothing counts as loud: speech at about -55 dB re full scale."""

LOUD_OVER_FLOOR_DB = 18.0
"""Speech stands at least this far above the room: a room alone has no loud passages."""

PEAK_FALL_DB = 1.5 * HEARD_HOP_S
PEAK_OVER_LOUD_DB = 3.0
"""The first loud sound after a quiet while counts at once: 3 dB below the peak, which is forgotten at 1.5 dB a second."""

SILENT_OVER_FLOOR_DB = (6.0, 8.0)
SILENT_BELOW_LOUD_DB = (45.0, 24.0)
"""Nothing is said below the floor and 8 dB, but that limit lies 24 to 45 dB under the loud passages (as in audio/chunks.py),
and never nearer than 6 dB to the floor."""

MEANT_BELOW_LOUD_DB = 30.0
MEAN_HOPS, USUAL_HOPS = 250.0, 40.0
"""The mean spectrum is that of the last 5 s of speech; what speech usually is counts as .8 s of it at the start."""


class RunningSpectra:
    """`audio.mel.mel_power`, chunk by chunk: the same frames, each as soon as its last sample is there."""

    def __init__(self) -> None:
        self._rest = np.zeros(WINDOW_SAMPLES // 2, np.float32)

    def push(self, samples: np.ndarray) -> np.ndarray:
        """(N,) further samples -> (k, MEL_BANDS) power of the frames that are now complete."""
        self._rest = np.concatenate([self._rest, samples])
        if len(self._rest) < WINDOW_SAMPLES:
            return np.empty((0, MEL_BANDS), np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(self._rest, WINDOW_SAMPLES)[::HOP_SAMPLES]
        self._rest = self._rest[len(windows) * HOP_SAMPLES :]
        return power_of(windows).astype(np.float32)


class RunningGround:
    """`audio.mel.ground_of` for a recording of which only the past is known."""

    def __init__(self, usual_db: np.ndarray) -> None:
        """usual_db: (MEL_BANDS,) mean spectrum of speech against its loud passages, used until there is something better."""
        self._levels_db: deque[float] = deque(maxlen=REMEMBERED_HOPS)
        self._mean_db = usual_db.astype(np.float64)
        self._weight = USUAL_HOPS
        self._peak_db = -np.inf

    def take(self, power: np.ndarray) -> tuple[Ground, float, bool]:
        """Learn from one frame ((MEL_BANDS,) power). Returns what to take out of it, its level in dB against the loud
        passages, and whether it holds more than the room."""
        level_db = 10.0 * float(np.log10(power.sum() + 1e-10))
        self._levels_db.append(level_db)
        floor_db, loud_db = np.percentile(np.fromiter(self._levels_db, float), (5, 95))
        self._peak_db = max(self._peak_db - PEAK_FALL_DB, level_db - PEAK_OVER_LOUD_DB)
        loud_db = max(loud_db, self._peak_db, floor_db + LOUD_OVER_FLOOR_DB, LEAST_LOUD_DB)
        least, usual = SILENT_OVER_FLOOR_DB
        limit_db = max(np.clip(floor_db + usual, *(loud_db - np.array(SILENT_BELOW_LOUD_DB))), floor_db + least)
        if level_db > loud_db - MEANT_BELOW_LOUD_DB and level_db > limit_db:
            self._weight = min(self._weight + 1.0, MEAN_HOPS)
            self._mean_db += (decibels(power, loud_db - RANGE_DB) - loud_db - self._mean_db) / self._weight
        ground = Ground(loud_db - RANGE_DB, (self._mean_db + loud_db).astype(np.float32))
        return ground, level_db - loud_db, bool(level_db > limit_db)
