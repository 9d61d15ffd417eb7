"""Runs inside Blender's window: animates, undoes, animates again, stops; times become JSON. Arguments: PICTURE VOICE"""

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


def drawn() -> None:
    """Called whenever the 3D viewport's sidebar has been drawn."""
    if status().running:
        seen.setdefault("running", time.monotonic())
        if status().stage not in ("", "starting"):
            seen.setdefault("progress", time.monotonic())


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
    settings.rights = "public-domain"
    settings.output_folder = str(OUT / "made")
    bpy.ops.ed.undo_push(message="settings")
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
    started = pressed()
    yield idle
    bpy.app.timers.unregister(beat)
    record["warm"] = {"s": time.monotonic() - started, "message": status().message, "failed": status().failed}
    gaps = sorted(after - before for before, after in itertools.pairwise(beats))
    record["longest_gaps_s"] = [round(gap, 4) for gap in gaps[-8:]]
    record["landed"] = footprint()
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
    (OUT / "record.json").write_text(json.dumps(record), encoding="utf-8")


play(script())
