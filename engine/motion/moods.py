"""Moods as offsets of ARKit channels, from the action units of each emotion, and their course over time.

Action units after Ekman & Friesen's EMFACS prototypes (happy 6+12, sad 1+4+15, angry 4+5+7+23, surprised 1+2+5+26, afraid
1+2+4+5+20, disgusted 9+10+17, contempt 12+14 on one side); tender and bored by eye. The mouth part gives way to the lips'
work: it is scaled by 1 - closure and dampened by rounding, so that a smile never opens a p nor spreads an oo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .streams import stream
from .visemes import channel_columns

MOODS: dict[str, dict[str, float]] = {
    "neutral": {},
    "happy": {
        "mouthSmile": 0.50,
        "mouthDimple": 0.10,
        "cheekSquint": 0.38,
        "eyeSquint": 0.22,
        "browInnerUp": 0.08,
        "browOuterUp": 0.10,
    },
    "sad": {"mouthFrown": 0.42, "mouthShrugLower": 0.22, "browInnerUp": 0.60, "browDown": 0.14, "eyeSquint": 0.12},
    "angry": {
        "mouthPress": 0.22,
        "mouthFrown": 0.16,
        "mouthStretch": 0.08,
        "browDown": 0.72,
        "eyeSquint": 0.34,
        "eyeWide": 0.14,
        "noseSneer": 0.22,
    },
    "surprised": {"browInnerUp": 0.65, "browOuterUp": 0.62, "eyeWide": 0.55, "jawOpen": 0.08, "mouthFunnel": 0.06},
    "afraid": {
        "browInnerUp": 0.70,
        "browOuterUp": 0.28,
        "browDown": 0.22,
        "eyeWide": 0.48,
        "mouthStretch": 0.32,
        "mouthFrown": 0.10,
    },
    "disgusted": {
        "noseSneer": 0.60,
        "mouthUpperUp": 0.28,
        "mouthShrugLower": 0.22,
        "mouthFrown": 0.20,
        "browDown": 0.34,
        "eyeSquint": 0.32,
        "cheekSquint": 0.20,
    },
    "contempt": {
        "mouthSmileLeft": 0.34,
        "mouthDimpleLeft": 0.40,
        "mouthPressLeft": 0.15,
        "eyeSquint": 0.14,
        "browOuterUpRight": 0.16,
    },
    "tender": {"mouthSmile": 0.24, "cheekSquint": 0.14, "eyeSquint": 0.12, "browInnerUp": 0.26},
    "bored": {"eyeBlink": 0.20, "mouthFrown": 0.10, "browInnerUp": 0.10, "mouthShrugLower": 0.10},
}
"""Full-strength offsets; names without a side mean both sides."""

BLEND_S = 0.6
"""A change of mood takes this long, centred on its key."""

_WAVER = 0.12
_WAVER_PERIOD_S = 5.0
_ROUNDING_DAMPING = 0.6
_MOUTH_PREFIXES = ("mouth", "jaw")


@dataclass(frozen=True)
class MoodKey:
    """From `time_s` on the mood is `mood` at `strength` (0..1)."""

    time_s: float
    mood: str
    strength: float = 1.0


def mood_offsets(keys: tuple[MoodKey, ...], times_s: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Channel (without side where both move) -> (T,) offsets of the moods in `keys`, cross-faded and slightly wavering."""
    weights: dict[str, np.ndarray] = {}
    for key, following in zip(keys, (*keys[1:], None)):
        begin = 1.0 if key is keys[0] else _ramp(times_s, key.time_s)
        end = 1.0 if following is None else 1.0 - _ramp(times_s, following.time_s)
        weights[key.mood] = weights.get(key.mood, 0.0) + key.strength * begin * end * np.ones(len(times_s))
    waver = 1.0 + _WAVER * _slow_noise(times_s, seed)
    offsets: dict[str, np.ndarray] = {}
    for mood, weight in weights.items():
        for name, value in MOODS[mood].items():
            offsets[name] = offsets.get(name, 0.0) + value * weight * waver
    return offsets


def add_mood(channels: np.ndarray, offsets: dict[str, np.ndarray], seal: np.ndarray) -> None:
    """Add `offsets` to (T, 52) `channels` in place; mouth offsets give way to sealed (`seal`, 0..1) and rounded lips."""
    rounding = np.clip(
        channels[:, channel_columns("mouthPucker")[0]] + channels[:, channel_columns("mouthFunnel")[0]], 0.0, 1.0
    )
    freedom = (1.0 - seal) * (1.0 - _ROUNDING_DAMPING * rounding)
    for name, curve in offsets.items():
        for column in channel_columns(name):
            channels[:, column] += curve * freedom if name.startswith(_MOUTH_PREFIXES) else curve


def _ramp(times_s: np.ndarray, centre_s: float) -> np.ndarray:
    """Smooth step from 0 to 1, BLEND_S long, around `centre_s`."""
    x = np.clip((times_s - centre_s) / BLEND_S + 0.5, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def _slow_noise(times_s: np.ndarray, seed: int) -> np.ndarray:
    """Three slow sines of random phase, about unit size."""
    phases = stream(seed, "mood").uniform(0.0, 2.0 * np.pi, 3)
    return (
        sum(
            np.sin(2.0 * np.pi * times_s * factor / _WAVER_PERIOD_S + phase)
            for factor, phase in zip((0.6, 1.0, 1.7), phases)
        )
        / 1.7
    )
