"""Keeps a performance together: when its pictures or its voice are moved, trimmed or played faster or slower, the other strips and the keys follow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import bpy
import numpy as np

from .. import compat
from . import record as records
from .found_rig import Rig
from .speed import ENDS, refuse_effects, set_speed, speed_of

SAME_SPEED = 0.01
"""Strips whose speeds differ by less are in time: each ends on a whole frame."""


@dataclass(frozen=True)
class Retiming:
    """What was `at` a frame of the scene is `frames` later, and what follows plays `factor` times as fast."""

    at: float
    frames: float
    factor: float

    def __call__(self, frame: float) -> float:
        """Where what was on `frame` is now."""
        return self.at + self.frames + (frame - self.at) / self.factor


def moved_by(strip: bpy.types.bpy_struct) -> float:
    """How many frames the strip's content was moved since it was put there or last brought in time."""
    return compat.content_start(strip) - float(strip.get(records.PLACE_PROPERTY, compat.content_start(strip)))


def follow_strip(leader: bpy.types.bpy_struct, rig: Rig | None) -> Retiming:
    """Bring the other strips of the leader's performance, and the rig's keys, to where the leader is, as fast as it plays;
    strips are trimmed as it is. Returns what was done. Raises AddonError, before anything is changed, when its speed cannot be followed.
    """
    identity, speed = leader.get(records.PROPERTY), speed_of(leader)
    change = Retiming(compat.content_start(leader) - moved_by(leader), moved_by(leader),
                      speed / float(leader.get(records.SPEED_PROPERTY, 1.0)))
    first, end = compat.strip_range(leader)
    others = [(scene, strip) for scene, strip in records.all_strips(identity) if strip != leader]
    to_be_retimed = [(scene, strip) for scene, strip in others if not _plays_at(strip, speed)]
    for scene, strip in to_be_retimed:
        set_speed(scene, strip, speed)
    for _, strip in others:
        compat.move_strip(strip, change.frames - moved_by(strip))
        compat.set_strip_end(strip, end)
        compat.set_strip_start(strip, first)
    for _, strip in (*others, (None, leader)):
        strip[records.PLACE_PROPERTY], strip[records.SPEED_PROPERTY] = compat.content_start(strip), speed
    if rig is not None and (change.frames or change.factor != 1):
        retime_performance(rig, change)
    return change


def _plays_at(strip: bpy.types.bpy_struct, speed: float) -> bool:
    """Raises AddonError when an effect decides."""
    refuse_effects(strip)
    return len(compat.retiming_frames(strip)) <= ENDS and abs(speed_of(strip) - speed) <= SAME_SPEED


def retime_performance(rig: Rig, change: Retiming) -> None:
    """Move and stretch the performance's keys, or its NLA strips when the action was pushed down."""
    record = records.read(rig.armature)
    for datablock in (rig.armature, rig.master.data.shape_keys):
        pushed = records.nla_strip_of(record, datablock)
        if pushed is not None:
            _retime_pushed(pushed, change)
        else:
            _retime_keys(records.holder_of(record, datablock), change)
    if records.nla_strip_of(record, rig.armature) is None:
        records.write(rig.armature, replace(record, start_frame=change(record.start_frame), speed=record.speed * change.factor))


def _retime_pushed(strip: bpy.types.NlaStrip, change: Retiming) -> None:
    """Stretched first; then both ends move, the one in the direction of the movement first, so that they never cross."""
    frames = change(strip.frame_start) - strip.frame_start
    strip.scale /= change.factor
    for end in ("frame_end", "frame_start") if frames > 0 else ("frame_start", "frame_end"):
        setattr(strip, end, getattr(strip, end) + frames)


def _retime_keys(holder: bpy.types.bpy_struct | None, change: Retiming) -> None:
    for curve in holder.fcurves if holder is not None else ():
        for field in ("co", "handle_left", "handle_right"):
            flat = np.empty(2 * len(curve.keyframe_points), np.float32)
            curve.keyframe_points.foreach_get(field, flat)
            flat[0::2] = change(flat[0::2].astype(np.float64))
            curve.keyframe_points.foreach_set(field, flat)
        curve.update()
