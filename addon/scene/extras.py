"""What a performance can bring besides rig and strips, each when it is asked for: image plane, compositor, markers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy

from ..errors import FileError
from ..stage_properties import NO_MARKERS
from .clip_file import read_clip
from .compositor import add_to_compositor
from .markers import add_markers
from .plane import add_plane
from .portrait_file import read_portrait

USUAL_HEIGHT_M = 0.6
"""Of a picture whose portrait is not there any more: head and shoulders."""


@dataclass(frozen=True)
class Extras:
    """What is wanted. markers: see `stage_properties`."""

    plane: bool = False
    compositor: bool = False
    markers: str = NO_MARKERS

    @property
    def pictures(self) -> bool:
        """Whether rendered frames are needed."""
        return self.plane or self.compositor


def add_extras(folder: Path, scene: bpy.types.Scene, wanted: Extras, *, start_frame: int) -> int:
    """Add what is `wanted` of the performance in `folder`, beginning at `start_frame`; returns how many markers were added.

    Raises FileError when the folder lacks what is asked for; nothing is added then.
    """
    frames, speech = folder / "frames", folder / "speech.json"
    if wanted.pictures and not frames.is_dir():
        raise FileError(f"{folder} has no rendered frames. Animate with Strips, or leave plane and compositor out.")
    if wanted.markers != NO_MARKERS and not speech.is_file():
        raise FileError(f"{folder} has no speech.json to take markers from.")
    fps = read_clip(folder / "motion.json").fps if wanted.pictures else None
    if wanted.plane:
        add_plane(scene, frames, fps, start_frame=start_frame, height_m=height_m(folder), name=f"{folder.name} Plane")
    if wanted.compositor:
        add_to_compositor(scene, frames, fps, start_frame=start_frame, name=folder.name)
    if wanted.markers == NO_MARKERS:
        return 0
    return add_markers(scene, speech, kind=wanted.markers, start_frame=start_frame)


def height_m(folder: Path) -> float:
    """The height of the folder's picture as its rig has it: a face of life size."""
    try:
        portrait = read_portrait(folder / "portrait.portrait")
    except FileError:
        return USUAL_HEIGHT_M
    return portrait.size[1] / portrait.units_per_metre
