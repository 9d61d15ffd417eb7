"""Bad input gets one clear line that names the file or the value, the right exit status, and nothing half-written."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from soliloquy.engine.cli import app


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    """A face and half a second of tone bursts: accepted, and quick."""
    folder = tmp_path_factory.mktemp("good")
    Image.fromarray(data.astronaut()[:256, 96:352]).save(folder / "face.png")
    time_s = np.arange(8000) / 16000
    soundfile.write(folder / "voice.wav", 0.3 * np.sin(880 * time_s) * (np.sin(25 * time_s) > 0), 16000)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("SOLILOQUY_CACHE", str(tmp_path_factory.mktemp("cache")))


def refused(folder: Path, exit_code: int, *words: str, arguments: list) -> None:
    """`arguments` fail with `exit_code` and one line holding `words`; `folder`/out does not appear."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    lines = result.stderr.strip().splitlines()
    assert result.exit_code == exit_code, result.output
    told = [line for line in lines if line.startswith("soliloquy: ")]
    assert len(told) == 1 and lines[-1] == told[0], lines
    for word in words:
        assert word in told[0], told[0]
    assert "Traceback" not in result.output
    assert not (folder / "out").exists()


def animate(portrait: Path, audio: Path, out: Path, *options: str) -> list:
    return ["animate", portrait, audio, "-o", out, "--size", "64", "--rights", "fictional", *options]


def picture(name: str, folder: Path) -> Path:
    path = folder / f"{name}.png"
    random = np.random.default_rng(0)
    buffer = io.BytesIO()
    Image.fromarray(data.astronaut()).save(buffer, "JPEG")
    if name == "no_face":
        Image.fromarray(random.integers(0, 256, (200, 200, 3)).astype(np.uint8)).save(path)
    elif name == "tiny":
        Image.new("RGB", (20, 20)).save(path)
    elif name == "truncated":
        path.write_bytes(buffer.getvalue()[:9000])
    elif name == "text":
        path.write_text("I am not a picture.")
    elif name == "empty":
        path.write_bytes(b"")
    return path


@pytest.mark.parametrize(("name", "exit_code", "words"), [
    ("missing", 3, ["There is no picture", "missing.png"]), ("text", 3, ["text.png", "not a picture"]), ("empty", 3, ["empty.png"]),
    ("truncated", 3, ["truncated.png", "truncated"]), ("tiny", 3, ["20 x 20", "64"]), ("no_face", 4, ["No face", "no_face.png"]),
])
def test_pictures(good, tmp_path, name, exit_code, words):
    refused(tmp_path, exit_code, *words, arguments=animate(picture(name, tmp_path), good / "voice.wav", tmp_path / "out"))


def test_a_face_that_is_not_there(good, tmp_path):
    refused(tmp_path, 4, "no face number 5", arguments=animate(good / "face.png", good / "voice.wav", tmp_path / "out", "--face", "5"))


def recording(name: str, folder: Path, good: Path) -> Path:
    path = folder / f"{name}.wav"
    if name == "silence":
        soundfile.write(path, np.zeros(16000), 16000)
    elif name == "zero_length":
        soundfile.write(path, np.zeros(0), 16000)
    elif name == "not_numbers":
        samples = np.full(16000, 0.1, np.float32)
        samples[5000:5100] = np.nan
        soundfile.write(path, samples, 16000, subtype="FLOAT")
    elif name == "too_short":
        soundfile.write(path, np.full(1600, 0.1), 16000)
    elif name == "text":
        path.write_text("I am not a recording.")
    elif name == "truncated":
        path.write_bytes((good / "voice.wav").read_bytes()[:9000])
    elif name == "empty":
        path.write_bytes(b"")
    return path


@pytest.mark.parametrize("name", ["missing", "silence", "zero_length", "not_numbers", "too_short", "text", "truncated", "empty"])
def test_recordings(good, tmp_path, name):
    refused(tmp_path, 5, f"{name}.wav", arguments=animate(good / "face.png", recording(name, tmp_path, good), tmp_path / "out"))


@pytest.mark.parametrize(("options", "words"), [
    (["--fps", "0"], ["outside 1 to 240"]), (["--fps", "soon"], ["soon", "24000/1001"]), (["--fps", "25/0"], ["25/0"]),
    (["--fps", "1000"], ["1000"]), (["--size", "5"], ["5"]), (["--size", "big"], ["big"]), (["--size", "99999"], ["99999"]),
    (["--format", "gif"], ["gif", "mp4"]), (["--format", ""], ["mp4"]), (["--direction", "shouting"], ["shouting", "neutral"]),
    (["--set", "colour=red"], ["colour"]), (["--set", "mood"], ["mood", "key=value"]), (["--set", "mood=purple"], ["purple"]),
    (["--direction", "missing.toml"], ["missing.toml"]), (["--text-file", "missing.txt"], ["missing.txt"]),
])
def test_settings(good, tmp_path, options, words):
    refused(tmp_path, 2, *words, arguments=animate(good / "face.png", good / "voice.wav", tmp_path / "out") + options)


def test_output_folder_behind_a_file(good, tmp_path):
    (tmp_path / "taken").write_text("a file")
    refused(tmp_path, 6, "taken", arguments=animate(good / "face.png", good / "voice.wav", tmp_path / "taken" / "out"))
    assert (tmp_path / "taken").read_text() == "a file"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is forbidden to this user")
def test_output_folder_not_writable(good, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    refused(tmp_path, 6, "locked", arguments=animate(good / "face.png", good / "voice.wav", tmp_path / "locked" / "out"))


@pytest.mark.parametrize(("name", "content", "exit_code"), [
    ("a.portrait", b"PK\x03\x04 broken", 8), ("a.portrait", b"", 8), ("missing.portrait", None, 8),
])
def test_damaged_portraits(good, tmp_path, name, content, exit_code):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    refused(tmp_path, exit_code, name, arguments=animate(tmp_path / name, good / "voice.wav", tmp_path / "out"))


@pytest.mark.parametrize(("name", "content"), [
    ("a.json", b"{"), ("a.json", b'{"format": "soliloquy-motion", "format_version": 99}'), ("a.json", b"[]"), ("a.csv", b"a,b\n1,2\n"),
    ("a.csv", b"\x00\xff\xfe"), ("missing.json", None), ("missing.csv", None),
])
def test_damaged_clips(good, tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    refused(tmp_path, 8, name, arguments=["render", good / "face.png", tmp_path / name, "-o", tmp_path / "out", "--rights", "fictional"])


@pytest.mark.parametrize("content", ["{", '{"portrait": "a"}', '{"portrait": "a", "audio": "b", "out": "c", "speed": 2}',
                                     '{"portrait": 5, "audio": "b", "out": "c"}', '"job"', '{"jobs": [3]}'])
def test_damaged_jobs(tmp_path, content):
    (tmp_path / "job.json").write_text(content)
    refused(tmp_path, 2, arguments=["job", tmp_path / "job.json"])


def test_missing_models(good, tmp_path, monkeypatch):
    monkeypatch.setenv("SOLILOQUY_MODELS", str(tmp_path / "none"))
    refused(tmp_path, 7, "doctor --fetch", arguments=animate(good / "face.png", good / "voice.wav", tmp_path / "out"))


def test_unexpected_errors_are_one_line_too(good, tmp_path, monkeypatch):
    from soliloquy.engine import stages

    def broken(*arguments, **options):
        raise RuntimeError("the roof is on fire")
    monkeypatch.setattr(stages, "cached", broken)
    refused(tmp_path, 1, "the roof is on fire", "log", arguments=animate(good / "face.png", good / "voice.wav", tmp_path / "out"))
