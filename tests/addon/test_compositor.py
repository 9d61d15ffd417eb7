"""The portrait in the compositor: over what was there, with what was there untouched; every control does what it says."""

from fractions import Fraction

import bpy
import cv2
import numpy as np
import pytest

from soliloquy.addon import compat_nodes
from soliloquy.addon.scene.compositor import GROUP, add_to_compositor

WIDTH, HEIGHT = 96, 64


@pytest.fixture
def frames(tmp_path):
    """A grey disc with a soft edge on nothing, 32 pixels high."""
    rows, columns = np.mgrid[:32, :32]
    alpha = np.clip(12.5 - np.hypot(rows - 15.5, columns - 15.5), 0, 1)
    picture = np.dstack((*[np.full((32, 32), 128)] * 3, 255 * alpha)).astype(np.uint8)
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in (1, 2):
        cv2.imwrite(str(folder / f"{number:06d}.png"), picture)
    return folder


@pytest.fixture
def scene():
    """Sees nothing but its world, whose colour is the plate."""
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
    scene.view_settings.view_transform, scene.render.dither_intensity = "Standard", 0
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(camera)
    scene.camera, scene.world = camera, bpy.data.worlds.new("world")
    return scene


@pytest.mark.parametrize("plate", [0.0, 0.2140, 1.0], ids=["black", "grey", "white"])
def test_lies_over_the_plate_with_its_own_edge(scene, frames, tmp_path, plate):
    scene.world.color = (plate, plate, plate)
    add(scene, frames)
    seen = render(scene, tmp_path)
    behind = round(255 * (1.055 * plate ** (1 / 2.4) - 0.055)) if plate > 0.0031 else 0
    assert abs(seen[2, 2] - behind).max() <= 1, "the plate is untouched"
    assert abs(seen[HEIGHT // 2, WIDTH // 2] - 128).max() <= 1, "the portrait lies in the middle, as it is"
    edge = seen[HEIGHT // 2, :, 0]
    assert edge.min() >= min(behind, 128) - 1 and edge.max() <= max(behind, 128) + 1, "no dark or light fringe"


def test_what_was_wired_stays_and_becomes_the_plate(scene, frames, tmp_path):
    tree = compat_nodes.compositor_tree(scene)
    result = compat_nodes.final_input(tree)
    mine = tree.nodes.new("CompositorNodeRGB")
    mine.outputs[0].default_value = (0, 0.2140, 0, 1)
    tree.links.new(mine.outputs[0], result)
    before = set(tree.nodes.keys())
    group = add(scene, frames)
    assert before <= set(tree.nodes.keys())
    assert group.inputs["Plate"].links[0].from_node == mine
    assert group.inputs["Plate"].links[0].from_socket == mine.outputs[0]


def test_a_second_portrait_lies_over_the_first_and_shares_the_group(scene, frames):
    first, second = add(scene, frames), add(scene, frames)
    assert second.inputs["Plate"].links[0].from_node == first and first.node_tree == second.node_tree
    assert [tree.name for tree in bpy.data.node_groups].count(GROUP) == 1


def test_edge_goes_inwards(scene, frames, tmp_path):
    scene.world.color = (0, 0, 0)
    group = add(scene, frames)
    plain = render(scene, tmp_path)[..., 0]
    group.inputs["Edge Softness"].default_value = 6
    soft = render(scene, tmp_path)[..., 0]
    group.inputs["Edge Softness"].default_value = 0
    group.inputs["Edge Choke"].default_value = 0.9
    choked = render(scene, tmp_path)[..., 0]
    assert (soft <= plain + 1).all() and soft.sum() < 0.98 * plain.sum() and soft[HEIGHT // 2, WIDTH // 2] >= 127
    assert (choked <= plain + 1).all() and choked.sum() < plain.sum() and choked[HEIGHT // 2, WIDTH // 2] >= 127


def test_colour_match_brings_the_plates_light(scene, frames, tmp_path):
    scene.world.color = (0.4, 0.2, 0.1)
    group = add(scene, frames)
    group.inputs["Colour Match"].default_value = 1.0
    seen = render(scene, tmp_path)
    assert abs(seen[HEIGHT // 2, WIDTH // 2] - seen[2, 2]).max() <= 4, "a grey disc takes the plate's colour on"


def test_shadow_falls_on_the_plate_only(scene, frames, tmp_path):
    scene.world.color = (1, 1, 1)
    group = add(scene, frames)
    plain = render(scene, tmp_path)
    for name, value in (("Shadow", 0.5), ("Shadow X", 30), ("Shadow Y", 0), ("Shadow Softness", 2)):
        group.inputs[name].default_value = value
    seen = render(scene, tmp_path)
    assert seen[HEIGHT // 2, WIDTH // 2 + 36, 0] < 200, "half dark where it falls"
    assert abs(seen[HEIGHT // 2, WIDTH // 2] - plain[HEIGHT // 2, WIDTH // 2]).max() <= 1
    assert abs(seen[HEIGHT // 2, 4] - 255).max() <= 1


def add(scene, frames):
    return add_to_compositor(scene, frames, Fraction(24), start_frame=1, name="Ada")


def render(scene, folder) -> np.ndarray:
    """(H, W, 3) RGB."""
    scene.render.filepath = str(folder / "rendered.png")
    bpy.ops.render.render(write_still=True)
    return cv2.imread(scene.render.filepath)[..., ::-1].astype(int)
