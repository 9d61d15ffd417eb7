"""Where a recording is quiet, and where it may be cut into pieces without cutting a sound."""

from __future__ import annotations

import numpy as np

from .speech import HOP_S

LONGEST_CHUNK_S = 20.0
SHORTEST_CHUNK_S = 6.0
SHORTEST_QUIET_S = 0.12
"""Longer than the closure of a stop (50-100 ms), which is quiet too but belongs to its phone."""

_QUIET_ABOVE_FLOOR_DB = 8.0
_QUIET_BELOW_SPEECH_DB = 24.0
_SMOOTH_HOPS = 20


def quiet_threshold_db(levels_db: np.ndarray) -> float:
    """Level below which nothing is said: just over the noise floor, but always well under the loud passages."""
    floor, loud = np.percentile(levels_db, [5, 95])
    return float(np.clip(floor + _QUIET_ABOVE_FLOOR_DB, loud - 45.0, loud - _QUIET_BELOW_SPEECH_DB))


def quiet_runs(levels_db: np.ndarray, shortest_s: float = SHORTEST_QUIET_S) -> list[tuple[float, float]]:
    """(start_s, end_s) of every stretch below the quiet threshold that lasts at least `shortest_s`."""
    below = np.concatenate([[False], levels_db < quiet_threshold_db(levels_db), [False]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(below)).reshape(-1, 2)
    return [(start * HOP_S, end * HOP_S) for start, end in edges if (end - start) * HOP_S >= shortest_s]


def split_at_pauses(levels_db: np.ndarray, duration_s: float) -> list[tuple[float, float]]:
    """Contiguous (start_s, end_s) pieces of at most LONGEST_CHUNK_S, each cut at the quietest moment within reach."""
    smooth = np.convolve(levels_db, np.ones(_SMOOTH_HOPS) / _SMOOTH_HOPS, mode="same")
    pieces, start_s = [], 0.0
    while duration_s - start_s > LONGEST_CHUNK_S:
        first = round((start_s + SHORTEST_CHUNK_S) / HOP_S)
        last = round(min(start_s + LONGEST_CHUNK_S, duration_s - 1.0) / HOP_S)
        cut_s = (first + int(np.argmin(smooth[first:last]))) * HOP_S
        pieces.append((start_s, cut_s))
        start_s = cut_s
    return [*pieces, (start_s, duration_s)]
