"""The part all long-running operators share: a job in another process, a timer that asks how it is doing, Esc to stop."""

from __future__ import annotations

import logging
import platform

import bpy

from .. import paths
from ..engine_client import Progress, TimeLeft
from ..errors import AddonError, refused, unforeseen
from ..turns import Task, Turns, finish_at_once

logger = logging.getLogger(__name__)

FACE_BY_OPTION, FACE_BY_HAND = "give corrected points with --landmarks", "place the points yourself with Correct Landmarks"
TIMER_S = 0.1
LANDING_TIMER_S = 0.01
REDRAWN_REGIONS = {"VIEW_3D": "UI", "SEQUENCE_EDITOR": "UI", "PREFERENCES": "WINDOW"}


class Working:
    """Mixin for operators. Subclasses define `start(context)`, which returns a job, and `finish(context)`, which returns
    one line for the person, or a task (see `turns`) that ends with it. A job has poll() -> [Progress], result, log, end() (see
    engine_client.EngineJob).

    In the window the job runs beside the person's work. What is made then lands in turns, so that the window is still drawn;
    meanwhile clicks and keys but Esc wait, because an undo would take away what is being built. It lands whole or not at all, as one
    undo step. `execute` (background mode, scripts) waits for the end.
    """

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        if bpy.app.background:
            return self.execute(context)
        try:
            self._begin(context)
        except (AddonError, OSError) as error:
            return self._fail(context, error)
        except Exception as error:
            return self._fail_unforeseen(context, error)
        manager = context.window_manager
        self._timer = manager.event_timer_add(TIMER_S, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        try:
            if event.type == "ESC" or not context.window_manager.soliloquy.running:
                self._release(context)
                say(context, "Stopped", failed=False)
                return {"CANCELLED"}
            if self._landing is not None:
                return self._land(context)
            if event.type != "TIMER":
                return {"PASS_THROUGH"}
            self._look(context)
            if self._job.result is not None:
                self._begin_landing(context)
            return {"RUNNING_MODAL"}
        except (AddonError, OSError) as error:
            return self._fail(context, error)
        except Exception as error:
            return self._fail_unforeseen(context, error)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            self._begin(context)
            while self._job.result is None:
                self._look(context, wait_s=TIMER_S)
            self._job.end()
            message = finish_at_once(self._task_of_finish(context))
        except (AddonError, OSError) as error:
            return self._fail(context, error)
        except Exception as error:
            return self._fail_unforeseen(context, error)
        self._release(context)
        say(context, message, failed=False)
        return {"FINISHED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender takes the operator away (another file is loaded, the window closes)."""
        self._release(context)

    def _begin(self, context: bpy.types.Context) -> None:
        self._job, self._timer, self._landing, self._time_left = None, None, None, TimeLeft()
        self._job = self.start(context)
        status = context.window_manager.soliloquy
        status.running, status.failed, status.factor = True, False, 0.0
        status.stage, status.message, status.report = "starting", "", ""
        redraw_areas(context)

    def _look(self, context: bpy.types.Context, wait_s: float = 0.0) -> None:
        reports = self._job.poll(wait_s)
        if reports:
            left_s = [self._time_left.update(report) for report in reports][-1]
            status = context.window_manager.soliloquy
            status.stage = progress_line(reports[-1], left_s)
            status.factor = reports[-1].done / reports[-1].total if reports[-1].total else 0.0
            redraw_areas(context)

    def _begin_landing(self, context: bpy.types.Context) -> None:
        """The job is done: what it made is put into the scene, a turn at every tick of a faster timer."""
        self._job.end()
        self._landing = Turns(self._task_of_finish(context))
        manager = context.window_manager
        manager.event_timer_remove(self._timer)
        self._timer = manager.event_timer_add(LANDING_TIMER_S, window=context.window)
        manager.soliloquy.stage, manager.soliloquy.factor = "landing", 1.0
        redraw_areas(context)

    def _task_of_finish(self, context: bpy.types.Context) -> Task[str]:
        from ..scene.all_or_nothing import all_or_nothing

        return all_or_nothing(as_task(self.finish(context)))

    def _land(self, context: bpy.types.Context) -> set[str]:
        self._landing.take()
        if not self._landing.done:
            self._say_what_lands(context)
            return {"RUNNING_MODAL"}
        message = self._landing.result
        self._release(context)
        say(context, message, failed=False)
        self.report({"INFO"}, message)
        return {"FINISHED"}

    def _say_what_lands(self, context: bpy.types.Context) -> None:
        stage = f"landing: {self._landing.doing}"
        if self._landing.doing and stage != context.window_manager.soliloquy.stage:
            context.window_manager.soliloquy.stage = stage
            redraw_areas(context)

    def _release(self, context: bpy.types.Context) -> None:
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
        if self._job is not None:
            self._job.end()
        if self._landing is not None:
            self._landing.stop()
        self._job = self._timer = self._landing = None
        context.window_manager.soliloquy.running = False
        redraw_areas(context)

    def _fail(self, context: bpy.types.Context, error: AddonError | OSError) -> set[str]:
        self._release(context)
        fail(self, context, error)
        return {"CANCELLED"}

    def _fail_unforeseen(self, context: bpy.types.Context, error: Exception) -> set[str]:
        """Whatever it is, the job ends and the person is told; the traceback is in the log and in the report."""
        logger.error("%s failed", self.bl_idname, exc_info=error)
        return self._fail(context, unforeseen(error))


def as_task(finished: str | Task[str]) -> Task[str]:
    """What `finish` returned as a task, if it is none yet."""
    return finished if not isinstance(finished, str) else _said(finished)


def _said(message: str) -> Task[str]:
    yield
    return message


def fail(operator: bpy.types.Operator, context: bpy.types.Context, error: AddonError | OSError) -> set[str]:
    """One line for the person, the whole story for "Copy Report"."""
    error = refused(error) if isinstance(error, OSError) else in_the_panels_words(error)
    say(context, str(error), failed=True)
    context.window_manager.soliloquy.report = report_text(operator.bl_label, error)
    operator.report({"ERROR"}, str(error))
    return {"CANCELLED"}


def in_the_panels_words(error: AddonError) -> AddonError:
    """What the engine says names options of its command line; here there are a field and a button for them."""
    if FACE_BY_OPTION in str(error):
        return AddonError(str(error).replace(FACE_BY_OPTION, FACE_BY_HAND), code=error.code, details=f"{error}\n{error.details}")
    if error.code != "no_rights" or "--rights" not in str(error):
        return error
    sentences = [sentence for sentence in str(error).split(". ") if "--rights" not in sentence]
    told = ". ".join([*(sentence.rstrip(".") for sentence in sentences), "Choose and describe it under Rights in the Soliloquy panel."])
    return AddonError(told, code=error.code, details=f"{error}\n{error.details}")


def report_text(task: str, error: AddonError) -> str:
    """What somebody needs who wants to help."""
    return "\n".join((f"Soliloquy: {task}", f"Error: {error.code}: {error}", f"Blender {bpy.app.version_string}, "
                      f"{platform.platform()}", f"Package {paths.PACKAGE}", "", error.details))


def progress_line(report: Progress, left_s: float | None) -> str:
    """"render 120/300, 12 s left"."""
    counted = f"{report.stage} {report.done}/{report.total}" if report.total else report.stage
    return f"{counted}, {left_s:.0f} s left" if left_s is not None and left_s >= 1 else counted


def say(context: bpy.types.Context, message: str, *, failed: bool) -> None:
    """The last words of a task, for the panels."""
    status = context.window_manager.soliloquy
    status.message, status.failed = message, failed


def redraw_areas(context: bpy.types.Context) -> None:
    """Only the sidebars that show progress: the picture beside them is expensive, and has not changed."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            for region in area.regions:
                if region.type == REDRAWN_REGIONS.get(area.type):
                    region.tag_redraw()
