"""Why a button cannot be pressed now, in words. Each returns "" when it can."""

from __future__ import annotations

import bpy

from .. import engine_choice, paths
from ..errors import EngineMissing


class Explained:
    """Mixin for operators: greyed with a reason in words. Subclasses define `why_not(context)`, "" when they can be pressed."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = cls.why_not(context)
        cls.poll_message_set(reason)
        return not reason


def busy() -> str:
    return "Soliloquy is at work; wait, or press Esc to stop it" if bpy.context.window_manager.soliloquy.running else ""


def no_engine() -> str:
    try:
        engine_choice.current_engine()
    except EngineMissing as missing:
        return str(missing)
    return ""


def bad_inputs(scene: bpy.types.Scene) -> str:
    settings = scene.soliloquy
    for value, name in ((settings.picture, "picture"), (settings.voice, "voice")):
        if not value:
            return f"Choose a {name} first"
        if not paths.from_blender(value).is_file():
            return f"The {name} is not there: {value}"
    if not (settings.make_rig or settings.make_strips or settings.make_video):
        return "Choose at least one output"
    return ""


def bad_output_folder(scene: bpy.types.Scene) -> str:
    folder = scene.soliloquy.output_folder
    if not folder:
        return "Choose an output folder first"
    if folder.startswith("//") and not bpy.data.filepath:
        return "Save the .blend first, or choose an output folder that does not depend on it"
    return ""


def cannot_animate(context: bpy.types.Context) -> str:
    scene = context.scene
    return busy() or bad_inputs(scene) or bad_output_folder(scene) or no_engine()


def cannot_install() -> str:
    if busy():
        return busy()
    if paths.engine_folder() is None:
        return "The engine can be installed only when Soliloquy runs as a Blender extension"
    chosen = engine_choice.preferences()
    if not bpy.app.online_access and not (chosen and chosen.wheel_folder):
        return "Allow online access in Blender's preferences (System), or choose a wheel folder"
    return ""
