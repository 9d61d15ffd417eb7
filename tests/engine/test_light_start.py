"""The second time is quick: what is known is not analysed again, nor are the libraries loaded that would; drawing has the cores."""

import subprocess
import sys
from fractions import Fraction

import torch
from motion_speech import speech_of

from soliloquy.engine import stages
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.render.render import render

_AGAIN = """
import sys
from pathlib import Path
for name in ("mediapipe", "pymatting", "librosa", "pocketsphinx", "matplotlib"):
    sys.modules[name] = None
from soliloquy.engine import animate, stages
assert stages.obtain_portrait(Path(sys.argv[1]))[1], "the portrait comes from the cache"
assert stages.obtain_speech(Path(sys.argv[2]), "")[1], "the speech comes from the cache"
"""


def test_what_the_cache_knows_needs_none_of_the_analysing_libraries(astronaut, astronaut_path, tmp_path, monkeypatch):
    monkeypatch.setenv("SOLILOQUY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("soliloquy.engine.portrait.build.build_portrait", lambda *_, **__: astronaut)
    monkeypatch.setattr("soliloquy.engine.audio.analyse.analyse_speech", lambda *_, **__: speech_of([("AA", 1.0)]))
    voice = tmp_path / "voice.wav"
    voice.write_bytes(b"known by its hash alone")
    assert not stages.obtain_portrait(astronaut_path)[1] and not stages.obtain_speech(voice, "")[1]
    done = subprocess.run([sys.executable, "-c", _AGAIN, str(astronaut_path), str(voice)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


_APART = """
import sys
sys.modules["torch"] = None
from soliloquy.engine.portrait.build import build_portrait
assert build_portrait(sys.argv[1]).parts
"""


def test_a_picture_is_taken_apart_without_tensors(astronaut_path):
    """Their library would take 180 MiB beside the layers of a large picture."""
    done = subprocess.run([sys.executable, "-c", _APART, str(astronaut_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_posing_does_not_compete_with_drawing(astronaut):
    """While frames come the tensors have one thread; before and after, as many as they had."""
    before = torch.get_num_threads()
    frames = render(astronaut, MotionClip.neutral(2, Fraction(25)), size=(32, 32))
    next(frames)
    assert torch.get_num_threads() == 1
    list(frames)
    assert torch.get_num_threads() == before
