"""The direction's controls as the panels show them: presets from `presets/directions`, moods, amounts per region.

Names, ranges and defaults are those of `engine/motion/direction.py` (a test holds the two together).
"""

from __future__ import annotations

import functools
import tomllib

from . import paths

MOODS = ("neutral", "happy", "sad", "angry", "surprised", "afraid", "disgusted", "contempt", "tender", "bored")

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


@functools.cache
def presets() -> dict[str, dict]:
    """The presets' records by name, the default one first. Cached: Blender needs an enum's texts to live on."""
    records = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in paths.DIRECTIONS.glob("*.toml")}
    return dict(sorted(records.items(), key=lambda item: (item[0] != DEFAULT, item[0]))) or {DEFAULT: {}}


@functools.cache
def preset_items() -> list[tuple[str, str, str]]:
    """The presets as items of an enum."""
    return [(name, name.replace("_", " ").title(), str(record.get("description", ""))) for name, record in presets().items()]


def preset_values(name: str) -> dict[str, float | str]:
    """What the panel's controls are when preset `name` is chosen: its own values over the defaults."""
    record = presets().get(name, {})
    values = {key: float(record.get(key, default)) for key, (default, _, _) in AMOUNTS.items()}
    return {**values, "mood": str(record.get("mood", "neutral")), "mood_strength": float(record.get("mood_strength", 1.0))}


def changed_settings(name: str, values: dict[str, float | str]) -> dict[str, str]:
    """The controls that differ from the preset, as the engine's `settings`."""
    as_made = preset_values(name)
    return {key: value if isinstance(value, str) else f"{value:.4g}" for key, value in values.items()
            if (value != as_made[key] if isinstance(value, str) else abs(value - as_made[key]) > 1e-4)}
