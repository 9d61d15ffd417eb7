"""The direction's controls as the panels show them: presets from `presets/directions`, moods, amounts per region.

Names, ranges and defaults are those of `engine/motion/direction.py` (a test holds the two together).
"""

from __future__ import annotations

import functools
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from ..common.data_files import read_toml
from . import paths
from .errors import FileError
from .settings_files import write_record

if TYPE_CHECKING:
    import bpy

MOODS = {
    "neutral": "No mood of its own", "happy": "Smiles, raised cheeks", "sad": "Corners of the mouth down, inner brows up",
    "angry": "Brows down, lips pressed", "surprised": "Brows up, eyes wide", "afraid": "Brows up and together, lips stretched",
    "disgusted": "Nose wrinkled, upper lip raised", "contempt": "One corner of the mouth raised", "tender": "A soft look and smile",
    "bored": "Heavy lids, little movement"}
"""Name -> what it looks like."""

AMOUNTS: dict[str, tuple[float, float, str]] = {
    "energy": (1.0, 2.0, "How lively the delivery is: head, brows and effort of the mouth together"),
    "expression": (1.0, 2.0, "Size of the mood's expression"),
    "lips": (1.0, 2.0, "Size of lip movement; 0 leaves only the jaw"),
    "jaw": (1.0, 2.0, "Size of jaw opening; 0 keeps the teeth together"),
    "brows": (1.0, 2.0, "Size of brow movement with the voice"),
    "blinks": (1.0, 3.0, "How many blinks: 0 none, 2 twice as many"),
    "gaze": (1.0, 2.0, "Size of eye movement; 0 holds the eyes still in the head, at gaze yaw and pitch"),
    "head": (1.0, 2.0, "Size of head movement: turns, nods and sway"),
    "distance": (1.0, 3.0, "Distance of the head: 1 as in the picture, less is nearer"),
}
"""Key -> (default, highest, what it does)."""
LEAST = {"distance": 0.5}
"""Lowest values that are not 0."""

DEFAULT = "neutral"
OWN = "own/"
"""Before the names of presets that the person has saved."""
FORMAT_VERSION = 1
ABOUT = ("format_version", "name", "description", "author", "licence")
"""Keys of a preset that are not controls."""


def own_folder() -> Path | None:
    """Where the person's presets lie; None when this package does not run as an extension."""
    home = paths.user_folder()
    return home / "directions" if home else None


def preset_paths() -> dict[str, Path]:
    """Every preset's file by name: those that come with the program, the default one first; then the person's own."""
    given = {path.stem: path for path in sorted(paths.DIRECTIONS.glob("*.toml"), key=lambda path: (path.stem != DEFAULT, path.stem))}
    own = own_folder()
    return {**given, **({OWN + path.stem: path for path in sorted(own.glob("*.toml"))} if own and own.is_dir() else {})}


def preset_record(name: str) -> dict:
    """All keys of a preset; empty for one that is gone or damaged."""
    path = preset_paths().get(name)
    try:
        return _record(path, path.stat().st_mtime) if path else {}
    except (OSError, ValueError):
        return {}


@functools.lru_cache(maxsize=128)
def _record(path: Path, _changed: float) -> dict:
    return read_toml(path, format_version=FORMAT_VERSION)


def read_preset(path: Path) -> dict:
    """A preset somebody else made, checked. Raises FileError."""
    try:
        record = read_toml(path, format_version=FORMAT_VERSION)
        for key, (_, highest, _) in AMOUNTS.items():
            if not LEAST.get(key, 0.0) <= float(record.get(key, 1.0)) <= highest:
                raise ValueError(f"{path}: {key} is {record[key]}, it must be from {LEAST.get(key, 0.0):g} to {highest:g}.")
        if record.get("mood", "neutral") not in MOODS:
            raise ValueError(f"{path}: there is no mood {record['mood']!r}.")
    except (ValueError, TypeError) as error:
        raise FileError(str(error)) from error
    return record


def preset_items() -> list[tuple[str, str, str, str, int]]:
    """The presets as items of an enum; their numbers stay when others are saved or removed."""
    return [_item(name, str(preset_record(name).get("name", "")), str(preset_record(name).get("description", "")), number)
            for number, name in enumerate(preset_paths())] or [_item(DEFAULT, DEFAULT, "", 0)]


@functools.lru_cache(maxsize=256)
def _item(name: str, title: str, description: str, number: int) -> tuple[str, str, str, str, int]:
    """One item; kept, because Blender needs its texts to live on."""
    own = name.startswith(OWN)
    shown = title if own and title else name.removeprefix(OWN).replace("_", " ").title()
    return name, shown, description, "USER" if own else "NONE", 1000 + zlib.crc32(name.encode()) % 10**6 if own else number


def preset_values(name: str) -> dict[str, float | str]:
    """What the panel's controls are when preset `name` is chosen: its own values over the defaults."""
    record = preset_record(name)
    values = {key: float(record.get(key, default)) for key, (default, _, _) in AMOUNTS.items()}
    return {**values, "mood": str(record.get("mood", "neutral")), "mood_strength": float(record.get("mood_strength", 1.0))}


def shown_values(settings: bpy.types.PropertyGroup) -> dict[str, float | str]:
    """The panel's controls as they are set."""
    return {key: getattr(settings, key) for key in preset_values(DEFAULT)}


def changed_settings(name: str, values: dict[str, float | str]) -> dict[str, str]:
    """The controls that differ from the preset, as the engine's `settings`."""
    as_made = preset_values(name)
    return {key: value if isinstance(value, str) else f"{value:.4g}" for key, value in values.items()
            if (value != as_made[key] if isinstance(value, str) else abs(value - as_made[key]) > 1e-4)}


def for_job(settings: bpy.types.PropertyGroup) -> dict:
    """The job's `direction` (a name, or the file of the person's own preset) and `settings`."""
    name = settings.direction or DEFAULT
    known = preset_paths()
    direction = str(known[name]) if name.startswith(OWN) and name in known else name.removeprefix(OWN)
    return {"direction": direction, "settings": changed_settings(name, shown_values(settings))}


def write_preset(path: Path, name: str, settings: bpy.types.PropertyGroup) -> None:
    """Write what is set as a preset that the engine and `read_preset` read, whole or not at all. Raises AddonError.

    Keys of the preset it started from that the panel does not show are kept.
    """
    kept = {key: value for key, value in preset_record(settings.direction).items() if key not in ABOUT}
    shown = {key: value if isinstance(value, str) else round(value, 4) for key, value in shown_values(settings).items()}
    write_record(path, {"format_version": FORMAT_VERSION, "name": name, "description": "", **kept, **shown})
