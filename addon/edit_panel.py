"""The panel of what is done with a performance once it is in the scene: change it, render what changed, do parts again."""

from __future__ import annotations

import bpy

from . import rights
from .edit_properties import CHANNEL, FILE, NOBODY, REGIONS, TYPED
from .operators import chosen, regenerate, speakers
from .panels import draw_reason
from .scene import record as records
from .sidebar import ORDER, ClosedAtFirst, panels


class _Edit(ClosedAtFirst):
    """Update, regenerate, retime."""

    bl_label = "Edit Performance"
    bl_order = ORDER.index("edit")

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.fields()
        rig = chosen.rig(context)
        if rig is not None:
            layout.label(text=rig.armature.name, icon="OUTLINER_OB_ARMATURE")
        _draw_update(layout, context)
        if rig is not None and chosen.no_folder(context):
            layout.operator("soliloquy.find_folder", icon="FILE_FOLDER")
        layout.operator("soliloquy.sync_timing", icon="UV_SYNC_SELECT")
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
    grid = column.grid_flow(columns=2, even_columns=True, align=True, row_major=True)
    grid.use_property_split = False
    for name in REGIONS:
        grid.prop_enum(settings, "regions", name)
    for name in ("take", "seam_s", "panel_direction"):
        column.prop(settings, name)
    if context.window_manager.soliloquy.running:
        return
    layout.operator("soliloquy.regenerate", icon="FILE_REFRESH")
    if chosen.rig(context) is not None:  # without one, the reason stands above already
        draw_reason(layout, regenerate.cannot_regenerate(context))


class SOLILOQUY_UL_speakers(bpy.types.UIList):
    """Name and where the lines are."""

    def draw_item(self, _context, layout, _data, speaker, _icon, _active_data, _active_property, _index=0, _flag=0) -> None:
        row = layout.row(align=True)
        row.prop(speaker, "name", text="", emboss=False, icon="USER")
        if speaker.voice_from == CHANNEL:
            row.label(text=f"Channel {speaker.channel}")
        else:
            row.label(text=dict(_VOICE_WORDS).get(speaker.voice_from, ""))


_VOICE_WORDS = ((FILE, "File"), (NOBODY, "Listens"))


class _Cast(ClosedAtFirst):
    """The people of a scene, and one button for all of them."""

    bl_label = "Several Speakers"
    bl_order = ORDER.index("cast")

    def draw(self, context: bpy.types.Context) -> None:
        layout, cast = self.fields(), context.scene.soliloquy_cast
        row = layout.row()
        row.template_list("SOLILOQUY_UL_speakers", "", cast, "speakers", cast, "active", rows=3)
        buttons = row.column(align=True)
        buttons.operator("soliloquy.speaker_add", text="", icon="ADD")
        buttons.operator("soliloquy.speaker_remove", text="", icon="REMOVE")
        buttons.separator()
        buttons.operator("soliloquy.speakers_from_channels", text="", icon="OUTLINER_OB_SPEAKER")
        if 0 <= cast.active < len(cast.speakers):
            _draw_speaker(layout.column(), cast.speakers[cast.active])
        if not context.window_manager.soliloquy.running:
            button = layout.row()
            button.scale_y = 1.5
            button.operator("soliloquy.animate_scene", icon="PLAY")
            draw_reason(layout, speakers.cannot_animate_scene(context))


def _draw_speaker(column: bpy.types.UILayout, speaker: bpy.types.PropertyGroup) -> None:
    column.prop(speaker, "picture")
    column.prop(speaker, "rights")
    if speaker.rights in rights.BASES:
        column.prop(speaker, "rights_statement", placeholder="agreement or licence")
    column.prop(speaker, "voice_from")
    if speaker.voice_from == CHANNEL:
        column.prop(speaker, "channel")
    elif speaker.voice_from == FILE:
        column.prop(speaker, "voice")
    for name in ("direction", "seed", "rig"):
        column.prop(speaker, name)


_CLASSES = (SOLILOQUY_UL_speakers, *panels(_Cast, "cast"), *panels(_Edit, "edit"))


def register() -> None:
    records.register()
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
    records.unregister()
