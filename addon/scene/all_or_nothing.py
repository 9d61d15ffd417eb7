"""What is landing lands whole, or leaves nothing behind: data-blocks and strips that an unfinished task made are taken away again,
and rigs that it keyed have the performance again that they had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import bpy

from .. import compat
from ..turns import Task
from . import record as records
from .found_rig import find_rig

Result = TypeVar("Result")

KINDS = ("objects", "collections", "meshes", "armatures", "cameras", "materials", "images", "actions", "node_groups", "sounds")
"""Collections of `bpy.data` that landing adds to. (Shape keys go with their mesh.)"""
BLENDERS_OWN = ("RENDER_RESULT", "COMPOSITING")
"""Kinds of image that Blender makes by itself."""


def all_or_nothing(task: Task[Result]) -> Task[Result]:
    """The same task; when it fails or is given up, what it has made so far is removed. Only for work during which nobody else
    adds to the file (see operators.working: clicks and keys wait)."""
    before = _FileAsItWas()
    try:
        return (yield from task)
    except BaseException:
        before.come_back()
        raise


@dataclass(frozen=True)
class _Performing:
    """A rig's performance. actions: shape keys or armature -> (action, slot) or None."""

    armature: bpy.types.Object
    record: records.PerformanceRecord | None
    actions: dict[bpy.types.ID, tuple | None]


class _FileAsItWas:
    """What was there before a task began."""

    def __init__(self) -> None:
        self._scene = bpy.context.scene.session_uid
        self._blocks = {block.session_uid for kind in KINDS for block in getattr(bpy.data, kind)}
        self._strips = {strip.as_pointer() for scene in bpy.data.scenes for strip in _strips(scene)}
        self._performing = [_performing(item) for item in bpy.data.objects if item.type == "ARMATURE" and find_rig(item)]

    def come_back(self) -> None:
        """Remove what is new. In another file, which may have been opened meanwhile, nothing is touched."""
        if self._scene not in {scene.session_uid for scene in bpy.data.scenes}:
            return
        for scene in bpy.data.scenes:
            for strip in [strip for strip in _strips(scene) if strip.as_pointer() not in self._strips]:
                compat.strips_of(scene).remove(strip)
        bpy.data.batch_remove([block for kind in KINDS for block in getattr(bpy.data, kind)
                               if block.session_uid not in self._blocks and getattr(block, "type", "") not in BLENDERS_OWN])
        for performing in self._performing:
            _perform_again(performing)


def _performing(armature: bpy.types.Object) -> _Performing:
    datablocks = armature, find_rig(armature).master.data.shape_keys
    return _Performing(armature, records.read(armature), {one: compat.current_action(one) for one in datablocks})


def _perform_again(was: _Performing) -> None:
    if was.record is not None and records.read(was.armature) != was.record:
        records.write(was.armature, was.record)
    for datablock, current in was.actions.items():
        if current is not None and compat.current_action(datablock) != current:
            compat.restore_action(datablock, current)


def _strips(scene: bpy.types.Scene) -> list[bpy.types.bpy_struct]:
    return list(compat.strips_of(scene)) if scene.sequence_editor is not None else []
