"""Reads Live Link Face CSV, the file Epic's iPhone app records, and whatever else writes its columns.

`engine/export/live_link.py` has the format, its signs and the writer. Untrusted: bounded in size and rows.
"""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from .channels import ARKIT_CHANNELS, EYE_LOOK_FULL_DEG
from .rates import nearest_standard_rate

ANGLE_COLUMNS = tuple(f"{part}{axis}" for part in ("Head", "LeftEye", "RightEye") for axis in ("Yaw", "Pitch", "Roll"))

LARGEST_FILE_BYTES = 1 << 30
MOST_ROWS = 2_000_000
"""More than nine hours at 60 rows a second; a longer file is refused."""


@dataclass(frozen=True)
class Recording:
    """What a CSV holds, in the signs and units of `MotionClip`: channels (T, 52) 0..1, head_rotation_deg (T, 3) yaw, pitch,
    roll, gaze_deg (T, 2, 2) subject's left, right x yaw, pitch."""

    fps: Fraction
    channels: np.ndarray
    head_rotation_deg: np.ndarray
    gaze_deg: np.ndarray


def read_recording(path: Path, *, fps: Fraction | None = None) -> Recording:
    """Read a Live Link Face CSV, from the app or any tool that writes its columns.

    fps: rate of the rows when the timecode does not tell (shorter than a second) or is not to be trusted; otherwise it is
    inferred from the timecode. Rows the recorder dropped and cells that are empty or not finite are filled by interpolation.
    Raises ValueError when the file is not such a CSV, is larger than 1 GiB, or more than half of a column is missing.
    """
    header, rows = _read_rows(path)
    values = _filled(path, header, _numbers(path, header, rows))
    times_s, rate = _row_times(path, header, rows) if fps is None else (np.arange(len(rows)) / float(fps), fps)
    frames = int(round(float(times_s[-1] * rate))) + 1
    if frames > MOST_ROWS:
        raise ValueError(f"{path}: its timecodes span {times_s[-1]:.0f} s, more than this program reads.")
    at_s = np.arange(frames) / float(rate)
    columns = {name: np.interp(at_s, times_s, values[:, index]) for name, index in _positions(header).items()}
    zeros = np.zeros(frames)
    channels = np.stack([columns.get(name.lower(), zeros) for name in ARKIT_CHANNELS], axis=1)
    angles_deg = -np.degrees(np.stack([columns.get(name.lower(), zeros) for name in ANGLE_COLUMNS], axis=1))
    channels = np.clip(channels, 0.0, 1.0).astype(np.float32)
    return Recording(rate, channels, angles_deg[:, :3].astype(np.float32), _gaze(columns, channels, angles_deg))


def _read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise ValueError(f"{path} is larger than any Live Link Face recording.")
        with open(path, newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file)
            header = [name.strip() for name in next(lines, [])]
            if len(set(_positions(header)) & {name.lower() for name in ARKIT_CHANNELS}) < 26:
                raise ValueError(f"{path} is not a Live Link Face CSV: its first line does not name the ARKit blendshapes.")
            rows = []
            for row in lines:
                if len(rows) == MOST_ROWS:
                    raise ValueError(f"{path} has more than {MOST_ROWS} rows.")
                if any(cell.strip() for cell in row):
                    rows.append(row)
    except FileNotFoundError as error:
        raise ValueError(f"There is no motion file at {path}.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a readable CSV file ({error}).") from error
    if not rows:
        raise ValueError(f"{path} holds no frames.")
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
    """`values` with the gaps of each known column interpolated. Raises ValueError when most of one is missing."""
    known = {name.lower() for name in (*ARKIT_CHANNELS, *ANGLE_COLUMNS)}
    number = np.arange(len(values))
    for column, name in enumerate(header):
        if name.lower() not in known:
            continue
        good = ~np.isnan(values[:, column])
        if good.sum() * 2 < len(values):
            raise ValueError(f"{path}: most values of column {name} are missing or not numbers.")
        values[:, column] = np.interp(number, number[good], values[good, column])
    return values


def _row_times(path: Path, header: list[str], rows: list[list[str]]) -> tuple[np.ndarray, Fraction]:
    """((rows,) seconds from the first row, rate of the rows) as the timecodes tell. Raises ValueError."""
    column = _positions(header).get("timecode")
    codes = [re.fullmatch(r"\s*(\d+):(\d+):(\d+):(\d+(?:\.\d+)?)\s*", row[column]) if column is not None and column < len(row)
             else None for row in rows]
    if None in codes:
        raise ValueError(f"{path}: row {codes.index(None) + 2} has no timecode of the form 00:00:00:00.000.")
    whole_s = np.array([(int(c[1]) % 24) * 3600 + int(c[2]) * 60 + int(c[3]) for c in codes], float)
    part = np.array([float(c[4]) for c in codes])
    if len(rows) == 1:
        return np.zeros(1), Fraction(30)
    whole_s += 86400.0 * np.concatenate([[0], np.cumsum(np.diff(whole_s) < -43200)])  # past midnight
    times_s = whole_s + part / _frames_per_second(path, whole_s, part)
    times_s -= times_s[0]
    steps = np.diff(times_s)
    if (steps <= 0).any():
        raise ValueError(f"{path}: the timecode of row {int(np.argmax(steps <= 0)) + 3} is not later than the one before it.")
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
        raise ValueError(f"{path} is too short for its timecode to tell the frame rate. Name it with --fps.")
    return max(int(round(float(np.median(turns)))), 1)


def _gaze(columns: dict[str, np.ndarray], channels: np.ndarray, angles_deg: np.ndarray) -> np.ndarray:
    """(T, 2, 2) degrees from the eye angles, or from the eyeLook shapes when the file has no eye angles."""
    if "lefteyeyaw" in columns and np.abs(angles_deg[:, 3:]).max() > 0:
        return angles_deg[:, [[3, 4], [6, 7]]].astype(np.float32)
    look = {(way, side): channels[:, ARKIT_CHANNELS.index(f"eyeLook{way}{side}")] * EYE_LOOK_FULL_DEG[way.lower()]
            for way in ("Up", "Down", "In", "Out") for side in ("Left", "Right")}
    left, right = ((sign * (look["Out", side] - look["In", side]), look["Up", side] - look["Down", side])
                   for sign, side in ((1, "Left"), (-1, "Right")))
    return np.stack([np.stack(left, 1), np.stack(right, 1)], 1).astype(np.float32)
