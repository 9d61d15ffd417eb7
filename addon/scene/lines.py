"""What is said in the sequencer: sound strips as lines of a scene."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import bpy

from .. import compat
from . import record as records
from .speed import refuse_retimed
from .timing import scene_fps


@dataclass(frozen=True)
class Line:
    """A recording in a scene. start_frame: where it begins to sound, None for the scene's start; skip_s: how much of it is left out
    before; length_s: how long it sounds, None for all of it."""

    audio: Path
    start_frame: int | None
    skip_s: float
    length_s: float | None

    def as_record(self, scene_start: int, rate: Fraction) -> dict:
        """For the engine's job."""
        start_s = (self.start_frame - scene_start) / float(rate) if self.start_frame is not None else 0.0
        length = {"length_s": self.length_s} if self.length_s is not None else {}
        return {"audio": str(self.audio), "start_s": start_s, "skip_s": self.skip_s, **length}


def lines_on_channel(scene: bpy.types.Scene, channel: int) -> list[Line]:
    """The sound strips on a channel, as they are trimmed, in time order; muted ones and those of performances left out.
    Raises AddonError for a retimed one."""
    strips = [strip for strip in compat.strips_of(scene)
              if strip.type == "SOUND" and strip.channel == channel and not strip.mute and not strip.get(records.PROPERTY)]
    return sorted((_line(strip, float(scene_fps(scene))) for strip in strips), key=lambda line: line.start_frame)


def _line(strip: bpy.types.bpy_struct, rate: float) -> Line:
    refuse_retimed(strip)
    start, end = compat.strip_range(strip)
    return Line(Path(bpy.path.abspath(strip.sound.filepath)), start, max(0.0, (start - compat.content_start(strip)) / rate),
                (end - start) / rate)
