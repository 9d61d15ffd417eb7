"""Animate Portrait: picture and voice in, performance in the scene."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import compat, directions, engine_choice, keys_setting, paths, rights
from ..engine_client import EngineJob
from ..errors import AddonError
from ..turns import Task
from . import prechecks
from .compositing import add_wanted
from .portrait import note_origin
from .working import Working


class SOLILOQUY_OT_animate(prechecks.Explained, Working, bpy.types.Operator):
    """Let the portrait speak: build it, perform the voice, render, and put everything into the scene"""

    bl_idname = "soliloquy.animate"
    bl_label = "Animate Portrait"
    bl_options = {"UNDO"}

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return prechecks.cannot_animate(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Asks first on what basis the person may be animated, where nobody has said so yet."""
        settings = context.scene.soliloquy
        if rights.to_be_said(settings.rights, settings.picture) and not bpy.app.background:
            bpy.ops.soliloquy.state_rights("INVOKE_DEFAULT", then_animate=True)
            return {"CANCELLED"}
        return super().invoke(context, event)

    def start(self, context: bpy.types.Context) -> EngineJob:
        scene = context.scene
        if reason := rights.to_be_said(scene.soliloquy.rights, scene.soliloquy.picture):
            raise AddonError(f"{reason}.", code="no_rights")
        self._folder = performance_folder(scene)
        self._scene_name, self._start_frame = scene.name, scene.frame_current
        return EngineJob(engine_choice.current_engine(), "animate", animate_job(scene, self._folder))

    def finish(self, context: bpy.types.Context) -> Task[str]:
        from ..scene.assemble import assemble_task

        scene = bpy.data.scenes.get(self._scene_name)
        if scene is None or scene != context.scene:
            raise AddonError(f"The scene {self._scene_name} is not open any more. The performance is in {self._folder}: "
                             "use Import Performance.")
        settings = scene.soliloquy
        strip_scene = compat.sequencer_scene(context)
        made = yield from assemble_task(self._folder, scene=scene, strip_scene=strip_scene, start_frame=self._start_frame,
                                        rig=settings.make_rig, strips=settings.make_strips, match_scene=settings.match_scene,
                                        reduce_by=keys_setting.reduce_by(settings))
        if made.rig is not None:
            note_origin(made.rig.armature, self._folder / "portrait.portrait", paths.from_blender(settings.picture))
        add_wanted(context, self._folder, self._start_frame)
        if settings.make_strips:
            compat.show_in_sequencer(context.workspace, strip_scene)
        return f"Done: {self._folder.name}, frames {made.start_frame} to {made.end_frame - 1}"


def animate_job(scene: bpy.types.Scene, folder: Path) -> dict:
    """The engine's job for the scene's settings; it performs at the scene's own frame rate."""
    from ..scene.timing import scene_fps

    settings = scene.soliloquy
    pictures = settings.make_strips or scene.soliloquy_stage.make_plane or scene.soliloquy_stage.make_compositor
    formats = [name for name, wanted in (("png", pictures), ("mp4", settings.make_video)) if wanted]
    rate = scene_fps(scene)
    job = {"portrait": str(paths.from_blender(settings.picture)), "audio": str(paths.from_blender(settings.voice)),
           **directions.for_job(settings), "seed": settings.seed,
           "fps": f"{rate.numerator}/{rate.denominator}", "size": "source", "formats": formats, "alpha": settings.alpha,
           "out": str(folder)}
    optional = {"text": settings.text.strip() or None, "face": settings.face or None,
                "rights": rights.for_job(settings)}
    return {**job, **{key: value for key, value in optional.items() if value is not None}}


def performance_folder(scene: bpy.types.Scene) -> Path:
    """A new folder for one performance: strips that show an earlier one keep their files."""
    settings = scene.soliloquy
    base = paths.from_blender(settings.output_folder)
    name = f"{Path(settings.picture).stem}-{Path(settings.voice).stem}"
    taken = [base / name, *(base / f"{name}-{number}" for number in range(2, 10_000))]
    return next(folder for folder in taken if not folder.exists())
