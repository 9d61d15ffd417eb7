"""Curves: every number on its exact time, in one action, fast."""

import time
from fractions import Fraction

import bpy
import numpy as np
import pytest
from addon_samples import make_clip

from soliloquy.addon.scene.channels import CHANNELS, GROUP_OF, OWN_CHANNELS, OWN_GROUP_OF
from soliloquy.addon.scene.clip_file import read_clip
from soliloquy.addon.scene.performance import apply_performance
from soliloquy.addon.scene.portrait_file import read_portrait
from soliloquy.addon.scene.rig import build_rig
from soliloquy.addon.scene.timing import key_frames, nearest_samples, scene_fps, set_scene_fps

RATES = [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(24), Fraction(25), Fraction(50),
         Fraction(25, 2), Fraction(1199, 50), Fraction(120), Fraction(1)]


@pytest.mark.parametrize("fps", RATES, ids=str)
def test_rate_survives_the_scene_exactly(fps):
    set_scene_fps(bpy.context.scene, fps)
    assert scene_fps(bpy.context.scene) == fps


@pytest.mark.parametrize("scene_rate", [Fraction(24000, 1001), Fraction(24), Fraction(60)], ids=str)
def test_keys_lie_on_their_times_at_any_scene_rate(scene_rate, portrait_file, tmp_path):
    clip, rig, scene = setup(200, Fraction(24000, 1001), portrait_file, tmp_path)
    set_scene_fps(scene, scene_rate)
    apply_performance(rig, clip, scene, start_frame=101, name="x")
    curve = curves_of(rig.master.data.shape_keys)['key_blocks["jawOpen"].value', 0]
    keys = np.array([point.co[:] for point in curve.keyframe_points])
    seconds = (keys[:, 0] - 101) / float(scene_rate)
    np.testing.assert_allclose(seconds, np.arange(200) * 1001 / 24000, atol=1e-6)
    np.testing.assert_array_equal(keys[:, 1].astype(np.float32), clip.channels[:, CHANNELS.index("jawOpen")])
    assert {point.interpolation for point in curve.keyframe_points} == {"LINEAR"}


def test_equal_rates_give_whole_frames_after_an_hour():
    rate = Fraction(24000, 1001)
    frames = key_frames(86314, rate, rate, 1)
    assert (frames == np.arange(1, 86315)).all()


def test_one_action_holds_all_curves_in_groups(portrait_file, tmp_path):
    clip, rig, scene = setup(10, Fraction(25), portrait_file, tmp_path)
    action = apply_performance(rig, clip, scene, start_frame=1, name="Ada Performance")
    keys = rig.master.data.shape_keys
    assert rig.armature.animation_data.action == keys.animation_data.action == action
    assert sorted(slot.target_id_type for slot in action.slots) == ["KEY", "OBJECT"]
    shape_curves, bone_curves = curves_of(keys), curves_of(rig.armature)
    assert {path: curve.group.name for (path, _), curve in shape_curves.items()} \
        == {f'key_blocks["{name}"].value': group for name, group in (GROUP_OF | OWN_GROUP_OF).items()}
    assert len(bone_curves) == 3 + 3 + 2 * 2
    assert {curve.group.name for curve in bone_curves.values()} == {"Head", "Gaze"}


def test_second_performance_replaces_the_first_on_the_rig_only(portrait_file, tmp_path):
    clip, rig, scene = setup(10, Fraction(24), portrait_file, tmp_path)
    first = apply_performance(rig, clip, scene, start_frame=1, name="Take 1")
    second = apply_performance(rig, clip, scene, start_frame=50, name="Take 2")
    assert rig.armature.animation_data.action == second != first
    assert tuple(first.frame_range) == (1, 10) and tuple(second.frame_range) == (50, 59)


def test_1500_frames_of_52_keys_take_less_than_a_third_of_a_second(portrait_file, tmp_path, record_property):
    clip, rig, scene = setup(1500, Fraction(25), portrait_file, tmp_path)
    times = []
    for take in range(3):
        started = time.perf_counter()
        apply_performance(rig, clip, scene, start_frame=1, name=f"take {take}")
        times.append(time.perf_counter() - started)
    record_property("seconds", min(times))
    assert min(times) < 0.3


def test_pictures_keep_time_when_rates_differ():
    assert nearest_samples(4, Fraction(25), Fraction(25)) == [0, 1, 2, 3]
    assert nearest_samples(4, Fraction(25), Fraction(50)) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert nearest_samples(6, Fraction(30), Fraction(10)) == [0, 3]
    long = nearest_samples(3600 * 24, Fraction(24), Fraction(24000, 1001))
    drift_s = [abs(index / 24 - n * 1001 / 24000) for n, index in enumerate(long[:-1])]
    assert max(drift_s) <= 1 / 24 + 1e-9


def setup(frames, fps, portrait_file, tmp_path):
    make_clip(frames, fps).save(tmp_path / "motion.json")
    scene = bpy.context.scene
    return read_clip(tmp_path / "motion.json"), build_rig(read_portrait(portrait_file), scene, name="Ada"), scene


def curves_of(datablock) -> dict:
    """Read with Blender's own interface, not the add-on's."""
    animation = datablock.animation_data
    bag = animation.action.layers[0].strips[0].channelbag(animation.action_slot)
    return {(curve.data_path, curve.array_index): curve for curve in bag.fcurves}


def test_a_rig_from_before_our_own_channels_takes_the_rest_of_a_performance(portrait_file, tmp_path):
    clip, rig, scene = setup(10, Fraction(25), portrait_file, tmp_path)
    for name in OWN_CHANNELS:
        rig.master.shape_key_remove(rig.master.data.shape_keys.key_blocks[name])
    apply_performance(rig, clip, scene, start_frame=1, name="Ada Performance")
    paths = {path for path, _ in curves_of(rig.master.data.shape_keys)}
    assert len(paths) == len(CHANNELS) and not any("tongueUp" in path for path in paths)
