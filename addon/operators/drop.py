"""Pictures and sounds dropped onto an editor whose sidebar shows Soliloquy, and the entries in the Add menus."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import CollectionProperty, StringProperty

from ..errors import AddonError
from ..sidebar import CATEGORY, EDITORS
from . import prechecks
from .working import fail, say

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".portrait")
VOICES = (".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".mp4", ".mov", ".webm", ".mkv")


class SOLILOQUY_OT_take_files(prechecks.Explained, bpy.types.Operator):
    """Take a dropped picture as the portrait and a dropped sound as its voice"""

    bl_idname = "soliloquy.take_files"
    bl_label = "Portrait and Voice"
    bl_options = {"REGISTER", "UNDO"}

    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"}, description="Folder of the dropped files")
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE", "HIDDEN"},
                              description="Names of the dropped files")

    @staticmethod
    def why_not(_context: bpy.types.Context) -> str:
        return prechecks.busy()

    def execute(self, context: bpy.types.Context) -> set[str]:
        dropped = [Path(self.directory) / file.name for file in self.files if file.name]
        picture = next((path for path in dropped if path.suffix.lower() in PICTURES), None)
        voice = next((path for path in dropped if path.suffix.lower() in VOICES), None)
        if picture is None and voice is None:
            names = ", ".join(path.name for path in dropped) or "nothing"
            return fail(self, context, AddonError(f"Neither a picture nor a sound: {names}.", code="bad_input"))
        settings = context.scene.soliloquy
        if picture is not None:
            settings.picture = str(picture)
        if voice is not None:
            settings.voice = str(voice)
        missing = prechecks.cannot_animate(context)
        taken = " and ".join(path.name for path in (picture, voice) if path is not None)
        say(context, f"{taken}. {missing}." if missing else f"{taken}. Ready: press Animate Portrait.", failed=False)
        return {"FINISHED"}


class SOLILOQUY_FH_files(bpy.types.FileHandler):
    """Only where the Soliloquy tab is open, so that pictures and sounds dropped elsewhere are Blender's as ever."""

    bl_idname = "SOLILOQUY_FH_files"
    bl_label = "Portrait and Voice"
    bl_import_operator = "soliloquy.take_files"
    bl_file_extensions = ";".join((*PICTURES, *VOICES))

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        area = context.area
        if area is None or area.type not in EDITORS or not area.spaces.active.show_region_ui:
            return False
        sidebars = (region for region in area.regions if region.type == "UI")
        return any(getattr(sidebar, "active_panel_category", "") == CATEGORY for sidebar in sidebars)


class SOLILOQUY_MT_add(bpy.types.Menu):
    """A portrait that speaks, or its rig"""

    bl_idname = "SOLILOQUY_MT_add"
    bl_label = "Portrait"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator_context = "INVOKE_REGION_WIN"
        layout.operator("soliloquy.animate", icon="PLAY")
        layout.operator("soliloquy.build_from_picture", icon="ARMATURE_DATA")
        layout.separator()
        layout.operator("soliloquy.import_performance", icon="IMPORT")
        layout.operator("soliloquy.build_rig", icon="FILE")
        layout.operator("soliloquy.add_plane", icon="IMAGE_PLANE" if bpy.app.version >= (4, 2) else "IMAGE_DATA")


def _draw_entry(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    menu.layout.separator()
    menu.layout.menu(SOLILOQUY_MT_add.bl_idname, icon="USER")


def add_entries() -> None:
    """Put the menu into Blender's Add menus."""
    for menu in (bpy.types.VIEW3D_MT_add, bpy.types.SEQUENCER_MT_add):
        menu.append(_draw_entry)


def remove_entries() -> None:
    """Take it out again."""
    for menu in (bpy.types.VIEW3D_MT_add, bpy.types.SEQUENCER_MT_add):
        menu.remove(_draw_entry)


CLASSES = (SOLILOQUY_OT_take_files, SOLILOQUY_FH_files, SOLILOQUY_MT_add)
