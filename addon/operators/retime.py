"""Sync Timing: the rest of a performance follows a strip that was moved, trimmed or retimed."""

from __future__ import annotations

import bpy

from .. import compat
from ..errors import AddonError
from ..scene import record as records
from ..scene.speed import speed_of
from . import prechecks
from .working import fail


class SOLILOQUY_OT_sync_timing(prechecks.Explained, bpy.types.Operator):
    """Bring the performance's other strips and its keys to where the active strip is, trim them as it is, play them as fast as it"""

    bl_idname = "soliloquy.sync_timing"
    bl_label = "Sync to Active Strip"
    bl_options = {"REGISTER", "UNDO"}

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return cannot_sync(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.retime import follow_strip

        strip = compat.sequencer_scene(context).sequence_editor.active_strip
        identity = strip.get(records.PROPERTY)
        rig = next((one for one in records.performing_rigs(context.scene) if records.read(one.armature).identity == identity), None)
        try:
            change = follow_strip(strip, rig)
        except AddonError as error:
            return fail(self, context, error)
        faster = f", {change.factor:.3g} times as fast" if change.factor != 1 else ""
        self.report({"INFO"}, f"Moved by {change.frames:g} frames{faster}")
        return {"FINISHED"}


def cannot_sync(context: bpy.types.Context) -> str:
    """Why the button is greyed."""
    editor = compat.sequencer_scene(context).sequence_editor
    strip = editor.active_strip if editor else None
    if strip is None or not strip.get(records.PROPERTY):
        return "Make a strip of the performance active in the sequencer"
    try:
        speed_of(strip)
    except AddonError as uneven:
        return str(uneven)
    return prechecks.busy()


CLASSES = (SOLILOQUY_OT_sync_timing,)
