"""The panel of what is done with a performance once it is in the scene: change it, render what changed, do parts again."""

from __future__ import annotations

import bpy

from .edit_properties import TYPED
from .operators import chosen, regenerate
from .panels import CATEGORY, draw_reason
from .scene import record as records


class _Edit:
    """Update, regenerate, retime."""

    bl_label = "Edit Performance"
    bl_category = CATEGORY
    bl_region_type = "UI"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        rig = chosen.rig(context)
        if rig is not None:
            layout.label(text=rig.armature.name, icon="OUTLINER_OB_ARMATURE")
        _draw_update(layout, context)
        if rig is not None and chosen.no_folder(context):
            layout.operator("soliloquy.find_folder", icon="FILE_FOLDER")
        layout.separator()
        _draw_regenerate(layout, context)


def _draw_update(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    if context.window_manager.soliloquy.running:
        return
    layout.operator("soliloquy.update_frames", icon="FILE_REFRESH")
    draw_reason(layout, chosen.cannot_update(context))


def _draw_regenerate(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    settings = context.scene.soliloquy_edit
    column = layout.column()
    column.prop(settings, "span")
    if settings.span == TYPED:
        frames = column.column(align=True)
        frames.prop(settings, "first_frame")
        frames.prop(settings, "last_frame")
    column.label(text="Regions")
    column.grid_flow(columns=2, even_columns=True, align=True).prop(settings, "regions")
    for name in ("take", "seam_s", "panel_direction"):
        column.prop(settings, name)
    if context.window_manager.soliloquy.running:
        return
    layout.operator("soliloquy.regenerate", icon="FILE_REFRESH")
    if chosen.rig(context) is not None:  # without one, the reason stands above already
        draw_reason(layout, regenerate.cannot_regenerate(context))


class SOLILOQUY_PT_view3d_edit(_Edit, bpy.types.Panel):
    bl_space_type = "VIEW_3D"


class SOLILOQUY_PT_sequencer_edit(_Edit, bpy.types.Panel):
    bl_space_type = "SEQUENCE_EDITOR"


_CLASSES = (SOLILOQUY_PT_view3d_edit, SOLILOQUY_PT_sequencer_edit)


def register() -> None:
    records.register()
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
    records.unregister()
