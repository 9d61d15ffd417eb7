"""Live Link Face CSV, the file Epic's iPhone app records: read anybody's ARKit capture, write ours for every tool that reads it.

One row per frame: Timecode, BlendShapeCount (61), Apple's 52 blendshapes with a capital first letter, then HeadYaw, HeadPitch,
HeadRoll, and the same three for LeftEye and RightEye, in radians. Our channels are in the app's column order already.

Signs. The app's angles are those of Unreal's rotator applied to ARKit's transforms: yaw > 0 turns to the subject's right (the
picture's left), pitch > 0 looks down, roll > 0 turns clockwise as the viewer sees it: each the opposite of ours. For the eyes this was
checked on six recorded takes: LeftEyeYaw follows EyeLookInLeft - EyeLookOutLeft, RightEyeYaw EyeLookOutRight - EyeLookInRight and both
pitches EyeLookDown - EyeLookUp with correlations above 0.995. Those takes hold no head rotation, so that the head's signs rest on the
app using one conversion for all three transforms. The file holds no head translation.

Timecode is hours:minutes:seconds:frame.thousandth of a frame, non-drop: n frames are counted at the rate rounded up to a whole number.
"""

from __future__ import annotations

import csv
import math
import os
from fractions import Fraction
from pathlib import Path

import numpy as np

from ...common.channels import TOGETHER
from ...common.live_link import ANGLE_COLUMNS, read_recording
from ..errors import FormatError
from ..files import whole_file
from ..motion.clip import ARKIT_CHANNELS, MotionClip
from ..motion.together import together_of_mouth

SHAPE_COLUMNS = tuple(name[0].upper() + name[1:] for name in ARKIT_CHANNELS)
COLUMNS = ("Timecode", "BlendShapeCount", *SHAPE_COLUMNS, *ANGLE_COLUMNS)


def write_live_link_csv(clip: MotionClip, path: str | os.PathLike) -> None:
    """Write `clip` as Live Link Face CSV, whole or not at all. Raises OutputError."""
    angles = _app_angles(clip)
    with whole_file(path) as temporary, open(temporary, "w", newline="", encoding="ascii") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for frame in range(len(clip)):
            numbers = [f"{value:.9g}" for value in (*clip.channels[frame], *angles[frame])]
            rows.writerow([timecode(frame, clip.fps), len(SHAPE_COLUMNS) + len(ANGLE_COLUMNS), *numbers])


def timecode(frame: int, fps: Fraction) -> str:
    """HH:MM:SS:FF.mmm of frame number `frame` (from 0), in real time, so that 24000/1001 does not drift from the sound."""
    per_second = math.ceil(fps)
    thousandths = round(Fraction(frame) / fps * per_second * 1000)
    seconds, rest = divmod(thousandths, per_second * 1000)
    return (f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:"
            f"{rest // 1000:02d}.{rest % 1000:03d}")


def _app_angles(clip: MotionClip) -> np.ndarray:
    """(T, 9) radians in the order of ANGLE_COLUMNS."""
    angles = np.zeros((len(clip), 9))
    angles[:, 0:3] = -np.radians(clip.head_rotation_deg)
    angles[:, 3:5] = -np.radians(clip.gaze_deg[:, 0])
    angles[:, 6:8] = -np.radians(clip.gaze_deg[:, 1])
    return angles + 0.0  # no "-0" in the file


def read_live_link_csv(path: str | os.PathLike, *, fps: Fraction | None = None) -> MotionClip:
    """Read a Live Link Face CSV as a MotionClip; see `common/live_link.py`. Raises FormatError."""
    path = Path(path)
    try:
        recording = read_recording(path, fps=fps)
    except ValueError as error:
        raise FormatError(str(error)) from error
    clip = MotionClip(recording.fps, recording.channels, recording.head_rotation_deg,
                      np.zeros((len(recording.channels), 3), np.float32), recording.gaze_deg,
                      {"generator": "Live Link Face CSV", "source": path.name})
    clip.own[:, TOGETHER] = together_of_mouth(clip.channels, float(clip.fps))
    clip.check(str(path))
    return clip
