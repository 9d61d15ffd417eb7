"""Runs inside Blender's window: animates, undoes, animates again, stops while the engine works and while it lands; times become
JSON. Arguments: PICTURE VOICE. Processor times are of the window's own thread: what others do beside does not count."""

import importlib
import itertools
import json
import sys
import time
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from steps import ARGUMENTS, OUT, empty_scene, idle, play, press, show_tab, shoot, status, within  # noqa: E402

seen: dict[str, float] = {}
record: dict = {}
beats: list[float] = []
turns: list[float] = []
looks: list[float] = []


def drawn() -> None:
    """Called whenever the 3D viewport's sidebar has been drawn."""
    if status().running:
        seen.setdefault("running", time.monotonic())
        if status().stage not in ("", "starting"):
            seen.setdefault("progress", time.monotonic())


def watch() -> None:
    """Take the processor time of every turn of landing and of every look at the engine."""
    module = importlib.import_module("bl_ext.user_default.soliloquy.addon.turns")
    working = importlib.import_module("bl_ext.user_default.soliloquy.addon.operators.working")
    for holder, name, kept in ((module.Turns, "take", turns), (working.Working, "_look", looks)):
        setattr(holder, name, timed(getattr(holder, name), kept))


def timed(function, kept: list[float]):
    def called(*arguments, **options):
        started = time.thread_time()
        try:
            return function(*arguments, **options)
        finally:
            kept.append(time.thread_time() - started)
    return called


def beat() -> float:
    beats.append(time.monotonic())
    return 0.005


def idle_beats():
    """The longest time between two beats while nothing goes on: what this machine's window costs by itself."""
    beats.clear()
    bpy.app.timers.register(beat)
    yield 3.0
    bpy.app.timers.unregister(beat)
    gaps = [after - before for before, after in itertools.pairwise(beats)]
    record["idle_gap_s"] = max([record.get("idle_gap_s", 0.0), *gaps])
    beats.clear()


def footprint() -> list[int]:
    scene = bpy.context.scene
    editor = scene.sequence_editor
    strips = (editor.strips if hasattr(editor, "strips") else editor.sequences) if editor else []
    return [len(bpy.data.armatures), len(bpy.data.actions), len(scene.objects), len(strips)]


def pressed() -> float:
    seen.clear()
    started = time.monotonic()
    with within("VIEW_3D", "UI"):
        bpy.ops.soliloquy.animate("INVOKE_DEFAULT")
    return started


def script():
    empty_scene()
    settings = bpy.context.scene.soliloquy
    settings.picture, settings.voice = ARGUMENTS
    settings.rights, settings.rights_statement = "public-domain", "a test picture"
    settings.output_folder = str(OUT / "made")
    bpy.ops.ed.undo_push(message="settings")
    watch()
    bpy.types.SpaceView3D.draw_handler_add(drawn, (), "UI", "POST_PIXEL")
    yield from show_tab("VIEW_3D")
    yield from idle_beats()
    started = pressed()
    yield lambda: "progress" in seen
    record["click_to_drawn_s"] = seen["running"] - started
    record["click_to_stage_s"] = seen["progress"] - started
    yield idle
    record["cold"] = {"s": time.monotonic() - started, "message": status().message, "failed": status().failed}
    with within("VIEW_3D"):
        bpy.ops.ed.undo()
    yield 0.5
    record["after_undo"] = footprint()
    bpy.app.timers.register(beat)
    turns.clear()
    looks.clear()
    started = pressed()
    yield lambda: status().stage.startswith("landing") or idle()
    record["engine_s"] = time.monotonic() - started
    yield idle
    bpy.app.timers.unregister(beat)
    record["warm"] = {"s": time.monotonic() - started, "message": status().message, "failed": status().failed}
    gaps = sorted(after - before for before, after in itertools.pairwise(beats))
    record["longest_gaps_s"] = [round(gap, 4) for gap in gaps[-8:]]
    record["turns_cpu_s"], record["looks_cpu_s"] = sorted(turns), sorted(looks)
    record["landed"] = footprint()
    started = time.thread_time()
    bpy.ops.ed.undo_push(message="timed")
    record["undo_push_cpu_s"] = time.thread_time() - started
    yield 1.0
    shoot("landed")
    yield from idle_beats()
    pressed()
    yield lambda: "progress" in seen
    shoot("running")
    stopped = time.monotonic()
    press("ESC")
    yield idle
    record["escape_s"] = time.monotonic() - stopped
    record["escape_message"] = status().message
    pressed()
    yield lambda: status().stage.startswith("landing: ")
    press("ESC")
    yield idle
    record["landing_stopped"] = {"message": status().message, "left": footprint()}
    (OUT / "record.json").write_text(json.dumps(record), encoding="utf-8")


play(script())
