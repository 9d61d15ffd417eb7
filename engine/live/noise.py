"""Noise without an end: the slow wandering of head and brows, made hop by hop with the same spectrum as the offline one."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfilt

WARM_UP_S = 40.0
BLOCK = 50
"""Values made at a time."""


class RunningBand:
    """Gaussian noise of unit variance, confined to low_hz .. high_hz and falling as 1/f inside, as `motion.head` makes it."""

    def __init__(self, rng: np.random.Generator, columns: int, low_hz: float, high_hz: float, rate_hz: float) -> None:
        sections = [butter(1, low_hz, "low", fs=rate_hz, output="sos"), butter(2, low_hz, "high", fs=rate_hz, output="sos")]
        if high_hz < 0.45 * rate_hz:
            sections.append(butter(4, high_hz, "low", fs=rate_hz, output="sos"))
        self._sections = np.concatenate(sections)
        impulse = np.zeros(round(WARM_UP_S * rate_hz))
        impulse[0] = 1.0
        self._gain = 1.0 / float(np.linalg.norm(sosfilt(self._sections, impulse)))
        self._rng, self._state = rng, np.zeros((len(self._sections), 2, columns))
        self._ready = iter(self._block(round(WARM_UP_S * rate_hz))[:0])

    def step(self) -> np.ndarray:
        """The next (columns,) values."""
        value = next(self._ready, None)
        if value is None:
            self._ready = iter(self._block(BLOCK))
            value = next(self._ready)
        return value

    def _block(self, count: int) -> np.ndarray:
        white = self._rng.standard_normal((count, self._state.shape[2]))
        values, self._state = sosfilt(self._sections, white, axis=0, zi=self._state)
        return values * self._gain
