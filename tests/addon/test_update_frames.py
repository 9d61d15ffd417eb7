"""The edit loop with the real engine: read back, render what changed, perform parts again; operators as the functions behind them."""

import json
import os
import shutil
import subprocess
import sys
import wave
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest

import soliloquy
from soliloquy.addon import compat, edit_properties, paths
from soliloquy.addon.engine_client import PYTHON_VARIABLE, EngineJob
from soliloquy.addon.operators import chosen, regenerate
from soliloquy.addon.scene import record as records
from soliloquy.addon.scene.assemble import assemble
from soliloquy.addon.scene.clip_file import read_clip
from soliloquy.addon.scene.performance import PLACES, columns_of, read_keys
from soliloquy.addon.scene.timing import set_scene_fps
from soliloquy.engine.motion.edit import REGIONS

FRAMES = 30

_MAKE = """
import sys
from pathlib import Path
import skimage.data
from soliloquy.engine.animate import run_animate
from soliloquy.engine.jobs import Job
folder = Path(sys.argv[1])
run_animate(Job.from_record({"portrait": str(Path(skimage.data.__file__).parent / "astronaut.png"), "audio": str(folder / "voice.wav"),
                             "out": str(folder / "out"), "size": "96", "formats": ["png"], "rights": "public-domain:NASA"}))
"""


@pytest.fixture(scope="session")
def rendered(tmp_path_factory) -> Path:
    """A small performance by the real engine, in a process of its own."""
    folder = tmp_path_factory.mktemp("real")
    with wave.open(str(folder / "voice.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        clock = np.arange(int(16000 * FRAMES / 25)) / 16000
        burst = np.sin(2 * np.pi * 140 * clock) * (np.sin(2 * np.pi * 3 * clock) > 0) * 12000
        file.writeframes(burst.astype("<i2").tobytes())
    environment = {**os.environ, "SOLILOQUY_KEYS": str(folder / "keys")}
    made = subprocess.run([sys.executable, "-c", _MAKE, str(folder)], env=environment, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(autouse=True)
def registered(monkeypatch, rendered):
    monkeypatch.setenv(PYTHON_VARIABLE, sys.executable)
    monkeypatch.setenv("SOLILOQUY_KEYS", str(rendered / "keys"))
    soliloquy.register()
    yield
    soliloquy.unregister()


@pytest.fixture
def shot(rendered, tmp_path):
    """(folder, rig): the performance in an open scene, from frame 11 on."""
    shutil.copytree(rendered / "out", tmp_path / "out")
    set_scene_fps(bpy.context.scene, read_clip(tmp_path / "out" / "motion.json").fps)
    bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 96
    return tmp_path / "out", assemble(tmp_path / "out", start_frame=11).rig


def jaw(rig):
    return next(curve for curve in records.holder_of(records.read(rig.armature), rig.master.data.shape_keys).fcurves
                if curve.data_path == 'key_blocks["jawOpen"].value')


def open_jaw(rig, first=10, end=14, value=0.8):
    """As a person would in the Graph Editor: some keys moved."""
    for point in list(jaw(rig).keyframe_points)[first:end]:
        point.co[1] = value
    jaw(rig).update()


def frames_on_disk(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((folder / "frames").iterdir())]


def test_nothing_edited_renders_nothing(shot):
    folder, _ = shot
    before = frames_on_disk(folder)
    assert bpy.ops.soliloquy.update_frames() == {"FINISHED"}
    assert bpy.context.window_manager.soliloquy.message == "Nothing has changed: all frames are up to date"
    assert frames_on_disk(folder) == before


def test_edited_keys_and_constraints_are_rendered_and_nothing_else(shot):
    folder, rig = shot
    before = frames_on_disk(folder)
    open_jaw(rig)
    assert bpy.ops.soliloquy.update_frames() == {"FINISHED"}
    assert bpy.context.window_manager.soliloquy.message == "4 frames rendered again"
    after = frames_on_disk(folder)
    assert [index for index in range(FRAMES) if before[index] != after[index]] == [10, 11, 12, 13]
    bpy.ops.soliloquy.update_frames()
    assert "Nothing has changed" in bpy.context.window_manager.soliloquy.message, "and then they are up to date"
    turn = rig.armature.pose.bones["head"].constraints.new("LIMIT_ROTATION")
    turn.owner_space, turn.use_limit_y, turn.min_y, turn.max_y = "LOCAL", True, 0.2, 0.2
    bpy.ops.soliloquy.update_frames()
    assert bpy.context.window_manager.soliloquy.message == f"{FRAMES} frames rendered again"
    assert np.allclose(read_clip(folder / "motion.json").head_rotation_deg[:, 0], np.degrees(0.2), atol=0.02)


def test_the_strip_shows_the_new_pictures(shot, tmp_path):
    """The sequencer itself renders the frame before and after."""
    folder, rig = shot
    scene = bpy.context.scene
    scene.frame_set(11 + 12)
    shown = [sequencer_frame(scene, tmp_path / "before.png")]
    open_jaw(rig)
    bpy.ops.soliloquy.update_frames()
    shown.append(sequencer_frame(scene, tmp_path / "after.png"))
    assert np.abs(shown[0] - shown[1]).max() > 0.1


def sequencer_frame(scene, path: Path) -> np.ndarray:
    scene.render.filepath = str(path)
    scene.render.image_settings.file_format = "PNG"
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    pixels = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(pixels)
    return pixels


def test_a_moved_gaze_target_takes_the_lids_along(shot):
    folder, rig = shot
    target = bpy.data.objects.new("Target", None)
    bpy.context.scene.collection.objects.link(target)
    target.location = (0.0, -1.0, -0.4)
    for name in ("eye.L", "eye.R"):
        track = rig.armature.pose.bones[name].constraints.new("DAMPED_TRACK")
        track.target, track.track_axis = target, "TRACK_Y"
    bpy.ops.soliloquy.update_frames()
    shown = read_clip(folder / "motion.json")
    assert shown.gaze_deg[:, :, 1].max() < -15
    assert shown.channels[:, [1, 8]].min() > 0.5, "eyeLookDown of both eyes"
    bpy.ops.soliloquy.update_frames()
    assert "Nothing has changed" in bpy.context.window_manager.soliloquy.message


def test_regenerate_keeps_keys_made_by_hand_and_everything_outside(shot):
    folder, rig = shot
    scene = bpy.context.scene
    open_jaw(rig, 12, 15)
    before = read_keys(rig, scene)
    settings = scene.soliloquy_edit
    settings.span, settings.first_frame, settings.last_frame = "TYPED", 11 + 5, 11 + 25
    settings.regions, settings.take = {"jaw", "head"}, 7
    assert bpy.ops.soliloquy.regenerate() == {"FINISHED"}
    after = read_keys(rig, scene)
    changed = after != before
    jaw_column = next(column for column, place in enumerate(PLACES) if "jawOpen" in place.path)
    assert (after[12:15, jaw_column] == before[12:15, jaw_column]).all()
    assert not changed[:6].any() and not changed[25:].any() and changed[10:20, 52:55].any()
    allowed = np.concatenate([REGIONS[name] for name in ("jaw", "head", "gaze")])
    assert not changed[:, np.setdiff1d(np.arange(changed.shape[1]), allowed)].any()
    assert records.read(rig.armature).baseline == "takes/001-generated.json"
    settings.take = 8
    bpy.ops.soliloquy.regenerate()
    assert (read_keys(rig, scene)[12:15, jaw_column] == before[12:15, jaw_column]).all(), "known as made by hand ever after"
    assert records.read(rig.armature).baseline == "takes/002-generated.json"
    bpy.ops.soliloquy.update_frames()
    assert np.allclose(columns_of(read_clip(folder / "motion.json")), read_keys(rig, scene), atol=1e-3)


def test_operator_makes_what_the_engine_makes(shot, tmp_path):
    """Regenerate in Blender and `soliloquy regenerate` give the same clip, and then the same frames."""
    folder, rig = shot
    shutil.copytree(folder, tmp_path / "api")
    settings = bpy.context.scene.soliloquy_edit
    settings.span, settings.first_frame, settings.last_frame = "TYPED", 11 + 5, 11 + 20
    settings.regions, settings.take = {"head", "brows"}, 3
    bpy.ops.soliloquy.regenerate()
    bpy.ops.soliloquy.update_frames()
    done = subprocess.run([sys.executable, "-I", str(paths.BOOTSTRAP), "regenerate", str(tmp_path / "api"), "--span", "0.2:0.8",
                           "--regions", "head,brows", "--seed", "3", "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    mine, theirs = (columns_of(read_clip(place / "motion.json")) for place in (folder, tmp_path / "api"))
    np.testing.assert_allclose(mine, theirs, atol=2e-3)
    np.testing.assert_allclose(mine[:, :52], theirs[:, :52], atol=1e-4)
    one, other = (json.loads((place / "report.json").read_text())["updates"] for place in (folder, tmp_path / "api"))
    assert one[0]["frames"] == other[0]["frames"] > 10


def test_greyed_buttons_say_why(shot, tmp_path):
    folder, rig = shot
    context, settings = bpy.context, bpy.context.scene.soliloquy_edit
    assert chosen.cannot_update(context) == "" == regenerate.cannot_regenerate(context)
    settings.span = "PREVIEW"
    assert "preview range" in regenerate.cannot_regenerate(context)
    settings.span = "SELECTED"
    for curve in records.holder_of(records.read(rig.armature), rig.master.data.shape_keys).fcurves:
        for point in curve.keyframe_points:
            point.select_control_point = False
    for curve in records.holder_of(records.read(rig.armature), rig.armature).fcurves:
        for point in curve.keyframe_points:
            point.select_control_point = False
    assert "Select the keys" in regenerate.cannot_regenerate(context)
    settings.span, settings.first_frame, settings.last_frame = "TYPED", 500, 600
    assert "nothing between frame 500" in regenerate.cannot_regenerate(context)
    settings.span = "WHOLE"
    (folder / "speech.json").rename(folder / "gone")
    assert "speech.json is gone" in regenerate.cannot_regenerate(context)
    folder.rename(tmp_path / "moved")
    assert "Find Folder" in chosen.cannot_update(context) and not bpy.ops.soliloquy.update_frames.poll()
    assert bpy.ops.soliloquy.find_folder(directory=str(tmp_path / "moved")) == {"FINISHED"}
    assert chosen.cannot_update(context) == ""
    with pytest.raises(RuntimeError, match="holds no performance"):
        bpy.ops.soliloquy.find_folder(directory=str(tmp_path))
    shutil.rmtree(tmp_path / "moved" / "frames")
    assert "no frames" in chosen.cannot_update(context)
    rig.armature.animation_data_clear()
    assert "is gone from the rig" in regenerate.cannot_regenerate(context)
    del rig.armature[records.PROPERTY]
    assert "no portrait rig with a performance" in chosen.cannot_update(context)


def test_renamed_strips_objects_and_actions_are_found(shot):
    folder, rig = shot
    identity = records.read(rig.armature).identity
    for strip in compat.strips_of(bpy.context.scene):
        strip.name = "whatever"
    rig.armature.name, rig.master.name, rig.armature.animation_data.action.name = "A", "B", "C"
    open_jaw(rig)
    assert bpy.ops.soliloquy.update_frames() == {"FINISHED"}
    assert {strip.type for _, strip in records.all_strips(identity)} == {"IMAGE", "SOUND"}
    assert regenerate.cannot_regenerate(bpy.context) == ""


def test_two_rigs_need_one_to_be_chosen(shot, tmp_path):
    folder, rig = shot
    shutil.copytree(folder, tmp_path / "second")
    second = assemble(tmp_path / "second", start_frame=60).rig
    bpy.context.view_layer.objects.active = None
    assert "Select a rig" in chosen.cannot_update(bpy.context)
    bpy.context.view_layer.objects.active = second.master
    assert chosen.rig(bpy.context).armature == second.armature
    open_jaw(second)
    before = frames_on_disk(folder)
    bpy.ops.soliloquy.update_frames()
    assert frames_on_disk(folder) == before and frames_on_disk(tmp_path / "second") != before


def test_a_linked_rig_is_rendered_but_not_keyed(shot, tmp_path):
    folder, rig = shot
    open_jaw(rig)
    from soliloquy.addon.scene.assemble import save_blend
    save_blend(tmp_path / "library.blend")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (theirs, ours):
        ours.collections = [name for name in theirs.collections]
    bpy.context.scene.collection.children.link(ours.collections[0])
    set_scene_fps(bpy.context.scene, read_clip(folder / "motion.json").fps)
    assert bpy.ops.soliloquy.update_frames() == {"FINISHED"}
    assert bpy.context.window_manager.soliloquy.message == "4 frames rendered again"
    assert "is linked from library.blend" in regenerate.cannot_regenerate(bpy.context)


def test_a_damaged_or_missing_portrait_is_one_line(shot):
    folder, rig = shot
    open_jaw(rig)
    (folder / "portrait.portrait").unlink()
    with pytest.raises(RuntimeError, match=r"portrait\.portrait"):
        bpy.ops.soliloquy.update_frames()
    assert bpy.context.window_manager.soliloquy.failed and not bpy.context.window_manager.soliloquy.running


def test_killed_while_it_renders_the_next_update_makes_it_whole(shot, monkeypatch):
    folder, rig = shot
    before = frames_on_disk(folder)
    open_jaw(rig)
    poll = EngineJob.poll

    def kill_once(self, wait_s=0.0):
        reports = poll(self, wait_s)
        if any(report.stage == "render" for report in reports):
            self._child._process.kill()
        return reports

    with monkeypatch.context() as patch:
        patch.setattr(EngineJob, "poll", kill_once)
        with pytest.raises(RuntimeError, match="stopped without an answer"):
            bpy.ops.soliloquy.update_frames()
    assert frames_on_disk(folder)[:10] == before[:10] and len(frames_on_disk(folder)) == FRAMES
    assert bpy.ops.soliloquy.update_frames() == {"FINISHED"}
    after = frames_on_disk(folder)
    assert [index for index in range(FRAMES) if before[index] != after[index]] == [10, 11, 12, 13]
    assert not [path for path in folder.rglob("*") if ".part" in path.name or path.name.startswith(".")]


def test_a_rig_whose_file_is_of_another_performance_is_not_overwritten(shot):
    folder, rig = shot
    records.write(rig.armature, replace(records.read(rig.armature), frames=12))
    with pytest.raises(RuntimeError, match="another performance"):
        bpy.ops.soliloquy.regenerate()


def test_regions_are_those_of_the_engine():
    assert set(edit_properties.REGIONS) == set(REGIONS)
