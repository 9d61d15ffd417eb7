"""The chin's shadow on the neck: it follows the jaw, while the shadow in the picture stays on the skin it was painted on."""

from __future__ import annotations

import numpy as np

from ..portrait.fit import PUPIL_DISTANCE_M
from ..portrait.portrait import Portrait

JAW_LINE = (172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397)
"""Landmarks along the lower jaw from the subject's right to the left."""
REACH = 0.7
"""The neck is shaded this far below the jaw, pupil distances."""
SOFTNESS = 0.16
"""Distance over which the shadow falls to 1/e, pupil distances."""
DARKEST = 0.3
"""Share of the light that a light straight above loses under the jaw."""
LIMITS = (0.75, 1.2)


class ChinShadow:
    """The shadow of one portrait's jaw on the vertices of its person.

    from_above: how much of the picture's light comes from above, 0..1; without any there is no shadow.
    """

    def __init__(self, portrait: Portrait, from_above: float):
        pupil_distance = portrait.units_per_metre * PUPIL_DISTANCE_M
        face, person = portrait.parts["face"], portrait.parts["person"]
        self.softness = SOFTNESS * pupil_distance
        self.depth = DARKEST * float(np.clip(from_above, 0, 1))
        jaw = face.vertices[list(JAW_LINE), :2]
        down = face.vertices[152, :2] - face.vertices[10, :2]
        down = down / (np.linalg.norm(down) + 1e-6)
        offset = person.vertices[:, None, :2] - jaw[None]
        nearest = np.linalg.norm(offset, axis=2).argmin(axis=1)
        below = offset[np.arange(len(offset)), nearest] @ down
        self.neck = np.flatnonzero((below > -0.15 * pupil_distance) & (below < REACH * pupil_distance)
                                   & (np.linalg.norm(offset, axis=2).min(axis=1) < REACH * pupil_distance)).astype(np.int32)
        self.fade = np.clip(2 - 2 * np.maximum(below[self.neck], 0) / (REACH * pupil_distance), 0, 1)
        self.rest = self._light(person.vertices[self.neck, :2], jaw)

    def factor(self, person_vertices: np.ndarray, face_vertices: np.ndarray) -> np.ndarray:
        """(len(neck),) how much brighter the neck is than at rest with person (P, 3) and face (V, 3) posed."""
        now = self._light(person_vertices[self.neck, :2], face_vertices[list(JAW_LINE), :2])
        return 1 + self.fade * (np.clip(now / self.rest, *LIMITS) - 1)

    def _light(self, points: np.ndarray, jaw: np.ndarray) -> np.ndarray:
        distance = np.linalg.norm(points[:, None] - jaw[None], axis=2).min(axis=1)
        return 1 - self.depth * np.exp(-distance / self.softness)
