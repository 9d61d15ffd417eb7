"""What the person has chosen: the character that is selected, the mapping that is set. Loaded when it is first asked for."""

from __future__ import annotations

import functools
from pathlib import Path

import bpy

from .. import paths
from ..errors import AddonError
from .mapping import FOLDER, Mapping, Row, best_mapping, matched, read_mapping
from .targets import Character, character_of

RECOGNISE = "AUTO"


def user_mappings() -> Path | None:
    """Where mappings that were saved lie; None when this package does not run as an extension."""
    home = paths.user_folder()
    return home / "mappings" if home else None


def mapping_paths() -> dict[str, Path]:
    """Every mapping to choose from: key -> file; the person's own after those that come with the program."""
    own = user_mappings()
    found = {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}
    return {**found, **({f"own/{path.stem}": path for path in sorted(own.glob("*.toml"))} if own and own.is_dir() else {})}


@functools.lru_cache(maxsize=128)
def _mapping_item(key: str, path: Path, _changed: float) -> tuple[str, str, str] | None:
    """One item of the enum, read again only when its file has changed; kept, because Blender needs its texts to live on."""
    try:
        mapping = read_mapping(path)
    except AddonError:
        return None
    return key, mapping.name, mapping.description or f"Saved as {path.name}"


def mapping_items() -> list[tuple[str, str, str]]:
    """All mappings as items of an enum."""
    items = [_mapping_item(key, path, path.stat().st_mtime) for key, path in mapping_paths().items()]
    return [(RECOGNISE, "Recognise", "The standard whose names fit this character best"), *filter(None, items)]


def chosen_character(context: bpy.types.Context) -> Character | None:
    """The character that is selected; the active object when nothing is."""
    selected = list(context.selected_objects) or [item for item in (context.object,) if item]
    whole = context.scene.soliloquy.character.whole
    return character_of(selected, context.scene.objects if whole else ())


def chosen_mapping(key: str, character: Character) -> Mapping:
    """The mapping behind an item of the enum. Raises AddonError."""
    if key in ("", RECOGNISE):
        return best_mapping(character.key_names(), character.bone_names())
    known = mapping_paths()
    if key not in known:
        raise AddonError(f"There is no mapping {key!r}. Known: {', '.join(known)}.", code="bad_input")
    return read_mapping(known[key])


def auto_match(mapping: Mapping, character: Character) -> list[Row]:
    """The rows of `mapping` that this character has targets for. Raises AddonError when there are none."""
    rows = matched(mapping, character.key_names(), character.bone_names())
    if not rows:
        raise AddonError(f"{character.name} has no shape key or bone of {mapping.name}. Choose another mapping, or add rows.")
    return rows


def rows_named(name: str, character: Character) -> list[Row]:
    """The rows for this character of a mapping as scripts name it: AUTO, a preset, "own/..." or a .toml file. Raises AddonError."""
    mapping = read_mapping(paths.from_blender(name)) if name.endswith(".toml") else chosen_mapping(name, character)
    return auto_match(mapping, character)
