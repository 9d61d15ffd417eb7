"""The portrait over whatever the scene's compositor makes: one node group with matte, edge, colour match and shadow.

Everything is off at first: the group then lays the portrait over the plate and nothing else. Pictures are premultiplied,
as the compositor's are.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import bpy

from .. import compat_nodes
from ..compat_nodes import math_node
from .plane import load_sequence, play

GROUP = "Soliloquy Portrait"
LEAST_ALPHA, LEAST_LIGHT = 1e-4, 1e-3
MOST_GAIN = 4.0
"""Colour match makes nothing more than this many times lighter or darker."""

_PLATE, _PORTRAIT = "Plate", "Portrait"
_PICTURES = (_PLATE, _PORTRAIT)
_NUMBERS = {
    "Scale": (1.0, 0.01, 100.0, "Size of the portrait on the plate"),
    "X": (0.0, -16384.0, 16384.0, "Pixels to the right of the plate's middle"),
    "Y": (0.0, -16384.0, 16384.0, "Pixels above the plate's middle"),
    "Edge Softness": (0.0, 0.0, 100.0, "How far the edge fades inwards, pixels"),
    "Edge Choke": (0.0, 0.0, 0.95, "Cuts the softest part of the edge away"),
    "Colour Match": (0.0, 0.0, 1.0, "How far the portrait takes on the plate's mean colour and light"),
    "Shadow": (0.0, 0.0, 1.0, "How dark a shadow it casts on the plate"),
    "Shadow X": (20.0, -2000.0, 2000.0, "Pixels to the right"),
    "Shadow Y": (-20.0, -2000.0, 2000.0, "Pixels upwards"),
    "Shadow Softness": (25.0, 0.0, 500.0, "Pixels"),
}
"""Input -> (default, least, most, what it does)."""

Socket = bpy.types.NodeSocket


def add_to_compositor(scene: bpy.types.Scene, folder: Path, clip_fps: Fraction, *, start_frame: int,
                      name: str) -> bpy.types.Node:
    """Lay the frames in `folder` over what the scene's compositor gives now; everything that is there stays.

    Returns the group's node. What went into the output becomes the plate, or the render when nothing did; the portrait is
    as high as the scene's pictures are. Raises FileError when there are no frames.
    """
    frames = load_sequence(folder)
    frames.image.alpha_mode = "STRAIGHT"
    tree = compat_nodes.compositor_tree(scene)
    result = compat_nodes.final_input(tree)
    plate = result.links[0].from_socket if result.is_linked else _rendered(tree, scene, result.node)
    group = _node(tree, "CompositorNodeGroup", result.node.location.x, result.node.location.y + 40)
    group.node_tree, group.label, group.width = portrait_group(), name, 190
    pictures = _node(tree, "CompositorNodeImage", group.location.x - 260, group.location.y - 260)
    pictures.image, pictures.label = frames.image, name
    play(pictures, frames, clip_fps, scene, start_frame)
    result.node.location.x += 260
    height_px = scene.render.resolution_y * scene.render.resolution_percentage / 100
    group.inputs["Scale"].default_value = height_px / frames.size[1]
    tree.links.new(plate, group.inputs[_PLATE])
    tree.links.new(pictures.outputs["Image"], group.inputs[_PORTRAIT])
    tree.links.new(group.outputs["Image"], result)
    return group


def portrait_group() -> bpy.types.NodeTree:
    """The node group, made once per file."""
    found = bpy.data.node_groups.get(GROUP)
    if found is not None and found.bl_idname == "CompositorNodeTree":
        return found
    tree = compat_nodes.new_tree(GROUP)
    given = _interface(tree)
    placed = _placed(tree, given)
    cut, matte = _edge(tree, placed, given)
    matched = _colour_match(tree, cut, given)
    shadowed = _shadowed(tree, matte, given)
    end = tree.nodes.new("NodeGroupOutput")
    tree.links.new(compat_nodes.alpha_over(tree, shadowed, matched), end.inputs["Image"])
    tree.links.new(matte, end.inputs["Matte"])
    _lay_out(tree)
    return tree


def _interface(tree: bpy.types.NodeTree) -> dict[str, Socket]:
    """The group's sockets; returns what comes in, by name."""
    for name in _PICTURES:
        tree.interface.new_socket(name, in_out="INPUT", socket_type="NodeSocketColor")
    for name, (default, least, most, meaning) in _NUMBERS.items():
        socket = tree.interface.new_socket(name, in_out="INPUT", socket_type="NodeSocketFloat", description=meaning)
        socket.default_value, socket.min_value, socket.max_value = default, least, most
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    tree.interface.new_socket("Matte", in_out="OUTPUT", socket_type="NodeSocketFloat")
    return {socket.name: socket for socket in tree.nodes.new("NodeGroupInput").outputs if socket.name}


def _placed(tree: bpy.types.NodeTree, given: dict[str, Socket]) -> Socket:
    node = tree.nodes.new("CompositorNodeTransform")
    tree.links.new(given[_PORTRAIT], node.inputs["Image"])
    for name in ("X", "Y", "Scale"):
        tree.links.new(given[name], node.inputs[name])
    return node.outputs["Image"]


def _edge(tree: bpy.types.NodeTree, image: Socket, given: dict[str, Socket]) -> tuple[Socket, Socket]:
    """The image with a softer or tighter edge, and its matte. The edge moves inwards only: outside there is no colour."""
    alpha = _channels(tree, image)[3]
    soft = compat_nodes.blur(tree, alpha, given["Edge Softness"])
    inside = _math(tree, "SUBTRACT", _math(tree, "MULTIPLY", soft, 2.0), 1.0, clamp=True)
    wanted = _math(tree, "GREATER_THAN", given["Edge Softness"], 0.0)
    softened = _math(tree, "ADD", _math(tree, "MULTIPLY", inside, wanted),
                     _math(tree, "MULTIPLY", alpha, _math(tree, "SUBTRACT", 1.0, wanted)))
    choked = _math(tree, "DIVIDE", _math(tree, "SUBTRACT", softened, given["Edge Choke"], clamp=True),
                   _math(tree, "SUBTRACT", 1.0, given["Edge Choke"]))
    matte = _math(tree, "MINIMUM", alpha, choked)
    share = _math(tree, "DIVIDE", matte, _math(tree, "MAXIMUM", alpha, LEAST_ALPHA))
    return _with_alpha(tree, image, share, "APPLY"), matte


def _colour_match(tree: bpy.types.NodeTree, image: Socket, given: dict[str, Socket]) -> Socket:
    """Multiply red, green and blue by the plate's means over the image's mean light, as far as Colour Match says: the
    plate's light falls on the portrait, and a red coat stays red.

    Means are over what is covered: of the premultiplied values, over the mean of alpha.
    """
    own, wanted = _means(tree, image), _means(tree, given[_PLATE])
    own_light = _math(tree, "DIVIDE", _math(tree, "ADD", _math(tree, "ADD", own[0], own[1]), own[2]), 3.0)
    least = _math(tree, "MAXIMUM", own_light, LEAST_LIGHT)
    combine = tree.nodes.new("CompositorNodeCombineColor")
    channels = _channels(tree, image)
    for index in range(3):
        ratio = _math(tree, "DIVIDE", wanted[index], least)
        bounded = _math(tree, "MAXIMUM", _math(tree, "MINIMUM", ratio, MOST_GAIN), 1 / MOST_GAIN)
        step = _math(tree, "MULTIPLY", _math(tree, "SUBTRACT", bounded, 1.0), given["Colour Match"])
        tree.links.new(_math(tree, "MULTIPLY", channels[index], _math(tree, "ADD", step, 1.0)), combine.inputs[index])
    tree.links.new(channels[3], combine.inputs[3])
    return combine.outputs["Image"]


def _means(tree: bpy.types.NodeTree, image: Socket) -> list[Socket]:
    """Mean red, green and blue of what the image covers."""
    opaque = _with_alpha(tree, image, 1.0, "REPLACE_ALPHA")
    covered = _math(tree, "MAXIMUM", _mean(tree, _channels(tree, image)[3], "RED"), LEAST_ALPHA)
    return [_math(tree, "DIVIDE", _mean(tree, opaque, channel), covered) for channel in ("RED", "GREEN", "BLUE")]


def _mean(tree: bpy.types.NodeTree, image: Socket, channel: str) -> Socket:
    node = tree.nodes.new("CompositorNodeLevels")
    compat_nodes.set_option(node, "channel", channel)
    tree.links.new(image, node.inputs["Image"])
    return node.outputs["Mean"]


def _shadowed(tree: bpy.types.NodeTree, matte: Socket, given: dict[str, Socket]) -> Socket:
    """The plate with the matte's shadow on it."""
    shift = tree.nodes.new("CompositorNodeTranslate")
    tree.links.new(compat_nodes.blur(tree, matte, given["Shadow Softness"]), shift.inputs["Image"])
    for axis in "XY":
        tree.links.new(given[f"Shadow {axis}"], shift.inputs[axis])
    dark = tree.nodes.new("CompositorNodeCombineColor")
    tree.links.new(_math(tree, "MULTIPLY", shift.outputs["Image"], given["Shadow"]), dark.inputs[3])
    return compat_nodes.alpha_over(tree, given[_PLATE], dark.outputs["Image"])


def _with_alpha(tree: bpy.types.NodeTree, image: Socket, alpha: Socket | float, mode: str) -> Socket:
    node = tree.nodes.new("CompositorNodeSetAlpha")
    compat_nodes.set_option(node, "mode", mode)
    tree.links.new(image, node.inputs["Image"])
    _connect(tree, alpha, node.inputs["Alpha"])
    return node.outputs["Image"]


def _channels(tree: bpy.types.NodeTree, image: Socket) -> list[Socket]:
    node = tree.nodes.new("CompositorNodeSeparateColor")
    tree.links.new(image, node.inputs["Image"])
    return list(node.outputs)


def _math(tree: bpy.types.NodeTree, operation: str, first: Socket | float, second: Socket | float, *,
          clamp: bool = False) -> Socket:
    node = math_node(tree, operation, clamp=clamp)
    _connect(tree, first, node.inputs[0])
    _connect(tree, second, node.inputs[1])
    return node.outputs[0]


def _connect(tree: bpy.types.NodeTree, value: Socket | float, target: Socket) -> None:
    if isinstance(value, float):
        target.default_value = value
    else:
        tree.links.new(value, target)


def _rendered(tree: bpy.types.NodeTree, scene: bpy.types.Scene, output: bpy.types.Node) -> Socket:
    """The scene's render."""
    found = next((node for node in tree.nodes if node.bl_idname == "CompositorNodeRLayers"), None)
    node = found or _node(tree, "CompositorNodeRLayers", output.location.x - 420, output.location.y)
    node.scene = scene
    return node.outputs["Image"]


def _node(tree: bpy.types.NodeTree, kind: str, x: float, y: float) -> bpy.types.Node:
    node = tree.nodes.new(kind)
    node.location = (x, y)
    return node


def _lay_out(tree: bpy.types.NodeTree) -> None:
    """Columns by how far a node is from what comes in, so that somebody who opens the group can read it."""
    depth = {node.name: 0 for node in tree.nodes}
    for _ in tree.nodes:
        for link in tree.links:
            depth[link.to_node.name] = max(depth[link.to_node.name], depth[link.from_node.name] + 1)
    rows: dict[int, int] = {}
    for node in tree.nodes:
        column = depth[node.name]
        node.location = (200 * column, -180 * rows.get(column, 0))
        rows[column] = rows.get(column, 0) + 1
