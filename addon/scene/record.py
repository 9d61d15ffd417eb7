"""What a rig remembers about its performance, kept in the .blend: which folder, when it starts, what was written on it.

Strips and actions carry the same mark, so that they are found again however they are renamed, copied or pushed down.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path

import bpy

from .. import compat
from ..errors import AddonError, FileError
from .found_rig import Rig, find_rig
from .speed import note_length

PROPERTY = "soliloquy_performance"
PLACE_PROPERTY, SPEED_PROPERTY = "soliloquy_place", "soliloquy_speed"
"""On strips: the scene frame on which their content began, and how fast it played, when everything was in time."""
GENERATED, SHOWN, GENERATED_FILE = "generated.json", "motion.json", "generated_file"
"""As `engine/folder.py` has them: the clip that was generated at first (if it differs), the clip that the frames show, and the key of
the latter's provenance that names what it was edited from."""
MOST_EXACT_SPEED = 100_000
"""Denominator of a speed: it is a ratio of two lengths in frames."""


@dataclass(frozen=True)
class PerformanceRecord:
    """identity: the same on rig, action and strips. folder: where the performance was written, absolute or beside the .blend ("//").
    start_frame: the action's frame on which the first sample lies. fps: of the samples, as a fraction. frames: how many.
    baseline: file in the folder that holds the clip that was written on the rig, "" for the folder's own. tolerance: by how
    many times what counts as no difference the keys may stray from the clip, since they were simplified. speed: how much faster than
    performed the keys play, since strips were retimed."""

    identity: str
    folder: str
    start_frame: float
    fps: str
    frames: int
    baseline: str = ""
    tolerance: float = 1.0
    speed: float = 1.0

    @property
    def rate(self) -> Fraction:
        return Fraction(self.fps)

    @property
    def rate_in_scene(self) -> Fraction:
        """Samples a second as the keys play them, faster or slower than they were performed."""
        return self.rate * Fraction(self.speed).limit_denominator(MOST_EXACT_SPEED)


def remember(rig: Rig, folder: Path, *, start_frame: float, fps: Fraction, frames: int, tolerance: float = 1.0) -> PerformanceRecord:
    """Note on the rig and on its action which performance it has now."""
    record = PerformanceRecord(uuid.uuid4().hex, str(folder), float(start_frame), f"{fps.numerator}/{fps.denominator}", frames,
                               baseline=_edited_from(folder), tolerance=tolerance)
    write(rig.armature, record)
    for datablock in (rig.armature, rig.master.data.shape_keys):
        datablock.animation_data.action[PROPERTY] = record.identity
    return record


def _edited_from(folder: Path) -> str:
    """The file in the folder that its shown clip names as what it was edited from, "" when it names none."""
    try:
        header = json.loads((folder / SHOWN).read_text(encoding="utf-8"))
        named = header["provenance"].get(GENERATED_FILE, "")
        return named if named and (folder / named).resolve().is_relative_to(folder.resolve()) else ""
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return ""


def write(armature: bpy.types.Object, record: PerformanceRecord) -> None:
    armature[PROPERTY] = asdict(record)


def read(armature: bpy.types.Object | None) -> PerformanceRecord | None:
    """What the armature remembers; None when there is nothing, or nothing that can be used."""
    stored = armature.get(PROPERTY) if armature is not None else None
    try:
        record = PerformanceRecord(**stored.to_dict())
        return record if record.rate > 0 and record.frames > 0 else None
    except (AttributeError, TypeError, ValueError, ZeroDivisionError):
        return None


def performing_rigs(scene: bpy.types.Scene) -> list[Rig]:
    """The scene's rigs that have a performance, in the order of their names."""
    armatures = sorted((item for item in scene.objects if item.type == "ARMATURE" and read(item)), key=lambda item: item.name)
    return [rig for rig in map(find_rig, armatures) if rig is not None]


def mark_strip(strip: bpy.types.bpy_struct, identity: str) -> None:
    strip[PROPERTY] = identity
    strip[PLACE_PROPERTY], strip[SPEED_PROPERTY] = compat.content_start(strip), 1.0
    note_length(strip)


def strips_of_performance(scene: bpy.types.Scene, identity: str, kind: str = "") -> Iterator[bpy.types.bpy_struct]:
    """The performance's strips in `scene`, in metastrips too; kind: "IMAGE" or "SOUND" only."""
    if scene.sequence_editor is None:
        return
    editor = scene.sequence_editor
    for strip in editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all:
        if strip.get(PROPERTY) == identity and kind in ("", strip.type):
            yield strip


def all_strips(identity: str, kind: str = "") -> list[tuple[bpy.types.Scene, bpy.types.bpy_struct]]:
    """The performance's strips in all scenes."""
    return [(scene, strip) for scene in bpy.data.scenes for strip in strips_of_performance(scene, identity, kind)]


def folder_of(armature: bpy.types.Object) -> Path:
    """The performance's folder, also after the .blend and it were moved together. Raises AddonError when it is not found.

    Looked for where the rig says, and where the strips' pictures are: Blender keeps those paths up to date.
    """
    record = read(armature)
    if record is None:
        raise AddonError(f"{armature.name} has no performance. Animate it, or use Import Performance.", code="bad_input")
    library = armature.library or getattr(armature.override_library and armature.override_library.reference, "library", None)
    candidates = [Path(bpy.path.abspath(record.folder, library=library))]
    candidates += [Path(bpy.path.abspath(strip.directory)).parent for _, strip in all_strips(record.identity, "IMAGE")]
    for folder in candidates:
        if (folder / SHOWN).is_file():
            return folder
    raise FileError(f"The performance of {armature.name} is not in {candidates[0]} any more. Say where it is with Find Folder.")


def move_to(armature: bpy.types.Object, folder: Path) -> None:
    """The performance is in `folder` now: the rig remembers, and its image strips look there. Raises FileError."""
    if not (folder / SHOWN).is_file():
        raise FileError(f"{folder} holds no performance: there is no {SHOWN} in it.")
    record = read(armature)
    write(armature, replace(record, folder=str(folder)))
    for _, strip in all_strips(record.identity, "IMAGE"):
        strip.directory = str(folder / "frames")


def baseline_of(armature: bpy.types.Object) -> Path:
    """The clip that was last written on the rig: what differs from it was made by hand. Raises AddonError."""
    folder, record = folder_of(armature), read(armature)
    named = folder / record.baseline
    if record.baseline and named.is_file() and named.resolve().is_relative_to(folder.resolve()):
        return named
    return folder / (GENERATED if (folder / GENERATED).is_file() else SHOWN)


def relative_folders(blend: str) -> None:
    """Keep folders relative to where the file is about to be saved, as Blender keeps its own paths: both may be moved together."""
    for armature in bpy.data.objects:
        record = read(armature) if armature.library is None else None
        if record is None or (record.folder.startswith("//") and not bpy.data.filepath):
            continue
        absolute = os.path.abspath(bpy.path.abspath(record.folder))
        try:
            beside = "//" + os.path.relpath(absolute, os.path.dirname(os.path.abspath(blend))).replace(os.sep, "/")
        except ValueError:  # on another drive
            beside = absolute
        if beside != record.folder:
            write(armature, replace(record, folder=beside))


@bpy.app.handlers.persistent
def _before_saving(*names: object) -> None:
    blend = next((name for name in names if isinstance(name, str) and name), bpy.data.filepath)
    if blend:
        relative_folders(blend)


def register() -> None:
    bpy.app.handlers.save_pre.append(_before_saving)


def unregister() -> None:
    bpy.app.handlers.save_pre.remove(_before_saving)


def taken_by_scene(record: PerformanceRecord, rig: Rig) -> tuple[float, float]:
    """(offset, scale) of the way from the action's frames to the scene's, scene = offset + scale * frame: not (0, 1) once the
    action was pushed down into the NLA and its strip moved or stretched."""
    strip = nla_strip_of(record, rig.armature)
    return (strip.frame_start - strip.action_frame_start * strip.scale, strip.scale) if strip is not None else (0.0, 1.0)


def nla_strip_of(record: PerformanceRecord, datablock: bpy.types.ID) -> bpy.types.NlaStrip | None:
    """The NLA strip that plays the performance; None while its action is active, or nowhere."""
    animation = datablock.animation_data
    if animation is None or (animation.action is not None and animation.action.get(PROPERTY) == record.identity):
        return None
    return next((strip for track in animation.nla_tracks for strip in track.strips
                 if strip.action is not None and strip.action.get(PROPERTY) == record.identity), None)


def action_of(record: PerformanceRecord, datablock: bpy.types.ID) -> bpy.types.Action | None:
    """The action that holds the performance's keys, wherever it is in use; None when it is gone."""
    animation = datablock.animation_data
    if animation is None:
        return None
    pushed = (strip.action for track in animation.nla_tracks for strip in track.strips)
    return next((action for action in (animation.action, *pushed)
                 if action is not None and action.get(PROPERTY) == record.identity), None)


def holder_of(record: PerformanceRecord, datablock: bpy.types.ID) -> bpy.types.bpy_struct | None:
    """The holder of the performance's F-curves for `datablock`; None when they are gone."""
    action = action_of(record, datablock)
    return compat.curves_in(action, datablock) if action is not None else None
