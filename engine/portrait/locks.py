"""When the fill of a far cheek comes into view, vertex by vertex: where a lock of hair hangs over the cheek it slides off it.

The picture shows the lock upon the cheek, and the fill shows the cheek without. Dissolved into one another they are half a lock, a grey patch,
at just the turns that a speaking head makes. Hair hangs before the face: as the head turns back the cheek comes out from
under it at the lock's inner end first, and at the outline last.
"""

from __future__ import annotations

import numpy as np
import scipy.spatial

from .far_light import Sheet

COMES_INTO_VIEW = (0.02, 0.16)
"""The far cheek's fill begins to show when the surface faces the camera by this much more than at rest (cosine), and is full."""
SLIDES_OVER, SLIDES_WITHIN = 0.15, 0.05
"""Under a lock it begins at its inner end at rest and at its outer one so much later, and is full there so much after that."""
LEAST_LOCK = 20
"""Vertices; fewer are a dark spot."""
LOCK_REACH = 0.12
"""A lock's soft end and its shade on the skin reach so far, pupil distances."""


def coming_into_view(sheet: Sheet, lock: np.ndarray) -> np.ndarray:
    """(V, 2) by how much more than at rest each vertex faces the camera when the fill begins to show there, and is full; lock: (V,) bool,
    where the picture has hair upon the far cheek."""
    limits = np.tile(COMES_INTO_VIEW, (len(lock), 1))
    if lock.sum() < LEAST_LOCK:
        return limits
    outwards = np.abs(sheet.places[:, 0])
    inner, outer = np.quantile(outwards[lock], (0.02, 0.98))
    begins = SLIDES_OVER * np.clip((outwards - inner) / max(outer - inner, 1e-6), 0, 1)
    distance, _ = scipy.spatial.cKDTree(sheet.places[lock]).query(sheet.places)
    share = np.clip(2 - distance / LOCK_REACH, 0, 1)[:, None]
    return limits + share * (np.stack([begins, begins + SLIDES_WITHIN], axis=1) - limits)
