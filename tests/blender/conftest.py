"""A real Blender with the extension installed, its own settings folder, and something to bring in."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "addon"), str(ROOT / "tests" / "blender")]

EXECUTABLE = os.environ.get("SOLILOQUY_BLENDER", "")
TIMEOUT_S = 300


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.blender)


class Blender:
    """Runs the executable with settings of its own."""

    def __init__(self, resources: Path) -> None:
        self.resources = resources
        self._environment = {**os.environ, "BLENDER_USER_RESOURCES": str(resources)}

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess:
        return subprocess.run([EXECUTABLE, *map(str, arguments)], env=self._environment, capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False)

    def script(self, name: str, *arguments: str | Path, blend: Path | None = None) -> subprocess.CompletedProcess:
        """Run a script beside this file in background mode; an exception in it gives exit status 9."""
        opened = [str(blend)] if blend else ["--factory-startup"]
        enabled = ["--addons", "bl_ext.user_default.soliloquy"]
        script = Path(__file__).with_name(name)
        return self.run("-b", *opened, *enabled, "--python-exit-code", "9", "-P", script, "--", *arguments)


@pytest.fixture(scope="session")
def bare_blender(tmp_path_factory) -> Blender:
    """Blender without the extension."""
    if not EXECUTABLE:
        pytest.skip("set SOLILOQUY_BLENDER to the executable of a real Blender 4.3 or later to run this test")
    return Blender(tmp_path_factory.mktemp("resources"))


@pytest.fixture(scope="session")
def extension_zip(bare_blender, tmp_path_factory) -> Path:
    """The extension as Blender itself builds it."""
    folder = tmp_path_factory.mktemp("zip")
    built = bare_blender.run("--command", "extension", "build", "--source-dir", ROOT, "--output-dir", folder)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("soliloquy-*.zip"))


@pytest.fixture(scope="session")
def blender(bare_blender, extension_zip) -> Blender:
    """Blender with the extension installed and enabled."""
    done = bare_blender.run("--command", "extension", "install-file", "--repo", "user_default", "--enable", extension_zip)
    assert done.returncode == 0, done.stdout + done.stderr
    return bare_blender


@pytest.fixture
def folder(tmp_path) -> Path:
    """An output folder of `animate`: 48 frames at 24000/1001."""
    import addon_samples

    return addon_samples.make_folder(tmp_path / "performance", 48, Fraction(24000, 1001))
