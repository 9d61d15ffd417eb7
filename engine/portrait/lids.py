"""The upper lids: what a blink unrolls, and the lashes it lowers.

Over an open eye the lid lies folded. Stretched from the little that shows it would smear, so each lid is a part of its
own, laid over the face: a *strip* of the picture along the lid's edge, with the roots of the lashes, which is carried
down unstretched; the *skin* between the fold and the strip, made anew (`lid_skin.py`), which has no height in an open
eye and grows as the edge falls; and *lashes* before the closed eye's seam, which grow likewise. At rest the part shows
the picture's own pixels and nothing else.
"""

from __future__ import annotations

import numpy as np
import scipy.ndimage
import scipy.spatial

from ..motion.clip import CHANNEL_INDEX
from .fit import Fit
from .glasses import behind_frame
from .lid_skin import lid_texture
from .portrait import Part, facing_camera
from .topology import FOLD, LID_LOWER, LID_UPPER
from .window import values_at

IN_FRONT_OF_FACE = 0.015
"""The lid lies this far before the face, pupil distances."""
STRIP = 0.024
"""Height of the strip (pupil distances: 1.5 mm), at most this share of the way from the edge to the fold: STRIP_OF_FOLD."""
STRIP_OF_FOLD = 0.5
COVERS_FOLD = 1.5
"""On a blink the new skin rises over this multiple of what lies between the strip and the fold: the fold flattens and stays as a
crease, lashes that stood up against the lid are gone. Twice as high it hid what is above the fold of a heavy lid, up to the brow."""
RISE_POWER = 0.8
"""So its upper outline leaves the corners of the eye: as a lid's does, without a step."""
LASH_LENGTH = 0.068
"""Lashes of a closed eye as seen from before, pupil distances: 8 to 12 mm long (Thibaut et al. 2010, "Human eyelash
characterization"), foreshortened to less than half."""
LASHES_LOOKING_DOWN = 0.3
"""Share of their length that lashes show when the lid follows a gaze down."""
LASH_SPLAY = 0.55
"""Lashes at the outer corner point this much sideways for one downwards."""
SOFT_TOP = 0.36
"""Share of the skin's height over which it blends into the picture's skin."""
SOFT_END, SOFT_LASH_END, SOFT_SKIN_END = 0.08, 0.2, 0.3
"""Shares of the lid's width over which strip, lashes and skin fade at both corners, the skin beside the strip as the strip."""
BULGE = 0.06
"""A closed lid stands this far before the skin that it covers, pupil distances; so it is in front, whatever the face
does."""
EDGE_BULGE = 0.035
"""So do its edge and lashes: nowhere does the cheek come out through them."""
BRIGHT_RIM, LEAST_RIM, RIM_STEPS, RIM_COLUMNS = (1.1, 1.25), 0.25, 9, 5
"""What of the strip is so much brighter than its top, not and surely, is the eye's white, where the lid's line cuts through it, or
a wet rim, if it takes so much of the strip: the skin covers it as the lid closes,"""
OVER_STRIP, LAST_OF_SKIN = 0.045, 0.5
"""so far before the face (pupil distances), with the last share of its height."""
STRIP_ROWS, SKIN_ROWS, LASH_ROWS = 3, 8, 4


def build_lid(image: np.ndarray, fit: Fit, face: Part, rim: np.ndarray, side: str,
              glasses: np.ndarray | None = None) -> tuple[Part, np.ndarray]:
    """The upper lid of the subject's `side` and its RGBA texture.

    image: (H, W, 3) uint8; face: the part with the eye's hole, whose outline in order is `rim` (vertex numbers);
    glasses: (H, W) where a frame lies before the lid.
    """
    upper, lower = (lid_path(rim, corners) for corners in (LID_UPPER[side], LID_LOWER[side]))
    deltas = face.dense_deltas().astype(np.float64)
    edge, fall = face.vertices[upper].astype(np.float64), deltas[:, upper]
    fold = resample(fit.surface[list(FOLD[side])], len(upper))
    to_fold = fold - edge
    height = np.linalg.norm(to_fold[:, :2], axis=1, keepdims=True)
    top = edge + to_fold * np.minimum(STRIP * fit.pupil_distance / np.maximum(height, 1e-6), STRIP_OF_FOLD)
    at_top = face_motion(face, deltas, top)
    strip, strip_deltas = strip_rows(edge, top, fall, at_top, side)
    skin_deltas = skin_rows(fold - top, fall, at_top, side, BULGE * fit.pupil_distance)
    cover_rim(skin_deltas, edge - top, bright_rim(image, edge, top), side, OVER_STRIP * fit.pupil_distance)
    lash_deltas = lash_rows(fit, fall, side)
    for deltas_of_edge in (strip_deltas, lash_deltas):
        deltas_of_edge[lowering(side)[0], :, 2] += EDGE_BULGE * fit.pupil_distance
    rest = np.concatenate([strip, np.tile(top, (SKIN_ROWS, 1)), np.tile(edge, (LASH_ROWS, 1))])
    rest[:, 2] += IN_FRONT_OF_FACE * fit.pupil_distance
    moved = np.concatenate([strip_deltas, skin_deltas, lash_deltas], axis=1)
    above_fold = top + COVERS_FOLD * (fold - top)
    texture, uv = lid_texture(image, fit, side, strip, (above_fold, top, edge, face.vertices[lower]),
                              (STRIP_ROWS, SKIN_ROWS, LASH_ROWS), seen_above=glasses is None)
    closed = rest + moved[CHANNEL_INDEX[f"eyeBlink{side.capitalize()}"]]
    part = Part(rest.astype(np.float32), facing_camera(closed, lid_triangles(len(upper))), uv.astype(np.float32),
                lid_colour(len(upper)), np.ones(len(rest), np.float32), np.zeros(0, np.uint8), np.zeros(0, np.int32),
                np.zeros((0, 3), np.float32), f"lid_{side}")
    part.set_deltas(moved)
    if glasses is not None:
        behind_frame(part, closed[:, :2], glasses)
    return part, texture


def lid_path(rim: np.ndarray, lid: tuple[int, ...]) -> np.ndarray:
    """The stretch of an eye's outline from the outer to the inner corner that runs through the middle of `lid`."""
    order = list(rim)
    start, stop = order.index(lid[0]), order.index(lid[-1])
    forward = [order[(start + k) % len(order)] for k in range((stop - start) % len(order) + 1)]
    backward = [order[(start - k) % len(order)] for k in range((start - stop) % len(order) + 1)]
    return np.array(forward if lid[len(lid) // 2] in forward else backward)


def resample(points: np.ndarray, count: int) -> np.ndarray:
    """(count, 3) points at even steps along a polyline (K, 3)."""
    steps = np.linspace(0, len(points) - 1, count)
    return np.stack([np.interp(steps, np.arange(len(points)), points[:, k]) for k in range(3)], axis=1)


def face_motion(face: Part, deltas: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(52, N, 3): what the 52 shapes do to the face at `points` (N, 3)."""
    distance, nearest = scipy.spatial.cKDTree(face.vertices[:, :2]).query(points[:, :2], k=4)
    weights = 1 / (distance + 1e-3)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("nk,cnkd->cnd", weights, deltas[:, nearest])


def lowering(side: str) -> tuple[int, int]:
    """Channels that lower the upper lid."""
    return CHANNEL_INDEX[f"eyeBlink{side.capitalize()}"], CHANNEL_INDEX[f"eyeLookDown{side.capitalize()}"]


def strip_rows(edge: np.ndarray, top: np.ndarray, fall: np.ndarray, at_top: np.ndarray,
               side: str) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (STRIP_ROWS * C, 3) of the strip from its top to the edge, and their offsets (52, ..., 3).

    It follows the face, except that a lid on its way down carries it unstretched.
    """
    shares = np.linspace(0, 1, STRIP_ROWS)[:, None, None]
    deltas = (1 - shares) * at_top[:, None] + shares * fall[:, None]
    for channel in lowering(side):
        deltas[channel] = fall[channel]
    return (top + shares * (edge - top)).reshape(-1, 3), deltas.reshape(52, -1, 3)


def skin_rows(to_fold: np.ndarray, fall: np.ndarray, at_top: np.ndarray, side: str, bulge: float) -> np.ndarray:
    """(52, SKIN_ROWS * C, 3) offsets of the skin between fold and strip: from above the old edge down to the strip."""
    shares = np.linspace(0, 1, SKIN_ROWS)[:, None, None]
    deltas = np.repeat(at_top[:, None], SKIN_ROWS, axis=1)
    blink = lowering(side)[0]
    full = np.linalg.norm(fall[blink][:, :2], axis=1).max() + 1e-6
    for channel in lowering(side):
        closed = np.linalg.norm(fall[channel][:, :2], axis=1).max() / full
        rise = COVERS_FOLD * closed * to_fold * np.sin(np.linspace(0, np.pi, len(to_fold)))[:, None] ** RISE_POWER
        deltas[channel] = (1 - shares) * rise + shares * fall[channel]
        deltas[channel, ..., 2] += closed * bulge * (1 - shares[..., 0])
    return deltas.reshape(52, -1, 3)


def bright_rim(image: np.ndarray, edge: np.ndarray, top: np.ndarray) -> np.ndarray:
    """(C,) 0..1: whether the strip between a lid's edge and its top (C, 3 each) is bright along its edge as no skin of a closed lid is."""
    steps = np.linspace(0, 1, RIM_STEPS)[:, None, None]
    light = values_at(image, edge[None, :, :2] + steps * (top - edge)[None, :, :2]).mean(axis=2)
    low, high = BRIGHT_RIM
    bright = np.clip((light / np.maximum(light[-1], 1.0) - low) / (high - low), 0, 1)
    rim = np.clip(np.minimum.accumulate(bright, axis=0).mean(axis=0) / LEAST_RIM, 0, 1)
    return scipy.ndimage.uniform_filter1d(scipy.ndimage.maximum_filter1d(rim, RIM_COLUMNS), RIM_COLUMNS)


def cover_rim(deltas: np.ndarray, to_edge: np.ndarray, rim: np.ndarray, side: str, before: float) -> None:
    """Let the skin's offsets (52, SKIN_ROWS * C, 3) cover the strip, from its top `to_edge` (C, 3), as far as it has a bright rim
    (C,) 0..1, in a blink."""
    rows = np.clip(np.linspace(0, 1, SKIN_ROWS) / LAST_OF_SKIN - 1 / LAST_OF_SKIN + 1, 0, 1)[:, None]
    blink = deltas[lowering(side)[0]].reshape(SKIN_ROWS, -1, 3)
    blink += (rows * rim)[..., None] * to_edge
    blink[..., 2] += before * rows * rim


def lash_rows(fit: Fit, fall: np.ndarray, side: str) -> np.ndarray:
    """(52, LASH_ROWS * C, 3) offsets of the lashes: they hang from the edge, splayed towards the outer corner."""
    place = np.linspace(0, 1, fall.shape[1])[:, None]  # 0 at the outer corner
    across = np.array([fit.down[1], -fit.down[0]])
    outer, inner = fit.surface[[LID_UPPER[side][0], LID_UPPER[side][-1]], :2]
    outwards = across * np.sign(across @ (outer - inner))
    direction = fit.down + LASH_SPLAY * (1 - 1.6 * place) * outwards
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    length = LASH_LENGTH * fit.pupil_distance * np.clip(np.sin(np.pi * place ** 0.8), 0, 1) * (1 - 0.35 * place)
    hang = np.concatenate([length * direction, np.zeros_like(place)], axis=1)
    shares = np.linspace(0, 1, LASH_ROWS)[:, None, None]
    deltas = np.repeat(fall[:, None], LASH_ROWS, axis=1)
    for channel, shown in zip(lowering(side), (1.0, LASHES_LOOKING_DOWN)):
        deltas[channel] = deltas[channel] + shares * shown * hang
    return deltas.reshape(52, -1, 3)


def lid_triangles(columns: int) -> np.ndarray:
    """(T, 3) int32 triangles of the three grids, one after the other."""
    corner = (np.arange(STRIP_ROWS + SKIN_ROWS + LASH_ROWS - 1)[:, None] * columns + np.arange(columns - 1)[None])
    corner = np.delete(corner, [STRIP_ROWS - 1, STRIP_ROWS + SKIN_ROWS - 1], axis=0).ravel()
    return np.concatenate([np.stack([corner, corner + 1, corner + columns + 1], 1),
                           np.stack([corner, corner + columns + 1, corner + columns], 1)]).astype(np.int32)


def lid_colour(columns: int) -> np.ndarray:
    """(V, 4) float32: white, soft at the top of the skin and at both corners; the lashes' texture has its own alpha."""
    from_corner = np.minimum(np.linspace(0, 1, columns), np.linspace(1, 0, columns))
    down = np.linspace(0, 1, SKIN_ROWS)[:, None]
    skin = np.clip(down / SOFT_TOP, 0, 1) * np.clip(from_corner / (SOFT_SKIN_END + down ** 3 * (SOFT_END - SOFT_SKIN_END)), 0, 1)
    strip, lashes = (np.clip(from_corner / end, 0, 1) for end in (SOFT_END, SOFT_LASH_END))
    alpha = np.concatenate([np.tile(strip, (STRIP_ROWS, 1)), skin * skin * (3 - 2 * skin), np.tile(lashes, (LASH_ROWS, 1))])
    return np.concatenate([np.ones((alpha.size, 3)), alpha.reshape(-1, 1)], axis=1).astype(np.float32)
