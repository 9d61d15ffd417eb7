"""Jobs as files, the cache, and the worker's protocol."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from soliloquy.engine import cache
from soliloquy.engine.errors import FormatError, InputError
from soliloquy.engine.jobs import Job, parse_size, read_jobs
from soliloquy.engine.provenance.consent import Rights
from soliloquy.engine.rates import parse_rate

PACKAGE = Path(__file__).resolve().parents[2]


def test_job_file_paths_are_relative_to_the_file(tmp_path):
    (tmp_path / "a.toml").write_text('portrait = "p.png"\naudio = "/sounds/v.wav"\nout = "made"\nfps = "23.976"\n'
                                     '[settings]\nhead = 0.5\nblink = true\n')
    (job,) = read_jobs(tmp_path / "a.toml")
    assert (job.portrait, job.audio, job.out) == (tmp_path / "p.png", Path("/sounds/v.wav"), tmp_path / "made")
    assert job.fps == Fraction(24000, 1001) and job.settings == {"head": "0.5", "blink": "true"}


def test_job_survives_its_record():
    job = Job(Path("a.png"), Path("b.wav"), Path("c"), settings={"mood": "sad"}, fps=Fraction(30000, 1001), formats=("png", "mov"),
              face=1, alpha=True, size="320x200", rights=Rights("consent", "release 12", expires="2030-01-01"))
    assert Job.from_record(json.loads(json.dumps(job.to_record()))) == job


@pytest.mark.parametrize(("text", "source", "expected"), [
    ("source", (300, 400), (300, 400)), ("source", (7000, 3500), (4096, 2048)), ("512", (1000, 500), (512, 256)), ("512", (333, 1000), (170, 512)), ("1920x1080", (5, 5), (1920, 1080)),
])
def test_sizes(text, source, expected):
    assert parse_size(text, source) == expected


@pytest.mark.parametrize("text", ["", "x", "12x", "1x2x3", "-5", "15", "9000", "5e2", "512.0"])
def test_sizes_that_cannot_be(text):
    with pytest.raises(InputError):
        parse_size(text, (100, 100))


@pytest.mark.parametrize(("text", "expected"), [
    ("25", 25), (24, 24), ("23.976", Fraction(24000, 1001)), ("29.97", Fraction(30000, 1001)), ("59.94", Fraction(60000, 1001)),
    ("24000/1001", Fraction(24000, 1001)), ("23.98", Fraction(24000, 1001)), ("12.5", Fraction(25, 2)), ("24/1", 24), (" 30 ", 30),
])
def test_rates(text, expected):
    assert parse_rate(text) == expected


@given(st.text(max_size=12))
def test_any_text_is_a_rate_or_an_input_error(text):
    try:
        assert 1 <= parse_rate(text) <= 240
    except InputError as error:
        assert "\n" not in str(error) or "\n" in text


class Note:
    """A noun small enough to see through."""

    def __init__(self, text: str) -> None:
        self.text = text

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text)

    @classmethod
    def load(cls, path: Path):
        if not path.read_text():
            raise FormatError("empty")
        return cls(path.read_text())


def test_cache_makes_once_forgets_damage_and_stays_bounded(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setitem(cache.LARGEST_BYTES, "speech", 25)
    made = []

    def make(text):
        made.append(text)
        return Note(text)
    for text in ("0123456789", "0123456789", "abcdefghij", "ABCDEFGHIJ"):
        note, _ = cache.cached("speech", {"text": text}, ".json", Note.load, lambda text=text: make(text))
        assert note.text == text
        time.sleep(0.02)
    assert made == ["0123456789", "abcdefghij", "ABCDEFGHIJ"]
    kept = {path.read_text() for path in (tmp_path / "speech").iterdir()}
    assert kept == {"abcdefghij", "ABCDEFGHIJ"}, "the oldest went"
    for path in (tmp_path / "speech").iterdir():
        path.write_text("")
    assert cache.cached("speech", {"text": "abcdefghij"}, ".json", Note.load, lambda: make("again"))[0].text == "again"


def test_a_cache_that_cannot_be_written_does_not_stop_the_work(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path / "file"))
    assert cache.cached("speech", {}, ".json", Note.load, lambda: Note("made"))[0].text == "made"


class Worker:
    """A worker process to talk to."""

    def __init__(self, bootstrap: Path = PACKAGE / "engine" / "bootstrap.py", **environment: str) -> None:
        self.process = subprocess.Popen([sys.executable, "-I", str(bootstrap), "worker"], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment})

    def ask(self, **request) -> None:
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def event(self) -> dict:
        return json.loads(self.process.stdout.readline())

    def finish(self) -> list[dict]:
        self.process.stdin.close()
        events = [json.loads(line) for line in self.process.stdout]
        assert self.process.wait(60) == 0, self.process.stderr.read()
        return events


@pytest.fixture
def inputs(tmp_path) -> Path:
    Image.fromarray(data.astronaut()[:256, 96:352]).save(tmp_path / "face.png")
    time_s = np.arange(12 * 16000) / 16000
    soundfile.write(tmp_path / "voice.wav", 0.3 * np.sin(880 * time_s) * (np.sin(25 * time_s) > 0), 16000)
    return tmp_path


def animate_request(inputs: Path, name: str = "1", **job) -> dict:
    return {"id": name, "command": "animate", "job": {"portrait": str(inputs / "face.png"), "audio": str(inputs / "voice.wav"),
                                                      "out": str(inputs / "out"), "size": "64", "rights": "public-domain:NASA", **job}}


def test_worker_runs_from_a_folder_of_any_name(tmp_path):
    """As a Blender extension does: isolated, not on the path, not called soliloquy, from another working folder."""
    root = tmp_path / "user_default.soliloquy-2"
    shutil.copytree(PACKAGE / "engine", root / "engine", ignore=shutil.ignore_patterns("__pycache__", "training", "measure"))
    shutil.copy(PACKAGE / "__init__.py", root)
    worker = Worker(root / "engine" / "bootstrap.py")
    worker.ask(id=1, command="ping")
    (event,) = worker.finish()
    assert event["id"] == "1" and event["event"] == "result" and "soliloquy" in event["versions"]


def test_worker_animates_and_says_how_far_it_is(inputs):
    soundfile.write(inputs / "voice.wav", soundfile.read(inputs / "voice.wav")[0][:16000], 16000)
    worker = Worker(SOLILOQUY_CACHE=str(inputs / "cache"))
    worker.ask(**animate_request(inputs, formats=["png"], fps="12.5"))
    events = worker.finish()
    assert events[-1]["event"] == "result" and events[-1]["report"]["frames"] == len(list((inputs / "out" / "frames").iterdir()))
    progress = [event for event in events if event["event"] == "progress"]
    assert {"portrait", "render"} <= {event["stage"] for event in progress}
    assert all(event["id"] == "1" and event["done"] <= max(event["total"], event["done"]) for event in progress)


def test_worker_verifies(inputs):
    worker = Worker()
    worker.ask(id="1", command="verify", job={"path": str(inputs / "face.png")})
    worker.ask(id="2", command="verify")
    results = {event["id"]: event for event in worker.finish() if event["event"] != "progress"}
    assert results["1"]["verdict"] == "no credentials" and results["1"]["findings"][0]["mark"] is None
    assert results["2"]["code"] == "bad_input"


def test_worker_stops_at_once_when_asked_and_goes_on_with_the_next(inputs):
    worker = Worker(SOLILOQUY_CACHE=str(inputs / "cache"))
    worker.ask(**animate_request(inputs))
    while worker.event().get("stage") != "render":
        pass
    worker.ask(id="2", command="cancel", cancel="1")
    asked = time.monotonic()
    while (event := worker.event())["id"] != "1" or event["event"] != "error":
        pass
    assert event["code"] == "cancelled" and time.monotonic() - asked < 2
    assert not (inputs / "out" / "video.mp4").exists()
    worker.ask(id="3", command="ping")
    assert worker.finish()[-1]["id"] == "3"


@pytest.mark.parametrize(("request_line", "code"), [
    ("nonsense", "bad_input"), ('{"id": 1}', "bad_input"), ("[1]", "bad_input"), ('{"id": "1", "command": "fly"}', "bad_input"),
    ('{"id": "1", "command": "animate"}', "bad_input"), ('{"id": "1", "command": "animate", "job": {"portrait": "x"}}', "bad_input"),
    ('{"id": "1", "command": "animate", "job": {"portrait": "/x.png", "audio": "/y.wav", "out": "z", "size": "0"}}', "bad_input"),
    ('{"id": "1", "command": "animate", "job": {"portrait": "/x.png", "audio": "/y.wav", "out": "z", "rights": "self"}}', "bad_image"),
    ('{"id": "1", "command": "animate", "job": {"portrait": "/x.png", "audio": "/y.wav", "out": "z"}}', "no_rights"),
    ('{"id": "1", "command": "animate", "job": {"portrait": "/x.png", "audio": "/y.wav", "out": "z", "rights": "none"}}', "bad_input"),
])
def test_worker_answers_bad_requests_with_an_error(tmp_path, request_line, code):
    worker = Worker()
    worker.process.stdin.write(request_line + "\n")
    errors = [event for event in worker.finish() if event["event"] == "error"]
    assert [error["code"] for error in errors] == [code] and "\n" not in errors[0]["message"]


def test_what_libraries_print_does_not_reach_the_events(tmp_path):
    code = ("import sys\nfrom soliloquy.engine import worker\n"
            "def chatty(request, reporter):\n    import os\n    print('python says'); os.write(1, b'C says\\n'); return {}\n"
            "worker.carry_out = chatty\nsys.exit(worker.main())")
    result = subprocess.run([sys.executable, "-c", code], input='{"id": "1", "command": "ping"}\n', capture_output=True, text=True)
    assert [json.loads(line)["event"] for line in result.stdout.splitlines()] == ["result"]
    assert "python says" in result.stderr and "C says" in result.stderr


def test_results_are_made_anew_when_any_asset_changes():
    kinds = {file.suffix for file in (PACKAGE / "engine" / "assets").iterdir()} - {".md"}
    assert kinds <= set(cache.DECIDING_SUFFIXES)
    assert cache.code_fingerprint("audio") != cache.code_fingerprint("audio", "assets")
