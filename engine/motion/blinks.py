"""When and how the lids close: log-normal intervals drawn to pauses and wide looks; quick down, slow up, many partial.

Intervals and rates after Bentivoglio et al. (1997), the profile after VanderWerf et al. (2003) and Trutoiu et al. (2011).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from .gaze import Shift
from .prosody import Prosody
from .streams import stream
from .timeline import place

INTERVAL_SPREAD = 0.74
"""Standard deviation of the intervals' logarithms before they are cut off. A filmed speaker: .63 over 159 intervals, with every one
longer than a shot missing (docs/models.md)."""
SHORTEST_INTERVAL_S = 0.35
LONGEST_INTERVAL_S = 12.0
"""The same speaker's longest: 10.1 s, 3 of 159 above 8 s. Rarer blinks stretch the bound to LONGEST_INTERVALS of the mean."""
LONGEST_INTERVALS = 4.4
PARTIAL_SHARE = 0.4
ATTRACTION_S = 0.9
ATTRACTION = 1.5
"""A blink waits for a pause, or hurries to it, within ATTRACTION_S and by no more than this factor of the interval that was drawn:
a fixed stretch of time would bend the law of the short intervals."""
ATTRACTED_SHARE = 0.65
WIDE_SHIFT_DEG = 11.0
DIP_DEG = np.array([0.5, -1.4])
"""During a blink the eyes dip towards the nose and down by 1-2 degrees (yaw towards the nose, pitch)."""


@dataclass(frozen=True)
class Blink:
    """One blink: lids start down at `start_s`, take down_s, stay closed_s at `depth` (1 = shut), open in up_s."""

    start_s: float
    down_s: float
    closed_s: float
    up_s: float
    depth: float


def plan_blinks(prosody: Prosody, shifts: list[Shift], seed: int, per_minute: float, frame_s: float) -> list[Blink]:
    """Blinks of a take in time order, `per_minute` on average; full ones stay shut for at least one frame of `frame_s`."""
    rng = stream(seed, "blinks")
    magnets = sorted(
        [start_s + 0.05 for start_s, _ in prosody.pauses]
        + [shift.time_s for shift in shifts if np.hypot(shift.yaw_deg, shift.pitch_deg) >= WIDE_SHIFT_DEG]
    )
    return [one_blink(rng, time_s, frame_s) for time_s in _blink_times(rng, magnets, prosody.duration_s, per_minute)]


def _blink_times(rng: np.random.Generator, magnets: list[float], duration_s: float, per_minute: float) -> Iterator[float]:
    if per_minute <= 0.0:
        return
    mean_s = 60.0 / per_minute
    marks = np.array([*magnets, np.inf])
    last_s, time_s = -mean_s, mean_s * rng.uniform(0.1, 1.0)
    while time_s < duration_s:
        near = float(marks[np.abs(marks - time_s).argmin()])
        drawn = rng.random() < ATTRACTED_SHARE and within_reach(near, time_s, last_s)
        at_s = near if drawn else time_s
        if at_s < duration_s:
            yield max(at_s, 0.0)
        last_s = at_s
        time_s = at_s + interval_s(rng, mean_s)


def within_reach(magnet_s: float, time_s: float, last_s: float) -> bool:
    """Whether a blink that would come at `time_s`, after one at `last_s`, may come at `magnet_s` instead."""
    longer = (magnet_s - last_s) / (time_s - last_s)
    return abs(magnet_s - time_s) < ATTRACTION_S and 1.0 / ATTRACTION < longer < ATTRACTION and magnet_s - last_s > SHORTEST_INTERVAL_S


def interval_s(rng: np.random.Generator, mean_s: float) -> float:
    """Seconds to the next blink: log-normal between the bounds, `mean_s` on average. Cut off, not clipped: no interval is common."""
    location, low, high = _log_normal(max(mean_s, 1.5 * SHORTEST_INTERVAL_S))
    return float(np.exp(location + INTERVAL_SPREAD * ndtri(rng.uniform(low, high))))


@functools.lru_cache(maxsize=64)
def _log_normal(mean_s: float) -> tuple[float, float, float]:
    """Mean of the logarithms for which the cut-off distribution has the mean `mean_s`, and the probabilities of its bounds."""
    bounds = np.log([SHORTEST_INTERVAL_S, max(LONGEST_INTERVAL_S, LONGEST_INTERVALS * mean_s)])

    def surplus(location: float) -> float:
        inside, weighted = (np.diff(ndtr((bounds - location) / INTERVAL_SPREAD - shift))[0] for shift in (0.0, INTERVAL_SPREAD))
        return float(np.exp(location + INTERVAL_SPREAD**2 / 2.0) * weighted / inside - mean_s)

    location = float(brentq(surplus, np.log(mean_s) - 3.0, np.log(mean_s) + 1.0))
    low, high = ndtr((bounds - location) / INTERVAL_SPREAD)
    return location, float(low), float(high)


def one_blink(rng: np.random.Generator, time_s: float, frame_s: float) -> Blink:
    """A blink that starts at `time_s`, partial or full; a full one stays shut for at least one frame of `frame_s`."""
    partial = rng.random() < PARTIAL_SHARE
    depth = rng.uniform(0.62, 0.9) if partial else 1.0
    closed_s = rng.uniform(0.010, 0.050)
    return Blink(
        time_s,
        rng.uniform(0.066, 0.090),
        closed_s if partial else max(closed_s, min(frame_s, 0.05)),
        rng.uniform(0.15, 0.24),
        depth,
    )


def lid_curve(blinks: list[Blink], times_s: np.ndarray) -> np.ndarray:
    """(T,) lid closure, 0 open .. 1 shut."""
    closure = np.zeros(len(times_s))
    for blink in blinks:
        end_s = blink.start_s + blink.down_s + blink.closed_s + blink.up_s
        place(closure, times_s, blink.start_s, end_s, lambda t: _closure(blink, t - blink.start_s), np.maximum)
    return closure


def _closure(blink: Blink, since_s: np.ndarray) -> np.ndarray:
    down = np.clip(since_s / blink.down_s, 0.0, 1.0)
    up = np.clip((since_s - blink.down_s - blink.closed_s) / blink.up_s, 0.0, 1.0)
    return blink.depth * (0.5 - 0.5 * np.cos(np.pi * down)) * (1.0 - up) ** 2 * (1.0 + 2.0 * up)
