"""From a folder written by `soliloquy animate` to a scene: rig, curves and strips.

    python -m soliloquy.addon.scene.assemble DIR --blend FILE      (with the bpy wheel, or `blender -b -P`)

makes a .blend of its own; inside Blender the operators call `assemble` on the scene that is open.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import bpy

from .. import compat
from ..errors import AddonError, FileError
from ..turns import Task, finish_at_once
from . import record as records
from .clip_file import ClipData, read_clip
from .all_or_nothing import all_or_nothing
from .performance import performance_task, tolerance_of
from .portrait_file import PortraitData, read_portrait
from .found_rig import Rig
from .rig import show_rig, unseen_rig_task
from .sequencer import add_sound, frames_task, free_channels
from .timing import frames_for, scene_fps, set_scene_fps

LARGEST_REPORT_BYTES = 16 << 20
SHARPEST_FILTER_PX = 0.01
"""Every sample at its pixel's centre, so that the picture's pixels come back as they are."""
TRANSPARENT_LAYERS = 32
"""Soft surfaces a ray may pass: several where a face folds away from the camera. Cycles draws black after the last."""


@dataclass(frozen=True)
class Performance:
    """An output folder of `animate`, read. frames: folder of PNG files, None when there are none; voice: the sound file,
    None when the report names none or it is gone; portrait: None when it was not asked for."""

    name: str
    clip: ClipData
    portrait: PortraitData | None
    frames: Path | None
    voice: Path | None


@dataclass(frozen=True)
class Assembled:
    """What landed in the scene; parts that were not asked for are None. end_frame: one past the last frame."""

    start_frame: int
    end_frame: int
    rig: Rig | None
    action: bpy.types.Action | None
    picture_strip: bpy.types.bpy_struct | None
    sound_strip: bpy.types.bpy_struct | None


def read_performance(folder: Path, *, with_portrait: bool = True) -> Performance:
    """Read an output folder. Raises FileError when its clip or its portrait cannot be used."""
    if not folder.is_dir():
        raise FileError(f"{folder} is not a folder. Choose one that was written by Animate Portrait.")
    clip = read_clip(folder / "motion.json")
    portrait = read_portrait(folder / "portrait.portrait") if with_portrait else None
    name = Path(portrait.source_name).stem if portrait and portrait.source_name else folder.name
    frames = folder / "frames"
    return Performance(name, clip, portrait, frames if frames.is_dir() else None, _voice(folder))


def assemble(out_dir: str | Path, *, scene: bpy.types.Scene | None = None, strip_scene: bpy.types.Scene | None = None,
             start_frame: int | None = None, rig: bool = True, strips: bool = True, voice: bool = True, onto: Rig | None = None,
             match_scene: bool = False, reduce_by: float = 0.0) -> Assembled:
    """Put the performance in `out_dir` into the open file.

    scene: for the rig, the current one by default (it has to be the current one when a rig is built); strip_scene: for the
    strips, `scene` by default. start_frame: the playhead by default. rig: build the portrait's rig and key it; onto: key
    this rig instead of building one. strips: add picture and, with `voice`, sound strips. match_scene: see
    `match_scene_to_portrait`. reduce_by: see `apply_performance`.
    The scenes' frame rates are respected: keys and strips fall on the right times at any rate. Raises FileError, and then
    nothing has landed.
    """
    task = assemble_task(out_dir, scene=scene, strip_scene=strip_scene, start_frame=start_frame, rig=rig, strips=strips,
                         voice=voice, onto=onto, match_scene=match_scene, reduce_by=reduce_by)
    return finish_at_once(all_or_nothing(task))


def assemble_task(out_dir: str | Path, *, scene: bpy.types.Scene | None = None, strip_scene: bpy.types.Scene | None = None,
                  start_frame: int | None = None, rig: bool = True, strips: bool = True, voice: bool = True,
                  onto: Rig | None = None, match_scene: bool = False, reduce_by: float = 0.0) -> Task[Assembled]:
    """The same in turns (see `turns`); who runs it sees that it is all or nothing."""
    scene = scene or bpy.context.scene
    strip_scene = strip_scene or scene
    start = scene.frame_current if start_frame is None else start_frame
    performance = yield partial(read_performance, Path(out_dir), with_portrait=(rig and onto is None) or match_scene)
    unseen = rig and onto is None
    if unseen:
        yield "rig"
        onto = yield from unseen_rig_task(performance.portrait, name=performance.name)
    yield "strips"
    pictures, sound = (yield from _add_strips(strip_scene, performance, start, voice=voice)) if strips else (None, None)
    action = None
    if onto is not None:
        yield "curves"
        action = yield from performance_task(onto, performance.clip, scene, start_frame=start, reduce_by=reduce_by,
                                             name=f"{performance.name} Performance")
        identity = records.remember(onto, Path(out_dir).absolute(), start_frame=start, fps=performance.clip.fps,
                                    frames=len(performance.clip), tolerance=tolerance_of(reduce_by)).identity
        for strip in (pictures, sound):
            if strip is not None:
                records.mark_strip(strip, identity)
    if unseen:
        show_rig(onto, scene)
    if match_scene:
        match_scene_to_portrait(scene, performance.portrait, onto)
    end = start + frames_for(len(performance.clip) / performance.clip.fps, scene_fps(scene))
    return Assembled(start, end, onto, action, pictures, sound)


def match_scene_to_portrait(scene: bpy.types.Scene, portrait: PortraitData, rig: Rig | None) -> None:
    """Let a render of the scene be the picture: its size, the rig's camera, colours as they are and pixels not blurred."""
    scene.render.resolution_x, scene.render.resolution_y = portrait.size
    scene.render.resolution_percentage = 100
    scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1.0
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.look = "None"
    scene.view_settings.exposure, scene.view_settings.gamma = 0.0, 1.0
    scene.render.dither_intensity = 0.0
    scene.render.filter_size = SHARPEST_FILTER_PX
    if hasattr(scene, "cycles"):
        scene.cycles.filter_width = SHARPEST_FILTER_PX
        scene.cycles.transparent_max_bounces = max(scene.cycles.transparent_max_bounces, TRANSPARENT_LAYERS)
    if rig is not None and rig.camera is not None:
        scene.camera = rig.camera


def assemble_file(out_dir: Path, blend: Path) -> Assembled:
    """Make a new .blend that holds the performance and nothing else, with relative paths; its rate is the clip's."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    set_scene_fps(scene, read_clip(out_dir / "motion.json").fps)
    scene.frame_set(1)
    scene.render.engine = compat.EEVEE
    made = assemble(out_dir, scene=scene, match_scene=True)
    scene.frame_start, scene.frame_end = made.start_frame, made.end_frame - 1
    scene.sync_mode = "AUDIO_SYNC"
    for workspace in bpy.data.workspaces:
        compat.show_in_sequencer(workspace, scene)
    _look_through_camera()
    save_blend(blend)
    return made


def save_blend(path: Path) -> None:
    """Save with relative paths, whole or not at all. Raises FileError."""
    temporary = path.with_name(f".{path.stem}.part.blend")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        records.relative_folders(str(path))
        bpy.ops.wm.save_as_mainfile(filepath=str(temporary), relative_remap=True, check_existing=False, copy=True)
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        raise AddonError(f"Cannot write {path}: {str(error).strip()}", code="bad_output") from error
    finally:
        temporary.unlink(missing_ok=True)


def _voice(folder: Path) -> Path | None:
    """The sound file the report names (absolute, or relative to the folder)."""
    report_path = folder / "report.json"
    try:
        if report_path.stat().st_size > LARGEST_REPORT_BYTES:
            return None
        named = json.loads(report_path.read_text(encoding="utf-8"))["audio"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return folder / named if isinstance(named, str) and (folder / named).is_file() else None


def _add_strips(scene: bpy.types.Scene, performance: Performance, start: int, *,
                voice: bool) -> Task[tuple[bpy.types.bpy_struct | None, bpy.types.bpy_struct | None]]:
    """Sound below, pictures above, on the lowest two channels that are free for their whole length."""
    duration_s = performance.clip.duration_s
    channel = free_channels(scene, start, start + frames_for(duration_s, scene_fps(scene)), 2)
    sound = pictures = None
    if performance.voice is not None and voice:
        sound = add_sound(scene, performance.voice, duration_s, start_frame=start, channel=channel,
                          name=f"{performance.name} Voice")
    yield
    if performance.frames is not None:
        pictures = yield from frames_task(scene, performance.frames, performance.clip.fps, start_frame=start,
                                          channel=channel + 1, name=performance.name)
    return pictures, sound


def _look_through_camera() -> None:
    for screen in bpy.data.screens:
        for area in screen.areas:
            if area.type == "VIEW_3D":
                area.spaces.active.region_3d.view_perspective = "CAMERA"
                area.spaces.active.shading.type = "MATERIAL"


def main(arguments: list[str] | None = None) -> int:
    """The script entry. Returns the exit code; errors are one line on standard error."""
    parser = argparse.ArgumentParser(prog="soliloquy.addon.scene.assemble",
                                     description="Make a .blend of an animate folder.")
    parser.add_argument("folder", type=Path, help="folder written by `soliloquy animate`")
    parser.add_argument("--blend", type=Path, required=True, help="the .blend to write")
    options = parser.parse_args(arguments)
    try:
        assemble_file(options.folder.resolve(), options.blend.resolve())
    except AddonError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    exit_code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)  # the bpy wheel (seen in 4.5.15) can wait for its own audio thread for ever at the end
