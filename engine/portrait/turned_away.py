"""How deep the person lies about a far cheek that is filled: shallower than it is, until the head turns that cheek further away.

The far cheek of a face turned away is a few pixels of the picture, nearly edge-on. When the head turns back, or looks up, they would be drawn
out, with what lies beside them, into teeth and tatters; so the person there falls off gently, and the fill (`far_side.py`) is the
outline. Turned further away that would be seen beside the face, lips and eyes a second time: then the person lies as deep as the face
does, and what is seen is a profile.
"""

from __future__ import annotations

import numpy as np
import scipy.spatial

from .fit import Fit
from .portrait import Part
from .surface import STEEPEST_SIDE, signed_distance
from .topology import CHIN, FACE_OVAL, OUTER_LIP_LOWER

NEIGHBOURS = 96
"""Depth is eased over so many grid points."""
REACH = 0.3
"""So far beyond the fill it is eased, and less and less up to twice as far, pupil distances."""
EVEN_OVER = 12
"""Depth there is the mean of so many grid points, the nearer the more: the face's mesh is squeezed into a line, and what is read off it wavers."""
FILLED = 0.3
"""Where the fill has at least this opacity there is fill."""
BESIDE = 0.1
"""So far beside the face, pupil distances, less and less from the lips down and not at all below the chin: a neck with what hangs about it
would be drawn along."""


class TurnedAway:
    """The depth about one portrait's filled far cheek. person: (N, 3) an even grid over the person; far_side: the fill, if there is one."""

    def __init__(self, fit: Fit, person: np.ndarray, far_side: Part | None):
        self._fit, self._person, self._tree = fit, person, scipy.spatial.cKDTree(person[:, :2])
        self._fill = None if far_side is None else scipy.spatial.cKDTree(far_side.vertices[far_side.colour[:, 3] > FILLED, :2])

    def evened(self, points: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """(V,) the depth (V,) of the grid's points (V, 2) without what wavers about the fill: it is the outline of a head turned away."""
        if self._fill is None:
            return depth
        distance, nearest = scipy.spatial.cKDTree(points).query(points, k=min(EVEN_OVER, len(points)))
        weights = 1 - distance / (distance[:, -1:] + 1e-6)
        mean = (depth[nearest] * weights).sum(axis=1) / weights.sum(axis=1)
        return depth + self._near_fill(points) * (mean - depth)

    def eased(self, points: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """(V,) how deep points (V, 2) lie unless turned away, which are `depth` (V,) deep: depth falls by at most STEEPEST_SIDE about
        the fill."""
        if self._fill is None:
            return depth
        distance, nearest = self._tree.query(points, k=min(NEIGHBOURS, len(self._person)))
        shallow = (self._person[nearest, 2] - STEEPEST_SIDE * distance).max(axis=1)
        return depth + self._near_fill(points) * self._above_neck(points) * (shallow - depth)

    def deeper(self, eased: np.ndarray, depth: np.ndarray) -> np.ndarray | None:
        """`Part.deeper_turned_away` of vertices that lie `depth` (V,) deep then, and else `eased` (V,); None where nothing is filled."""
        return None if self._fill is None else (eased - depth).astype(np.float32)

    def _near_fill(self, points: np.ndarray) -> np.ndarray:
        """(V,) 1 on the fill and beside it, falling to 0 further away."""
        from_fill, _ = self._fill.query(points)
        return np.clip(2 - from_fill / (REACH * self._fit.pupil_distance), 0, 1)

    def _above_neck(self, points: np.ndarray) -> np.ndarray:
        """(V,) 1 on the face and beside its cheeks, falling to 0 where there is neck or what hangs about it."""
        surface, down = self._fit.surface, self._fit.down
        lip, chin = surface[[OUTER_LIP_LOWER[len(OUTER_LIP_LOWER) // 2], CHIN], :2] @ down
        below = np.clip((points @ down - lip) / max(chin - lip, 1e-6), 0, 1)
        outside = -signed_distance(points, surface[list(FACE_OVAL), :2])
        return 1 - below * np.clip(outside / (BESIDE * self._fit.pupil_distance), 0, 1)
