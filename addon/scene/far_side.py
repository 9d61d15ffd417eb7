"""The fill of a far cheek (see the engine's portrait/far_side.py): it shows as far as the head has turned it into view.

The renderer decides that for every vertex; here the fill fades in as a whole, by the mean direction that its surface faces.
"""

from __future__ import annotations

import bpy
import numpy as np

from .portrait_file import PartData, PortraitData
from .rig_names import HEAD, NECK

FAR_SIDE = "far_side"
COMES_INTO_VIEW = (0.02, 0.16)
"""As in the renderer's pose.py: the fill begins to show when it faces the camera by this much more than at rest, and is full."""
YAW_AXIS = 1


def show_when_turned(fill: bpy.types.Object, portrait: PortraitData, armature: bpy.types.Object) -> None:
    """Drive the alpha of the fill's colour by the yaw of head and neck: 0 at rest and turned away, 1 turned well into view.

    The expression is one of those Blender evaluates itself, without Python: no scripts to allow.
    """
    sideways = facing_sideways(portrait)
    low, high = COMES_INTO_VIEW
    driver = fill.driver_add("color", 3).driver
    driver.type = "SCRIPTED"
    for name, bone in (("head", HEAD), ("neck", NECK)):
        variable = driver.variables.new()
        variable.name, variable.type = name, "SINGLE_PROP"
        target = variable.targets[0]
        target.id_type, target.id = "OBJECT", armature
        target.data_path = f'pose.bones["{bone}"].rotation_euler[{YAW_AXIS}]'
    driver.expression = f"clamp((sin(head+neck)*{-sideways:.4f}-{low})*{1 / (high - low):.4f})"


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
