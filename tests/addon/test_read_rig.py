"""A rig read back is the clip that was written on it; what a person changes is read as the engine would draw it."""

from dataclasses import replace
from fractions import Fraction

import bpy
import numpy as np
import pytest
from mathutils import Euler

from soliloquy.addon import compat
from soliloquy.addon.errors import AddonError
from soliloquy.addon.scene import record as records
from soliloquy.addon.scene.assemble import assemble
from soliloquy.addon.scene.channels import CHANNELS
from soliloquy.addon.scene.clip_file import read_clip, write_clip
from soliloquy.addon.scene.read_rig import RigReader
from soliloquy.addon.scene.timing import set_scene_fps
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.motion.edit import differs


def as_engine(clip) -> MotionClip:
    return MotionClip(clip.fps, clip.channels, clip.head_rotation_deg, clip.head_translation_m, clip.gaze_deg, own=clip.own)


def perform(make_folder, frames=20, fps=Fraction(25), scene_rate=None, start=1):
    folder, scene = make_folder(frames, fps), bpy.context.scene
    set_scene_fps(scene, scene_rate or fps)
    made = assemble(folder, scene=scene, start_frame=start)
    return read_clip(folder / "motion.json"), made.rig, scene


@pytest.mark.parametrize("rates", [(25, 25), ("24000/1001", 24), (30, 25), (25, "60000/1001")], ids=str)
def test_nothing_edited_reads_back_as_no_difference(make_folder, rates):
    clip, rig, scene = perform(make_folder, 60, Fraction(rates[0]), Fraction(rates[1]), start=1001)
    scene.frame_set(7)
    read = RigReader(rig, scene).read_all()
    assert not differs(as_engine(clip), as_engine(read)).any()
    assert scene.frame_current == 7 and len(bpy.data.scenes) == 1


def test_reading_a_little_at_a_time_is_reading(make_folder):
    clip, rig, scene = perform(make_folder, 20)
    reader, steps = RigReader(rig, scene), 0
    while reader.done < reader.total:
        reader.read_some(0.0)
        steps += 1
    assert steps == 20 and not differs(as_engine(clip), as_engine(reader.clip())).any()


def test_constraints_drivers_and_muted_keys_are_seen(make_folder):
    clip, rig, scene = perform(make_folder)
    rotate = rig.armature.pose.bones["head"].constraints.new("LIMIT_ROTATION")
    rotate.owner_space = "LOCAL"
    rotate.use_limit_y, rotate.min_y, rotate.max_y = True, np.radians(2), np.radians(2)
    blocks = rig.master.data.shape_keys.key_blocks
    blocks["jawOpen"].mute = True
    read = RigReader(rig, scene).read_all()
    np.testing.assert_allclose(read.head_rotation_deg[:, 0], 2, atol=0.02)
    np.testing.assert_allclose(read.head_rotation_deg[:, 1:], clip.head_rotation_deg[:, 1:], atol=0.02)
    assert (read.channels[:, CHANNELS.index("jawOpen")] == 0).all()
    assert (read.channels[:, CHANNELS.index("mouthPucker")] == clip.channels[:, CHANNELS.index("mouthPucker")]).all()


def test_a_gaze_target_turns_the_eyes_to_it(make_folder):
    """An object one metre to the picture's right of an eye, one metre before it: 45 degrees of yaw in a head that is straight."""
    _, rig, scene = perform(make_folder)
    bones = rig.armature.pose.bones
    target = bpy.data.objects.new("Target", None)
    scene.collection.objects.link(target)
    target.location = bones["eye.L"].bone.head_local + bones["eye.L"].bone.matrix_local.to_3x3() @ _local(-1, 1, 0)
    unturned = bones["head"].constraints.new("LIMIT_ROTATION")
    unturned.owner_space = "LOCAL"
    for axis in "xyz":
        setattr(unturned, f"use_limit_{axis}", True)
    still = bones["head"].constraints.new("LIMIT_LOCATION")
    still.owner_space = "LOCAL"
    for name in ("min_x", "max_x", "min_y", "max_y", "min_z", "max_z"):
        setattr(still, f"use_{name}", True)
    track = bones["eye.L"].constraints.new("DAMPED_TRACK")
    track.target, track.track_axis = target, "TRACK_Y"
    read = RigReader(rig, scene).read_all()
    np.testing.assert_allclose(read.head_rotation_deg, 0, atol=0.01)
    np.testing.assert_allclose(read.gaze_deg[:, 0], [[45, 0]] * 20, atol=0.05)


def _local(x, y, z):
    from mathutils import Vector

    return Vector((x, y, z))


def test_the_neck_carries_the_head(make_folder):
    """The head moves with the neck; what is read has the head where the bones have it."""
    _, rig, scene = perform(make_folder)
    rig.armature.pose.bones["neck"].rotation_euler = Euler((0.1, 0.2, 0), "ZXY")
    read = RigReader(rig, scene).read_all()
    scene.frame_set(5)
    bone = rig.armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones["head"]
    local = bone.bone.matrix_local.inverted() @ bone.matrix
    turn = local.to_euler("ZXY")
    np.testing.assert_allclose(read.head_rotation_deg[4], np.degrees((turn.y, -turn.x, turn.z)), atol=2e-3)
    np.testing.assert_allclose(read.head_translation_m[4], local.translation, atol=1e-6)


def test_pushed_down_and_moved_the_performance_is_read_where_it_is(make_folder):
    clip, rig, scene = perform(make_folder)
    for datablock in (rig.armature, rig.master.data.shape_keys):
        animation = datablock.animation_data
        action, slot = animation.action, getattr(animation, "action_slot", None)
        animation.action = None
        strip = animation.nla_tracks.new().strips.new("x", 101, action)
        if slot is not None:
            strip.action_slot = slot
    assert not differs(as_engine(clip), as_engine(RigReader(rig, scene).read_all())).any()
    layer = rig.armature.animation_data.nla_tracks.new()
    nod = bpy.data.actions.new("Nod")
    rig.armature.animation_data.action = nod
    rig.armature.pose.bones["head"].rotation_euler = (0.1, 0, 0)
    rig.armature.pose.bones["head"].keyframe_insert("rotation_euler", index=0, frame=101)
    rig.armature.animation_data.action_blend_type = "ADD"
    assert layer is not None
    read = RigReader(rig, scene).read_all()
    np.testing.assert_allclose(read.head_rotation_deg[:, 1], clip.head_rotation_deg[:, 1] - np.degrees(0.1), atol=2e-3)


def test_clip_written_by_the_add_on_is_the_engines(make_folder, tmp_path):
    clip, rig, scene = perform(make_folder)
    write_clip(clip, tmp_path / "read.json")
    assert not differs(MotionClip.load(tmp_path / "read.json"), as_engine(clip)).any()


def test_a_rig_that_is_gone_or_never_performed_says_so(make_folder, tmp_path):
    _, rig, scene = perform(make_folder)
    reader = RigReader(rig, scene)
    del rig.armature[records.PROPERTY]
    with pytest.raises(AddonError, match="no performance"):
        RigReader(rig, scene)
    bpy.data.objects.remove(rig.armature)
    with pytest.raises(AddonError, match="is gone"):
        reader.read_some(1.0)


def test_a_folder_is_found_after_everything_was_moved(make_folder, tmp_path):
    _, rig, scene = perform(make_folder)
    assert records.folder_of(rig.armature) == tmp_path / "performance"
    from soliloquy.addon.scene.assemble import save_blend
    save_blend(tmp_path / "shot.blend")
    (tmp_path / "elsewhere").mkdir()
    for name in ("shot.blend", "performance"):
        (tmp_path / name).rename(tmp_path / "elsewhere" / name)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "elsewhere" / "shot.blend"))
    rig = records.performing_rigs(bpy.context.scene)[0]
    assert records.folder_of(rig.armature) == tmp_path / "elsewhere" / "performance"
    record = records.read(rig.armature)
    records.write(rig.armature, replace(record, folder="//nowhere"))
    assert records.folder_of(rig.armature) == tmp_path / "elsewhere" / "performance", "the strips' pictures tell"
    for strip in list(compat.strips_of(bpy.context.scene)):
        compat.strips_of(bpy.context.scene).remove(strip)
    with pytest.raises(AddonError, match="not in .*nowhere any more"):
        records.folder_of(rig.armature)


def test_nonsense_in_the_file_is_no_performance(make_folder):
    _, rig, _ = perform(make_folder)
    for nonsense in (3, "x", {"identity": 1}, {**rig.armature[records.PROPERTY].to_dict(), "fps": "1/0"}):
        rig.armature[records.PROPERTY] = nonsense
        assert records.read(rig.armature) is None
