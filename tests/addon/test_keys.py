"""F-curves rewritten in part: what was not asked for stays as it was, handles and all."""

from fractions import Fraction

import bpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import soliloquy
from soliloquy.addon.scene import record as records
from soliloquy.addon.scene.clip_file import read_clip
from soliloquy.addon.scene.found_rig import rig_of_selection
from soliloquy.addon.scene.keys import replace_samples, sampled
from soliloquy.addon.scene.performance import REDUCTION_UNITS, columns_of, read_keys
from soliloquy.addon.scene.timing import set_scene_fps

FRAMES = np.arange(1, 61, dtype=np.float32)


def curve_with(keys: dict[float, float], interpolation: str = "BEZIER"):
    action = bpy.data.actions.new("x")
    item = bpy.data.objects.new("x", None)
    item.animation_data_create().action = action
    for frame, value in keys.items():
        item.location.x = value
        item.keyframe_insert("location", index=0, frame=frame)
    curve = action.layers[0].strips[0].channelbags[0].fcurves[0]
    for point in curve.keyframe_points:
        point.interpolation = interpolation
    curve.update()
    return curve


@given(first=st.integers(1, 55), length=st.integers(1, 20), keys=st.dictionaries(st.integers(1, 60), st.floats(-2, 2), min_size=2,
                                                                                 max_size=12))
@settings(max_examples=30, deadline=None)
def test_every_other_sample_stays_and_the_changed_ones_are_there(first, length, keys):
    curve = curve_with({float(frame): value for frame, value in keys.items()})
    before = sampled(curve, FRAMES)
    changed = np.zeros(60, bool)
    changed[first:first + length] = True
    values = np.linspace(5, 6, 60)
    replace_samples(curve, FRAMES, values, changed)
    after = sampled(curve, FRAMES)
    np.testing.assert_allclose(after[changed], values[changed], atol=1e-5)
    np.testing.assert_allclose(after[~changed], before[~changed], atol=2e-5)


def test_keys_outside_keep_handles_and_interpolation():
    curve = curve_with({1.0: 0.0, 10.0: 1.0, 20.0: 0.0, 30.0: 1.0, 60.0: 0.0})
    point = curve.keyframe_points[0]
    point.handle_right_type = "FREE"
    point.handle_right = (4.0, 2.5)
    curve.update()
    between = [curve.evaluate(frame) for frame in (2.5, 5.25, 9.75)]
    changed = np.zeros(60, bool)
    changed[24:28] = True
    replace_samples(curve, FRAMES, np.full(60, 3.0), changed)
    first = curve.keyframe_points[0]
    assert curve.keyframe_points[-1].select_control_point and not any(
        point.select_control_point for point in curve.keyframe_points if 24 < point.co[0] < 29), "selected is what was"
    assert first.handle_right_type == "FREE" and tuple(first.handle_right) == (4.0, 2.5) and first.interpolation == "BEZIER"
    np.testing.assert_allclose([curve.evaluate(frame) for frame in (2.5, 5.25, 9.75)], between, atol=1e-6)


def test_modifiers_count_in_what_is_read():
    curve = curve_with({1.0: 0.0, 60.0: 0.0}, "LINEAR")
    noise = curve.modifiers.new("GENERATOR")
    noise.use_additive, noise.coefficients = True, (0.5, 0.0)
    np.testing.assert_allclose(sampled(curve, FRAMES), 0.5, atol=1e-6)


@pytest.fixture
def registered():
    soliloquy.register()
    yield
    soliloquy.unregister()


def keys_and_distance(folder, **options) -> tuple[int, np.ndarray]:
    """Import a performance; how many keys it has, and how far each of its curves strays at most, in whole shape keys."""
    assert bpy.ops.soliloquy.import_performance(directory=str(folder), strips=False, **options) == {"FINISHED"}
    rig = rig_of_selection(bpy.context.view_layer.objects.active) or records.performing_rigs(bpy.context.scene)[0]
    record = records.read(rig.armature)
    holders = (records.holder_of(record, datablock) for datablock in (rig.armature, rig.master.data.shape_keys))
    count = sum(len(curve.keyframe_points) for holder in holders for curve in holder.fcurves)
    away = np.abs(read_keys(rig, bpy.context.scene) - columns_of(read_clip(folder / "motion.json"))).max(axis=0)
    for item in list(rig.armature.children) + [rig.armature]:
        bpy.data.objects.remove(item)
    return count, away / REDUCTION_UNITS[:len(away)]


@pytest.mark.parametrize("percent", [0.2, 1.0])
def test_reduced_curves_stay_within_the_tolerance(registered, make_folder, percent):
    """As the import dialog has it: a share of a whole shape key, and its like in degrees and millimetres."""
    folder = make_folder(60, Fraction(24000, 1001))
    set_scene_fps(bpy.context.scene, Fraction(30))
    every, exact = keys_and_distance(folder)
    reduced, away = keys_and_distance(folder, reduce_keys=True, key_tolerance=percent)
    assert every == 60 * len(away) and exact.max() < 1e-5
    assert away.max() <= percent / 100 + 1e-5 and away.max() > 0
    assert reduced < every


def test_keys_are_grouped_coloured_and_not_selected(registered, make_folder):
    """What is selected is what Regenerate means by Selected Keys; that is for the person to say."""
    bpy.ops.soliloquy.import_performance(directory=str(make_folder(10, Fraction(25))), strips=False)
    rig = records.performing_rigs(bpy.context.scene)[0]
    for datablock in (rig.armature, rig.master.data.shape_keys):
        holder = records.holder_of(records.read(rig.armature), datablock)
        assert not any(point.select_control_point for curve in holder.fcurves for point in curve.keyframe_points)
        assert all(curve.group is not None for curve in holder.fcurves)
        colours = [group.color_set for group in holder.groups]
        assert len(set(colours)) == len(colours) and all(colour.startswith("THEME") for colour in colours)
