"""Events written onto curves, each touching only its own stretch: cost grows with a take's length, not its square."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np


EXPOSURES = 5


def exposure_s(times_s: np.ndarray) -> np.ndarray:
    """(EXPOSURES,) seconds around a frame's time whose mean stands for the whole of it, as in a camera whose shutter stays open.

    A curve that is read at its frames' times alone folds what is faster than half the frame rate into slower movement: lips flicker.
    times_s: (T,) evenly spaced.
    """
    frame_s = times_s[1] - times_s[0] if len(times_s) > 1 else 0.0
    return frame_s * ((np.arange(EXPOSURES) + 0.5) / EXPOSURES - 0.5)


def exposed(curve: np.ndarray, grid_s: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """(N,) `curve` at `grid_s` -> (T,) its mean over each of the frames at `times_s`."""
    return np.interp(times_s[:, None] + exposure_s(times_s), grid_s, curve).mean(axis=1)


def place(
    curve: np.ndarray,
    times_s: np.ndarray,
    from_s: float,
    to_s: float,
    shape: Callable[[np.ndarray], np.ndarray],
    combine: np.ufunc = np.add,
) -> None:
    """Combine `shape(times)` with the part of (T,) `curve` between two times, in place; outside, the shape must be 0."""
    span = slice(np.searchsorted(times_s, from_s), np.searchsorted(times_s, to_s, side="right"))
    curve[span] = combine(curve[span], shape(times_s[span]))


def steps(times_s: np.ndarray, changes: Iterable[tuple[float, float, np.ndarray]], width: int) -> np.ndarray:
    """(T, width) sum of minimum-jerk steps (at_s, length_s, by (width,)): each moves by its change and stays there."""
    increments = np.zeros((len(times_s), width))
    for at_s, length_s, by in changes:
        span = slice(np.searchsorted(times_s, at_s), np.searchsorted(times_s, at_s + length_s) + 1)
        risen = minimum_jerk((times_s[span] - at_s) / length_s)
        increments[span] += np.diff(risen, prepend=0.0)[:, None] * by
    return np.cumsum(increments, axis=0)


def minimum_jerk(x: np.ndarray) -> np.ndarray:
    """Step from 0 to 1 over 0..1 as limbs and eyes move (Flash & Hogan 1985)."""
    x = np.clip(x, 0.0, 1.0)
    return x**3 * (10.0 - 15.0 * x + 6.0 * x * x)


def bump(x: np.ndarray) -> np.ndarray:
    """Raised cosine of width 1 around 0, 0 outside."""
    return np.where(np.abs(x) < 0.5, 0.5 + 0.5 * np.cos(2.0 * np.pi * np.clip(x, -0.5, 0.5)), 0.0)
