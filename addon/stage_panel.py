"""Panels for what a portrait is and where it appears besides rig and strips: from a picture, corrected, live, in 3D."""

from __future__ import annotations

import bpy

from . import engine_facts
from .operators import drop, live, portrait, voice
from .panels import draw_reason
from .sidebar import ORDER, ClosedAtFirst, panels
from .stage_properties import MICROPHONE


class _Also(ClosedAtFirst):
    """What Animate Portrait adds besides."""

    bl_label = "In the Scene"

    def draw(self, context: bpy.types.Context) -> None:
        column, stage = self.fields().column(), context.scene.soliloquy_stage
        also = column.column(heading="Also Make")
        also.prop(stage, "make_plane")
        also.prop(stage, "make_compositor")
        column.prop(stage, "markers")
        column.separator()
        column.label(text="From a finished performance")
        finished = column.column(align=True)
        finished.operator("soliloquy.add_plane", icon="IMAGE_DATA")
        finished.operator("soliloquy.add_to_compositor", icon="NODE_COMPOSITING")
        finished.operator_menu_enum("soliloquy.add_markers", "kind", icon="MARKER")


class _Voice(ClosedAtFirst):
    """Other ways to a voice."""

    bl_label = "Voice From"

    def draw(self, context: bpy.types.Context) -> None:
        column = self.fields().column()
        column.operator("soliloquy.voice_from_strips", icon="SEQUENCE")
        draw_reason(column, voice.cannot_take_strips(context))
        column.operator("soliloquy.speak_words", icon="OUTLINER_OB_SPEAKER")
        draw_reason(column, voice.cannot_speak(context))


class _Portrait(ClosedAtFirst):
    """The rig without a voice, and its landmarks."""

    bl_label = "Portrait"
    bl_order = ORDER.index("portrait")

    def draw(self, context: bpy.types.Context) -> None:
        column = self.fields().column()
        column.operator("soliloquy.build_from_picture", icon="ARMATURE_DATA")
        draw_reason(column, portrait.cannot_build(context))
        column.separator()
        column.operator("soliloquy.correct_landmarks", icon="MESH_DATA")
        column.operator("soliloquy.rebuild", icon="FILE_REFRESH")
        draw_reason(column, portrait.cannot_rebuild(context))


class _Live(ClosedAtFirst):
    """The preview that listens."""

    bl_label = "Live"
    bl_order = ORDER.index("live")

    def draw(self, context: bpy.types.Context) -> None:
        column, stage = self.fields().column(), context.scene.soliloquy_stage
        column.prop(stage, "live_input")
        if stage.live_input == MICROPHONE:
            _draw_microphone(column, stage)
        column.prop(stage, "live_record")
        column.operator("soliloquy.live", icon="REC" if stage.live_record else "PLAY")
        draw_reason(column, live.cannot_go_live(context))


def _draw_microphone(column: bpy.types.UILayout, stage: bpy.types.PropertyGroup) -> None:
    row = column.row(align=True)
    row.prop(stage, "microphone", placeholder="default")
    row.operator("soliloquy.ask_engine", text="", icon="SORTTIME" if engine_facts.is_asking() else "FILE_REFRESH")
    facts = engine_facts.heard()
    if facts is not None:
        draw_reason(column, facts.problem or facts.no_microphone)


_CLASSES = (*panels(_Also, "also", below=""), *panels(_Voice, "voice", below=""), *panels(_Portrait, "portrait", editors=("VIEW_3D",)),
            *panels(_Live, "live", editors=("VIEW_3D",)))


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    drop.add_entries()


def unregister() -> None:
    drop.remove_entries()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
