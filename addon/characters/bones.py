"""Turns of the head, the eyes and the jaw in the axes of a character's bones, however these lie.

The clip's axes are those of a face seen from the front (x to the picture's right, y up, z to the viewer). `facing` finds them on a
character; a bone's own axes follow from its rest pose.
"""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np
from mathutils import Matrix, Quaternion, Vector

from .choices import AUTO, FRONTS, ROTATIONS

DEFAULT_FRONT = "-Y"
"""Where Blender's front view looks from, and where imported glTF, VRM and FBX characters face."""

LEFT_RIGHT_KEYS = (("eyeBlinkLeft", "eyeBlinkRight"), ("mouthSmileLeft", "mouthSmileRight"))

_AUTO_AXIS = {"yaw": (0, 1, 0), "pitch": (-1, 0, 0), "roll": (0, 0, 1), "x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1)}
"""In the clip's axes: R = Ry(yaw) Rx(-pitch) Rz(roll)."""
_OWN_AXIS = {"X": (1, 0, 0), "Y": (0, 1, 0), "Z": (0, 0, 1)}


def axes_from_left(left: Vector) -> Matrix:
    """(3, 3) columns: the picture's right, up, towards the viewer, in world space, from the direction of the subject's left."""
    up = Vector((0, 0, 1))
    left = (left - left.project(up)).normalized()
    return Matrix((left, up, left.cross(up))).transposed()


def axes_from_front(front: str) -> Matrix:
    """The same for a character that looks towards `front`, a key of FRONTS."""
    return axes_from_left(Vector((0, 0, 1)).cross(Vector(FRONTS[front])))


def axis_in_bone(bone: bpy.types.Bone, armature: bpy.types.Object, axes: Matrix, motion: str, axis: str) -> Vector:
    """The unit axis of a motion in the bone's own space at rest. axes: see `axes_from_left`."""
    if axis != AUTO:
        return Vector(_OWN_AXIS[axis[-1]]) * (-1 if axis.startswith("-") else 1)
    to_armature = armature.matrix_world.to_3x3().normalized().inverted_safe()
    return (bone.matrix_local.to_3x3().inverted_safe() @ to_armature @ axes @ Vector(_AUTO_AXIS[motion])).normalized()


def rotation_curves(pose_bone: bpy.types.PoseBone, turns: Mapping[str, tuple[Vector, np.ndarray]]) -> tuple[str, np.ndarray]:
    """(property, (T, 3 or 4) values) in the bone's own rotation mode, which is left as it is.

    turns: motion -> (axis in the bone, (T,) degrees); roll is applied first, yaw last.
    """
    turn = np.array([[1.0, 0.0, 0.0, 0.0]])
    for motion in ROTATIONS:
        if motion in turns:
            axis, degrees = turns[motion]
            half = np.radians(degrees) / 2
            turn = _product(turn, np.column_stack((np.cos(half), np.sin(half)[:, None] * np.array(axis))))
    mode = pose_bone.rotation_mode
    if mode == "QUATERNION":
        return "rotation_quaternion", _continuous(turn)
    if mode == "AXIS_ANGLE":
        return "rotation_axis_angle", np.array([(angle, *axis) for axis, angle in (Quaternion(q).to_axis_angle() for q in turn)])
    eulers = [Quaternion(turn[0]).to_euler(mode)]
    for quaternion in turn[1:]:
        eulers.append(Quaternion(quaternion).to_euler(mode, eulers[-1]))
    return "rotation_euler", np.array(eulers)


def shift_curves(armature: bpy.types.Object, shifts: Mapping[str, tuple[Vector, np.ndarray]]) -> np.ndarray:
    """(T, 3) the bone's location. shifts: motion -> (axis in the bone, (T,) metres in the world)."""
    scale = max(1e-9, float(np.mean(armature.matrix_world.to_scale())))
    return sum(np.outer(metres, axis) for axis, metres in shifts.values()) / scale


def _product(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(T, 4) Hamilton products of quaternions w, x, y, z; `second` is applied first."""
    w, x, y, z = first.T
    a, b, c, d = second.T
    return np.column_stack((w * a - x * b - y * c - z * d, w * b + x * a + y * d - z * c,
                            w * c - x * d + y * a + z * b, w * d + x * c - y * b + z * a))


def _continuous(quaternions: np.ndarray) -> np.ndarray:
    """The same turns without jumps between q and -q."""
    flips = np.where((quaternions[1:] * quaternions[:-1]).sum(axis=1) < 0, -1.0, 1.0)
    return quaternions * np.concatenate(([1.0], np.cumprod(flips)))[:, None]
