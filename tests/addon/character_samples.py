"""Characters made up for the tests: a face of a few vertices with any shape keys, an armature whose bones lie any way."""

from __future__ import annotations

import math

import bpy
from mathutils import Matrix, Vector

from soliloquy.addon.characters.mapping import Row, best_mapping, matched, preset_mappings
from soliloquy.addon.characters.performances import CharacterPerformance
from soliloquy.addon.characters.targets import character_of
from soliloquy.addon.scene.channels import CHANNELS
from soliloquy.addon.scene.clip_file import ClipData
from soliloquy.engine.motion.clip import MotionClip

PHONES = (("SIL", 0.0, 0.2), ("M", 0.2, 0.3), ("AA", 0.3, 0.6), ("SIL", 0.6, 1.0))

VROID = {"Fcl_MTH_A", "Fcl_MTH_I", "Fcl_MTH_U", "Fcl_MTH_E", "Fcl_MTH_O", "Fcl_EYE_Close_L", "Fcl_EYE_Close_R", "Fcl_ALL_Joy"}
STANDARDS = {
    "arkit": list(CHANNELS),
    "vrm1": ["aa", "ih", "ou", "ee", "oh", "blinkLeft", "blinkRight", "lookUp", "lookDown", "lookLeft", "lookRight", "happy"],
    "vrm0": ["A", "I", "U", "E", "O", "Blink_L", "Blink_R", "LookUp", "Joy"],
    "oculus": [f"viseme_{name}" for name in "sil PP FF TH DD kk CH SS nn RR aa E I O U".split()],
    "microsoft": [f"viseme_{number}" for number in range(22)],
    "preston_blair": "AI E O U etc L WQ MBP FV rest".split(),
}

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


def performance(clip: MotionClip, phones=()) -> CharacterPerformance:
    return CharacterPerformance("take", ClipData(clip.fps, clip.channels, clip.head_rotation_deg, clip.head_translation_m,
                                                 clip.gaze_deg), phones)


def whole_character():
    return character_of(bpy.context.scene.objects)


def rows_for(character, key: str | None = None) -> list[Row]:
    mapping = preset_mappings()[key] if key else best_mapping(character.key_names(), character.bone_names())
    return matched(mapping, character.key_names(), character.bone_names())


def key_values(item, name: str, frames) -> list[float]:
    values = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        values.append(item.data.shape_keys.key_blocks[name].value)
    return values
