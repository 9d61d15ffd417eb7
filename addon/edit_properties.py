"""What the person sets for Regenerate and for retiming; kept in the .blend."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty

WHOLE, PREVIEW, SELECTED, TYPED = "WHOLE", "PREVIEW", "SELECTED", "TYPED"

REGIONS = {
    "lips": "Everything the lips do, and the tongue",
    "jaw": "Opening and movement of the jaw",
    "head": "Turns, nods and sway of the head; the eyes go on looking where they look",
    "gaze": "Where the eyes look",
    "blinks": "When and how the lids close",
    "lids": "Narrowed and widened eyes",
    "brows": "The brows",
    "cheeks": "Cheeks and nose",
}
"""Regions of the face as the engine has them (motion/edit.py; a test holds the two together)."""


class SoliloquyEdit(bpy.types.PropertyGroup):
    """Settings of the edit panel."""

    span: EnumProperty(name="Time", description="Which part of the performance is done again", items=[
        (WHOLE, "All of It", "From the first to the last frame"),
        (PREVIEW, "Preview Range", "The scene's preview range (P in the timeline sets it)"),
        (SELECTED, "Selected Keys", "From the first to the last key of the performance that is selected in the Graph Editor"),
        (TYPED, "Frames", "From one frame of the scene to another")])
    first_frame: IntProperty(name="From", default=1, description="First frame of the scene that may change")
    last_frame: IntProperty(name="To", default=50, description="Last frame of the scene that may change")
    regions: EnumProperty(name="Regions", options={"ENUM_FLAG"}, default=set(REGIONS), description="What is done again",
                          items=[(name, name.title(), meaning, "NONE", 1 << place)
                                 for place, (name, meaning) in enumerate(REGIONS.items())])
    take: IntProperty(name="Take", default=-1, min=-1, description="Which take; -1 for one that was not used yet")
    panel_direction: BoolProperty(name="Use Direction Above", default=False, description=(
        "Perform as the Direction panel says now; otherwise as the performance was made"))
    seam_s: FloatProperty(name="Seams", default=0.0, min=0.0, max=5.0, subtype="TIME_ABSOLUTE", unit="TIME_ABSOLUTE",
                          description="How long it takes from the old to the new; 0 leaves it to each region")


def register() -> None:
    bpy.utils.register_class(SoliloquyEdit)
    bpy.types.Scene.soliloquy_edit = PointerProperty(type=SoliloquyEdit)


def unregister() -> None:
    del bpy.types.Scene.soliloquy_edit
    bpy.utils.unregister_class(SoliloquyEdit)
