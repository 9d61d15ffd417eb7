"""A .blend of a finished folder, made by a Python that has `bpy`, in a process of its own: the engine never imports it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .errors import InputError, OutputError
from .progress import Progress, silent

PYTHON_VARIABLE = "SOLILOQUY_BLENDER_PYTHON"
"""Environment variable that names a Python with `bpy` and this package, when the engine's own has no `bpy`."""

LONGEST_S = 1800.0
"""A rig of an hour's performance takes a few minutes; what takes longer hangs."""
LOOK_S = 0.2


def blender_python() -> str:
    """The Python to run Blender's part with. Raises InputError when there is none."""
    chosen = os.environ.get(PYTHON_VARIABLE)
    if chosen:
        return chosen
    if importlib.util.find_spec("bpy") is None:
        raise InputError("A .blend needs Blender as a Python module, which is not installed here. Install bpy (pip install bpy), or set "
                         f"{PYTHON_VARIABLE} to a Python that has it.")
    return sys.executable


def make_blend(folder: Path, blend: Path, *, progress: Progress = silent, longest_s: float = LONGEST_S) -> Path:
    """Write `blend` from what `animate` left in `folder`. `progress` is asked several times a second and may stop it.

    Raises InputError, OutputError with the child's last line, or when it takes longer than `longest_s`.
    """
    command = [blender_python(), "-m", "soliloquy.addon.scene.assemble", str(folder), "--blend", str(blend)]
    started_s = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        try:
            while process.poll() is None:
                progress("blend", 0, 0)
                if time.monotonic() - started_s > longest_s:
                    raise OutputError(f"{blend} was not made: Blender's Python did not finish within {longest_s:.0f} s.")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(LOOK_S)
        finally:
            _end(process, blend)
        log.seek(0)
        said = log.read().decode("utf-8", "replace").strip().splitlines()
    if process.returncode != 0 or not blend.is_file():
        raise OutputError(f"{blend} was not made: {(said or ['no reason given'])[-1]}")
    return blend


def _end(process: subprocess.Popen, blend: Path) -> None:
    """See that the child is gone, and what it had half written too."""
    if process.poll() is None:
        process.kill()
        process.wait()
        blend.with_name(f".{blend.stem}.part.blend").unlink(missing_ok=True)
