"""What sound strips sound like, as one file the engine can hear."""

from __future__ import annotations

from pathlib import Path

import bpy

from .. import compat
from ..errors import AddonError
from .speed import refuse_retimed
from .timing import scene_fps

RATE_HZ = 48000
BUFFER_SAMPLES = 4096


def whole_file_of(strips: list[bpy.types.bpy_struct]) -> Path | None:
    """The file of a single strip that plays it from its beginning and as loud as it is; None otherwise. Raises AddonError."""
    for one in strips:
        refuse_retimed(one)
    strip = strips[0]
    if len(strips) > 1 or compat.content_start(strip) != compat.strip_range(strip)[0] or strip.volume != 1.0:
        return None
    path = Path(bpy.path.abspath(strip.sound.filepath))
    return path if path.is_file() else None


def mix_strips(strips: list[bpy.types.bpy_struct], scene: bpy.types.Scene, path: Path) -> None:
    """Write what the strips sound like together, from where the first begins, as a mono WAV file. Raises AddonError."""
    try:
        import aud
    except ImportError as error:
        raise AddonError("This Blender was built without its audio library: choose a voice file instead.") from error
    fps = scene_fps(scene)
    begin = min(compat.strip_range(strip)[0] for strip in strips)
    mixed = None
    temporary = path.with_name(f".{path.stem}.part.wav")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for strip in strips:
            start, end = compat.strip_range(strip)
            trimmed = float((start - compat.content_start(strip)) / fps)
            sound = aud.Sound(bpy.path.abspath(strip.sound.filepath)).resample(RATE_HZ, 1).rechannel(1)
            sound = sound.limit(trimmed, trimmed + float((end - start) / fps)).volume(strip.volume)
            sound = sound.delay(float((start - begin) / fps)) if start > begin else sound
            mixed = sound if mixed is None else mixed.mix(sound)
        mixed.write(str(temporary), RATE_HZ, 1, aud.FORMAT_S16, aud.CONTAINER_WAV, aud.CODEC_PCM, 0, BUFFER_SAMPLES)
        temporary.replace(path)
    except (OSError, aud.error) as error:
        raise AddonError(f"The strips could not be written as {path}: {str(error).strip()}", code="bad_output") from error
    finally:
        temporary.unlink(missing_ok=True)
