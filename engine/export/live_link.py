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
import re
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..errors import FormatError
from ..files import whole_file
from ..motion.clip import ARKIT_CHANNELS, EYE_LOOK_COLUMNS, MotionClip, eye_look_from_gaze
from ..rates import nearest_standard_rate

ANGLE_COLUMNS = tuple(f"{part}{axis}" for part in ("Head", "LeftEye", "RightEye") for axis in ("Yaw", "Pitch", "Roll"))
SHAPE_COLUMNS = tuple(name[0].upper() + name[1:] for name in ARKIT_CHANNELS)
COLUMNS = ("Timecode", "BlendShapeCount", *SHAPE_COLUMNS, *ANGLE_COLUMNS)

LARGEST_FILE_BYTES = 1 << 30
MOST_ROWS = 2_000_000
"""More than nine hours at 60 rows a second; a longer file is refused."""


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
    """Read a Live Link Face CSV, from the app or any tool that writes its columns, as a MotionClip.

    fps: rate of the rows when the timecode does not tell (shorter than a second) or is not to be trusted; otherwise it is
    inferred from the timecode. Rows the recorder dropped and cells that are empty or not finite are filled by interpolation.
    Raises FormatError when the file is not such a CSV, is larger than 1 GiB, or more than half of a column is missing.
    """
    path = Path(path)
    header, rows = _read_rows(path)
    values = _filled(path, header, _numbers(path, header, rows))
    times_s, rate = _row_times(path, header, rows) if fps is None else (np.arange(len(rows)) / float(fps), fps)
    frames = int(round(float(times_s[-1] * rate))) + 1
    if frames > MOST_ROWS:
        raise FormatError(f"{path}: its timecodes span {times_s[-1]:.0f} s, more than this program reads.")
    at_s = np.arange(frames) / float(rate)
    columns = {name: np.interp(at_s, times_s, values[:, index]) for name, index in _positions(header).items()}
    zeros = np.zeros(frames)
    channels = np.stack([columns.get(name.lower(), zeros) for name in ARKIT_CHANNELS], axis=1)
    angles_deg = -np.degrees(np.stack([columns.get(name.lower(), zeros) for name in ANGLE_COLUMNS], axis=1))
    channels = np.clip(channels, 0.0, 1.0).astype(np.float32)
    clip = MotionClip(rate, channels, angles_deg[:, :3].astype(np.float32), np.zeros((frames, 3), np.float32),
                      _gaze(columns, channels, angles_deg), {"generator": "Live Link Face CSV", "source": path.name})
    clip.check(str(path))
    return clip


def _read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise FormatError(f"{path} is larger than any Live Link Face recording.")
        with open(path, newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file)
            header = [name.strip() for name in next(lines, [])]
            if len(set(_positions(header)) & {name.lower() for name in ARKIT_CHANNELS}) < 26:
                raise FormatError(f"{path} is not a Live Link Face CSV: its first line does not name the ARKit blendshapes.")
            rows = []
            for row in lines:
                if len(rows) == MOST_ROWS:
                    raise FormatError(f"{path} has more than {MOST_ROWS} rows.")
                if any(cell.strip() for cell in row):
                    rows.append(row)
    except FileNotFoundError as error:
        raise FormatError(f"There is no motion file at {path}.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{path} is not a readable CSV file ({error}).") from error
    if not rows:
        raise FormatError(f"{path} holds no frames.")
    return header, rows


def _positions(header: list[str]) -> dict[str, int]:
    return {name.lower(): index for index, name in enumerate(header)}


def _numbers(path: Path, header: list[str], rows: list[list[str]]) -> np.ndarray:
    """(rows, columns) floats, NaN for cells that are missing or not numbers; the timecode's column is NaN."""
    skipped = _positions(header).get("timecode", -1)
    values = np.full((len(rows), len(header)), np.nan)
    for number, row in enumerate(rows):
        for column, cell in enumerate(row[:len(header)]):
            if column != skipped:
                values[number, column] = _number(cell)
    values[~np.isfinite(values)] = np.nan
    return values


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _filled(path: Path, header: list[str], values: np.ndarray) -> np.ndarray:
    """`values` with the gaps of each known column interpolated. Raises FormatError when most of one is missing."""
    known = {name.lower() for name in (*ARKIT_CHANNELS, *ANGLE_COLUMNS)}
    number = np.arange(len(values))
    for column, name in enumerate(header):
        if name.lower() not in known:
            continue
        good = ~np.isnan(values[:, column])
        if good.sum() * 2 < len(values):
            raise FormatError(f"{path}: most values of column {name} are missing or not numbers.")
        values[:, column] = np.interp(number, number[good], values[good, column])
    return values


def _row_times(path: Path, header: list[str], rows: list[list[str]]) -> tuple[np.ndarray, Fraction]:
    """((rows,) seconds from the first row, rate of the rows) as the timecodes tell. Raises FormatError."""
    column = _positions(header).get("timecode")
    codes = [re.fullmatch(r"\s*(\d+):(\d+):(\d+):(\d+(?:\.\d+)?)\s*", row[column]) if column is not None and column < len(row)
             else None for row in rows]
    if None in codes:
        raise FormatError(f"{path}: row {codes.index(None) + 2} has no timecode of the form 00:00:00:00.000.")
    whole_s = np.array([(int(c[1]) % 24) * 3600 + int(c[2]) * 60 + int(c[3]) for c in codes], float)
    part = np.array([float(c[4]) for c in codes])
    if len(rows) == 1:
        return np.zeros(1), Fraction(30)
    whole_s += 86400.0 * np.concatenate([[0], np.cumsum(np.diff(whole_s) < -43200)])  # past midnight
    times_s = whole_s + part / _frames_per_second(path, whole_s, part)
    times_s -= times_s[0]
    steps = np.diff(times_s)
    if (steps <= 0).any():
        raise FormatError(f"{path}: the timecode of row {int(np.argmax(steps <= 0)) + 3} is not later than the one before it.")
    counts = np.maximum(np.rint(steps / np.median(steps)), 1)
    measured = float(counts.sum() / times_s[-1])
    return times_s, nearest_standard_rate(measured, within=5e-4) or Fraction(measured).limit_denominator(1000)


def _frames_per_second(path: Path, whole_s: np.ndarray, part: np.ndarray) -> int:
    """How many frames the timecode counts in a second, read off where the seconds turn over."""
    seconds_passed = np.diff(whole_s)
    within = np.diff(part)[seconds_passed == 0]
    step = float(np.median(within)) if len(within) else 1.0
    turns = (part[:-1] + step - part[1:])[seconds_passed == 1]
    if not len(turns):
        raise FormatError(f"{path} is too short for its timecode to tell the frame rate. Name it with --fps.")
    return max(int(round(float(np.median(turns)))), 1)


def _gaze(columns: dict[str, np.ndarray], channels: np.ndarray, angles_deg: np.ndarray) -> np.ndarray:
    """(T, 2, 2) degrees from the eye angles, or from the eyeLook shapes when the file has no eye angles."""
    if "lefteyeyaw" in columns and np.abs(angles_deg[:, 3:]).max() > 0:
        return angles_deg[:, [[3, 4], [6, 7]]].astype(np.float32)
    unit = eye_look_from_gaze(np.ones((1, 2, 2))), eye_look_from_gaze(-np.ones((1, 2, 2)))
    per_degree = (unit[0] + unit[1])[0]
    down_l, in_l, out_l, up_l, down_r, in_r, out_r, up_r = (channels[:, list(EYE_LOOK_COLUMNS)] / per_degree).T
    return np.stack([np.stack([out_l - in_l, up_l - down_l], 1), np.stack([in_r - out_r, up_r - down_r], 1)], 1).astype(np.float32)
