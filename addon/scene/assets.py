"""Portraits and performances in the Asset Browser: marked, with a preview and a catalog."""

from __future__ import annotations

import uuid
from pathlib import Path

import bpy
import numpy as np

from ..errors import AddonError

CATALOGS_FILE = "blender_assets.cats.txt"
"""Beside the .blend; the format is Blender's own: UUID:path:simple name."""
PORTRAITS, PERFORMANCES = "Soliloquy/Portraits", "Soliloquy/Performances"
PREVIEW_PX = 256
TAG = "Soliloquy"


def catalog_id(path: str) -> str:
    """The same for a catalog in every file, so that libraries fit together."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://soliloquy.invalid/catalog/{path}"))


def assets_of(item: bpy.types.Object) -> dict[bpy.types.ID, str]:
    """What can be marked for an object: its portrait's collection, the actions on its rig; data-block -> catalog."""
    from .found_rig import rig_of_selection

    rig = rig_of_selection(item)
    found: dict[bpy.types.ID, str] = {}
    owners = [item, rig.armature, rig.master] if rig else [item, *item.children]
    if rig and rig.armature.users_collection and rig.armature.users_collection[0] in set(bpy.data.collections):
        found[rig.armature.users_collection[0]] = PORTRAITS
    for owner in owners:
        for datablock in (owner, getattr(owner.data, "shape_keys", None)):
            animation = datablock.animation_data if datablock else None
            if animation and animation.action:
                found[animation.action] = PERFORMANCES
    return found


def mark_assets(item: bpy.types.Object) -> list[bpy.types.ID]:
    """Mark what belongs to `item`. Raises AddonError when the file of catalogs cannot be written."""
    marked = assets_of(item)
    picture = _picture(item)
    for datablock, catalog in marked.items():
        datablock.asset_mark()
        datablock.asset_data.catalog_id = catalog_id(catalog)
        if TAG not in datablock.asset_data.tags:
            datablock.asset_data.tags.new(TAG)
        if picture is not None:
            _set_preview(datablock, picture)
        else:
            datablock.asset_generate_preview()
    if bpy.data.filepath:
        _write_catalogs(Path(bpy.data.filepath).with_name(CATALOGS_FILE), sorted(set(marked.values())))
    return list(marked)


def _picture(item: bpy.types.Object) -> bpy.types.Image | None:
    """The picture that the rig of `item` is drawn with: the plate, which has the whole of it."""
    from .found_rig import rig_of_selection

    rig = rig_of_selection(item)
    if rig is None:
        return None
    images = [node.image for mesh in rig.armature.children if mesh.type == "MESH" for slot in mesh.material_slots if slot.material
              for node in slot.material.node_tree.nodes if node.type == "TEX_IMAGE" and node.image]
    return max(images, key=lambda image: image.size[0] * image.size[1], default=None)


def _set_preview(datablock: bpy.types.ID, picture: bpy.types.Image) -> None:
    """The picture, shrunk to a square with its sides clear."""
    width, height = picture.size
    pixels = np.empty(width * height * 4, np.float32)
    picture.pixels.foreach_get(pixels)
    step = max(width, height) / PREVIEW_PX
    rows = np.minimum((np.arange(int(height / step)) * step).astype(int), height - 1)
    columns = np.minimum((np.arange(int(width / step)) * step).astype(int), width - 1)
    small = pixels.reshape(height, width, 4)[rows][:, columns]
    square = np.zeros((PREVIEW_PX, PREVIEW_PX, 4), np.float32)
    top, left = (PREVIEW_PX - small.shape[0]) // 2, (PREVIEW_PX - small.shape[1]) // 2
    square[top:top + small.shape[0], left:left + small.shape[1]] = small
    preview = datablock.preview_ensure()
    preview.image_size = (PREVIEW_PX, PREVIEW_PX)
    preview.image_pixels_float.foreach_set(square.ravel())


def _write_catalogs(path: Path, catalogs: list[str]) -> None:
    """Add what is missing to the file of catalogs; what others wrote there stays."""
    try:
        text = path.read_text(encoding="utf-8") if path.is_file() else "VERSION 1\n"
        missing = [catalog for catalog in catalogs if catalog_id(catalog) not in text]
        lines = [f"{catalog_id(catalog)}:{catalog}:{catalog.replace('/', '-')}" for catalog in missing]
        if lines:
            temporary = path.with_name(f".{path.name}.part")
            temporary.write_text(text.rstrip("\n") + "\n" + "\n".join(lines) + "\n", encoding="utf-8")
            temporary.replace(path)
    except (OSError, UnicodeDecodeError) as error:
        raise AddonError(f"Cannot write the catalogs into {path}: {error}.", code="bad_output") from error
