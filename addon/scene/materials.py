"""Pictures and materials: emission, so that the portrait looks as the picture does whatever the scene's light."""

from __future__ import annotations

import bpy
import numpy as np

from .. import compat

COLOUR_ATTRIBUTE = "Colour"
UV_MAP = "Picture"
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


def mix_as_in_srgb(front: bpy.types.Image, backs: list[bpy.types.Image]) -> None:
    """Give `front` the alpha with which a mix in linear light, Blender's, comes out as the engine's mix of sRGB values over
    `backs` (the farthest first, each opaque or clear at every pixel): at each half-covered pixel the least-squares solution
    over the three channels. Does nothing when sizes differ."""
    if any(tuple(back.size) != tuple(front.size) for back in backs):
        return
    pixels, behind = _pixels(front), np.zeros((len(front.pixels) // 4, 4), np.float32)
    for back in backs:
        layer = _pixels(back)
        behind = np.where(layer[:, 3:] > 0.5, layer, behind)
    mixed = np.flatnonzero((pixels[:, 3] > 0) & (pixels[:, 3] < 1))
    colour, backdrop, alpha = pixels[mixed, :3], behind[mixed, :3], pixels[mixed, 3:]
    span = linear_from_srgb(colour) - linear_from_srgb(backdrop)
    wanted = linear_from_srgb(alpha * colour + (1 - alpha) * backdrop) - linear_from_srgb(backdrop)
    length = (span**2).sum(axis=1)
    solved = (span * wanted).sum(axis=1) / np.maximum(length, ALIKE)
    pixels[mixed, 3] = np.where(length > ALIKE, np.clip(solved, 0, 1), alpha[:, 0])
    front.pixels.foreach_set(pixels.ravel())
    front.pack()


def matte_of(image: bpy.types.Image) -> np.ndarray:
    """(H, W) opacity 0..1, rows from the top."""
    width, height = image.size
    return _pixels(image)[:, 3].reshape(height, width)[::-1]


def _pixels(image: bpy.types.Image) -> np.ndarray:
    """(N, 4) float32 0..1, the values as stored."""
    values = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(-1, 4)


def part_material(name: str, image: bpy.types.Image | None, *, faded_by_object: bool = False) -> bpy.types.Material:
    """Emission of texture x colour attribute, transparent where their alphas' product is below 1.

    image: None draws the colour attribute alone. faded_by_object: the alpha of the object's own colour counts too.
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
