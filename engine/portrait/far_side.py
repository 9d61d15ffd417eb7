"""The far side of a face turned away: what the picture does not show of it is filled with the near side's mirror image.

A head seen at three quarters shows almost nothing of its far side: the cheek is squeezed into a line, and the nose hides
itself and what is behind it. When the head turns back towards the camera the surface there opens, and the line's few
pixels, with the background beside them, would be drawn out into teeth and smears. Faces are nearly symmetric, so the near
side's texture is laid over it, in the light that the far side has (`far_light.py`).
"""

from __future__ import annotations

import cv2
import numpy as np
import scipy.sparse
import scipy.spatial

from ..render.raster import rasterise_attributes
from .far_light import Sheet, colours_at, gains
from .fit import HEAD_PUPIL_DISTANCE_DM, Fit, head_asset
from .locks import coming_into_view
from .mesh import face_subdivision, fade_from, rim_loops
from .normals import surface_normals
from .portrait import Part
from .surface import uv_of
from .topology import BROWS, FOREHEAD, LID_UPPER
from .window import corner_of, window_around

TURNED_AWAY, TURNED_TO = 0.2, 0.55
"""Cosine between a surface and the line of sight: below the first the picture shows nothing of it that could be used, above
the second it does not need help. MediaPipe's mesh of a frontal face falls below neither but at its very outline."""
HIDDEN = -0.5
"""What something else hides counts as turned away so far, as a cosine: whatever the other side shows of it is better."""
ADVANTAGE = 0.2, 0.45
"""The mirrored place must be seen better by this much, as a cosine, to be used at all, and to be used fully."""
FAR = (0.05, 0.15)
"""A place belongs to the far side where its counterpart is seen better by this much, as a cosine."""
LEAST_AREA = 0.11
"""Share of the face's vertices below which there is no far side to speak of: the face is frontal."""
EDGE = (0.10, 0.18)
"""The person's outline is soft and dark with what lies behind: nothing within the first distance from it is used, however
its surface faces, and all beyond the second, pupil distances."""
BEHIND = (0.02, 0.05)
"""What lies this far behind what hides it is not seen, pupil distances: less may be the detector's error."""
BESIDE, BESIDE_BEHIND = 0.05, (0.12, 0.2)
"""A nose is painted and detected only so exactly: what is so near to its outline, and so far behind it, shows the nose."""
BEHIND_PX = 100
"""Pixels of a pupil distance when that is found out."""
FOREIGN = (0.45, 0.8)
"""Hair that hangs over the far side makes it darker than the near side's image of it by this much, as a logarithm: it would
be drawn out upon the cheek."""
LOCK, FRINGE, FRINGE_REACH = 1.0, (0.1, 0.45), 0.06
"""What is darker by the first is a lock of hair and no shade; it has soft ends, and shades the skin beside it: so near to it (pupil
distances) less darkness is enough,"""
FRINGE_BELOW_EYES = (0.15, 0.3)
"""but only on the cheek, so far below the eyes' corners: sockets and temples have shades of their own."""
FOREIGN_REACH = 0.25
"""So near to what is filled, pupil distances: a shadow in the middle of a face stays."""
FOREIGN_SPREAD = 3
"""Of a place averaged with its surroundings, this much is foreign: a lock of hair has fringes."""
CLEAR_OF_HOLES = 0.1
"""Lids and lips keep their own texture: so far around them, pupil distances."""
SMOOTH_RINGS, STEEPER = 4, 1.5
"""The fill's edge is averaged over so many rings of vertices, since their cosines are noisy, and drawn together again."""
FADE_RINGS = 1
"""The fill is the face's outline where it is in view: it fades over so many rings of triangles only."""
BEFORE_FACE = 0.004
"""The fill lies this far before the face, pupil distances."""


def far_side_part(image: np.ndarray, matte: np.ndarray, fit: Fit) -> Part | None:
    """The fill for the face's far side, drawn with the picture itself; None for a face that shows both sides.

    image: (H, W, 3) uint8; matte: (H, W) 0..1. The part's alpha is how much the fill is wanted once the surface is in view;
    the renderer multiplies it by how far it has turned into view, which is nothing at rest.
    """
    triangles, matrix = face_subdivision()
    sheet = Sheet(matrix, triangles)
    rest = matrix @ fit.surface
    normals = surface_normals(rest.astype(np.float32), triangles).astype(np.float64)
    across = counterparts(sheet.places)
    hidden = hidden_share(fit, rest, triangles)
    seen = normals[:, 2] + hidden * (HIDDEN - normals[:, 2])
    poor = poorly_seen(seen, beside_edge(matte, fit, rest))
    clear = clear_of_holes(fit, rest, triangles)
    far = better_across(seen, across, FAR)
    alpha = far * edge_drawn(sheet, poor * better_across(seen, across, ADVANTAGE) * below_hair(matrix) * clear)
    if (alpha > 0.5).mean() < LEAST_AREA:
        return None
    mirrored = across @ rest[:, :2]
    own, other = (colours_at(image, matte, fit, places) for places in (rest, mirrored))
    gain = gains(own, other, normals, poor, across, sheet)
    darker, on_cheek = (other + np.log(gain) - own).mean(axis=1), below_eyes(sheet)
    foreign = foreign_share(sheet, darker, on_cheek) * near_fill(sheet, alpha) * clear
    lock = (darker > LOCK) & (on_cheek > 0.5) & (foreign > 0.5)
    foreign = far * np.clip(FOREIGN_SPREAD * sheet.averaged(far * foreign, SMOOTH_RINGS), 0, 1)
    if foreign.any():
        gain = gains(own, other, normals, np.maximum(poor, foreign), across, sheet)
    alpha = np.maximum(alpha, foreign)
    alpha *= fade_from(rim_loops(triangles)[0], triangles, len(rest), FADE_RINGS)
    colour = np.concatenate([gain, alpha[:, None]], axis=1)
    return fill_part(fit, rest, uv_of(mirrored, image.shape[1::-1]), colour, coming_into_view(sheet, lock))


def fill_part(fit: Fit, rest: np.ndarray, uv: np.ndarray, colour: np.ndarray, in_view: np.ndarray) -> Part:
    """The face's triangles that have any alpha in `colour` (V, 4), before the face, showing the picture at `uv` (V, 2) when `in_view` (V, 2)."""
    triangles, matrix = face_subdivision()
    kept, compact = np.unique(triangles[(colour[triangles, 3] > 0).any(axis=1)], return_inverse=True)
    raised = rest[kept] + (0, 0, BEFORE_FACE * fit.pupil_distance)
    part = Part(raised.astype(np.float32), compact.reshape(-1, 3).astype(np.int32), uv[kept],
                colour[kept].astype(np.float32), np.ones(len(kept), np.float32), np.zeros(0, np.uint8),
                np.zeros(0, np.int32), np.zeros((0, 3), np.float32), "person", comes_into_view=in_view[kept].astype(np.float32))
    part.set_deltas(np.stack([matrix @ delta for delta in fit.deltas])[:, kept])
    return part


def counterparts(places: np.ndarray) -> scipy.sparse.csr_matrix:
    """(V, V): takes values of the vertices to their counterparts on the other side; places (V, 3) on the symmetric asset."""
    distance, nearest = scipy.spatial.cKDTree(places).query(places * (-1, 1, 1), k=4)
    weights = 1 / (distance + 1e-4) ** 2
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(len(places)), 4)
    return scipy.sparse.csr_matrix((weights.ravel(), (rows, nearest.ravel())), shape=(len(places),) * 2)


def hidden_share(fit: Fit, rest: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V,) 1 where another part of the face lies before a vertex in the picture: a nose's far wing, and the cheek behind."""
    scale = BEHIND_PX / fit.pupil_distance
    placed = (rest - (*rest[:, :2].min(axis=0), 0)) * scale
    size = np.ceil(placed[:, :2].max(axis=0)).astype(int) + 2
    depth, hit = rasterise_attributes(placed, triangles, placed[:, 2:], tuple(size.tolist()))
    depth = np.where(hit, depth[..., 0], -np.inf).astype(np.float32)
    columns, rows = np.rint(placed[:, :2]).astype(int).T
    share = np.zeros(len(rest))
    for reach, (low, high) in ((1, BEHIND), (round(BESIDE * BEHIND_PX), BESIDE_BEHIND)):
        nearest = cv2.dilate(depth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2))
        behind = (nearest[rows, columns] - placed[:, 2]) / BEHIND_PX
        share = np.maximum(share, np.clip((behind - low) / (high - low), 0, 1))
    return share


def beside_edge(matte: np.ndarray, fit: Fit, rest: np.ndarray) -> np.ndarray:
    """(V,) 1 where the person's outline is so near that its softness is in the picture, falling to 0 further in."""
    window = window_around(rest, 2 * EDGE[1] * fit.pupil_distance, matte.shape)
    opaque = (matte[window] > 0.9).astype(np.uint8)
    distance = cv2.distanceTransform(opaque, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / fit.pupil_distance
    columns, rows = (rest[:, :2].astype(np.float32) - corner_of(window)).T
    inside = cv2.remap(distance, columns[None], rows[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
    return np.clip((EDGE[1] - inside) / (EDGE[1] - EDGE[0]), 0, 1)


def poorly_seen(seen: np.ndarray, at_edge: np.ndarray) -> np.ndarray:
    """(V,) 0..1: of how little use the picture is, `seen` (V,) under a cosine, `at_edge` (V,) beside the person's outline."""
    poor = np.maximum(np.clip((TURNED_TO - seen) / (TURNED_TO - TURNED_AWAY), 0, 1), at_edge)
    return poor * poor * (3 - 2 * poor)


def better_across(seen: np.ndarray, across, advantage: tuple[float, float]) -> np.ndarray:
    """(V,) 0..1: how much better the picture shows each vertex's counterpart: not and fully at an advantage of cosines."""
    low, high = advantage
    return np.clip((across @ seen - seen - low) / (high - low), 0, 1)


def below_hair(matrix) -> np.ndarray:
    """(V,) 1 up to the brows, falling to 0 from there to the top, where there may be hair."""
    landmarks = head_asset()["landmark_rest"].astype(np.float64)
    brow, top = landmarks[BROWS["left"][2], 1], landmarks[FOREHEAD, 1]
    return np.clip((top - (matrix @ landmarks)[:, 1]) / (top - brow), 0, 1)


def below_eyes(sheet: Sheet) -> np.ndarray:
    """(V,) 0 beside the eyes and above, rising to 1 on the cheeks."""
    corner = head_asset()["landmark_rest"][LID_UPPER["left"][0], 1] / HEAD_PUPIL_DISTANCE_DM
    low, high = FRINGE_BELOW_EYES
    return np.clip((corner - sheet.places[:, 1] - low) / (high - low), 0, 1)


def clear_of_holes(fit: Fit, rest: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V,) 0 at the rims of eyes and mouth, rising to 1 beside them."""
    holes = np.concatenate([np.array(loop) for loop in rim_loops(triangles)[1:]])
    distance, _ = scipy.spatial.cKDTree(rest[holes]).query(rest)
    return np.clip(distance / (CLEAR_OF_HOLES * fit.pupil_distance) - 0.5, 0, 1)


def edge_drawn(sheet: Sheet, wanted: np.ndarray) -> np.ndarray:
    """(V,) alpha of what is wanted (V,), with an even edge."""
    return np.clip((sheet.averaged(wanted, SMOOTH_RINGS) - 0.5) * STEEPER + 0.5, 0, 1)


def foreign_share(sheet: Sheet, darker: np.ndarray, fringed: np.ndarray) -> np.ndarray:
    """(V,) 0..1: how surely the picture shows hair on the far side, because it is `darker` (V,) than the fill there, a logarithm;
    fringed: (V,) 0..1, where hair may have a fringe."""
    sure, fringe = (np.clip((darker - low) / (high - low), 0, 1) for low, high in (FOREIGN, FRINGE))
    if not (darker > LOCK).any():
        return sure
    distance, _ = scipy.spatial.cKDTree(sheet.places[darker > LOCK]).query(sheet.places)
    return np.maximum(sure, fringed * fringe * np.clip(2 - distance / FRINGE_REACH, 0, 1))


def near_fill(sheet: Sheet, alpha: np.ndarray) -> np.ndarray:
    """(V,) 1 at and beside what is filled, falling to 0 further away."""
    distance, _ = scipy.spatial.cKDTree(sheet.places[alpha > 0.5]).query(sheet.places)
    return np.clip(2 - distance / FOREIGN_REACH, 0, 1)
