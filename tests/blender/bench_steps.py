"""Runs inside one Blender, or in a Python with the module bpy: times of what the add-on does, as JSON. Arguments, after "--": a folder
written by `animate`, the file for the answer. Times are the processor's, of this thread: what others do beside does not count."""

import importlib
import json
import os
import statistics
import sys
import time
from fractions import Fraction
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from matrix_cell import loaded  # noqa: E402

RUNS, CYCLES, KEYED_FRAMES, CROWD = 5, 100, 1500, 20_000


def main(folder: Path, answer: Path) -> None:
    name = loaded()
    found = {"blender": bpy.app.version_string, "keys_ms": keys(name, folder), "landing": landing(name, folder),
             "register": registration(name)}
    for _ in range(CROWD):
        bpy.context.scene.collection.objects.link(bpy.data.objects.new("Crowd", None))
    found["landing_in_crowd"] = landing(name, folder, emptied=False)
    answer.write_text(json.dumps(found), encoding="utf-8")


def milliseconds(function) -> float:
    started = time.thread_time()
    function()
    return (time.thread_time() - started) * 1000


def keys(name: str, folder: Path) -> float:
    """All keys x KEYED_FRAMES frames on a rig, median."""
    import numpy as np

    assemble = importlib.import_module(f"{name}.addon.scene.assemble")
    performance = importlib.import_module(f"{name}.addon.scene.performance")
    clip_file = importlib.import_module(f"{name}.addon.scene.clip_file")
    rig = assemble.assemble(folder, strips=False).rig
    columns = np.random.default_rng(0).random((KEYED_FRAMES, len(performance.PLACES)))
    clip = performance.clip_of(columns, clip_file.read_clip(folder / "motion.json"))
    assert clip.fps > Fraction(0)
    return statistics.median(milliseconds(lambda: performance.apply_performance(
        rig, clip, bpy.context.scene, start_frame=1, name="Bench")) for _ in range(RUNS))


def landing(name: str, folder: Path, *, emptied: bool = True) -> dict:
    """Every step of putting a performance into the scene: all together, and the longest, medians of RUNS."""
    runs = []
    for _ in range(RUNS):
        if emptied:
            bpy.ops.wm.read_factory_settings(use_empty=True)
        runs.append(steps(importlib.import_module(f"{name}.addon.scene.assemble").assemble_task(folder)))
    medians = [(statistics.median(run[number][0] for run in runs), where) for number, (_, where) in enumerate(runs[0])]
    return {"steps": len(medians), "all_ms": sum(took for took, _ in medians), "longest": sorted(medians, reverse=True)[:6]}


def steps(task) -> list[tuple[float, str]]:
    """(ms, where it began) of what is done in Blender's thread."""
    taken, answer, here = [], None, "start"
    while True:
        started = time.thread_time()
        try:
            wanted = task.send(answer)
        except StopIteration:
            taken.append(((time.thread_time() - started) * 1000, here))
            return taken
        taken.append(((time.thread_time() - started) * 1000, here))
        here, answer = place(task), wanted() if callable(wanted) else None


def place(task) -> str:
    """"_part_object, line 160": where the task waits."""
    while getattr(task.gi_yieldfrom, "gi_frame", None) is not None:
        task = task.gi_yieldfrom
    return f"{task.gi_code.co_name}, line {task.gi_frame.f_lineno}"


def registration(name: str) -> dict:
    """On and off again, medians of CYCLES."""
    package = importlib.import_module(name)
    on, off = [], []
    for _ in range(CYCLES):
        off.append(milliseconds(package.unregister))
        on.append(milliseconds(package.register))
    return {"on_ms": statistics.median(on), "off_ms": statistics.median(off), "cycles": CYCLES}


if __name__ == "__main__":
    main(*map(Path, sys.argv[sys.argv.index("--") + 1:]))
    sys.stdout.flush()
    os._exit(0)  # the bpy wheel (seen in 4.5.15) can wait for its own audio thread for ever at the end
