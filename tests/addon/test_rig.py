"""The rig: gives the source picture back, moves as the clip's conventions say, and has one set of keys to edit."""

import copy
import dataclasses
from dataclasses import dataclass, field
from fractions import Fraction

import bpy
import numpy as np
import pytest

from soliloquy.addon.scene.assemble import match_scene_to_portrait
from soliloquy.addon.scene.channels import CHANNELS, RIG_CHANNELS
from soliloquy.addon.scene.clip_file import ClipData
from soliloquy.addon.scene.performance import apply_performance
from soliloquy.addon.scene.portrait_file import read_portrait
from soliloquy.addon.scene.found_rig import rig_of_selection
from soliloquy.addon.scene.rig import build_rig
from soliloquy.addon.scene.timing import scene_fps
from soliloquy.common.channels import RIG_CHANNELS as ENGINES_RIG_CHANNELS
from soliloquy.engine.motion.clip import ARKIT_CHANNELS, MotionClip
from soliloquy.engine.portrait.portrait import Part
from soliloquy.engine.render.pose import carried_share


@dataclass(frozen=True)
class MotionOf:
    """One sample of a clip, the rest of it neutral."""

    head: tuple = (0, 0, 0)
    shift: tuple = (0, 0, 0)
    gaze: tuple = (0, 0)
    channels: dict = field(default_factory=dict)

    def clip(self) -> MotionClip:
        clip = MotionClip.neutral(1, Fraction(24))
        clip.head_rotation_deg[:], clip.head_translation_m[:], clip.gaze_deg[:] = self.head, self.shift, self.gaze
        for name, value in self.channels.items():
            clip.channel(name)[:] = value
        return clip


@pytest.fixture
def built(portrait_file):
    data = read_portrait(portrait_file)
    return data, build_rig(data, bpy.context.scene, name="Ada")


def test_channels_are_spelled_as_the_engine_spells_them():
    assert CHANNELS == ARKIT_CHANNELS and RIG_CHANNELS == ENGINES_RIG_CHANNELS


def test_rest_pose_renders_the_source_picture(built, portrait, tmp_path, record_property):
    data, rig = built
    render_rest(data, rig, tmp_path / "rest.png")
    difference = pixels(tmp_path / "rest.png") - portrait.images["plate"].astype(float)
    psnr_db = 10 * np.log10(255**2 / max(float((difference**2).mean()), 1e-9))
    record_property("psnr_db", psnr_db)
    assert psnr_db >= 45


def test_soft_edges_are_mixed_as_the_engine_mixes_them(portrait, tmp_path, record_property):
    """Blender mixes in linear light, the engine sRGB values: over a darker plate the edge must not change."""
    soft = copy.deepcopy(portrait)
    person, plate = soft.images["person"], soft.images["plate"] // 4
    person[..., :3] = 150 + person[..., :3] // 4
    person[40:, 30:40, 3] = np.linspace(10, 245, 10).astype(np.uint8)
    soft.images["plate"] = plate
    soft.save(tmp_path / "soft.portrait")
    data = read_portrait(tmp_path / "soft.portrait")
    render_rest(data, build_rig(data, bpy.context.scene, name="Soft"), tmp_path / "rest.png")
    edge = np.s_[60:180, 31:39]
    share = person[..., 3:].astype(float) / 255
    wanted = (person[..., :3] * share + plate * (1 - share))[edge]
    error = pixels(tmp_path / "rest.png")[edge] - wanted
    psnr_db = 10 * np.log10(255**2 / (error**2).mean())
    record_property("edge_psnr_db", psnr_db)
    assert psnr_db >= 32, "without the correction it is 20"


def test_halo_is_there_at_rest_and_gone_in_motion(portrait, tmp_path):
    """The plate is clean around the person; the picture's own edge lies over it only while the person rests."""
    haloed = copy.deepcopy(portrait)
    picture = haloed.images["plate"].copy()
    ring = np.s_[60:180, 22:30]
    halo = np.zeros((*picture.shape[:2], 4), np.uint8)
    halo[ring] = np.dstack((picture[ring], np.full(picture[ring].shape[:2], 255, np.uint8)))
    haloed.images["halo"] = halo
    haloed.images["plate"][ring] //= 2
    haloed.save(tmp_path / "haloed.portrait")
    data = read_portrait(tmp_path / "haloed.portrait")
    rig = build_rig(data, bpy.context.scene, name="Haloed")
    for pose, expected in ((0.0, picture), (0.1, haloed.images["plate"])):
        rig.armature.pose.bones["head"].rotation_euler = (pose, 0, 0)
        render_rest(data, rig, tmp_path / "rest.png")
        assert abs(pixels(tmp_path / "rest.png")[ring] - expected[ring]).mean() < 1
    card = bpy.data.objects["Haloed halo"]
    assert card.animation_data.drivers[0].driver.is_simple_expression


def test_a_scans_border_stands_still_before_the_person(portrait, tmp_path):
    """As in frames, whoever turns or comes nearer, and however large the head becomes."""
    scan = copy.deepcopy(portrait)
    left, top, right, bottom = scan.border_px = (9, 6, 7, 5)
    plate = scan.images["plate"]
    height, width = plate.shape[:2]
    inside = np.zeros((height, width), bool)
    inside[top:height - bottom, left:width - right] = True
    plate[~inside] = (20, 220, 60)
    scan.save(tmp_path / "scan.portrait")
    data = read_portrait(tmp_path / "scan.portrait")
    border = np.ones_like(inside)
    border[top - 1:height - bottom + 1, left - 1:width - right + 1] = False
    covered = []
    for drawn in (data, dataclasses.replace(data, border_px=(0, 0, 0, 0))):
        rig = build_rig(drawn, bpy.context.scene, name="Scan")
        rig.armature.pose.bones["head"].rotation_euler = (0.1, 0.2, 0)
        rig.armature.pose.bones["root"].scale = (3, 3, 3)
        render_rest(drawn, rig, tmp_path / "turned.png")
        covered.append(abs(pixels(tmp_path / "turned.png") - plate.astype(float)).max(axis=2)[border] > 2)
        bpy.data.batch_remove([*rig.armature.children_recursive, rig.armature])
    assert not covered[0].any() and covered[1].mean() > 0.1


def test_face_carries_all_keys_and_other_parts_follow_it(built):
    _, rig = built
    assert [block.name for block in rig.master.data.shape_keys.key_blocks] == ["Basis", *RIG_CHANNELS]
    teeth = bpy.data.objects["Ada teeth_lower"]
    assert [block.name for block in teeth.data.shape_keys.key_blocks] == ["Basis", "jawOpen"]
    before = world_vertices(teeth)
    rig.master.data.shape_keys.key_blocks["jawOpen"].value = 0.5
    lowered = world_vertices(teeth) - before
    np.testing.assert_allclose(lowered, np.broadcast_to((0, 0, -4 / 480), lowered.shape), rtol=0.02, atol=1e-6)


POSES = {
    "keys": MotionOf(channels={"jawOpen": 0.7, "mouthSmileLeft": 1.0}),
    "turn": MotionOf(head=(12.0, -7.0, 5.0)),
    "shift": MotionOf(shift=(0.01, -0.02, 0.03)),
    "all": MotionOf(head=(-9.0, 6.0, -4.0), shift=(0.01, 0.01, -0.02), gaze=(8.0, 4.0), channels={"jawOpen": 0.6}),
}


@pytest.mark.parametrize("motion", POSES.values(), ids=POSES.keys())
def test_camera_sees_vertices_where_the_renderer_draws_them(built, portrait, motion):
    """The engine's own posing code is the reference. Parts set back for depth may differ by a fraction of a pixel."""
    from soliloquy.engine.render.pose import Poser

    data, rig = built
    clip = motion.clip()
    drawn = next(Poser(portrait).pose(clip, 0, 1)).vertices
    performance = ClipData(scene_fps(bpy.context.scene), clip.channels, clip.head_rotation_deg, clip.head_translation_m,
                           clip.gaze_deg)
    apply_performance(rig, performance, bpy.context.scene, start_frame=1, name="pose")
    bpy.context.scene.frame_set(1)
    for part_name, tolerance_px in (("face", 0.05), ("teeth_lower", 1.0), ("person", 0.4), ("iris_left", 0.7)):
        seen = seen_by_camera(bpy.data.objects[f"Ada {part_name}"], rig.camera, data.size)
        distance = np.linalg.norm(seen - drawn[part_name][:, :2], axis=1)
        assert distance.max() < tolerance_px, part_name


def test_gaze_turns_the_left_iris_and_nothing_else(built):
    _, rig = built
    before = {name: world_vertices(bpy.data.objects[f"Ada {name}"]) for name in ("iris_left", "face")}
    clip = MotionOf(gaze=(10.0, 6.0)).clip()
    apply_performance(rig, ClipData(clip.fps, clip.channels, clip.head_rotation_deg, clip.head_translation_m, clip.gaze_deg),
                      bpy.context.scene, start_frame=1, name="gaze")
    bpy.context.scene.frame_set(1)
    moved = {name: (world_vertices(bpy.data.objects[f"Ada {name}"]) - rest).mean(axis=0) for name, rest in before.items()}
    assert moved["iris_left"][0] > 0.001 and moved["iris_left"][2] > 0.0005, "yaw > 0 to the picture's right, pitch > 0 up"
    assert abs(moved["face"]).max() < 1e-7


def test_catch_light_goes_half_as_far_as_its_eye(portrait, tmp_path):
    """As the engine's own posing code says."""
    from soliloquy.engine.render.pose import Poser

    shining = copy.deepcopy(portrait)
    shining.parts["glint_left"] = copy.deepcopy(portrait.parts["iris_left"])
    shining.save(tmp_path / "shining.portrait")
    data = read_portrait(tmp_path / "shining.portrait")
    rig = build_rig(data, bpy.context.scene, name="Shining")
    clip = MotionOf(gaze=(14.0, -8.0)).clip()
    drawn = next(Poser(shining).pose(clip, 0, 1)).vertices["glint_left"]
    performance = ClipData(scene_fps(bpy.context.scene), clip.channels, clip.head_rotation_deg, clip.head_translation_m, clip.gaze_deg)
    apply_performance(rig, performance, bpy.context.scene, start_frame=1, name="gaze")
    bpy.context.scene.frame_set(1)
    seen = seen_by_camera(bpy.data.objects["Shining glint_left"], rig.camera, data.size)
    assert np.linalg.norm(seen - drawn[:, :2], axis=1).max() < 0.7


def test_a_person_that_opens_in_frames_is_one_surface_in_a_scene(portrait, tmp_path):
    """What the renderer shows in the opening has no object: nothing there would open."""
    opening = dataclasses.replace(portrait, parts=portrait.parts | {name: copy.deepcopy(portrait.parts["person"]) for name in ("neck", "jaw")})
    opening.save(tmp_path / "opening.portrait")
    build_rig(read_portrait(tmp_path / "opening.portrait"), bpy.context.scene, name="Opening")
    parts = {data.name for data in bpy.data.objects}
    assert "Opening person" in parts and not {"Opening neck", "Opening jaw"} & parts


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


def test_shoulders_take_part_in_the_heads_shifts_as_far_as_the_portrait_says(portrait, tmp_path):
    """However the head comes to shift: here a constraint moves it."""
    for share in (0.0, 1.0):
        dataclasses.replace(portrait, settings={"shoulders": share}).save(tmp_path / "set.portrait")
        rig = build_rig(read_portrait(tmp_path / "set.portrait"), bpy.context.scene, name=f"Share {share}")
        body = bpy.data.objects[f"Share {share} person"]
        before = world_vertices(body)
        held = rig.armature.pose.bones["head"].constraints.new("LIMIT_LOCATION")
        held.owner_space, held.use_min_y, held.min_y = "LOCAL", True, 0.02
        risen = (world_vertices(body) - before)[:, 2]
        trunk = portrait.parts["person"].head_weight == 0
        assert risen[trunk].max() == pytest.approx(0.02 * share * carried_most(portrait, trunk), abs=1e-4)


def carried_most(portrait, vertices) -> float:
    return float(carried_share(dataclasses.replace(portrait, settings={"shoulders": 1.0}), "person")[vertices].max())


def test_eyes_look_at_the_target_as_far_as_they_are_told(built):
    _, rig = built
    bones = rig.armature.pose.bones
    bones["gaze"].location = (0.2, 0, 0)  # to the picture's right
    before = iris_direction(rig)
    rig.armature["gaze_target"] = 1.0
    rig.armature.update_tag()
    looking = iris_direction(rig)
    target = np.array(bones["gaze"].head) - np.array(bones["eye.L"].head)
    assert before[0] == pytest.approx(0, abs=1e-5), "not told, not done"
    np.testing.assert_allclose(looking, target / np.linalg.norm(target), atol=1e-3)
    bones["gaze"].location = (5, 0, 0)
    assert np.degrees(np.arcsin(iris_direction(rig)[0])) == pytest.approx(45, abs=1), "eyes turn no further than eyes do"


def test_controls_have_shapes_that_no_render_shows(built):
    _, rig = built
    (mechanism,) = rig.armature.data.collections
    assert {bone.name for bone in mechanism.bones} == {"throat", "shoulders"} and not mechanism.is_visible, "nobody grabs these"
    bones = [bone for bone in rig.armature.pose.bones if bone.name not in mechanism.bones]
    assert all(bone.custom_shape is not None for bone in bones)
    assert not any(bone.custom_shape.name in bpy.context.scene.objects for bone in bones)
    build_rig(built[0], bpy.context.scene, name="Bob")
    assert len({bone.custom_shape for item in bpy.data.objects if item.type == "ARMATURE" for bone in item.pose.bones} - {None}) == 3, "shared"


def iris_direction(rig) -> np.ndarray:
    bpy.context.view_layer.update()
    return np.array(rig.armature.pose.bones["eye.L"].y_axis)


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
    for member in bpy.context.scene.objects:
        assert rig_of_selection(member).armature == rig.armature
    assert rig_of_selection(None) is None
    assert rig_of_selection(bpy.data.objects.new("stranger", None)) is None


def render_rest(data, rig, path) -> None:
    scene = bpy.context.scene
    match_scene_to_portrait(scene, data, rig)
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)


def seen_by_camera(part_object, camera, size) -> np.ndarray:
    """(V, 2) picture coordinates, pixel centres at whole numbers, from Blender's own projection matrix."""
    width, height = size
    projection = np.array(camera.calc_matrix_camera(bpy.context.evaluated_depsgraph_get(), x=width, y=height))
    points = world_vertices(part_object)
    homogeneous = np.column_stack((points, np.ones(len(points)))) @ (projection @ np.array(camera.matrix_world.inverted())).T
    normal = homogeneous[:, :2] / homogeneous[:, 3:]
    return np.column_stack(((normal[:, 0] + 1) / 2 * width - 0.5, (1 - normal[:, 1]) / 2 * height - 0.5))


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


@pytest.mark.parametrize("side", [-1, 1], ids=["left of the picture", "right of the picture"])
def test_fill_of_a_far_cheek_shows_only_when_the_head_turns_it_into_view(portrait, tmp_path, side):
    """And only in one that turns further away does the person about it lie deeper, while the fill shows behind it."""
    turned = copy.deepcopy(portrait)
    turned.parts["far_side"] = sideways_sheet(turned.parts["face"], side)
    person = turned.parts["person"]
    person.deeper_turned_away = np.full(len(person.vertices), 0.1 * turned.units_per_metre, np.float32)
    turned.save(tmp_path / "turned.portrait")
    rig = build_rig(read_portrait(tmp_path / "turned.portrait"), bpy.context.scene, name="Turned")
    fill, person = (bpy.data.objects[f"Turned {name}"] for name in ("far_side", "person"))
    basis, away, back = (block_vertices(person.data.shape_keys.key_blocks[name]) for name in ("Basis", "turnedAway", "turnedBack"))
    assert np.median(away[:, 1] - basis[:, 1]) == pytest.approx(0.1, abs=0.01), "metres away from the camera"
    turn = np.radians(-side * 15)
    seen = (back - basis)[:, :2] @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    assert np.allclose(seen[:, 0], 0, atol=1e-4) and np.median(seen[:, 1]) == pytest.approx(0.1, abs=0.01), "straight behind, as seen then"
    shown, deeper, behind = [], [], []
    for yaw_deg in (0, 20 * -side, 20 * side):
        rig.armature.pose.bones["head"].rotation_euler[1] = np.radians(yaw_deg)
        bpy.context.view_layer.update()
        graph = bpy.context.evaluated_depsgraph_get()
        shown.append(fill.evaluated_get(graph).color[3])
        keys = person.data.shape_keys.evaluated_get(graph).key_blocks
        deeper.append(keys["turnedAway"].value), behind.append(keys["turnedBack"].value)
    assert shown == pytest.approx([0, 1, 0]) and deeper == pytest.approx([0, 0, 1]) and behind == pytest.approx([0, 1, 0])


def block_vertices(block) -> np.ndarray:
    values = np.empty(3 * len(block.data), np.float32)
    block.data.foreach_get("co", values)
    return values.reshape(-1, 3)


def sideways_sheet(face, side):
    """A part whose surface faces the picture's right (1) or left (-1), wound as the face is."""
    towards = 1 if np.cross(*(np.diff(face.vertices[face.triangles[0]], axis=0)))[2] > 0 else -1
    height = face.vertices[:, 1].max()
    vertices = np.array([[0, 0, 0], [0, height, 0], [0, height, -height], [0, 0, -height]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)  # its normals point to the picture's left
    if side * towards > 0:
        triangles = triangles[:, ::-1].copy()
    return Part(vertices, triangles, np.zeros((4, 2), np.float32), np.ones((4, 4), np.float32), np.ones(4, np.float32),
                np.zeros(0, np.uint8), np.zeros(0, np.int32), np.zeros((0, 3), np.float32), "person")


@pytest.mark.parametrize("shown", [0.0, 1.0], ids=["shadow or wet lip", "teeth"])
def test_what_the_picture_shows_between_parted_lips_goes_unless_it_is_teeth(portrait, tmp_path, shown):
    rig = build_rig(read_portrait(parted(portrait, shown, tmp_path)), bpy.context.scene, name="Parted")
    strip, seen = bpy.data.objects["Parted teeth_source"], []
    for jaw in (0.0, 0.1, 0.5):
        rig.master.data.shape_keys.key_blocks["jawOpen"].value = jaw
        bpy.context.view_layer.update()
        seen.append(tuple(strip.evaluated_get(bpy.context.evaluated_depsgraph_get()).color)[::3])
    on_lip, strip_itself = zip(*seen, strict=True)
    assert on_lip == pytest.approx([1, 1 - 0.9 / (0.035 * 30.24), 0], abs=0.02)
    assert strip_itself == pytest.approx([1, 1, 1] if shown else [1, 1 - 0.9 / (0.06 * 30.24), 0], abs=0.02)
    fades = strip.data.attributes["Fades"].data
    assert [fade.value for fade in fades] == [0.0] * 8 + [1.0] * 8


def parted(portrait, shown, folder):
    """The file of a portrait whose lips the picture parts by a tenth of the eyes' distance, and whose jaw lowers the lower one by 9 pixels."""
    portrait = copy.deepcopy(portrait)
    face = portrait.parts["face"]
    face.vertices[14] = face.vertices[13] + (0, 3.024, 0)
    dense = face.dense_deltas()
    dense[ARKIT_CHANNELS.index("jawOpen"), 14] = (0, 9, 0)
    face.set_deltas(dense)
    places = np.stack(np.meshgrid([70, 90], np.linspace(108, 116, 8)), axis=-1).reshape(-1, 2)
    corner = np.arange(0, 14, 2)
    triangles = np.concatenate([np.stack([corner, corner + 2, corner + 1], 1), np.stack([corner + 1, corner + 2, corner + 3], 1)])
    portrait.parts["teeth_source"] = Part(
        np.column_stack([places, np.full(16, -5.0)]).astype(np.float32), triangles.astype(np.int32), np.zeros((16, 2), np.float32),
        np.ones((16, 4), np.float32), np.ones(16, np.float32), np.zeros(0, np.uint8), np.zeros(0, np.int32), np.zeros((0, 3), np.float32), "person")
    portrait.teeth_shown = shown
    portrait.save(folder / "parted.portrait")
    return folder / "parted.portrait"
