"""The Soliloquy tab in the sidebars of the 3D viewport and the sequencer."""

from __future__ import annotations

import textwrap

import bpy

from . import directions, engine_choice, keys_setting, rights
from .operators import prechecks

CATEGORY = "Soliloquy"
ORDER = ("animate", "edit", "cast", "bring_in", "portrait", "character", "live", "assets", "trust")
"""The panels from top to bottom, as work goes; `bl_order` is a panel's place in it."""
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


class _Animate:
    """Inputs, outputs, button."""

    bl_label = "Animate Portrait"
    bl_order = ORDER.index("animate")
    bl_category = CATEGORY
    bl_region_type = "UI"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.soliloquy
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
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


class _Direction:
    """The direction's controls."""

    bl_label = "Direction"
    bl_category = CATEGORY
    bl_region_type = "UI"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        mood = layout.column()
        mood.prop(context.scene.soliloquy, "mood")
        mood.prop(context.scene.soliloquy, "mood_strength", slider=True)
        amounts = layout.column(align=True)
        for name in directions.AMOUNTS:
            amounts.prop(context.scene.soliloquy, name, slider=True)


class _Options:
    """What is seldom changed."""

    bl_label = "Options"
    bl_category = CATEGORY
    bl_region_type = "UI"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = context.scene.soliloquy
        for name in ("face", "alpha", "match_scene"):
            layout.prop(settings, name)
        keys_setting.draw(layout, settings)


class _Import:
    """What was made before."""

    bl_label = "Bring In"
    bl_order = ORDER.index("bring_in")
    bl_category = CATEGORY
    bl_region_type = "UI"

    def draw(self, _context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        column.operator("soliloquy.import_performance", icon="IMPORT")
        column.operator("soliloquy.build_rig", text="Rig from .portrait File", icon="ARMATURE_DATA")


class SOLILOQUY_PT_view3d(_Animate, bpy.types.Panel):
    bl_space_type = "VIEW_3D"


class SOLILOQUY_PT_view3d_direction(_Direction, bpy.types.Panel):
    bl_space_type = "VIEW_3D"
    bl_parent_id = "SOLILOQUY_PT_view3d"


class SOLILOQUY_PT_view3d_options(_Options, bpy.types.Panel):
    bl_space_type = "VIEW_3D"
    bl_parent_id = "SOLILOQUY_PT_view3d"


class SOLILOQUY_PT_view3d_import(_Import, bpy.types.Panel):
    bl_space_type = "VIEW_3D"


class SOLILOQUY_PT_sequencer(_Animate, bpy.types.Panel):
    bl_space_type = "SEQUENCE_EDITOR"


class SOLILOQUY_PT_sequencer_direction(_Direction, bpy.types.Panel):
    bl_space_type = "SEQUENCE_EDITOR"
    bl_parent_id = "SOLILOQUY_PT_sequencer"


class SOLILOQUY_PT_sequencer_options(_Options, bpy.types.Panel):
    bl_space_type = "SEQUENCE_EDITOR"
    bl_parent_id = "SOLILOQUY_PT_sequencer"


class SOLILOQUY_PT_sequencer_import(_Import, bpy.types.Panel):
    bl_space_type = "SEQUENCE_EDITOR"


_CLASSES = (SOLILOQUY_PT_view3d, SOLILOQUY_PT_view3d_direction, SOLILOQUY_PT_view3d_options, SOLILOQUY_PT_view3d_import,
            SOLILOQUY_PT_sequencer, SOLILOQUY_PT_sequencer_direction, SOLILOQUY_PT_sequencer_options,
            SOLILOQUY_PT_sequencer_import)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
