"""What is installed, where things are kept, under which licences: the answer to "why does it not work here?"."""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from .cache import cache_folder, cache_usage
from .console import log_path
from .models import MODELS, missing_models, models_folder
from .provenance.keys import keys_folder
from .provenance.policy import policy_path
from .versions import versions


@dataclass(frozen=True)
class Findings:
    """What `soliloquy doctor` found."""

    versions: dict[str, str]
    ffmpeg: str
    blender_module: bool
    cores: int
    folders: dict[str, str]
    cache_bytes: int
    free_bytes: int
    models: list[dict]
    missing_models: list[str]

    def as_json(self) -> dict:
        """Plain JSON values."""
        return dict(vars(self))

    def text(self) -> str:
        """For people."""
        lines = [f"{name:<24} {version}" for name, version in self.versions.items()]
        lines += [f"{'ffmpeg':<24} {self.ffmpeg}", f"{'Blender module (bpy)':<24} {'yes' if self.blender_module else 'no'}",
                  f"{'processor cores':<24} {self.cores}"]
        lines += [f"{name:<24} {folder}" for name, folder in self.folders.items()]
        lines += [f"{'cache uses':<24} {self.cache_bytes / 1e6:.0f} MB; {self.free_bytes / 1e9:.1f} GB free on its disk", "", "Models"]
        for model in self.models:
            lines.append(f"  {'ok     ' if model['installed'] else 'MISSING'} {model['name']}: {model['purpose']}; "
                         f"{model['made_by']}; {model['licence']}; from {model['wheel']}")
        return "\n".join(lines)


def examine() -> Findings:
    """Look at this installation; changes nothing."""
    missing = [model.name for model in missing_models()]
    try:
        ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        ffmpeg = f"MISSING: {error}"
    folders = {"models": str(models_folder()), "cache": str(cache_folder()), "log": str(log_path()),
               "signing key": str(keys_folder()), "policy": str(policy_path()) if policy_path().is_file() else "none"}
    models = [{"name": model.name, "purpose": model.purpose, "made_by": model.made_by, "licence": model.licence,
               "wheel": model.wheel, "sha256": model.sha256, "installed": model.name not in missing} for model in MODELS.values()]
    return Findings(versions(), ffmpeg, importlib.util.find_spec("bpy") is not None, os.cpu_count() or 1, folders,
                    cache_usage()[1], shutil.disk_usage(_existing(cache_folder())).free, models, missing)


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
