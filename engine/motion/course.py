"""What changes over time in a direction: keys as text, such as "0:neutral, 2.5:happy*0.6", and the curves through them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..errors import InputError
from .moods import MoodKey

_MOOD = re.compile(r"^(?P<time>[\d.]+)\s*:\s*(?P<mood>[a-z]+)\s*(?:\*\s*(?P<strength>[\d.]+))?$")
_NUMBER = re.compile(r"^(?P<time>[\d.]+)\s*:\s*(?P<value>[\d.]+)$")
_GAZE = re.compile(r"^(?P<time>[\d.]+)\s*:\s*(?P<yaw>-?[\d.]+)\s*/\s*(?P<pitch>-?[\d.]+)$")
_SPAN = re.compile(r"^(?P<start>[\d.]+)\s*-\s*(?P<end>[\d.]+)$")

MOST_KEYS = 10_000
"""More keys than this in one direction are refused: an hour has fewer frames of change."""


@dataclass(frozen=True)
class NumberKey:
    """At `time_s` the control stands at `value`; between keys it goes in a straight line."""

    time_s: float
    value: float


@dataclass(frozen=True)
class GazeKey:
    """At `time_s` the target is `yaw_deg` to the picture's right and `pitch_deg` up; between keys it travels in a line."""

    time_s: float
    yaw_deg: float
    pitch_deg: float


@dataclass(frozen=True)
class HearingSpan:
    """From `start_s` to `end_s` somebody else speaks and this one listens."""

    start_s: float
    end_s: float


Key = TypeVar("Key")


def _mood(match: re.Match) -> MoodKey:
    return MoodKey(float(match["time"]), match["mood"], float(match["strength"] or 1.0))


def _number(match: re.Match) -> NumberKey:
    return NumberKey(float(match["time"]), float(match["value"]))


def _gaze(match: re.Match) -> GazeKey:
    return GazeKey(float(match["time"]), float(match["yaw"]), float(match["pitch"]))


def _span(match: re.Match) -> HearingSpan:
    span = HearingSpan(float(match["start"]), float(match["end"]))
    if not 0.0 <= span.start_s < span.end_s:
        raise ValueError("a span ends after it starts")
    return span


_FORMS: dict[type, tuple[re.Pattern, Callable[[re.Match], Any], str]] = {
    MoodKey: (_MOOD, _mood, "seconds:mood*strength, for example 2.5:happy*0.6"),
    NumberKey: (_NUMBER, _number, "seconds:value, for example 2.5:0.8"),
    GazeKey: (_GAZE, _gaze, "seconds:yaw/pitch in degrees, for example 2.5:20/-5"),
    HearingSpan: (_SPAN, _span, "start-end in seconds, for example 2.5-7"),
}


def read_keys(name: str, kind: type[Key], value: Any) -> tuple[Key, ...]:
    """Keys of `kind` from "0:1, 2.5:0.6", from a list of such pieces, or as they are. Raises InputError naming the piece."""
    pattern, make, form = _FORMS[kind]
    if isinstance(value, (tuple, list)) and all(isinstance(part, kind) for part in value):
        return tuple(value)
    if not isinstance(value, (str, list, tuple)):
        raise InputError(f"Direction key {name!r} must be text such as {form}, not {value!r}.")
    parts = [str(part).strip().lower() for part in (value.split(",") if isinstance(value, str) else value)]
    if len(parts) > MOST_KEYS:
        raise InputError(f"Direction key {name!r} holds {len(parts)} keys; {MOST_KEYS} are the most.")
    keys = []
    for part in filter(None, parts):
        match = pattern.match(part)
        try:
            keys.append(make(match))
        except (TypeError, ValueError):
            raise InputError(f"Cannot read {part!r} in {name}; write {form}.") from None
    return tuple(keys)


def write_keys(keys: tuple) -> str:
    """The keys as text that `read_keys` reads back, exactly."""
    return ", ".join(_text(key) for key in keys)


def _text(key: MoodKey | NumberKey | GazeKey | HearingSpan) -> str:
    if isinstance(key, MoodKey):
        return f"{_digits(key.time_s)}:{key.mood}*{_digits(key.strength)}"
    if isinstance(key, NumberKey):
        return f"{_digits(key.time_s)}:{_digits(key.value)}"
    if isinstance(key, GazeKey):
        return f"{_digits(key.time_s)}:{_digits(key.yaw_deg)}/{_digits(key.pitch_deg)}"
    return f"{_digits(key.start_s)}-{_digits(key.end_s)}"


def _digits(value: float) -> str:
    """Decimal digits without an exponent: 2, 0.6."""
    return np.format_float_positional(float(value), trim="-")


def number_course(keys: tuple[NumberKey, ...], constant: float, times_s: np.ndarray, soften_s: float = 0.0) -> np.ndarray:
    """(T,) the control at evenly spaced `times_s`: `constant` without keys; corners rounded over `soften_s`."""
    if not keys:
        return np.full(len(times_s), constant)
    ordered = sorted(keys, key=lambda key: key.time_s)
    curve = np.interp(times_s, [key.time_s for key in ordered], [key.value for key in ordered])
    return _softened(curve, times_s, soften_s)


def gaze_course(
    keys: tuple[GazeKey, ...], constant: tuple[float, float], times_s: np.ndarray, soften_s: float = 0.0, late_s: float = 0.0
) -> np.ndarray:
    """(T, 2) yaw and pitch of the target at evenly spaced `times_s`, `late_s` after it was there."""
    if not keys:
        return np.tile(np.asarray(constant, float), (len(times_s), 1))
    ordered = sorted(keys, key=lambda key: key.time_s)
    clock = [key.time_s for key in ordered]
    columns = [[key.yaw_deg for key in ordered], [key.pitch_deg for key in ordered]]
    return np.stack([_softened(np.interp(times_s - late_s, clock, column), times_s, soften_s) for column in columns], axis=1)


def _softened(curve: np.ndarray, times_s: np.ndarray, soften_s: float) -> np.ndarray:
    if soften_s <= 0.0 or len(times_s) < 2:
        return curve
    return gaussian_filter1d(curve, soften_s / (2.0 * (times_s[1] - times_s[0])), mode="nearest")


def check_times(name: str, keys: tuple) -> None:
    """Raise InputError unless all times are 0 or later and finite."""
    for key in keys:
        start_s = key.start_s if isinstance(key, HearingSpan) else key.time_s
        if not (math.isfinite(start_s) and start_s >= 0.0):
            raise InputError(f"Direction key {name!r}: times must be 0 seconds or later.")
