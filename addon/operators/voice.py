"""Where the voice comes from: sound strips, or typed words that the engine speaks."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import compat, engine_choice
from ..engine_client import EngineJob
from ..errors import AddonError
from . import prechecks
from .portrait import free_path
from .working import Working, fail


def sound_strips(context: bpy.types.Context) -> list[bpy.types.bpy_struct]:
    """The selected sound strips, or the active one."""
    scene = compat.sequencer_scene(context)
    editor = scene.sequence_editor if scene else None
    if editor is None:
        return []
    selected = [strip for strip in compat.strips_of(scene) if strip.type == "SOUND" and strip.select]
    active = editor.active_strip
    return selected or ([active] if active is not None and active.type == "SOUND" else [])


def cannot_take_strips(context: bpy.types.Context) -> str:
    return prechecks.busy() or ("" if sound_strips(context) else "Select a sound strip in the sequencer")


def cannot_speak(context: bpy.types.Context) -> str:
    if reason := prechecks.busy():
        return reason
    if not context.scene.soliloquy.text.strip():
        return "Type the words first (Words)"
    return prechecks.bad_output_folder(context.scene) or prechecks.no_engine()


class SOLILOQUY_OT_voice_from_strips(prechecks.Explained, bpy.types.Operator):
    """Speak what the selected sound strips sound like, trims and overlaps included; the playhead goes to where they begin"""

    bl_idname = "soliloquy.voice_from_strips"
    bl_label = "Voice from Strips"
    bl_options = {"REGISTER", "UNDO"}

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return cannot_take_strips(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.voice import mix_strips, whole_file_of

        strips, scene = sound_strips(context), compat.sequencer_scene(context)
        try:
            voice = whole_file_of(strips)
            if voice is None:
                if reason := prechecks.bad_output_folder(context.scene):
                    raise AddonError(f"{reason}.", code="bad_output")
                voice = free_path(context.scene, Path(strips[0].name).stem, ".wav")
                mix_strips(strips, scene, voice)
        except (AddonError, OSError) as error:
            return fail(self, context, error)
        context.scene.soliloquy.voice = str(voice)
        context.scene.frame_set(min(compat.strip_range(strip)[0] for strip in strips))
        return {"FINISHED"}


class SOLILOQUY_OT_speak_words(prechecks.Explained, Working, bpy.types.Operator):
    """Let the engine's own voice speak the words that were typed (English), into a file in the output folder"""

    bl_idname = "soliloquy.speak_words"
    bl_label = "Speak the Words"
    bl_options = {"UNDO"}

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return cannot_speak(context)

    def start(self, context: bpy.types.Context) -> EngineJob:
        text = context.scene.soliloquy.text.strip()
        stem = "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split()[:4]) or "line"
        self._out = free_path(context.scene, stem, ".wav")
        return EngineJob(engine_choice.current_engine(), "say", {"text": text, "out": str(self._out)})

    def finish(self, context: bpy.types.Context) -> str:
        context.scene.soliloquy.voice = str(self._out)
        return f"Spoken: {self._out.name}"


CLASSES = (SOLILOQUY_OT_voice_from_strips, SOLILOQUY_OT_speak_words)
