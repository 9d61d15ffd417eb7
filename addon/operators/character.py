"""Apply Performance to Character, and editing, saving and loading its mapping."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty, StringProperty

from .. import paths
from ..characters.choices import KEY
from ..errors import AddonError
from . import prechecks
from .toml_file import TomlFile
from .working import fail

if TYPE_CHECKING:
    from ..characters.apply import Applied


def no_character(context: bpy.types.Context) -> str:
    """Why nothing can be matched or keyed; "" when it can."""
    from ..characters.chosen import chosen_character

    return "" if chosen_character(context) else "Select a mesh with shape keys, or an armature"


def cannot_apply(context: bpy.types.Context) -> str:
    """Why Apply Performance to Character cannot be pressed; "" when it can."""
    settings = context.scene.soliloquy.character
    if reason := prechecks.busy():
        return reason
    if context.mode != "OBJECT" and context.mode != "POSE":
        return "Leave edit mode first"
    if reason := no_character(context):
        return reason
    if not settings.performance:
        return "Choose a performance first: a folder, a motion.json or a .csv"
    if not paths.from_blender(settings.performance).exists():
        return f"The performance is not there: {settings.performance}"
    return ""


class SOLILOQUY_OT_apply_performance(prechecks.Explained, bpy.types.Operator):
    """Key the performance on the selected character, at the playhead, by the mapping below"""

    bl_idname = "soliloquy.apply_performance"
    bl_label = "Apply Performance to Character"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="Performance", subtype="FILE_PATH", options={"SKIP_SAVE", "HIDDEN"}, description=(
        "For scripts: a folder of animate, a motion.json or a .csv; empty takes what the panel says"))
    mapping: StringProperty(name="Mapping", options={"SKIP_SAVE", "HIDDEN"}, description=(
        "For scripts: AUTO, a preset (arkit, vrm1, oculus, ...) or a mapping file; empty takes the rows of the panel"))

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return prechecks.busy() or no_character(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..characters.apply import apply_to_character
        from ..characters.chosen import chosen_character
        from ..characters.performances import load_performance

        scene, settings = context.scene, context.scene.soliloquy.character
        try:
            character = chosen_character(context)
            performance = load_performance(paths.from_blender(self.filepath or settings.performance))
            made = apply_to_character(performance, character, self._rows(character, settings), scene,
                                      start_frame=scene.frame_current, existing=settings.existing, front=settings.front)
        except AddonError as error:
            return fail(self, context, error)
        self.report({"INFO"}, said(made))
        return {"FINISHED"}

    def _rows(self, character, settings) -> list:
        from ..characters.chosen import auto_match, chosen_mapping, rows_named

        if self.mapping:
            return rows_named(self.mapping, character)
        if not len(settings.rows):
            settings.show(auto_match(chosen_mapping(settings.mapping, character), character))
        return settings.chosen_rows()


class SOLILOQUY_OT_match_character(prechecks.Explained, bpy.types.Operator):
    """Find the character's shape keys and bones by name, and fill the list below"""

    bl_idname = "soliloquy.match_character"
    bl_label = "Auto-Match"
    bl_options = {"REGISTER", "UNDO"}

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return no_character(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..characters.chosen import auto_match, chosen_character, chosen_mapping

        settings = context.scene.soliloquy.character
        try:
            character = chosen_character(context)
            mapping = chosen_mapping(settings.mapping, character)
            settings.show(auto_match(mapping, character))
        except AddonError as error:
            return fail(self, context, error)
        self.report({"INFO"}, f"{mapping.name}: {len(settings.rows)} rows")
        return {"FINISHED"}


class SOLILOQUY_OT_edit_rows(bpy.types.Operator):
    """Add a row to the mapping, remove the active one, or remove all"""

    bl_idname = "soliloquy.edit_rows"
    bl_label = "Edit Mapping"
    bl_options = {"REGISTER", "UNDO"}

    action: EnumProperty(name="Action", description="What to do with the rows", items=[
        ("ADD", "Add Row", "Add a row below the active one"), ("REMOVE", "Remove Row", "Remove the active row"),
        ("CLEAR", "Remove All Rows", "Empty the list")])

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        chosen = properties.bl_rna.properties["action"].enum_items[properties.action]
        return bpy.app.translations.pgettext_tip(chosen.description)

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.soliloquy.character
        if self.action == "CLEAR":
            settings.rows.clear()
        elif self.action == "REMOVE":
            settings.rows.remove(settings.row_index)
            settings.row_index = min(settings.row_index, max(0, len(settings.rows) - 1))
        else:
            settings.rows.add().kind = KEY
            place = min(settings.row_index + 1, len(settings.rows) - 1)
            settings.rows.move(len(settings.rows) - 1, place)
            settings.row_index = place
        return {"FINISHED"}


class _MappingFile(TomlFile):
    """Opens in the person's own folder of mappings."""

    def suggested(self) -> str:
        from ..characters.chosen import user_mappings

        own = user_mappings()
        if own:
            own.mkdir(parents=True, exist_ok=True)
        return str(own / "my_character.toml") if own else ""


class SOLILOQUY_OT_save_mapping(prechecks.Explained, _MappingFile, bpy.types.Operator):
    """Save the rows as a file, to use them on other characters and to share them"""

    bl_idname = "soliloquy.save_mapping"
    bl_label = "Save Mapping"

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return "" if len(context.scene.soliloquy.character.rows) else "There are no rows to save"

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..characters.mapping import write_mapping

        path = Path(bpy.path.abspath(self.filepath)).with_suffix(".toml")
        try:
            write_mapping(path, path.stem.replace("_", " ").title(), context.scene.soliloquy.character.chosen_rows())
        except AddonError as error:
            return fail(self, context, error)
        self.report({"INFO"}, f"Saved {path}")
        return {"FINISHED"}


class SOLILOQUY_OT_load_mapping(_MappingFile, bpy.types.Operator):
    """Fill the list from a mapping file; where a character is selected, with the names it really has"""

    bl_idname = "soliloquy.load_mapping"
    bl_label = "Load Mapping"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..characters.chosen import chosen_character
        from ..characters.mapping import matched, read_mapping

        character = chosen_character(context)
        try:
            mapping = read_mapping(Path(bpy.path.abspath(self.filepath)))
        except AddonError as error:
            return fail(self, context, error)
        rows = [*mapping.rows, *mapping.included]
        if character is not None:
            rows = matched(mapping, character.key_names(), character.bone_names()) or rows
        context.scene.soliloquy.character.show(rows)
        self.report({"INFO"}, f"{mapping.name}: {len(rows)} rows")
        return {"FINISHED"}


def said(made: Applied) -> str:
    """One line on what was written."""
    parts = [f"{made.keys} shape keys and {made.bones} bones keyed, frames {made.start_frame} to {made.end_frame - 1}"]
    if made.driven:
        parts.append(f"{len(made.driven)} driven keys left alone")
    return "; ".join(parts)


CLASSES = (SOLILOQUY_OT_apply_performance, SOLILOQUY_OT_match_character, SOLILOQUY_OT_edit_rows, SOLILOQUY_OT_save_mapping,
           SOLILOQUY_OT_load_mapping)
