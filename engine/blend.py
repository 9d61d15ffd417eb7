"""A .blend of a finished folder, made by a Python that has `bpy`, in a process of its own: the engine never imports it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from .errors import InputError, OutputError

PYTHON_VARIABLE = "SOLILOQUY_BLENDER_PYTHON"
"""Environment variable that names a Python with `bpy` and this package, when the engine's own has no `bpy`."""


def blender_python() -> str:
    """The Python to run Blender's part with. Raises InputError when there is none."""
    chosen = os.environ.get(PYTHON_VARIABLE)
    if chosen:
        return chosen
    if importlib.util.find_spec("bpy") is None:
        raise InputError("A .blend needs Blender as a Python module, which is not installed here. Install bpy (pip install bpy), or set "
                         f"{PYTHON_VARIABLE} to a Python that has it.")
    return sys.executable


def make_blend(folder: Path, blend: Path) -> Path:
    """Write `blend` from what `animate` left in `folder`. Raises InputError, OutputError with the child's last line."""
    command = [blender_python(), "-m", "soliloquy.addon.scene.assemble", str(folder), "--blend", str(blend)]
    result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if result.returncode != 0 or not blend.is_file():
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise OutputError(f"{blend} was not made: {reason}")
    return blend
