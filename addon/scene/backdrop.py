"""What lies behind the person: the clean plate, and the halo, the picture's own edge around the person.

The halo is true only while the person rests; the renderer lets it go where the person has moved. Here it goes as a whole. A scan's
border belongs to the plate and stands before the person.
"""

from __future__ import annotations

import bpy
import numpy as np

from .portrait_file import PortraitData
from .space import RigSpace

PLATE, HALO = "plate", "halo"
CARDS = (PLATE, HALO)
"""From the back to the front."""

SHARE_BEHIND = {PLATE: 0.1, HALO: 0.05}
"""How far a card lies behind the deepest vertex, in camera distances."""

BEFORE_SHARE = 0.5
"""A scan's border stands so far from the nearest vertex to the camera: before whoever reaches it, as in the renderer."""

_GONE_AT = {"head": ("rotation_euler", 0.006), "neck": ("rotation_euler", 0.006), "head shift": ("location", 0.0006)}
"""A movement of the person's edge by 0.6 mm, as in the renderer: radians at a lever of 0.1 m, and metres."""
_JAW_GONE_AT = 0.03
"""The same as a share of an open jaw, at 20 mm of the chin's way."""


def depth(portrait: PortraitData, card: str) -> float:
    """How far behind the plane of the eyes a card lies, pixels."""
    deepest = max(0.0, -min(float(part.vertices[:, 2].min()) for part in portrait.parts.values() if len(part.vertices)))
    return deepest + SHARE_BEHIND[card] * portrait.camera_distance


def card(portrait: PortraitData, space: RigSpace, key: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (V, 3) metres, faces (F, 4) and texture coordinates (V, 2), v down, of a card: the whole frame, of the plate its border once
    more before everybody."""
    sides = [[(0, 0, *portrait.size)], [depth(portrait, key)]]
    if key == PLATE and any(portrait.border_px):
        nearest = max(float(part.vertices[:, 2].max()) for part in portrait.parts.values() if len(part.vertices))
        strips = border_strips(portrait)
        sides[0] += strips
        sides[1] += [-(nearest + BEFORE_SHARE * (portrait.camera_distance - nearest))] * len(strips)
    corners = np.array([[(left, bottom), (right, bottom), (right, top), (left, top)] for left, top, right, bottom in sides[0]], float)
    picture = np.concatenate([corners - 0.5, np.broadcast_to(-np.array(sides[1])[:, None, None], (len(corners), 4, 1))], axis=2)
    uv = (corners / portrait.size).reshape(-1, 2).astype(np.float32)
    return space.points(picture.reshape(-1, 3)), np.arange(4 * len(corners)).reshape(-1, 4), uv


def border_strips(portrait: PortraitData) -> list[tuple[int, int, int, int]]:
    """(left, top, right, bottom) pixels of each strip of the scan's border; none overlaps another."""
    width, height = portrait.size
    left, top, right, bottom = portrait.border_px
    strips = ((0, 0, width, top), (0, height - bottom, width, height), (0, top, left, height - bottom),
              (width - right, top, width, height - bottom))
    return [strip for strip in strips if strip[0] < strip[2] and strip[1] < strip[3]]


def show_at_rest_only(card: bpy.types.Object, armature: bpy.types.Object, keys: bpy.types.Key) -> None:
    """Drive the alpha of the card's colour: 1 at rest, 0 once the head, the neck or the jaw has moved.

    The expression is one of those Blender evaluates itself, without Python: no scripts to allow.
    """
    driver = card.driver_add("color", 3).driver
    driver.type = "SCRIPTED"
    terms = []
    for place, (what, gone_at) in _GONE_AT.items():
        bone = f'pose.bones["{place.split()[0]}"]'
        names = [variable(driver, "OBJECT", armature, f"{bone}.{what}[{axis}]") for axis in range(3)]
        terms.append(f"{1 / gone_at:.0f}*({'+'.join(f'abs({name})' for name in names)})")
    jaw = variable(driver, "KEY", keys, 'key_blocks["jawOpen"].value')
    driver.expression = f"clamp(1.5-{'-'.join(terms)}-{1 / _JAW_GONE_AT:.0f}*{jaw})"


def variable(driver: bpy.types.Driver, id_type: str, datablock: bpy.types.ID, path: str) -> str:
    """Give the driver one more variable, a property of a datablock; its name in the expression."""
    added = driver.variables.new()
    added.name = f"v{len(driver.variables)}"
    added.type = "SINGLE_PROP"
    target = added.targets[0]
    target.id_type, target.id, target.data_path = id_type, datablock, path
    return added.name
