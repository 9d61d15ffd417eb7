"""The performance network: head and brows drawn from a distribution that was learned from a filmed speaker.

A transformer moves noise to movement in a few steps, window after window, each beginning as the last one ended; it is told
how wide the mouth is open and whether somebody speaks, nothing else, because its footage has no sound (docs/models.md).
Trained by training/build_performance.py; conditional flow matching after Lipman et al. (2023). Guidance (Ho & Salimans 2022),
for which it was trained, changed nothing that could be measured and is left out. Blinks and translation, which it also makes,
are worse than the simulator's or cannot be compared, and are not used.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..audio.weights import gelu, shipped_weights
from .lips import seen_gap
from .streams import stream

WEIGHTS = "performance.safetensors"
WEIGHTS_SHA256 = "5f15659179fd3c75ffa869288b7e2877e8dc01a6952ea3a5b26bb391d506b076"

RATE_HZ = 25
WINDOW, PATCH, KNOWN = 128, 4, 32
"""Frames of a window, of a token, and of the window before that a window is given."""
WIDTH, LAYERS, HEADS, STEPS = 128, 4, 4, 10
_YAW_PITCH_ROLL, _BROWS = slice(0, 3), 6
UNITS = np.array([10.0, 5.0, 4.5, 0.02, 0.01, 0.02, 1.5, 0.25], np.float32)
"""What the network calls 1: yaw, pitch, roll (deg), x, y, z (m), brows (raises), blinks (height of the bump of a blink)."""
MOVES, SPEAKS = len(UNITS), 2
SMOOTH_S = 0.04
"""The network's frames are joined by a curve as smooth as its footage was."""
WIDE_PERCENTILE, WIDEST = 90, 2.0
SHORTEST_GAP = 0.02
"""A mouth that never opens further (inter-ocular distances) is not made larger."""


def mouth_of(curves: Mapping[str, np.ndarray], speaking: np.ndarray) -> np.ndarray:
    """(T, SPEAKS): how wide the mouth of the constrained curves opens, 1 in its wide vowels, and whether somebody speaks."""
    gap = np.maximum(seen_gap(dict(curves)), 0.0)
    talking = speaking > 0.5
    wide = np.percentile(gap[talking], WIDE_PERCENTILE) if talking.any() else 0.0
    return np.column_stack([np.clip(gap / max(wide, SHORTEST_GAP), 0.0, WIDEST), talking]).astype(np.float32)


def head_and_brows(mouth: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(T, 3) yaw, pitch, roll in degrees and (T,) height of the brows in raises, at RATE_HZ, for (T, SPEAKS) of `mouth_of`."""
    made = perform(shipped_weights(WEIGHTS, WEIGHTS_SHA256), mouth, stream(seed, "network"))
    return made[:, _YAW_PITCH_ROLL], made[:, _BROWS]


def perform(weights: Mapping[str, np.ndarray], mouth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T, MOVES) movement at RATE_HZ, in degrees, metres and so on, for (T, SPEAKS) of `mouth_of` at the same rate."""
    frames = len(mouth)
    padded = np.pad(mouth, ((0, WINDOW), (0, 0)), mode="edge")
    made = np.zeros((frames + WINDOW, MOVES), np.float32)
    start = 0
    while start == 0 or start + KNOWN < frames:
        span = slice(start, start + WINDOW)
        made[span] = _window(weights, padded[span], made[span], KNOWN if start else 0, rng)
        start += WINDOW - KNOWN
    return gaussian_filter1d(made[:frames] * UNITS, SMOOTH_S * RATE_HZ, axis=0, mode="nearest")


def _window(
    weights: Mapping[str, np.ndarray], mouth: np.ndarray, known: np.ndarray, given: int, rng: np.random.Generator
) -> np.ndarray:
    """Steps from noise to movement; the first `given` frames are `known`. """
    noise = rng.standard_normal((WINDOW, MOVES)).astype(np.float32)
    is_known = (np.arange(WINDOW) < given).astype(np.float32)[:, None]
    fixed, simulated, state = [known * is_known, is_known, mouth], np.zeros((WINDOW, 1), np.float32), noise
    for step in range(STEPS):
        moment = step / STEPS
        state = np.where(is_known > 0, (1.0 - moment) * noise + moment * known, state)
        state = state + _velocity(weights, np.concatenate([state, *fixed, simulated], axis=1), moment) / STEPS
    return np.where(is_known > 0, known, state)


def _velocity(weights: Mapping[str, np.ndarray], columns: np.ndarray, moment: float) -> np.ndarray:
    """(WINDOW, MOVES) from (WINDOW, columns) at `moment`, 0 noise .. 1 movement."""
    tokens = _linear(weights, "enter", columns.reshape(WINDOW // PATCH, -1)) + weights["place"]
    angles = moment * np.exp(np.linspace(0.0, 5.0, 16, dtype=np.float32))
    when = _linear(weights, "when.0", np.concatenate([np.sin(angles), np.cos(angles)]).astype(np.float32))
    when = when / (1.0 + np.exp(-when))
    for number in range(LAYERS):
        tokens = _layer(weights, f"layers.{number}", tokens, when)
    return _linear(weights, "leave", _normed(tokens)).reshape(WINDOW, MOVES)


def _layer(weights: Mapping[str, np.ndarray], name: str, tokens: np.ndarray, when: np.ndarray) -> np.ndarray:
    count = len(tokens)
    scale_a, shift_a, scale_b, shift_b = np.split(_linear(weights, f"{name}.adapt", when), 4)
    mixed = _linear(weights, f"{name}.mix", _normed(tokens) * (1.0 + scale_a) + shift_a)
    query, key, value = mixed.reshape(count, 3, HEADS, WIDTH // HEADS).transpose(1, 2, 0, 3)
    scores = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(WIDTH // HEADS))
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    looked = (scores / scores.sum(axis=-1, keepdims=True)) @ value
    tokens = tokens + _linear(weights, f"{name}.out", looked.transpose(1, 0, 2).reshape(count, WIDTH))
    hidden = gelu(_linear(weights, f"{name}.wide", _normed(tokens) * (1.0 + scale_b) + shift_b))
    return tokens + _linear(weights, f"{name}.narrow", hidden)


def _linear(weights: Mapping[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _normed(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(1e-5))
