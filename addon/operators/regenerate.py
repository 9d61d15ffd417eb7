"""Regenerate: another take of a span of time or of some regions; keys that a person made by hand stay."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from .. import directions, engine_choice
from ..edit_properties import PREVIEW, SELECTED, TYPED, SoliloquyEdit
from ..engine_client import EngineJob
from ..errors import AddonError
from ..scene import record as records
from ..scene.found_rig import Rig
from ..scene.timing import scene_fps
from . import chosen, prechecks
from .working import Working

if TYPE_CHECKING:
    from ..scene.clip_file import ClipData


class Regeneration:
    """One regeneration of one rig, from reading its keys to writing them; the engine's job runs in between."""

    def __init__(self, rig: Rig, scene: bpy.types.Scene) -> None:
        """Raises AddonError."""
        from ..scene.clip_file import read_clip
        from ..scene.performance import read_keys

        self.record, self.folder = records.read(rig.armature), records.folder_of(rig.armature)
        self._baseline_file = records.baseline_of(rig.armature)
        self.baseline = read_clip(self._baseline_file)
        if len(self.baseline) != self.record.frames or self.baseline.fps != self.record.rate:
            raise AddonError(f"{self.folder} holds another performance than the rig has now. Import it again.", code="bad_file")
        self.keys = read_keys(rig, scene)
        self._scratch = tempfile.TemporaryDirectory(prefix="soliloquy-")

    def job(self, spans: list, regions: list[str], *, seed: int | None, direction: dict | None, seam_s: float) -> dict:
        """The engine's, with what the rig says now in files. Raises AddonError."""
        import numpy as np
        from ..scene.clip_file import write_clip
        from ..scene.performance import clip_of, columns_of

        current = Path(self._scratch.name) / "current.json"
        columns = columns_of(self.baseline)
        self._sent = clip_of(np.where(np.isnan(self.keys), columns, self.keys), self.baseline)
        write_clip(self._sent, current)
        return {"folder": str(self.folder), "clip": str(current), "generated": str(self._baseline_file), "spans": spans,
                "regions": regions, "seed": seed, "tolerance": self.record.tolerance, "blend_s": seam_s or None, **(direction or {})}

    def finish(self, rig: Rig, scene: bpy.types.Scene, result: dict) -> int:
        """Write the new take on the rig; keys that somebody changed while it was made stay too. Returns how many samples changed.

        Raises AddonError.
        """
        import numpy as np
        from ..scene.performance import NO_CHANGE, columns_of, read_keys, write_samples

        new = columns_of(self._read_new(Path(result["clip"])))
        meanwhile = read_keys(rig, scene)
        changed = (new != columns_of(self._sent)) & ((meanwhile == self.keys) | np.isnan(self.keys))
        write_samples(rig, scene, new, changed)
        baseline = Path(os.path.relpath(result["generated"], self.folder)).as_posix()
        records.write(rig.armature, replace(self.record, baseline=baseline))
        return int(changed.any(axis=1).sum())

    def _read_new(self, path: Path) -> ClipData:
        from ..scene.clip_file import read_clip

        new = read_clip(path)
        if len(new) != self.record.frames:
            raise AddonError(f"The engine made {len(new)} frames where {self.record.frames} were wanted.", code="bad_file")
        return new

    def end(self) -> None:
        self._scratch.cleanup()


class SOLILOQUY_OT_regenerate(prechecks.Explained, Working, bpy.types.Operator):
    """Perform a part again: a span of time, some regions of the face, or all of it. Keys made by hand stay, with smooth seams"""

    bl_idname = "soliloquy.regenerate"
    bl_label = "Regenerate"
    bl_options = {"UNDO"}

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return cannot_regenerate(context)

    def start(self, context: bpy.types.Context) -> EngineJob:
        rig, scene = chosen.rig(context), context.scene
        settings = scene.soliloquy_edit
        self._regeneration = Regeneration(rig, scene)
        self._scene_name, self._armature_name = scene.name, rig.armature.name
        seed = settings.take if settings.take >= 0 else None
        job = self._regeneration.job(spans(context, rig, settings), sorted(settings.regions), seed=seed,
                                     direction=panel_direction(scene) if settings.panel_direction else None, seam_s=settings.seam_s)
        return EngineJob(engine_choice.current_engine(), "regenerate", job)

    def finish(self, _context: bpy.types.Context) -> str:
        scene = bpy.data.scenes.get(self._scene_name)
        identity = self._regeneration.record.identity
        rig = next((one for one in records.performing_rigs(scene) if records.read(one.armature).identity == identity), None) \
            if scene is not None else None
        if rig is None:
            raise AddonError(f"{self._armature_name} is gone: the new take is in {self._job.result['clip']}.")
        frames = self._regeneration.finish(rig, scene, self._job.result)
        self._regeneration.end()
        return f"{frames} frames performed again; Update Frames renders them"


def cannot_regenerate(context: bpy.types.Context) -> str:
    """Why the button is greyed."""
    reason = chosen.cannot_regenerate(context)
    if reason:
        return reason
    settings = context.scene.soliloquy_edit
    if not settings.regions:
        return "Choose at least one region"
    try:
        spans(context, chosen.rig(context), settings)
    except AddonError as error:
        return str(error)
    return ""


def spans(context: bpy.types.Context, rig: Rig, settings: SoliloquyEdit) -> list[list[float]]:
    """[[start_s, end_s]] of the performance, [] for the whole. Raises AddonError when there is no such part."""
    scene = context.scene
    if settings.span == PREVIEW:
        if not scene.use_preview_range:
            raise AddonError("Set a preview range first (P in the timeline), or choose another time")
        frames = scene.frame_preview_start, scene.frame_preview_end
    elif settings.span == SELECTED:
        frames = _selected_frames(rig)
    elif settings.span == TYPED:
        frames = settings.first_frame, settings.last_frame
    else:
        return []
    return [span_of_frames(rig, scene, *frames)]


def span_of_frames(rig: Rig, scene: bpy.types.Scene, first: float, last: float) -> list[float]:
    """[start_s, end_s] of the performance that lie between two frames of the scene. Raises AddonError when nothing does."""
    record = records.read(rig.armature)
    offset, scale = records.taken_by_scene(record, rig)
    frames_a_second = float(scene_fps(scene)) / record.speed
    start_s, end_s = (((frame - offset) / scale - record.start_frame) / frames_a_second for frame in (first, last))
    if not start_s < end_s or end_s <= 0 or start_s >= record.frames / float(record.rate):
        raise AddonError(f"The performance has nothing between frame {first:g} and frame {last:g}")
    return [max(start_s, 0.0), end_s]


def _selected_frames(rig: Rig) -> tuple[float, float]:
    """First and last selected key of the performance, in the scene's frames. Raises AddonError when there are not two."""
    record = records.read(rig.armature)
    frames: list[float] = []
    for datablock in (rig.armature, rig.master.data.shape_keys):
        holder = records.holder_of(record, datablock)
        for curve in holder.fcurves if holder is not None else ():
            frames += [point.co[0] for point in curve.keyframe_points if point.select_control_point]
    if len(set(frames)) < 2:
        raise AddonError("Select the keys of the part that is meant, in the Graph Editor or the Dope Sheet")
    offset, scale = records.taken_by_scene(record, rig)
    return offset + scale * min(frames), offset + scale * max(frames)


def panel_direction(scene: bpy.types.Scene) -> dict:
    """What the Direction panel says, for a job."""
    return directions.for_job(scene.soliloquy)


CLASSES = (SOLILOQUY_OT_regenerate,)
