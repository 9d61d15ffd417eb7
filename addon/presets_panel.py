"""Presets to keep and share, below the direction's controls; and the button for the Asset Browser."""

from __future__ import annotations

import bpy

from .sidebar import ORDER, ClosedAtFirst


class SOLILOQUY_MT_directions(bpy.types.Menu):
    """Directions to save, delete and share"""

    bl_label = "Direction Presets"

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.operator("soliloquy.save_direction", icon="ADD")
        self.layout.operator("soliloquy.remove_direction", icon="TRASH")
        self.layout.separator()
        self.layout.operator("soliloquy.import_direction", icon="IMPORT")
        self.layout.operator("soliloquy.export_direction", icon="EXPORT")


class SOLILOQUY_PT_assets(ClosedAtFirst, bpy.types.Panel):
    """Portraits and performances for the Asset Browser"""

    bl_label = "Assets"
    bl_order = ORDER.index("assets")
    bl_space_type = "VIEW_3D"

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.operator("soliloquy.mark_assets", icon="ASSET_MANAGER")


register, unregister = bpy.utils.register_classes_factory((SOLILOQUY_MT_directions, SOLILOQUY_PT_assets))
