"""What a direction asks for at one moment of the clock. Its keys are known beforehand, so they are followed live as they are offline."""

from __future__ import annotations

import numpy as np

from ..motion.course import gaze_course, number_course
from ..motion.direction import Direction
from ..motion.gaze import HEAD_LAG_S
from ..motion.generate import EYES_TURN_S, HEAD_TURNS_S, LEANING_S
from ..motion.moods import BLEND_S

_AROUND = np.arange(-16, 17) / 8.0
"""Moments, in units of the time over which corners are rounded, that decide about the one in the middle."""
_HERE = len(_AROUND) // 2


class LiveCourse:
    """The controls of a direction that change with time."""

    def __init__(self, direction: Direction) -> None:
        self._direction = direction

    def energy(self, time_s: float) -> float:
        """How lively the delivery is."""
        wanted = self._direction
        return float(number_course(wanted.energy_over_time, wanted.energy, time_s + BLEND_S * _AROUND, BLEND_S)[_HERE])

    def distance(self, time_s: float) -> float:
        """Distance of the head, 1 = as in the picture."""
        wanted = self._direction
        return float(number_course(wanted.distance_over_time, wanted.distance, time_s + LEANING_S * _AROUND, LEANING_S)[_HERE])

    def eyes_target_deg(self, time_s: float) -> np.ndarray:
        """(2,) yaw, pitch to which the look is sent."""
        return self._target(time_s, EYES_TURN_S, 0.0)

    def head_target_deg(self, time_s: float) -> np.ndarray:
        """(2,) the same as the head follows it: later and slower."""
        return self._target(time_s, HEAD_TURNS_S, HEAD_LAG_S + HEAD_TURNS_S / 2)

    def _target(self, time_s: float, soften_s: float, late_s: float) -> np.ndarray:
        wanted = self._direction
        constant = (wanted.gaze_yaw, wanted.gaze_pitch)
        return gaze_course(wanted.gaze_over_time, constant, time_s + soften_s * _AROUND, soften_s, late_s)[_HERE]

    def listens(self, time_s: float) -> bool:
        """Whether somebody else speaks and this one listens, as the direction says."""
        return any(span.start_s <= time_s < span.end_s for span in self._direction.listening)
