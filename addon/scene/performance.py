"""Puts a performance on a rig: 52 shape-key curves, the head bone's turn and shift, the eyes' gaze. One action holds it
all, with a slot for the armature and one for the keys."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import numpy as np

from .. import compat
from .channels import CHANNELS, GAZE_GROUP, GROUP_OF, HEAD_GROUP
from .clip_file import ClipData
from .rig import EYE_BONES, HEAD, Rig
from .timing import key_frames, scene_fps

Curve = tuple[str, int, str, np.ndarray]
"""(data path, array index, group, (T,) values)"""


def apply_performance(rig: Rig, clip: ClipData, scene: bpy.types.Scene, *, start_frame: int, name: str) -> bpy.types.Action:
    """Key `clip` on `rig` so that its first sample falls on `start_frame`, every sample at its exact time.

    A new action is made; one that was there before stays in the file, as Blender keeps it.
    """
    frames = key_frames(len(clip), clip.fps, scene_fps(scene), start_frame)
    action = bpy.data.actions.new(name)
    _write(rig.armature, compat.assign_action(rig.armature, action), _bone_curves(clip), frames)
    keys = rig.master.data.shape_keys
    _write(keys, compat.assign_action(keys, action), _shape_curves(clip), frames)
    return action


def _write(datablock: bpy.types.ID, action: bpy.types.Action, curves: Iterator[Curve], frames: np.ndarray) -> None:
    holder = compat.curves_of(datablock)
    for path, index, group, values in curves:
        compat.write_curve(holder, path, index, group, frames, values)
    action.update_tag()


def _shape_curves(clip: ClipData) -> Iterator[Curve]:
    for column, channel in enumerate(CHANNELS):
        yield f'key_blocks["{channel}"].value', 0, GROUP_OF[channel], clip.channels[:, column]


def _bone_curves(clip: ClipData) -> Iterator[Curve]:
    """Radians and metres in the bones' own axes (see rig.HEAD_ROTATION_ORDER and rig.EYE_ROTATION_ORDER)."""
    yaw, pitch, roll = np.radians(clip.head_rotation_deg).T
    for index, values in enumerate((-pitch, yaw, roll)):
        yield f'pose.bones["{HEAD}"].rotation_euler', index, HEAD_GROUP, values
    for index in range(3):
        yield f'pose.bones["{HEAD}"].location', index, HEAD_GROUP, clip.head_translation_m[:, index]
    for eye, bone in enumerate(EYE_BONES.values()):
        yaw, pitch = np.radians(clip.gaze_deg[:, eye]).T
        yield f'pose.bones["{bone}"].rotation_euler', 0, GAZE_GROUP, pitch
        yield f'pose.bones["{bone}"].rotation_euler', 2, GAZE_GROUP, yaw
