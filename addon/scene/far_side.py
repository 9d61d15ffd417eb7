"""The fill of a far cheek (see the engine's portrait/far_side.py): it shows as far as the head has turned it into view. Turned
further away, the person about it lies deeper (portrait/turned_away.py).

The renderer decides for every vertex how much is shown; here the fill fades in as a whole, by the mean direction that its surface faces.
"""

from __future__ import annotations

import bpy
import numpy as np

from .portrait_file import PartData, PortraitData
from .rig_names import HEAD, NECK

FAR_SIDE = "far_side"
COMES_INTO_VIEW, LIES_DEEPER = (0.02, 0.16), (0.0, 0.04)
"""As in the renderer: the fill begins to show when it faces the camera by this much more than at rest, and is full; what lies about it begins
to lie deeper when it faces the camera by so much less, and does."""
YAW_AXIS = 1
TURNED_AWAY, TURNED_BACK = "turnedAway", "turnedBack"
"""The person's shape keys of that; no channels of a performance."""
BACK_DEG = 15.0
"""Turned back by this the person about the fill goes behind it straight away from the camera, where it hides nothing of it."""


def show_when_turned(fill: bpy.types.Object, portrait: PortraitData, armature: bpy.types.Object) -> None:
    """Drive the alpha of the fill's colour by the yaw of head and neck: 0 at rest and turned away, 1 turned well into view."""
    _by_yaw(fill.driver_add("color", 3).driver, armature, -facing_sideways(portrait), COMES_INTO_VIEW)


def lie_deeper_when_turned(person: bpy.types.Object, portrait: PortraitData, armature: bpy.types.Object, rest: np.ndarray,
                           deeper: np.ndarray) -> None:
    """Give the person two shape keys that are 0 at rest: one is 1 turned further away, where its vertices lie as deep as the face; the other
    turned back, where they stay where they are seen but go behind the fill, which the renderer draws over them.

    rest, deeper: (V, 3) where its vertices are at rest and turned further away, metres.
    """
    if person.data.shape_keys is None:
        person.shape_key_add(name="Basis", from_mix=False)
    sideways = facing_sideways(portrait)
    back = -np.copysign(np.radians(BACK_DEG), sideways)
    behind = rest + np.linalg.norm(deeper - rest, axis=1, keepdims=True) * (np.sin(back), np.cos(back), 0.0)
    for name, where, per_sine, limits in ((TURNED_AWAY, deeper, sideways, LIES_DEEPER), (TURNED_BACK, behind, -sideways, COMES_INTO_VIEW)):
        key = person.shape_key_add(name=name, from_mix=False)
        key.data.foreach_set("co", np.ascontiguousarray(where, np.float32).ravel())
        _by_yaw(key.driver_add("value").driver, armature, per_sine, limits)


def _by_yaw(driver: bpy.types.Driver, armature: bpy.types.Object, per_sine: float, limits: tuple[float, float]) -> None:
    """From 0 to 1 between two limits of `per_sine` times the sine of the yaw. The expression is one of those Blender evaluates itself,
    without Python: no scripts to allow."""
    low, high = limits
    driver.type = "SCRIPTED"
    for name, bone in (("head", HEAD), ("neck", NECK)):
        variable = driver.variables.new()
        variable.name, variable.type = name, "SINGLE_PROP"
        target = variable.targets[0]
        target.id_type, target.id = "OBJECT", armature
        target.data_path = f'pose.bones["{bone}"].rotation_euler[{YAW_AXIS}]'
    driver.expression = f"clamp((sin(head+neck)*{per_sine:.4f}-{low})*{1 / (high - low):.4f})"


def facing_sideways(portrait: PortraitData) -> float:
    """The mean normal's share to the picture's right (-1..1), by how much of the fill is wanted where.

    Its winding is the face's, whose normals point to the camera on the whole.
    """
    part, face = portrait.parts[FAR_SIDE], portrait.parts["face"]
    towards_camera = np.sign(_crossed(face)[:, 2].sum()) or 1.0
    wanted = part.colour[:, 3][part.triangles].mean(axis=1)
    normal = towards_camera * (_crossed(part) * wanted[:, None]).sum(axis=0)
    return float(normal[0] / max(np.linalg.norm(normal), 1e-9))


def _crossed(part: PartData) -> np.ndarray:
    """(T, 3) normals of the triangles, as long as twice their areas."""
    corners = part.vertices[part.triangles].astype(np.float64)
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
