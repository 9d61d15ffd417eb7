"""Reads and writes a motion clip (`motion.json` and its `.npz`) with json and numpy. Untrusted input, see `portrait_file`."""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from ...common.channels import own_of
from ..errors import AddonError, FileError
from .channels import CHANNELS, OWN_CHANNELS

NEWEST_FORMAT = 3
LARGEST_HEADER_BYTES = 16 << 20
LARGEST_ARRAY_BYTES = 256 << 20
"""52 channels of float32 at 60 frames a second: more than five hours."""


@dataclass(frozen=True)
class ClipData:
    """One performance, frame n at n / fps seconds. Conventions as in `engine/motion/clip.py`:

    channels (T, 52) 0..1 in CHANNELS order; head_rotation_deg (T, 3) yaw, pitch, roll; head_translation_m (T, 3) x right,
    y up, z towards the camera; gaze_deg (T, 2, 2) subject's left, right x yaw, pitch; own (T, 3) 0..1 in OWN_CHANNELS order; when it is
    left out, what `own_of` has.
    """

    fps: Fraction
    channels: np.ndarray
    head_rotation_deg: np.ndarray
    head_translation_m: np.ndarray
    gaze_deg: np.ndarray
    own: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.own is None:
            object.__setattr__(self, "own", own_of(self.channels))

    def __len__(self) -> int:
        return len(self.channels)

    @property
    def duration_s(self) -> float:
        return float(len(self) / self.fps)

    def arrays(self) -> dict[str, np.ndarray]:
        """By the names they have in the file."""
        return {"channels": self.channels, "head_rotation_deg": self.head_rotation_deg,
                "head_translation_m": self.head_translation_m, "gaze_deg": self.gaze_deg, "own": self.own}


def read_clip(path: str | os.PathLike) -> ClipData:
    """Read and check a clip. Its arrays come from the same folder only. Raises FileError."""
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST_HEADER_BYTES:
            raise ValueError("its header is too large")
        header = json.loads(path.read_text(encoding="utf-8"))
        if header["format"] != "soliloquy-motion" or int(header["format_version"]) > NEWEST_FORMAT:
            raise ValueError("it is no clip of ours, or of a later version")
        if tuple(header["channels"]) != CHANNELS:
            raise ValueError("its channels are not the 52 of ARKit in our order")
        fps = Fraction(header["fps"])
        if not 0 < fps <= 1000:
            raise ValueError(f"impossible frame rate {fps}")
        with zipfile.ZipFile(path.parent / Path(header["arrays"]).name) as archive:
            frames = int(header["frames"])
            channels = _array(archive, "channels", (frames, len(CHANNELS)))
            return ClipData(fps, channels, _array(archive, "head_rotation_deg", (frames, 3)),
                            _array(archive, "head_translation_m", (frames, 3)), _array(archive, "gaze_deg", (frames, 2, 2)),
                            _own(archive, channels))
    except (OSError, ValueError, KeyError, TypeError, EOFError, ZeroDivisionError, NotImplementedError,
            zipfile.BadZipFile) as error:
        raise FileError(f"{path} is not a readable motion clip ({error}).") from error


def write_clip(clip: ClipData, path: Path) -> None:
    """Write `path` and its arrays beside it, for the engine. Raises AddonError when the disk does not take them."""
    arrays = path.with_suffix(".npz")
    header = {"format": "soliloquy-motion", "format_version": NEWEST_FORMAT, "fps": f"{clip.fps.numerator}/{clip.fps.denominator}",
              "frames": len(clip), "arrays": arrays.name, "channels": list(CHANNELS), "own": list(OWN_CHANNELS),
              "provenance": {"generator": "read off a rig"}}
    try:
        np.savez_compressed(arrays, **clip.arrays())
        path.write_text(json.dumps(header), encoding="utf-8")
    except OSError as error:
        raise AddonError(f"Cannot write {path}: {error.strerror or error}.", code="bad_output") from error


def _own(archive: zipfile.ZipFile, channels: np.ndarray) -> np.ndarray:
    """What the file has; files of format 2 have the tongue alone, those of format 1 nothing."""
    if "own.npy" in archive.namelist():
        return _array(archive, "own", (len(channels), len(OWN_CHANNELS)))
    return own_of(channels, _array(archive, "tongue", (len(channels), 2)) if "tongue.npy" in archive.namelist() else None)


def _array(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if archive.getinfo(f"{name}.npy").file_size > LARGEST_ARRAY_BYTES:
        raise ValueError(f"{name} is too large")
    array = np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False).astype(np.float32, copy=False)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds values that are not finite")
    return array
