"""A rig rebuilt from another `.portrait`, in place: what was animated, constrained, moved or parented stays."""

from __future__ import annotations

import bpy

from ..turns import Task
from . import backdrop, controls
from .portrait_file import PortraitData
from .found_rig import PART_PROPERTY, Rig, find_rig
from .rig import rig_task


def replace_task(rig: Rig, portrait: PortraitData, scene: bpy.types.Scene, *, name: str) -> Task[Rig]:
    """Give `rig` the meshes, bones and camera of `portrait`, in turns (see `turns`). Its objects, their actions and layers, its place
    stay; parts the portrait has no more are removed, new ones are added, all in the last turn."""
    fresh = yield from rig_task(portrait, scene, name=name)
    fresh_collection = fresh.armature.users_collection[0]
    home = rig.armature.users_collection[0]
    keys_before = rig.master.data.shape_keys
    values = {block.name: block.value for block in keys_before.key_blocks}
    _hand_over(keys_before, fresh.master.data.shape_keys)
    for block in fresh.master.data.shape_keys.key_blocks[1:]:
        block.value = values.get(block.name, 0.0)
    left = {child[PART_PROPERTY]: child for child in rig.armature.children if PART_PROPERTY in child}
    left_over = []
    for made in [child for child in fresh.armature.children if PART_PROPERTY in child]:
        kept = left.pop(made[PART_PROPERTY], None)
        if kept is None:
            _adopt(made, rig.armature, home, fresh_collection)
            continue
        left_over.append(kept.data)
        kept.data = made.data
        bpy.data.objects.remove(made)
    for gone in left.values():
        left_over.append(gone.data)
        bpy.data.objects.remove(gone)
    _take_bones(rig, fresh)
    controls.carry_shoulders(rig.armature)
    for child in list(fresh.armature.children):
        bpy.data.objects.remove(child)
    bpy.data.objects.remove(fresh.armature)
    bpy.data.collections.remove(fresh_collection)
    rebuilt = find_rig(rig.armature)
    _point_halo(rebuilt)
    _remove_unused(left_over)
    return rebuilt


def _hand_over(old: bpy.types.Key, new: bpy.types.Key) -> None:
    """The same actions and layers on the new keys."""
    if old.animation_data is None:
        return
    source, target = old.animation_data, new.animation_data_create()
    target.action = source.action
    if hasattr(source, "action_slot") and source.action_slot is not None:
        target.action_slot = source.action_slot
    for track in source.nla_tracks:
        copy = target.nla_tracks.new()
        copy.name, copy.mute, copy.lock = track.name, track.mute, track.lock
        for strip in track.strips:
            if strip.action is not None:
                _copy_strip(strip, copy.strips.new(strip.name, int(strip.frame_start), strip.action))


def _copy_strip(strip: bpy.types.NlaStrip, copy: bpy.types.NlaStrip) -> None:
    if getattr(strip, "action_slot", None) is not None:
        copy.action_slot = strip.action_slot
    for name in ("action_frame_start", "action_frame_end", "scale", "repeat", "blend_type", "blend_in", "blend_out",
                 "extrapolation", "influence", "mute", "frame_start", "frame_end"):
        setattr(copy, name, getattr(strip, name))


def _adopt(made: bpy.types.Object, armature: bpy.types.Object, home: bpy.types.Collection,
           old: bpy.types.Collection) -> None:
    made.parent = armature
    for modifier in made.modifiers:
        modifier.object = armature
    home.objects.link(made)
    old.objects.unlink(made)


def _take_bones(rig: Rig, fresh: Rig) -> None:
    """The new bones under the old pose, and the new lens."""
    old = rig.armature.data
    rig.armature.data = fresh.armature.data
    if old.users == 0:
        bpy.data.armatures.remove(old)
    if rig.camera is not None and fresh.camera is not None:
        rig.camera.data.lens = fresh.camera.data.lens
        rig.camera.data.shift_x, rig.camera.data.shift_y = fresh.camera.data.shift_x, fresh.camera.data.shift_y
        rig.camera.location = fresh.camera.location


def _point_halo(rig: Rig) -> None:
    """The halo's driver reads the keys there are now."""
    halo = next((child for child in rig.armature.children if child.get(PART_PROPERTY) == backdrop.HALO), None)
    if halo is not None:
        halo.driver_remove("color", 3)
        backdrop.show_at_rest_only(halo, rig.armature, rig.master.data.shape_keys)


def _remove_unused(meshes: list[bpy.types.Mesh]) -> None:
    """Meshes nobody uses any more, with their materials and pictures."""
    materials = {material for mesh in meshes for material in mesh.materials if material is not None}
    for mesh in meshes:
        if mesh.users == 0:
            bpy.data.meshes.remove(mesh)
    pictures = set()
    for material in materials:
        if material.users == 0:
            pictures |= {node.image for node in material.node_tree.nodes if node.type == "TEX_IMAGE" and node.image}
            bpy.data.materials.remove(material)
    for picture in pictures:
        if picture.users == 0:
            bpy.data.images.remove(picture)
