"""Movements that begin at a moment and take their time, kept only as long as they last."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..motion.blinks import Blink, lid_curve
from ..motion.timeline import bump, place, steps


@dataclass
class Glide:
    """A posture of `width` numbers that changes in minimum-jerk moves."""

    width: int
    _base: np.ndarray = field(init=False)
    _moves: list[tuple[float, float, np.ndarray]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._base = np.zeros(self.width)

    @property
    def goal(self) -> np.ndarray:
        """(width,) where it comes to rest."""
        return self._base + sum((by for _, _, by in self._moves), np.zeros(self.width))

    def go(self, at_s: float, length_s: float, goal: np.ndarray) -> None:
        """Move to `goal` between two times."""
        self._moves.append((at_s, length_s, goal - self.goal))

    def at(self, times_s: np.ndarray) -> np.ndarray:
        """(T, width); times never go back by more than a frame, so finished moves become the base."""
        while self._moves and sum(self._moves[0][:2]) < times_s[0] - 1.0:
            self._base = self._base + self._moves.pop(0)[2]
        return self._base + steps(times_s, self._moves, self.width)


@dataclass
class Bumps:
    """Raised-cosine movements of one quantity that add up: nods, breaths."""

    _bumps: list[tuple[float, float, float]] = field(default_factory=list)

    def add(self, centre_s: float, length_s: float, size: float) -> None:
        self._bumps.append((centre_s, length_s, size))

    def at(self, times_s: np.ndarray) -> np.ndarray:
        """(T,) their sum."""
        self._bumps = [b for b in self._bumps if b[0] + b[1] / 2 > times_s[0] - 1.0]
        total = np.zeros(len(times_s))
        for centre_s, length_s, size in self._bumps:
            place(total, times_s, centre_s - length_s / 2, centre_s + length_s / 2,
                  lambda t: size * bump((t - centre_s) / length_s))
        return total


@dataclass
class Lids:
    """The blinks that are under way."""

    _blinks: list[Blink] = field(default_factory=list)

    def add(self, blink: Blink) -> None:
        self._blinks.append(blink)

    def at(self, times_s: np.ndarray) -> np.ndarray:
        """(T,) closure, 0 open .. 1 shut."""
        self._blinks = [b for b in self._blinks if b.start_s + b.down_s + b.closed_s + b.up_s > times_s[0] - 1.0]
        return lid_curve(self._blinks, times_s)
