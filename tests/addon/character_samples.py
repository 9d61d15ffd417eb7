"""Characters made up for the tests: a face of a few vertices with any shape keys, an armature whose bones lie any way."""

from __future__ import annotations

import math

import bpy
from mathutils import Matrix, Vector

LEFT, RIGHT = Vector((0.035, -0.09, 1.62)), Vector((-0.035, -0.09, 1.62))
HEAD_AT, JAW_AT, CHIN = Vector((0, 0, 1.5)), Vector((0, -0.02, 1.56)), Vector((0, -0.1, 1.48))


def face(name: str, keys: list[str], armature: bpy.types.Object | None = None) -> bpy.types.Object:
    """A mesh in world space, looking along -Y: left eye, right eye, mouth, chin; a key with a side moves that side's eye."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([LEFT, RIGHT, (0, -0.1, 1.53), CHIN], [], [(0, 1, 2), (0, 2, 3)])
    item = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(item)
    item.shape_key_add(name="Basis", from_mix=False)
    for number, key in enumerate(keys):
        block = item.shape_key_add(name=key, from_mix=False)
        side = 0 if key.endswith(("Left", "_L", ".L")) else 1 if key.endswith(("Right", "_R", ".R")) else 2
        block.data[side].co.z -= 0.01 + 0.0001 * number
    if armature is not None:
        item.modifiers.new("Armature", "ARMATURE").object = armature
    return item


def skeleton(bones: dict[str, tuple[Vector, Vector, float]], world: Matrix = Matrix()) -> bpy.types.Object:
    """An armature whose bones lie as given in world space: name -> (head, tail, roll in degrees), the first their parent."""
    data = bpy.data.armatures.new("Skeleton")
    item = bpy.data.objects.new("Skeleton", data)
    bpy.context.scene.collection.objects.link(item)
    item.matrix_world = world
    bpy.context.view_layer.objects.active = item
    bpy.ops.object.mode_set(mode="EDIT")
    parent = None
    for name, (head, tail, roll_deg) in bones.items():
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = world.inverted() @ Vector(head), world.inverted() @ Vector(tail)
        bone.roll = math.radians(roll_deg)
        bone.parent = parent
        parent = parent or bone
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.update()
    return item


def head_bones(names: tuple[str, str, str, str] = ("head", "jaw", "eye.L", "eye.R"), roll_deg: float = 0.0) -> dict:
    """Head, jaw, left and right eye, with a roll that no one would expect."""
    head, jaw, left, right = names
    return {head: (HEAD_AT, HEAD_AT + Vector((0, 0, 0.2)), roll_deg), jaw: (JAW_AT, CHIN, -2 * roll_deg),
            left: (LEFT, LEFT + Vector((0, -0.03, 0)), roll_deg / 2), right: (RIGHT, RIGHT + Vector((0, -0.03, 0)), -roll_deg)}
