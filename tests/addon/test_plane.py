"""Frames on a plane: of the right size, with their alpha, showing at every frame the picture that belongs there."""

from fractions import Fraction

import bpy
import cv2
import numpy as np
import pytest

from soliloquy.addon.errors import FileError
from soliloquy.addon.scene.extras import Extras, add_extras
from soliloquy.addon.scene.plane import add_plane
from soliloquy.addon.scene.timing import nearest_samples, set_scene_fps


@pytest.fixture
def pictures(tmp_path):
    """pictures(count, first) -> a folder of wide, half clear pictures; number n is 10 n bright."""
    def make(count: int, first: int = 1):
        for number in range(first, first + count):
            picture = np.full((20, 40, 4), 10 * number, np.uint8)
            picture[..., 3] = 255
            picture[:, :20, 3] = 0
            cv2.imwrite(str(tmp_path / f"{number:06d}.png"), picture)
        return tmp_path
    return make


def test_stands_on_the_cursor_at_its_size(pictures):
    scene = bpy.context.scene
    scene.cursor.location = (1, 2, 3)
    plane = add_plane(scene, pictures(3), Fraction(24), start_frame=1, height_m=0.5, name="Ada")
    assert tuple(plane.dimensions) == pytest.approx((1.0, 0.0, 0.5)) and tuple(plane.location) == (1, 2, 3)
    assert min(vertex.co.z for vertex in plane.data.vertices) == 0, "it stands on the cursor"
    assert (plane.data.polygons[0].normal.y) == pytest.approx(-1), "it faces the front view"


@pytest.mark.parametrize("clip_fps, scene_rate, first", [(24, 24, 1), (24, 24, 7), (25, 24, 1), (12, 24, 1), (30, 24, 3)])
def test_every_frame_shows_the_picture_that_belongs_there(pictures, clip_fps, scene_rate, first, tmp_path):
    scene = bpy.context.scene
    set_scene_fps(scene, Fraction(scene_rate))
    count, start = 8, 5
    plane = add_plane(scene, pictures(count, first), Fraction(clip_fps), start_frame=start, height_m=1, name="Ada")
    look_at_plane(scene, plane)
    wanted = nearest_samples(count, Fraction(clip_fps), Fraction(scene_rate))
    for place in range(-2, len(wanted) + 3, 3):
        seen = render(scene, start + place, tmp_path)
        sample = wanted[max(place, 0)] if place < len(wanted) else count - 1
        assert seen[10, 30, 0] == pytest.approx(10 * (first + sample), abs=1), f"{place} frames after the start"
    tree = plane.data.materials[0].node_tree
    assert all(curve.driver.is_simple_expression for curve in tree.animation_data.drivers), "no scripts to allow"


def test_clear_parts_of_the_frames_are_clear(pictures, tmp_path):
    scene = bpy.context.scene
    scene.render.film_transparent = True
    look_at_plane(scene, add_plane(scene, pictures(2), Fraction(24), start_frame=1, height_m=1, name="Ada"))
    seen = render(scene, 1, tmp_path)
    assert seen[10, 5, 3] == 0 and seen[10, 35, 3] == 255


def test_what_is_missing_is_said_and_nothing_is_added(make_folder, tmp_path):
    folder = make_folder(3, pictures=False)
    before = len(bpy.data.objects), len(bpy.data.images)
    for wanted in (Extras(plane=True), Extras(compositor=True), Extras(plane=True, markers="WORDS")):
        with pytest.raises(FileError, match="has no"):
            add_extras(folder, bpy.context.scene, wanted, start_frame=1)
    assert (len(bpy.data.objects), len(bpy.data.images)) == before


def look_at_plane(scene, plane) -> None:
    scene.render.resolution_x, scene.render.resolution_y = 40, 20
    scene.view_settings.view_transform, scene.render.dither_intensity = "Standard", 0
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.data.type, camera.data.ortho_scale = "ORTHO", plane.dimensions.x
    camera.location, camera.rotation_euler = (0, -2, plane.dimensions.z / 2), (np.pi / 2, 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera


def render(scene, frame: int, folder) -> np.ndarray:
    scene.frame_set(frame)
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.filepath = str(folder / "rendered.png")
    bpy.ops.render.render(write_still=True)
    return cv2.imread(scene.render.filepath, cv2.IMREAD_UNCHANGED)
