"""The rendered frames as a picture that stands in the 3D scene and plays with it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np

from ..errors import FileError
from . import materials
from .meshes import build_mesh
from .sequencer import picture_files
from .timing import frames_for, scene_fps

PLANE_PROPERTY = "soliloquy_plane"
CARD_UV = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)


def add_plane(scene: bpy.types.Scene, folder: Path, clip_fps: Fraction, *, start_frame: int, height_m: float,
              name: str) -> bpy.types.Object:
    """Stand the PNG files of `folder` on the 3D cursor as a plane `height_m` high that faces -y: emission with the files'
    alpha, the first of them at `start_frame`, in time with the sound at any frame rate. Raises FileError."""
    pictures = load_sequence(folder)
    width, height = pictures.size
    half, top = height_m * width / height / 2, height_m
    corners = np.array([[-half, 0, 0], [half, 0, 0], [half, 0, top], [-half, 0, top]], np.float32)
    mesh = build_mesh(name, corners, np.array([[0, 1, 2, 3]]), CARD_UV, np.ones((4, 4), np.float32))
    material = materials.part_material(name, pictures.image)
    mesh.materials.append(material)
    nodes = material.node_tree.nodes
    texture = next(node for node in nodes if node.type == "TEX_IMAGE")
    play(texture.image_user, pictures, clip_fps, scene, start_frame)
    plane = bpy.data.objects.new(name, mesh)
    plane[PLANE_PROPERTY] = str(folder)
    plane.location = scene.cursor.location
    scene.collection.objects.link(plane)
    return plane


@dataclass(frozen=True)
class Sequence:
    """Numbered pictures as one image. size: (width, height) px; count: how many; number: the first one's."""

    image: bpy.types.Image
    size: tuple[int, int]
    count: int
    number: int


def load_sequence(folder: Path) -> Sequence:
    """The folder's pictures. Raises FileError when there are none, or the first cannot be read."""
    files = picture_files(folder)
    image = bpy.data.images.load(str(folder / files[0]), check_existing=False)
    size = tuple(image.size)  # asked before it becomes a sequence, which has none until it is shown
    if not all(size):
        bpy.data.images.remove(image)
        raise FileError(f"{folder / files[0]} is not a picture that Blender can read.")
    image.source, image.alpha_mode = "SEQUENCE", "CHANNEL_PACKED"
    digits = "".join(character for character in Path(files[0]).stem if character.isdigit())
    return Sequence(image, size, len(files), int(digits or 1))


def play(user: bpy.types.ImageUser | bpy.types.Node, pictures: Sequence, clip_fps: Fraction, scene: bpy.types.Scene,
         start_frame: int) -> None:
    """Let an image user (or a node that has its properties) show the first picture at `start_frame` and go on from there.

    Its offset is driven: pictures are repeated or left out where the rates differ, so that each frame shows the picture
    `timing.nearest_samples` names, and the first and the last stay before and after (Blender would show none before).
    The expression is one of those Blender evaluates without Python.
    """
    ratio = clip_fps / scene_fps(scene)
    user.frame_start = start_frame
    user.frame_duration = frames_for(Fraction(pictures.count) / clip_fps, scene_fps(scene))
    user.use_auto_refresh, user.use_cyclic = True, False
    driver = user.driver_add("frame_offset").driver
    driver.type = "SCRIPTED"
    counted_by_blender = f"min(max(frame-{start_frame}+1,0),{user.frame_duration})"
    sample = f"min(floor((max(frame-{start_frame},0)*{ratio.numerator}+0.001)/{ratio.denominator}),{pictures.count - 1})"
    driver.expression = f"{pictures.number}+{sample}-{counted_by_blender}"
