"""The shadow that the upper lids throw on the eyes: it comes down with the lid, and the iris turns beneath it.

The parts carry the shadow of the rest pose as colour and have textures without it (portrait/eyes.py), so that a renderer
which does nothing about it shows the rest pose's shadow.
"""

from __future__ import annotations

import numpy as np

from ..portrait.eyes import below_lid, shadow_at
from ..portrait.fit import PUPIL_DISTANCE_M
from ..portrait.lids import lid_path
from ..portrait.portrait import Portrait
from ..portrait.topology import LID_LOWER, LID_UPPER


class LidShadow:
    """The shadows of one portrait."""

    def __init__(self, portrait: Portrait):
        self.pupil_distance = portrait.units_per_metre * PUPIL_DISTANCE_M
        self.lids, self.parts = {}, {}
        face = portrait.parts["face"].vertices
        for side in ("left", "right"):
            if f"eye_{side}" not in portrait.apertures:
                continue
            rim = portrait.apertures[f"eye_{side}"]
            self.lids[side] = tuple(lid_path(rim, lid[side]) for lid in (LID_UPPER, LID_LOWER))
            for name in (f"eye_{side}", f"iris_{side}"):
                colour = portrait.parts[name].colour
                strength = float(1 - colour[:, 0].min())
                if strength > 0.01:
                    lit = 1 - strength * self._share(side, face, portrait.parts[name].vertices)
                    self.parts[name] = (side, strength, colour, lit)

    def colours(self, vertices: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """(V, 4) colour of each shaded part; vertices: all parts of a posed frame, in picture space."""
        shaded = {}
        for name, (side, strength, colour, lit_at_rest) in self.parts.items():
            lit = 1 - strength * self._share(side, vertices["face"], vertices[name])
            shaded[name] = colour.copy()
            shaded[name][:, :3] *= (lit / lit_at_rest)[:, None]
        return shaded

    def _share(self, side: str, face: np.ndarray, points: np.ndarray) -> np.ndarray:
        """(V,) 0..1: how deep points (V, 3) lie in the shadow of the lid, as the face (F, 3) holds it."""
        upper, lower = (face[path, :2] for path in self.lids[side])
        across = upper[-1] - upper[0]
        down = np.array([-across[1], across[0]]) / (np.linalg.norm(across) + 1e-6)
        if (lower.mean(axis=0) - upper.mean(axis=0)) @ down < 0:
            down = -down
        return shadow_at(below_lid(points[:, :2], upper, down), self.pupil_distance).astype(np.float32)
