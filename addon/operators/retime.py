"""Sync Timing: the rest of a performance follows a strip that was moved or trimmed."""

from __future__ import annotations

import bpy

from .. import compat
from ..scene import record as records
from . import prechecks


class SOLILOQUY_OT_sync_timing(bpy.types.Operator):
    """Bring the performance's other strips and its keys to where the active strip is, and trim the strips as it is trimmed"""

    bl_idname = "soliloquy.sync_timing"
    bl_label = "Sync to Active Strip"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = cannot_sync(context)
        cls.poll_message_set(reason)
        return not reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.retime import follow_strip

        strip = compat.sequencer_scene(context).sequence_editor.active_strip
        identity = strip.get(records.PROPERTY)
        rig = next((one for one in records.performing_rigs(context.scene) if records.read(one.armature).identity == identity), None)
        moved = follow_strip(strip, rig)
        self.report({"INFO"}, f"Moved by {moved:g} frames")
        return {"FINISHED"}


def cannot_sync(context: bpy.types.Context) -> str:
    """Why the button is greyed."""
    editor = compat.sequencer_scene(context).sequence_editor
    strip = editor.active_strip if editor else None
    if strip is None or not strip.get(records.PROPERTY):
        return "Make a strip of the performance active in the sequencer"
    return prechecks.busy()


CLASSES = (SOLILOQUY_OT_sync_timing,)
