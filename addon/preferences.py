"""The add-on's preferences: which engine to run, and installing one."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty

from . import engine_client, paths
from .errors import EngineMissing


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
        from .panels import draw_status

        draw_status(layout)


def preferences() -> SoliloquyPreferences | None:
    """None when the package was registered from plain Python, where no preferences exist."""
    addon = bpy.context.preferences.addons.get(paths.PACKAGE)
    return addon.preferences if addon else None


def current_engine() -> engine_client.Engine:
    """The engine the preferences lead to. Raises EngineMissing."""
    chosen = preferences()
    if chosen is None:
        return engine_client.find_engine()
    return engine_client.find_engine(chosen.engine_python, chosen.models_folder)


def has_engine() -> bool:
    try:
        current_engine()
    except EngineMissing:
        return False
    return True


def engine_status() -> str:
    """One line for the person."""
    try:
        engine = current_engine()
    except EngineMissing as missing:
        return str(missing)
    return f"The engine runs with {engine.python} ({engine.origin})"


def register() -> None:
    bpy.utils.register_class(SoliloquyPreferences)


def unregister() -> None:
    bpy.utils.unregister_class(SoliloquyPreferences)
