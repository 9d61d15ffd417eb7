"""How fast a strip plays its content: Blender calls changing it retiming (Strip > Retiming)."""

from __future__ import annotations

import bpy

from .. import compat
from ..errors import AddonError
from .timing import scene_fps

LENGTH_PROPERTY = "soliloquy_length"
"""On our strips: how many scene frames their content lasts at normal speed."""
ENDS = 2
"""Retiming keys of a strip that has one speed throughout: at its beginning and at its end."""


def note_length(strip: bpy.types.bpy_struct) -> None:
    """Remember how long a strip that plays at normal speed is."""
    strip[LENGTH_PROPERTY] = compat.content_length(strip)


def refuse_effects(strip: bpy.types.bpy_struct) -> None:
    """Raise AddonError when an effect changes how fast the strip's pictures are shown."""
    effect = next((one for one in compat.strips_of(strip.id_data) if one.type == "SPEED" and one.input_1 == strip), None)
    if effect is not None:
        raise AddonError(f"The effect {effect.name} changes the speed of {strip.name}, and neither voice nor keys can "
                         "follow an effect. Remove it and use Strip > Retiming > Set Speed.", code="bad_input")


def speed_of(strip: bpy.types.bpy_struct) -> float:
    """1 as recorded, 2 twice as fast. Raises AddonError when it changes on the way, or an effect changes it."""
    refuse_effects(strip)
    keys = compat.retiming_frames(strip)
    if len(keys) > ENDS:
        raise AddonError(f"The speed of {strip.name} changes on the way. Only one speed for all of it can be followed: "
                         "reset its retiming, untrim it, and use Strip > Retiming > Set Speed.", code="bad_input")
    length, plays = _recorded_length(strip), compat.content_length(strip)
    if length == plays or (compat.RETIMING_IS_TOLD and not keys):
        return 1.0
    if keys:
        last_is_inside = plays - (keys[-1] - keys[0])
        return (length - last_is_inside) / (keys[-1] - keys[0])
    return length / (plays - 1)  # Blender 4.3: where speed was ever set, the content ends a frame later


def refuse_retimed(strip: bpy.types.bpy_struct) -> None:
    """Raise AddonError when a sound is not heard as fast as it was recorded: what is performed is the recording."""
    keys = compat.retiming_frames(strip)
    if len(keys) > ENDS or (keys and speed_of(strip) != 1):
        raise AddonError(f"{strip.name} is retimed, and lips are performed to the recording itself. Reset its "
                         "retiming, animate, then retime it and press Sync to Active Strip.", code="bad_input")


def set_speed(scene: bpy.types.Scene, strip: bpy.types.bpy_struct, speed: float) -> None:
    """Let all of the strip's content play at `speed`; trims are undone. Raises AddonError when Blender does not do it."""
    if compat.RETIMING_IS_TOLD:
        strip.retiming_keys.reset()
    start = compat.content_start(strip)
    compat.set_strip_start(strip, round(start))
    compat.set_strip_end(strip, round(start + compat.content_length(strip)))
    editor = scene.sequence_editor
    chosen = [one for one in _all(editor) if one.select]
    active = editor.active_strip
    try:
        for one in chosen:
            one.select = False
        strip.select, editor.active_strip = True, strip
        with compat.sequencer_override(scene):
            done = bpy.ops.sequencer.retiming_segment_speed_set(speed=100.0 * speed)
    except RuntimeError as error:
        raise AddonError(f"Blender does not set the speed of {strip.name}: {str(error).strip()}") from error
    finally:
        strip.select, editor.active_strip = False, active
        for one in chosen:
            one.select = True
    if done != {"FINISHED"}:
        raise AddonError(f"Blender does not set the speed of {strip.name}.")


def _all(editor: bpy.types.SequenceEditor) -> bpy.types.bpy_struct:
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


def _recorded_length(strip: bpy.types.bpy_struct) -> int:
    """Scene frames the content lasts at normal speed."""
    if LENGTH_PROPERTY in strip:
        return int(strip[LENGTH_PROPERTY])
    if strip.type == "IMAGE":
        return len(strip.elements)
    heard = _sound_length(strip)
    plays = compat.content_length(strip)
    return plays if heard is None or abs(heard - plays) <= 1 else heard


def _sound_length(strip: bpy.types.bpy_struct) -> int | None:
    """Scene frames a sound file lasts; None where nobody can tell."""
    try:
        import aud

        sound = aud.Sound(bpy.path.abspath(strip.sound.filepath))
        return round(sound.length / sound.specs[0] * float(scene_fps(strip.id_data)))
    except (ImportError, AttributeError, OSError, RuntimeError):
        return None
