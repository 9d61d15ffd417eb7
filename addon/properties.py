"""What the person sets (kept in the .blend) and what is going on (kept in the window manager, never saved)."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from . import compat, directions, keys_setting, rights
from .characters import settings as character_settings


def _presets(_settings: bpy.types.PropertyGroup, _context: bpy.types.Context | None) -> list[tuple[str, str, str]]:
    return directions.preset_items()


def _take_preset(settings: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    for key, value in directions.preset_values(settings.direction).items():
        setattr(settings, key, value)


def _amount(key: str) -> FloatProperty:
    default, highest, description = directions.AMOUNTS[key]
    return FloatProperty(name=key.title(), description=description, default=default, min=directions.LEAST.get(key, 0.0),
                         max=highest, step=5, precision=2)


class SoliloquyRightsSaid(bpy.types.PropertyGroup):
    """What was said of one picture."""

    picture: StringProperty(description="The picture this was said of")
    basis: StringProperty(description="On what basis the person may be animated")
    statement: StringProperty(description="Where the agreement or the licence is kept")
    subject: StringProperty(description="Who is shown")
    scope: StringProperty(description="What was agreed to")
    expires: StringProperty(description="The last day it holds")


class SoliloquySettings(bpy.types.PropertyGroup):
    """Inputs and outputs of Animate Portrait."""

    picture: StringProperty(name="Picture", subtype="FILE_PATH", options=compat.PATH_OPTIONS, update=rights.recall,
                            description="A picture with a face, or a .portrait made from one")
    voice: StringProperty(name="Voice", subtype="FILE_PATH", options=compat.PATH_OPTIONS,
                          description="The recording to speak: any sound file, or a video with a sound track")
    text: StringProperty(name="Words", description="What is said, if you know it: makes the timing of the lips more exact")
    direction: EnumProperty(name="Direction", items=_presets, update=_take_preset,
                            description="How it is performed; choosing one sets the controls below")
    mood: EnumProperty(name="Mood", items=[(mood, mood.title(), meaning) for mood, meaning in directions.MOODS.items()],
                       description="The mood throughout")
    mood_strength: FloatProperty(name="Strength", min=0.0, max=1.0, default=1.0, description="How strong the mood is")
    energy: _amount("energy")
    expression: _amount("expression")
    lips: _amount("lips")
    jaw: _amount("jaw")
    brows: _amount("brows")
    blinks: _amount("blinks")
    gaze: _amount("gaze")
    head: _amount("head")
    distance: _amount("distance")
    rights: EnumProperty(name="Rights", items=rights.ITEMS, default=rights.NOT_SAID,
                         description="On what basis this person may be animated; kept in the portrait and the report")
    rights_statement: StringProperty(name="Where", description="In words: where the agreement or the licence is kept. It is published")
    rights_subject: StringProperty(name="Who", description="Who is shown. It is published")
    rights_scope: StringProperty(name="For", description="What was agreed to: the film, the text, where it is shown. It is published")
    rights_expires: StringProperty(name="Until", description="The last day, as 2027-12-31; empty: no end")
    rights_said: CollectionProperty(type=SoliloquyRightsSaid, description="What was said of each picture")
    seed: IntProperty(name="Take", min=0, description="Another number gives another performance of the same words")
    face: IntProperty(name="Face", min=0, description="Which face when there are several: 0 is the largest, 1 the next")
    output_folder: StringProperty(name="Folder", subtype="DIR_PATH", options=compat.PATH_OPTIONS, default="//soliloquy",
                                  description="Where results go; every performance gets a folder of its own")
    make_rig: BoolProperty(name="Rig and Curves", default=True,
                           description="Build the portrait in 3D, with 54 shape keys, and key the performance on it")
    make_strips: BoolProperty(name="Strips", default=True,
                              description="Render the frames and put them and the voice into the sequencer at the playhead")
    make_video: BoolProperty(name="Video File", default=False, description="Write an MP4 with the sound beside the frames")
    alpha: BoolProperty(name="Without Background", default=False, description="Render the person alone, with transparency")
    reduce_keys: keys_setting.REDUCE_KEYS
    key_tolerance: keys_setting.KEY_TOLERANCE
    match_scene: BoolProperty(name="Match Scene", default=False,
                              description="Set size, camera and colours so that a render of the rig is the picture")
    character: PointerProperty(type=character_settings.SoliloquyCharacter,
                               description="Inputs of Apply Performance to Character")


class SoliloquyStatus(bpy.types.PropertyGroup):
    """What the running job reports, for the panels."""

    running: BoolProperty(options={"SKIP_SAVE"}, description="Whether a job is at work")
    stage: StringProperty(options={"SKIP_SAVE"}, description="What it is doing, and how much time is left")
    factor: FloatProperty(min=0.0, max=1.0, subtype="FACTOR", options={"SKIP_SAVE"}, description="How much of this stage is done")
    message: StringProperty(options={"SKIP_SAVE"}, description="The last words of the last job")
    failed: BoolProperty(options={"SKIP_SAVE"}, description="Whether the last job failed")
    report: StringProperty(options={"SKIP_SAVE"}, description="The whole story of a failure, for Copy Report")


_CLASSES = (*character_settings.CLASSES, SoliloquyRightsSaid, SoliloquySettings, SoliloquyStatus)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.soliloquy = PointerProperty(type=SoliloquySettings)
    bpy.types.WindowManager.soliloquy = PointerProperty(type=SoliloquyStatus)


def unregister() -> None:
    del bpy.types.WindowManager.soliloquy
    del bpy.types.Scene.soliloquy
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
