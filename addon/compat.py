"""What differs between the Blender versions we support (4.3 to 5.2), and nothing else."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import bpy

if TYPE_CHECKING:
    import numpy as np

VERSION = bpy.app.version

EEVEE = "BLENDER_EEVEE" if VERSION >= (5, 0) else "BLENDER_EEVEE_NEXT"
"""Identifier of the render engine."""

PATH_OPTIONS = {"PATH_SUPPORTS_BLEND_RELATIVE"} if VERSION >= (4, 5) else set()
"""Options of a path property that may start with "//"."""

SELECTABLE = ("select_control_point", "select_left_handle", "select_right_handle")
"""Parts of a key."""

LINEAR = 1
"""Value of keyframe interpolation `LINEAR` for `foreach_set`."""


def assign_action(datablock: bpy.types.ID, action: bpy.types.Action) -> bpy.types.Action:
    """Let `action` animate `datablock` and return the action that really does.

    From 4.4 on one action serves several data-blocks, each through a slot of its own; before, an action fits one kind of
    data-block, so every data-block after the first gets an action named after it.
    """
    animation = datablock.animation_data or datablock.animation_data_create()
    if VERSION >= (4, 4):
        animation.action = action
        slot = next((slot for slot in action.slots if slot.target_id_type == datablock.id_type), None)
        animation.action_slot = slot or action.slots.new(datablock.id_type, datablock.name)
        return action
    if action.id_root not in ("", datablock.id_type):
        action = bpy.data.actions.new(f"{action.name} {datablock.name}")
    animation.action = action
    return action


def assign_own_slot(datablock: bpy.types.ID, action: bpy.types.Action) -> bpy.types.Action:
    """As `assign_action`, with a slot that belongs to `datablock` alone: several meshes each get their own curves."""
    if VERSION >= (4, 4):
        animation = datablock.animation_data or datablock.animation_data_create()
        animation.action = action
        animation.action_slot = action.slots.new(datablock.id_type, datablock.name)
        return action
    return assign_action(datablock, action if action.id_root == "" else bpy.data.actions.new(f"{action.name} {datablock.name}"))


def current_action(datablock: bpy.types.ID) -> tuple | None:
    """(action, slot) that animates `datablock` now, slot None before 4.4; None when nothing does."""
    animation = datablock.animation_data
    if animation is None or animation.action is None:
        return None
    return animation.action, getattr(animation, "action_slot", None)


def restore_action(datablock: bpy.types.ID, current: tuple) -> None:
    """Let what `current_action` returned animate `datablock` again."""
    datablock.animation_data.action, slot = current
    if slot is not None:
        datablock.animation_data.action_slot = slot


def push_down(datablock: bpy.types.ID) -> None:
    """Make the active action a strip on a new NLA track, where it goes on playing; no action is active afterwards."""
    animation = datablock.animation_data
    action, slot = current_action(datablock)
    animation.action = None
    track = animation.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, int(action.frame_range[0]), action)
    if slot is not None:
        strip.action_slot = slot


def curves_of(datablock: bpy.types.ID) -> bpy.types.bpy_struct:
    """The holder of `.fcurves` and `.groups` that animates `datablock`, which must have an action (see `assign_action`)."""
    action = datablock.animation_data.action
    if VERSION < (4, 4):
        return action
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(datablock.animation_data.action_slot, ensure=True)


def curves_in(action: bpy.types.Action, datablock: bpy.types.ID) -> bpy.types.bpy_struct | None:
    """The holder of `.fcurves` for data-blocks of this kind in an action that need not be active; None when it has none."""
    if VERSION < (4, 4):
        return action
    slot = next((slot for slot in action.slots if slot.target_id_type == datablock.id_type), None)
    if slot is None or not action.layers or not action.layers[0].strips:
        return None
    return action.layers[0].strips[0].channelbag(slot)


def write_curve(holder: bpy.types.bpy_struct, path: str, index: int, group: str, frames: np.ndarray,
                values: np.ndarray) -> None:
    """Replace one whole F-curve by linear keys. frames: (N,) rising scene frames; values: (N,)."""
    import numpy as np

    curve = holder.fcurves.find(path, index=index) or holder.fcurves.new(path, index=index)
    curve.group = holder.groups.get(group) or _new_group(holder, group)
    points = curve.keyframe_points
    points.clear()
    points.add(len(frames))
    coordinates = np.empty(2 * len(frames), np.float32)
    coordinates[0::2], coordinates[1::2] = frames, values
    points.foreach_set("co", coordinates)
    points.foreach_set("interpolation", np.full(len(frames), LINEAR, np.int32))
    for part in SELECTABLE:  # new keys are selected, and what is selected is what Regenerate and the Graph Editor mean
        points.foreach_set(part, np.zeros(len(frames), bool))
    curve.update()


GROUP_COLOURS = 15
"""How many colour sets a theme has."""


def _new_group(holder: bpy.types.bpy_struct, name: str) -> bpy.types.ActionGroup:
    """A group of curves in a colour of its own."""
    group = holder.groups.new(name)
    group.color_set = f"THEME{(len(holder.groups) - 1) % GROUP_COLOURS + 1:02d}"
    return group


def strips_of(scene: bpy.types.Scene) -> bpy.types.bpy_struct:
    """The scene's top-level strips, made when missing. (An empty collection is falsy: test with `hasattr`.)"""
    editor = scene.sequence_editor or scene.sequence_editor_create()
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def strip_range(strip: bpy.types.bpy_struct) -> tuple[int, int]:
    """First and one-past-last scene frame the strip shows."""
    if hasattr(strip, "right_handle"):
        return int(strip.left_handle), int(strip.right_handle)
    return int(strip.frame_final_start), int(strip.frame_final_end)


def content_start(strip: bpy.types.bpy_struct) -> float:
    """The scene frame on which the strip's own content begins, left of what it shows when it is trimmed."""
    return float(strip.content_start if hasattr(strip, "content_start") else strip.frame_start)


RETIMING_IS_TOLD = hasattr(bpy.types, "ImageStrip") and "retiming_keys" in bpy.types.ImageStrip.bl_rna.properties
"""Whether scripts see a strip's retiming keys (from 4.5 on)."""


def retiming_frames(strip: bpy.types.bpy_struct) -> list[int]:
    """The scene frames of the strip's retiming keys; none when its speed was never changed, or nobody tells."""
    return [key.timeline_frame for key in getattr(strip, "retiming_keys", ())]


def content_length(strip: bpy.types.bpy_struct) -> int:
    """How many scene frames the strip's content lasts as fast as it plays now, trimmed or not."""
    return int(strip.content_duration if hasattr(strip, "content_duration") else strip.frame_duration)


def sequencer_override(scene: bpy.types.Scene) -> contextlib.AbstractContextManager:
    """A context in which the sequencer's operators mean `scene`."""
    named = {"sequencer_scene": scene} if hasattr(bpy.context, "sequencer_scene") else {}
    return bpy.context.temp_override(scene=scene, **named)


def move_strip(strip: bpy.types.bpy_struct, frames: float) -> None:
    """Move the strip with its content."""
    if hasattr(strip, "content_start"):
        strip.content_start += frames
    else:
        strip.frame_start += frames


def set_strip_start(strip: bpy.types.bpy_struct, start: int) -> None:
    """Let the strip show from scene frame `start` on; its content stays where it is."""
    if hasattr(strip, "left_handle"):
        strip.left_handle = start
    else:
        strip.frame_final_start = start


def set_strip_end(strip: bpy.types.bpy_struct, end: int) -> None:
    """Let the strip end before scene frame `end`."""
    if hasattr(strip, "right_handle"):
        strip.right_handle = end
    else:
        strip.frame_final_end = end


def sequencer_scene(context: bpy.types.Context) -> bpy.types.Scene:
    """The scene whose strips the person sees: from 5.0 on the sequencer shows the workspace's own scene, if it has one."""
    return getattr(context, "sequencer_scene", None) or context.scene


def show_in_sequencer(workspace: bpy.types.WorkSpace | None, scene: bpy.types.Scene) -> None:
    """Let the workspace's sequencer show `scene` when it shows none yet (from 5.0 on; before, it shows the window's)."""
    if workspace is not None and getattr(workspace, "sequencer_scene", scene) is None:
        workspace.sequencer_scene = scene


def node_tree(material: bpy.types.Material) -> bpy.types.NodeTree:
    """The material's node tree, emptied. Before 5.0 it has to be switched on."""
    if material.node_tree is None:
        material.use_nodes = True
    material.node_tree.nodes.clear()
    return material.node_tree
