"""A scene with several people: who they are, where their lines are, and one button that animates them all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from .. import compat, engine_choice, keys_setting, paths, rights
from ..edit_properties import CHANNEL, FILE, SoliloquySpeaker
from ..engine_client import EngineJob
from ..errors import AddonError
from ..scene import record as records
from ..scene.found_rig import find_rig
from ..scene.rig_names import HEAD
from ..scene.timing import scene_fps
from ..turns import Task
from . import prechecks
from .working import Working

if TYPE_CHECKING:
    import numpy as np
    from ..scene.lines import Line

APART_M = 0.7
"""Between rigs that are built side by side."""


class SOLILOQUY_OT_speaker_add(bpy.types.Operator):
    """Add a person to the scene"""

    bl_idname = "soliloquy.speaker_add"
    bl_label = "Add Speaker"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        cast = context.scene.soliloquy_cast
        taken = {speaker.name for speaker in cast.speakers}
        speaker = cast.speakers.add()
        speaker.name = next(name for name in (f"Speaker {number}" for number in range(1, 1000)) if name not in taken)
        speaker.channel = min(len(cast.speakers), 128)
        cast.active = len(cast.speakers) - 1
        return {"FINISHED"}


class SOLILOQUY_OT_speaker_remove(bpy.types.Operator):
    """Take this person out of the list; rigs and strips stay"""

    bl_idname = "soliloquy.speaker_remove"
    bl_label = "Remove Speaker"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return 0 <= context.scene.soliloquy_cast.active < len(context.scene.soliloquy_cast.speakers)

    def execute(self, context: bpy.types.Context) -> set[str]:
        cast = context.scene.soliloquy_cast
        cast.speakers.remove(cast.active)
        cast.active = max(0, min(cast.active, len(cast.speakers) - 1))
        return {"FINISHED"}


class SOLILOQUY_OT_speakers_from_channels(bpy.types.Operator):
    """Add a person for every channel of the sequencer that has sound strips and no speaker yet"""

    bl_idname = "soliloquy.speakers_from_channels"
    bl_label = "Speakers from Channels"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        cast, scene = context.scene.soliloquy_cast, compat.sequencer_scene(context)
        known = {speaker.channel for speaker in cast.speakers if speaker.voice_from == CHANNEL}
        channels = {strip.channel for strip in compat.strips_of(scene) if strip.type == "SOUND" and not strip.get(records.PROPERTY)}
        for channel in sorted(channels - known):
            bpy.ops.soliloquy.speaker_add()
            cast.speakers[cast.active].channel = channel
        if not channels - known:
            self.report({"INFO"}, "Every channel with sound has a speaker already")
        return {"FINISHED"}


class SOLILOQUY_OT_animate_scene(prechecks.Explained, Working, bpy.types.Operator):
    """Animate everybody in the list: each speaks where their lines are, and listens, looks at who speaks and nods otherwise"""

    bl_idname = "soliloquy.animate_scene"
    bl_label = "Animate Scene"
    bl_options = {"UNDO"}

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return cannot_animate_scene(context)

    def start(self, context: bpy.types.Context) -> EngineJob:
        scene = context.scene
        self._scene_name = scene.name
        job, self._start_frame = scene_job(scene, compat.sequencer_scene(context))
        return EngineJob(engine_choice.current_engine(), "converse", job)

    def finish(self, context: bpy.types.Context) -> Task[str]:
        from ..scene.assemble import assemble_task

        scene = context.scene
        if scene.name != self._scene_name:
            raise AddonError(f"The scene {self._scene_name} is not open any more. The performances are in "
                             f"{', '.join(self._job.result['folders'].values())}: use Import Performance.")
        settings, strip_scene = scene.soliloquy, compat.sequencer_scene(context)
        for number, (name, folder) in enumerate(self._job.result["folders"].items()):
            speaker = scene.soliloquy_cast.speakers.get(name)
            onto = find_rig(speaker.rig) if speaker is not None else None
            made = yield from assemble_task(folder, scene=scene, strip_scene=strip_scene, start_frame=self._start_frame, onto=onto,
                                            rig=settings.make_rig, strips=settings.make_strips, voice=False,
                                            reduce_by=keys_setting.reduce_by(settings))
            if made.rig is not None and onto is None:
                made.rig.armature.location.x = APART_M * number
                if speaker is not None:
                    speaker.rig = made.rig.armature
        if settings.make_strips:
            compat.show_in_sequencer(context.workspace, strip_scene)
        return f"Done: {', '.join(self._job.result['folders'])}"


def cannot_animate_scene(context: bpy.types.Context) -> str:
    """Why the button is greyed."""
    scene, cast = context.scene, context.scene.soliloquy_cast
    return (prechecks.busy() or _bad_cast(list(cast.speakers), compat.sequencer_scene(context)) or prechecks.bad_output_folder(scene)
            or prechecks.no_engine())


def _bad_cast(speakers: list[SoliloquySpeaker], strip_scene: bpy.types.Scene) -> str:
    if not speakers:
        return "Add the people of the scene first"
    names = [speaker.name.strip() for speaker in speakers]
    if len(set(names)) < len(names) or not all(names):
        return "Every speaker needs a name of their own"
    for speaker in speakers:
        if reason := _bad_speaker(speaker, strip_scene):
            return f"{speaker.name}: {reason}"
    if not any(_lines(speaker, strip_scene) for speaker in speakers):
        return "Nobody has anything to say: give somebody a channel with sound strips, or a file"
    return ""


def _bad_speaker(speaker: SoliloquySpeaker, strip_scene: bpy.types.Scene) -> str:
    if not speaker.picture:
        return "choose a picture first"
    if not paths.from_blender(speaker.picture).is_file():
        return f"the picture is not there: {speaker.picture}"
    if reason := rights.to_be_said(speaker.rights, speaker.picture):
        return reason
    try:
        missing = [line.audio for line in _lines(speaker, strip_scene) if not line.audio.is_file()]
    except AddonError as retimed:
        return str(retimed)
    return f"the recording is not there: {missing[0]}" if missing else ""


def scene_job(scene: bpy.types.Scene, strip_scene: bpy.types.Scene) -> tuple[dict, int]:
    """The engine's job for the cast of `scene`, and the frame it starts on. Raises AddonError."""
    speakers, rate = list(scene.soliloquy_cast.speakers), scene_fps(strip_scene)
    lines = {speaker.name: _lines(speaker, strip_scene) for speaker in speakers}
    said = [line for found in lines.values() for line in found]
    start = min((line.start_frame for line in said if line.start_frame is not None), default=scene.frame_current)
    known = all(line.length_s is not None for line in said)
    length_s = max((line.start_frame - start) / float(rate) + line.length_s for line in said) if known else None
    base = _new_folder(paths.from_blender(scene.soliloquy.output_folder))
    places = _places(speakers)
    entries = [{"name": speaker.name, "job": _job(scene, speaker, base / f"{number:02d}-{_plain(speaker.name)}"),
                "lines": [line.as_record(start, rate) for line in lines[speaker.name]], "sees": _sees(speaker.name, places)}
               for number, speaker in enumerate(speakers, start=1)]
    return {"tracks": str(base / "tracks"), "length_s": length_s, "speakers": entries}, start


def _job(scene: bpy.types.Scene, speaker: SoliloquySpeaker, folder: Path) -> dict:
    rate, settings = scene_fps(scene), scene.soliloquy
    job = {"portrait": str(paths.from_blender(speaker.picture)), "out": str(folder), "direction": speaker.direction,
           "seed": speaker.seed, "fps": f"{rate.numerator}/{rate.denominator}", "alpha": settings.alpha,
           "formats": ["png", "mp4"] if settings.make_video else ["png"]}
    if speaker.rights in rights.BASES:
        job["rights"] = {"basis": speaker.rights, "statement": speaker.rights_statement.strip()}
    return job


def _lines(speaker: SoliloquySpeaker, strip_scene: bpy.types.Scene) -> list[Line]:
    from ..scene.lines import Line, lines_on_channel

    if speaker.voice_from == CHANNEL:
        return lines_on_channel(strip_scene, speaker.channel)
    if speaker.voice_from == FILE and speaker.voice:
        return [Line(paths.from_blender(speaker.voice), None, 0.0, None)]
    return []


def _places(speakers: list[SoliloquySpeaker]) -> dict[str, np.ndarray]:
    """Name -> (4, 4) of each head: where the rigs stand, or side by side."""
    import numpy as np

    found = {}
    for number, speaker in enumerate(speakers):
        rig = find_rig(speaker.rig)
        if rig is None:
            found[speaker.name] = np.eye(4)
            found[speaker.name][0, 3] = APART_M * number
        else:
            rest = np.array(rig.armature.data.bones[HEAD].matrix_local)[:3, 3]
            found[speaker.name] = np.array(rig.armature.matrix_world)
            found[speaker.name][:3, 3] = (np.array(rig.armature.matrix_world) @ [*rest, 1.0])[:3]
    return found


def _sees(name: str, places: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """Other -> [yaw, pitch] of the look there, degrees, from a rig that faces its own -y."""
    import numpy as np

    seen = {}
    for other, place in places.items():
        if other != name:
            way = np.linalg.inv(places[name][:3, :3]) @ (place[:3, 3] - places[name][:3, 3])
            yaw = np.degrees(np.arctan2(way[0], max(-way[1], 1e-6)))
            seen[other] = [float(yaw), float(np.degrees(np.arctan2(way[2], np.hypot(way[0], way[1]) + 1e-9)))]
    return seen


def _plain(name: str) -> str:
    """A folder's name."""
    return "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")[:40] or "speaker"


def _new_folder(base: Path) -> Path:
    taken = [base / "scene", *(base / f"scene-{number}" for number in range(2, 10_000))]
    return next(folder for folder in taken if not folder.exists())


CLASSES = (SOLILOQUY_OT_speaker_add, SOLILOQUY_OT_speaker_remove, SOLILOQUY_OT_speakers_from_channels, SOLILOQUY_OT_animate_scene)
