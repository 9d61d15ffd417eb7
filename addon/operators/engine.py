"""Operators about the engine itself: install, remove, stop, report."""

from __future__ import annotations

import bpy

from .. import engine_choice, engine_facts, engine_install, paths
from ..errors import AddonError
from . import prechecks
from .working import Working, fail


class SOLILOQUY_OT_install_engine(prechecks.Explained, Working, bpy.types.Operator):
    """Make the engine's own environment (about 2 GB on disk), from scratch when there is one; Blender's Python stays as it is"""

    bl_idname = "soliloquy.install_engine"
    bl_label = "Install Engine"

    @staticmethod
    def why_not(_context: bpy.types.Context) -> str:
        return prechecks.cannot_install()

    def start(self, _context: bpy.types.Context) -> engine_install.InstallJob:
        chosen = engine_choice.preferences()
        wheels = paths.from_blender(chosen.wheel_folder) if chosen and chosen.wheel_folder else None
        return engine_install.InstallJob(base_python=chosen.base_python if chosen else "", wheels=wheels)

    def finish(self, _context: bpy.types.Context) -> str:
        engine_facts.forget()
        return "The engine is installed"


class SOLILOQUY_OT_remove_engine(prechecks.Explained, bpy.types.Operator):
    """Delete the engine's environment and its models"""

    bl_idname = "soliloquy.remove_engine"
    bl_label = "Remove Engine"

    @staticmethod
    def why_not(_context: bpy.types.Context) -> str:
        home = paths.engine_folder()
        return prechecks.busy() or ("" if home and home.is_dir() else "No engine is installed here")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            engine_install.remove_engine()
        except OSError as error:
            return fail(self, context, AddonError(f"The engine could not be removed: {error}", code="bad_output"))
        engine_facts.forget()
        self.report({"INFO"}, "The engine was removed")
        return {"FINISHED"}


class SOLILOQUY_OT_stop(bpy.types.Operator):
    """Stop the running job (Esc does the same); what it had finished is kept"""

    bl_idname = "soliloquy.stop"
    bl_label = "Stop"

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.window_manager.soliloquy.running = False
        return {"FINISHED"}


class SOLILOQUY_OT_copy_report(bpy.types.Operator):
    """Copy what happened, with versions and the engine's log, to the clipboard"""

    bl_idname = "soliloquy.copy_report"
    bl_label = "Copy Report"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return bool(context.window_manager.soliloquy.report)

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.window_manager.clipboard = context.window_manager.soliloquy.report
        self.report({"INFO"}, "The report is on the clipboard")
        return {"FINISHED"}


class SOLILOQUY_OT_show_preferences(bpy.types.Operator):
    """Open the add-on's preferences, where the engine is installed"""

    bl_idname = "soliloquy.show_preferences"
    bl_label = "Set Up the Engine"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        bpy.ops.preferences.addon_show(module=paths.PACKAGE)
        return {"FINISHED"}
