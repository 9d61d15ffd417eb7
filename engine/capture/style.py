"""A style out of performances: how much somebody moves, blinks and looks away becomes a direction preset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ..errors import InputError
from ..measure.rows_performance import RATE_HZ, blink_events
from ..measure.signals import resample
from ..motion.clip import MotionClip
from ..motion.direction import Direction

SHORTEST_S = 20.0
"""All clips together must last this long: blinks and looks come every few seconds."""

AVERTED_DEG = 3.5
"""A look this far from where it usually rests is a look away."""


@dataclass(frozen=True)
class Style:
    """What a performance is like, of all clips together.

    head_change_deg: mean change of the head's angles per frame at 25 fps; head_deg: root of their summed variances;
    blinks_per_minute; averted_share: of the time; brow, jaw, lips: spread (standard deviation) of the raising brows, 95th
    percentile of the jaw's opening, spread of rounding and spreading.
    """

    head_change_deg: float
    head_deg: float
    blinks_per_minute: float
    averted_share: float
    brow: float
    jaw: float
    lips: float


NEUTRAL = Style(0.395, 5.91, 22.3, 0.120, 0.067, 0.381, 0.239)
"""The same of the neutral direction: eight takes of the reference recording of engine/measure."""


def measured(clips: Sequence[MotionClip]) -> Style:
    """What `clips` have in common; longer ones count more. Raises InputError when they are too short together."""
    seconds = np.array([clip.duration_s for clip in clips])
    if not len(clips) or seconds.sum() < SHORTEST_S:
        raise InputError(f"The clips last {seconds.sum():.1f} s together; at least {SHORTEST_S:g} s are needed to know a style.")
    rows = np.array([_row(clip) for clip in clips])
    mean = np.average(rows, axis=0, weights=seconds)
    mean[2] = 60.0 * rows[:, 2].sum() / seconds.sum()
    return Style(*map(float, mean))


def _row(clip: MotionClip) -> tuple[float, ...]:
    """The figures of one clip; blinks are counted."""
    head = resample(clip.head_rotation_deg, clip.fps, RATE_HZ)
    look = clip.gaze_deg.mean(axis=1) + clip.head_rotation_deg[:, :2]
    away = np.linalg.norm(look - np.median(look, axis=0), axis=1) > AVERTED_DEG
    brow = (clip.channel("browInnerUp") + clip.channel("browOuterUpLeft") + clip.channel("browOuterUpRight")) / 3.0
    lips = clip.channel("mouthStretchLeft") - clip.channel("mouthPucker") - clip.channel("mouthFunnel")
    return (float(np.abs(np.diff(head, axis=0)).mean()), float(np.sqrt(head.var(axis=0).sum())), float(len(blink_events(clip))),
            float(away.mean()), float(brow.std()), float(np.percentile(clip.channel("jawOpen"), 95)), float(lips.std()))


def learned_direction(style: Style) -> Direction:
    """The direction under which the generator comes as near to `style` as its controls allow.

    Of the head's spectrum only the size can be directed: its spread and its speed count alike. Amounts end where a Direction's do.
    """
    def amount(value: float, neutral: float, most: float = 2.0) -> float:
        return round(float(np.clip(value / neutral, 0.0, most)), 3)

    head = np.sqrt(style.head_change_deg * style.head_deg) / np.sqrt(NEUTRAL.head_change_deg * NEUTRAL.head_deg)
    return Direction().with_settings({
        "head": amount(head, 1.0),
        "blink_rate": round(float(np.clip(style.blinks_per_minute, 0.0, 60.0)), 2),
        "aversion_rate": amount(style.averted_share, NEUTRAL.averted_share, 1.0),
        "brows": amount(style.brow, NEUTRAL.brow),
        "jaw": amount(style.jaw, NEUTRAL.jaw),
        "lips": amount(style.lips, NEUTRAL.lips),
    })


def described(style: Style) -> str:
    """The figures in one line, for the preset's description."""
    return "Learned: " + ", ".join(f"{name} {value:.3g}" for name, value in asdict(style).items())
