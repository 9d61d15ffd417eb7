"""The engine's processes end well: when they are told to, when nobody listens any more, when a child of theirs hangs."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from skimage import data

from soliloquy.engine.blend import PYTHON_VARIABLE, make_blend
from soliloquy.engine.errors import Cancelled, OutputError

BOOTSTRAP = Path(__file__).resolve().parents[2] / "engine" / "bootstrap.py"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and scripts are POSIX's here")


@pytest.fixture
def rendering(tmp_path):
    """A worker in the middle of rendering 12 seconds into `tmp_path / "out"`."""
    Image.fromarray(data.astronaut()[:256, 96:352]).save(tmp_path / "face.png")
    time_s = np.arange(12 * 16000) / 16000
    soundfile.write(tmp_path / "voice.wav", 0.3 * np.sin(880 * time_s) * (np.sin(25 * time_s) > 0), 16000)
    process = subprocess.Popen([sys.executable, "-I", str(BOOTSTRAP), "worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, env={**os.environ, "SOLILOQUY_CACHE": str(tmp_path / "cache")})
    job = {"portrait": str(tmp_path / "face.png"), "audio": str(tmp_path / "voice.wav"), "out": str(tmp_path / "out"),
           "formats": ["png", "mp4"], "rights": "public-domain:NASA"}
    process.stdin.write(json.dumps({"id": "1", "command": "animate", "job": job}) + "\n")
    process.stdin.flush()
    for line in process.stdout:
        event = json.loads(line)
        assert event["event"] == "progress", event
        if event["stage"] == "render" and event["done"] > 3:
            break
    yield process
    if process.poll() is None:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        try:
            stream.close()
        except BrokenPipeError:
            continue


def half_written(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".") or path.name in ("frames", "video.mp4")]


def test_told_to_end_it_ends_and_leaves_nothing_half_written(rendering, tmp_path):
    assert half_written(tmp_path / "out"), "the test looks at a worker in the middle of it"
    rendering.send_signal(signal.SIGTERM)
    assert rendering.wait(20) == 128 + signal.SIGTERM
    assert half_written(tmp_path / "out") == []


def test_when_nobody_listens_any_more_it_stops(rendering, tmp_path):
    """As after a crash of Blender: both pipes are closed at the other end."""
    rendering.stdout.close()
    rendering.stdin.close()
    assert rendering.wait(30) == Cancelled.exit_code
    assert half_written(tmp_path / "out") == []


@pytest.fixture
def hanging_blender(tmp_path, monkeypatch) -> Path:
    """A Blender's Python that begins to write, tells its process number and hangs."""
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/.scene.part.blend\necho $$ > {tmp_path}/number\nexec sleep 60\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv(PYTHON_VARIABLE, str(script))
    return tmp_path


def is_gone(folder: Path) -> bool:
    number = int((folder / "number").read_text())
    return not Path(f"/proc/{number}").exists() if Path("/proc/self").exists() else True


def test_a_blend_that_takes_too_long_is_given_up(hanging_blender):
    with pytest.raises(OutputError, match="did not finish within 1 s"):
        make_blend(hanging_blender, hanging_blender / "scene.blend", longest_s=1.0)
    assert is_gone(hanging_blender) and not list(hanging_blender.glob(".*"))


def test_a_blend_can_be_stopped_while_it_is_made(hanging_blender):
    started = time.monotonic()

    def stop(_stage: str, _done: int, _total: int) -> None:
        if (hanging_blender / "number").exists() and (hanging_blender / "number").read_text():
            raise Cancelled("Stopped.")
    with pytest.raises(Cancelled):
        make_blend(hanging_blender, hanging_blender / "scene.blend", progress=stop)
    assert time.monotonic() - started < 10 and is_gone(hanging_blender) and not list(hanging_blender.glob(".*"))


def test_why_a_blend_was_not_made_is_the_childs_last_line(tmp_path, monkeypatch):
    monkeypatch.setenv(PYTHON_VARIABLE, sys.executable)
    (tmp_path / "empty").mkdir()
    with pytest.raises(OutputError, match="scene.blend was not made: .*empty/motion.json is not a readable motion clip"):
        make_blend(tmp_path / "empty", tmp_path / "scene.blend")
