"""Credentials in a real Blender, without a window: a scene's final is rendered, sealed, and told apart from a changed
one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.provenance.consent import Rights
from soliloquy.engine.provenance.policy import Policy
from soliloquy.engine.provenance.seal import Seal
from soliloquy.engine.provenance.verify import INTACT, verify

SMALL = """
import bpy
scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 96, 64, 100
scene.frame_start, scene.frame_end = 1, 3
bpy.ops.wm.save_mainfile()
"""


@pytest.fixture
def scene(blender, folder, tmp_path, monkeypatch) -> Path:
    """A .blend whose strips show frames that the engine sealed."""
    if not os.environ.get("SOLILOQUY_PYTHON"):
        pytest.skip("set SOLILOQUY_PYTHON to a Python with the engine's packages that this Blender can start")
    monkeypatch.setenv("SOLILOQUY_KEYS", str(tmp_path / "keys"))
    monkeypatch.setitem(blender._environment, "SOLILOQUY_KEYS", str(tmp_path / "keys"))
    shutil.rmtree(folder / "frames")
    seal = Seal(
        Policy(),
        Rights("consent", "release 12", subject="Ada").stated(),
        clip=MotionClip.neutral(48),
        inputs={"portrait": "ab" * 32},
        sources={},
    )
    with seal.png_sink(folder / "frames") as sink:
        for number in range(48):
            sink.write(seal.mark(np.full((64, 96, 3), 60 + number, np.uint8)))
    blend, script = tmp_path / "scene.blend", tmp_path / "small.py"
    script.write_text(SMALL)
    enabled = ["--addons", "bl_ext.user_default.soliloquy"]
    made = blender.run("-b", "--factory-startup", *enabled, "-c", "soliloquy", "import", folder, "--blend", blend)
    assert made.returncode == 0, made.stdout + made.stderr
    assert blender.run("-b", blend, *enabled, "--python-exit-code", "9", "-P", script).returncode == 0
    return blend


def command(blender, scene: Path, *arguments: str | Path):
    return blender.run("-b", scene, "--addons", "bl_ext.user_default.soliloquy", "-c", "soliloquy", *arguments)


def test_final_is_rendered_sealed_and_verified(blender, scene, tmp_path):
    done = command(blender, scene, "final", "-o", f"{tmp_path / 'shots'}/")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "credentials of performance" in done.stdout
    (finding,) = verify(tmp_path / "shots")
    assert finding.status == INTACT and len(finding.credentials.frames) == 3, finding.text()
    assert finding.credentials.claimed["portraits"][0]["rights"]["subject"] == "Ada"
    (tmp_path / "shots" / "0002.png").unlink()
    looked = command(blender, scene, "verify", tmp_path / "shots")
    assert looked.returncode == 1 and "1 of 3 frames missing" in looked.stdout


def test_still_is_sealed_as_it_was_rendered(blender, scene, tmp_path):
    still = tmp_path / "still.png"
    missing = command(blender, scene, "final", "--still", "--rendered", "-o", still)
    assert missing.returncode == 2 and "Render the scene first" in missing.stderr
    assert command(blender, scene, "final", "--still", "-o", still).returncode == 0
    assert verify(still)[0].status == INTACT
