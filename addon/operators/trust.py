"""Verify: what a file is, what it was made from, and whether anybody changed it."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
from bpy.props import StringProperty

from .. import compat, engine_choice, paths
from ..engine_client import EngineJob
from . import prechecks
from .working import Working

MOST_SHOWN = 50


class SOLILOQUY_OT_verify(prechecks.Explained, Working, bpy.types.Operator):
    """Say what a picture, video or folder of frames is: its Content Credentials, whether they hold, and whether it carries
    the mark"""

    bl_idname = "soliloquy.verify"
    bl_label = "Verify"

    filepath: StringProperty(subtype="FILE_PATH", description="Picture, video, frame folder, or a folder of them")

    @staticmethod
    def why_not(_context: bpy.types.Context) -> str:
        return cannot_verify()

    def start(self, _context: bpy.types.Context) -> EngineJob:
        return EngineJob(engine_choice.current_engine(), "verify", {"path": str(paths.from_blender(self.filepath))})

    def finish(self, context: bpy.types.Context) -> str:
        result = self._job.result
        shown = context.window_manager.soliloquy_trust
        shown.findings = json.dumps(
            [
                {
                    "name": Path(str(finding["path"])).name,
                    "verdict": finding["verdict"],
                    "status": finding["status"],
                    "told": finding["told"],
                }
                for finding in result["findings"][:MOST_SHOWN]
            ]
        )
        if not bpy.app.background and context.window is not None:
            from ..trust_panel import draw_findings

            context.window_manager.popup_menu(
                lambda menu, _context: draw_findings(menu.layout), title="Verify", icon="CHECKMARK"
            )
        more = len(result["findings"]) - 1
        return f"{Path(self.filepath).name}: {result['verdict']}" + (f" ({more + 1} files)" if more else "")


class SOLILOQUY_OT_verify_file(prechecks.Explained, bpy.types.Operator):
    """Choose a picture, a video or a folder, and say what it is"""

    bl_idname = "soliloquy.verify_file"
    bl_label = "Verify File or Folder"

    filepath: StringProperty(subtype="FILE_PATH", options={"HIDDEN"}, description="What to verify")
    filter_image: bpy.props.BoolProperty(default=True, options={"HIDDEN"}, description="Show pictures")
    filter_movie: bpy.props.BoolProperty(default=True, options={"HIDDEN"}, description="Show videos")
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN"}, description="Show folders")

    @staticmethod
    def why_not(_context: bpy.types.Context) -> str:
        return cannot_verify()

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        return bpy.ops.soliloquy.verify(*(() if bpy.app.background else ("INVOKE_DEFAULT",)), filepath=self.filepath)


def cannot_verify() -> str:
    return prechecks.busy() or prechecks.no_engine()


def active_file(context: bpy.types.Context) -> Path | None:
    """What the active strip shows; None when nothing is active that is a file."""
    from ..scene.sources import strip_file

    editor = compat.sequencer_scene(context).sequence_editor
    return strip_file(editor.active_strip) if editor is not None and editor.active_strip is not None else None


CLASSES = (SOLILOQUY_OT_verify, SOLILOQUY_OT_verify_file)
