"""Update Frames: the rig as it is now, read back and rendered where it shows something else than the frames on disk."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy

from .. import engine_choice
from ..engine_client import Engine, EngineJob, Progress
from ..errors import AddonError
from ..scene import record as records
from ..scene.found_rig import Rig
from . import chosen, prechecks
from .working import Working

READING_S = 0.03
"""How long the rig is read at a time, so that the window stays alive."""


class ReadThenRender:
    """A job in two parts: the rig is read here, a little at every call, then the engine renders what changed. When something is undone
    or redone meanwhile, reading begins again: half of what was and half of what is would be neither."""

    def __init__(self, engine: Engine, rig: Rig, scene: bpy.types.Scene) -> None:
        """Raises AddonError when the rig has no performance or its folder is gone."""
        from ..scene.read_rig import RigReader

        record, folder = records.read(rig.armature), records.folder_of(rig.armature)
        self._engine, self._reader = engine, RigReader(rig, scene)
        self._job = {"folder": str(folder), "generated": str(records.baseline_of(rig.armature)), "tolerance": record.tolerance}
        self._scratch = tempfile.TemporaryDirectory(prefix="soliloquy-")
        self._work: EngineJob | None = None
        self._undone = False
        for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
            handlers.append(self._note_undo)

    @property
    def result(self) -> dict | None:
        return self._work.result if self._work else None

    def poll(self, wait_s: float = 0.0) -> list[Progress]:
        """What was done since the last call. Raises AddonError."""
        from ..scene.clip_file import write_clip

        if self._work is not None:
            return self._work.poll(wait_s)
        if self._undone:
            self._reader, self._undone = self._reader.begun_again(), False
        self._reader.read_some(READING_S)
        if self._reader.done == self._reader.total:
            clip = Path(self._scratch.name) / "read.json"
            write_clip(self._reader.clip(), clip)
            self._work = EngineJob(self._engine, "update", {**self._job, "clip": str(clip)})
        return [Progress("read", self._reader.done, self._reader.total)]

    def end(self) -> None:
        for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
            if self._note_undo in handlers:
                handlers.remove(self._note_undo)
        if self._work is not None:
            self._work.end()
        self._scratch.cleanup()

    def _note_undo(self, *_: object) -> None:
        self._undone = True


class SOLILOQUY_OT_update_frames(prechecks.Explained, Working, bpy.types.Operator):
    """Render again what changed on the rig since its frames were rendered: edited curves, constraints, layers, moved controls"""

    bl_idname = "soliloquy.update_frames"
    bl_label = "Update Frames"
    bl_options = {"UNDO"}

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return chosen.cannot_update(context)

    def start(self, context: bpy.types.Context) -> ReadThenRender:
        rig = chosen.rig(context)
        self._identity = records.read(rig.armature).identity
        return ReadThenRender(engine_choice.current_engine(), rig, context.scene)

    def finish(self, _context: bpy.types.Context) -> str:
        return refreshed(self._identity, self._job.result)


def refreshed(identity: str, result: dict) -> str:
    """Let everything that shows the performance's frames show the new ones; returns what to tell the person."""
    from ..scene.sequencer import show_new_pictures

    if result["frames"]:
        for _, strip in records.all_strips(identity, "IMAGE"):
            show_new_pictures(strip)
        _reload_images(identity)
    return f"{result['frames']} frames rendered again" if result["frames"] else "Nothing has changed: all frames are up to date"


def _reload_images(identity: str) -> None:
    """Image planes and compositor inputs hold sequences of their own."""
    folders = {records.folder_of(item) for item in bpy.data.objects
               if (kept := records.read(item)) is not None and kept.identity == identity}
    for image in bpy.data.images:
        if image.source in ("SEQUENCE", "FILE") and Path(bpy.path.abspath(image.filepath)).parent.parent in folders:
            image.reload()


class SOLILOQUY_OT_find_folder(bpy.types.Operator):
    """Say where the performance's folder is now, after it was moved or renamed"""

    bl_idname = "soliloquy.find_folder"
    bl_label = "Find Folder"
    bl_options = {"UNDO"}

    directory: bpy.props.StringProperty(subtype="DIR_PATH", description="Folder written by Animate Portrait")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return chosen.rig(context) is not None

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        folder = Path(bpy.path.abspath(self.directory))
        try:
            records.move_to(chosen.rig(context).armature, folder)
        except AddonError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (SOLILOQUY_OT_update_frames, SOLILOQUY_OT_find_folder)
