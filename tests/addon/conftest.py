"""A fresh file for every test, and something to build scenes from."""

from __future__ import annotations

import atexit
import os
import sys
from fractions import Fraction
from pathlib import Path

import pytest

pytest.importorskip("bpy", reason="the add-on's tests need the bpy wheel (python3 dev.py installs it)")

import addon_samples  # noqa: E402
import bpy  # noqa: E402

_exit_status: list[int] = []


def pytest_sessionfinish(exitstatus: int) -> None:
    _exit_status.append(int(exitstatus))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """End here: the bpy wheel (seen in 4.5.15) can wait for its own audio thread for ever when the interpreter ends."""
    if _exit_status:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_exit_status[-1])


@pytest.fixture(autouse=True)
def fresh_file():
    """Every test starts in an empty file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    yield


@pytest.fixture(scope="session")
def portrait():
    return addon_samples.make_portrait()


@pytest.fixture(scope="session")
def portrait_file(portrait, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("portrait") / "ada.portrait"
    portrait.save(path)
    return path


@pytest.fixture
def make_folder(tmp_path):
    """make_folder(frames, fps) -> an output folder of `animate` in tmp_path / "performance"."""
    def make(frames: int = 30, fps: Fraction = Fraction(25), *, pictures: bool = True) -> Path:
        return addon_samples.make_folder(tmp_path / "performance", frames, fps, pictures=pictures)
    return make
