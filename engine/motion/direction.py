"""The noun `Direction`: what the director asks for. A TOML preset on disk; every key can also be set as `key=value`."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from ..errors import InputError
from ..files import whole_file
from .course import GazeKey, HearingSpan, NumberKey, check_times, read_keys, write_keys
from .moods import MOODS, MoodKey

FORMAT_VERSION = 1
PRESETS = Path(__file__).resolve().parents[2] / "presets" / "directions"

NOMINAL_DISTANCE_M = 1.0
"""The renderer's pinhole stands this far from the face as photographed, so that apparent scale is exactly 1 / distance."""

GENERATORS = ("simulator", "network")

_ABOUT_THE_FILE = ("format_version", "name", "description", "author", "licence")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_KEYED = {"mood_over_time": MoodKey, "gaze_over_time": GazeKey, "distance_over_time": NumberKey, "energy_over_time": NumberKey,
          "listening": HearingSpan}
"""Keys of a direction that hold keys in time, and of which kind."""


def _number(default: float, low: float, high: float, meaning: str) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "meaning": meaning})


def _choice(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class Direction:
    """Every control, at rest values. Amounts: 1 = as made, 0 = still, 2 = twice; each works alone.

    Immutable; `with_settings` gives a changed copy.
    """

    lips: float = _number(1.0, 0.0, 2.0, "size of lip movement (rounding, spreading, seals); 0 leaves only the jaw")
    jaw: float = _number(1.0, 0.0, 2.0, "size of jaw opening; 0 keeps the teeth together")
    brows: float = _number(1.0, 0.0, 2.0, "size of brow movement with the voice (a mood's brows belong to `expression`)")
    blinks: float = _number(1.0, 0.0, 3.0, "how many blinks: 0 none, 2 twice as many as `blink_rate`")
    head: float = _number(1.0, 0.0, 2.0, "size of head movement, turns, nods and sway")
    head_pace: float = _number(1.0, 0.5, 2.0, "how fast the head wanders, sways and shifts, at the same size; 0.5 half as fast")
    gaze: float = _number(1.0, 0.0, 2.0, "size of eye movement; 0 holds the eyes still in the head, at `gaze_yaw` and `gaze_pitch`")
    expression: float = _number(1.0, 0.0, 2.0, "size of the mood's expression")
    breath: float = _number(1.0, 0.0, 2.0, "size of visible breathing")
    reactions: float = _number(1.0, 0.0, 2.0, "size of what laughter, coughs and sighs do to the face and the head")
    energy: float = _number(1.0, 0.0, 2.0, "how lively the delivery is: head, brows and effort of the mouth together")
    energy_over_time: tuple[NumberKey, ...] = _choice((), 'energy with its times, for example "0:1, 4:0.5"; replaces `energy`')
    blink_rate: float = _number(22.0, 0.0, 60.0, "blinks per minute (17 at rest, 26 in conversation)")
    mood: str = _choice("neutral", "the mood throughout: " + ", ".join(MOODS))
    mood_strength: float = _number(1.0, 0.0, 1.0, "how strong `mood` is")
    mood_over_time: tuple[MoodKey, ...] = _choice(
        (), 'moods with their times, for example "0:neutral, 2.5:happy*0.6"; replaces `mood`'
    )
    gaze_yaw: float = _number(0.0, -45.0, 45.0, "where the look rests, degrees to the picture's right; 0 = at the camera")
    gaze_pitch: float = _number(0.0, -30.0, 30.0, "where the look rests, degrees up; 0 = at the camera")
    gaze_over_time: tuple[GazeKey, ...] = _choice(
        (), 'a moving target, seconds:yaw/pitch, for example "0:0/0, 2:20/-5"; replaces `gaze_yaw` and `gaze_pitch`'
    )
    head_follows_gaze: float = _number(0.35, 0.0, 1.0, "share of the way to the target of the look that the head takes on")
    aversion: bool = _choice(True, "whether the look leaves its target now and then, as in conversation")
    aversion_rate: float = _number(1.0, 0.0, 1.0, "how often it does: 1 = about every 3 seconds")
    distance: float = _number(1.0, 0.5, 3.0, "distance of the head: 1 = as in the picture, 0.7 nearer, 1.4 farther")
    distance_over_time: tuple[NumberKey, ...] = _choice(
        (), 'distance with its times, for example "0:1, 3:0.8"; replaces `distance`'
    )
    listening: tuple[HearingSpan, ...] = _choice(
        (), 'when somebody else speaks and this one listens, start-end in seconds, for example "0-2.5, 8-12"'
    )
    generator: str = _choice(
        GENERATORS[0], "what moves head and brows: the simulator (rules and statistics, follows the voice) or the network "
        "(learned from a filmed speaker, does not follow it)"
    )
    head_yaw: float = _number(0.0, -25.0, 25.0, "posture: head turned, degrees to the picture's right")
    head_pitch: float = _number(0.0, -20.0, 20.0, "posture: head raised, degrees")
    head_roll: float = _number(0.0, -20.0, 20.0, "posture: head tilted, degrees counter-clockwise as seen")

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            if "low" in item.metadata:
                _check_range(item, getattr(self, item.name))
        for key in self.mood_keys():
            if key.mood not in MOODS:
                raise InputError(f"Unknown mood {key.mood!r}{nearest_hint(key.mood, MOODS)}. Moods: {', '.join(MOODS)}.")
            if not 0 <= key.strength <= 1:
                raise InputError(f"Mood {key.mood!r}: its strength must be 0 to 1.")
        if self.generator not in GENERATORS:
            raise InputError(
                f"Unknown generator {self.generator!r}{nearest_hint(self.generator, GENERATORS)}. "
                f"Generators: {', '.join(GENERATORS)}."
            )
        for name in _KEYED:
            check_times(name, getattr(self, name))
        self._check_courses()

    def _check_courses(self) -> None:
        """Raise InputError unless the keys in time keep to the ranges of the constant controls they replace."""
        fields = {item.name: item for item in dataclasses.fields(self)}
        for name in ("energy", "distance"):
            for key in getattr(self, f"{name}_over_time"):
                _check_range(fields[name], key.value)
        for key in self.gaze_over_time:
            _check_range(fields["gaze_yaw"], key.yaw_deg)
            _check_range(fields["gaze_pitch"], key.pitch_deg)

    def mood_keys(self) -> tuple[MoodKey, ...]:
        """The course of the mood in time order; a single key when it never changes."""
        if self.mood_over_time:
            return tuple(sorted(self.mood_over_time, key=lambda key: key.time_s))
        return (MoodKey(0.0, self.mood, self.mood_strength),)

    def with_settings(self, settings: Mapping[str, Any]) -> Direction:
        """A copy with some keys changed; values may be text ("0.5", "off") or already typed.

        Raises InputError naming an unknown key and the nearest known one, or the value that does not fit.
        """
        fields = {item.name: item for item in dataclasses.fields(self)}
        for key in settings:
            if key not in fields:
                raise InputError(f"Unknown direction key {key!r}{nearest_hint(key, fields)}. Keys: {', '.join(fields)}.")
        return dataclasses.replace(self, **{key: _typed(fields[key], value) for key, value in settings.items()})

    def as_record(self) -> dict[str, Any]:
        """All keys as plain JSON and TOML values; `Direction().with_settings(record)` gives the same direction back."""
        record = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        return record | {name: write_keys(getattr(self, name)) for name in _KEYED}

    def to_toml(self, name: str, description: str = "") -> str:
        """A direction file that `load_direction` reads back: every key that differs from the default."""
        rest = Direction().as_record()
        changed = {key: value for key, value in self.as_record().items() if value != rest[key]}
        about = {"format_version": FORMAT_VERSION, "name": name} | ({"description": description} if description else {})
        return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in (about | changed).items())


def direction_keys() -> dict[str, str]:
    """Every key and what it means with its range and default, for help texts."""
    texts = {}
    for item in dataclasses.fields(Direction):
        span = f" ({item.metadata['low']:g} to {item.metadata['high']:g})" if "low" in item.metadata else ""
        default = item.default if item.default != () else "none"
        texts[item.name] = f"{item.metadata['meaning']}{span}; default {default}"
    return texts


def own_presets() -> Path:
    """The folder of a person's own presets; it need not exist."""
    return Path(platformdirs.user_config_dir("soliloquy", appauthor=False)) / "directions"


def preset_names() -> list[str]:
    """Names of the style presets: those that come with the program and the person's own."""
    return sorted(_presets())


def _presets() -> dict[str, Path]:
    """Name -> file; a preset of the person's own replaces one of ours of the same name."""
    return {path.stem: path for folder in (PRESETS, own_presets()) for path in sorted(folder.glob("*.toml"))}


def save_direction(direction: Direction, path: str | os.PathLike, name: str = "", description: str = "") -> None:
    """Write a direction file. Raises OutputError."""
    with whole_file(Path(path)) as temporary:
        temporary.write_text(direction.to_toml(name or Path(path).stem, description), encoding="utf-8")


def load_direction(name_or_path: str | os.PathLike = "neutral") -> Direction:
    """A preset by name, or a TOML file by path. Raises InputError for unknown presets, keys, values and versions."""
    path = Path(name_or_path)
    if path.suffix.lower() != ".toml":
        known = _presets()
        if str(name_or_path) not in known:
            raise InputError(
                f"Unknown direction {str(name_or_path)!r}{nearest_hint(str(name_or_path), known)}. "
                f"Presets: {', '.join(sorted(known))}; or give a .toml file."
            )
        path = known[str(name_or_path)]
    try:
        record = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}.") from error
    if record.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"{path}: format_version must be {FORMAT_VERSION}, it is {record.get('format_version', 'missing')}."
        )
    try:
        return Direction().with_settings({key: value for key, value in record.items() if key not in _ABOUT_THE_FILE})
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def parse_settings(assignments: list[str]) -> dict[str, str]:
    """["head=0.5", "mood=happy"] -> {"head": "0.5", "mood": "happy"}. Raises InputError for anything else."""
    settings = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals or not key.strip():
            raise InputError(f"Cannot read setting {assignment!r}; write key=value, for example head=0.5.")
        settings[key.strip()] = value.strip()
    return settings


def _check_range(item: dataclasses.Field, value: float) -> None:
    low, high = item.metadata["low"], item.metadata["high"]
    if not (isinstance(value, (int, float)) and math.isfinite(value) and low <= value <= high):
        raise InputError(f"Direction key {item.name!r} must be a number from {low:g} to {high:g}, not {value!r}.")


def _typed(item: dataclasses.Field, value: Any) -> Any:
    """`value` as the type of the key: number, switch, mood name or mood keys."""
    if "low" in item.metadata:
        return _as_number(item, value)
    if isinstance(item.default, bool):
        return _as_switch(item.name, value)
    if item.name in _KEYED:
        return read_keys(item.name, _KEYED[item.name], value)
    if not isinstance(value, str):
        raise InputError(f"Direction key {item.name!r} must be text, not {value!r}.")
    return value.strip().lower()


def _as_number(item: dataclasses.Field, value: Any) -> float:
    try:
        if isinstance(value, bool):
            raise ValueError
        number = float(value)
    except (TypeError, ValueError):
        low, high = item.metadata["low"], item.metadata["high"]
        raise InputError(f"Direction key {item.name!r} must be a number from {low:g} to {high:g}, not {value!r}.") from None
    return number


def _as_switch(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _TRUE + _FALSE:
        raise InputError(f"Direction key {name!r} must be on or off, not {value!r}.")
    return word in _TRUE


def nearest_hint(word: str, known: Iterable[str]) -> str:
    """"; did you mean ...?" with the known word closest to `word`, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
