"""The extension in a real Blender, without a window: builds, installs, works, saves, reopens."""

import json
import os
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from addon_samples import make_portrait

from soliloquy.common.channels import RIG_CHANNELS
from soliloquy.engine.motion.clip import MotionClip


def test_zip_is_valid_and_holds_what_the_engine_needs(bare_blender, extension_zip):
    checked = bare_blender.run("--command", "extension", "validate", extension_zip)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    names = set(zipfile.ZipFile(extension_zip).namelist())
    assert {"__init__.py", "blender_manifest.toml", "LICENSE", "requirements.txt", "engine/bootstrap.py", "engine/worker.py",
            "engine/assets/head.npz", "presets/directions/neutral.toml", "addon/panels.py"} <= names
    assert not [name for name in names if name.startswith(("tests/", "docs/", ".", "out/", "engine/training/"))
                or name.endswith((".pyc", ".blend"))]


def test_performance_lands_is_saved_and_found_again(blender, folder, tmp_path):
    made = blender.run("-b", "--factory-startup", "--addons", "bl_ext.user_default.soliloquy", "-c", "soliloquy", "import",
                       folder, "--blend", tmp_path / "scene.blend")
    assert made.returncode == 0, made.stdout + made.stderr
    found = look_at(blender, tmp_path / "scene.blend")
    assert found["fps"] == [24, 1.0], "the open scene's rate is respected"
    assert found["keys"] == {f'key_blocks["{name}"].value[0]': 48 for name in RIG_CHANNELS}
    assert found["bone_curves"] == 10 and found["first_key_frame"] == 1.0
    assert {"Blinks", "Brows", "Gaze", "Head", "Jaw", "Lips"} <= set(found["groups"])
    assert found["strips"] == {"IMAGE": [1, 49], "SOUND": [1, 49]} and found["sound_found"]
    at_frame_10 = np.interp(9 / 24 * 24000 / 1001, np.arange(48), MotionClip.load(folder / "motion.json").channel("jawOpen"))
    assert found["driven"] == pytest.approx({"face": at_frame_10, "teeth_lower": at_frame_10}, abs=1e-5)


def test_rest_pose_renders_the_picture(blender, tmp_path):
    portrait = make_portrait()
    portrait.save(tmp_path / "ada.portrait")
    done = blender.script("render_rest.py", tmp_path / "ada.portrait", tmp_path / "rest.png")
    assert done.returncode == 0, done.stdout + done.stderr
    difference = cv2.imread(str(tmp_path / "rest.png"))[..., ::-1].astype(float) - portrait.images["plate"]
    assert 10 * np.log10(255**2 / max((difference**2).mean(), 1e-9)) >= 45


def test_a_hundred_times_off_and_on(blender):
    done = blender.script("cycle.py")
    assert done.returncode == 0 and "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr


def test_command_line_errors_have_exit_codes(blender, tmp_path):
    missing = blender.run("-b", "-c", "soliloquy", "import", tmp_path)
    assert missing.returncode == 8 and "is not a readable motion clip" in missing.stderr
    assert blender.run("-b", "-c", "soliloquy", "animate").returncode == 2


def test_command_line_animates_with_the_real_engine(blender, tmp_path):
    """A picture and a recording that the test environment names, through the real engine into a saved file."""
    shared = Path(__file__).resolve().parents[2].parent / "shared"
    picture, voice = shared / "portraits" / "pd_painting_mona_lisa.jpg", shared / "voices" / "en_short.mp3"
    if not os.environ.get("SOLILOQUY_PYTHON"):
        pytest.skip("set SOLILOQUY_PYTHON to a Python with the engine's packages that this Blender can start")
    if not (picture.is_file() and voice.is_file()):
        pytest.skip("the shared test portraits and voices are not here")
    made = blender.run("-b", "--factory-startup", "--addons", "bl_ext.user_default.soliloquy", "-c", "soliloquy", "animate",
                       picture, voice, "-o", tmp_path / "out", "--size", "256",
                       "--rights", "public-domain:painted about 1503", "--blend", tmp_path / "scene.blend")
    assert made.returncode == 0, made.stdout + made.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    found = look_at(blender, tmp_path / "scene.blend")
    frames = report["frames"]
    assert report["rights"]["basis"] == "public-domain" and report["fps"] == "24/1"
    assert set(found["keys"].values()) == {frames}
    assert found["strips"] == {"IMAGE": [1, 1 + frames], "SOUND": [1, 1 + frames]}


def look_at(blender, blend: Path) -> dict:
    result = blend.with_suffix(".json")
    done = blender.script("check_scene.py", result, blend=blend)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(result.read_text(encoding="utf-8"))
