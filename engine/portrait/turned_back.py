"""How the person lies about a far cheek that is filled, while the head has turned it into view.

The far cheek of a face turned away is a few pixels of the picture, nearly edge-on. When the head turns back they would come out from
behind the fill (`far_side.py`), with what lies beside them, as teeth and tatters: the person there comes nearer then, so that the fill is
the outline. Turned further away it must not: the face has its own depth, and a profile is seen.
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
FILLED = 0.3
"""Where the fill has at least this opacity there is fill."""
BESIDE = 0.1
"""So far beside the face, pupil distances, less and less from the lips down and nothing below the chin: a neck with what hangs about it would
be drawn along."""


class TurnedBack:
    """What comes nearer about one portrait's filled far cheek. person: (N, 3) an even grid over the person; far_side: the fill, if there is one."""

    def __init__(self, fit: Fit, person: np.ndarray, far_side: Part | None):
        self._fit, self._person, self._tree = fit, person, scipy.spatial.cKDTree(person[:, :2])
        self._fill = None if far_side is None else scipy.spatial.cKDTree(far_side.vertices[far_side.colour[:, 3] > FILLED, :2])

    def nearer(self, points: np.ndarray, depth: np.ndarray) -> np.ndarray | None:
        """(V,) how much nearer points (V, 2), `depth` (V,) deep, lie once the fill is in view, pixels: so much that depth falls by at most
        STEEPEST_SIDE about it. None where nothing is filled."""
        if self._fill is None:
            return None
        distance, nearest = self._tree.query(points, k=min(NEIGHBOURS, len(self._person)))
        eased = (self._person[nearest, 2] - STEEPEST_SIDE * distance).max(axis=1)
        from_fill, _ = self._fill.query(points)
        near = np.clip(2 - from_fill / (REACH * self._fit.pupil_distance), 0, 1)
        return near * self._above_neck(points) * (eased - depth)

    def _above_neck(self, points: np.ndarray) -> np.ndarray:
        """(V,) 1 on the face and beside its cheeks, falling to 0 where there is neck or what hangs about it."""
        surface, down = self._fit.surface, self._fit.down
        lip, chin = surface[[OUTER_LIP_LOWER[len(OUTER_LIP_LOWER) // 2], CHIN], :2] @ down
        below = np.clip((points @ down - lip) / max(chin - lip, 1e-6), 0, 1)
        outside = -signed_distance(points, surface[list(FACE_OVAL), :2])
        return 1 - below * np.clip(outside / (BESIDE * self._fit.pupil_distance), 0, 1)
