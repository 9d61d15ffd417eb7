"""The head while it talks and listens: the wandering, swaying and nodding of `motion.head`, made as the voice comes."""

from __future__ import annotations

import numpy as np

from ..audio.speech import HEARD_HOP_S
from ..motion import head
from ..motion.prosody import BREATH_PAUSE_S, LONG_PAUSE_S
from ..motion.reactions import LAUGH_NOTE_DEG
from ..motion.streams import stream
from .events import Bumps, Glide
from .moments import Moments
from .noise import RunningBand

RATE_HZ = 1.0 / HEARD_HOP_S
ACTIVE_S = 0.25
"""Time in which sway wakes up and calms down when speech begins and ends."""

NOD_S = 0.55
NOD_DELAY_S = 0.06
IDLE_BREATH_S = (3.0, 4.6)
"""Breaths at rest come this far apart (13 - 20 a minute); only the one before a phrase would show, and nobody knows it yet."""
IDLE_BREATH_SIZE = 0.6
LAUGH_NOTE_S = 0.17


class LiveHead:
    """Rotation, translation and breath, hop by hop."""

    def __init__(self, seed: int, pace: float = 1.0) -> None:
        rng, self._pace = stream(seed, "live head"), pace
        self._wander, self._sway, self._tremble, self._swell, self._drift = (
            RunningBand(rng, columns, rate * low_hz, rate * high_hz, RATE_HZ)
            for columns, low_hz, high_hz, rate in (
                (3, 0.1, 0.9, pace), (3, 0.9, 2.0, pace), (3, 2.0, 4.5, pace), (1, 0.05, 0.5, 1.0), (3, 0.05, 0.5, 1.0)))
        self._rng = stream(seed, "live posture")
        self._posture, self._nods, self._breaths = Glide(3), Bumps(), Bumps()
        self._listener = stream(seed, "live listener nods")
        self._active = 0.0
        self._next_breath_s, self._next_shift_s, self._next_nod_s = 1.0, np.inf, np.inf

    def step(self, time_s: float, moments: Moments, speaking: float, *, listens: bool = False, breathes: bool = False) -> np.ndarray:
        """(6,) wandering rotation in degrees and drift in metres at `time_s`; plans what the moment calls for.

        listens: somebody else speaks. breathes: a breath has just become audible.
        """
        self._active += (speaking - self._active) * HEARD_HOP_S / ACTIVE_S
        swell = float(np.exp(head.LIVELINESS_SPREAD * self._swell.step()[0]))
        lively = self._sway.step() * head.SWAY_DEG + self._tremble.step() * head.TREMBLE_DEG
        active = head.STILL_IN_PAUSES + (1.0 - head.STILL_IN_PAUSES) * self._active
        self._plan(time_s, moments)
        self._breathe(time_s, moments.pause_s, breathes)
        self._listen(time_s, moments.pause_s, listens)
        rotation = self._wander.step() * head.WANDER_DEG + lively * active * swell
        return np.concatenate([rotation, self._drift.step() * head.SWAY_M])

    def _plan(self, time_s: float, moments: Moments) -> None:
        if moments.onset_after_s is not None:
            long = moments.onset_after_s >= LONG_PAUSE_S
            moves, pace = self._rng.random() < (0.9 if long else 0.55), self._rng.uniform(0.8, 1.3)
            goal = self._rng.standard_normal(3) * head.SHIFT_DEG * (1.0 if long else 0.6)
            if moves:
                self._posture.go(time_s, head.SHIFT_S * pace / self._pace, goal)
        if moments.stress:
            nodding, size = self._rng.random() < 0.35 + 0.2 * moments.stress, self._rng.lognormal(-0.1, 0.4)
            if nodding:
                depth = head.NOD_DEG * size * (0.6 + 0.4 * moments.stress)
                self._nods.add(time_s + NOD_DELAY_S + NOD_S / 2, NOD_S, depth)

    def _breathe(self, time_s: float, pause_s: float, audible: bool) -> None:
        """Draw breath with the one that is heard, or in a pause when it is time to."""
        if audible or (pause_s >= BREATH_PAUSE_S and time_s >= self._next_breath_s):
            self._breaths.add(time_s + head.INHALE_S / 2, head.INHALE_S, 1.0 if audible or pause_s < LONG_PAUSE_S else IDLE_BREATH_SIZE)
            self._next_breath_s = time_s + self._rng.uniform(*IDLE_BREATH_S)

    def _listen(self, time_s: float, pause_s: float, listens: bool) -> None:
        """In a long silence one shifts now and then; who listens to somebody nods."""
        if pause_s < head.IDLE_S / 2:
            self._next_shift_s = time_s + self._idle_s()
        elif time_s >= self._next_shift_s:
            length_s = head.SHIFT_S * self._listener.uniform(0.8, 1.3) / self._pace
            self._posture.go(time_s, length_s, self._listener.standard_normal(3) * head.SHIFT_DEG)
            self._next_shift_s = time_s + self._idle_s()
        if not listens:
            self._next_nod_s = np.inf
        elif not np.isfinite(self._next_nod_s):
            self._next_nod_s = time_s + self._listener.gamma(3.0, head.LISTENER_NODS_APART_S / 6.0)
        elif time_s >= self._next_nod_s:
            self._next_nod_s = head.nod_as_listener(self._listener, time_s, self._nods.add)

    def _idle_s(self) -> float:
        return float(np.clip(self._listener.gamma(4.0, head.IDLE_S / 4.0), 2.0, 1.5 * head.IDLE_S))

    def laugh_note(self, time_s: float, size: float) -> None:
        """The nod of one note of a laugh."""
        self._nods.add(time_s + LAUGH_NOTE_S / 2, LAUGH_NOTE_S, size * LAUGH_NOTE_DEG)

    def rotation(self, wandering: np.ndarray, times_s: np.ndarray, energy: float) -> np.ndarray:
        """(T, 3) degrees: the wandering (T, 3) of the hops with everything planned on it, within what a neck allows."""
        motion = wandering + self._posture.at(times_s)
        motion[:, head.PITCH] -= self._nods.at(times_s)
        return head.within_reach(motion, energy**0.5)

    def breath(self, times_s: np.ndarray) -> np.ndarray:
        """(T,) 0..1 drawing breath."""
        return self._breaths.at(times_s)
