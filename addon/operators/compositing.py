"""A finished performance as an image plane, in the compositor, as markers."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from ..errors import AddonError
from ..scene import record as records
from ..stage_properties import MARKER_ITEMS, NO_MARKERS, WORDS
from . import chosen, prechecks
from .working import fail


def add_wanted(context: bpy.types.Context, folder: Path, start_frame: int) -> None:
    """What the stage panel's settings want of a new performance. Raises AddonError."""
    from ..scene.extras import Extras, add_extras

    stage = context.scene.soliloquy_stage
    wanted = Extras(plane=stage.make_plane, compositor=stage.make_compositor, markers=stage.markers)
    add_extras(folder, context.scene, wanted, start_frame=start_frame)


class _FromFolder(prechecks.Explained):
    """Takes a performance's folder: the selected rig's own, or one that is chosen."""

    bl_options = {"REGISTER", "UNDO"}

    directory: StringProperty(subtype="DIR_PATH", description="Folder written by Animate Portrait or `soliloquy animate`")

    @staticmethod
    def why_not(_context: bpy.types.Context) -> str:
        return prechecks.busy()

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        rig = chosen.rig(context)
        if rig is not None and not chosen.no_folder(context):
            self.directory = str(records.folder_of(rig.armature))
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.extras import Extras, add_extras

        folder = Path(bpy.path.abspath(self.directory)).absolute()
        try:
            start = self._start_frame(context, folder)
            added = add_extras(folder, context.scene, Extras(**self.wanted()), start_frame=start)
        except (AddonError, OSError) as error:
            return fail(self, context, error)
        if self.wanted().get("markers", NO_MARKERS) != NO_MARKERS:
            self.report({"INFO"}, f"{added} markers" if added else "No markers: nothing is known, or all are there")
        return {"FINISHED"}

    @staticmethod
    def _start_frame(context: bpy.types.Context, folder: Path) -> int:
        """Where the rig performs what is in `folder`, else the playhead."""
        rig = chosen.rig(context)
        if rig is not None and not chosen.no_folder(context) and records.folder_of(rig.armature) == folder:
            return round(records.read(rig.armature).start_frame)
        return context.scene.frame_current


class SOLILOQUY_OT_add_plane(_FromFolder, bpy.types.Operator):
    """Stand the rendered frames on the 3D cursor: a plane of life size with their alpha, in time with the voice"""

    bl_idname = "soliloquy.add_plane"
    bl_label = "Add Image Plane"

    def wanted(self) -> dict:
        return {"plane": True}


class SOLILOQUY_OT_add_to_compositor(_FromFolder, bpy.types.Operator):
    """Lay the rendered frames over what the compositor makes now, with edge, colour match and shadow to set"""

    bl_idname = "soliloquy.add_to_compositor"
    bl_label = "Add to Compositor"

    def wanted(self) -> dict:
        return {"compositor": True}


class SOLILOQUY_OT_add_markers(_FromFolder, bpy.types.Operator):
    """Mark the words or the sounds of the recording in the timeline"""

    bl_idname = "soliloquy.add_markers"
    bl_label = "Add Markers"

    kind: EnumProperty(name="Mark", items=MARKER_ITEMS[1:], default=WORDS, description="What is marked")

    def wanted(self) -> dict:
        return {"markers": self.kind}


CLASSES = (SOLILOQUY_OT_add_plane, SOLILOQUY_OT_add_to_compositor, SOLILOQUY_OT_add_markers)
