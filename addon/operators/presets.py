"""Directions to save, load and share; portraits and performances for the Asset Browser."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import bpy
from bpy.props import StringProperty

from .. import directions
from ..errors import AddonError
from . import prechecks
from .toml_file import TomlFile
from . import prechecks
from .working import fail

NO_FOLDER = "Only an installed extension has a folder for presets; use Export Direction"


class SOLILOQUY_OT_save_direction(prechecks.Explained, bpy.types.Operator):
    """Keep the direction as it is set, under a name of your own, in the list of directions"""

    bl_idname = "soliloquy.save_direction"
    bl_label = "Save Direction"

    title: StringProperty(name="Name", default="My Direction", description="What the direction is called in the list")

    @staticmethod
    def why_not(_context: bpy.types.Context) -> str:
        return "" if directions.own_folder() else NO_FOLDER

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.soliloquy
        try:
            path = directions.own_folder() / f"{file_name(self.title)}.toml"
            directions.write_preset(path, self.title.strip(), settings)
        except AddonError as error:
            return fail(self, context, error)
        settings.direction = directions.OWN + path.stem
        self.report({"INFO"}, f"Saved {path}")
        return {"FINISHED"}


class SOLILOQUY_OT_remove_direction(prechecks.Explained, bpy.types.Operator):
    """Delete the direction that is chosen; those that come with the add-on stay"""

    bl_idname = "soliloquy.remove_direction"
    bl_label = "Delete Direction"

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return "" if context.scene.soliloquy.direction.startswith(directions.OWN) else "Choose a direction of your own first"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.soliloquy
        path = directions.preset_paths()[settings.direction]
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            return fail(self, context, AddonError(f"Cannot delete {path}: {error.strerror}.", code="bad_output"))
        settings.direction = directions.DEFAULT
        return {"FINISHED"}


class SOLILOQUY_OT_import_direction(TomlFile, bpy.types.Operator):
    """Add a direction that somebody shared to your list, and choose it"""

    bl_idname = "soliloquy.import_direction"
    bl_label = "Import Direction"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return SOLILOQUY_OT_save_direction.poll(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        source = Path(bpy.path.abspath(self.filepath))
        try:
            directions.read_preset(source)
            target = directions.own_folder() / f"{file_name(source.stem)}.toml"
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.resolve() != target.resolve():
                shutil.copyfile(source, target)
        except OSError as error:
            return fail(self, context, AddonError(f"Cannot copy {source}: {error.strerror}.", code="bad_output"))
        except AddonError as error:
            return fail(self, context, error)
        context.scene.soliloquy.direction = directions.OWN + target.stem
        return {"FINISHED"}


class SOLILOQUY_OT_export_direction(TomlFile, bpy.types.Operator):
    """Write the direction as it is set into a file, to share it or to use it with the command line"""

    bl_idname = "soliloquy.export_direction"
    bl_label = "Export Direction"

    def execute(self, context: bpy.types.Context) -> set[str]:
        path = Path(bpy.path.abspath(self.filepath)).with_suffix(".toml")
        try:
            directions.write_preset(path, path.stem, context.scene.soliloquy)
        except AddonError as error:
            return fail(self, context, error)
        self.report({"INFO"}, f"Saved {path}")
        return {"FINISHED"}


class SOLILOQUY_OT_mark_assets(prechecks.Explained, bpy.types.Operator):
    """Mark the selected portrait and its performances as assets, with the picture as preview, in catalogs of their own"""

    bl_idname = "soliloquy.mark_assets"
    bl_label = "Mark as Assets"
    bl_options = {"REGISTER", "UNDO"}

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        from ..scene.assets import assets_of

        return "" if context.object and assets_of(context.object) else "Select a portrait, or a character with a performance"

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.assets import mark_assets

        try:
            marked = mark_assets(context.object)
        except AddonError as error:
            return fail(self, context, error)
        saved = "" if bpy.data.filepath else "; save the file, then mark again, to have the catalogs, too"
        self.report({"INFO"}, f"Assets: {', '.join(item.name for item in marked)}{saved}")
        return {"FINISHED"}


def file_name(name: str) -> str:
    """A name as a file's stem: letters, digits and _ only."""
    return re.sub(r"\W+", "_", name.strip()).strip("_").lower() or "direction"


CLASSES = (SOLILOQUY_OT_save_direction, SOLILOQUY_OT_remove_direction, SOLILOQUY_OT_import_direction,
           SOLILOQUY_OT_export_direction, SOLILOQUY_OT_mark_assets)
