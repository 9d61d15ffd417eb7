"""Phones -> lipsTogether: lips that stand apart in the picture come together to speak.

A portrait is painted or photographed with lips apart, teeth shown, in a smile. Nobody speaks from there: between sounds lips touch
or nearly so, and every sound is as open as its jaw and lips make it. So the picture's gap closes before the first sound and comes
back when nothing more is said. On lips that are closed in the picture the channel does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..audio.speech import Phone
from .visemes import VISEMES

APPROACH_S, RETURN_S = 0.2, 0.4
"""Lips come together as slowly as a resting mouth gets ready to speak, more than twice the time of a closure within speech
(constraints.APPROACH_S), and part again as slowly as an expression returns."""
HELD_S = 1.0
"""Pauses up to this long are pauses of somebody who speaks on; also the least that lips stay together after the last sound, live."""


def lips_together(phones: Iterable[Phone], times_s: np.ndarray) -> np.ndarray:
    """(T,) lipsTogether 0..1 at `times_s` (T,): 1 from the start to the end of every run of sounds with no pause longer than HELD_S."""
    together = np.zeros(len(times_s))
    for start_s, end_s in spoken_runs(phones):
        outside = np.maximum((start_s - times_s) / APPROACH_S, (times_s - end_s) / RETURN_S)
        together = np.maximum(together, 0.5 + 0.5 * np.cos(np.pi * np.clip(outside, 0.0, 1.0)))
    return together


def spoken_runs(phones: Iterable[Phone]) -> list[tuple[float, float]]:
    """(start_s, end_s) of the stretches in which sounds that lips take part in follow one another without a pause of HELD_S."""
    runs: list[tuple[float, float]] = []
    for phone in sorted((phone for phone in phones if phone.label in VISEMES), key=lambda phone: phone.start_s):
        if runs and phone.start_s - runs[-1][1] <= HELD_S:
            runs[-1] = (runs[-1][0], max(runs[-1][1], phone.end_s))
        else:
            runs.append((phone.start_s, phone.end_s))
    return runs
