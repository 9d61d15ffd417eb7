"""The stage's buttons through a stand-in engine: rig from a picture, corrected landmarks, extras, drops, voices, live."""

import json
import sys
from pathlib import Path

import addon_samples
import bpy
import cv2
import numpy as np
import pytest

import soliloquy
from soliloquy.addon import compat, paths
from soliloquy.addon.engine_client import PYTHON_VARIABLE
from soliloquy.addon.operators import drop, live, portrait
from soliloquy.addon.scene.channels import CHANNELS
from soliloquy.addon.scene.landmarks import POINTS_PROPERTY
from soliloquy.engine.portrait.landmarks import usual_landmarks, write_landmarks


@pytest.fixture(autouse=True)
def registered():
    soliloquy.register()
    yield
    soliloquy.unregister()


@pytest.fixture
def stage(monkeypatch, tmp_path):
    """A chosen picture, an output folder, and an engine that writes what `made` holds."""
    monkeypatch.setattr(paths, "BOOTSTRAP", Path(__file__).with_name("stand_in_stage.py"))
    monkeypatch.setenv(PYTHON_VARIABLE, sys.executable)
    monkeypatch.setenv("STAND_IN_CHANNELS", " ".join(CHANNELS))
    settings = bpy.context.scene.soliloquy
    settings.output_folder = str(tmp_path / "made")
    (tmp_path / "made").mkdir()
    cv2.imwrite(str(tmp_path / "ada.png"), np.full((addon_samples.HEIGHT, addon_samples.WIDTH, 3), 90, np.uint8))
    settings.picture = str(tmp_path / "ada.png")
    addon_samples.make_portrait().save(tmp_path / "sample.portrait")
    write_landmarks(tmp_path / "sample.json", usual_landmarks(addon_samples.WIDTH, addon_samples.HEIGHT))
    return settings


def test_rig_from_a_picture(stage, tmp_path):
    assert portrait.cannot_build(bpy.context) == ""
    assert bpy.ops.soliloquy.build_from_picture() == {"FINISHED"}
    rig = next(item for item in bpy.data.objects if item.type == "ARMATURE")
    assert Path(rig["soliloquy_portrait"]) == tmp_path / "made" / "ada.portrait"
    assert Path(rig["soliloquy_picture"]) == tmp_path / "ada.png"
    stage.picture = "/nowhere.png"
    assert "is not there" in portrait.cannot_build(bpy.context) and not bpy.ops.soliloquy.build_from_picture.poll()


def test_landmarks_are_corrected_and_the_rig_follows(stage, tmp_path):
    bpy.ops.soliloquy.build_from_picture()
    rig = next(item for item in bpy.data.objects if item.type == "ARMATURE")
    del rig["soliloquy_portrait"]  # so that the engine is asked for landmarks
    bpy.context.view_layer.objects.active = rig
    assert bpy.ops.soliloquy.correct_landmarks() == {"FINISHED"}
    editor = bpy.context.active_object
    assert editor.mode == "EDIT" and POINTS_PROPERTY in editor
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.transform.translate(value=(5 / addon_samples.HEIGHT, 0, 0))
    assert bpy.ops.soliloquy.rebuild() == {"FINISHED"}
    job = json.loads((tmp_path / "made" / "request-portrait.json").read_text())["job"]
    sent = np.array(json.loads(Path(job["landmarks"]).read_text())["landmarks_px"])
    moved = sent - usual_landmarks(addon_samples.WIDTH, addon_samples.HEIGHT)
    np.testing.assert_allclose(moved[:, 0], 5, atol=0.01)
    np.testing.assert_allclose(moved[:, 1:], 0, atol=0.01)
    assert [item.name for item in bpy.data.objects if item.type == "ARMATURE"] == [rig.name], "the same rig, not another"
    assert not portrait.cannot_rebuild(bpy.context), "and it can be corrected further"


def test_rebuild_without_landmarks_says_what_to_select(stage):
    assert portrait.cannot_rebuild(bpy.context).startswith("Select the landmarks")


def test_extras_land_with_the_performance(stage, make_folder):
    folder, scene = make_folder(6), bpy.context.scene
    speech = {"format": "soliloquy-speech", "words": [{"text": "hello", "start_s": 0.1, "end_s": 0.2}], "phones": []}
    (folder / "speech.json").write_text(json.dumps(speech), encoding="utf-8")
    bpy.ops.soliloquy.add_plane(directory=str(folder))
    bpy.ops.soliloquy.add_to_compositor(directory=str(folder))
    bpy.ops.soliloquy.add_markers(directory=str(folder), kind="WORDS")
    plane = next(item for item in bpy.data.objects if "soliloquy_plane" in item)
    assert plane.dimensions.z == pytest.approx(addon_samples.HEIGHT / 480.0)
    assert bpy.data.node_groups.get("Soliloquy Portrait") and scene.timeline_markers[0].name == "hello"
    with pytest.raises(RuntimeError, match="has no"):
        bpy.ops.soliloquy.add_plane(directory=str(folder.parent / "made"))


def test_dropped_files_fill_the_fields(stage, tmp_path):
    addon_samples.write_wave(tmp_path / "hello.wav", 0.1)
    files = [{"name": "hello.wav"}, {"name": "ada.png"}]
    stage.picture = ""
    assert bpy.ops.soliloquy.take_files(directory=str(tmp_path), files=files) == {"FINISHED"}
    assert (Path(stage.picture), Path(stage.voice)) == (tmp_path / "ada.png", tmp_path / "hello.wav")
    with pytest.raises(RuntimeError, match="Neither a picture nor a sound: notes.txt"):
        bpy.ops.soliloquy.take_files(directory=str(tmp_path), files=[{"name": "notes.txt"}])


def test_dropping_is_ours_only_where_the_tab_is_open():
    from types import SimpleNamespace as Thing

    def context(kind: str, tab: str, shown: bool = True):
        return Thing(area=Thing(type=kind, spaces=Thing(active=Thing(show_region_ui=shown)),
                                regions=[Thing(type="UI", active_panel_category=tab), Thing(type="WINDOW")]))

    accepts = drop.SOLILOQUY_FH_files.poll_drop
    assert accepts(context("VIEW_3D", "Soliloquy")) and accepts(context("SEQUENCE_EDITOR", "Soliloquy"))
    assert not accepts(context("VIEW_3D", "Item")) and not accepts(context("VIEW_3D", "Soliloquy", shown=False))
    assert not accepts(context("IMAGE_EDITOR", "Soliloquy")) and not accepts(Thing(area=None))


def test_voice_of_a_whole_strip_is_its_file_and_of_a_trimmed_one_a_new_file(stage, tmp_path):
    scene = bpy.context.scene
    addon_samples.write_wave(tmp_path / "voice.wav", 2.0)
    strip = compat.strips_of(scene).new_sound(name="line", filepath=str(tmp_path / "voice.wav"), channel=1, frame_start=25)
    assert bpy.ops.soliloquy.voice_from_strips() == {"FINISHED"}
    assert Path(stage.voice) == tmp_path / "voice.wav" and scene.frame_current == 25
    strip.frame_final_start += 12
    assert bpy.ops.soliloquy.voice_from_strips() == {"FINISHED"}
    assert Path(stage.voice).parent == tmp_path / "made" and scene.frame_current == 37
    import soundfile

    samples, rate = soundfile.read(stage.voice)
    assert len(samples) / rate == pytest.approx(1.5, abs=0.05) and np.abs(samples).max() > 0.1


def test_typed_words_become_the_voice(stage, tmp_path):
    stage.text = "Good morning, everybody here!"
    assert bpy.ops.soliloquy.speak_words() == {"FINISHED"}
    assert Path(stage.voice) == tmp_path / "made" / "good-morning-everybody-here.wav"


def test_live_records_an_action_at_the_playhead(stage, portrait_file):
    scene = bpy.context.scene
    bpy.ops.soliloquy.build_rig(filepath=str(portrait_file))
    rig = next(item for item in bpy.data.objects if item.type == "ARMATURE")
    assert live.cannot_go_live(bpy.context) == "Select a portrait rig"
    bpy.context.view_layer.objects.active = rig
    assert live.cannot_go_live(bpy.context) == ""
    assert "microphone" not in " ".join(live.live_command(scene, "python")) and "mic" in live.live_command(scene, "python")
    scene.frame_set(10)
    scene.soliloquy_stage.live_record = True
    assert bpy.ops.soliloquy.live() == {"FINISHED"}
    action = rig.animation_data.action
    assert tuple(action.frame_range) == (10, 21), "12 frames at the scene's rate"
    keys = next(item for item in rig.children if item.get("soliloquy_part") == "face").data.shape_keys
    scene.frame_set(15)
    assert keys.key_blocks["jawOpen"].value == pytest.approx(0.5, abs=1e-5)


def test_live_listens_to_the_microphone_that_is_named():
    scene = bpy.context.scene
    scene.soliloquy_stage.live_input, scene.soliloquy_stage.microphone = "MICROPHONE", "USB Mic"
    command = live.live_command(scene, "python")
    assert command[command.index("--device") + 1] == "USB Mic"
    scene.soliloquy_stage.live_input = "VOICE"
    assert "--device" not in live.live_command(scene, "python")


def test_live_without_recording_leaves_the_rig_as_it_was(stage, portrait_file):
    bpy.ops.soliloquy.build_rig(filepath=str(portrait_file))
    rig = next(item for item in bpy.data.objects if item.type == "ARMATURE")
    rig.pose.bones["head"].rotation_euler = (0.1, 0.2, 0.3)
    bpy.context.view_layer.objects.active = rig
    assert bpy.ops.soliloquy.live() == {"FINISHED"}
    assert tuple(rig.pose.bones["head"].rotation_euler) == pytest.approx((0.1, 0.2, 0.3))
    assert rig.animation_data.action is None
    assert "12 frames seen" in bpy.context.window_manager.soliloquy.message


def test_live_that_fails_says_why(stage, portrait_file):
    bpy.ops.soliloquy.build_rig(filepath=str(portrait_file))
    bpy.context.view_layer.objects.active = next(item for item in bpy.data.objects if item.type == "ARMATURE")
    bpy.context.scene.soliloquy.seed = 404
    with pytest.raises(RuntimeError, match="There is no microphone"):
        bpy.ops.soliloquy.live()
    assert not bpy.context.window_manager.soliloquy.running


def test_a_face_that_is_not_found_leads_to_the_button():
    from soliloquy.addon.errors import AddonError
    from soliloquy.addon.operators.working import in_the_panels_words
    from soliloquy.engine.portrait.build import choose_face

    with pytest.raises(Exception, match="--landmarks") as caught:
        choose_face(np.full((64, 64, 3), 128, np.uint8), None, "nobody.png")
    told = str(in_the_panels_words(AddonError(str(caught.value), code="no_face")))
    assert "Correct Landmarks" in told and "--" not in told
