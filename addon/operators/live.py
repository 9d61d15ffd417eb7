"""The rig moves while somebody speaks: the engine's live mode as a child process, its frames shown in the viewport."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import engine_choice, paths
from ..child import ChildProcess
from ..errors import AddonError, EngineMissing
from ..stage_properties import VOICE
from . import prechecks
from .working import fail, redraw_areas, say

TIMER_S = 1 / 90
"""Frames are looked for more often than they come, so that each is shown at the next drawing of the window."""
WARMING_UP = "live: getting ready"
SAYS = "soliloquy: "
"""Before what the engine's command line says went wrong."""


def cannot_go_live(context: bpy.types.Context) -> str:
    """Why the live preview cannot be started."""
    from ..scene.found_rig import rig_of_selection

    if reason := prechecks.busy():
        return reason
    if rig_of_selection(context.active_object) is None:
        return "Select a portrait rig"
    settings = context.scene.soliloquy
    chosen = settings.voice and paths.from_blender(settings.voice).is_file()
    if context.scene.soliloquy_stage.live_input == VOICE and not chosen:
        return "Choose a voice first, or listen to the microphone"
    return prechecks.no_engine()


class SOLILOQUY_OT_live(prechecks.Explained, bpy.types.Operator):
    """Move the selected rig while somebody speaks; Stop or Esc ends it"""

    bl_idname = "soliloquy.live"
    bl_label = "Go Live"
    bl_options = {"UNDO"}

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return cannot_go_live(context)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        try:
            self._begin(context)
        except (AddonError, OSError) as error:
            return fail(self, context, error)
        self._timer = context.window_manager.event_timer_add(TIMER_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Without a window: listen until the sound ends, and keep it when Record is on."""
        try:
            self._begin(context)
            while self._child.exit_status is None:
                self._show(context, wait_s=0.1)
            self._show(context)
            return self._end(context)
        except (AddonError, OSError) as error:
            self._let_go(context)
            return fail(self, context, error)

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        ended = self._child.exit_status is not None
        if event.type != "TIMER" and event.type != "ESC":
            return {"PASS_THROUGH"}
        try:
            self._show(context)
            if ended or event.type == "ESC" or not context.window_manager.soliloquy.running:
                return self._end(context)
        except (AddonError, OSError) as error:
            self._let_go(context)
            return fail(self, context, error)
        except ReferenceError:
            self._let_go(context)
            return fail(self, context, AddonError("The rig is gone; the live preview has ended."))
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender takes the operator away."""
        self._let_go(context)

    def _begin(self, context: bpy.types.Context) -> None:
        from ..live_stream import LiveStream
        from ..scene.pose import Poser
        from ..scene.found_rig import rig_of_selection

        scene = context.scene
        self._timer = None
        self._rig = rig_of_selection(context.active_object)
        self._record, self._start_frame = scene.soliloquy_stage.live_record, scene.frame_current
        self._poser, self._stream = Poser(self._rig), LiveStream(record=self._record)
        engine = engine_choice.current_engine()
        try:
            self._child = ChildProcess(live_command(scene, str(engine.python)), environment=engine.environment())
        except OSError as error:
            raise EngineMissing(f"The engine's Python {engine.python} does not start: {error.strerror}.") from error
        status = context.window_manager.soliloquy
        status.running, status.failed, status.factor = True, False, 0.0
        status.stage, status.message, status.report = WARMING_UP, "", ""

    def _show(self, context: bpy.types.Context, wait_s: float = 0.0) -> None:
        """The newest frame; those it overtook are recorded, not shown."""
        frames = [frame for line in self._child.lines(wait_s) if (frame := self._stream.read(line))]
        if frames:
            self._poser.show(frames[-1].columns)
            status = context.window_manager.soliloquy
            status.stage = f"live: {float(frames[-1].number / self._stream.fps):.1f} s"
            redraw_areas(context)
            _redraw_viewports(context)

    def _end(self, context: bpy.types.Context) -> set[str]:
        status, log, seen = self._child.exit_status, self._child.log, self._stream.seen
        clip = self._stream.clip()
        self._let_go(context)
        if status not in (None, 0, 130) and not seen:
            reason = log.strip().splitlines()[-1:] or [f"exit status {status}"]
            raise AddonError(f"The live mode ended: {reason[0].removeprefix(SAYS)}", details=log)
        if clip is None:
            say(context, f"Live: {seen} frames seen" if seen else "Live ended", failed=False)
            return {"FINISHED"}
        from ..scene.performance import apply_performance

        action = apply_performance(self._rig, clip, context.scene, start_frame=self._start_frame, name="Live")
        say(context, f"Recorded: {action.name}, {len(clip)} frames", failed=False)
        return {"FINISHED"}

    def _let_go(self, context: bpy.types.Context) -> None:
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        self._child.end(patience_s=0.0)
        try:
            self._poser.put_back()
        except ReferenceError:
            pass  # the rig was deleted meanwhile: there is nothing to put back
        context.window_manager.soliloquy.running = False
        redraw_areas(context)


def _redraw_viewports(context: bpy.types.Context) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def live_command(scene: bpy.types.Scene, python: str) -> list[str]:
    """The engine's command line for the scene's settings, at the scene's own frame rate."""
    from .. import directions
    from ..scene.timing import scene_fps

    settings, stage, rate = scene.soliloquy, scene.soliloquy_stage, scene_fps(scene)
    device = ["--device", stage.microphone] if stage.live_input != VOICE and stage.microphone else []
    source = str(Path(paths.from_blender(settings.voice))) if stage.live_input == VOICE else "mic"
    asked = directions.for_job(settings)
    return [python, "-I", str(paths.BOOTSTRAP), "live", "--in", source, *device, "--out", "stdout", "--fps",
            f"{rate.numerator}/{rate.denominator}", "--direction", asked["direction"], "--seed", str(settings.seed),
            *(word for key, value in asked["settings"].items() for word in ("--set", f"{key}={value}"))]


CLASSES = (SOLILOQUY_OT_live,)
