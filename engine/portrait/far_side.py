"""The far cheek of a face turned away: what the picture squeezes into a line is filled with the near cheek's mirror image.

A head seen at three quarters shows almost nothing of its far side. When it turns back towards the camera, the surface there
opens, and the line's few pixels, with the background beside them, would be drawn out into teeth and smears. Faces are nearly
symmetric, so the near side's texture is laid over it, in the colours that the far side has where both are seen.
"""

from __future__ import annotations

import cv2
import numpy as np
import scipy.spatial

from ..render.surface import vertex_normals
from .fit import HEAD_PUPIL_DISTANCE_DM, Fit, head_asset
from .mesh import face_subdivision, fade_from, rim_loops, uv_of
from .portrait import Part
from .topology import BROWS, CHIN, FOREHEAD, OUTER_LIP_LOWER
from .window import corner_of, values_at, window_around

TURNED_AWAY, TURNED_TO = 0.2, 0.55
"""Cosine between a surface and the line of sight: below the first the picture shows nothing of it that could be used, above
the second it does not need help. MediaPipe's mesh of a frontal face falls below neither but at its very outline."""
ADVANTAGE = 0.2, 0.45
"""The mirrored place must be seen better by this much, as a cosine, to be used at all, and to be used fully."""
LEAST_AREA = 0.02
"""Share of the face's vertices below which there is no far side to speak of: the face is frontal."""
EDGE = (0.10, 0.18)
"""The person's outline is soft and dark with what lies behind: nothing within the first distance from it is used, however its
surface faces, and all beyond the second, pupil distances."""
NOSE = (0.28, 0.42)
"""The nose ends, and the cheek begins, so far from the face's middle, pupil distances."""
NO_NOSE = 0.75
"""Below the lips there is no nose: the cheek begins this share nearer to the middle."""
CLEAR_OF_HOLES = 0.1
"""Lids and lips keep their own texture: so far around them, pupil distances."""
FADE_RINGS = 1
"""The fill is the face's outline where it is in view: it fades over so many rings of triangles only."""
BEFORE_FACE = 0.004
"""The fill lies this far before the face, pupil distances."""
GAIN_LIMITS = (0.2, 2.5)
"""A far side in shadow is a fifth as bright as the near one in the light of a painting."""
SEEN = 0.35
"""Colours are compared where the far side faces the camera by more than this cosine: up to where the fill takes over."""
GAIN_NEIGHBOURS = 40
PATCH = 0.05
"""Colours of the two sides are compared over patches of about this radius, pupil distances."""


def far_side_part(image: np.ndarray, matte: np.ndarray, fit: Fit) -> Part | None:
    """The fill for the face's far side, drawn with the picture itself; None for a face that shows both sides.

    image: (H, W, 3) uint8; matte: (H, W) 0..1. The part's alpha is how much the fill is wanted once the surface is in view; the
    renderer multiplies it by how far it has turned into view, which is nothing at rest.
    """
    triangles, matrix = face_subdivision()
    rest = matrix @ fit.surface
    facing = facing_of(rest, triangles)
    mirrored, facing_there = mirror_image(matrix, rest, facing)
    wanted = wanted_share(facing, facing_there, beside_edge(matte, fit, rest))
    alpha = wanted * on_cheek(matrix) * clear_of_holes(fit, rest, triangles)
    if (alpha > 0.5).mean() < LEAST_AREA:
        return None
    alpha *= fade_from(rim_loops(triangles)[0], triangles, len(rest), FADE_RINGS)
    colour = np.concatenate([gains(image, matte, fit, rest, mirrored, facing, facing_there), alpha[:, None]], axis=1)
    deltas = np.stack([matrix @ delta for delta in fit.deltas])
    used = (alpha[triangles] > 0).any(axis=1)
    kept, compact = np.unique(triangles[used], return_inverse=True)
    raised = rest[kept] + (0, 0, BEFORE_FACE * fit.pupil_distance)
    part = Part(raised.astype(np.float32), compact.reshape(-1, 3).astype(np.int32), uv_of(mirrored[kept], image.shape[1::-1]),
                colour[kept].astype(np.float32), np.ones(len(kept), np.float32), np.zeros(0, np.uint8), np.zeros(0, np.int32),
                np.zeros((0, 3), np.float32), "person")
    part.set_deltas(deltas[:, kept])
    return part


def facing_of(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V,) cosine between each vertex's normal and the line of sight: 1 faces the camera, below 0 is turned away."""
    return vertex_normals(vertices.astype(np.float32), triangles)[:, 2].astype(np.float64)


def mirror_image(matrix, rest: np.ndarray, facing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where in the picture (V, 2) each vertex's counterpart on the other side of the face is seen, and how well (V,).

    Counterparts are found on the asset's head, which is symmetric.
    """
    places = matrix @ head_asset()["landmark_rest"].astype(np.float64)
    distance, nearest = scipy.spatial.cKDTree(places).query(places * (-1, 1, 1), k=4)
    weights = 1 / (distance + 1e-4) ** 2
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("vk,vkd->vd", weights, rest[nearest, :2]), (weights * facing[nearest]).sum(axis=1)


def beside_edge(matte: np.ndarray, fit: Fit, rest: np.ndarray) -> np.ndarray:
    """(V,) 1 where the person's outline is so near that its softness is in the picture, falling to 0 further in."""
    window = window_around(rest, 2 * EDGE[1] * fit.pupil_distance, matte.shape)
    opaque = (matte[window] > 0.9).astype(np.uint8)
    distance = cv2.distanceTransform(opaque, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / fit.pupil_distance
    columns, rows = (rest[:, :2].astype(np.float32) - corner_of(window)).T
    inside = cv2.remap(distance, columns[None], rows[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
    return np.clip((EDGE[1] - inside) / (EDGE[1] - EDGE[0]), 0, 1)


def wanted_share(facing: np.ndarray, facing_there: np.ndarray, at_edge: np.ndarray) -> np.ndarray:
    """(V,) 0..1: how much the mirror image is to be preferred to what the picture shows."""
    poor = np.maximum(np.clip((TURNED_TO - facing) / (TURNED_TO - TURNED_AWAY), 0, 1), at_edge)
    better = np.clip((facing_there - facing - ADVANTAGE[0]) / (ADVANTAGE[1] - ADVANTAGE[0]), 0, 1)
    return poor * poor * (3 - 2 * poor) * better


def on_cheek(matrix) -> np.ndarray:
    """(V,) 1 on the cheeks; 0 in the face's middle with the nose, whose far side is hidden by itself and not turned away; falling
    to 0 from the brows to the top, where there may be hair."""
    landmarks = head_asset()["landmark_rest"].astype(np.float64)
    places = matrix @ landmarks
    brow, top = landmarks[BROWS["left"][2], 1], landmarks[FOREHEAD, 1]
    lip, chin = landmarks[OUTER_LIP_LOWER[len(OUTER_LIP_LOWER) // 2], 1], landmarks[CHIN, 1]
    below_lips = np.clip(2 * (lip - places[:, 1]) / (lip - chin), 0, 1)
    beside_nose = np.abs(places[:, 0]) / HEAD_PUPIL_DISTANCE_DM - NOSE[0] * (1 - NO_NOSE * below_lips)
    beside_nose = np.clip(beside_nose / (NOSE[1] - NOSE[0]), 0, 1)
    return beside_nose * np.clip((top - places[:, 1]) / (top - brow), 0, 1)


def clear_of_holes(fit: Fit, rest: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V,) 0 at the rims of eyes and mouth, rising to 1 beside them."""
    holes = np.concatenate([np.array(loop) for loop in rim_loops(triangles)[1:]])
    distance, _ = scipy.spatial.cKDTree(rest[holes]).query(rest)
    return np.clip(distance / (CLEAR_OF_HOLES * fit.pupil_distance) - 0.5, 0, 1)


def gains(image: np.ndarray, matte: np.ndarray, fit: Fit, rest: np.ndarray, mirrored: np.ndarray, facing: np.ndarray,
          facing_there: np.ndarray) -> np.ndarray:
    """(V, 3) what the near side's colours are multiplied by to be the far side's, from the nearest places where both are seen."""
    sigma = max(1.0, PATCH * fit.pupil_distance)
    window = window_around(np.concatenate([rest[:, :2], mirrored]), 5 * sigma, matte.shape)
    weight = cv2.GaussianBlur(matte[window], (0, 0), sigma) + 1e-3
    blurred = cv2.GaussianBlur(image[window] * matte[window][..., None], (0, 0), sigma) / weight[..., None] + 2.0
    own, other = (values_at(blurred, points[None, :, :2].astype(np.float32) - corner_of(window))[0] for points in (rest, mirrored))
    both = np.flatnonzero((facing > SEEN) & (facing < facing_there) & (facing_there > TURNED_TO))
    if len(both) < GAIN_NEIGHBOURS:
        return np.ones((len(rest), 3))
    distance, nearest = scipy.spatial.cKDTree(rest[both]).query(rest, k=GAIN_NEIGHBOURS)
    weights = 1 / (distance + PATCH * fit.pupil_distance)
    ratio = np.log(own[both] / other[both])[nearest]
    mean = (weights[..., None] * ratio).sum(axis=1) / weights.sum(axis=1, keepdims=True)
    return np.clip(np.exp(mean), *GAIN_LIMITS)
