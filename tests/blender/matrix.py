"""The table of what works in which Blender: every cell is a run of its own, with a limit of time.

    python3 dev.py blender-matrix                                    the module bpy of .venv
    python3 dev.py blender-matrix /opt/blender-5.2/blender ...       and these programs
    python3 dev.py blender-matrix --module 5.0.1 --module 5.2.3      and these modules, each in an environment in out/matrix/

SOLILOQUY_BLENDERS may name programs, too, with the system's separator of paths. The window is opened on DISPLAY or, without one,
on a screen of its own: SOLILOQUY_XVFB is the command for that, when Xvfb is not where `window` looks.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CELL = Path(__file__).with_name("matrix_cell.py")
MODULES = ROOT / "out" / "matrix"
sys.path[:0] = [str(ROOT / "tests" / "addon"), str(ROOT / "tests" / "blender")]

from window import xvfb_command  # noqa: E402

COLUMNS = {"register": "on and off", "animate": "animate", "keyframes": "keyframes", "strips": "strips", "save": "save, reopen",
           "export": "export", "window": "window"}
LIMIT_S = {"animate": 900.0, "window": 180.0}
USUAL_LIMIT_S = 240.0
PYTHON_OF = ((5, 1), "3.13"), ((4, 1), "3.11")
"""First version of Blender -> the Python its module is built for, newest first."""


@dataclass
class Blender:
    """One to try. command: what starts it; why_not: "" when it can be had."""

    name: str
    command: list[str] = field(default_factory=list)
    is_module: bool = False
    why_not: str = ""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="dev.py blender-matrix", description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs="*", help="Blender programs")
    parser.add_argument("--module", action="append", default=[], metavar="VERSION", help="also the module bpy of this version")
    parser.add_argument("--only", action="append", choices=COLUMNS, help="only this column; repeatable")
    options = parser.parse_args(arguments)
    programs = [*options.programs, *filter(None, os.environ.get("SOLILOQUY_BLENDERS", "").split(os.pathsep))]
    blenders = [Blender("module bpy", [sys.executable], True), *map(module, options.module), *map(program, programs)]
    with tempfile.TemporaryDirectory(prefix="soliloquy-matrix-") as folder:
        prepare(Path(folder))
        rows = [row(blender, options.only or list(COLUMNS), Path(folder)) for blender in blenders]
    print(table(rows, options.only or list(COLUMNS)))
    return int(any(cell.startswith("FAILED") for _, cells in rows for cell in cells))


def prepare(folder: Path) -> None:
    """A performance to bring in, a picture and a voice to animate."""
    import addon_samples
    from PIL import Image
    from skimage import data

    from soliloquy.engine.audio.say import say

    addon_samples.make_folder(folder / "performance", 48, Fraction(24))
    Image.fromarray(data.astronaut()[:256, 96:352]).save(folder / "face.png")
    say("Hello.", folder / "voice.wav")


def program(path: str) -> Blender:
    """A Blender on this machine."""
    if not Path(path).is_file():
        return Blender(path, why_not="not there")
    return Blender(path, [path])


def module(version: str) -> Blender:
    """The module bpy `version` in an environment of its own, made when it is missing."""
    name, home = f"module bpy {version}", MODULES / f"bpy-{version}"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if python.is_file():
        return Blender(name, [str(python)], True)
    wanted = next((python_version for first, python_version in PYTHON_OF
                   if tuple(map(int, version.split(".")[:2])) >= first), "")
    base = shutil.which(f"python{wanted}")
    if base is None:
        return Blender(name, why_not=f"needs Python {wanted}, which is not on PATH")
    done = subprocess.run([base, "-m", "venv", str(home)], capture_output=True, text=True)
    if done.returncode == 0:
        done = subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"bpy=={version}"],
                              capture_output=True, text=True)
    if done.returncode:
        shutil.rmtree(home, ignore_errors=True)
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["not installable"]
        return Blender(name, why_not=next((line for line in lines if line.startswith("ERROR")), lines[0])[:80])
    return Blender(name, [str(python)], True)


def row(blender: Blender, columns: list[str], folder: Path) -> tuple[str, list[str]]:
    """(name with versions, cells) of one Blender."""
    if blender.why_not:
        return blender.name, [f"n/a: {blender.why_not}"] * len(columns)
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(folder / f"settings-{abs(hash(blender.name))}"),
                   "SOLILOQUY_PYTHON": os.environ.get("SOLILOQUY_PYTHON", sys.executable)}
    if not blender.is_module and (problem := install(blender, environment, folder)):
        return blender.name, [f"FAILED: {problem}"] * len(columns)
    name, cells = blender.name, []
    for column in columns:
        answer = cell(blender, column, environment, folder)
        cells.append(("" if answer["ok"] else "n/a: " if answer["ok"] is None else "FAILED: ") + answer["text"])
        if "blender" in answer:
            name = f"{'module bpy' if blender.is_module else 'Blender'} {answer['blender']}, Python {answer['python']}"
        print(f"{name}: {COLUMNS[column]}: {cells[-1]}", file=sys.stderr, flush=True)
    return name, cells


def install(blender: Blender, environment: dict[str, str], folder: Path) -> str:
    """Build the extension with this Blender and install it; returns what went wrong, "" when nothing did."""
    built = folder / f"zip-{abs(hash(blender.name))}"
    built.mkdir()
    for arguments in (["build", "--source-dir", str(ROOT), "--output-dir", str(built)], ["install-file", "--repo", "user_default", "--enable"]):
        archive = [str(next(built.glob("*.zip")))] if arguments[0] == "install-file" else []
        try:
            done = subprocess.run([*blender.command, "--command", "extension", *arguments, *archive], env=environment,
                                  capture_output=True, text=True, timeout=USUAL_LIMIT_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{arguments[0]}: {error}"
        if done.returncode:
            return f"{arguments[0]}: {(done.stderr + done.stdout).strip().splitlines()[-1]}"
    return ""


def cell(blender: Blender, column: str, environment: dict[str, str], folder: Path) -> dict:
    """What came of one cell: {"ok": True, False or None (not to be had), "text": ...}."""
    if column == "window" and blender.is_module:
        return {"ok": None, "text": "a module has no window"}
    answer = folder / "answer.json"
    answer.unlink(missing_ok=True)
    with contextlib.ExitStack() as stack:
        if column == "window":
            screen = stack.enter_context(display())
            if not screen:
                return {"ok": None, "text": "no display, no Xvfb"}
            environment = {**environment, "DISPLAY": screen}
        command = [*blender.command, *([] if blender.is_module else blender_options(column)), str(CELL), "--", column, str(folder), str(answer)]
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder,
                                  timeout=LIMIT_S.get(column, USUAL_LIMIT_S))
        except subprocess.TimeoutExpired:
            return {"ok": False, "text": f"not done after {LIMIT_S.get(column, USUAL_LIMIT_S):.0f} s"}
    if not answer.is_file():
        return {"ok": False, "text": f"no answer: {(done.stderr.strip().splitlines() or ['?'])[-1][:100]}"}
    return json.loads(answer.read_text(encoding="utf-8"))


def blender_options(column: str) -> list[str]:
    opened = ["--factory-startup", "--addons", "bl_ext.user_default.soliloquy"]
    return [*([] if column == "window" else ["-b"]), *opened, "-P"]


@contextlib.contextmanager
def display() -> Iterator[str]:
    """A screen to open the window on: the one there is, else one of our own; "" when none can be had."""
    if os.environ.get("DISPLAY"):
        yield os.environ["DISPLAY"]
        return
    command = xvfb_command()
    if not command:
        yield ""
        return
    reading, writing = os.pipe()
    screen = subprocess.Popen([*command, "-displayfd", str(writing), "-screen", "0", "1600x1200x24", "-nolisten", "tcp"],
                              pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        yield f":{number}" if number else ""
    finally:
        screen.terminate()
        screen.wait(10)


def table(rows: list[tuple[str, list[str]]], columns: list[str]) -> str:
    """Markdown."""
    lines = [["", *(COLUMNS[column] for column in columns)], ["---"] * (len(columns) + 1), *([name, *cells] for name, cells in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
