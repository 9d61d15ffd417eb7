"""Reads what `soliloquy live --out stdout` writes: one JSON object a line (engine/live/__init__.py has the format)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..common.channels import TOGETHER, own_of
from .scene.channels import CHANNELS
from .scene.clip_file import ClipData

LONGEST_LINE = 1 << 16
LARGEST_ANGLE_DEG, LARGEST_SHIFT_M = 180.0, 10.0
AT_REST = (0.0, 0.0)
"""The tongue of a stream that does not tell it."""
MOST_FRAMES = 60 * 60 * 60
"""An hour at 60 frames a second is kept of a recording, then it stops growing."""


@dataclass(frozen=True)
class LiveFrame:
    """number: rises, and leaps over gaps in the sound. columns: (65,) as `scene.performance.columns_of` has them."""

    number: int
    columns: np.ndarray


class LiveStream:
    """Turns lines into frames; keeps them when a recording is wanted."""

    def __init__(self, *, record: bool) -> None:
        self.fps = Fraction(30)
        self.frames: list[LiveFrame] = []
        self.seen = 0
        self._record = record

    def read(self, line: str) -> LiveFrame | None:
        """The frame in `line`; None when it holds none, or nothing that can be used."""
        try:
            record = json.loads(line) if len(line) <= LONGEST_LINE else None
            if not isinstance(record, dict):
                return None
            if record.get("format") == "soliloquy-live":
                self.fps = _rate(record["fps"])
                return None
            frame = _frame(record) if "frame" in record else None
        except (ValueError, KeyError, TypeError, ZeroDivisionError):
            return None
        if frame is None or (self.frames and frame.number <= self.frames[-1].number):
            return None
        self.seen += 1
        if not self._record:
            self.frames = [frame]
        elif len(self.frames) < MOST_FRAMES:
            self.frames.append(frame)
        return frame

    def clip(self) -> ClipData | None:
        """What was recorded, gaps held; None when there is nothing. Sample 0 is the first frame that was seen."""
        if not self._record or not self.frames:
            return None
        numbers = np.array([frame.number for frame in self.frames])
        length = int(min(numbers[-1] - numbers[0] + 1, MOST_FRAMES))
        shown = np.searchsorted(numbers - numbers[0], np.arange(length), side="right") - 1
        values = np.stack([frame.columns for frame in self.frames])[shown].astype(np.float32)
        return ClipData(self.fps, values[:, :52], values[:, 52:55], values[:, 55:58], values[:, 58:62].reshape(-1, 2, 2),
                        values[:, 62:])


def _rate(text: str) -> Fraction:
    rate = Fraction(text)
    if not 0 < rate <= 1000:
        raise ValueError(f"impossible frame rate {rate}")
    return rate


def _frame(record: dict) -> LiveFrame:
    channels = [float(record["channels"][name]) for name in CHANNELS]
    columns = np.concatenate([np.clip(channels, 0, 1), _bounded(record["head_rotation_deg"], 3, LARGEST_ANGLE_DEG),
                              _bounded(record["head_translation_m"], 3, LARGEST_SHIFT_M),
                              _bounded(record["gaze_deg"], 4, LARGEST_ANGLE_DEG),
                              np.clip(_bounded(record.get("tongue", AT_REST), len(AT_REST), 1.0), 0, 1),
                              np.clip(_bounded(record.get("lips_together", own_of(np.array([channels]))[:, TOGETHER]), 1, 1.0), 0, 1)])
    if not np.isfinite(columns).all():
        raise ValueError("values are not finite")
    return LiveFrame(int(record["frame"]), columns)


def _bounded(values: object, count: int, largest: float) -> np.ndarray:
    array = np.asarray(values, np.float64).ravel()
    if array.shape != (count,):
        raise ValueError(f"expected {count} numbers")
    return np.clip(array, -largest, largest)
