"""Development commands, standard library only: `python3 dev.py demo`, `python3 dev.py test`.

Makes the environment `.venv` from the pinned requirements when it is missing or out of date, then runs the command in it.
Needs Python 3.11 or newer and the package registry once; neither Blender nor ffmpeg has to be installed.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = ENVIRONMENT / "soliloquy-environment"
DECIDING_FILES = ("requirements.txt", "requirements-dev.txt", "pyproject.toml")
BLENDER_PYTHON = (3, 11)


def main() -> int:
    """Run the chosen command; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog="Everything lands in .venv/ and out/.")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="a line of text and a public-domain photograph become out/demo/")
    demo.add_argument("folder", nargs="?", default="out/demo")
    commands.add_parser("test", help="run every default test; further arguments go to pytest (-m slow, -k name, ...)", add_help=False)
    commands.add_parser("blender-matrix", help="what works in which Blender, as a table (--help says more)", add_help=False)
    commands.add_parser("blender-bench", help="how fast the Blender side is (--help says more)", add_help=False)
    commands.add_parser("blender-shots", help="the manual's pictures of Blender, from its real window (--help says more)", add_help=False)
    commands.add_parser("environment", help="only make .venv and get the models")
    options, further = parser.parse_known_args()
    scripts = {"blender-matrix": "matrix", "blender-bench": "bench", "blender-shots": "shots"}
    if further and options.command not in ("test", *scripts):
        parser.error(f"unknown argument {further[0]}")
    prepare()
    if options.command == "demo":
        return run(["-m", "soliloquy.engine.demo", options.folder])
    if options.command == "test":
        return run(["-m", "pytest", *further])
    if options.command in scripts:
        return run([f"tests/blender/{scripts[options.command]}.py", *further])
    return 0


def prepare() -> None:
    """Make or renew the environment, unless the files that decide what is in it are those it was made from."""
    if sys.version_info[:2] != BLENDER_PYTHON:
        sys.exit(f"dev.py needs Python 3.11, the Python of Blender 4.5's module bpy; this is {sys.version.split()[0]}.")
    wanted = fingerprint()
    if STAMP.is_file() and STAMP.read_text() == wanted and PYTHON.exists():
        return
    print("Preparing .venv (a few minutes the first time) ...", flush=True)
    if not PYTHON.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    STAMP.unlink(missing_ok=True)
    pip = ["-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    for arguments in (["-r", "requirements-dev.txt"], ["--no-deps", "--no-build-isolation", "--editable", "."]):
        if status := run([*pip, *arguments]):
            sys.exit(status)
    if status := run(["-I", "engine/bootstrap.py", "doctor", "--fetch"]):
        sys.exit(status)
    STAMP.write_text(wanted)


def fingerprint() -> str:
    """Changes whenever what should be in the environment does."""
    digest = hashlib.sha256(sys.version.encode())
    for name in DECIDING_FILES:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def run(arguments: list[str]) -> int:
    """Run the environment's Python in the repository root."""
    return subprocess.run([str(PYTHON), *arguments], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
