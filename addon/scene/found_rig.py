"""A rig that is in the file: what belongs to it, found again from any of its objects. Light: panels ask all the time."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from .rig_names import HEAD

PART_PROPERTY = "soliloquy_part"
MASTER_PARTS = ("face", "person")
"""The first of these that the portrait has carries all keys; the other parts follow it by drivers."""


@dataclass(frozen=True)
class Rig:
    """A rig in the file. master: the mesh whose shape keys are meant to be edited; camera: None when it was deleted."""

    armature: bpy.types.Object
    master: bpy.types.Object
    camera: bpy.types.Object | None


def find_rig(armature: bpy.types.Object | None) -> Rig | None:
    """The rig an armature belongs to; None when it is not one of ours (any more)."""
    if armature is None or armature.type != "ARMATURE" or HEAD not in armature.pose.bones:
        return None
    children = armature.children  # Blender searches all objects of the file for them
    meshes = {child.get(PART_PROPERTY): child for child in children if child.type == "MESH"}
    master = next((meshes[key] for key in (*MASTER_PARTS, *meshes) if key in meshes and meshes[key].data.shape_keys), None)
    camera = next((child for child in children if child.type == "CAMERA"), None)
    return Rig(armature, master, camera) if master else None


def rig_of_selection(active: bpy.types.Object | None) -> Rig | None:
    """The rig whose armature, mesh or camera is active."""
    return find_rig(active) or find_rig(active.parent) if active is not None else None
