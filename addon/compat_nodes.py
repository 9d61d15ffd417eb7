"""What differs between the compositors of Blender 4.3 to 5.2, and nothing else."""

from __future__ import annotations

import bpy

IN_GROUP = bpy.app.version >= (5, 0)
"""From 5.0 on a scene composites with a node group, whose output is the result."""

_OPTION_SOCKETS = {"mode": "Type", "channel": "Channel"}
_OPTION_NAMES = {"APPLY": "Apply Mask", "REPLACE_ALPHA": "Replace Alpha", "RED": "Red", "GREEN": "Green", "BLUE": "Blue"}
BLUR_UNIT_PX = 100
"""Before 4.5 a blur's size is a share of this many pixels."""


def compositor_tree(scene: bpy.types.Scene) -> bpy.types.NodeTree:
    """The scene's compositing nodes, switched on or made when missing; what is there stays."""
    if IN_GROUP:
        if scene.compositing_node_group is None:
            scene.compositing_node_group = new_tree(f"{scene.name} Compositing")
            scene.compositing_node_group.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        return scene.compositing_node_group
    if not scene.use_nodes:
        scene.use_nodes = True
    return scene.node_tree


def new_tree(name: str) -> bpy.types.NodeTree:
    """An empty group of compositing nodes."""
    return bpy.data.node_groups.new(name, "CompositorNodeTree")


def final_input(tree: bpy.types.NodeTree) -> bpy.types.NodeSocket:
    """Where the scene's result goes in: of the active output, made when there is none."""
    kind = "NodeGroupOutput" if IN_GROUP else "CompositorNodeComposite"
    outputs = [node for node in tree.nodes if node.bl_idname == kind]
    output = next((node for node in outputs if getattr(node, "is_active_output", True)), None) or tree.nodes.new(kind)
    if IN_GROUP and not any(socket.enabled and socket.type == "RGBA" for socket in output.inputs):
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    return next(socket for socket in output.inputs if socket.type == "RGBA")


def set_option(node: bpy.types.Node, option: str, value: str) -> None:
    """An option of a node: a property before 5.0, the default of a menu socket since."""
    if hasattr(node, option):
        setattr(node, option, value)
    else:
        node.inputs[_OPTION_SOCKETS[option]].default_value = _OPTION_NAMES[value]


def math_node(tree: bpy.types.NodeTree, operation: str, *, clamp: bool = False) -> bpy.types.Node:
    """A node that calculates with single values."""
    node = tree.nodes.new("ShaderNodeMath" if IN_GROUP else "CompositorNodeMath")
    node.operation, node.use_clamp = operation, clamp
    return node


def blur(tree: bpy.types.NodeTree, image: bpy.types.NodeSocket, size_px: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """`image` blurred by `size_px` pixels."""
    node = tree.nodes.new("CompositorNodeBlur")
    tree.links.new(image, node.inputs["Image"])
    if node.inputs["Size"].type == "VECTOR":
        tree.links.new(size_px, node.inputs["Size"])
        return node.outputs["Image"]
    node.size_x = node.size_y = BLUR_UNIT_PX
    share = math_node(tree, "DIVIDE")
    tree.links.new(size_px, share.inputs[0])
    share.inputs[1].default_value = BLUR_UNIT_PX
    tree.links.new(share.outputs[0], node.inputs["Size"])
    return node.outputs["Image"]


def alpha_over(tree: bpy.types.NodeTree, back: bpy.types.NodeSocket, front: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """`front`, premultiplied, over `back`."""
    node = tree.nodes.new("CompositorNodeAlphaOver")
    pictures = [socket for socket in node.inputs if socket.type == "RGBA"]
    tree.links.new(back, pictures[0])
    tree.links.new(front, pictures[1])
    return node.outputs["Image"]
