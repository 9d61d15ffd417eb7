"""Puts a performance on a character: curves for shape keys and bones in actions of its own; what was there is kept."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import bpy
import numpy as np

from .. import compat
from ..errors import AddonError
from ..scene.channels import GAZE_GROUP, GROUP_OF, HEAD_GROUP
from ..scene.timing import frames_for, key_frames, scene_fps
from . import bones
from .choices import BONE, KEY, OVER, REPLACE, ROTATIONS, STRIP
from .mapping import Row
from .performances import CharacterPerformance
from .signals import Signals, parse_source
from .targets import Character, character_axes

VISEME_GROUP, OTHER_GROUP = "Visemes", "Mapped"

Curve = tuple[str, int, str, np.ndarray]
"""(data path, array index, group, (T,) values)"""


@dataclass
class Applied:
    """What was written. driven: keys that a driver moves, left alone; start_frame, end_frame: the keys' first, and past their last."""

    start_frame: int
    end_frame: int
    actions: list[bpy.types.Action] = field(default_factory=list)
    keys: int = 0
    bones: int = 0
    driven: list[str] = field(default_factory=list)


def apply_to_character(performance: CharacterPerformance, character: Character, rows: list[Row], scene: bpy.types.Scene, *,
                       start_frame: int, existing: str = OVER, front: str = "AUTO") -> Applied:
    """Key `performance` on `character` by `rows` (see `mapping`), its first sample on `start_frame`, at its exact times.

    existing: OVER, REPLACE or STRIP (see `choices`); front: see `targets.character_axes`. Raises AddonError when nothing can be keyed.
    """
    signals = Signals(performance)
    clip = performance.clip
    fps = scene_fps(scene)
    made = Applied(start_frame, start_frame + frames_for(clip.duration_s, fps))
    plans = [*_plan_meshes(character, rows, signals, made), *_plan_armatures(character, rows, signals, front, made)]
    if not plans:
        raise AddonError(_nothing(character, rows, made))
    frames = key_frames(len(clip), clip.fps, fps, start_frame)
    action = bpy.data.actions.new(f"{performance.name} on {character.name}")
    for datablock, curves in plans:
        _write(datablock, action, curves, frames, existing, made)
    return made


def _plan_meshes(character: Character, rows: list[Row], signals: Signals, made: Applied) -> list[tuple[bpy.types.ID, list[Curve]]]:
    plans = []
    for mesh in character.meshes:
        keys = mesh.data.shape_keys
        values: dict[str, np.ndarray] = {}
        groups: dict[str, str] = {}
        for row in rows:
            name = row.names[0]
            if row.kind != KEY or name not in keys.key_blocks or not _free(keys, name, made):
                continue
            values[name] = values.get(name, 0.0) + _values(row, signals)
            groups.setdefault(name, _group(row.source))
        if values:
            _require_editable(keys, mesh.name)
            made.keys += len(values)
            plans.append((keys, [(_key_path(name), 0, groups[name], numbers) for name, numbers in values.items()]))
    return plans


def _plan_armatures(character: Character, rows: list[Row], signals: Signals, front: str,
                    made: Applied) -> list[tuple[bpy.types.ID, list[Curve]]]:
    axes = character_axes(character, rows, front)
    plans = []
    for armature in character.armatures:
        by_bone: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            if row.kind == BONE and row.names[0] in armature.pose.bones:
                by_bone[row.names[0]].append(row)
        if by_bone:
            _require_editable(armature, armature.name)
            made.bones += len(by_bone)
            plans.append((armature, [curve for name, its_rows in by_bone.items()
                                     for curve in _bone_curves(armature, name, its_rows, signals, axes)]))
    return plans


def _bone_curves(armature: bpy.types.Object, name: str, rows: list[Row], signals: Signals, axes) -> list[Curve]:
    pose_bone = armature.pose.bones[name]
    moves = {row.motion: (bones.axis_in_bone(pose_bone.bone, armature, axes, row.motion, row.axis), _values(row, signals))
             for row in rows}
    turns = {motion: move for motion, move in moves.items() if motion in ROTATIONS}
    shifts = {motion: move for motion, move in moves.items() if motion not in ROTATIONS}
    path = f'pose.bones["{bpy.utils.escape_identifier(name)}"]'
    group = _group(rows[0].source)
    curves = []
    if turns:
        prop, values = bones.rotation_curves(pose_bone, turns)
        curves += [(f"{path}.{prop}", index, group, values[:, index]) for index in range(values.shape[1])]
    if shifts:
        values = bones.shift_curves(armature, shifts)
        curves += [(f"{path}.location", index, group, values[:, index]) for index in range(3)]
    return curves


def _values(row: Row, signals: Signals) -> np.ndarray:
    return np.clip(row.gain * signals(row.source) + row.offset, row.low, row.high)


def _group(source: str) -> str:
    """The Graph Editor's group for what comes from `source`: that of its first term."""
    name = parse_source(source)[0][1]
    if name in GROUP_OF:
        return GROUP_OF[name]
    if ":" in name:
        return VISEME_GROUP
    return {"head": HEAD_GROUP, "gaze": GAZE_GROUP}.get(name.split(".")[0], OTHER_GROUP)


def _key_path(name: str) -> str:
    return f'key_blocks["{bpy.utils.escape_identifier(name)}"].value'


def _free(keys: bpy.types.Key, name: str, made: Applied) -> bool:
    """Whether nobody drives the key; a curve would be without effect."""
    if keys.animation_data and keys.animation_data.drivers.find(_key_path(name)):
        if name not in made.driven:
            made.driven.append(name)
        return False
    return True


def _require_editable(datablock: bpy.types.ID, name: str) -> None:
    if not datablock.is_editable:
        raise AddonError(f"{name} is linked from another file. Make a library override of it first (Object > Library Override).",
                         code="bad_input")


def _write(datablock: bpy.types.ID, action: bpy.types.Action, curves: list[Curve], frames: np.ndarray, existing: str,
           made: Applied) -> None:
    before = compat.current_action(datablock)
    if before and existing == OVER:
        compat.push_down(datablock)
    elif before and existing == REPLACE:
        before[0].use_fake_user = True
    action = compat.assign_own_slot(datablock, action)
    holder = compat.curves_of(datablock)
    for path, index, group, values in curves:
        compat.write_curve(holder, path, index, group, frames, values)
    if before and existing == STRIP:
        compat.push_down(datablock)
        compat.restore_action(datablock, before)
    action.update_tag()
    if action not in made.actions:
        made.actions.append(action)


def _nothing(character: Character, rows: list[Row], made: Applied) -> str:
    if made.driven:
        return f"All of these keys of {character.name} follow drivers: {', '.join(made.driven[:5])}. Apply to what drives them."
    if not rows:
        return "The mapping has no rows. Press Auto-Match, or add rows."
    return f"{character.name} has none of the keys and bones of the mapping. Press Auto-Match, or correct the rows."
