"""Phones, or a mouth that moves -> lipsTogether: lips that stand apart in the picture come together to speak.

A portrait is painted or photographed with lips apart, teeth shown, in a smile. Nobody speaks from there: between sounds lips touch
or nearly so, and every sound is as open as its jaw and lips make it. So the picture's gap closes before the first sound and comes
back when nothing more is said. On lips that are closed in the picture the channel does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...common.channels import TOGETHER, own_of
from ..audio.speech import Phone
from .clip import CHANNEL_INDEX
from .visemes import VISEMES

APPROACH_S, RETURN_S = 0.2, 0.4
"""Lips come together as slowly as a resting mouth gets ready to speak, more than twice the time of a closure within speech
(constraints.APPROACH_S), and part again as slowly as an expression returns."""
HELD_S = 1.0
"""Lips stay together this long after a sound: who pauses for less speaks on."""
LONGEST_PAUSE_S = HELD_S + RETURN_S + APPROACH_S
"""In a shorter one they would no sooner be apart than come together again."""

SPEAKING = ("jawOpen", "mouthFunnel", "mouthPucker", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft",
            "mouthUpperUpRight", "mouthRollLower", "mouthRollUpper")
MOVES, LEAST_MOVED_S = 0.06, 0.08
"""Where no sounds are known, one of these channels above the first for the second long is somebody speaking: expressions smile, press
and stretch, but do not open the mouth for long without a sound."""


def lips_together(phones: Iterable[Phone], times_s: np.ndarray) -> np.ndarray:
    """(T,) lipsTogether 0..1 at `times_s` (T,): 1 from the start of every run of sounds with no pause longer than
    LONGEST_PAUSE_S until HELD_S after its end."""
    spoken = sorted((phone.start_s, phone.end_s) for phone in phones if phone.label in VISEMES)
    return _together(_runs(spoken), times_s)


def together_of_mouth(channels: np.ndarray, fps: float) -> np.ndarray:
    """(T,) lipsTogether of a performance of which only ARKit's channels (T, 52) are known: 1 while its mouth moves as in speech."""
    moves = channels[:, [CHANNEL_INDEX[name] for name in SPEAKING]].max(axis=1) > MOVES
    edges = np.flatnonzero(np.diff(np.concatenate([[False], moves, [False]]).astype(np.int8)))
    spans = [(start / fps, stop / fps) for start, stop in zip(edges[::2], edges[1::2]) if stop - start >= LEAST_MOVED_S * fps]
    return np.maximum(_together(_runs(spans), np.arange(len(channels)) / fps), own_of(channels)[:, TOGETHER])


def _together(runs: list[tuple[float, float]], times_s: np.ndarray) -> np.ndarray:
    """(T,) 1 within the runs, (start_s, end_s) each, with a slow approach and return."""
    together = np.zeros(len(times_s))
    for start_s, end_s in runs:
        outside = np.maximum((start_s - times_s) / APPROACH_S, (times_s - end_s - HELD_S) / RETURN_S)
        together = np.maximum(together, 0.5 + 0.5 * np.cos(np.pi * np.clip(outside, 0.0, 1.0)))
    return together


def _runs(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """`spans`, (start_s, end_s) in the order of time, joined over pauses up to LONGEST_PAUSE_S."""
    runs: list[tuple[float, float]] = []
    for start_s, end_s in spans:
        if runs and start_s - runs[-1][1] <= LONGEST_PAUSE_S:
            runs[-1] = (runs[-1][0], max(runs[-1][1], end_s))
        else:
            runs.append((start_s, end_s))
    return runs
