"""The person as one surface: how deep it lies at any place of the picture, and how it moves with the face and on the neck."""

from __future__ import annotations

import cv2
import numpy as np
import scipy.ndimage
import scipy.spatial

from ...common.channels import RIG_CHANNELS
from ..render.raster import rasterise_attributes
from .fit import Fit, head_asset
from .portrait import Part
from .topology import CHIN, FACE_OVAL

DELTA_REACH = 0.45
"""How far the face's motion reaches beyond its outline, pupil distances; further below the chin."""
DELTA_REACH_BELOW = 0.75
NECK_TOP = -0.1
NECK_LENGTH = 1.5
"""The head's rotation fades out over this length below the chin, pupil distances."""
STEEPEST_SIDE, STEEPEST_NECK = 1.2, 3.0
"""Beside the face, and below its chin, depth falls by at most this much per length: the picture shows cheeks and ears foreshortened, and what little
texture it has of them would be drawn out into streaks when the head turns."""
BODY_DEPTH = -1.5
"""Depth of shoulders and loose hair, pupil distances."""


class PersonSurface:
    """The surface of one person with the face (`face_part`) of a picture `size` (width, height)."""

    def __init__(self, fit: Fit, face: Part, size: tuple[int, int]):
        self.size, self._fit, self._face = size, fit, face
        self._oval = fit.surface[list(FACE_OVAL)]

    def look(self, points: np.ndarray, *, beyond_face: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """(V,) depth at points (V, 2), and their offsets (RIG_CHANNELS, V, 3); beyond_face: of what lies behind the face, if there."""
        values, on_face = face_values_at(points, self._face, self.size)
        outside = self._outside(points)
        depth = grid_depth(self._fit, points, values[:, 0], on_face, self._oval, outside)
        moves_with_face = on_face & (not beyond_face)
        offsets = grid_deltas(self._fit, points, values[:, 1:].reshape(-1, len(RIG_CHANNELS), 3), moves_with_face, outside)
        return depth, offsets.transpose(1, 0, 2)

    def shallow(self, points: np.ndarray) -> np.ndarray:
        """(V,) depth at points (V, 2) beside the face that falls no faster below the chin than beside a cheek: a beard's."""
        nearest, weights = oval_weights(self._oval, points, self._fit.pupil_distance)
        return (weights * self._oval[nearest, 2]).sum(axis=1) - STEEPEST_SIDE * np.maximum(self._outside(points), 0)

    def _outside(self, points: np.ndarray) -> np.ndarray:
        return -signed_distance(points, self._oval[:, :2])


def oval_weights(oval: np.ndarray, points: np.ndarray, pupil_distance: float) -> tuple[np.ndarray, np.ndarray]:
    """(V, 6) the points of the face's outline that are nearest to points (V, 2), and how much each counts there."""
    distance, nearest = scipy.spatial.cKDTree(oval[:, :2]).query(points, k=6)
    weights = 1 / (distance + 0.02 * pupil_distance) ** 2
    return nearest, weights / weights.sum(axis=1, keepdims=True)


def face_values_at(points: np.ndarray, face: Part, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Depth and the offsets (V, 1 + 3 RIG_CHANNELS) of the face under each point, and where there is face (V,) bool.

    Eyes and mouth count as face: the rims' values are spread into the holes.
    """
    tree = scipy.spatial.cKDTree(face.vertices[:, :2])
    dense = face.dense_deltas(len(RIG_CHANNELS)).transpose(1, 0, 2).reshape(len(face.vertices), -1)
    values = np.concatenate([face.vertices[:, 2:], dense], axis=1)
    distance, nearest = tree.query(points, k=4)
    weights = 1 / (distance + 1e-3)
    weights /= weights.sum(axis=1, keepdims=True)
    scale = min(1.0, 512 / max(size))
    canvas = np.zeros((int(size[1] * scale) + 2, int(size[0] * scale) + 2), np.uint8)
    hull = cv2.convexHull((face.vertices[:, :2] * scale).astype(np.int32))
    cv2.fillConvexPoly(canvas, hull, 1)
    x = np.clip((points[:, 0] * scale).astype(int), 0, canvas.shape[1] - 1)
    y = np.clip((points[:, 1] * scale).astype(int), 0, canvas.shape[0] - 1)
    return np.einsum("vk,vkd->vd", weights, values[nearest]), canvas[y, x] > 0


def signed_distance(points: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """(V,) distance to a polygon (K, 2), positive inside."""
    hull = cv2.convexHull(outline.astype(np.float32))
    return np.array([cv2.pointPolygonTest(hull, (float(x), float(y)), True) for x, y in points])


def grid_depth(fit: Fit, points, face_depth, on_face, oval, outside_distance) -> np.ndarray:
    """(V,) depth: the face where it is, the skull beside it, the body's plane below, smooth in between."""
    pd = fit.pupil_distance
    asset = head_asset()
    skull = fit.place(asset["head_vertices"].astype(np.float64))
    low = np.minimum(skull[:, :2].min(axis=0), points.min(axis=0))
    step = pd / 24
    extent = np.maximum(skull[:, :2].max(axis=0), points.max(axis=0)) - low
    canvas = (int(extent[0] / step) + 3, int(extent[1] / step) + 3)
    scaled = np.concatenate([(skull[:, :2] - low) / step, skull[:, 2:]], axis=1)
    values, hit = rasterise_attributes(scaled, asset["head_triangles"], skull[:, 2:], canvas)
    skull_depth = spread_outwards(values[..., 0], hit)
    column = np.clip(((points[:, 0] - low[0]) / step).round().astype(int), 0, canvas[0] - 1)
    row = np.clip(((points[:, 1] - low[1]) / step).round().astype(int), 0, canvas[1] - 1)
    depth = np.maximum(skull_depth[row, column], (BODY_DEPTH - 0.3) * pd)
    nearest, weights = oval_weights(oval, points, pd)
    oval_column = np.clip(((oval[:, 0] - low[0]) / step).round().astype(int), 0, canvas[0] - 1)
    oval_row = np.clip(((oval[:, 1] - low[1]) / step).round().astype(int), 0, canvas[1] - 1)
    step_at_oval = oval[:, 2] - skull_depth[oval_row, oval_column]
    correction = (weights * step_at_oval[nearest]).sum(axis=1) * np.exp(-np.maximum(outside_distance, 0) / (0.35 * pd))
    below_chin = np.clip((points @ fit.down - (oval[:, :2] @ fit.down).max()) / (0.5 * pd) + 0.5, 0, 1)
    slope = STEEPEST_SIDE + below_chin * (STEEPEST_NECK - STEEPEST_SIDE)
    steepest = (weights * oval[nearest, 2]).sum(axis=1) - slope * np.maximum(outside_distance, 0)
    return np.where(on_face, face_depth, np.maximum(depth + correction, steepest))


def spread_outwards(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill unknown pixels (h, w) with the nearest known value, then smooth the filled part."""
    _, (row, column) = scipy.ndimage.distance_transform_edt(~known, return_indices=True)
    filled = values[row, column]
    return np.where(known, cv2.GaussianBlur(filled, (0, 0), 1.5), cv2.GaussianBlur(filled, (0, 0), 6.0))


def grid_deltas(fit: Fit, points, face_offsets, on_face, outside_distance) -> np.ndarray:
    """(V, RIG_CHANNELS, 3): the face's offsets on it; beyond its outline those of the nearest outline, fading with distance."""
    pd = fit.pupil_distance
    chin = fit.surface[list(FACE_OVAL), :2] @ fit.down
    below = np.clip((points @ fit.down - np.percentile(chin, 70)) / (0.6 * pd), 0, 1)
    reach = (DELTA_REACH + (DELTA_REACH_BELOW - DELTA_REACH) * below) * pd
    oval = list(FACE_OVAL)
    distance, nearest = scipy.spatial.cKDTree(fit.surface[oval, :2]).query(points, k=5)
    weights = 1 / (distance + 0.05 * pd) ** 2
    weights /= weights.sum(axis=1, keepdims=True)
    at_oval = fit.deltas[:, oval].transpose(1, 0, 2)
    beyond = np.einsum("vk,vkcd->vcd", weights, at_oval[nearest])
    fade = np.exp(-((np.maximum(outside_distance, 0) / reach) ** 2))
    return np.where(on_face[:, None, None], face_offsets, beyond * fade[:, None, None])


def neck_weights(fit: Fit, points: np.ndarray) -> np.ndarray:
    """(V,) share of the head's rotation: 1 down to the chin, 0 at the base of the neck."""
    chin = float((fit.surface[CHIN, :2] @ fit.down))
    below = (points @ fit.down - chin) / fit.pupil_distance
    along = np.clip((below - NECK_TOP) / NECK_LENGTH, 0, 1)
    return (1 - along * along * (3 - 2 * along)).astype(np.float32)


def uv_of(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pixels (V, 2+) -> texture coordinates 0..1 of a picture `size` (width, height); pixel n's centre is at (n + .5) / size."""
    return ((points[:, :2] + 0.5) / np.array(size)).astype(np.float32)
