"""Keeps a performance together: when its pictures or its voice are moved or trimmed, the other strips and the keys follow."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np

from .. import compat
from . import record as records
from .found_rig import Rig


def moved_by(strip: bpy.types.bpy_struct) -> float:
    """How many frames the strip's content was moved since it was put there or last brought in time."""
    return compat.content_start(strip) - float(strip.get(records.PLACE_PROPERTY, compat.content_start(strip)))


def follow_strip(leader: bpy.types.bpy_struct, rig: Rig | None) -> float:
    """Bring the other strips of the leader's performance, and the rig's keys, to where the leader is; strips are trimmed as it is.

    Returns by how many frames things moved.
    """
    identity, delta = leader.get(records.PROPERTY), moved_by(leader)
    first, end = compat.strip_range(leader)
    for _, strip in records.all_strips(identity):
        if strip != leader:
            compat.move_strip(strip, delta - moved_by(strip))
            compat.set_strip_end(strip, end)
            compat.set_strip_start(strip, first)
    for _, strip in records.all_strips(identity):
        strip[records.PLACE_PROPERTY] = compat.content_start(strip)
    if rig is not None and delta:
        move_performance(rig, delta)
    return delta


def move_performance(rig: Rig, frames: float) -> None:
    """Move the performance's keys, or its NLA strips when the action was pushed down."""
    record = records.read(rig.armature)
    for datablock in (rig.armature, rig.master.data.shape_keys):
        pushed = records.nla_strip_of(record, datablock)
        if pushed is not None:
            _move_pushed(pushed, frames)
        else:
            _move_keys(records.holder_of(record, datablock), frames)
    if records.nla_strip_of(record, rig.armature) is None:
        records.write(rig.armature, replace(record, start_frame=record.start_frame + frames))


def _move_pushed(strip: bpy.types.NlaStrip, frames: float) -> None:
    """Both ends, the one in the direction of the movement first, so that they never cross."""
    for end in ("frame_end", "frame_start") if frames > 0 else ("frame_start", "frame_end"):
        setattr(strip, end, getattr(strip, end) + frames)


def _move_keys(holder: bpy.types.bpy_struct | None, frames: float) -> None:
    for curve in holder.fcurves if holder is not None else ():
        for field in ("co", "handle_left", "handle_right"):
            flat = np.empty(2 * len(curve.keyframe_points), np.float32)
            curve.keyframe_points.foreach_get(field, flat)
            flat[0::2] += np.float32(frames)
            curve.keyframe_points.foreach_set(field, flat)
        curve.update()
