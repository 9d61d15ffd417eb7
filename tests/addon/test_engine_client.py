"""Talking to the engine: a real child process that behaves well, badly, or not at all."""

import sys
import time
from pathlib import Path

import pytest

from soliloquy.addon import child, errors, paths
from soliloquy.addon.engine_client import PYTHON_VARIABLE, Engine, EngineJob, Progress, find_engine, run_job
from soliloquy.addon.errors import AddonError, EngineMissing
from soliloquy.engine.errors import SoliloquyError


@pytest.fixture
def engine(monkeypatch) -> Engine:
    monkeypatch.setattr(paths, "BOOTSTRAP", Path(__file__).with_name("stand_in_engine.py"))
    return Engine(Path(sys.executable), "test", None)


def job(tmp_path, kind) -> dict:
    return {"portrait": str(tmp_path / f"{kind}.png"), "out": str(tmp_path / "out")}


def test_progress_then_result(engine, make_folder, tmp_path):
    make_folder(3)
    reports = []
    assert run_job(engine, "animate", job(tmp_path, "ada"), reports.append)["out"] == str(tmp_path / "out")
    assert reports == [Progress("portrait", 1, 1), Progress("render", 5, 10)]


def test_error_of_the_engine_keeps_its_words_code_and_log(engine, tmp_path):
    with pytest.raises(AddonError, match="No face was found in faceless.png.") as caught:
        run_job(engine, "animate", job(tmp_path, "faceless"), lambda _: None)
    assert (caught.value.code, caught.value.exit_code) == ("no_face", 4)
    assert "stand-in engine starts" in caught.value.details


def test_crash_is_one_line_with_the_last_words_in_the_report(engine, tmp_path):
    with pytest.raises(AddonError, match="stopped without an answer .exit status 3.") as caught:
        run_job(engine, "animate", job(tmp_path, "crash"), lambda _: None)
    assert "Segmentation fault, or so" in caught.value.details


def test_stopping_returns_at_once_and_lets_the_engine_clean_up(engine, tmp_path):
    work = started(engine, tmp_path, "slow")
    assert (tmp_path / "out" / "half-written").exists()
    began = time.perf_counter()
    work.end()
    assert time.perf_counter() - began < 0.05
    assert ended_within(work, 2.0) == 0 and not (tmp_path / "out" / "half-written").exists()


def test_engine_that_does_not_listen_is_made_to_stop(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(child, "SECONDS_TO_END", 0.3)
    work = started(engine, tmp_path, "deaf")
    work._child.end(patience_s=0.3)
    assert ended_within(work, 3.0) != 0


def test_asking_never_waits(engine, tmp_path):
    work = EngineJob(engine, "animate", job(tmp_path, "slow"))
    started = time.perf_counter()
    for _ in range(100):
        work.poll()
    assert time.perf_counter() - started < 0.1
    work.end()


def test_python_that_is_not_one_is_said_so(tmp_path):
    with pytest.raises(EngineMissing, match="does not start"):
        EngineJob(Engine(tmp_path / "nothing", "test", None), "animate", {})


def test_preferences_win_over_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv(PYTHON_VARIABLE, sys.executable)
    assert find_engine().python == Path(sys.executable)
    chosen = tmp_path / "python"
    chosen.touch()
    assert find_engine(str(chosen)).python == chosen
    with pytest.raises(EngineMissing, match="is not there"):
        find_engine(str(tmp_path / "gone"))


def test_without_any_engine_it_says_what_to_do(monkeypatch):
    monkeypatch.delenv(PYTHON_VARIABLE, raising=False)
    with pytest.raises(EngineMissing, match="Set it up in the add-on's preferences"):
        find_engine()


def started(engine, tmp_path, kind) -> EngineJob:
    work = EngineJob(engine, "animate", job(tmp_path, kind))
    while not work.poll(wait_s=5):
        pass
    return work


def ended_within(work: EngineJob, seconds: float) -> int:
    work._child.wait_ended(seconds)
    status = work._child._process.poll()
    assert status is not None, "it still runs"
    return status


def test_exit_codes_are_those_of_the_engine():
    family = [SoliloquyError]
    for member in family:
        family += member.__subclasses__()
    assert errors.EXIT_CODES == {member.code: member.exit_code for member in family}
