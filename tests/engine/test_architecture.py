"""The house plan, checked: who may import whom, and that the package is complete."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINE_FILES = sorted((ROOT / "engine").rglob("*.py"))
ADDON_FILES = sorted((ROOT / "addon").rglob("*.py"))
COMMON_FILES = sorted((ROOT / "common").rglob("*.py"))
HEAVY = {"torch", "mediapipe", "librosa", "cv2", "numba", "scipy", "PIL", "soundfile", "pocketsphinx", "c2pa", "cryptography"}
LONGEST_FILE_LINES = 450


def imported_modules(path: Path) -> set[str]:
    """Full dotted names of everything `path` imports, relative imports resolved within the package."""
    here = ("soliloquy", *path.relative_to(ROOT).with_suffix("").parts)
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[:-node.level] if node.level else ()) + ("." if node.level and node.module else "") + (node.module or "")
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


def test_the_engine_imports_without_bpy():
    modules = [".".join(("soliloquy", *path.relative_to(ROOT).with_suffix("").parts)) for path in ENGINE_FILES]
    code = ("import sys, importlib\nsys.modules['bpy'] = None\n"
            f"for name in {[name.removesuffix('.__init__') for name in modules]!r}: importlib.import_module(name)")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("path", ENGINE_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_engine_file_names_bpy_or_the_addon(path):
    assert not [name for name in imported_modules(path) if name.split(".")[0] in ("bpy", "mathutils") or name.startswith("soliloquy.addon")]


@pytest.mark.parametrize("path", ADDON_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_addon_file_imports_the_engine_or_its_libraries(path):
    names = imported_modules(path)
    assert not {name.split(".")[0] for name in names} & HEAVY
    assert not [name for name in names if name.startswith("soliloquy.engine")]


@pytest.mark.parametrize("path", COMMON_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_both_sides_share_leans_on_neither(path):
    names = imported_modules(path)
    assert {name.split(".")[0] for name in names} <= {*sys.stdlib_module_names, "numpy", "soliloquy"}
    assert not [name for name in names if name.startswith(("soliloquy.engine", "soliloquy.addon"))]


def rooms_share_only_the_clip(room: str, other: str) -> list[str]:
    allowed = f"soliloquy.engine.{other}.clip"
    return [f"{path.name}: {name}" for path in ENGINE_FILES if path.parent.name == room for name in imported_modules(path)
            if name.startswith(f"soliloquy.engine.{other}") and not name.startswith(allowed)
            and name not in (f"soliloquy.engine.{other}",)]


def test_render_and_motion_share_only_the_clip():
    assert rooms_share_only_the_clip("render", "motion") == []
    assert rooms_share_only_the_clip("motion", "render") == []


@pytest.mark.parametrize("path", ENGINE_FILES + ADDON_FILES + COMMON_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_readable(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE_LINES


def test_the_distribution_lists_every_package():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {".".join(("soliloquy", *path.parent.relative_to(ROOT).parts)) for path in [*ENGINE_FILES, *ADDON_FILES, *COMMON_FILES]
             if path.name == "__init__.py"} | {"soliloquy"}
    assert listed == found


def test_everything_required_is_pinned():
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {line.split("==")[0].lower() for line in (ROOT / "requirements.txt").read_text().splitlines()
              if line and not line.startswith("#") and "==" in line}
    for requirement in wanted["dependencies"]:
        name = requirement.split("=")[0].split("<")[0].split(">")[0].strip().lower()
        assert name in pinned, name
    loose = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and line[0] not in "#-" and "==" not in line]
    assert loose == []


def test_help_does_not_load_the_heavy_libraries():
    code = ("import sys\nfrom soliloquy.engine import cli\n"
            f"sys.exit(','.join(sorted({HEAVY!r} & set(sys.modules))) or 0)")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
