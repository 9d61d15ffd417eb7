"""The canonical performances every portrait is asked to play, as MotionClips with known truth."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ...common.channels import own_of
from ..motion.clip import CHANNEL_INDEX, EYE_LOOK_COLUMNS, MotionClip, eye_look_from_gaze

FPS = Fraction(25)
BLINK_FPS = Fraction(50)
"""Fast enough to measure the width of a blink to a few milliseconds."""

POSE_ANGLES_DEG = (-20.0, -15.0, -10.0, -5.0, 5.0, 10.0, 15.0, 20.0)
DISTANCES = (0.7, 0.85, 1.15, 1.3, 1.4)
"""Camera to eyes, relative to the picture's."""

BLINK_DOWN_S, BLINK_CLOSED_S, BLINK_UP_S = 0.08, 0.04, 0.20
"""Shape of the battery's blink, inside the ranges of motion.md."""

GAZE_ANGLES_DEG = (-20.0, -15.0, -10.0, -5.0, 5.0, 10.0, 15.0, 20.0)
COUNTER_ANGLES_DEG = (-15.0, -10.0, -5.0, 5.0, 10.0, 15.0)


def with_gaze(clip: MotionClip, gaze_deg: np.ndarray) -> MotionClip:
    """`clip` looking along `gaze_deg` (T, 2) yaw, pitch with both eyes, lids following."""
    clip.gaze_deg[:] = np.asarray(gaze_deg, np.float32)[:, None, :]
    clip.channels[:, EYE_LOOK_COLUMNS] = eye_look_from_gaze(clip.gaze_deg)
    return clip


def pose_battery() -> MotionClip:
    """Frame 0 neutral; then yaw, pitch and roll one after the other over POSE_ANGLES_DEG. The eyes stay in the head."""
    clip = MotionClip.neutral(1 + 3 * len(POSE_ANGLES_DEG), FPS)
    for axis in range(3):
        start = 1 + axis * len(POSE_ANGLES_DEG)
        clip.head_rotation_deg[start:start + len(POSE_ANGLES_DEG), axis] = POSE_ANGLES_DEG
    return clip


def distance_battery(camera_distance_m: float) -> MotionClip:
    """Frame 0 neutral; then the head at DISTANCES times `camera_distance_m` from the camera."""
    clip = MotionClip.neutral(1 + len(DISTANCES), FPS)
    clip.head_translation_m[1:, 2] = camera_distance_m * (1.0 - np.array(DISTANCES))
    return clip


@dataclass(frozen=True)
class BlinkBattery:
    """clip: three blinks, then a look downwards that is none; peaks_s: (3,) middle of each closure, seconds; open_frames: (T,)
    number of the frame turned alike in which the eyes are open; before the look down, of the one that looks ahead."""

    clip: MotionClip
    peaks_s: list[float]
    open_frames: np.ndarray


def blink_battery() -> BlinkBattery:
    """Blinks at rest, looking aside and with the head turned; then the gaze drops 20 degrees with the eyes open."""
    slot_s = 0.44
    slot = round(slot_s * BLINK_FPS)
    clip = MotionClip.neutral(3 * slot + 12, BLINK_FPS)
    seconds = np.arange(len(clip)) / float(BLINK_FPS)
    start_s = [slot_s * index + 0.06 for index in range(3)]
    closure = np.max([blink_shape(seconds - start) for start in start_s], axis=0)
    gaze = np.zeros((len(clip), 2))
    gaze[slot:2 * slot, 0] = 12.0
    gaze[3 * slot + 2:, 1] = -20.0
    clip.head_rotation_deg[2 * slot:3 * slot, 0] = 8.0
    with_gaze(clip, gaze)
    for side in ("Left", "Right"):
        clip.channels[:, CHANNEL_INDEX[f"eyeBlink{side}"]] = closure
    peaks_s = [start + BLINK_DOWN_S + BLINK_CLOSED_S / 2.0 for start in start_s]
    return BlinkBattery(clip, peaks_s, slot * (np.arange(len(clip)) // slot))


def blink_shape(seconds: np.ndarray) -> np.ndarray:
    """Lid closure 0..1 of one blink that starts at 0 s: down, closed, up, with smooth ends."""
    down = np.clip(seconds / BLINK_DOWN_S, 0.0, 1.0)
    up = np.clip((seconds - BLINK_DOWN_S - BLINK_CLOSED_S) / BLINK_UP_S, 0.0, 1.0)
    return _smooth(down) * (1.0 - _smooth(up))


def _smooth(share: np.ndarray) -> np.ndarray:
    return share * share * (3.0 - 2.0 * share)


def hidden_iris_battery() -> MotionClip:
    """Eyes open looking 20 degrees to both sides, then closed looking to both sides.

    The lids are not told about the gaze, so with the lids shut nothing may change between the last two frames.
    """
    clip = MotionClip.neutral(4, FPS)
    clip.gaze_deg[:, :, 0] = np.array([-20.0, 20.0, -20.0, 20.0])[:, None]
    for side in ("Left", "Right"):
        clip.channels[2:, CHANNEL_INDEX[f"eyeBlink{side}"]] = 1.0
    return clip


@dataclass(frozen=True)
class GazeBattery:
    """clip: frame 0 neutral, then `sweep` (gaze alone), `turn` (head alone), `counter` (head turns, eyes on the viewer)."""

    clip: MotionClip
    sweep: slice
    turn: slice
    counter: slice


def gaze_battery() -> GazeBattery:
    """Gaze over +-20 degrees of yaw and +-15 of pitch, head turns without and with the eyes held on the viewer."""
    yaw = [(angle, 0.0) for angle in GAZE_ANGLES_DEG]
    pitch = [(0.0, 0.75 * angle) for angle in GAZE_ANGLES_DEG]
    sweep = slice(1, 1 + len(yaw) + len(pitch))
    turn = slice(sweep.stop, sweep.stop + len(COUNTER_ANGLES_DEG))
    counter = slice(turn.stop, turn.stop + len(COUNTER_ANGLES_DEG))
    clip = MotionClip.neutral(counter.stop, FPS)
    gaze = np.zeros((len(clip), 2))
    gaze[sweep] = yaw + pitch
    gaze[counter, 0] = -np.array(COUNTER_ANGLES_DEG)
    clip.head_rotation_deg[turn, 0] = COUNTER_ANGLES_DEG
    clip.head_rotation_deg[counter, 0] = COUNTER_ANGLES_DEG
    return GazeBattery(with_gaze(clip, gaze), sweep, turn, counter)


@dataclass(frozen=True)
class LipBattery:
    """clip: alternating open and sealed mouths; open_frames, sealed_frames: their indices."""

    clip: MotionClip
    open_frames: np.ndarray
    sealed_frames: np.ndarray


def lip_battery() -> LipBattery:
    """Open vowels of two sizes, and the closures of the articulation model over a jaw that is up, lowered, or half open."""
    opened = ({"jawOpen": 0.5}, {"jawOpen": 0.7, "mouthLowerDownLeft": 0.2, "mouthLowerDownRight": 0.2})
    rolled = {"mouthRollLower": 0.4, "mouthRollUpper": 0.5, "mouthPressLeft": 0.34, "mouthPressRight": 0.34}
    sealed = [rolled | {"jawOpen": jaw, "mouthClose": jaw} for jaw in (0.05, 0.15, 0.25)]
    shapes = [opened[0], sealed[0], opened[1], sealed[1], opened[0], sealed[2]]
    clip = MotionClip.neutral(len(shapes), FPS)
    for frame, shape in enumerate(shapes):
        for name, value in shape.items():
            clip.channels[frame, CHANNEL_INDEX[name]] = value
    clip.own = own_of(clip.channels)
    return LipBattery(clip, np.array([0, 2, 4]), np.array([1, 3, 5]))
