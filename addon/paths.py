"""Where things are: this package, its engine files, and the folder Blender gives the extension for its own data."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

PACKAGE = __package__.rpartition(".")[0]
"""Name of the root package: `bl_ext.<repository>.soliloquy` in Blender, `soliloquy` from plain Python."""

PACKAGE_FOLDER = Path(__file__).resolve().parent.parent
BOOTSTRAP = PACKAGE_FOLDER / "engine" / "bootstrap.py"
REQUIREMENTS = PACKAGE_FOLDER / "requirements.txt"
DIRECTIONS = PACKAGE_FOLDER / "presets" / "directions"


def user_folder() -> Path | None:
    """The extension's own writable folder; None when this package does not run as an extension."""
    try:
        return Path(bpy.utils.extension_path_user(PACKAGE))
    except ValueError:
        return None


def engine_folder() -> Path | None:
    """Home of the engine's own environment, whether it is installed or not."""
    home = user_folder()
    return home / "engine" if home else None


def venv_python(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def from_blender(path: str) -> Path:
    """A path as Blender's fields hold it ("//" means: beside the .blend) made absolute."""
    return Path(bpy.path.abspath(path)).absolute()
