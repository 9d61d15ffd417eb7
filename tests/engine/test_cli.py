"""The command line on real input: what it writes, that it agrees with itself, and that it can be stopped."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from soliloquy.engine.audio.say import say
from soliloquy.engine.blend import make_blend
from soliloquy.engine.cli import EXIT_CODES, app
from soliloquy.engine.console import progress_line
from soliloquy.engine.errors import InputError, OutputError
from soliloquy.engine.export import read_clip
from soliloquy.engine.files import sha256_of
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.render.write import ffmpeg_binary

COMMANDS = tuple(command.callback.__name__.replace("_", "-") for command in app.registered_commands)
RIGHTS = ["--rights", "public-domain:NASA"]
SOLILOQUY = [sys.executable, "-c", "from soliloquy.engine.cli import main; main()"]


def invoke(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="session")
def inputs(tmp_path_factory) -> Path:
    """A photograph and a spoken word."""
    folder = tmp_path_factory.mktemp("inputs")
    Image.fromarray(data.astronaut()[:256, 96:352]).save(folder / "face.png")
    say("My name is Eileen.", folder / "voice.wav")
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> dict[str, str]:
    return {**os.environ, "SOLILOQUY_CACHE": str(tmp_path_factory.mktemp("cache"))}


@pytest.fixture(scope="session")
def finished(inputs, cache, tmp_path_factory) -> tuple[Path, list[dict]]:
    """A folder made by `soliloquy animate`, and the events it wrote on the way."""
    out = tmp_path_factory.mktemp("finished") / "ada"
    result = subprocess.run([*SOLILOQUY, "animate", inputs / "face.png", inputs / "voice.wav", "-o", out, "--json",
                             "--text", "My name is Eileen.", "--fps", "23.976", "--size", "192", "--format", "mp4,png",
                             "--set", "mood=happy", "--seed", "7", *RIGHTS], capture_output=True, text=True, env=cache)
    assert result.returncode == 0, result.stderr
    return out, [json.loads(line) for line in result.stdout.splitlines()]


def test_animate_writes_everything(finished):
    out, events = finished
    report = json.loads((out / "report.json").read_text())
    assert {path.name for path in out.iterdir()} == {"video.mp4", "frames", "motion.csv", "motion.json", "motion.npz", "speech.json",
                                                     "portrait.portrait", "voice.wav", "report.json", "frames.c2pa"}
    assert events[-1]["event"] == "result" and events[-1]["report"] == report
    stages = [event["stage"] for event in events if event["event"] == "progress"]
    assert {"portrait", "render"} <= set(stages)
    assert len(list((out / "frames").iterdir())) == report["frames"] == len(MotionClip.load(out / "motion.json"))


def test_report_says_where_everything_came_from(finished, inputs):
    report = json.loads((finished[0] / "report.json").read_text())
    assert report["inputs"]["portrait"]["sha256"] == sha256_of(inputs / "face.png")
    assert report["inputs"]["audio"]["sha256"] == sha256_of(finished[0] / report["audio"])
    assert report["seed"] == 7 and report["fps"] == "24000/1001" and report["settings"]["settings"] == {"mood": "happy"}
    assert report["versions"]["torch"].startswith("2.") and report["timings_s"]["render"] > 0
    measured = {figure["figure"]: figure for figure in report["measures"]}
    assert {"head_std_yaw", "head_change", "blink_rate"} <= set(measured)
    assert all(figure["status"] in ("pass", "miss", "n/a", "-") for figure in measured.values())
    assert str(inputs) not in json.dumps(report), "no path of this machine"


def test_video_has_the_pictures_the_sound_and_the_rate(finished):
    out, _ = finished
    told = subprocess.run([ffmpeg_binary(), "-hide_banner", "-i", out / "video.mp4"], capture_output=True, text=True).stderr
    assert "23.98 fps" in told and "Audio: aac" in told and "192x192" in told
    hours, minutes, seconds = re.search(r"Duration: (\d+):(\d+):([\d.]+)", told).groups()
    assert abs(float(seconds) - len(MotionClip.load(out / "motion.json")) / 23.976) < 0.05
    assert cv2.imread(str(out / "frames" / "000001.png")).shape == (192, 192, 3)


def test_the_mouth_moves_in_the_frames(finished):
    out, _ = finished
    clip = MotionClip.load(out / "motion.json")
    closed, opened = (cv2.imread(str(out / "frames" / f"{int(frame) + 1:06d}.png")).astype(int)
                      for frame in (clip.channel("jawOpen").argmin(), clip.channel("jawOpen").argmax()))
    assert np.abs(closed - opened).max() > 60


def test_csv_and_json_hold_the_same_performance(finished):
    ours, theirs = MotionClip.load(finished[0] / "motion.json"), read_clip(finished[0] / "motion.csv", fps=Fraction(24000, 1001))
    assert ours.fps == theirs.fps == Fraction(24000, 1001)
    assert np.allclose(ours.channels, theirs.channels, atol=1e-6)


def test_same_seed_same_frames_from_the_cache_and_from_the_verbs(finished, inputs, cache, tmp_path, monkeypatch):
    """The four verbs one by one make what `animate` made."""
    monkeypatch.setenv("SOLILOQUY_CACHE", cache["SOLILOQUY_CACHE"])
    steps = [("portrait", inputs / "face.png", "-o", tmp_path / "a.portrait", *RIGHTS),
             ("speech", inputs / "voice.wav", "-o", tmp_path / "a.json", "--text", "My name is Eileen."),
             ("motion", tmp_path / "a.json", "-o", tmp_path / "clip.json", "--fps", "23.976", "--set", "mood=happy", "--seed", "7"),
             ("render", tmp_path / "a.portrait", tmp_path / "clip.json", "-o", tmp_path / "out", "--size", "192", "--format", "png")]
    for step in steps:
        result = invoke(*step)
        assert result.exit_code == 0, result.output
    assert np.array_equal(MotionClip.load(tmp_path / "clip.json").channels, MotionClip.load(finished[0] / "motion.json").channels)
    for frame in ("000001.png", "000009.png"):
        assert (tmp_path / "out" / "frames" / frame).read_bytes() == (finished[0] / "frames" / frame).read_bytes()


def test_a_capture_drives_a_portrait(finished, tmp_path):
    """`render` with a Live Link Face CSV, alpha kept in PNG and ProRes."""
    clip = MotionClip.neutral(40, Fraction(30))
    clip.channels[:, 17] = 0.6
    from soliloquy.engine.export.live_link import write_live_link_csv
    write_live_link_csv(clip, tmp_path / "take.csv")
    result = invoke("render", finished[0] / "portrait.portrait", tmp_path / "take.csv", "-o", tmp_path / "out", "--size", "96",
                    "--format", "png,mov", "--alpha", "--json")
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "out" / "frames").iterdir())) == 40
    picture = cv2.imread(str(tmp_path / "out" / "frames" / "000020.png"), cv2.IMREAD_UNCHANGED)
    assert picture.shape == (96, 96, 4) and picture[..., 3].min() == 0 and picture[..., 3].max() == 255
    assert (tmp_path / "out" / "video.mov").stat().st_size > 1000


def test_export(finished, tmp_path):
    result = invoke("export", finished[0] / "motion.json", "--to", "csv", "-o", tmp_path / "take.csv")
    assert result.exit_code == 0 and (tmp_path / "take.csv").read_bytes() == (finished[0] / "motion.csv").read_bytes()


def test_blend_is_made_beside_the_result(finished, tmp_path):
    pytest.importorskip("bpy", reason="a .blend needs the bpy wheel")
    blend = make_blend(finished[0], tmp_path / "ada.blend")
    assert blend.stat().st_size > 50_000


def test_blend_without_blender_is_one_line(finished, tmp_path, monkeypatch):
    monkeypatch.setenv("SOLILOQUY_BLENDER_PYTHON", sys.executable)
    with pytest.raises(OutputError, match="was not made") as caught:
        make_blend(tmp_path / "no such folder", tmp_path / "ada.blend")
    assert "\n" not in str(caught.value) and not (tmp_path / "ada.blend").exists()
    monkeypatch.delenv("SOLILOQUY_BLENDER_PYTHON")
    monkeypatch.setitem(sys.modules, "bpy", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="SOLILOQUY_BLENDER_PYTHON"):
        make_blend(finished[0], tmp_path / "ada.blend")


def test_say(tmp_path):
    assert invoke("say", "One two three.", "-o", tmp_path / "a.wav").exit_code == 0
    assert (tmp_path / "a.wav").stat().st_size > 20000


def test_doctor_lists_models_with_licences():
    result = invoke("doctor", "--json")
    found = json.loads(result.stdout.splitlines()[-1])
    assert result.exit_code == 0 and found["missing_models"] == []
    assert {model["licence"] for model in found["models"]} == {"Apache-2.0"}
    assert "face_landmarker" in invoke("doctor").stdout


def test_doctor_fails_when_models_are_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("SOLILOQUY_MODELS", str(tmp_path))
    result = invoke("doctor")
    assert result.exit_code == 7 and "MISSING face_landmarker" in result.stdout


def test_job_file(inputs, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("SOLILOQUY_CACHE", cache["SOLILOQUY_CACHE"])
    for name in ("face.png", "voice.wav"):
        (tmp_path / name).write_bytes((inputs / name).read_bytes())
    (tmp_path / "batch.toml").write_text("".join(
        f'[[jobs]]\nportrait = "face.png"\naudio = "voice.wav"\ntext = "My name is Eileen."\nout = "{name}"\nsize = "64"\n'
        f'formats = ["png"]\nseed = {seed}\nrights = "public-domain:NASA"\n' for seed, name in enumerate(("one", "two"))))
    assert invoke("job", tmp_path / "batch.toml").exit_code == 0
    one, two = (MotionClip.load(tmp_path / name / "motion.json") for name in ("one", "two"))
    assert len(one) == len(two) and not np.array_equal(one.head_rotation_deg, two.head_rotation_deg)


def test_ctrl_c_ends_with_130_and_no_half_video(inputs, cache, tmp_path):
    process = subprocess.Popen([*SOLILOQUY, "animate", inputs / "face.png", inputs / "voice.wav", "-o", tmp_path / "out", "--json",
                                "--size", "1024", "--format", "mp4,png", *RIGHTS], stdout=subprocess.PIPE, text=True, env=cache,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # shells have it ignored behind &
    for line in process.stdout:
        event = json.loads(line)
        if event.get("stage") == "render" and event["done"] >= 2:
            break
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    rest = process.stdout.read()
    assert process.wait() == 130 and time.monotonic() - started < 5
    assert json.loads(rest.splitlines()[-1])["code"] == "cancelled"
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left <= {"motion.csv", "motion.json", "motion.npz", "speech.json", "portrait.portrait", "voice.wav"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name):
    result = invoke(name, "--help")
    assert result.exit_code == 0 and "--json" in result.output and "Usage" in result.output


def test_help_documents_the_exit_codes():
    told = " ".join(invoke("--help").output.split())
    assert "130 stopped" in told and "4 no face found" in told
    assert set(map(int, re.findall(r"(\d+) [a-z]", EXIT_CODES))) == {0, 1, 2, 3, 4, 5, 6, 7, 8, 130}


def test_progress_line_tells_rate_and_time_left():
    assert progress_line("render", 120, 300, 10.0).split() == "render 120/300 40 % 12.0/s 15 s left".split()
    assert progress_line("decode", 7, 0, 1.0).split() == ["decode", "7"]
