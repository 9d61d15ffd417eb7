"""What an animator grabs on a portrait's rig: bones with shapes of their own, that turn no further than a picture holds
up, and a target the eyes can look at."""

from __future__ import annotations

import bpy
import numpy as np

from .rig_names import EYE_BONES, GAZE, HEAD, NECK, ROOT, SHOULDERS, THROAT

FOLLOW_PROPERTY = "gaze_target"
"""On the armature: how far the eyes look at the bone `gaze`, 0 (as keyed) to 1."""

CARRIED = "Carried by the Head"
GAZE_DISTANCE_M = 0.5
RING_STEPS = 40
SHAPE_NAME = "Soliloquy {}"

_HEAD_RADIUS, _NECK_RADIUS, _EYE_RADIUS, _GAZE_RADIUS, _ROOT_RADIUS = 0.15, 0.09, 0.017, 0.018, 0.24
"""Metres: an adult head is 0.15 wide and 0.23 high, an iris 0.012 across."""

LIMITS_DEG = {HEAD: ((-40, 40), (-50, 50), (-40, 40)), NECK: ((-30, 30), (-30, 30), (-30, 30)),
              "eye.L": ((-35, 35), (0, 0), (-45, 45)), "eye.R": ((-35, 35), (0, 0), (-45, 45))}
"""Bone -> ranges about its own x, y, z. A performance stays far inside; a picture falls apart beyond. Eyes: Guitton & Volle
(1987) give an oculomotor range of 45 to 55 degrees to the side."""

BONE_COLOURS = {ROOT: (0.85, 0.85, 0.85), NECK: (0.45, 1.0, 0.45), HEAD: (1.0, 0.8, 0.2), GAZE: (0.3, 0.85, 1.0),
                "eye.L": (0.3, 0.85, 1.0), "eye.R": (0.3, 0.85, 1.0)}
"""Bright: they are seen on dark coats and pale skin."""
SELECTED, ACTIVE = (1.0, 0.45, 0.1), (1.0, 1.0, 1.0)
LINE_PX = 2.0


def add_controls(armature: bpy.types.Object, head_length_m: float) -> None:
    """Dress the bones of a new rig. head_length_m: of the bone `head`."""
    armature[FOLLOW_PROPERTY] = 0.0
    armature.id_properties_ui(FOLLOW_PROPERTY).update(min=0.0, max=1.0, description="How far the eyes look at the bone gaze")
    armature.property_overridable_library_set(f'["{FOLLOW_PROPERTY}"]', True)
    front, around = _shape("Front Ring", "xy"), _shape("Ring", "xz")
    bones = armature.pose.bones
    _dress(bones[ROOT], around, _ROOT_RADIUS, 0.0)
    _dress(bones[NECK], around, _NECK_RADIUS, 0.0)
    _dress(bones[HEAD], front, _HEAD_RADIUS, head_length_m)
    _dress(bones[GAZE], _shape("Target", "xz", cross=True), _GAZE_RADIUS, 0.0)
    for name in EYE_BONES.values():
        _dress(bones[name], around, _EYE_RADIUS, bones[name].bone.length)
        bones[name].lock_rotation[1] = True
        _follow_gaze(armature, bones[name])
    for name in (NECK, *EYE_BONES.values()):
        bones[name].lock_location = (True, True, True)
    for name, ranges in LIMITS_DEG.items():
        _limit(bones[name], ranges)
    carry_shoulders(armature)
    _hide_mechanism(armature.data)
    for name, colour in BONE_COLOURS.items():
        shown = armature.data.bones[name].color
        shown.palette = "CUSTOM"
        shown.custom.normal, shown.custom.select, shown.custom.active = colour, SELECTED, ACTIVE


def carry_shoulders(armature: bpy.types.Object) -> None:
    """Let throat and shoulders shift as the head does, whatever shifts it."""
    for name in (THROAT, SHOULDERS):
        bone = armature.pose.bones[name]
        if bone.constraints.get(CARRIED) is None:
            constraint = bone.constraints.new("COPY_LOCATION")
            constraint.name, constraint.target, constraint.subtarget = CARRIED, armature, HEAD
            constraint.owner_space = constraint.target_space = "LOCAL"


def _hide_mechanism(armature: bpy.types.Armature) -> None:
    """What nobody grabs is in a bone collection of its own, out of sight."""
    mechanism = armature.collections.new("Mechanism")
    for name in (THROAT, SHOULDERS):
        mechanism.assign(armature.bones[name])
    mechanism.is_visible = False


def _dress(bone: bpy.types.PoseBone, shape: bpy.types.Object, radius_m: float, along_m: float) -> None:
    bone.custom_shape, bone.use_custom_shape_bone_size = shape, False
    bone.custom_shape_scale_xyz = (radius_m, radius_m, radius_m)
    bone.custom_shape_translation = (0.0, along_m, 0.0)
    bone.custom_shape_wire_width = LINE_PX


def _shape(name: str, plane: str, *, cross: bool = False) -> bpy.types.Object:
    """A circle of radius 1 in a plane of the bone's axes, made once per file. It is in no scene: bones only show it."""
    full = SHAPE_NAME.format(name)
    found = bpy.data.objects.get(full)
    if found is not None and not found.users_collection:
        return found
    angles = np.linspace(0, 2 * np.pi, RING_STEPS, endpoint=False)
    flat = [*zip(np.cos(angles), np.sin(angles), strict=True)]
    edges = [(step, (step + 1) % RING_STEPS) for step in range(RING_STEPS)]
    if cross:
        flat += [(-1, 0), (1, 0), (0, -1), (0, 1)]
        edges += [(RING_STEPS, RING_STEPS + 1), (RING_STEPS + 2, RING_STEPS + 3)]
    points = [{"xy": (a, b, 0), "xz": (a, 0, b)}[plane] for a, b in flat]
    mesh = bpy.data.meshes.new(full)
    mesh.from_pydata(points, edges, [])
    return bpy.data.objects.new(full, mesh)


def _follow_gaze(armature: bpy.types.Object, eye: bpy.types.PoseBone) -> None:
    """Let the eye look at `gaze` as far as the armature's property says (a plain variable: no scripts, nothing to allow)."""
    constraint = eye.constraints.new("DAMPED_TRACK")
    constraint.name, constraint.track_axis = "Gaze Target", "TRACK_Y"
    constraint.target, constraint.subtarget = armature, GAZE
    driver = constraint.driver_add("influence").driver
    driver.type = "SUM"
    variable = driver.variables.new()
    variable.type = "SINGLE_PROP"
    target = variable.targets[0]
    target.id_type, target.id, target.data_path = "OBJECT", armature, f'["{FOLLOW_PROPERTY}"]'


def _limit(bone: bpy.types.PoseBone, ranges: tuple[tuple[float, float], ...]) -> None:
    constraint = bone.constraints.new("LIMIT_ROTATION")
    constraint.owner_space, constraint.use_transform_limit = "LOCAL", True
    for axis, (least, most) in zip("xyz", ranges, strict=True):
        setattr(constraint, f"use_limit_{axis}", True)
        setattr(constraint, f"min_{axis}", np.radians(least))
        setattr(constraint, f"max_{axis}", np.radians(most))
