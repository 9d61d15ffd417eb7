"""The preferences decide with what the engine works, and show what it says of itself, without waiting for it."""

import os
import sys
import time
from pathlib import Path

import bpy
import pytest

from soliloquy.addon import engine_choice, engine_facts
from soliloquy.addon.engine_client import CACHE_VARIABLE, DEVICE_VARIABLE, PYTHON_VARIABLE, EngineJob, run_job

ENTRY = "0" * 64 + ".json"


@pytest.fixture
def preferences(monkeypatch):
    """The package as an add-on that is switched on, with this Python as its engine."""
    for variable in (PYTHON_VARIABLE, CACHE_VARIABLE, DEVICE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    assert bpy.ops.preferences.addon_enable(module="soliloquy") == {"FINISHED"}
    chosen = engine_choice.preferences()
    chosen.engine_python = sys.executable
    yield chosen
    bpy.ops.preferences.addon_disable(module="soliloquy")


@pytest.fixture
def cache(preferences, tmp_path) -> Path:
    """A cache somewhere else, with one result in it and a file that is not its own."""
    preferences.cache_folder = str(tmp_path / "kept")
    (tmp_path / "kept" / "speech").mkdir(parents=True)
    (tmp_path / "kept" / "speech" / ENTRY).write_text("12345")
    (tmp_path / "kept" / "speech" / "notes.json").write_text("mine")
    return tmp_path / "kept"


def wait_for_facts() -> engine_facts.Facts:
    """What the timer does, until it is done; every look returns at once."""
    engine = engine_choice.current_engine()
    engine_facts.known(engine)
    until_s = time.monotonic() + 60
    while engine_facts.known(engine) is None:
        began = time.perf_counter()
        engine_facts._asking.look()
        assert time.perf_counter() - began < 0.5
        assert time.monotonic() < until_s
        time.sleep(0.05)
    return engine_facts.known(engine)


def test_what_was_chosen_reaches_the_engine(preferences, tmp_path):
    assert not {CACHE_VARIABLE, DEVICE_VARIABLE} & set(engine_choice.current_engine().environment())
    preferences.cache_folder, preferences.device = str(tmp_path), "MPS"
    given = engine_choice.current_engine().environment()
    assert (given[CACHE_VARIABLE], given[DEVICE_VARIABLE]) == (str(tmp_path), "mps")
    preferences.device = "CPU"
    assert engine_choice.current_engine().environment()[DEVICE_VARIABLE] == "cpu", "said, even where the environment says otherwise"


def test_size_and_devices_are_those_of_the_engine_that_is_chosen(cache):
    facts = wait_for_facts()
    assert facts.problem == "" and (facts.cache_folder, facts.cache_files, facts.cache_bytes) == (str(cache), 1, 5)
    assert facts.why_not["cpu"] == "" and set(facts.why_not) == {"cpu", "cuda", "mps"}
    assert facts.version.startswith("Engine ") and facts.cache_line() == "1 results, 0 MB"


def test_clearing_leaves_what_is_not_the_caches(cache):
    assert bpy.ops.soliloquy.clear_cache() == {"FINISHED"}
    assert [file.name for file in (cache / "speech").iterdir()] == ["notes.json"]
    assert wait_for_facts().cache_line() == "The cache is empty"


def test_a_worker_uses_the_folder_that_was_chosen(cache):
    """As Animate Portrait and the command line start it."""
    job = EngineJob(engine_choice.current_engine(), "installation", {})
    while job.result is None:
        job.poll(wait_s=0.1)
    job.end()
    assert job.result["cache"]["folder"] == str(cache)
    assert run_job(engine_choice.current_engine(), "clear_cache", {}, lambda _: None)["files"] == 1


def test_an_engine_that_does_not_run_says_so(preferences, tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    preferences.engine_python = str(broken)
    assert "exit status 3" in wait_for_facts().problem


def test_switching_off_ends_the_question(preferences):
    engine_facts.known(engine_choice.current_engine())
    engine_facts._asking.look()
    process = engine_facts._asking.job._child._process
    bpy.ops.preferences.addon_disable(module="soliloquy")
    assert engine_facts._asking.job is None and not bpy.app.timers.is_registered(engine_facts._asking.look)
    process.wait(10)
    bpy.ops.preferences.addon_enable(module="soliloquy")


def test_what_is_not_run_here_is_not_asked(preferences):
    """Nothing is started by registering: only the preferences' own drawing asks."""
    assert engine_facts._asking.engine is None and os.environ.get(CACHE_VARIABLE) is None


def test_new_files_begin_with_the_defaults_that_were_kept(preferences, tmp_path):
    settings = bpy.context.scene.soliloquy
    settings.direction, settings.head, settings.make_video, settings.output_folder = "newsreader", 0.4, True, "//takes"
    settings.picture, settings.seed = "somebody.png", 9
    assert bpy.ops.soliloquy.keep_defaults() == {"FINISHED"}
    bpy.ops.wm.read_homefile(use_empty=True)
    begun = bpy.context.scene.soliloquy
    assert (begun.direction, round(begun.head, 3), begun.make_video, begun.output_folder) == ("newsreader", 0.4, True, "//takes")
    assert (begun.picture, begun.seed) == ("", 0), "whom and which take is of each file"
    begun.head = 0.9
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert round(bpy.context.scene.soliloquy.head, 3) == 0.9, "a file that was saved says for itself"
    assert bpy.ops.soliloquy.forget_defaults() == {"FINISHED"}
    bpy.ops.wm.read_homefile(use_empty=True)
    assert not bpy.context.scene.soliloquy.make_video
    assert not bpy.ops.soliloquy.forget_defaults.poll()


def test_kept_defaults_of_another_version_are_left_out_one_by_one(preferences):
    preferences.defaults = '{"direction": "gone", "head": 0.25, "make_video": "yes", "unknown": 1}'
    bpy.ops.wm.read_homefile(use_empty=True)
    assert (bpy.context.scene.soliloquy.head, bpy.context.scene.soliloquy.direction) == (0.25, "neutral")
    preferences.defaults = "no JSON"
    bpy.ops.wm.read_homefile(use_empty=True)
    assert bpy.context.scene.soliloquy.head == 1.0
