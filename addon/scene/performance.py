"""A performance on a rig: 55 shape-key curves, the head bone's turn and shift, the eyes' gaze. One action holds it all, with a
slot for the armature and one for the keys. It is written whole, read back key by key, and written again in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import bpy
import numpy as np

from .. import compat
from ..turns import Task, finish_at_once
from . import record as records
from .channels import CHANNELS, GAZE_GROUP, GROUP_OF, HEAD_GROUP, OWN_CHANNELS, OWN_GROUP_OF
from .clip_file import ClipData
from .keys import replace_samples, sampled
from .found_rig import Rig
from .rig_names import EYE_BONES, HEAD
from .timing import key_frames, scene_fps

NO_CHANGE = 1e-7
"""Two samples that differ by less, in Blender's units (shares, radians, metres), are the same: 32-bit rounding."""


@dataclass(frozen=True)
class CurvePlace:
    """Where one of a clip's curves lives on a rig. on_keys: on the shape keys, else on the armature. factor: Blender's value
    over the clip's: radians and signs of the bones' own axes (see rig.HEAD_ROTATION_ORDER and rig.EYE_ROTATION_ORDER)."""

    on_keys: bool
    path: str
    index: int
    group: str
    factor: float


def _places() -> Iterator[CurvePlace]:
    """In the order of `columns_of`."""
    for channel in CHANNELS:
        yield CurvePlace(True, f'key_blocks["{channel}"].value', 0, GROUP_OF[channel], 1.0)
    turn = np.pi / 180
    for index, factor in ((1, turn), (0, -turn), (2, turn)):  # yaw, pitch, roll
        yield CurvePlace(False, f'pose.bones["{HEAD}"].rotation_euler', index, HEAD_GROUP, factor)
    for index in range(3):
        yield CurvePlace(False, f'pose.bones["{HEAD}"].location', index, HEAD_GROUP, 1.0)
    for bone in EYE_BONES.values():
        for index in (2, 0):  # yaw, pitch
            yield CurvePlace(False, f'pose.bones["{bone}"].rotation_euler', index, GAZE_GROUP, turn)
    for channel in OWN_CHANNELS:
        yield CurvePlace(True, f'key_blocks["{channel}"].value', 0, OWN_GROUP_OF[channel], 1.0)


PLACES = tuple(_places())
OWN_COLUMN = len(PLACES) - len(OWN_CHANNELS)


def places_on(rig: Rig) -> Iterator[tuple[int, CurvePlace]]:
    """(column, place) of the curves that a rig has a place for: one that was built before there were channels of our own has no keys for them."""
    keys = rig.master.data.shape_keys.key_blocks
    for column, place in enumerate(PLACES):
        if column < OWN_COLUMN or keys.get(OWN_CHANNELS[column - OWN_COLUMN]) is not None:
            yield column, place


def columns_of(clip: ClipData) -> np.ndarray:
    """(T, 65) float64: channels, head rotation, head translation, gaze, own."""
    return np.concatenate([clip.channels, clip.head_rotation_deg, clip.head_translation_m, clip.gaze_deg.reshape(-1, 4),
                           clip.own], axis=1, dtype=np.float64)


def clip_of(columns: np.ndarray, like: ClipData) -> ClipData:
    """The clip whose `columns_of` these are, at the rate of `like`."""
    values = columns.astype(np.float32)
    return ClipData(like.fps, values[:, :52], values[:, 52:55], values[:, 55:58], values[:, 58:62].reshape(-1, 2, 2),
                    values[:, 62:])


def apply_performance(rig: Rig, clip: ClipData, scene: bpy.types.Scene, *, start_frame: int, name: str,
                      reduce_by: float = 0.0) -> bpy.types.Action:
    """Key `clip` on `rig` so that its first sample falls on `start_frame`, every sample at its exact time.

    reduce_by: leave keys out that straight lines between the others come so near to (in shares; degrees and millimetres alike
    by REDUCTION_UNITS); 0 keys every sample. A new action is made; one that was there before stays in the file.
    """
    return finish_at_once(performance_task(rig, clip, scene, start_frame=start_frame, name=name, reduce_by=reduce_by))


def performance_task(rig: Rig, clip: ClipData, scene: bpy.types.Scene, *, start_frame: int, name: str,
                     reduce_by: float = 0.0) -> Task[bpy.types.Action]:
    """The same in turns (see `turns`), a curve at a time."""
    frames = key_frames(len(clip), clip.fps, scene_fps(scene), start_frame)
    action, columns = bpy.data.actions.new(name), columns_of(clip)
    datablocks = {False: rig.armature, True: rig.master.data.shape_keys}
    actions = {on_keys: compat.assign_action(datablock, action) for on_keys, datablock in datablocks.items()}
    holders = {on_keys: compat.curves_of(datablock) for on_keys, datablock in datablocks.items()}
    for column, place in places_on(rig):
        values = columns[:, column]
        kept = needed_keys(values, reduce_by * REDUCTION_UNITS[column]) if reduce_by > 0 else slice(None)
        compat.write_curve(holders[place.on_keys], place.path, place.index, place.group, frames[kept], place.factor * values[kept])
        yield
    for used in actions.values():
        used.update_tag()
    return action


REDUCTION_UNITS = np.repeat([1.0, 25.0, 0.04, 25.0, 1.0], [52, 3, 3, 4, 3])
"""What a whole shape key is worth, by eye, in degrees and metres: (65,)."""


ENGINES_CHANNEL_TOLERANCE = 1e-4
"""Differences of a channel up to this are none to Update Frames (engine/motion/edit.py; a test holds the two together)."""


def tolerance_of(reduce_by: float) -> float:
    """By how many times more a rig may differ from its clip without having been edited, when keys were left out: the units of
    the engine's tolerances are smaller than REDUCTION_UNITS, at most by half."""
    return max(1.0, 2.0 * reduce_by / ENGINES_CHANNEL_TOLERANCE)


def needed_keys(values: np.ndarray, tolerance: float) -> np.ndarray:
    """Indices of the samples that lines have to pass through to come within `tolerance` of all others.

    Ramer (1972), Douglas & Peucker (1973), measured along the value's axis: time is exact.
    """
    needed, open_spans = {0, len(values) - 1}, [(0, len(values) - 1)]
    while open_spans:
        first, last = open_spans.pop()
        if last - first < 2:
            continue
        line = np.linspace(values[first], values[last], last - first + 1)[1:-1]
        distance = np.abs(values[first + 1:last] - line)
        farthest = int(distance.argmax())
        if distance[farthest] > tolerance:
            middle = first + 1 + farthest
            needed.add(middle)
            open_spans += [(first, middle), (middle, last)]
    return np.array(sorted(needed))


def read_keys(rig: Rig, scene: bpy.types.Scene) -> np.ndarray:
    """(T, 65) what the performance's own curves say at every sample, without what constraints and layers add to them; NaN where
    a curve was deleted."""
    record = records.read(rig.armature)
    frames = _sample_frames(record, scene)
    columns = np.full((record.frames, len(PLACES)), np.nan)
    for column, curve in _curves(rig, record):
        columns[:, column] = sampled(curve, frames) / PLACES[column].factor
    return columns


def write_samples(rig: Rig, scene: bpy.types.Scene, columns: np.ndarray, changed: np.ndarray) -> int:
    """Key the samples that are `changed` (T, 65) anew with `columns`; keys elsewhere stay as they are. Returns how many curves."""
    record = records.read(rig.armature)
    frames, written = _sample_frames(record, scene), 0
    for column, curve in _curves(rig, record):
        if changed[:, column].any():
            replace_samples(curve, frames, columns[:, column] * PLACES[column].factor, changed[:, column])
            written += 1
    for datablock in (rig.armature, rig.master.data.shape_keys):
        records.action_of(record, datablock).update_tag()
    return written


def _sample_frames(record: records.PerformanceRecord, scene: bpy.types.Scene) -> np.ndarray:
    """(T,) the action's frames of the samples, as 32-bit as Blender keeps them."""
    frames = record.start_frame + key_frames(record.frames, record.rate_in_scene, scene_fps(scene), 0)
    return frames.astype(np.float32)


def _curves(rig: Rig, record: records.PerformanceRecord) -> Iterator[tuple[int, bpy.types.FCurve]]:
    """(column, curve) of those that are there."""
    holders = {False: records.holder_of(record, rig.armature), True: records.holder_of(record, rig.master.data.shape_keys)}
    for column, place in enumerate(PLACES):
        holder = holders[place.on_keys]
        curve = holder.fcurves.find(place.path, index=place.index) if holder is not None else None
        if curve is not None:
            yield column, curve
