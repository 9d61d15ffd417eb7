"""Pictures and materials: emission, so that the portrait looks as the picture does whatever the scene's light."""

from __future__ import annotations

import struct
import zlib
from functools import partial

import bpy
import numpy as np

from .. import compat
from ..turns import Task

COLOUR_ATTRIBUTE = "Colour"
UV_MAP = "Picture"
PNG_EFFORT = 3
"""Of 9: the size hardly changes above, the time does."""
ALIKE = 1e-5
"""Squared distance of two linear colours below which any alpha will do."""


def packed_image(name: str, png: bytes) -> bpy.types.Image:
    """A picture that lives inside the .blend (no file to lose)."""
    image = bpy.data.images.new(name, 1, 1)
    image.pack(data=png, data_len=len(png))
    image.source = "FILE"
    image.alpha_mode = "CHANNEL_PACKED"
    return image


def linear_from_srgb(colour: np.ndarray) -> np.ndarray:
    """sRGB transfer function of IEC 61966-2-1, decoded. Any shape, 0..1."""
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def mix_as_in_srgb(front: bpy.types.Image, backs: list[bpy.types.Image]) -> Task[np.ndarray]:
    """Give `front` the alpha with which a mix in linear light, Blender's, comes out as the engine's mix of sRGB values over
    `backs` (the farthest first, each opaque or clear at every pixel). Leaves it when sizes differ.

    A task: its result is the opacity (H, W) 0..1 of `front` afterwards, rows from the top.
    """
    width, height = front.size
    pixels = _pixels(front)
    mixed = yield partial(_soft, pixels)
    if len(mixed) and backs and all(tuple(back.size) == (width, height) for back in backs):
        behind = np.zeros((len(mixed), 4), np.float32)
        for back in backs:
            behind = yield partial(_laid_over, behind, _pixels(back), mixed)
        png = yield partial(_mixed_png, pixels, mixed, behind, width, height)
        front.pack(data=png, data_len=len(png))
        front.reload()
    return pixels[:, 3].reshape(height, width)[::-1]


def _soft(pixels: np.ndarray) -> np.ndarray:
    """Numbers of the pixels (N, 4) that are neither clear nor opaque."""
    return np.flatnonzero((pixels[:, 3] > 0) & (pixels[:, 3] < 1))


def _laid_over(behind: np.ndarray, pixels: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """`behind` (M, 4) with the chosen of `pixels` (N, 4) over it where they are opaque."""
    layer = pixels[chosen]
    return np.where(layer[:, 3:] > 0.5, layer, behind)


def _mixed_png(pixels: np.ndarray, mixed: np.ndarray, behind: np.ndarray, width: int, height: int) -> bytes:
    """Solve for the alpha at the pixels `mixed` of `pixels` (N, 4), over `behind` (M, 4), by least squares over the three
    channels, and return all as a PNG. Needs nothing of Blender: a thread may do it."""
    colour, backdrop, alpha = pixels[mixed, :3], behind[:, :3], pixels[mixed, 3:]
    span = linear_from_srgb(colour) - linear_from_srgb(backdrop)
    wanted = linear_from_srgb(alpha * colour + (1 - alpha) * backdrop) - linear_from_srgb(backdrop)
    length = (span**2).sum(axis=1)
    solved = (span * wanted).sum(axis=1) / np.maximum(length, ALIKE)
    pixels[mixed, 3] = np.where(length > ALIKE, np.clip(solved, 0, 1), alpha[:, 0])
    return _png(np.rint(pixels.reshape(height, width, 4)[::-1] * 255).astype(np.uint8))


def _png(pixels: np.ndarray) -> bytes:
    """(H, W, 4) uint8, rows from the top -> a PNG file (ISO/IEC 15948), each row as differences from its left."""
    height, width = pixels.shape[:2]
    rows = np.empty((height, 1 + 4 * width), np.uint8)
    rows[:, 0] = 1  # filter type Sub
    rows[:, 1:5] = pixels[:, 0]
    rows[:, 5:] = (pixels[:, 1:] - pixels[:, :-1]).reshape(height, -1)
    chunks = ((b"IHDR", struct.pack(">2I5B", width, height, 8, 6, 0, 0, 0)), (b"IDAT", zlib.compress(rows, PNG_EFFORT)),
              (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)


def matte_of(image: bpy.types.Image) -> np.ndarray:
    """(H, W) opacity 0..1, rows from the top."""
    width, height = image.size
    return _pixels(image)[:, 3].reshape(height, width)[::-1]


def _pixels(image: bpy.types.Image) -> np.ndarray:
    """(N, 4) float32 0..1, the values as stored."""
    values = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(-1, 4)


def part_material(name: str, image: bpy.types.Image | None, *, faded_by_object: bool = False, fading: str = "") -> bpy.types.Material:
    """Emission of texture x colour attribute, transparent where their alphas' product is below 1.

    image: None draws the colour attribute alone. faded_by_object: the alpha of the object's own colour counts too. fading: an
    attribute of the mesh, 0..1; so far the red of the object's own colour counts as well.
    """
    material = bpy.data.materials.new(name)
    tree = compat.node_tree(material)
    material.surface_render_method = "DITHERED"
    material.use_backface_culling = False
    attribute = _node(tree, "ShaderNodeAttribute", -600, -200)
    attribute.attribute_name = COLOUR_ATTRIBUTE
    colour, alpha = attribute.outputs["Color"], attribute.outputs["Alpha"]
    if image is not None:
        colour, alpha = _textured(tree, image, colour, alpha)
    if faded_by_object:
        alpha = _product(tree, alpha, _node(tree, "ShaderNodeObjectInfo", -250, -350).outputs["Alpha"], -50, -250)
    if fading:
        alpha = _product(tree, alpha, _faded(tree, fading), 100, -250)
    emission = _node(tree, "ShaderNodeEmission", 0, 0)
    transparent = _node(tree, "ShaderNodeBsdfTransparent", 0, 120)
    mix = _node(tree, "ShaderNodeMixShader", 200, 60)
    output = _node(tree, "ShaderNodeOutputMaterial", 400, 60)
    for source, target in ((colour, emission.inputs["Color"]), (alpha, mix.inputs[0]),
                           (transparent.outputs[0], mix.inputs[1]), (emission.outputs[0], mix.inputs[2]),
                           (mix.outputs[0], output.inputs["Surface"])):
        tree.links.new(source, target)
    return material


def _textured(tree: bpy.types.NodeTree, image: bpy.types.Image, colour: bpy.types.NodeSocket,
              alpha: bpy.types.NodeSocket) -> tuple[bpy.types.NodeSocket, bpy.types.NodeSocket]:
    """Multiply colour and alpha by the picture's."""
    uv = _node(tree, "ShaderNodeUVMap", -850, 100)
    uv.uv_map = UV_MAP
    texture = _node(tree, "ShaderNodeTexImage", -650, 200)
    texture.image, texture.extension = image, "EXTEND"
    tree.links.new(uv.outputs["UV"], texture.inputs["Vector"])
    product = _node(tree, "ShaderNodeVectorMath", -250, 100)
    product.operation = "MULTIPLY"
    tree.links.new(texture.outputs["Color"], product.inputs[0])
    tree.links.new(colour, product.inputs[1])
    return product.outputs["Vector"], _product(tree, texture.outputs["Alpha"], alpha, -250, -150)


def _faded(tree: bpy.types.NodeTree, attribute_name: str) -> bpy.types.NodeSocket:
    """1 where the attribute is 0, the red of the object's colour where it is 1."""
    attribute = _node(tree, "ShaderNodeAttribute", -450, -550)
    attribute.attribute_name = attribute_name
    red = _node(tree, "ShaderNodeSeparateColor", -450, -750)
    tree.links.new(_node(tree, "ShaderNodeObjectInfo", -650, -750).outputs["Color"], red.inputs[0])
    mix = _node(tree, "ShaderNodeMix", -250, -600)
    mix.inputs["A"].default_value = 1.0
    tree.links.new(attribute.outputs["Fac"], mix.inputs["Factor"])
    tree.links.new(red.outputs[0], mix.inputs["B"])
    return mix.outputs["Result"]


def _product(tree: bpy.types.NodeTree, first: bpy.types.NodeSocket, second: bpy.types.NodeSocket, x: float,
             y: float) -> bpy.types.NodeSocket:
    node = _node(tree, "ShaderNodeMath", x, y)
    node.operation = "MULTIPLY"
    tree.links.new(first, node.inputs[0])
    tree.links.new(second, node.inputs[1])
    return node.outputs["Value"]


def _node(tree: bpy.types.NodeTree, kind: str, x: float, y: float) -> bpy.types.Node:
    node = tree.nodes.new(kind)
    node.location = (x, y)
    return node
