"""Light that stays where it is while the face moves: shading from the moving surface, by the picture's own light.

The picture's brightness over the face is explained by its normals with the first-order terms of spherical harmonics
(Ramamoorthi & Hanrahan 2001, "An efficient representation for irradiance environment maps"). When head or skin turns, each
point is made as much brighter or darker as that light says. Flat art, whose brightness its normals do not explain, is left
alone.
"""

from __future__ import annotations

import cv2
import numpy as np
import scipy.spatial
import torch

from ..portrait.fit import PUPIL_DISTANCE_M
from ..portrait.portrait import Portrait
from ..portrait.settings import PortraitSettings
from ..portrait.window import blurred_around
from .surface import Surface, vertex_normals
from .wrinkles import Wrinkles

STRENGTH = 0.7
"""Of the change that the fitted light predicts: shadows and the eye's adaptation soften the rest."""
RATIO_LIMITS = (0.72, 1.3)
TRUST = (0.12, 0.4)
"""Share of the face's variance that the light explains at which shading begins, and at which it is full."""
LEAST_DIRECTION = 0.1
"""A directional light weaker than this share of the ambient one counts for less."""
CLEAR_OF_HOLES, CLEAR_OF_OUTLINE = 0.1, 0.3
"""Shading begins this far from lids and lips, and is full this far inside the face's outline, pupil distances."""
BLUR = 0.06
"""Brightness is taken over this much skin (pupil distances), so that brows and pores do not count as light."""


class FaceLight:
    """The light on one portrait's face."""

    def __init__(self, portrait: Portrait, device: torch.device | None = None):
        face = portrait.parts["face"]
        self.rest = vertex_normals(face.vertices, face.triangles)
        self.area = self._area(portrait)
        self.light, measured = self._fit(portrait)
        trust = PortraitSettings.of(portrait).trust_in_light(measured)
        self.amount = (self.area * STRENGTH * trust).astype(np.float32)
        self.wrinkles = Wrinkles(portrait, device)
        self.surface = Surface(face.triangles, len(face.vertices), device)
        self._direction = torch.from_numpy(self.light[1:].astype(np.float32)).to(device)
        self._amount = torch.from_numpy(self.amount).to(device)
        self._rest_brightness = self._brightness(torch.from_numpy(self.rest).to(device))

    @property
    def from_above(self) -> float:
        """How much of the light comes from above, 0..1, as far as it is understood (y is down)."""
        return float(np.clip(-self.light[2] / max(self.light[0], 1.0), 0, 1) * self.amount.max() / STRENGTH)

    @property
    def is_on(self) -> bool:
        """Whether this picture has a light to speak of."""
        return bool(self.amount.any())

    def factor(self, face_vertices: torch.Tensor, channels: torch.Tensor) -> torch.Tensor:
        """(B, V) how much brighter each point of the posed face (B, V, 3) is than at rest, with the folds of its expression (B, 52)."""
        normals = self.surface.normals(face_vertices)
        height = self.wrinkles.height(channels)
        if height.any():
            normals = self.surface.normals(face_vertices + normals * height[..., None])
        ratio = self._brightness(normals) / self._rest_brightness * self.wrinkles.shadow(channels)
        return 1 + self._amount * (torch.clamp(ratio, *RATIO_LIMITS) - 1)

    def _brightness(self, normals: torch.Tensor) -> torch.Tensor:
        ambient = float(self.light[0])
        return torch.clamp(ambient + normals @ self._direction, min=0.15 * ambient)

    @staticmethod
    def _area(portrait: Portrait) -> np.ndarray:
        """(V,) 1 on open skin, falling to 0 at lids, lips and the face's outline."""
        face = portrait.parts["face"]
        pupil_distance = portrait.units_per_metre * PUPIL_DISTANCE_M
        rims = np.concatenate([face.vertices[rim, :2] for rim in portrait.apertures.values()])
        to_holes, _ = scipy.spatial.cKDTree(rims).query(face.vertices[:, :2])
        hull = face.vertices[scipy.spatial.ConvexHull(face.vertices[:, :2]).vertices, :2]
        outline = np.concatenate([hull + share * (np.roll(hull, -1, axis=0) - hull) for share in np.linspace(0, 1, 8, endpoint=False)])
        to_outline, _ = scipy.spatial.cKDTree(outline).query(face.vertices[:, :2])
        near_hole = np.clip(to_holes / (CLEAR_OF_HOLES * pupil_distance) - 0.3, 0, 1)
        near_outline = np.clip(to_outline / (CLEAR_OF_OUTLINE * pupil_distance), 0, 1)
        return near_hole * near_outline

    def _fit(self, portrait: Portrait) -> tuple[np.ndarray, float]:
        """Ambient and directional brightness (4,) and how far to trust them 0..1."""
        face, person = portrait.parts["face"], portrait.images["person"]
        sigma = max(BLUR * portrait.units_per_metre * PUPIL_DISTANCE_M, 1.0)
        height, width = person.shape[:2]
        columns = np.clip((face.uv[:, 0] * width).astype(int), 0, width - 1)
        rows = np.clip((face.uv[:, 1] * height).astype(int), 0, height - 1)
        part, (left, top) = blurred_around(person, np.stack([columns, rows], axis=1), sigma)
        brightness = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)[rows - top, columns - left]
        weights = np.sqrt(self.area * (self.rest[:, 2] > 0.2) * (person[rows, columns, 3] > 250) + 1e-6)
        basis = np.concatenate([np.ones((len(brightness), 1)), self.rest], axis=1)
        ridge = 0.02 * (weights ** 2).sum() * np.diag([0.0, 1.0, 1.0, 1.0])
        weighted = basis * weights[:, None]
        light = np.linalg.solve(weighted.T @ weighted + ridge, weighted.T @ (brightness * weights))
        mean = np.average(brightness, weights=weights ** 2)
        unexplained = (weights ** 2 * (brightness - basis @ light) ** 2).sum()
        explained = 1 - unexplained / max((weights ** 2 * (brightness - mean) ** 2).sum(), 1e-6)
        trust = float(np.clip((explained - TRUST[0]) / (TRUST[1] - TRUST[0]), 0, 1))
        direction = float(np.linalg.norm(light[1:])) / max(light[0], 1.0)
        return light, trust * min(direction / LEAST_DIRECTION, 1.0)
