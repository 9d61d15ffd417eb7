"""The person's matte: which part of each pixel belongs to the person who owns the given face.

A small segmentation network says roughly where the person is (silhouette.py); closed-form matting finds the hair edge inside
a band around that outline, at a bounded working size; a guided filter carries the edge to the picture's own resolution.

Sources: A. Levin, D. Lischinski, Y. Weiss, "A Closed-Form Solution to Natural Image Matting", TPAMI 2008 (PyMatting's
Laplacian); K. He, J. Sun, X. Tang, "Guided Image Filtering", TPAMI 2013.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from soliloquy.engine.errors import InputError
from soliloquy.engine.portrait import silhouette
from soliloquy.engine.portrait.silhouette import (WORKING_SIDE_PX, Face, Region, border_fade, deep_inside, face_box, grow,
                                                  oval_mask)
from soliloquy.engine.progress import Progress, silent

LARGEST_REACH = 12.0         # face heights around the face in which the person is looked for: a standing figure fits
NEAR_GAIN = 1.4              # the head is solved a second time when that gives it this much more resolution
TILE_PX = 1024               # guided filtering of large pictures goes tile by tile: bounded memory
# The band to be solved, in inter-ocular distances (63 mm on an adult).
BAND_INSIDE_IOD = 0.14
BAND_OUTSIDE_IOD = 0.20
HAIR_OUTSIDE_IOD = 0.34
BESIDE_JAW = (-0.05, 0.6)    # from the ears to the neck, in face heights below the face's centre: the network fills the nook there
LEVIN_EPSILON = 1e-5         # regularisation of the colour-line model; larger is smoother and converges sooner
PRIOR_WEIGHT = 0.03          # pull towards the network's own answer, so that no edge means "as the network says"
GUIDED_RADIUS_PX = 8         # a wider guided filter is worked out on fewer pixels and applied to all
GUIDED_EPSILON = (0.01 * 255) ** 2  # variance of the guide, in levels, below which nothing counts as an edge
# Where alpha is not to be trusted (`decide`), in inter-ocular distances.
ALIKE_REACH_IOD = 0.12       # colours of person and background are compared over this distance
ALIKE_LEVELS = (14.0, 34.0)  # of 441 at full contrast: alike, and told apart
VEIL_IOD = 0.09              # half-transparent areas at least twice so wide are no hair
OUTLINE_IOD = 0.04           # the outline is smoothed by this before it becomes the edge
COMPACT_IOD = 0.015          # half width of an edge that is made
SOLVER_TOLERANCE = 1e-4
SOLVER_STEPS = 200


def person_matte(image: np.ndarray, landmarks_px: np.ndarray, *, others_px: Sequence[np.ndarray] = (),
                 progress: Progress = silent) -> np.ndarray:
    """How much of each pixel is the person whose face is given.

    Args:
        image: (H, W, 3) uint8 sRGB.
        landmarks_px: (478, 3) face landmarks in pixels of `image` (MediaPipe's topology; z may be 0).
        others_px: landmarks of the other faces in the picture: people who touch this person are told apart by them.
    Returns:
        (H, W) float32, 0 to 1: exactly 1 inside (the face oval always), exactly 0 outside, between only in the edge band.
    Raises:
        InputError: the face lies outside the picture.
        ModelError: the segmentation model is not installed.
    """
    face = Face.from_landmarks(landmarks_px)
    height, width = image.shape[:2]
    if not (-1 < face.centre[0] < width and -1 < face.centre[1] < height):
        raise InputError("The face's landmarks lie outside the picture. Place them again or let them be detected.")
    overview = face_box(face, LARGEST_REACH, image.shape)
    progress("matte", 0, 4)
    views = silhouette.network_views(image, face)
    confidence = silhouette.merge_views(views, overview)
    if not silhouette.is_plausible(confidence, overview, face):
        views = [silhouette.grabcut_view(image, face)]
        confidence = silhouette.merge_views(views, overview)
    progress("matte", 1, 4)
    others = [other for other in map(Face.from_landmarks, others_px) if not silhouette.is_worn(other, face)]
    theirs = silhouette.nearer_to_others(overview, face, others)
    person = silhouette.own_component((confidence > 0.5) & ~theirs, overview, face)
    regions = _working_regions(person, overview, face, image.shape)
    matte = np.zeros((height, width), np.float32)
    for done, region in enumerate(regions):
        progress("matte", 2 + done, 4)
        own = region.resample_from(overview, person.astype(np.float32)) > 0.5
        solved = _solve_region(region.shrink(image), silhouette.merge_views(views, region), own, region, face)
        _blend_region(matte, _to_full_size(region.cut(image), solved, region), region, feather=done > 0)
    _keep_main_island(matte, face)
    progress("matte", 4, 4)
    return matte


def _working_regions(person: np.ndarray, overview: Region, face: Face, shape: tuple[int, ...]) -> list[Region]:
    """The person's box, and the head's box too where that shows the hair at a clearly better resolution."""
    rows, columns = np.flatnonzero(person.any(axis=1)), np.flatnonzero(person.any(axis=0))
    margin = 1.0 * face.iod
    left, right = (overview.left + column / overview.scale for column in (columns[0], columns[-1] + 1))
    top, bottom = (overview.top + row / overview.scale for row in (rows[0], rows[-1] + 1))
    whole = Region.around(left - margin, top - margin, right + margin, bottom + margin, shape, WORKING_SIDE_PX)
    head = face_box(face, 1.25, shape)
    return [whole, head] if head.scale > NEAR_GAIN * whole.scale else [whole]


# --- The edge --------------------------------------------------------------------------------------------------------------

def trimap(confidence: np.ndarray, person: np.ndarray, region: Region, face: Face) -> np.ndarray:
    """1 surely the person, 0 surely not, 0.5 to be solved; (h, w) float64 on the region's working grid."""
    iod = face.iod * region.scale
    height, width = person.shape
    rows, columns = np.mgrid[0:height, 0:width]
    chin = region.points(face.centre[None] + face.down * 0.35 * face.height)[0]
    above_chin = (columns - chin[0]) * face.down[0] + (rows - chin[1]) * face.down[1] < 0
    near = np.where(above_chin, grow(person, HAIR_OUTSIDE_IOD * iod), grow(person, BAND_OUTSIDE_IOD * iod))
    doubtful = (confidence > 0.15) & grow(person, 3 * BAND_OUTSIDE_IOD * iod)
    inside = deep_inside(person, BAND_INSIDE_IOD * iod) & (confidence > 0.85)
    ear, jaw = (region.points(face.centre[None] + share * face.height * face.down[None])[0] for share in BESIDE_JAW)
    beside_jaw = ((columns - ear[0]) * face.down[0] + (rows - ear[1]) * face.down[1] > 0) & (
        (columns - jaw[0]) * face.down[0] + (rows - jaw[1]) * face.down[1] < 0)
    inside &= ~beside_jaw
    inside |= deep_inside(person, 3 * BAND_INSIDE_IOD * iod) | oval_mask(region, face)
    result = np.where(near | doubtful, 0.5, 0.0)
    result[inside] = 1.0
    return result


def solve_alpha(pixels: np.ndarray, known: np.ndarray, prior: np.ndarray, prior_weight: np.ndarray) -> np.ndarray:
    """Closed-form matting with a soft prior.

    Args:
        pixels: (h, w, 3) float64, 0 to 1.
        known: (h, w) float64 trimap: 0, 0.5 (unknown) or 1.
        prior: (h, w) what alpha should be where the colours do not decide.
        prior_weight: (h, w) how strongly, against the matting Laplacian's own rows (about 1).
    Returns:
        (h, w) float64, 0 to 1.
    """
    import pymatting
    import scipy.sparse.linalg

    unknown = ((known > 0) & (known < 1)).ravel()
    alpha = known.ravel().copy()
    if not unknown.any():
        return known.copy()
    laplacian = pymatting.cf_laplacian(pixels, epsilon=LEVIN_EPSILON, is_known=~unknown)
    rows = laplacian[unknown]
    weight = np.maximum(prior_weight.ravel()[unknown], 1e-6)
    system = (rows[:, unknown] + scipy.sparse.diags(weight)).tocsr()
    target = weight * prior.ravel()[unknown] - rows[:, ~unknown] @ alpha[~unknown]
    scale = scipy.sparse.diags(1.0 / system.diagonal())
    solved, _ = scipy.sparse.linalg.cg(system, target, x0=prior.ravel()[unknown].astype(np.float64), rtol=SOLVER_TOLERANCE,
                                       maxiter=SOLVER_STEPS, M=scale)
    alpha[unknown] = np.clip(solved, 0, 1)
    return alpha.reshape(known.shape)


def _solve_region(pixels: np.ndarray, confidence: np.ndarray, person: np.ndarray, region: Region, face: Face) -> np.ndarray:
    known = trimap(confidence, person, region, face)
    confidence = np.where(grow(person, BAND_OUTSIDE_IOD * face.iod * region.scale) | person, confidence, 0.0)
    weight = PRIOR_WEIGHT * (2 * confidence - 1) ** 2
    # The network is unsure over a wide border where the person is opaque all the same: steepen its answer.
    prior = np.clip((confidence - 0.25) / 0.5, 0, 1)
    alpha = solve_alpha(silhouette.stretched(pixels).astype(np.float64) / 255, known, prior, weight)
    return decide(_settle(alpha), pixels, face.iod * region.scale).astype(np.float32)


def decide(alpha: np.ndarray, pixels: np.ndarray, iod_px: float) -> np.ndarray:
    """Alpha (h, w) with a compact edge where it means nothing: where person and background look alike, and in veils wider than
    hair is. Over the picture's own background nobody would see it; over another one it is a smudge.
    """
    share = _alike(alpha, pixels, ALIKE_REACH_IOD * iod_px)
    reach = max(1, round(VEIL_IOD * iod_px))
    veil = cv2.morphologyEx(((alpha > 0.1) & (alpha < 0.9)).astype(np.uint8), cv2.MORPH_OPEN,
                            cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2))
    share = np.maximum(share, cv2.GaussianBlur(veil.astype(np.float32), (0, 0), max(1.0, reach / 2)))
    inside = cv2.GaussianBlur(alpha.astype(np.float32), (0, 0), max(1.0, OUTLINE_IOD * iod_px)) > 0.5
    distance = (cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5) for mask in (inside, ~inside))
    compact = np.clip(0.5 + np.subtract(*distance) / max(1.5, 2 * COMPACT_IOD * iod_px), 0, 1)
    return alpha + share * (compact - alpha)


def _alike(alpha: np.ndarray, pixels: np.ndarray, reach_px: float) -> np.ndarray:
    """(h, w) 0..1: how little the person's colours differ from the background's near each pixel."""
    picture = silhouette.stretched(pixels).astype(np.float32)
    means = []
    for weight in (alpha.astype(np.float32), 1 - alpha.astype(np.float32)):
        total = cv2.GaussianBlur(weight, (0, 0), max(1.0, reach_px)) + 1e-3
        means.append(cv2.GaussianBlur(picture * weight[..., None], (0, 0), max(1.0, reach_px)) / total[..., None])
    apart = np.linalg.norm(means[0] - means[1], axis=2)
    return np.clip((ALIKE_LEVELS[1] - apart) / (ALIKE_LEVELS[1] - ALIKE_LEVELS[0]), 0, 1)


def _settle(alpha: np.ndarray) -> np.ndarray:
    """Nearly 0 and nearly 1 become exactly that: a veil of two per cent would drag the background along with the head."""
    return np.clip((alpha - 0.04) / 0.92, 0, 1)


def _to_full_size(pixels: np.ndarray, alpha: np.ndarray, region: Region) -> np.ndarray:
    """Alpha on the working grid -> the region's full size, its edge following the full picture's."""
    height, width = pixels.shape[:2]
    large = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR)
    if region.scale > 0.75:
        return large
    radius = max(2, round(2.0 / region.scale))
    edge = cv2.resize(((alpha > 0) & (alpha < 1)).astype(np.uint8), (width, height))
    result = large.copy()
    for core, tile, inside in _tiles(height, width, 3 * radius):
        band = grow(edge[tile] > 0, radius)[inside]
        if band.any():
            rough = np.ascontiguousarray(large[tile]) * 255
            scale = min(1.0, GUIDED_RADIUS_PX / radius)
            filtered = cv2.ximgproc.guidedFilter(pixels[tile], rough, radius, GUIDED_EPSILON, scale=scale)[inside]
            result[core] = np.where(band, _settle(np.clip(filtered / 255, 0, 1)), result[core])
    return result


def _tiles(height: int, width: int, margin: int) -> Iterator[tuple[tuple[slice, slice], ...]]:
    """Tiles of the picture; the same with a margin; where in the latter the former lies."""
    for top in range(0, height, TILE_PX):
        for left in range(0, width, TILE_PX):
            core = slice(top, min(height, top + TILE_PX)), slice(left, min(width, left + TILE_PX))
            tile = tuple(slice(max(0, span.start - margin), min(side, span.stop + margin))
                         for span, side in zip(core, (height, width), strict=True))
            yield core, tile, tuple(slice(own.start - wide.start, own.stop - wide.start) for own, wide in zip(core, tile, strict=True))


def _blend_region(matte: np.ndarray, alpha: np.ndarray, region: Region, *, feather: bool) -> None:
    """Write the region's alpha into the matte; a feathered one fades out towards the sides that cut through the picture."""
    target = matte[region.top:region.bottom, region.left:region.right]
    if not feather:
        target[:] = alpha
        return
    height, width = alpha.shape
    fade = border_fade(region, matte.shape)
    weight = np.clip(cv2.resize(fade, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1)
    weight[weight < 0.01] = 0
    target[:] = target * (1 - weight) + alpha * weight


def _keep_main_island(matte: np.ndarray, face: Face) -> None:
    """Drop specks of `matte` that do not hang together with the face; make the face whole."""
    oval = np.zeros(matte.shape, np.uint8)
    cv2.fillPoly(oval, [np.round(face.oval).astype(np.int32)], 1)
    matte[oval > 0] = 1
    _, labels = cv2.connectedComponents((matte > 0.02).view(np.uint8), connectivity=8)
    inside = labels[oval > 0]
    if inside.size:
        matte[labels != np.bincount(inside).argmax()] = 0
    matte[matte < 1 / 255] = 0
    matte[matte > 1 - 1 / 255] = 1
