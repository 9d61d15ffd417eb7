"""What new files begin with: settings of the panel that somebody keeps in the preferences."""

from __future__ import annotations

import json
import logging

import bpy

from . import directions, engine_choice

logger = logging.getLogger(__name__)

KEPT = ("direction", "mood", "mood_strength", *directions.AMOUNTS, "output_folder", "make_rig", "make_strips", "make_video", "alpha",
        "reduce_keys", "key_tolerance", "match_scene")
"""How to perform and what to make, the direction first, since it sets the controls after it. Whom and what is of each file."""


def keep(settings: bpy.types.PropertyGroup) -> None:
    """Keep a scene's settings in the preferences, for new files."""
    kept = {key: getattr(settings, key) for key in KEPT}
    engine_choice.preferences().defaults = json.dumps(kept)


def forget() -> None:
    engine_choice.preferences().defaults = ""


def kept() -> dict[str, object]:
    """Setting -> value, as kept; empty when none are, or when the add-on is not switched on as an extension."""
    preferences = engine_choice.preferences()
    if preferences is None or not preferences.defaults:
        return {}
    try:
        record = json.loads(preferences.defaults)
    except ValueError:
        logger.warning("the kept defaults cannot be read: %s", preferences.defaults)
        return {}
    return {key: record[key] for key in KEPT if key in record} if isinstance(record, dict) else {}


def summary(record: dict[str, object]) -> str:
    """What is kept, in a line: the direction's title and the folder."""
    titles = {item[0]: item[1] for item in directions.preset_items()}
    return ", ".join(str(value) for value in (titles.get(record.get("direction")), record.get("output_folder")) if value)


def give_to(settings: bpy.types.PropertyGroup) -> None:
    """Set what is kept; what the file itself says (a startup file of one's own) goes before it."""
    own = {key for key in KEPT if settings.is_property_set(key)}
    for key, value in kept().items():
        if key not in own:
            try:
                setattr(settings, key, value)
            except (TypeError, ValueError) as error:  # a direction that is gone, an amount of another version
                logger.warning("the kept default %s is left out: %s", key, error)


@bpy.app.handlers.persistent
def _file_opened(*_: object) -> None:
    if not bpy.data.filepath:
        for scene in bpy.data.scenes:
            give_to(scene.soliloquy)


def register() -> None:
    bpy.app.handlers.load_post.append(_file_opened)


def unregister() -> None:
    bpy.app.handlers.load_post.remove(_file_opened)
