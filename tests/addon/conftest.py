"""A fresh file for every test, and something to build scenes from."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

pytest.importorskip("bpy", reason="the add-on's tests need the bpy wheel (python3 dev.py installs it)")

import addon_samples  # noqa: E402
import bpy  # noqa: E402


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
