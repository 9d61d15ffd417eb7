"""The fill of a far cheek (see the engine's portrait/far_side.py): it shows as far as the head has turned it into view, and as far the
person about it lies nearer (portrait/turned_back.py).

The renderer decides for every vertex how much is shown; here the fill fades in as a whole, by the mean direction that its surface faces.
"""

from __future__ import annotations

import bpy
import numpy as np

from .portrait_file import PartData, PortraitData
from .rig_names import HEAD, NECK

FAR_SIDE = "far_side"
COMES_INTO_VIEW, LIES_NEARER = (0.02, 0.16), (0.0, 0.04)
"""As in the renderer's pose.py: the fill begins to show when it faces the camera by this much more than at rest, and is full; what lies about
it has come nearer by then."""
YAW_AXIS = 1
TURNED_BACK = "turnedBack"
"""The person's shape key of that; no channel of a performance."""


def show_when_turned(fill: bpy.types.Object, portrait: PortraitData, armature: bpy.types.Object) -> None:
    """Drive the alpha of the fill's colour by the yaw of head and neck: 0 at rest and turned away, 1 turned well into view."""
    _by_yaw(fill.driver_add("color", 3).driver, portrait, armature, COMES_INTO_VIEW)


def lie_nearer_when_turned(person: bpy.types.Object, portrait: PortraitData, armature: bpy.types.Object, nearer: np.ndarray) -> None:
    """Give the person a shape key that is driven likewise. nearer: (V, 3) where its vertices are at 1, metres."""
    if person.data.shape_keys is None:
        person.shape_key_add(name="Basis", from_mix=False)
    key = person.shape_key_add(name=TURNED_BACK, from_mix=False)
    key.data.foreach_set("co", np.ascontiguousarray(nearer, np.float32).ravel())
    _by_yaw(key.driver_add("value").driver, portrait, armature, LIES_NEARER)


def _by_yaw(driver: bpy.types.Driver, portrait: PortraitData, armature: bpy.types.Object, limits: tuple[float, float]) -> None:
    """From 0 to 1 between `limits` of what the fill faces the camera by more than at rest. The expression is one of those Blender evaluates
    itself, without Python: no scripts to allow."""
    low, high = limits
    driver.type = "SCRIPTED"
    for name, bone in (("head", HEAD), ("neck", NECK)):
        variable = driver.variables.new()
        variable.name, variable.type = name, "SINGLE_PROP"
        target = variable.targets[0]
        target.id_type, target.id = "OBJECT", armature
        target.data_path = f'pose.bones["{bone}"].rotation_euler[{YAW_AXIS}]'
    driver.expression = f"clamp((sin(head+neck)*{-facing_sideways(portrait):.4f}-{low})*{1 / (high - low):.4f})"


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
