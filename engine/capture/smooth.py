"""Smoothing that comes neither late nor early, and bridges what was not seen: Kalman filter forwards, smoother backwards.

A constant-velocity model, smoothed after Rauch, Tung & Striebel (1965). In its middle it passes frequencies as
1 / (1 + (f / f_half)^4) without shifting them in time; where nothing was measured it goes on as its neighbours move.
"""

from __future__ import annotations

import numpy as np


def smooth(values: np.ndarray, fps: float, half_hz: float) -> np.ndarray:
    """(T, D) curves, NaN in rows where nothing was seen -> (T, D) without NaN; frequencies at `half_hz` are halved.

    Before the first and after the last row that was seen the curves stand still.
    """
    seen = np.isfinite(values).all(axis=1)
    first, last = np.flatnonzero(seen)[[0, -1]]
    inside = _smoothed(values[first : last + 1].astype(float), seen[first : last + 1], fps, half_hz)
    return np.concatenate([np.repeat(inside[:1], first, axis=0), inside, np.repeat(inside[-1:], len(values) - 1 - last, axis=0)])


def _smoothed(values: np.ndarray, seen: np.ndarray, fps: float, half_hz: float) -> np.ndarray:
    step = 1.0 / fps
    move = np.array([[1.0, step], [0.0, 1.0]])
    push = step * (2.0 * np.pi * half_hz) ** 4 * np.array([[step**3 / 3.0, step**2 / 2.0], [step**2 / 2.0, step]])
    states, spreads, expected, expected_spreads = _forwards(values, seen, move, push)
    smooth_state = states[-1]
    out = np.empty_like(values)
    out[-1] = smooth_state[0]
    for t in range(len(values) - 2, -1, -1):
        gain = spreads[t] @ move.T @ np.linalg.inv(expected_spreads[t + 1])
        smooth_state = states[t] + gain @ (smooth_state - expected[t + 1])
        out[t] = smooth_state[0]
    return out


def _forwards(values: np.ndarray, seen: np.ndarray, move: np.ndarray, push: np.ndarray) -> tuple[np.ndarray, ...]:
    """States (T, 2, D) and spreads (T, 2, 2) after and before each measurement; the noise of a measurement is 1."""
    count, width = values.shape
    states, expected = np.zeros((count, 2, width)), np.zeros((count, 2, width))
    spreads, expected_spreads = np.zeros((count, 2, 2)), np.zeros((count, 2, 2))
    state, spread = np.stack([values[0], np.zeros(width)]), np.diag([1.0, 100.0])
    for t in range(count):
        if t:
            state, spread = move @ state, move @ spread @ move.T + push
        expected[t], expected_spreads[t] = state, spread
        if seen[t]:
            gain = spread[:, :1] / (spread[0, 0] + 1.0)
            state = state + gain * (values[t] - state[0])
            spread = spread - gain @ spread[:1]
        states[t], spreads[t] = state, spread
    return states, spreads, expected, expected_spreads


def gaps(seen: np.ndarray) -> list[tuple[int, int]]:
    """(start, stop) of every run of frames in which nothing was seen."""
    missing = np.concatenate([[False], ~seen, [False]]).astype(np.int8)
    return [(int(start), int(stop)) for start, stop in np.flatnonzero(np.diff(missing)).reshape(-1, 2)]
