"""What needs no engine: a finished performance or a portrait into the scene."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from .. import compat, keys_setting
from ..errors import AddonError
from . import prechecks
from .working import fail


class SOLILOQUY_OT_import_performance(prechecks.Explained, bpy.types.Operator):
    """Put a performance that was made before into the scene, at the playhead"""

    bl_idname = "soliloquy.import_performance"
    bl_label = "Import Performance"
    bl_options = {"REGISTER", "UNDO"}

    directory: StringProperty(subtype="DIR_PATH", description="Folder written by Animate Portrait or `soliloquy animate`")
    rig: BoolProperty(name="Rig and Curves", default=True,
                      description="Build the portrait's rig and key the performance on it")
    strips: BoolProperty(name="Strips", default=True, description="Add the frames and the voice to the sequencer")
    onto_active: BoolProperty(name="Onto Active Rig", description="Key the rig that is active instead of building a new one")
    match_scene: BoolProperty(name="Match Scene", description="Set the scene's size, camera and colours to the portrait's")
    reduce_keys: keys_setting.REDUCE_KEYS
    key_tolerance: keys_setting.KEY_TOLERANCE

    @staticmethod
    def why_not(_context: bpy.types.Context) -> str:
        return prechecks.busy()

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, _context: bpy.types.Context) -> None:
        column = self.layout.column()
        for name in ("rig", "strips", "onto_active", "match_scene"):
            column.prop(self, name)
        keys_setting.draw(column, self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.assemble import assemble

        scene, strip_scene = context.scene, compat.sequencer_scene(context)
        try:
            onto = self._active_rig(context) if self.onto_active else None
            assemble(bpy.path.abspath(self.directory), scene=scene, strip_scene=strip_scene, start_frame=scene.frame_current,
                     rig=self.rig, strips=self.strips, onto=onto, match_scene=self.match_scene,
                     reduce_by=keys_setting.reduce_by(self))
        except (AddonError, OSError) as error:
            return fail(self, context, error)
        if self.strips:
            compat.show_in_sequencer(context.workspace, strip_scene)
        return {"FINISHED"}

    @staticmethod
    def _active_rig(context: bpy.types.Context):
        from ..scene.found_rig import rig_of_selection

        rig = rig_of_selection(context.active_object)
        if rig is None:
            raise AddonError("The active object belongs to no portrait rig. Select one, or switch Onto Active Rig off.")
        return rig


class SOLILOQUY_OT_build_rig(prechecks.Explained, bpy.types.Operator):
    """Build the rig of a .portrait file: armature, 54 shape keys, picture and matching camera"""

    bl_idname = "soliloquy.build_rig"
    bl_label = "Build Rig"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", description="A .portrait file")
    filter_glob: StringProperty(default="*.portrait", options={"HIDDEN"}, description="Which files are shown")
    match_scene: BoolProperty(name="Match Scene", description="Set the scene's size, camera and colours to the portrait's")

    @staticmethod
    def why_not(_context: bpy.types.Context) -> str:
        return prechecks.busy()

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.assemble import match_scene_to_portrait
        from ..scene.portrait_file import read_portrait
        from ..scene.rig import build_rig

        path = Path(bpy.path.abspath(self.filepath))
        try:
            portrait = read_portrait(path)
            rig = build_rig(portrait, context.scene, name=Path(portrait.source_name or path.name).stem)
        except (AddonError, OSError) as error:
            return fail(self, context, error)
        if self.match_scene:
            match_scene_to_portrait(context.scene, portrait, rig)
        return {"FINISHED"}
