"""The Soliloquy tab in the sidebars of the 3D viewport and the sequencer."""

from __future__ import annotations

import textwrap

import bpy

from . import directions, engine_choice, keys_setting, rights
from .operators import prechecks
from .sidebar import ORDER, ClosedAtFirst, Sidebar, panels

CHARACTER_PX = 7.0
"""Width of a character of Blender's interface at a scale of 1, on average."""
MARGIN_PX = 70.0
FEWEST_CHARACTERS = 20


def draw_status(layout: bpy.types.UILayout) -> None:
    """Progress while a job runs; afterwards its last words."""
    status = bpy.context.window_manager.soliloquy
    if status.running:
        column = layout.column(align=True)
        column.progress(factor=status.factor, text=status.stage)
        column.operator("soliloquy.stop", icon="CANCEL")
    elif status.message:
        box = layout.box().column(align=True)
        draw_text(box, status.message, icon="ERROR" if status.failed else "INFO")
        if status.failed:
            box.operator("soliloquy.copy_report", icon="COPYDOWN")


def draw_text(layout: bpy.types.UILayout, text: str, *, icon: str) -> None:
    """Labels, broken into lines that fit the region's width."""
    context = bpy.context
    width = context.region.width / context.preferences.system.ui_scale - MARGIN_PX if context.region else 0.0
    for number, line in enumerate(textwrap.wrap(text, max(FEWEST_CHARACTERS, int(width / CHARACTER_PX)))):
        layout.label(text=line, icon="BLANK1" if number else icon)


def draw_reason(layout: bpy.types.UILayout, reason: str) -> None:
    """Why the button above is greyed; nothing when it is not."""
    if reason:
        column = layout.column(align=True)
        column.active = False
        draw_text(column, reason, icon="INFO")


class _Animate(Sidebar):
    """Inputs, outputs, button."""

    bl_label = "Animate Portrait"
    bl_order = ORDER.index("animate")

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.soliloquy
        layout = self.fields()
        column = layout.column()
        column.prop(settings, "picture")
        column.prop(settings, "voice")
        column.prop(settings, "text", placeholder="optional")
        rights.draw(column, settings)
        column.separator()
        chosen = column.row(align=True)
        chosen.prop(settings, "direction")
        chosen.menu("SOLILOQUY_MT_directions", text="", icon="PRESET")
        column.prop(settings, "seed")
        column.separator()
        outputs = column.column(heading="Make")
        for name in ("make_rig", "make_strips", "make_video"):
            outputs.prop(settings, name)
        column.prop(settings, "output_folder")
        layout.separator()
        if not engine_choice.has_engine():
            layout.operator("soliloquy.show_preferences", icon="PREFERENCES")
        if not context.window_manager.soliloquy.running:
            button = layout.row()
            button.scale_y = 1.5
            button.operator("soliloquy.animate", icon="PLAY")
            draw_reason(layout, prechecks.cannot_animate(context))
        draw_status(layout)


class _Direction(ClosedAtFirst):
    """The direction's controls."""

    bl_label = "Direction"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.fields()
        mood = layout.column()
        mood.prop(context.scene.soliloquy, "mood")
        mood.prop(context.scene.soliloquy, "mood_strength", slider=True)
        amounts = layout.column(align=True)
        for name in directions.AMOUNTS:
            amounts.prop(context.scene.soliloquy, name, slider=True)


class _Options(ClosedAtFirst):
    """What is seldom changed."""

    bl_label = "Options"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.fields()
        settings = context.scene.soliloquy
        for name in ("face", "alpha", "match_scene"):
            layout.prop(settings, name)
        keys_setting.draw(layout, settings)


class _Import(Sidebar):
    """What was made before."""

    bl_label = "Bring In"
    bl_order = ORDER.index("bring_in")

    def draw(self, _context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        column.operator("soliloquy.import_performance", icon="IMPORT")
        column.operator("soliloquy.build_rig", text="Rig from .portrait File", icon="ARMATURE_DATA")


_CLASSES = (*panels(_Animate), *panels(_Direction, "direction", below=""), *panels(_Options, "options", below=""),
            *panels(_Import, "import"))


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
