"""The rig: gives the source picture back, moves as the clip's conventions say, and has one set of keys to edit."""

import bpy
import numpy as np
import pytest

from soliloquy.addon.scene.assemble import match_scene_to_portrait
from soliloquy.addon.scene.channels import CHANNELS
from soliloquy.addon.scene.clip_file import ClipData
from soliloquy.addon.scene.performance import apply_performance
from soliloquy.addon.scene.portrait_file import read_portrait
from soliloquy.addon.scene.rig import build_rig, rig_of_selection
from soliloquy.addon.scene.space import RigSpace
from soliloquy.addon.scene.timing import scene_fps
from soliloquy.engine.motion.clip import ARKIT_CHANNELS


@pytest.fixture
def built(portrait_file):
    data = read_portrait(portrait_file)
    return data, build_rig(data, bpy.context.scene, name="Ada")


def test_channels_are_spelled_as_the_engine_spells_them():
    assert CHANNELS == ARKIT_CHANNELS


def test_rest_pose_renders_the_source_picture(built, portrait, tmp_path, record_property):
    data, rig = built
    scene = bpy.context.scene
    match_scene_to_portrait(scene, data, rig)
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.render.filepath = str(tmp_path / "rest.png")
    bpy.ops.render.render(write_still=True)
    difference = pixels(tmp_path / "rest.png") - portrait.images["plate"].astype(float)
    psnr_db = 10 * np.log10(255**2 / max(float((difference**2).mean()), 1e-9))
    record_property("psnr_db", psnr_db)
    assert psnr_db >= 45


def test_face_carries_52_keys_and_other_parts_follow_it(built):
    _, rig = built
    assert [block.name for block in rig.master.data.shape_keys.key_blocks] == ["Basis", *CHANNELS]
    teeth = bpy.data.objects["Ada teeth_lower"]
    assert [block.name for block in teeth.data.shape_keys.key_blocks] == ["Basis", "jawOpen"]
    before = world_vertices(teeth)
    rig.master.data.shape_keys.key_blocks["jawOpen"].value = 0.5
    lowered = world_vertices(teeth) - before
    np.testing.assert_allclose(lowered, np.broadcast_to((0, 0, -4 / 480), lowered.shape), atol=1e-6)


def test_keys_and_head_turn_move_vertices_as_the_clip_says(built):
    """Compared with the formula in MotionClip's docstring, written out in picture space."""
    data, rig = built
    clip = one_sample(head=(12.0, -7.0, 5.0), shift=(0.01, -0.02, 0.03), channels={"jawOpen": 0.7, "mouthSmileLeft": 1.0})
    apply_performance(rig, clip, bpy.context.scene, start_frame=1, name="pose")
    bpy.context.scene.frame_set(1)
    for part_name in ("face", "person"):
        part = data.parts[part_name]
        expected = part.vertices.astype(float)
        for channel, index, offset in zip(part.delta_channel, part.delta_index, part.delta_offset, strict=True):
            expected[index] += offset * clip.channels[0, channel]
        centred = (expected - data.neck_pivot) * (1, -1, 1)
        turned = centred @ rotation(12.0, -7.0, 5.0).T + np.array((0.01, -0.02, 0.03)) * data.units_per_metre
        weight = part.head_weight[:, None]
        expected = data.neck_pivot + (weight * turned + (1 - weight) * centred) * (1, -1, 1)
        got = world_vertices(bpy.data.objects[f"Ada {part_name}"])
        np.testing.assert_allclose(got, RigSpace(data).points(expected), atol=5e-5)


def test_gaze_turns_the_eye_about_its_centre(built):
    data, rig = built
    clip = one_sample(gaze=(10.0, 6.0))
    apply_performance(rig, clip, bpy.context.scene, start_frame=1, name="gaze")
    bpy.context.scene.frame_set(1)
    centre = data.eye_centres[0]
    expected = centre + ((data.parts["eye_left"].vertices - centre) * (1, -1, 1) @ rotation(10.0, 6.0, 0.0).T) * (1, -1, 1)
    np.testing.assert_allclose(world_vertices(bpy.data.objects["Ada eye_left"]), RigSpace(data).points(expected), atol=1e-5)


def test_turning_the_neck_carries_the_head_and_leaves_the_shoulders(built):
    data, rig = built
    body = bpy.data.objects["Ada person"]
    before = world_vertices(body)
    rig.armature.pose.bones["neck"].rotation_mode = "XYZ"
    rig.armature.pose.bones["neck"].rotation_euler = (0, 0.2, 0)
    moved = np.linalg.norm(world_vertices(body) - before, axis=1)
    weight = data.parts["person"].head_weight
    assert moved[weight == 0].max() < 1e-6
    assert moved[weight == 1].max() > 0.005


def test_building_leaves_the_scene_as_it_was(portrait_file):
    scene = bpy.context.scene
    mine = bpy.data.objects.new("mine", None)
    scene.collection.objects.link(mine)
    mine.select_set(True)
    bpy.context.view_layer.objects.active = mine
    before = (scene.render.resolution_x, scene.render.fps, scene.view_settings.view_transform, scene.frame_end, scene.camera)
    build_rig(read_portrait(portrait_file), scene, name="Ada")
    after = (scene.render.resolution_x, scene.render.fps, scene.view_settings.view_transform, scene.frame_end, scene.camera)
    assert before == after
    assert bpy.context.selected_objects == [mine] and bpy.context.view_layer.objects.active == mine


def test_every_object_of_the_rig_leads_back_to_it(built):
    _, rig = built
    for member in bpy.data.objects:
        assert rig_of_selection(member).armature == rig.armature
    assert rig_of_selection(None) is None
    assert rig_of_selection(bpy.data.objects.new("stranger", None)) is None


def one_sample(head=(0, 0, 0), shift=(0, 0, 0), gaze=(0, 0), channels=None) -> ClipData:
    values = np.zeros((1, 52), np.float32)
    for name, value in (channels or {}).items():
        values[0, CHANNELS.index(name)] = value
    return ClipData(scene_fps(bpy.context.scene), values, np.array([head], np.float32), np.array([shift], np.float32),
                    np.tile(np.array(gaze, np.float32), (1, 2, 1)))


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> np.ndarray:
    """R = Ry(yaw) Rx(-pitch) Rz(roll)."""
    y, p, r = np.radians((yaw_deg, -pitch_deg, roll_deg))
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


def world_vertices(part_object: bpy.types.Object) -> np.ndarray:
    bpy.context.view_layer.update()
    evaluated = part_object.evaluated_get(bpy.context.evaluated_depsgraph_get())
    values = np.empty(3 * len(evaluated.data.vertices), np.float32)
    evaluated.data.vertices.foreach_get("co", values)
    return values.reshape(-1, 3)


def pixels(path) -> np.ndarray:
    """(H, W, 3) 0..255 of a PNG, as stored."""
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    width, height = image.size
    return np.round(np.array(image.pixels[:]).reshape(height, width, 4)[::-1, :, :3] * 255)
