"""A real Blender with its real window, on a virtual screen of its own (Xvfb), and pictures of that screen.

SOLILOQUY_BLENDER is Blender's executable; SOLILOQUY_XVFB the command that starts Xvfb, when it is neither on PATH nor beside Blender.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np

XVFB_VARIABLE = "SOLILOQUY_XVFB"
SIZE = (1400, 900)
STARTS_WITHIN_S = 30
HEADER = struct.Struct(">25I")
"""Of an XWD file (X11/XWDFile.h), big-endian."""


USUAL_PLACES = "/usr/bin", "/usr/local/bin", "/usr/lib/xorg", "/opt/X11/bin"


def xvfb_command() -> list[str]:
    """The command that starts Xvfb; empty when there is none."""
    named = os.environ.get(XVFB_VARIABLE, "")
    if named:
        return shlex.split(named)
    beside_blender = Path(os.environ.get("SOLILOQUY_BLENDER", "")).resolve().parent
    found = shutil.which("Xvfb") or shutil.which("Xvfb", path=os.pathsep.join((str(beside_blender), *USUAL_PLACES)))
    return [found] if found else []


def why_no_window() -> str:
    """Why no window can be opened here, "" when one can."""
    if not os.environ.get("SOLILOQUY_BLENDER"):
        return "set SOLILOQUY_BLENDER to the executable of a real Blender 4.3 or later"
    return "" if xvfb_command() else f"install Xvfb, or say in {XVFB_VARIABLE} how to start it"


@contextlib.contextmanager
def virtual_screen(folder: Path, size: tuple[int, int] = SIZE) -> Iterator[dict[str, str]]:
    """Yields the environment variables of a program that shall appear there; the screen's memory lies in `folder`."""
    reading, writing = os.pipe()
    command = [*xvfb_command(), "-displayfd", str(writing), "-screen", "0", f"{size[0]}x{size[1]}x24", "-fbdir", str(folder),
               "-nolisten", "tcp"]
    with open(folder / "xvfb.log", "wb") as log:
        server = subprocess.Popen(command, pass_fds=(writing,), stdout=log, stderr=log)
    os.close(writing)
    try:
        with os.fdopen(reading) as answer:
            number = answer.readline().strip()
        if not number:
            raise RuntimeError(f"Xvfb did not start: {(folder / 'xvfb.log').read_text()}")
        yield {"DISPLAY": f":{number}", "SHOT_SCREEN": str(folder / "Xvfb_screen0")}
    finally:
        server.terminate()
        server.wait(STARTS_WITHIN_S)


def run_in_window(script: Path, folder: Path, resources: Path, *arguments: str | Path, size: tuple[int, int] = SIZE,
                  timeout_s: float = 1800) -> subprocess.CompletedProcess:
    """Run Blender with the extension and `script` (see `steps`) in a window as large as the screen, until it quits."""
    folder.mkdir(parents=True, exist_ok=True)
    with virtual_screen(folder, size) as screen:
        command = [os.environ["SOLILOQUY_BLENDER"], "--factory-startup", "--window-geometry", "0", "0", *map(str, size),
                   "--enable-event-simulate", "--addons", "bl_ext.user_default.soliloquy", "-P", str(script), "--",
                   str(folder), *map(str, arguments)]
        environment = {**os.environ, **screen, "BLENDER_USER_RESOURCES": str(resources)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False)


def screen_picture(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB of an XWD file with 32 bits a pixel, as Xvfb keeps its screen."""
    data = path.read_bytes()
    header = HEADER.unpack_from(data)
    header_size, width, height, order, bits, stride, colours = (header[index] for index in (0, 4, 5, 7, 11, 12, 19))
    if bits != 32:
        raise ValueError(f"{path} has {bits} bits a pixel")
    start = header_size + colours * 12
    rows = np.frombuffer(data, np.uint8, stride * height, start).reshape(height, stride)[:, :4 * width]
    rows = rows.reshape(height, width, 4)
    return rows[..., 2::-1].copy() if order == 0 else rows[..., 1:].copy()
