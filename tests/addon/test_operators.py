"""The buttons: greyed with a reason, same result as the functions behind them, errors in one line, nothing left behind."""

import dataclasses
import json
import subprocess
import sys
import tomllib
from fractions import Fraction
from pathlib import Path

import bpy
import pytest

import soliloquy
from soliloquy.addon import compat, directions, paths, rights
from soliloquy.addon.commands import run
from soliloquy.addon.engine_client import PYTHON_VARIABLE
from soliloquy.addon.operators import prechecks
from soliloquy.engine.motion.direction import Direction
from soliloquy.engine.motion.moods import MOODS
from soliloquy.engine.provenance.consent import Rights
from soliloquy.engine.provenance.policy import BASES


@pytest.fixture(autouse=True)
def registered():
    soliloquy.register()
    yield
    soliloquy.unregister()


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """An engine, and settings that only lack the picture: choose(kind) sets it."""
    monkeypatch.setattr(paths, "BOOTSTRAP", Path(__file__).with_name("stand_in_engine.py"))
    monkeypatch.setenv(PYTHON_VARIABLE, sys.executable)
    settings = bpy.context.scene.soliloquy
    settings.output_folder = str(tmp_path / "made")
    (tmp_path / "made").mkdir()
    settings.voice = str(tmp_path / "voice.wav")
    (tmp_path / "voice.wav").touch()

    def choose(kind: str):
        (tmp_path / f"{kind}.png").touch()
        settings.picture = str(tmp_path / f"{kind}.png")
        settings.rights = "fictional"
        return settings
    return choose


def test_greyed_button_says_why(stand_in, monkeypatch):
    context, settings = bpy.context, bpy.context.scene.soliloquy
    assert prechecks.cannot_animate(context) == "Choose a picture first"
    settings.picture = "/nowhere/ada.png"
    assert "is not there" in prechecks.cannot_animate(context)
    stand_in("ada")
    settings.make_rig = settings.make_strips = False
    assert prechecks.cannot_animate(context) == "Choose at least one output"
    settings.make_rig = True
    settings.output_folder = "//soliloquy"
    assert prechecks.cannot_animate(context).startswith("Save the .blend first")
    settings.output_folder = "/tmp"
    assert prechecks.cannot_animate(context) == "" and bpy.ops.soliloquy.animate.poll()
    monkeypatch.delenv(PYTHON_VARIABLE)
    assert "not installed" in prechecks.cannot_animate(context) and not bpy.ops.soliloquy.animate.poll()


def test_animate_asks_for_what_is_set_and_lands_like_the_function(stand_in, make_folder, tmp_path):
    make_folder(10)
    settings = stand_in("ada")
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 24, 1.001
    scene.frame_set(40)
    settings.direction = "comic"
    settings.head, settings.mood, settings.text, settings.seed = 0.25, "sad", " hello there ", 7
    assert bpy.ops.soliloquy.animate() == {"FINISHED"}
    job = json.loads((tmp_path / "made" / "request.json").read_text())["job"]
    assert job["settings"] == {"head": "0.25", "mood": "sad"}
    assert (job["fps"], job["text"], job["seed"], job["formats"]) == ("24000/1001", "hello there", 7, ["png"])
    assert Path(job["out"]) == tmp_path / "made" / "ada-voice" and "face" not in job
    assert {strip.type for strip in compat.strips_of(scene)} == {"IMAGE", "SOUND"}
    assert all(compat.strip_range(strip)[0] == 40 for strip in compat.strips_of(scene))
    assert len(bpy.data.armatures) == 1
    assert not bpy.context.window_manager.soliloquy.running


def test_job_is_one_the_engine_takes(stand_in):
    from soliloquy.addon.operators.animate import animate_job
    from soliloquy.engine.jobs import Job
    from soliloquy.engine.motion.direction import load_direction

    settings = stand_in("ada")
    settings.head, settings.mood_strength, settings.text, settings.face = 0.5, 0.3, "hello", 1
    settings.rights, settings.rights_statement = "licensed", "contract 12"
    job = Job.from_record(animate_job(bpy.context.scene, Path("/tmp/out")))
    direction = load_direction(job.direction).with_settings(job.settings)
    assert (direction.head, direction.mood_strength, job.face) == (0.5, 0.3, 1)
    assert job.rights == Rights("licensed", "contract 12")


def test_nobody_states_rights_but_the_person(stand_in):
    from soliloquy.addon.operators.animate import animate_job

    settings = stand_in("ada")
    assert settings.bl_rna.properties["rights"].default == rights.NOT_SAID
    for left_to_others in (rights.NOT_SAID, rights.POLICY):
        settings.rights = left_to_others
        assert "rights" not in animate_job(bpy.context.scene, Path("/tmp/out"))
    assert rights.to_be_said(rights.NOT_SAID, "ada.portrait") == "", "a portrait may hold its own; the engine decides"
    assert set(rights.BASES) == set(BASES)


def test_second_take_gets_a_folder_of_its_own(stand_in, make_folder, tmp_path):
    make_folder(3)
    stand_in("ada")
    for _ in range(2):
        bpy.ops.soliloquy.animate()
    assert sorted(path.name for path in (tmp_path / "made").iterdir() if path.is_dir()) == ["ada-voice", "ada-voice-2"]


@pytest.mark.parametrize("kind, words", [("faceless", "No face was found"), ("crash", "stopped without an answer"),
                                         ("killed", "ended by signal 9")])
def test_failure_is_reported_once_and_leaves_nothing(stand_in, kind, words):
    stand_in(kind)
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.soliloquy.animate()
    status = bpy.context.window_manager.soliloquy
    assert status.failed and not status.running and words in status.message
    assert "stand-in engine starts" in status.report and bpy.app.version_string in status.report
    assert not bpy.data.armatures and not compat.strips_of(bpy.context.scene)


def test_import_performance_and_build_rig(make_folder, portrait_file):
    folder = make_folder(12)
    assert bpy.ops.soliloquy.import_performance(directory=str(folder), strips=False) == {"FINISHED"}
    rig = next(item for item in bpy.data.objects if item.type == "ARMATURE")
    bpy.context.view_layer.objects.active = rig
    assert bpy.ops.soliloquy.import_performance(directory=str(folder), strips=False, onto_active=True) == {"FINISHED"}
    assert len(bpy.data.armatures) == 1
    assert bpy.ops.soliloquy.build_rig(filepath=str(portrait_file), match_scene=True) == {"FINISHED"}
    assert len(bpy.data.armatures) == 2 and bpy.context.scene.view_settings.view_transform == "Standard"


def test_import_of_a_wrong_folder_is_one_line(tmp_path):
    with pytest.raises(RuntimeError, match="not a readable motion clip"):
        bpy.ops.soliloquy.import_performance(directory=str(tmp_path))
    with pytest.raises(RuntimeError, match="Select one"):
        bpy.ops.soliloquy.import_performance(directory=str(tmp_path), onto_active=True)


def test_choosing_a_direction_sets_its_controls():
    settings = bpy.context.scene.soliloquy
    settings.direction = "comic"
    comic = tomllib.loads((paths.DIRECTIONS / "comic.toml").read_text(encoding="utf-8"))
    assert settings.energy == pytest.approx(comic["energy"]) and settings.mood == comic["mood"]
    settings.direction = "neutral"
    assert settings.energy == 1.0 and settings.mood == "neutral"


def test_controls_are_those_of_the_engine():
    fields = {item.name: item for item in dataclasses.fields(Direction)}
    assert tuple(MOODS) == tuple(directions.MOODS)
    for key, (default, highest, _) in directions.AMOUNTS.items():
        assert (fields[key].default, fields[key].metadata["high"], fields[key].metadata["low"]) \
            == (default, highest, directions.LEAST.get(key, 0.0))


def test_command_line_animates_into_the_open_file(stand_in, make_folder, tmp_path, capsys):
    make_folder(6)
    stand_in("ada")
    arguments = ["animate", str(tmp_path / "ada.png"), str(tmp_path / "voice.wav"), "-o", str(tmp_path / "made" / "x"),
                 "--set", "head=0.5", "--rights", "fictional:made up", "--blend", str(tmp_path / "made" / "x.blend")]
    assert run(arguments) == 0
    job = json.loads((tmp_path / "made" / "request.json").read_text())["job"]
    assert job["settings"] == {"head": "0.5"} and job["fps"] == "24/1" and job["rights"] == "fictional:made up"
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "made" / "x.blend"))
    assert len(compat.strips_of(bpy.context.scene)) == 2 and bpy.data.armatures


def test_command_line_reduces_keys_and_reports_as_json(make_folder, tmp_path, capsys):
    folder = make_folder(30, Fraction(24))
    assert run(["import", str(folder), "--reduce", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["start_frame"], told["end_frame"]) == (1, 31) and told["rig"] in bpy.data.objects
    curves = compat.curves_of(bpy.data.objects[told["rig"]]).fcurves
    assert any(len(curve.keyframe_points) < 30 for curve in curves)
    assert run(["import", str(folder), "--reduce", "50", "--json"]) == 2
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["error"]["code"] == "bad_input"


@pytest.mark.parametrize("arguments, code", [([], 2), (["animate"], 2), (["--help"], 0)])
def test_command_line_tells_usage(arguments, code, capsys):
    assert run(arguments) == code


def test_command_line_returns_the_engines_exit_code(stand_in, tmp_path, capsys):
    stand_in("faceless")
    arguments = [str(tmp_path / "faceless.png"), str(tmp_path / "voice.wav"), "-o", str(tmp_path / "made" / "x")]
    assert run(["animate", *arguments]) == 4
    assert capsys.readouterr().err.splitlines()[-1] == "No face was found in faceless.png."
    assert run(["animate", "a.png", "b.wav", "-o", "x", "--set", "head"]) == 2


def test_a_hundred_times_on_and_off_leaves_nothing(registered):
    soliloquy.unregister()
    before = footprint()
    for _ in range(100):
        soliloquy.register()
        soliloquy.unregister()
    assert footprint() == before
    soliloquy.register()


def footprint() -> tuple:
    """Everything of ours Blender could still hold."""
    ours = sorted(name for name in dir(bpy.types) if "soliloquy" in name.lower())
    properties = [hasattr(bpy.types.Scene, "soliloquy"), hasattr(bpy.types.WindowManager, "soliloquy")]
    return ours, properties, [name for name in dir(bpy.ops.soliloquy)], len(bpy.app.handlers.load_post)


def test_the_package_imports_without_blender():
    code = "import sys; sys.modules['bpy'] = None; import soliloquy, soliloquy.addon, soliloquy.engine"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_the_addon_imports_nothing_heavy():
    code = ("import sys, bpy, soliloquy; soliloquy.register(); soliloquy.unregister();"
            "import soliloquy.addon.scene.assemble;"
            "heavy = {'torch', 'mediapipe', 'librosa', 'cv2', 'scipy', 'soliloquy.engine'} & set(sys.modules);"
            "sys.exit(str(heavy) if heavy else 0)")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_switching_on_loads_nothing_that_only_work_needs():
    code = ("import sys, bpy, soliloquy; soliloquy.register();"
            "wanted_later = ('scene.rig', 'scene.assemble', 'scene.clip_file', 'scene.performance', 'characters.mapping', 'commands');"
            "early = [name for name in wanted_later if f'soliloquy.addon.{name}' in sys.modules]"
            " + [name for name in ('visemes', 'live_link') if f'soliloquy.common.{name}' in sys.modules];"
            "sys.stdout.flush(); import os; os.write(2, str(early).encode() if early else b''); os._exit(bool(early))")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
