"""The add-on's preferences: which engine to run, and installing one."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty

from . import paths
from .engine_choice import engine_status, has_engine
from .operators import prechecks
from .panels import draw_reason, draw_status


class SoliloquyPreferences(bpy.types.AddonPreferences):
    """Kept by Blender under the extension's name."""

    bl_idname = paths.PACKAGE

    engine_python: StringProperty(
        name="Engine Python", subtype="FILE_PATH",
        description="Python of an environment that has the engine's packages; empty: the one installed below")
    models_folder: StringProperty(
        name="Models", subtype="DIR_PATH", description="Where the engine keeps its model files; empty: beside the engine")
    base_python: StringProperty(
        name="Install With", subtype="FILE_PATH",
        description="Python 3.11 or later to make the engine's environment with; empty: Blender's own")
    wheel_folder: StringProperty(
        name="Wheel Folder", subtype="DIR_PATH",
        description="Install from this folder of wheels and model files, without the network")

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        column = layout.column()
        column.label(text=engine_status(), icon="CHECKMARK" if has_engine() else "INFO")
        column.prop(self, "engine_python")
        column.prop(self, "models_folder")
        column.separator()
        column.prop(self, "base_python")
        column.prop(self, "wheel_folder")
        row = column.row(align=True)
        row.operator("soliloquy.install_engine", icon="IMPORT")
        row.operator("soliloquy.remove_engine", icon="TRASH")
        draw_reason(layout, prechecks.cannot_install())
        draw_status(layout)


def register() -> None:
    bpy.utils.register_class(SoliloquyPreferences)


def unregister() -> None:
    bpy.utils.unregister_class(SoliloquyPreferences)
