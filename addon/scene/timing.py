"""Seconds and scene frames. A scene's rate is `fps / fps_base`, so that 23.976 and 29.97 are exact fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import bpy

if TYPE_CHECKING:
    import numpy as np

LARGEST_DENOMINATOR = 1001
"""Of the rates people use (24000/1001, 30000/1001, 60000/1001, 25, 12.5, 23.98 ...)."""


def scene_fps(scene: bpy.types.Scene) -> Fraction:
    """Frames per second of `scene`. `fps_base` is a 32-bit float: 1.001 comes back as 1.00100004673; this undoes it."""
    base = scene.render.fps_base
    three_decimals = round(base, 3)
    if three_decimals > 0 and abs(base - three_decimals) < 2e-7 * max(1.0, base):
        return Fraction(scene.render.fps) / Fraction(str(three_decimals))
    return (Fraction(scene.render.fps) / Fraction(base)).limit_denominator(LARGEST_DENOMINATOR)


def set_scene_fps(scene: bpy.types.Scene, fps: Fraction) -> None:
    """Set the rate: 24000/1001 becomes 24 / 1.001."""
    whole = max(1, round(fps))
    scene.render.fps = whole
    scene.render.fps_base = float(whole / fps)


def key_frames(count: int, clip_fps: Fraction, fps: Fraction, start_frame: int) -> np.ndarray:
    """(count,) float64: the scene frame of every sample; sample n lies n / clip_fps seconds after `start_frame`."""
    import numpy as np

    ratio = fps / clip_fps
    return start_frame + np.arange(count, dtype=np.float64) * ratio.numerator / ratio.denominator


def frames_for(duration_s: float | Fraction, fps: Fraction) -> int:
    """Whole scene frames that cover a duration best, at least one."""
    return max(1, round(Fraction(duration_s) * fps))


def nearest_samples(count: int, clip_fps: Fraction, fps: Fraction) -> list[int]:
    """Which of `count` pictures at `clip_fps` each scene frame shows: the one whose time span holds the frame's own time.

    With equal rates this is 0, 1, 2 ...; otherwise pictures are repeated or left out, and sound and picture stay together.
    """
    ratio = clip_fps / fps
    length = frames_for(Fraction(count) / clip_fps, fps)
    return [min(count - 1, (n * ratio.numerator) // ratio.denominator) for n in range(length)]
