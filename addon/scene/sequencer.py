"""Puts rendered frames and the voice into the sequencer, where nothing else is."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import bpy

from .. import compat
from ..errors import FileError
from ..turns import Task
from .timing import frames_for, nearest_samples, scene_fps

HIGHEST_CHANNEL = 128


def frames_task(scene: bpy.types.Scene, folder: Path, clip_fps: Fraction, *, start_frame: int, channel: int,
                name: str) -> Task[bpy.types.bpy_struct]:
    """An image strip of the PNG files in `folder` that lasts as long in the scene as they do at `clip_fps`; in turns (see `turns`),
    for Blender takes a third of a millisecond for every picture of a long strip.

    Where the rates differ, pictures are repeated or left out, never slowed down. Raises FileError when there are none.
    """
    files = picture_files(folder)
    shown = [files[index] for index in nearest_samples(len(files), clip_fps, scene_fps(scene))]
    strip = compat.strips_of(scene).new_image(name=name, filepath=str(folder / shown[0]), channel=channel,
                                              frame_start=start_frame, fit_method="FIT")
    for file in shown[1:]:
        strip.elements.append(file)
        yield
    compat.set_strip_end(strip, start_frame + len(shown))
    strip.blend_type, strip.alpha_mode = "ALPHA_OVER", "STRAIGHT"
    return strip


def add_sound(scene: bpy.types.Scene, path: Path, duration_s: float, *, start_frame: int, channel: int,
              name: str) -> bpy.types.bpy_struct:
    """A sound strip of `duration_s` (measured by the engine: Blender before 5.2 misjudges compressed files).

    Raises FileError when the file is not there: Blender would make an empty strip without a word.
    """
    if not path.is_file():
        raise FileError(f"The voice {path} is not there. Put it back, or import without sound.")
    strip = compat.strips_of(scene).new_sound(name=name, filepath=str(path), channel=channel, frame_start=start_frame)
    compat.set_strip_end(strip, start_frame + frames_for(duration_s, scene_fps(scene)))
    strip.show_waveform = True
    return strip


def picture_files(folder: Path) -> list[str]:
    """Names of the numbered PNG files in `folder`, in order. Raises FileError when there are none."""
    files = sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".png")) if folder.is_dir() else []
    if not files:
        raise FileError(f"There are no pictures in {folder}. Animate with PNG frames, or import without them.")
    return files


def show_new_pictures(strip: bpy.types.bpy_struct) -> None:
    """Let an image strip forget what it has cached: its files were written anew under the names they had."""
    first = strip.elements[0]
    first.filename = first.filename  # setting it is what tells Blender; the operator for it needs an open sequencer


def free_channels(scene: bpy.types.Scene, start_frame: int, end_frame: int, count: int) -> int:
    """The lowest channel such that it and the `count` - 1 above it are free from start_frame to before end_frame."""
    taken = {strip.channel for strip in compat.strips_of(scene) if _overlaps(strip, start_frame, end_frame)}
    for channel in range(1, HIGHEST_CHANNEL - count + 2):
        if not taken.intersection(range(channel, channel + count)):
            return channel
    raise FileError("All channels of the sequencer are taken here. Move the playhead or delete some strips.")


def _overlaps(strip: bpy.types.bpy_struct, start_frame: int, end_frame: int) -> bool:
    start, end = compat.strip_range(strip)
    return start < end_frame and end > start_frame
