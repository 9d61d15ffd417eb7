"""The panel's settings as defaults for new files, kept in the preferences."""

from __future__ import annotations

import bpy

from .. import defaults, engine_choice
from . import prechecks

NOT_SWITCHED_ON = "Only an add-on that is switched on has preferences"


class SOLILOQUY_OT_keep_defaults(prechecks.Explained, bpy.types.Operator):
    """Let new files begin with how this scene's panel is set: direction, controls, outputs and folder"""

    bl_idname = "soliloquy.keep_defaults"
    bl_label = "Keep as Defaults"

    @staticmethod
    def why_not(_context: bpy.types.Context) -> str:
        return "" if engine_choice.preferences() else NOT_SWITCHED_ON

    def execute(self, context: bpy.types.Context) -> set[str]:
        defaults.keep(context.scene.soliloquy)
        self.report({"INFO"}, "New files begin with these settings")
        return {"FINISHED"}


class SOLILOQUY_OT_forget_defaults(prechecks.Explained, bpy.types.Operator):
    """Let new files begin with the settings the add-on comes with"""

    bl_idname = "soliloquy.forget_defaults"
    bl_label = "Forget Defaults"

    @staticmethod
    def why_not(_context: bpy.types.Context) -> str:
        if not engine_choice.preferences():
            return NOT_SWITCHED_ON
        return "" if defaults.kept() else "No defaults are kept"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        defaults.forget()
        return {"FINISHED"}


CLASSES = (SOLILOQUY_OT_keep_defaults, SOLILOQUY_OT_forget_defaults)
