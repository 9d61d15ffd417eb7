"""The Character panel: a performance on any mesh and armature, and the mapping that says what moves what."""

from __future__ import annotations

import bpy

from .characters.choices import BONE, KEY
from .operators.character import cannot_apply
from .panels import draw_reason
from .sidebar import ORDER, ClosedAtFirst, Sidebar

ROWS_SHOWN = 6


class SOLILOQUY_UL_rows(bpy.types.UIList):
    """Rows of the mapping: what takes part, its source, its target."""

    def draw_item(self, _context, layout, _data, item, _icon, _active_data, _active_property, _index=0, _flags=0) -> None:
        line = layout.row(align=True)
        line.use_property_split = False
        line.active = item.use
        line.prop(item, "use", text="")
        sides = line.split(factor=0.5, align=True)
        sides.label(text=item.source or "?", translate=False)
        sides.label(text=f"{item.target or '?'}{f'  {item.motion}' if item.kind == BONE else ''}", translate=False,
                    icon="SHAPEKEY_DATA" if item.kind == KEY else "BONE_DATA")

    def filter_items(self, _context, data, property_name: str) -> tuple[list[int], list[int]]:
        """By text in the source or in the target."""
        rows = getattr(data, property_name)
        if not self.filter_name:
            return [], []
        text = self.filter_name.lower()
        return [self.bitflag_filter_item if text in f"{row.source} {row.target}".lower() else 0 for row in rows], []


class SOLILOQUY_PT_character(ClosedAtFirst, bpy.types.Panel):
    """Put a performance on any character"""

    bl_label = "Character"
    bl_order = ORDER.index("character")
    bl_space_type = "VIEW_3D"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.soliloquy.character
        layout = self.fields()
        column = layout.column()
        column.prop(settings, "performance")
        column.prop(settings, "whole")
        column.prop(settings, "existing")
        button = layout.row()
        button.scale_y = 1.5
        reason = cannot_apply(context)
        button.enabled = not reason
        button.operator("soliloquy.apply_performance", icon="SHAPEKEY_DATA")
        draw_reason(layout, reason)


class SOLILOQUY_PT_mapping(Sidebar, bpy.types.Panel):
    """What of the performance moves which shape key or bone"""

    bl_label = "Mapping"
    bl_space_type = "VIEW_3D"
    bl_parent_id = "SOLILOQUY_PT_character"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.soliloquy.character
        layout = self.fields()
        layout.prop(settings, "mapping")
        layout.operator("soliloquy.match_character", icon="VIEWZOOM")
        listed = layout.row()
        listed.template_list("SOLILOQUY_UL_rows", "", settings, "rows", settings, "row_index", rows=ROWS_SHOWN)
        tools = listed.column(align=True)
        for action, icon in (("ADD", "ADD"), ("REMOVE", "REMOVE"), ("CLEAR", "TRASH")):
            tools.operator("soliloquy.edit_rows", text="", icon=icon).action = action
        tools.separator()
        tools.operator("soliloquy.load_mapping", text="", icon="FILE_FOLDER")
        tools.operator("soliloquy.save_mapping", text="", icon="FILE_TICK")
        if settings.row_index < len(settings.rows):
            self._draw_row(layout, settings.rows[settings.row_index])
        if any(row.kind == BONE for row in settings.rows):
            layout.prop(settings, "front")

    @staticmethod
    def _draw_row(layout: bpy.types.UILayout, row: bpy.types.PropertyGroup) -> None:
        column = layout.box().column()
        for name in ("kind", "source", "target"):
            column.prop(row, name)
        if row.kind == BONE:
            column.prop(row, "motion")
            column.prop(row, "axis")
        numbers = column.column(align=True)
        for name in ("gain", "offset", "low", "high"):
            numbers.prop(row, name)


register, unregister = bpy.utils.register_classes_factory((SOLILOQUY_UL_rows, SOLILOQUY_PT_character, SOLILOQUY_PT_mapping))
