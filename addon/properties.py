"""What the person sets (kept in the .blend) and what is going on (kept in the window manager, never saved)."""

from __future__ import annotations

import functools
import tomllib

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from . import paths


@functools.cache
def direction_items() -> list[tuple[str, str, str]]:
    """The presets as enum items. Cached: Blender needs the strings to live on."""
    items = []
    for path in sorted(paths.DIRECTIONS.glob("*.toml")):
        record = tomllib.loads(path.read_text(encoding="utf-8"))
        items.append((path.stem, str(record.get("title", path.stem.replace("_", " ").title())), str(record.get("description", ""))))
    items.sort(key=lambda item: item[0] != "neutral")
    return items or [("neutral", "Neutral", "")]


class SoliloquySettings(bpy.types.PropertyGroup):
    """Inputs and outputs of Animate Portrait."""

    picture: StringProperty(name="Picture", subtype="FILE_PATH",
                            description="A picture with a face, or a .portrait made from one")
    voice: StringProperty(name="Voice", subtype="FILE_PATH",
                          description="The recording to speak: any sound file, or a video with a sound track")
    text: StringProperty(name="Words", description="What is said, if you know it: makes the timing of the lips more exact")
    direction: EnumProperty(name="Direction", items=lambda _self, _context: direction_items(),
                            description="How it is performed: mood, gaze, how much head, brows and blinks move")
    seed: IntProperty(name="Take", min=0, description="Another number gives another performance of the same words")
    face: IntProperty(name="Face", min=0, description="Which face when there are several, the largest first; 0 chooses for you")
    output_folder: StringProperty(name="Folder", subtype="DIR_PATH", default="//soliloquy",
                                  description="Where pictures, curves and reports go; every performance gets a folder of its own")
    make_rig: BoolProperty(name="Rig and Curves", default=True,
                           description="Build the portrait in 3D, with 52 shape keys, head and eyes, and key the performance on it")
    make_strips: BoolProperty(name="Strips", default=True,
                              description="Render the frames and put them and the voice into the sequencer at the playhead")
    make_video: BoolProperty(name="Video File", default=False, description="Write an MP4 with the sound beside the frames")
    alpha: BoolProperty(name="Without Background", default=False, description="Render the person alone, with transparency")
    match_scene: BoolProperty(name="Match Scene", default=False,
                              description="Set the scene's size, camera and colours so that a render of the rig is the picture")


class SoliloquyStatus(bpy.types.PropertyGroup):
    """What the running job reports, for the panels."""

    running: BoolProperty(options={"SKIP_SAVE"})
    stage: StringProperty(options={"SKIP_SAVE"})
    factor: FloatProperty(min=0.0, max=1.0, subtype="FACTOR", options={"SKIP_SAVE"})
    message: StringProperty(options={"SKIP_SAVE"})
    failed: BoolProperty(options={"SKIP_SAVE"})
    report: StringProperty(options={"SKIP_SAVE"})


_CLASSES = (SoliloquySettings, SoliloquyStatus)


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
