"""A character as it lies in the file: its meshes with shape keys, its armatures, where it looks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector

from .bones import DEFAULT_FRONT, LEFT_RIGHT_KEYS, axes_from_front, axes_from_left
from .mapping import BONE, Row
from .matching import find_name


@dataclass(frozen=True)
class Character:
    """name: of its first object; meshes: those with shape keys; armatures: those that may have a head, a jaw, eyes."""

    name: str
    meshes: tuple[bpy.types.Object, ...]
    armatures: tuple[bpy.types.Object, ...]

    def key_names(self) -> list[str]:
        """Names of all shape keys but the first of each mesh, which is the rest."""
        return list(dict.fromkeys(block.name for mesh in self.meshes for block in mesh.data.shape_keys.key_blocks[1:]))

    def bone_names(self) -> list[str]:
        return list(dict.fromkeys(bone.name for armature in self.armatures for bone in armature.pose.bones))


def character_of(objects: Iterable[bpy.types.Object], scene_objects: Iterable[bpy.types.Object] = ()) -> Character | None:
    """The character that `objects` (the selection) are; None when nothing of it can be animated.

    scene_objects: where to look for the rest of it, the other meshes on the same armature (teeth, lashes, tongue).
    """
    chosen = list(objects)
    armatures = list(dict.fromkeys(armature for item in chosen if (armature := armature_of(item))))
    rest = [item for item in scene_objects if armature_of(item) in armatures] if armatures else []
    meshes = [item for item in dict.fromkeys([*chosen, *rest])
              if item.type == "MESH" and item.data.shape_keys and len(item.data.shape_keys.key_blocks) > 1]
    if not meshes and not armatures:
        return None
    return Character((armatures or meshes)[0].name if not chosen else chosen[0].name, _once_each(meshes), tuple(armatures))


def armature_of(item: bpy.types.Object) -> bpy.types.Object | None:
    """The armature that an object is, is deformed by, or hangs on."""
    if item.type == "ARMATURE":
        return item
    for modifier in item.modifiers:
        if modifier.type == "ARMATURE" and modifier.object:
            return modifier.object
    return item.parent if item.parent and item.parent.type == "ARMATURE" else None


def character_axes(character: Character, rows: list[Row], front: str):
    """(3, 3) the clip's axes on this character, in world space (see `bones.axes_from_left`).

    front: "AUTO", or a key of `choices.FRONTS`. Found by the eye bones, else by the keys that close the left and the right eye.
    """
    if front != "AUTO":
        return axes_from_front(front)
    left = _left_of_eye_bones(character, rows) or _left_of_keys(character)
    if left is None or (left - left.project(Vector((0, 0, 1)))).length < 1e-6:
        return axes_from_front(DEFAULT_FRONT)
    return axes_from_left(left)


def _left_of_eye_bones(character: Character, rows: list[Row]) -> Vector | None:
    eyes = {side: row.names[0] for row in rows if row.kind == BONE for side in ("left", "right")
            if row.source.startswith(f"gaze.{side}.")}
    for armature in character.armatures:
        bones = [armature.data.bones.get(eyes.get(side, "")) for side in ("left", "right")]
        if all(bones):
            return armature.matrix_world.to_3x3() @ (bones[0].head_local - bones[1].head_local)
    return None


def _left_of_keys(character: Character) -> Vector | None:
    for mesh in character.meshes:
        blocks = mesh.data.shape_keys.key_blocks
        for pair in LEFT_RIGHT_KEYS:
            names = [find_name([name], blocks.keys()) for name in pair]
            if all(names):
                middles = [_middle_of_what_moves(blocks[0], blocks[name]) for name in names]
                if all(middle is not None for middle in middles):
                    return mesh.matrix_world.to_3x3() @ Vector(middles[0] - middles[1])
    return None


def _middle_of_what_moves(rest: bpy.types.ShapeKey, key: bpy.types.ShapeKey) -> np.ndarray | None:
    """(3,) the mean rest position of the vertices a key moves, weighted by how far."""
    points = np.empty(3 * len(rest.data), np.float32)
    moved = np.empty_like(points)
    rest.data.foreach_get("co", points)
    key.data.foreach_get("co", moved)
    points, moved = points.reshape(-1, 3), moved.reshape(-1, 3)
    way = np.linalg.norm(moved - points, axis=1)
    return (points * way[:, None]).sum(axis=0) / way.sum() if way.sum() > 1e-9 else None


def _once_each(meshes: list[bpy.types.Object]) -> tuple[bpy.types.Object, ...]:
    """Objects that share their mesh share its keys: one of them stands for all."""
    return tuple({item.data.shape_keys: item for item in reversed(meshes)}.values())[::-1]
