"""Several people in a scene: who speaks from which channel, who looks where, one button for all."""

import shutil

import bpy
import numpy as np
import pytest
from test_update_frames import registered, rendered  # noqa: F401  (fixtures)

from soliloquy.addon import compat
from soliloquy.addon.operators import speakers
from soliloquy.addon.scene import record as records
from soliloquy.addon.scene.clip_file import read_clip
from soliloquy.addon.scene.lines import lines_on_channel
from soliloquy.addon.scene.timing import set_scene_fps


@pytest.fixture
def scene(rendered, tmp_path):  # noqa: F811
    """Two channels with a line each, the second trimmed, and a cast of two and a listener."""
    shutil.copy(rendered / "voice.wav", tmp_path / "voice.wav")
    scene = bpy.context.scene
    set_scene_fps(scene, read_clip(rendered / "out" / "motion.json").fps)
    strips = compat.strips_of(scene)
    strips.new_sound(name="a", filepath=str(tmp_path / "voice.wav"), channel=1, frame_start=11)
    second = strips.new_sound(name="b", filepath=str(tmp_path / "voice.wav"), channel=3, frame_start=41)
    compat.set_strip_start(second, 46)
    shutil.copy(rendered / "out" / "portrait.portrait", tmp_path / "face.portrait")
    assert bpy.ops.soliloquy.speakers_from_channels() == {"FINISHED"}
    bpy.ops.soliloquy.speaker_add()
    for speaker, name in zip(scene.soliloquy_cast.speakers, ("Ada", "Bea", "Cy"), strict=True):
        speaker.name, speaker.picture = name, str(tmp_path / "face.portrait")
    scene.soliloquy_cast.speakers["Cy"].voice_from = "NONE"
    scene.soliloquy.output_folder = str(tmp_path / "made")
    return scene


def test_strips_are_lines_as_they_are_trimmed(scene, tmp_path):
    (line,) = lines_on_channel(scene, 3)
    assert (line.audio, line.start_frame, line.skip_s) == (tmp_path / "voice.wav", 46, 0.2)
    assert line.length_s == pytest.approx(1.0, abs=0.05)
    compat.strips_of(scene)["b"].mute = True
    assert lines_on_channel(scene, 3) == []


def test_the_job_says_who_speaks_when_and_who_sits_where(scene):
    job, start = speakers.scene_job(scene, scene)
    ada, bea, cy = job["speakers"]
    assert start == 11 and job["length_s"] == pytest.approx(60 / 25, abs=0.05)
    assert ada["lines"][0]["start_s"] == 0.0 and bea["lines"][0]["start_s"] == pytest.approx(35 / 25) and cy["lines"] == []
    assert ada["sees"]["Bea"][0] > 80 and bea["sees"]["Ada"][0] < -80, "side by side; the engine looks as far as eyes go"
    from soliloquy.engine.jobs import Job
    Job.from_record({**ada["job"], "audio": "x.wav"})


def test_rigs_that_face_each_other_look_at_each_other():
    """Two metres apart on the line both look along: straight ahead for each."""
    place, opposite = np.eye(4), np.diag([-1.0, -1.0, 1.0, 1.0])
    opposite[:3, 3] = (0.0, -2.0, 0.0)
    one, other = (speakers._sees(name, {"A": place, "B": opposite}) for name in "AB")
    np.testing.assert_allclose([one["B"], other["A"]], 0, atol=1e-6)
    opposite[:3, 3] = (0.5, -0.5, 0.0)
    np.testing.assert_allclose(speakers._sees("A", {"A": place, "B": opposite})["B"], [45, 0], atol=1e-6)


def test_greyed_button_says_why(scene):
    context, cast = bpy.context, scene.soliloquy_cast
    assert speakers.cannot_animate_scene(context) == ""
    cast.speakers["Bea"].name = "Ada"
    assert "name of their own" in speakers.cannot_animate_scene(context)
    cast.speakers[1].name = "Bea"
    cast.speakers["Bea"].picture = "/nowhere.png"
    assert speakers.cannot_animate_scene(context).startswith("Bea: the picture is not there")
    for name in ("Ada", "Bea"):
        cast.speakers[name].picture = cast.speakers["Cy"].picture
        cast.speakers[name].voice_from = "NONE"
    assert "Nobody has anything to say" in speakers.cannot_animate_scene(context)
    while cast.speakers:
        bpy.ops.soliloquy.speaker_remove()
    assert "Add the people" in speakers.cannot_animate_scene(context)


def test_one_button_animates_everybody(scene, tmp_path):
    assert bpy.ops.soliloquy.animate_scene() == {"FINISHED"}
    rigs = [speaker.rig for speaker in scene.soliloquy_cast.speakers]
    assert None not in rigs and [round(rig.location.x, 3) for rig in rigs] == [0, 0.7, 1.4]
    pictures = [strip for strip in compat.strips_of(scene) if strip.type == "IMAGE"]
    assert len(pictures) == 3 and {compat.strip_range(strip)[0] for strip in pictures} == {11}
    assert len([strip for strip in compat.strips_of(scene) if strip.type == "SOUND"]) == 2, "their own lines are there already"
    clips = {rig.name: read_clip(records.folder_of(rig) / "motion.json") for rig in rigs}
    assert len({len(clip) for clip in clips.values()}) == 1
    listener = clips[rigs[2].name]
    looks = listener.head_rotation_deg[:, 0] + listener.gaze_deg[:, :, 0].mean(axis=1)
    assert np.median(looks) < -15, "the one on the right looks to the others on the left"
