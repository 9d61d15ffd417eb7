"""The renderer draws parts one over the other; a scene has depth instead. This puts depth where the drawing order was."""

from __future__ import annotations

import numpy as np
from mathutils.kdtree import KDTree

from .portrait_file import PartData, PortraitData
from .space import PUPIL_DISTANCE_M

BEHIND_PUPIL_DISTANCES = {"person": 0.03, "iris_left": 0.06, "iris_right": 0.06, "eye_left": 0.17, "eye_right": 0.17}
"""How far parts are set back along the lines of sight, so that the face, the lids and a turned iris stay before them."""

COVERED_MARGIN = 0.1
"""The person is cut away under the face from this far inside the face's soft outline, pupil distances."""
SKIRT_REACH = 0.08
"""Soft vertices this near to an eye's or the mouth's rim belong to that hole, not to the outline."""


def behind_m(part_name: str) -> float:
    """How far the part is set back, metres."""
    return BEHIND_PUPIL_DISTANCES.get(part_name, 0.0) * PUPIL_DISTANCE_M


def visible_triangles(portrait: PortraitData, part_name: str) -> np.ndarray:
    """The part's triangles; of the person, those the face does not cover: what opens in the face must not show the
    picture's own mouth and eyes again."""
    part = portrait.parts[part_name]
    if part_name != "person" or "face" not in portrait.parts:
        return part.triangles
    pupil_distance = portrait.units_per_metre * PUPIL_DISTANCE_M
    covered = _covered(part.vertices[:, :2], portrait.parts["face"], portrait.apertures, pupil_distance)
    return part.triangles[~covered[part.triangles].all(axis=1)]


def _covered(points: np.ndarray, face: PartData, apertures: dict[str, np.ndarray], pupil_distance: float) -> np.ndarray:
    """(N,) bool: points (N, 2) inside the face's outline by more than the margin."""
    seen = face.vertices[:, :2]
    outline = face.colour[:, 3] < 1
    outline[_open_edges(face.triangles)] = True
    rims = np.concatenate([seen[rim] for rim in apertures.values()]) if apertures else np.empty((0, 2), np.float32)
    if len(rims):
        outline[_distances(seen, rims) < SKIRT_REACH * pupil_distance] = False
    if not outline.any() or outline.all():
        return np.zeros(len(points), bool)
    to_outline = _distances(points, seen[outline])
    to_inside = _distances(points, seen[~outline])
    return (to_inside < to_outline) & (to_outline > COVERED_MARGIN * pupil_distance)


def _open_edges(triangles: np.ndarray) -> np.ndarray:
    """Vertices on edges that only one triangle has."""
    edges = np.sort(np.concatenate((triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]])), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    return np.unique(unique[count == 1])


def _distances(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(N,) from each of `points` (N, 2) to the nearest of `targets` (M, 2)."""
    tree = KDTree(len(targets))
    for index, (x, y) in enumerate(targets.tolist()):
        tree.insert((x, y, 0.0), index)
    tree.balance()
    return np.array([tree.find((x, y, 0.0))[2] for x, y in points.tolist()])
