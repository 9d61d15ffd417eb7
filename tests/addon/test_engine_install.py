"""Installing the engine: a real environment with a real pip, from a folder, in small."""

import json
import os
import sys
import time
from pathlib import Path

import pytest

from soliloquy.addon import engine_install, paths
from soliloquy.addon.engine_client import (INSTALLED_MARK, PYTHON_VARIABLE, Progress, TimeLeft, find_engine,
                                           made_for_another_version)
from soliloquy.addon.errors import AddonError, EngineMissing

BOOTSTRAP = "import sys, os, pathlib; pathlib.Path(os.environ['SOLILOQUY_MODELS']).mkdir(); print('models', sys.argv[1:])"


@pytest.fixture
def place(monkeypatch, tmp_path) -> Path:
    """An empty extension folder, requirements and a bootstrap that only says what it was asked."""
    monkeypatch.delenv(PYTHON_VARIABLE, raising=False)
    monkeypatch.setattr(paths, "user_folder", lambda: tmp_path / "user")
    for name, text in (("REQUIREMENTS", ""), ("BOOTSTRAP", BOOTSTRAP)):
        file = tmp_path / f"{name.lower()}.txt"
        file.write_text(text)
        monkeypatch.setattr(paths, name, file)
    (tmp_path / "wheels").mkdir()
    return tmp_path


def test_installs_from_a_folder_and_is_then_found(place):
    stages = finish(engine_install.InstallJob(base_python=sys.executable, wheels=place / "wheels"))
    assert [stage.partition(":")[0] for stage in dict.fromkeys(stages)][0] == "environment" and stages[-1].startswith("done")
    engine = find_engine()
    assert engine.origin == "installed" and os.access(engine.python, os.X_OK)
    assert engine.environment() == {"SOLILOQUY_MODELS": str(place / "user" / "engine" / "models")}
    engine_install.remove_engine()
    with pytest.raises(EngineMissing):
        find_engine()


def test_failure_names_the_step_and_leaves_nothing(place):
    paths.REQUIREMENTS.write_text("no-such-package-of-ours==1.0\n")
    job = engine_install.InstallJob(base_python=sys.executable, wheels=place / "wheels")
    with pytest.raises(AddonError, match="packages.*no-such-package-of-ours") as caught:
        finish(job)
    job.end()
    assert "\n" not in str(caught.value) and caught.value.details
    assert not (place / "user" / "engine").exists()


def test_stopping_leaves_nothing(place):
    job = engine_install.InstallJob(base_python=sys.executable, wheels=place / "wheels")
    job.poll(wait_s=0.2)
    job.end()
    assert not (place / "user" / "engine" / INSTALLED_MARK).exists() and not (place / "user" / "engine").exists()


def test_python_that_does_not_start_is_said_so(place):
    with pytest.raises(AddonError, match="does not start"):
        engine_install.InstallJob(base_python=str(place / "nothing"))


def test_the_network_is_asked_only_without_a_folder(place):
    home = place / "user" / "engine"
    steps = (engine_install.install_steps(home, base_python="python", wheels=wheels) for wheels in (place / "wheels", None))
    offline, online = ([" ".join(step.command) for step in few] for few in steps)
    assert "--no-index" in offline[1] and "--fetch" not in offline[2]
    assert "--no-index" not in online[1] and "--fetch" in online[2]


PIP_SAYS = """Collecting ada==1.0
  Downloading ada-1.0-py3-none-any.whl.metadata (6.1 kB)
Downloading ada-1.0-py3-none-any.whl (1.5 MB)
Using cached bea-2-cp311-manylinux.whl (500 kB)
Processing /some/where else/cy-3.tar.gz
Installing collected packages: ada, bea, cy"""


def test_progress_tells_how_many_packages_and_how_much(tmp_path):
    """What pip says of metadata is not counted; unpacking is a stage of its own, seen in the environment."""
    count = engine_install.PackageCount("# a remark\nada==1.0\nbea==2; python_version > '3'\ncy==3\n\n")
    said = []
    for line in PIP_SAYS.splitlines():
        count.hear(line)
        said.append(count.progress(tmp_path))
    assert [(report.stage, report.done, report.total) for report in said] == [
        ("packages", 0, 3), ("packages", 0, 3), ("packages: 2 MB", 1, 3), ("packages: 2 MB", 2, 3), ("packages: 2 MB", 3, 3),
        ("unpacking packages", 0, 3)]
    (tmp_path / "lib" / "python3.11" / "site-packages" / "ada-1.0.dist-info").mkdir(parents=True)
    assert count.progress(tmp_path).done == 1


def test_time_left_is_told_although_the_remark_changes(monkeypatch):
    clock = iter([0.0, 10.0, 20.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    left = TimeLeft()
    assert [left.update(Progress(f"packages: {done} MB", done, 4)) for done in (0, 1, 2)] == [None, 30.0, 20.0]


def test_an_engine_of_another_version_is_told_apart(place):
    home = place / "user" / "engine"
    home.mkdir(parents=True)
    (home / INSTALLED_MARK).write_text(json.dumps({"requirements": paths.REQUIREMENTS.read_text()}))
    assert not made_for_another_version(find_engine())
    paths.REQUIREMENTS.write_text("# newer\n")
    assert made_for_another_version(find_engine())


def finish(job: engine_install.InstallJob) -> list[str]:
    stages, deadline = [], time.monotonic() + 120
    while job.result is None:
        assert time.monotonic() < deadline, job.log
        stages += [report.stage for report in job.poll(wait_s=0.1)]
    job.end()
    return stages
