"""The pictures of a video, one after the other at a constant rate, as ffmpeg decodes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from ..errors import ImageError
from ..rates import FASTEST_FPS, SLOWEST_FPS, nearest_standard_rate

LONG_SIDE_PX = 1280
"""Larger pictures are made smaller: the detector looks at 256 pixels of face."""

LONGEST_S = 3600.0


@dataclass(frozen=True)
class Video:
    """An opened video. frames: (H, W, 3) uint8 RGB in the order of time, frame n at n / fps; expected: about how many."""

    fps: Fraction
    size: tuple[int, int]
    expected: int
    frames: Iterator[np.ndarray]


def open_video(path: Path) -> Video:
    """Begin to decode `path`. Raises ImageError when it is missing, holds no video, or is longer than LONGEST_S."""
    if not path.is_file():
        raise ImageError(f"There is no video at {path}.")
    rate = _rate(path)
    scale = f"scale=w='min({LONG_SIDE_PX},iw)':h='min({LONG_SIDE_PX},ih)':force_original_aspect_ratio=decrease:force_divisible_by=2"
    reader = imageio_ffmpeg.read_frames(
        str(path.resolve()), pix_fmt="rgb24", output_params=["-vf", f"fps={rate.numerator}/{rate.denominator},{scale}", "-an"])
    facts = _first(reader, path)
    if facts["duration"] > LONGEST_S:
        reader.close()
        raise ImageError(f"{path} is longer than {LONGEST_S / 60:g} minutes. Cut it into parts.")
    width, height = facts["size"]
    return Video(rate, (width, height), max(round(facts["duration"] * float(rate)), 1), _pictures(reader, (height, width, 3), path))


def _rate(path: Path) -> Fraction:
    """The rate the video says it has, as a standard one where it is near."""
    reader = imageio_ffmpeg.read_frames(str(path.resolve()))
    measured = float(_first(reader, path)["fps"])
    reader.close()
    rate = nearest_standard_rate(measured, within=2e-3) if measured > 0 else None
    rate = rate or Fraction(measured).limit_denominator(1000)
    if not SLOWEST_FPS <= rate <= FASTEST_FPS:
        raise ImageError(f"{path} has {measured:g} pictures a second; {SLOWEST_FPS} to {FASTEST_FPS} can be read.")
    return rate


def _first(reader: Iterator, path: Path) -> dict:
    try:
        return next(reader)
    except (OSError, RuntimeError, StopIteration, KeyError, ValueError, ZeroDivisionError) as error:
        raise ImageError(f"{path} is not a video that can be read (damaged, without pictures, or of an unknown kind).") from error


def _pictures(reader: Iterator[bytes], shape: tuple[int, int, int], path: Path) -> Iterator[np.ndarray]:
    count = 0
    try:
        for data in reader:
            count += 1
            yield np.frombuffer(data, np.uint8).reshape(shape)
    except (OSError, RuntimeError) as error:
        raise ImageError(f"{path} cannot be read beyond its picture {count}; it is damaged or cut off.") from error
    finally:
        reader.close()
