"""Brows that go up with the voice as it rises, some of the time, over a slow life of their own."""

from __future__ import annotations

import numpy as np

from ..audio.speech import HEARD_HOP_S
from ..motion import brows
from ..motion.prosody import LONG_PAUSE_S
from ..motion.streams import stream
from ..motion.timeline import place
from .moments import Moments
from .noise import RunningBand

LONGEST_HOLD_S = 0.35


class LiveBrows:
    """Raises on pitch rises and after long pauses; a drift per hop."""

    def __init__(self, seed: int) -> None:
        self._rng = stream(seed, "live brows")
        self._drift = RunningBand(stream(seed, "live brow drift"), len(brows.RAISE), 0.05, 0.3, 1.0 / HEARD_HOP_S)
        self._raises: list[tuple[float, float, float]] = []

    def step(self, time_s: float, moments: Moments) -> np.ndarray:
        """(3,) drift of the channels of RAISE in this hop; raises begin here."""
        onset = moments.onset_after_s is not None and moments.onset_after_s >= LONG_PAUSE_S
        if moments.rise or onset:
            share = brows.RISE_SHARE if moments.rise else brows.ONSET_SHARE
            raised, size = self._rng.random() < share, self._rng.lognormal(-0.25, 0.45)
            hold_s = self._rng.uniform(0.05, LONGEST_HOLD_S)
            if raised:
                self._raises.append((time_s, hold_s, min(size, brows.MOST_RAISE)))
        return self._drift.step() * brows.DRIFT

    def curves(self, drift: np.ndarray, times_s: np.ndarray, energy: float) -> dict[str, np.ndarray]:
        """Channel -> (T,) offsets. drift: (T, 3)."""
        longest_s = brows.UP_S + LONGEST_HOLD_S + brows.DOWN_S
        self._raises = [item for item in self._raises if item[0] + longest_s > times_s[0] - 1.0]
        shape = np.zeros(len(times_s))
        for start_s, hold_s, size in self._raises:
            end_s = start_s + brows.UP_S + hold_s + brows.DOWN_S
            place(shape, times_s, start_s, end_s, lambda t: size * brows.raised_brow(t - start_s, hold_s), np.maximum)
        return {name: np.maximum(energy * value * shape + drift[:, number], 0.0)
                for number, (name, value) in enumerate(brows.RAISE.items())}
