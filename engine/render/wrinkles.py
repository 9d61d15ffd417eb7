"""Folds that an expression presses into skin, as relief for the light: nasolabial fold, crow's feet, forehead and frown lines.

The mesh is too coarse to fold by itself and no other picture of this face exists, so where a fold runs is anatomy: along
landmarks between which faces crease (Ekman & Friesen 1978, "Facial Action Coding System": AU 12 and 9 deepen the nasolabial
furrow, AU 6 raises crow's feet, AU 1 and 2 line the forehead, AU 4 the brow).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..motion.clip import CHANNEL_INDEX
from ..portrait.portrait import Portrait

Point = tuple[int, int, float]
"""A point of the face: between two landmarks, at this share of the way from the first to the second."""


@dataclass(frozen=True)
class Fold:
    """A furrow along `path`, as deep as the sum of `channels` times `depth_m`; width_m is its standard deviation.

    bulge: how high the skin rises beside it, of the depth, on the side of landmark `towards`.
    """

    path: tuple[Point, ...]
    channels: dict[str, float]
    depth_m: float
    width_m: float
    bulge: float = 0.0
    towards: int = 0


def at(landmark: int) -> Point:
    """A point on a landmark."""
    return landmark, landmark, 0.0


FOLDS = (
    Fold((at(129), at(203), at(206), at(216), at(212)), {"mouthSmileRight": 0.8, "noseSneerRight": 0.6, "cheekSquintRight": 0.3,
         "mouthUpperUpRight": 0.4}, 0.0011, 0.0026, bulge=0.9, towards=50),
    Fold((at(358), at(423), at(426), at(436), at(432)), {"mouthSmileLeft": 0.8, "noseSneerLeft": 0.6, "cheekSquintLeft": 0.3,
         "mouthUpperUpLeft": 0.4}, 0.0011, 0.0026, bulge=0.9, towards=280),
    Fold(((226, 35, 0.2), (143, 156, 0.6), (139, 156, 0.5)), {"cheekSquintRight": 0.7, "eyeSquintRight": 0.5, "mouthSmileRight": 0.4}, 0.0006, 0.0017),
    Fold(((226, 31, 0.4), (111, 35, 0.4), (143, 116, 0.4)), {"cheekSquintRight": 0.7, "eyeSquintRight": 0.5, "mouthSmileRight": 0.4}, 0.0006, 0.0017),
    Fold(((446, 265, 0.2), (372, 383, 0.6), (368, 383, 0.5)), {"cheekSquintLeft": 0.7, "eyeSquintLeft": 0.5, "mouthSmileLeft": 0.4}, 0.0006, 0.0017),
    Fold(((446, 261, 0.4), (340, 265, 0.4), (372, 345, 0.4)), {"cheekSquintLeft": 0.7, "eyeSquintLeft": 0.5, "mouthSmileLeft": 0.4}, 0.0006, 0.0017),
    Fold(((63, 68, 0.5), (105, 104, 0.5), (66, 69, 0.5), (107, 108, 0.5), (9, 151, 0.55), (336, 337, 0.5), (296, 299, 0.5), (334, 333, 0.5),
         (293, 298, 0.5)), {"browInnerUp": 0.5, "browOuterUpLeft": 0.25, "browOuterUpRight": 0.25}, 0.0007, 0.002),
    Fold((at(68), at(104), at(69), at(108), at(151), at(337), at(299), at(333), at(298)),
         {"browInnerUp": 0.5, "browOuterUpLeft": 0.25, "browOuterUpRight": 0.25}, 0.0008, 0.002),
    Fold(((104, 103, 0.4), (69, 67, 0.45), (108, 109, 0.45), (151, 10, 0.45), (337, 338, 0.45), (299, 297, 0.45), (333, 332, 0.4)),
         {"browInnerUp": 0.5, "browOuterUpLeft": 0.25, "browOuterUpRight": 0.25}, 0.0006, 0.002),
    Fold(((108, 9, 0.55), (9, 107, 0.45), (8, 55, 0.45)), {"browDownLeft": 0.4, "browDownRight": 0.6}, 0.0008, 0.0017),
    Fold(((337, 9, 0.55), (9, 336, 0.45), (8, 285, 0.45)), {"browDownLeft": 0.6, "browDownRight": 0.4}, 0.0008, 0.0017),
)
"""Left and right are the subject's."""
SAMPLES = 48
"""Points per fold."""
OCCLUSION = 0.16
"""A fold at full depth also loses this share of the light that comes from everywhere."""


class Wrinkles:
    """The folds of one portrait's face as relief on its vertices."""

    def __init__(self, portrait: Portrait, device: torch.device | None = None):
        face = portrait.parts["face"]
        landmarks = portrait.landmarks_px[:, :2]
        metre = portrait.units_per_metre
        shown = np.array([1 - portrait.rest.get(name, 0.0) for name in CHANNEL_INDEX], np.float32)
        weights = np.stack([channel_row(fold.channels) * shown for fold in FOLDS])
        profiles = [profile(face.vertices[:, :2], fold, landmarks, metre) for fold in FOLDS]
        relief = np.stack([(fold.bulge * ridge - furrow) * fold.depth_m * metre for fold, (furrow, ridge) in zip(FOLDS, profiles)])
        self.furrows = np.stack([furrow for furrow, _ in profiles])
        self._weights, self._relief, self._furrows = (torch.from_numpy(known.astype(np.float32)).to(device)
                                                      for known in (weights, relief, self.furrows))

    def height(self, channels: torch.Tensor) -> torch.Tensor:
        """(B, V) how far the skin is raised, pixels, at these ARKit channels (B, 52)."""
        return self._amounts(channels) @ self._relief

    def shadow(self, channels: torch.Tensor) -> torch.Tensor:
        """(B, V) factor on the light that comes from everywhere."""
        return 1 - OCCLUSION * torch.clamp(self._amounts(channels) @ self._furrows, max=1)

    def _amounts(self, channels: torch.Tensor) -> torch.Tensor:
        return torch.clamp(channels @ self._weights.T, 0, 1)


def channel_row(weights: dict[str, float]) -> np.ndarray:
    """(52,) with the weights of the named channels."""
    row = np.zeros(len(CHANNEL_INDEX), np.float32)
    for name, weight in weights.items():
        row[CHANNEL_INDEX[name]] = weight
    return row


def profile(points: np.ndarray, fold: Fold, landmarks: np.ndarray, metre: float) -> tuple[np.ndarray, np.ndarray]:
    """(V,) furrow and ridge, 0..1, of a fold at points (V, 2), running out towards its ends. metre: pixels."""
    path = np.array([landmarks[a] + share * (landmarks[b] - landmarks[a]) for a, b, share in fold.path])
    places = np.linspace(0, len(path) - 1, SAMPLES)
    line = np.stack([np.interp(places, np.arange(len(path)), path[:, k]) for k in range(2)], axis=1)
    away = points[:, None] - line[None]
    distance = np.linalg.norm(away, axis=2)
    nearest = distance.argmin(axis=1)
    strength = np.sin(np.pi * (nearest + 0.5) / SAMPLES) ** 0.7
    width = fold.width_m * metre
    furrow = strength * np.exp(-0.5 * (distance.min(axis=1) / width) ** 2)
    if not fold.bulge:
        return furrow, np.zeros_like(furrow)
    tangent = np.gradient(line, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-6
    middle = SAMPLES // 2
    if (landmarks[fold.towards] - line[middle]) @ normal[middle] < 0:
        normal = -normal
    beside = np.take_along_axis(away, nearest[:, None, None].repeat(2, 2), axis=1)[:, 0]
    across = (beside * normal[nearest]).sum(axis=1) / width
    along = np.linalg.norm(beside - across[:, None] * width * normal[nearest], axis=1) / width
    return furrow, strength * np.exp(-0.5 * ((across - 2.5) / 1.4) ** 2 - 0.5 * along ** 2)
