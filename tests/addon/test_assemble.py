"""From an output folder to a saved .blend, reopened and measured; and to the scene that is open, without harm to it."""

import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import bpy
import pytest

from soliloquy.addon import compat
from soliloquy.addon.errors import FileError
from soliloquy.addon.scene.assemble import assemble
from soliloquy.addon.scene.channels import RIG_CHANNELS
from soliloquy.addon.scene.timing import scene_fps, set_scene_fps


def test_script_makes_a_blend_that_holds_everything(make_folder, tmp_path):
    folder = make_folder(48, Fraction(24000, 1001))
    result = run_script(folder, tmp_path / "scene.blend")
    assert result.returncode == 0, result.stderr
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    scene = bpy.context.scene
    assert scene_fps(scene) == Fraction(24000, 1001)
    assert (scene.frame_start, scene.frame_end) == (1, 48)
    keys = bpy.data.objects["ada face"].data.shape_keys
    bag = keys.animation_data.action.layers[0].strips[0].channelbag(keys.animation_data.action_slot)
    assert {curve.data_path: len(curve.keyframe_points) for curve in bag.fcurves} \
        == {f'key_blocks["{name}"].value': 48 for name in RIG_CHANNELS}
    strips = {strip.type: strip for strip in compat.strips_of(scene)}
    assert {kind: compat.strip_range(strip) for kind, strip in strips.items()} == {"IMAGE": (1, 49), "SOUND": (1, 49)}
    assert [element.filename for element in strips["IMAGE"].elements] == [f"{n:06d}.png" for n in range(1, 49)]
    assert strips["IMAGE"].channel > strips["SOUND"].channel
    assert all(image.packed_file for image in bpy.data.images if image.source == "FILE")
    for path in (strips["IMAGE"].directory, strips["SOUND"].sound.filepath):
        assert path.startswith("//") and Path(bpy.path.abspath(path)).exists()


def test_moved_project_still_finds_its_files(make_folder, tmp_path):
    folder = make_folder(5)
    shutil.move(tmp_path / "voice.wav", folder / "voice.wav")
    (folder / "report.json").write_text('{"audio": "voice.wav"}', encoding="utf-8")
    assert run_script(folder, folder / "scene.blend").returncode == 0
    shutil.move(folder, tmp_path / "elsewhere")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "elsewhere" / "scene.blend"))
    sound = next(strip for strip in compat.strips_of(bpy.context.scene) if strip.type == "SOUND")
    assert Path(bpy.path.abspath(sound.sound.filepath)).is_file()


def test_strips_land_at_the_playhead_beside_what_is_there(make_folder):
    scene = bpy.context.scene
    set_scene_fps(scene, Fraction(50))
    scene.frame_set(200)
    strips = compat.strips_of(scene)
    length = {"length": 100} if bpy.app.version >= (5, 0) else {"frame_end": 300}
    strips.new_effect(name="mine", type="COLOR", channel=2, frame_start=200, **length)
    made = assemble(make_folder(30, Fraction(25)), rig=False)
    assert compat.strip_range(made.picture_strip) == compat.strip_range(made.sound_strip) == (200, 260)
    assert (made.sound_strip.channel, made.picture_strip.channel) == (3, 4)
    assert scene_fps(scene) == 50 and made.rig is None and not bpy.data.armatures


def test_curves_can_go_on_a_rig_that_is_there(make_folder):
    folder = make_folder(20, Fraction(24))
    first = assemble(folder, strips=False)
    second = assemble(folder, strips=False, onto=first.rig, start_frame=100)
    assert len(bpy.data.armatures) == 1
    assert tuple(second.action.frame_range) == (100, 119)


def test_without_frames_or_report_the_rest_still_lands(make_folder):
    folder = make_folder(10, pictures=False)
    (folder / "report.json").unlink()
    made = assemble(folder)
    assert made.picture_strip is None and made.sound_strip is None and made.action is not None


@pytest.mark.parametrize("broken", ["motion.json", "motion.npz", "portrait.portrait"])
def test_damaged_file_is_one_clear_line_and_nothing_lands(make_folder, broken):
    folder = make_folder(10)
    (folder / broken).write_bytes((folder / broken).read_bytes()[:200])
    with pytest.raises(FileError) as caught:
        assemble(folder)
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)
    assert not bpy.data.armatures and not bpy.data.meshes


def test_script_says_what_is_wrong_in_one_line(tmp_path):
    result = run_script(tmp_path / "nothing", tmp_path / "scene.blend")
    assert result.returncode == 8
    assert result.stderr.strip().count("\n") == 0 and "not a readable motion clip" in result.stderr
    assert not (tmp_path / "scene.blend").exists()


def run_script(folder: Path, blend: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "soliloquy.addon.scene.assemble", str(folder), "--blend", str(blend)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
