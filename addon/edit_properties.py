"""What the person sets for Regenerate and for retiming; kept in the .blend."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from . import compat, directions, rights

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


CHANNEL, FILE, NOBODY = "CHANNEL", "FILE", "NONE"


def _presets(_speaker: bpy.types.PropertyGroup, _context: bpy.types.Context | None) -> list[tuple[str, str, str]]:
    return directions.preset_items()


class SoliloquySpeaker(bpy.types.PropertyGroup):
    """One person of a scene; `name` is Blender's own property."""

    picture: StringProperty(name="Picture", subtype="FILE_PATH", options=compat.PATH_OPTIONS,
                            description="This person's picture, or a .portrait made from one")
    rights: EnumProperty(name="Rights", items=rights.ITEMS, default=rights.NOT_SAID,
                         description="On what basis this person may be animated; kept in the portrait and the report")
    rights_statement: StringProperty(name="Where", description="In words: where the agreement or the licence is")
    voice_from: EnumProperty(name="Voice", description="Where this person's lines are", items=[
        (CHANNEL, "Channel", "Every sound strip on a channel of the sequencer"),
        (FILE, "File", "A recording that starts where the scene does"),
        (NOBODY, "Only Listens", "This person says nothing")])
    channel: IntProperty(name="Channel", min=1, max=128, default=1, description="Channel of the sequencer with this person's lines")
    voice: StringProperty(name="File", subtype="FILE_PATH", options=compat.PATH_OPTIONS, description="This person's recording")
    direction: EnumProperty(name="Direction", items=_presets, description="How this person performs")
    seed: IntProperty(name="Take", min=0, description="Another number gives another performance of the same words")
    rig: PointerProperty(name="Rig", type=bpy.types.Object, description="The rig that is keyed; empty to build one",
                         poll=lambda _speaker, item: item.type == "ARMATURE")


class SoliloquyCast(bpy.types.PropertyGroup):
    """The people of a scene, and which of them the panel shows."""

    speakers: CollectionProperty(type=SoliloquySpeaker, description="The people of this scene")
    active: IntProperty(name="Speaker", description="The speaker that is shown below the list")


_CLASSES = (SoliloquyEdit, SoliloquySpeaker, SoliloquyCast)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.soliloquy_edit = PointerProperty(type=SoliloquyEdit)
    bpy.types.Scene.soliloquy_cast = PointerProperty(type=SoliloquyCast)


def unregister() -> None:
    del bpy.types.Scene.soliloquy_cast
    del bpy.types.Scene.soliloquy_edit
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
