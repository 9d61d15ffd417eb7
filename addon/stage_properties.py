"""What else a performance brings into the scene, and the live preview's settings; kept in the .blend."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, PointerProperty, StringProperty

from . import engine_facts

NO_MARKERS, WORDS, PHONES = "NONE", "WORDS", "PHONES"
MICROPHONE, VOICE = "MICROPHONE", "VOICE"

MARKER_ITEMS = [(NO_MARKERS, "No Markers", "Leave the timeline's markers alone"),
                (WORDS, "Words", "A marker where each word begins, if the words are known"),
                (PHONES, "Sounds", "A marker where each sound of the speech begins")]


def _search_microphones(_stage: bpy.types.PropertyGroup, _context: bpy.types.Context, text: str) -> list[str]:
    facts = engine_facts.heard()
    return [name for name in (facts.microphones if facts else ()) if text.lower() in name.lower()]


class SoliloquyStage(bpy.types.PropertyGroup):
    """Settings of the stage panel."""

    make_plane: BoolProperty(name="Image Plane", default=False, description=(
        "Stand the rendered frames on the 3D cursor, of life size, in time with the voice"))
    make_compositor: BoolProperty(name="Compositor", default=False, description=(
        "Lay the rendered frames over what the compositor makes now; its nodes stay"))
    markers: EnumProperty(name="Markers", items=MARKER_ITEMS, description="Mark the words or the sounds in the timeline")
    live_input: EnumProperty(name="Listen To", items=[
        (MICROPHONE, "Microphone", "A microphone of this computer"),
        (VOICE, "Voice File", "The voice chosen under Animate Portrait, at its own pace")],
        description="Whom the rig follows while it is live")
    microphone: StringProperty(name="Device", search=_search_microphones, search_options={"SUGGESTION"}, description=(
        "Which microphone: a part of its name; empty for the default one. Look Again lists those there are"))
    live_record: BoolProperty(name="Record", default=False, description=(
        "Keep what was seen as an action of the rig, from the playhead on; otherwise the rig goes back to where it was"))


def register() -> None:
    bpy.utils.register_class(SoliloquyStage)
    bpy.types.Scene.soliloquy_stage = PointerProperty(type=SoliloquyStage)


def unregister() -> None:
    del bpy.types.Scene.soliloquy_stage
    bpy.utils.unregister_class(SoliloquyStage)
