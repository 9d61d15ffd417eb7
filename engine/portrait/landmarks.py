"""Landmarks as a file that a person (or Blender's viewport) can correct: `{"landmarks_px": [[x, y, z], ...]}`, 478 points in
picture space. `build.read_landmarks` reads it back."""

from __future__ import annotations

import json
import os

import numpy as np

from ..files import whole_file
from .detect import detect_faces
from .fit import head_asset
from .topology import IRIS, LANDMARKS, LID_LOWER, LID_UPPER

USUAL_FACE_SHARE = 0.4
"""Height of a face in the picture's, where nobody knows better."""
IRIS_RADIUS_SHARE = 0.19
"""Radius of the iris in lengths of the eye, corner to corner: 5.9 mm of 31 mm (Bernays 1998; Farkas 1994)."""


def find_landmarks(image: np.ndarray, face: int | None = None) -> tuple[np.ndarray, bool]:
    """Landmarks (478, 3) to start correcting from, and whether they were found: a usual face in the picture's middle where
    the detector sees none (or not as many as `face` says). image: (H, W, 3) uint8 RGB."""
    faces = detect_faces(image)
    number = face or 0
    return (faces[number], True) if number < len(faces) else (usual_landmarks(image.shape[1], image.shape[0]), False)


def usual_landmarks(width: int, height: int) -> np.ndarray:
    """(478, 3) float32: the asset's neutral face from the front, in the middle of a picture of this size."""
    skin = head_asset()["landmark_rest"] * (1.0, -1.0, 1.0)  # the asset's y points up
    scale = USUAL_FACE_SHARE * height / np.ptp(skin[:, 1])
    skin = (skin - (skin.max(axis=0) + skin.min(axis=0)) / 2) * scale + (width / 2 - 0.5, height / 2 - 0.5, 0)
    points = np.zeros((LANDMARKS, 3), np.float32)
    points[:len(skin)] = skin
    for side, (centre, *rim) in IRIS.items():
        lids = points[list({*LID_UPPER[side], *LID_LOWER[side]})]
        radius = IRIS_RADIUS_SHARE * float(np.ptp(lids[:, 0]))
        points[centre] = lids.mean(axis=0)
        points[rim] = points[centre] + radius * np.array([[1, 0, 0], [0, -1, 0], [-1, 0, 0], [0, 1, 0]])
    return points


def write_landmarks(path: str | os.PathLike, points: np.ndarray) -> None:
    """Write `points` (478, 3), whole or not at all. Raises OutputError."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps({"landmarks_px": np.round(points.astype(float), 3).tolist()}), encoding="utf-8")
