"""The engine's cache, cleared from the preferences."""

from __future__ import annotations

import bpy

from .. import engine_choice, engine_facts
from ..engine_client import run_job
from ..errors import AddonError
from . import prechecks
from .working import fail


def cannot_clear() -> str:
    """Why the cache cannot be cleared now."""
    return prechecks.busy() or prechecks.no_engine()


class SOLILOQUY_OT_clear_cache(prechecks.Explained, bpy.types.Operator):
    """Delete the portraits and recordings the engine has taken apart before; they are made again when needed"""

    bl_idname = "soliloquy.clear_cache"
    bl_label = "Clear Cache"

    @staticmethod
    def why_not(_context: bpy.types.Context) -> str:
        return cannot_clear()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        facts = engine_facts.known(engine_choice.current_engine())
        size = f" {facts.cache_line()}." if facts and not facts.problem else ""
        message = f"Clear the engine's cache?{size}"
        return context.window_manager.invoke_confirm(self, event, message=message, icon="QUESTION")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """In the window the engine does it beside Blender, and the preferences show the new size; else it is waited for."""
        try:
            engine = engine_choice.current_engine()
            if not bpy.app.background:
                engine_facts.ask_again(engine, "clear_cache")
                return {"FINISHED"}
            done = run_job(engine, "clear_cache", {}, lambda _: None)
        except AddonError as error:
            return fail(self, context, error)
        self.report({"INFO"}, f"{done['files']} files deleted")
        return {"FINISHED"}


class SOLILOQUY_OT_ask_engine(prechecks.Explained, bpy.types.Operator):
    """Look again: which engine runs, how large its cache is, which devices and microphones it reaches"""

    bl_idname = "soliloquy.ask_engine"
    bl_label = "Look Again"

    @staticmethod
    def why_not(_context: bpy.types.Context) -> str:
        return prechecks.no_engine()

    def execute(self, _context: bpy.types.Context) -> set[str]:
        engine_facts.ask_again(engine_choice.current_engine())
        return {"FINISHED"}


CLASSES = (SOLILOQUY_OT_clear_cache, SOLILOQUY_OT_ask_engine)
