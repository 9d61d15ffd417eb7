"""The noun `MotionClip`: one performance as curves."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from ...common.channels import ARKIT_CHANNELS, EYE_LOOK_FULL_DEG, OWN_CHANNELS, own_of
from ..errors import FormatError
from ..files import whole_file

FORMAT_VERSION = 3
"""2 added the tongue, 3 made it a part of `own`; what files of before do not have is told by `own_of`."""

CHANNEL_INDEX: dict[str, int] = {name: index for index, name in enumerate(ARKIT_CHANNELS)}


@dataclass
class MotionClip:
    """A performance sampled at `fps` (frames per second as a fraction; frame n is at n / fps seconds).

    channels: (T, 52) float32 in 0..1, columns in ARKIT_CHANNELS order, relative to the portrait's rest expression.
    head_rotation_deg: (T, 3) yaw, pitch, roll relative to the rest pose. R = Ry(yaw) Rx(-pitch) Rz(roll) in a frame with
        x to the picture's right, y up, z towards the camera: yaw > 0 turns the face to the picture's right, pitch > 0
        looks up, roll > 0 turns the head counter-clockwise as the viewer sees it.
    head_translation_m: (T, 3) in the same frame, metres (a head has 0.063 m between its pupils); z > 0 is nearer.
    gaze_deg: (T, 2, 2) eye rotation in the head: [subject's left, right] x [yaw, pitch], yaw > 0 to the picture's right,
        pitch > 0 up. The eight eyeLook channels are derived from it (`eye_look_from_gaze`) and move the lids.
    provenance: where the clip came from (generator, versions, seed, direction, hashes); plain JSON values.
    own: (T, 3) in 0..1, columns in OWN_CHANNELS order: what ARKit's channels cannot say. When it is left out, what `own_of` has.
    """

    fps: Fraction
    channels: np.ndarray
    head_rotation_deg: np.ndarray
    head_translation_m: np.ndarray
    gaze_deg: np.ndarray
    provenance: dict = field(default_factory=dict)
    own: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.own is None:
            self.own = own_of(self.channels)

    def __len__(self) -> int:
        return len(self.channels)

    @property
    def duration_s(self) -> float:
        """Length in seconds: frames / fps."""
        return float(len(self) / self.fps)

    def channel(self, name: str) -> np.ndarray:
        """(T,) view of one ARKit channel. Raises KeyError for a name that is not ARKit's."""
        return self.channels[:, CHANNEL_INDEX[name]]

    def sliced(self, start: int, stop: int) -> MotionClip:
        """The frames start..stop-1 as a clip of their own."""
        span = slice(start, stop)
        return MotionClip(self.fps, self.channels[span], self.head_rotation_deg[span], self.head_translation_m[span],
                          self.gaze_deg[span], dict(self.provenance), self.own[span])

    @classmethod
    def neutral(cls, frames: int, fps: Fraction = Fraction(25)) -> MotionClip:
        """`frames` frames of the rest pose."""
        return cls(fps, np.zeros((frames, 52), np.float32), np.zeros((frames, 3), np.float32),
                   np.zeros((frames, 3), np.float32), np.zeros((frames, 2, 2), np.float32))

    def check(self, name: str = "clip") -> None:
        """Raise FormatError unless shapes agree and every number is finite."""
        frames = len(self.channels)
        shapes = {"channels": (frames, 52), "head_rotation_deg": (frames, 3), "head_translation_m": (frames, 3),
                  "gaze_deg": (frames, 2, 2), "own": (frames, len(OWN_CHANNELS))}
        for field_name, shape in shapes.items():
            array = getattr(self, field_name)
            if array.shape != shape:
                raise FormatError(f"{name}: {field_name} has shape {array.shape}, expected {shape}.")
            if not np.isfinite(array).all():
                raise FormatError(f"{name}: {field_name} holds values that are not finite.")
        if self.fps <= 0:
            raise FormatError(f"{name}: fps must be positive.")

    def save(self, path: str | os.PathLike) -> None:
        """Write `path` (JSON header) and beside it `<stem>.npz` (arrays). Raises OutputError."""
        path = Path(path)
        arrays_path = path.with_suffix(".npz")
        header = {
            "format": "soliloquy-motion",
            "format_version": FORMAT_VERSION,
            "fps": f"{self.fps.numerator}/{self.fps.denominator}",
            "frames": len(self),
            "arrays": arrays_path.name,
            "channels": list(ARKIT_CHANNELS),
            "own": list(OWN_CHANNELS),
            "provenance": self.provenance,
        }
        with whole_file(arrays_path) as temporary:
            np.savez_compressed(temporary, channels=self.channels.astype(np.float32),
                                head_rotation_deg=self.head_rotation_deg.astype(np.float32),
                                head_translation_m=self.head_translation_m.astype(np.float32),
                                gaze_deg=self.gaze_deg.astype(np.float32), own=self.own.astype(np.float32))
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(header, ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike) -> MotionClip:
        """Read a clip written by `save`. Raises FormatError. Arrays are read without pickle, from the same folder only."""
        path = Path(path)
        try:
            header = json.loads(path.read_text(encoding="utf-8"))
            if header["format"] != "soliloquy-motion" or header["format_version"] > FORMAT_VERSION:
                raise FormatError(f"{path} is not a motion clip this version can read.")
            arrays_path = path.parent / Path(header["arrays"]).name
            with np.load(arrays_path, allow_pickle=False) as arrays:
                clip = cls(Fraction(header["fps"]), arrays["channels"], arrays["head_rotation_deg"],
                           arrays["head_translation_m"], arrays["gaze_deg"], header.get("provenance", {}),
                           arrays["own"] if "own" in arrays else own_of(arrays["channels"], arrays.get("tongue")))
        except (OSError, ValueError, KeyError, TypeError, IndexError, ZeroDivisionError, zipfile.BadZipFile) as error:
            raise FormatError(f"{path} is not a readable motion clip ({error}).") from error
        clip.check(str(path))
        return clip


def eye_look_from_gaze(gaze_deg: np.ndarray) -> np.ndarray:
    """(T, 2, 2) gaze -> (T, 8) eyeLook channels in the order Down, In, Out, Up for left then right, 0..1.

    "In" is towards the nose: for the subject's left eye that is the picture's left (yaw < 0), for the right eye yaw > 0.
    """
    columns = []
    for eye, inward in ((0, -1.0), (1, 1.0)):
        yaw, pitch = gaze_deg[:, eye, 0], gaze_deg[:, eye, 1]
        columns += [-pitch / EYE_LOOK_FULL_DEG["down"], inward * yaw / EYE_LOOK_FULL_DEG["in"],
                    -inward * yaw / EYE_LOOK_FULL_DEG["out"], pitch / EYE_LOOK_FULL_DEG["up"]]
    return np.clip(np.stack(columns, axis=1), 0.0, 1.0).astype(np.float32)


EYE_LOOK_COLUMNS = tuple(CHANNEL_INDEX[f"eyeLook{way}{side}"] for side in ("Left", "Right") for way in ("Down", "In", "Out", "Up"))
"""Columns of `channels` that `eye_look_from_gaze` fills, in its order."""
