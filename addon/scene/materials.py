"""Pictures and materials: emission, so that the portrait looks as the picture does whatever the scene's light."""

from __future__ import annotations

import bpy
import numpy as np

from .. import compat

COLOUR_ATTRIBUTE = "Colour"
UV_MAP = "Picture"


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


def part_material(name: str, image: bpy.types.Image | None) -> bpy.types.Material:
    """Emission of texture x colour attribute, transparent where their alphas' product is below 1.

    image: None draws the colour attribute alone.
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
    emission = _node(tree, "ShaderNodeEmission", 0, 0)
    transparent = _node(tree, "ShaderNodeBsdfTransparent", 0, 120)
    mix = _node(tree, "ShaderNodeMixShader", 200, 60)
    output = _node(tree, "ShaderNodeOutputMaterial", 400, 60)
    for source, target in ((colour, emission.inputs["Color"]), (alpha, mix.inputs[0]), (transparent.outputs[0], mix.inputs[1]),
                           (emission.outputs[0], mix.inputs[2]), (mix.outputs[0], output.inputs["Surface"])):
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
    cover = _node(tree, "ShaderNodeMath", -250, -150)
    cover.operation = "MULTIPLY"
    tree.links.new(texture.outputs["Alpha"], cover.inputs[0])
    tree.links.new(alpha, cover.inputs[1])
    return product.outputs["Vector"], cover.outputs["Value"]


def _node(tree: bpy.types.NodeTree, kind: str, x: float, y: float) -> bpy.types.Node:
    node = tree.nodes.new(kind)
    node.location = (x, y)
    return node
