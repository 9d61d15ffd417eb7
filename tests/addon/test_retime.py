"""A performance stays together when one of its strips is moved or trimmed."""

from fractions import Fraction

import bpy
import numpy as np
import pytest

import soliloquy
from soliloquy.addon import compat
from soliloquy.addon.errors import AddonError
from soliloquy.addon.operators.regenerate import span_of_frames
from soliloquy.addon.scene import record as records
from soliloquy.addon.scene.assemble import assemble
from soliloquy.addon.scene.clip_file import read_clip
from soliloquy.addon.scene.performance import columns_of, needed_keys, read_keys, tolerance_of
from soliloquy.addon.scene.read_rig import RigReader
from soliloquy.addon.scene.retime import follow_strip
from soliloquy.addon.scene.speed import speed_of
from soliloquy.addon.scene.timing import set_scene_fps
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.motion.edit import differs


@pytest.fixture(autouse=True)
def registered():
    soliloquy.register()
    yield
    soliloquy.unregister()


@pytest.fixture
def shot(make_folder):
    folder = make_folder(40, Fraction(25))
    set_scene_fps(bpy.context.scene, Fraction(25))
    return folder, assemble(folder, start_frame=101)


def as_engine(clip) -> MotionClip:
    return MotionClip(clip.fps, clip.channels, clip.head_rotation_deg, clip.head_translation_m, clip.gaze_deg, own=clip.own)


def sync_to(strip) -> None:
    bpy.context.scene.sequence_editor.active_strip = strip
    assert bpy.ops.soliloquy.sync_timing() == {"FINISHED"}


@pytest.mark.parametrize("leader", ["picture_strip", "sound_strip"])
@pytest.mark.parametrize("frames", [25, -60])
def test_everything_follows_a_moved_strip(shot, leader, frames):
    folder, made = shot
    compat.move_strip(getattr(made, leader), frames)
    sync_to(getattr(made, leader))
    for strip in (made.picture_strip, made.sound_strip):
        assert compat.strip_range(strip) == (101 + frames, 141 + frames)
    assert records.read(made.rig.armature).start_frame == 101 + frames
    assert made.action.frame_range[0] == 101 + frames
    clip = read_clip(folder / "motion.json")
    assert not differs(as_engine(clip), as_engine(RigReader(made.rig, bpy.context.scene).read_all())).any()
    np.testing.assert_allclose(read_keys(made.rig, bpy.context.scene), columns_of(clip), atol=1e-4)
    sync_to(getattr(made, leader))
    assert compat.strip_range(made.picture_strip) == (101 + frames, 141 + frames), "once is enough"


def test_trimming_is_taken_over(shot):
    _, made = shot
    compat.set_strip_end(made.picture_strip, 130)
    compat.set_strip_start(made.picture_strip, 110)
    sync_to(made.picture_strip)
    assert compat.strip_range(made.sound_strip) == (110, 130)
    assert compat.content_start(made.sound_strip) == pytest.approx(101)
    assert records.read(made.rig.armature).start_frame == 101, "what is said when has not changed"


def test_a_performance_pushed_down_moves_as_an_nla_strip(shot):
    folder, made = shot
    for datablock in (made.rig.armature, made.rig.master.data.shape_keys):
        compat.push_down(datablock)
    compat.move_strip(made.sound_strip, 30)
    sync_to(made.sound_strip)
    strip = made.rig.armature.animation_data.nla_tracks[0].strips[0]
    assert strip.frame_start == 131 and strip.scale == 1.0
    clip = read_clip(folder / "motion.json")
    assert not differs(as_engine(clip), as_engine(RigReader(made.rig, bpy.context.scene).read_all())).any()


def set_speed_by_hand(strip, percent) -> None:
    """As Strip > Retiming > Set Speed does."""
    editor = bpy.context.scene.sequence_editor
    for one in compat.strips_of(bpy.context.scene):
        one.select = one == strip
    editor.active_strip = strip
    with compat.sequencer_override(bpy.context.scene):
        assert bpy.ops.sequencer.retiming_segment_speed_set(speed=percent) == {"FINISHED"}


@pytest.mark.parametrize("leader", ["picture_strip", "sound_strip"])
@pytest.mark.parametrize("percent", [50, 160])
def test_everything_plays_as_fast_as_a_retimed_strip(shot, leader, percent):
    """Every sample is keyed where its picture is shown now, and nothing has to be rendered again."""
    folder, made = shot
    set_speed_by_hand(getattr(made, leader), percent)
    compat.move_strip(getattr(made, leader), 20)
    sync_to(getattr(made, leader))
    scene, speed = bpy.context.scene, speed_of(getattr(made, leader))
    assert speed == pytest.approx(percent / 100, rel=0.05)
    assert compat.strip_range(made.picture_strip) == compat.strip_range(made.sound_strip)
    assert [speed_of(made.picture_strip), speed_of(made.sound_strip)] == pytest.approx([speed, speed], abs=0.01)
    clip = read_clip(folder / "motion.json")
    np.testing.assert_allclose(read_keys(made.rig, scene), columns_of(clip), atol=1e-4)
    assert not differs(as_engine(clip), as_engine(RigReader(made.rig, scene).read_all())).any()
    shape = 'key_blocks["jawOpen"].value'
    curve = records.holder_of(records.read(made.rig.armature), made.rig.master.data.shape_keys).fcurves.find(shape)
    keyed = np.array([point.co[0] for point in curve.keyframe_points])
    np.testing.assert_allclose(keyed, 121 + np.arange(40) / speed, atol=1e-3)
    assert span_of_frames(made.rig, scene, 121, 121 + 20 / speed) == pytest.approx([0, 20 / 25], abs=1e-4)


def test_normal_speed_again_is_as_it_was(shot):
    folder, made = shot
    for percent in (50, 100):
        set_speed_by_hand(made.picture_strip, percent)
        sync_to(made.picture_strip)
    record = records.read(made.rig.armature)
    assert record.speed == pytest.approx(1) and record.start_frame == pytest.approx(101)
    np.testing.assert_allclose(read_keys(made.rig, bpy.context.scene), columns_of(read_clip(folder / "motion.json")), atol=1e-4)


def test_a_performance_pushed_down_is_stretched_as_an_nla_strip(shot):
    folder, made = shot
    for datablock in (made.rig.armature, made.rig.master.data.shape_keys):
        compat.push_down(datablock)
    set_speed_by_hand(made.picture_strip, 50)
    sync_to(made.picture_strip)
    strip = made.rig.armature.animation_data.nla_tracks[0].strips[0]
    assert strip.scale == pytest.approx(1 / speed_of(made.picture_strip), rel=1e-4)
    clip = read_clip(folder / "motion.json")
    assert not differs(as_engine(clip), as_engine(RigReader(made.rig, bpy.context.scene).read_all())).any()


def test_a_speed_that_changes_on_the_way_is_not_followed(shot):
    from soliloquy.addon.operators.retime import cannot_sync

    _, made = shot
    compat.set_strip_end(made.picture_strip, 130)
    set_speed_by_hand(made.picture_strip, 60)
    before = compat.strip_range(made.sound_strip)
    bpy.context.scene.sequence_editor.active_strip = made.picture_strip
    assert "changes on the way" in cannot_sync(bpy.context) and not bpy.ops.soliloquy.sync_timing.poll()
    with pytest.raises(AddonError, match="changes on the way"):
        follow_strip(made.picture_strip, made.rig)
    assert compat.strip_range(made.sound_strip) == before and records.read(made.rig.armature).speed == 1


@pytest.mark.parametrize("leader", ["picture_strip", "sound_strip"])
def test_a_speed_effect_is_not_followed(shot, leader):
    _, made = shot
    strips, (first, end) = compat.strips_of(bpy.context.scene), compat.strip_range(made.picture_strip)
    strips.new_effect(name="Faster", type="SPEED", channel=9, frame_start=first, frame_end=end, input1=made.picture_strip)
    with pytest.raises(AddonError, match="effect Faster"):
        follow_strip(getattr(made, leader), made.rig)


def test_a_retimed_voice_is_not_performed_as_if_it_were_not(shot):
    from soliloquy.addon.scene.lines import lines_on_channel
    from soliloquy.addon.scene.voice import whole_file_of

    _, made = shot
    voice = compat.strips_of(bpy.context.scene).new_sound(name="Line", filepath=bpy.path.abspath(made.sound_strip.sound.filepath),
                                                          channel=12, frame_start=1)
    assert whole_file_of([voice]) and len(lines_on_channel(bpy.context.scene, 12)) == 1
    set_speed_by_hand(voice, 80)
    with pytest.raises(AddonError, match="Line is retimed"):
        whole_file_of([voice])
    with pytest.raises(AddonError, match="Line is retimed"):
        lines_on_channel(bpy.context.scene, 12)


def test_without_a_strip_of_a_performance_the_button_says_so(shot):
    bpy.context.scene.sequence_editor.active_strip = None
    from soliloquy.addon.operators.retime import cannot_sync
    assert "Make a strip" in cannot_sync(bpy.context) and not bpy.ops.soliloquy.sync_timing.poll()


def test_keys_left_out_are_those_that_lines_replace():
    values = np.array([0.0, 0.1, 0.2, 0.3, 0.3, 0.3, 0.9, 0.0])
    assert needed_keys(values, 1e-9).tolist() == [0, 3, 5, 6, 7]
    random = np.cumsum(np.random.default_rng(5).normal(size=500)) * 0.01
    kept = needed_keys(random, 0.02)
    assert len(kept) < 250
    assert np.abs(np.interp(np.arange(500), kept, random[kept]) - random).max() <= 0.02


def test_simplified_keys_are_no_edit(make_folder):
    """Update Frames is told how far the keys may stray, and by that measure nothing has changed."""
    from addon_samples import make_clip

    folder = make_folder(40, Fraction(25))
    clip = make_clip(40, Fraction(25))
    for values in (clip.channels, clip.head_rotation_deg, clip.head_translation_m, clip.gaze_deg.reshape(40, 4)):
        values[:] = np.apply_along_axis(lambda column: np.interp(np.arange(40), [0, 10, 25, 39], column[[0, 10, 25, 39]]), 0, values)
        values += np.random.default_rng(2).normal(size=values.shape).astype(np.float32) * 1e-5
    clip.channels[:] = np.clip(clip.channels, 0, 1)
    clip.save(folder / "motion.json")
    set_scene_fps(bpy.context.scene, Fraction(25))
    rig = assemble(folder, start_frame=1, reduce_by=0.004).rig
    record = records.read(rig.armature)
    holder = records.holder_of(record, rig.master.data.shape_keys)
    assert np.mean([len(curve.keyframe_points) for curve in holder.fcurves]) < 8
    assert record.tolerance == tolerance_of(0.004) == 80
    read = RigReader(rig, bpy.context.scene).read_all()
    assert not differs(as_engine(read_clip(folder / "motion.json")), as_engine(read), record.tolerance).any()
