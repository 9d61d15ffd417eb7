"""From a picture to a rig: built by the engine, with landmarks a hand may have corrected."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import bpy
from bpy.props import StringProperty

from .. import engine_choice, paths, rights
from ..engine_client import EngineJob
from ..errors import AddonError
from ..turns import Task
from . import prechecks
from .working import Working

PORTRAIT_PROPERTY, PICTURE_PROPERTY = "soliloquy_portrait", "soliloquy_picture"
"""On a rig's armature: the `.portrait` it was built from, and the picture that was made from."""


def cannot_build(context: bpy.types.Context) -> str:
    """Why no rig can be built from the chosen picture now."""
    scene = context.scene
    return prechecks.busy() or _no_picture(scene.soliloquy.picture) or _cannot_work(scene)


def cannot_correct(context: bpy.types.Context) -> str:
    """Why landmarks cannot be corrected now."""
    return prechecks.busy() or _no_picture(picture_of(context)) or _cannot_work(context.scene)


def cannot_rebuild(context: bpy.types.Context) -> str:
    """Why there is nothing to rebuild a portrait from."""
    from ..scene.landmarks import editor_of_selection

    if editor_of_selection(context.active_object) is None:
        return "Select the landmarks that Correct Landmarks made"
    return prechecks.busy() or _cannot_work(context.scene)


def _cannot_work(scene: bpy.types.Scene) -> str:
    return prechecks.bad_output_folder(scene) or prechecks.no_engine()


def picture_of(context: bpy.types.Context) -> str:
    """The active rig's picture, else the chosen one."""
    from ..scene.found_rig import rig_of_selection

    rig = rig_of_selection(context.active_object)
    kept = rig.armature.get(PICTURE_PROPERTY) if rig else None
    return str(kept) if kept else context.scene.soliloquy.picture


def _no_picture(picture: str) -> str:
    if not picture or picture.lower().endswith(".portrait"):
        return "Choose a picture first"
    return "" if paths.from_blender(picture).is_file() else f"The picture is not there: {picture}"


def note_origin(armature: bpy.types.Object, portrait: Path, picture: Path) -> None:
    """What a rig was built from, for corrections later; a `.portrait` that was chosen is no picture to build from."""
    armature[PORTRAIT_PROPERTY] = str(portrait)
    if picture.suffix.lower() != ".portrait":
        armature[PICTURE_PROPERTY] = str(picture)


def free_path(scene: bpy.types.Scene, stem: str, suffix: str) -> Path:
    """A path in the output folder that nothing has yet."""
    base = paths.from_blender(scene.soliloquy.output_folder)
    candidates = [base / f"{stem}{suffix}", *(base / f"{stem}-{number}{suffix}" for number in range(2, 10_000))]
    return next(path for path in candidates if not path.exists())


class _BuildsPortrait(Working):
    """Ends with a rig of the `.portrait` that its job wrote."""

    def begin(self, scene: bpy.types.Scene, picture: Path, landmarks: Path | None = None) -> EngineJob:
        self._picture, self._out = picture, free_path(scene, picture.stem, ".portrait")
        settings = scene.soliloquy
        job = {"picture": str(picture), "out": str(self._out), "face": settings.face or None,
               "landmarks": str(landmarks) if landmarks else None,
               "rights": rights.for_job(settings) if paths.from_blender(settings.picture) == picture else None}
        said = {key: value for key, value in job.items() if value is not None}
        return EngineJob(engine_choice.current_engine(), "portrait", said)

    def note(self, armature: bpy.types.Object) -> str:
        note_origin(armature, self._out, self._picture)
        return f"Built: {self._out.name}"


class SOLILOQUY_OT_build_from_picture(prechecks.Explained, _BuildsPortrait, bpy.types.Operator):
    """Take the chosen picture apart and build its rig, without a voice: armature, 54 shape keys, picture and camera"""

    bl_idname = "soliloquy.build_from_picture"
    bl_label = "Build Rig from Picture"
    bl_options = {"UNDO"}

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return cannot_build(context)

    def start(self, context: bpy.types.Context) -> EngineJob:
        return self.begin(context.scene, paths.from_blender(context.scene.soliloquy.picture))

    def finish(self, context: bpy.types.Context) -> Task[str]:
        from ..scene.portrait_file import read_portrait
        from ..scene.rig import rig_task

        portrait = yield partial(read_portrait, self._out)
        rig = yield from rig_task(portrait, context.scene, name=self._picture.stem)
        if context.scene.soliloquy.match_scene:
            from ..scene.assemble import match_scene_to_portrait
            match_scene_to_portrait(context.scene, portrait, rig)
        return self.note(rig.armature)


class _Found:
    """A job that has nothing to do: the landmarks are known."""

    result: dict = {}
    log = ""

    def poll(self, _wait_s: float = 0.0) -> list:
        return []

    def end(self) -> None:
        """Nothing runs."""


class SOLILOQUY_OT_correct_landmarks(prechecks.Explained, Working, bpy.types.Operator):
    """Show where the face was found, as points over the picture that can be dragged (G; O takes neighbours along)"""

    bl_idname = "soliloquy.correct_landmarks"
    bl_label = "Correct Landmarks"
    bl_options = {"UNDO"}

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return cannot_correct(context)

    def start(self, context: bpy.types.Context) -> EngineJob | _Found:
        from ..scene.found_rig import rig_of_selection

        rig = rig_of_selection(context.active_object)
        self._rig = rig.armature.name if rig else ""
        self._picture = paths.from_blender(picture_of(context))
        self._portrait = Path(str(rig.armature.get(PORTRAIT_PROPERTY, ""))) if rig else Path()
        if self._portrait.is_file():
            return _Found()
        self._out = free_path(context.scene, f"{self._picture.stem}-landmarks", ".json")
        job = {"picture": str(self._picture), "out": str(self._out), "face": context.scene.soliloquy.face}
        return EngineJob(engine_choice.current_engine(), "landmarks", job)

    def finish(self, context: bpy.types.Context) -> str:
        from ..scene import landmarks

        known = self._portrait.is_file()
        points = landmarks.read_portrait_landmarks(self._portrait) if known else landmarks.read_landmarks(self._out)
        armature = bpy.data.objects.get(self._rig)
        place = armature.location if armature else context.scene.cursor.location
        editor = landmarks.add_editor(context.scene, self._picture, points, rig_name=self._rig,
                                      place_m=(place.x + landmarks.BESIDE_M, place.y, place.z))
        landmarks.show_editor(context, editor)
        if known or self._job.result.get("found", True):
            return "Drag points, then Rebuild"
        return "No face was found: drag the points onto it, then Rebuild"


class SOLILOQUY_OT_rebuild(prechecks.Explained, _BuildsPortrait, bpy.types.Operator):
    """Build the portrait again with the landmarks as they are now; the rig follows in place, with all its animation"""

    bl_idname = "soliloquy.rebuild"
    bl_label = "Rebuild"
    bl_options = {"UNDO"}

    editor: StringProperty(options={"SKIP_SAVE", "HIDDEN"}, description="Object with the landmarks; else the active one")

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return cannot_rebuild(context)

    def start(self, context: bpy.types.Context) -> EngineJob:
        from ..scene import landmarks

        editor = bpy.data.objects.get(self.editor) or landmarks.editor_of_selection(context.active_object)
        if editor is None or landmarks.POINTS_PROPERTY not in editor:
            raise AddonError(f"{self.editor} holds no landmarks.", code="bad_input")
        self.editor = editor.name
        picture = Path(editor[landmarks.PICTURE_PROPERTY])
        points = landmarks.corrected(editor, landmarks.picture_size(picture))
        corrections = free_path(context.scene, f"{picture.stem}-corrected", ".json")
        landmarks.write_landmarks(corrections, points)
        return self.begin(context.scene, picture, corrections)

    def finish(self, context: bpy.types.Context) -> Task[str]:
        from ..scene.landmarks import RIG_PROPERTY
        from ..scene.portrait_file import read_portrait
        from ..scene.replace import replace_task
        from ..scene.found_rig import find_rig
        from ..scene.rig import rig_task

        portrait = yield partial(read_portrait, self._out)
        editor = bpy.data.objects.get(self.editor)
        if editor is not None and editor.mode == "EDIT":
            bpy.ops.object.mode_set(mode="OBJECT")
        rig = find_rig(bpy.data.objects.get(editor[RIG_PROPERTY]) if editor else None)
        name = self._picture.stem
        build = partial(replace_task, rig) if rig else rig_task
        built = yield from build(portrait, context.scene, name=name)
        if editor is not None:
            editor[RIG_PROPERTY] = built.armature.name
        return self.note(built.armature)


CLASSES = (SOLILOQUY_OT_build_from_picture, SOLILOQUY_OT_correct_landmarks, SOLILOQUY_OT_rebuild)
