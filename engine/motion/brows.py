"""Brows that go up with the voice, some of the time, and a slow life of their own in between."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .articulation import RATE_HZ
from .prosody import BREATH_PAUSE_S, Prosody
from .streams import stream
from .timeline import place

RISE_SHARE = 0.38
"""Share of pitch rises that carry a raise: most raises go with rises (Cave et al. 1996: 71 %), most rises go without."""
ONSET_SHARE = 0.32
"""Share of phrases after a pause that begin with a raise, pitch or no pitch."""
LEAD_S = 0.12
"""The brow moves before the word it belongs to."""

BEFORE_S, UP_S, DOWN_S = 0.15, 0.17, 0.28
"""A raise begins this long before its mark (most of it is done when the syllable sounds), rises, and falls again."""

RAISE = {"browInnerUp": 0.34, "browOuterUpLeft": 0.26, "browOuterUpRight": 0.26}
DRIFT = 0.035
MOST_RAISE = 1.6
HIGHEST_RAISE = 2.2
"""Above it the channels would be full; the filmed speaker lifts his brows further than a portrait can."""


def brow_curves(prosody: Prosody, times_s: np.ndarray, seed: int, energy: float | np.ndarray = 1.0) -> dict[str, np.ndarray]:
    """Channel -> (T,) offsets of the brows, 0 at rest. energy: 1 = an ordinary speaker; a number or (T,)."""
    rng = stream(seed, "brows")
    shape = np.zeros(len(times_s))
    starts = [(time_s - LEAD_S, RISE_SHARE) for time_s in prosody.rises_s]
    starts += [(end_s - 0.1, ONSET_SHARE) for start_s, end_s in prosody.pauses if end_s - start_s >= BREATH_PAUSE_S]
    for start_s, share in sorted(starts):
        raised, size, hold_s = rng.random() < share, rng.lognormal(-0.25, 0.45), rng.uniform(0.05, 0.35)
        if raised:
            place(
                shape,
                times_s,
                start_s - BEFORE_S,
                start_s - BEFORE_S + UP_S + hold_s + DOWN_S,
                lambda t: min(size, MOST_RAISE) * raised_brow(t - start_s + BEFORE_S, hold_s),
                np.maximum,
            )
    drift = gaussian_filter1d(rng.standard_normal((len(times_s), 3)), 0.9 * RATE_HZ, axis=0, mode="wrap")
    drift *= DRIFT * np.sqrt(2.0 * np.sqrt(np.pi) * 0.9 * RATE_HZ)
    return {
        name: np.maximum(energy * value * shape + drift[:, number], 0.0)
        for number, (name, value) in enumerate(RAISE.items())
    }


def raised_to(height: np.ndarray, energy: float | np.ndarray = 1.0) -> dict[str, np.ndarray]:
    """Channel -> (T,) of brows at `height` ((T,) in raises); lowered ones rest, high ones are bent towards HIGHEST_RAISE."""
    shape = HIGHEST_RAISE * np.tanh(np.maximum(height, 0.0) / HIGHEST_RAISE)
    return {name: energy * value * shape for name, value in RAISE.items()}


def raised_brow(time_s: np.ndarray, hold_s: float) -> np.ndarray:
    """Up, held, down again, smooth; `time_s` counts from the first movement."""
    up = np.clip(time_s / UP_S, 0.0, 1.0)
    down = np.clip((time_s - UP_S - hold_s) / DOWN_S, 0.0, 1.0)
    return (0.5 - 0.5 * np.cos(np.pi * up)) * (0.5 + 0.5 * np.cos(np.pi * down))
