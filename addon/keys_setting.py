"""How densely a performance is keyed: on every frame, or only where straight lines between keys would stray too far."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, FloatProperty

PERCENT = 100.0
USUAL_TOLERANCE, SMALLEST_TOLERANCE, LARGEST_TOLERANCE = 0.5, 0.01, 10.0
"""Percent of a whole shape key."""

REDUCE_KEYS = BoolProperty(name="Reduce Keys", default=False, description=(
    "Leave out keys that straight lines between the others come near enough to; otherwise there is a key on every frame"))
KEY_TOLERANCE = FloatProperty(
    name="Tolerance", subtype="PERCENTAGE", default=USUAL_TOLERANCE, min=SMALLEST_TOLERANCE, max=LARGEST_TOLERANCE,
    soft_max=2.0, precision=2, step=10, description=(
        "How far a curve may stray where keys are left out, in percent of a whole shape key; 1% is 0.25 degrees of a turn "
        "and 0.4 mm of a shift"))


def reduce_by(settings: bpy.types.bpy_struct) -> float:
    """What `scene.assemble` takes as `reduce_by`: the tolerance as a share, 0 for a key on every frame."""
    return settings.key_tolerance / PERCENT if settings.reduce_keys else 0.0


def draw(layout: bpy.types.UILayout, settings: bpy.types.bpy_struct) -> None:
    """The two fields; the tolerance is greyed while it decides nothing."""
    column = layout.column()
    column.prop(settings, "reduce_keys")
    row = column.row()
    row.active = settings.reduce_keys
    row.prop(settings, "key_tolerance")
