"""Words or phones of a recording as markers of the timeline."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import bpy

from ..errors import FileError
from ..stage_properties import WORDS
from .timing import scene_fps

LARGEST_SPEECH_BYTES = 256 << 20
MOST_MARKERS = 20_000
"""More than an hour of phones; Blender's timeline does not stay usable with more."""
LONGEST_NAME = 63
"""Characters Blender keeps of a marker's name."""
UNSPOKEN = {"SIL", "NOISE", ""}



@dataclass(frozen=True)
class Spoken:
    """A word or a phone and when it begins, in seconds."""

    label: str
    start_s: float


def read_speech(path: Path, kind: str) -> list[Spoken]:
    """The WORDS or PHONES of a `speech.json`, silences left out. Raises FileError when it is damaged or too large."""
    try:
        if path.stat().st_size > LARGEST_SPEECH_BYTES:
            raise ValueError("it is too large")
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["format"] != "soliloquy-speech":
            raise ValueError("it is no speech of ours")
        entries, key = (record["words"], "text") if kind == WORDS else (record["phones"], "label")
        found = [Spoken(str(entry[key])[:LONGEST_NAME], float(entry["start_s"])) for entry in entries[:MOST_MARKERS]]
        if not all(0 <= spoken.start_s < 1e6 for spoken in found):
            raise ValueError("it has impossible times")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path} is not a readable speech file ({error}).") from error
    return [spoken for spoken in found if spoken.label not in UNSPOKEN]


def add_markers(scene: bpy.types.Scene, path: Path, *, kind: str, start_frame: int) -> int:
    """Mark every word or phone of `path` on the scene frame its beginning is nearest to; returns how many were added.

    A marker that is there already, with the same name on the same frame, is not made twice. Raises FileError.
    """
    rate: Fraction = scene_fps(scene)
    taken = {(marker.name, marker.frame) for marker in scene.timeline_markers}
    added = 0
    for spoken in read_speech(path, kind):
        frame = start_frame + round(spoken.start_s * rate)
        if (spoken.label, frame) not in taken:
            scene.timeline_markers.new(spoken.label, frame=frame)
            taken.add((spoken.label, frame))
            added += 1
    return added
