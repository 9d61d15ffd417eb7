"""Where the eyes look and when they blink while the voice comes: the rules of `motion.gaze` and `motion.blinks`, without a plan.

Holds and aversions after Lee, Badler & Badler (2002): talking 3.1 s and .9 s, listening 7.9 s and .43 s.
"""

from __future__ import annotations

import numpy as np

from ..motion import blinks, gaze
from ..motion.direction import Direction
from ..motion.prosody import LONG_PAUSE_S
from ..motion.streams import stream
from .events import Glide, Lids
from .moments import Moments

LISTENING_S = 1.5
"""A pause longer than this is listening: the look rests on the other."""
LISTENING_HOLD_S, LISTENING_AVERSION_S = 7.9, 0.43
BACK_AFTER_S = 0.35
"""Whoever has finished looks at the other: an aversion ends when the voice has rested this long."""
ONSET_AVERSION_SHARE = 0.45


class LiveGaze:
    """Saccades, and the head's part in wide ones."""

    def __init__(self, seed: int, direction: Direction) -> None:
        self._rng = stream(seed, "live gaze")
        self._aversion = direction.aversion_rate if direction.aversion else 0.0
        self._eyes, self._neck = Glide(2), Glide(3)
        self._away = False
        self._until_s = self._hold_s(False)
        self._fixation_s = self._next_fixation_s(0.0)
        self._since_s = 0.0

    def step(self, time_s: float, moments: Moments, *, listens: bool = False) -> float:
        """Look somewhere else if it is time to; degrees of the saccade that begins now, 0 if none. listens: somebody else speaks."""
        listening = listens or moments.pause_s >= LISTENING_S
        if self._away and (time_s >= self._until_s or BACK_AFTER_S <= moments.pause_s < LISTENING_S):
            return self._back(time_s, listening)
        rested = time_s - self._since_s >= gaze.SHORTEST_HOLD_S
        starts = moments.onset_after_s is not None and moments.onset_after_s >= LONG_PAUSE_S
        if not self._away and rested and (time_s >= self._until_s or (starts and self._rng.random() < ONSET_AVERSION_SHARE)):
            if self._rng.random() < self._aversion:
                return self._avert(time_s, listening)
            self._until_s = time_s + self._hold_s(listening)
        if not self._away and time_s >= self._fixation_s:
            self._fixation_s = self._next_fixation_s(time_s)
            return self._look(time_s, self._rng.standard_normal(2) * gaze.FIXATION_SPREAD_DEG)
        return 0.0

    def _back(self, time_s: float, listening: bool) -> float:
        self._away, self._since_s, self._until_s = False, time_s, time_s + self._hold_s(listening)
        self._neck.go(time_s + gaze.HEAD_LAG_S, gaze.HEAD_TURN_S, np.zeros(3))
        return self._look(time_s, np.zeros(2))

    def _avert(self, time_s: float, listening: bool) -> float:
        goal = gaze.aversion_goal(self._rng)
        mean_s = LISTENING_AVERSION_S if listening else gaze.AVERSION_S
        self._away, self._since_s = True, time_s
        self._until_s = time_s + max(self._rng.gamma(3.0, mean_s / 3.0), 0.25)
        if np.hypot(*goal) >= gaze.HEAD_FOLLOWS_FROM_DEG:
            self._neck.go(time_s + gaze.HEAD_LAG_S, gaze.HEAD_TURN_S, np.append(gaze.HEAD_SHARE * goal, 0.0))
        return self._look(time_s, goal)

    def _look(self, time_s: float, goal: np.ndarray) -> float:
        size = float(np.linalg.norm(goal - self._eyes.goal))
        self._eyes.go(time_s, gaze.saccade_s(size), goal)
        return size

    def _hold_s(self, listening: bool) -> float:
        return max(self._rng.gamma(2.0, (LISTENING_HOLD_S if listening else gaze.HOLD_S) / 2.0), gaze.SHORTEST_HOLD_S)

    def _next_fixation_s(self, time_s: float) -> float:
        return time_s + max(self._rng.gamma(2.5, gaze.FIXATION_S / 2.5), 0.2)

    def offset(self, times_s: np.ndarray) -> np.ndarray:
        """(T, 2) yaw, pitch off the target in degrees."""
        return self._eyes.at(times_s)

    def neck(self, times_s: np.ndarray) -> np.ndarray:
        """(T, 3) degrees by which the head joins in."""
        return self._neck.at(times_s)


class LiveBlinks:
    """Log-normal intervals, drawn to pauses and wide looks that come soon enough."""

    def __init__(self, seed: int, per_minute: float, frame_s: float) -> None:
        self._rng = stream(seed, "live blinks")
        self._mean_s = 60.0 / per_minute if per_minute > 0.0 else np.inf
        self._frame_s = frame_s
        self._lids = Lids()
        self.last_s = -self._mean_s
        self._next_s = self._mean_s * self._rng.uniform(0.1, 1.0) if np.isfinite(self._mean_s) else np.inf

    def step(self, time_s: float, moments: Moments, shift_deg: float) -> None:
        """Blink now if it is time to, or if this is a good moment and it soon will be."""
        magnet = moments.began_pause or shift_deg >= blinks.WIDE_SHIFT_DEG
        drawn = magnet and blinks.within_reach(time_s, self._next_s, self.last_s) and self._rng.random() < blinks.ATTRACTED_SHARE
        if drawn or time_s >= self._next_s:
            self._lids.add(blinks.one_blink(self._rng, time_s, self._frame_s))
            self.last_s = time_s
            self._next_s = time_s + blinks.interval_s(self._rng, self._mean_s)

    def closure(self, times_s: np.ndarray) -> np.ndarray:
        """(T,) closure, 0 open .. 1 shut."""
        return self._lids.at(times_s)
