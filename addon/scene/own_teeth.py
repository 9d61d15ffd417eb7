"""What the picture itself shows between parted lips (the part "teeth_source"): in the rig as in frames (the engine's render/seam.py)
it goes as the lips part, unless it is teeth, and what it has of the lower lip goes as that falls.

The renderer decides that along the lips; here the middle of the mouth does, by the shape keys that part it.
"""

from __future__ import annotations

import bpy
import numpy as np

from .backdrop import variable
from .channels import RIG_CHANNELS
from .portrait_file import PortraitData
from .space import PUPIL_DISTANCE_M

OWN_TEETH = "teeth_source"
FADES_ATTRIBUTE = "Fades"
"""Of the part's mesh: 1 where it goes with the red of its object's colour, 0 elsewhere."""
UPPER_LIP, LOWER_LIP = 13, 14
"""Vertices of the face in the middle of the lips' inner edges."""
GONE_AT, LEFT_AT, EDGES_WITHIN = 0.06, 0.035, 0.1
"""As in the engine's seam.py, pupil distances."""
ROWS, ROWS_ON_LIP = 8, 4
"""Rows of the part's vertices, and how many of the last lie on the lower lip."""
LEAST_SHARE = 0.2
"""Shape keys that do less than this of what makes the strip go are left out: an expression of Blender's is 255 characters long."""


def fade_when_parted(teeth: bpy.types.Object, portrait: PortraitData, keys: bpy.types.Key) -> None:
    """Drive the colour of the object that shows the picture's own teeth: alpha by how far the lips part, red by how far the lower one
    falls. `keys`: of the rig's master mesh.

    The expressions are among those Blender evaluates itself, without Python: no scripts to allow.
    """
    parts, falls, rest_gap = opening(portrait)
    only_edges = 1 - min(rest_gap / EDGES_WITHIN, 1.0)
    goes = max(only_edges, 1 - portrait.teeth_shown)
    for index, moves, gone_at, share in ((3, parts, GONE_AT, goes), (0, falls, LEFT_AT, 1.0)):
        driver = teeth.driver_add("color", index).driver
        driver.type = "SCRIPTED"
        strong = np.flatnonzero(np.abs(moves) > LEAST_SHARE * gone_at)
        names = [variable(driver, "KEY", keys, shape(channel)) for channel in strong]
        terms = [f"{move:+.2f}*{name}" for move, name in zip(moves[strong] / gone_at, names)]
        driver.expression = f"1-{share:.3f}*clamp({''.join(terms) or '0'})"


def shape(channel: int) -> str:
    """Where a driver finds the value of the shape key of one of RIG_CHANNELS."""
    return f'key_blocks["{RIG_CHANNELS[channel]}"].value'


def opening(portrait: PortraitData) -> tuple[np.ndarray, np.ndarray, float]:
    """(C,) how far each channel at 1 parts the middle of the lips and lowers the lower one, and how far they are apart at rest; pupil
    distances."""
    face, unit = portrait.parts["face"], portrait.units_per_metre * PUPIL_DISTANCE_M
    moved = np.zeros((2, len(RIG_CHANNELS), 2))
    for lip, vertex in enumerate((UPPER_LIP, LOWER_LIP)):
        entries = face.delta_index == vertex
        np.add.at(moved[lip], face.delta_channel[entries], face.delta_offset[entries, :2])
    gap = (face.vertices[LOWER_LIP] - face.vertices[UPPER_LIP])[:2].astype(np.float64)
    down = gap / max(float(np.linalg.norm(gap)), 1e-6)
    return (moved[1] - moved[0]) @ down / unit, moved[1] @ down / unit, float(np.linalg.norm(gap)) / unit


def mark_fading(mesh: bpy.types.Mesh) -> None:
    """Give the part's mesh the attribute by which its rows on the lower lip go."""
    count = len(mesh.vertices)
    fades = np.zeros(count, np.float32)
    fades[count - count // ROWS * ROWS_ON_LIP:] = 1.0
    mesh.attributes.new(FADES_ATTRIBUTE, "FLOAT", "POINT").data.foreach_set("value", fades)
