"""Versions of what decides the result, without importing any of it."""

from __future__ import annotations

import platform
from importlib import metadata

from . import __version__

REPORTED_PACKAGES = ("torch", "numpy", "mediapipe", "opencv-contrib-python", "librosa", "numba", "pocketsphinx", "imageio-ffmpeg")


def versions() -> dict[str, str]:
    """By name: ours, Python's, the system's and the libraries' ("not installed" where one is missing)."""
    found = {"soliloquy": __version__, "python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for name in REPORTED_PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found
