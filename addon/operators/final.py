"""Render Final: the scene's animation or still, and the credentials of the portraits it shows handed on to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty

from .. import engine_choice
from ..engine_client import Engine, EngineJob, Progress
from ..errors import AddonError
from . import prechecks
from .working import Working

ANIMATION, STILL = "ANIMATION", "STILL"

SIGNABLE = (".avi", ".jpeg", ".jpg", ".m4v", ".mov", ".mp4", ".png", ".tif", ".tiff", ".webp")
"""What can carry credentials, as `engine/provenance/final.py` has it (a test holds the two together)."""


class RenderThenSeal:
    """A job in two parts: Blender renders, then the engine signs what was written."""

    def __init__(self, engine: Engine, scene: bpy.types.Scene, *, kind: str, render: bool) -> None:
        """render: otherwise what was rendered before is sealed. Raises AddonError when the scene shows nothing to hand
        on."""
        from ..scene.sources import sources_of, stated_in

        self._engine, self._scene, self._kind = engine, scene, kind
        self._sources, self._stated = sources_of(scene), stated_in(scene)
        if not (self._sources or self._stated):
            raise AddonError(
                f"The scene {scene.name} shows no portrait, picture or movie, so that there is nothing to hand on.",
                code="bad_input",
            )
        self._rendering = _Rendering(scene, kind) if render else None
        self._work: EngineJob | None = None

    @property
    def result(self) -> dict | None:
        return self._work.result if self._work else None

    @property
    def log(self) -> str:
        return self._work.log if self._work else ""

    def poll(self, wait_s: float = 0.0) -> list[Progress]:
        """What was done since the last call. Raises AddonError."""
        if self._work is not None:
            return self._work.poll(wait_s)
        if self._rendering is not None and not self._rendering.finished():
            return [self._rendering.progress()]
        self._work = EngineJob(self._engine, "seal", final_job(self._scene, self._kind, self._sources, self._stated))
        return [Progress("seal", 0, 1)]

    def end(self) -> None:
        if self._rendering is not None:
            self._rendering.release()
        if self._work is not None:
            self._work.end()


class _Rendering:
    """Blender's own rendering, watched through its handlers. Without a window it has ended when this is made."""

    def __init__(self, scene: bpy.types.Scene, kind: str) -> None:
        self._scene, self._kind, self._ended, self._stopped = scene, kind, False, False
        self._handlers: list[tuple[list, Callable]] = [(bpy.app.handlers.render_complete, self._complete),
                                                       (bpy.app.handlers.render_cancel, self._cancel)]
        for handlers, function in self._handlers:
            handlers.append(function)
        how = {"animation": True} if kind == ANIMATION else {"write_still": True}
        try:
            bpy.ops.render.render(*(() if bpy.app.background else ("INVOKE_DEFAULT",)), scene=scene.name, **how)
        except RuntimeError as error:
            self.release()
            raise AddonError(
                f"Blender could not render the scene: {str(error).strip().splitlines()[-1]}", code="bad_output"
            ) from error

    def finished(self) -> bool:
        """Raises AddonError when the person stopped it."""
        if self._stopped:
            raise AddonError("The rendering was stopped; nothing was sealed.", code="cancelled")
        return self._ended or bpy.app.background

    def progress(self) -> Progress:
        first, last = self._scene.frame_start, self._scene.frame_end
        return (
            Progress("render", max(0, self._scene.frame_current - first), last - first + 1)
            if self._kind == ANIMATION
            else Progress("render", 0, 1)
        )

    def release(self) -> None:
        for handlers, function in self._handlers:
            if function in handlers:
                handlers.remove(function)

    def _complete(self, *_: object) -> None:
        self._ended = True

    def _cancel(self, *_: object) -> None:
        self._stopped = True


def final_job(scene: bpy.types.Scene, kind: str, sources: list[Path], stated: list[dict]) -> dict:
    """The engine's job. Raises AddonError when the final was not rendered yet."""
    files = final_files(scene, kind)
    if missing := [file for file in files if not file.is_file()]:
        raise AddonError(f"{missing[0]} is not there. Render the scene first, or let Render Final do it.", code="bad_input")
    job = {"sources": [str(path) for path in sources if path not in files], "stated": stated}
    if kind == STILL or scene.render.is_movie_format:
        return {**job, "final": str(files[0])}
    return {**job, "final": str(files[0].parent), "frames": [file.name for file in files]}


def final_files(scene: bpy.types.Scene, kind: str) -> list[Path]:
    """Where Blender writes the scene's final: one file for a movie or a still, else one for each frame."""
    if kind == STILL:
        path = bpy.path.abspath(scene.render.filepath)
        wanted = scene.render.file_extension if scene.render.use_file_extension else ""
        return [Path(path if not wanted or path.lower().endswith(wanted) else path + wanted).absolute()]
    if scene.render.is_movie_format:
        return [Path(bpy.path.abspath(scene.render.frame_path(frame=scene.frame_start))).absolute()]
    return [Path(bpy.path.abspath(scene.render.frame_path(frame=frame))).absolute()
            for frame in range(scene.frame_start, scene.frame_end + 1, scene.frame_step)]


def cannot_seal(context: bpy.types.Context) -> str:
    """Why Render Final cannot be pressed, "" when it can."""
    scene = context.scene
    if scene.render.filepath.startswith("//") and not bpy.data.filepath:
        return "Save the .blend first, or choose an output path that does not depend on it"
    suffix = Path(scene.render.frame_path(frame=scene.frame_start)).suffix.lower()
    if suffix not in SIGNABLE:
        return f"{suffix or 'This format'} cannot carry credentials. Choose PNG, JPEG, TIFF, WebP, MP4 or MOV as output"
    return prechecks.busy() or prechecks.no_engine()


class SOLILOQUY_OT_final(prechecks.Explained, Working, bpy.types.Operator):
    """Render the scene to its output path and sign it, with the credentials of every portrait it shows"""

    bl_idname = "soliloquy.final"
    bl_label = "Render Final"

    kind: EnumProperty(
        name="What",
        items=[(ANIMATION, "Animation", "The scene's frame range"), (STILL, "Still", "The frame at the playhead")],
        description="What is rendered",
    )
    render: BoolProperty(
        name="Render", default=True, description="Render now; otherwise seal what lies at the output path already"
    )

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return cannot_seal(context)

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        return (
            cls.__doc__
            if properties.render
            else "Sign what Blender wrote to the output path already, with the portraits' credentials"
        )

    def start(self, context: bpy.types.Context) -> RenderThenSeal:
        return RenderThenSeal(engine_choice.current_engine(), context.scene, kind=self.kind, render=self.render)

    def finish(self, _context: bpy.types.Context) -> str:
        return sealed_message(self._job.result)


def sealed_message(result: dict) -> str:
    """What was done, in one line."""
    names = [str(portrait["name"]) for portrait in result["portraits"]]
    return f"Sealed {Path(result['out']).name} with the credentials of {', '.join(names)}"


CLASSES = (SOLILOQUY_OT_final,)
