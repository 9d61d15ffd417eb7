"""The eyes as layers: the white, completed under lids and iris, and the iris, completed under the lids."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .fit import Fit
from .portrait import Part, facing_camera
from .topology import IRIS, LID_LOWER, LID_UPPER

EYEBALL_RADIUS = 0.19
"""In pupil distances: 12 mm (Bekerman et al. 2014, "Variations in eyeball diameters") over 63 mm."""
MARGIN = 0.22
"""How far the eye's own texture reaches beyond the lids, pupil distances."""
WHITE_BENEATH_LIDS = 0.07
"""How far the white itself reaches under the lids, pupil distances."""
IRIS_SOLID, IRIS_SOFT = 1.12, 1.28
"""The iris layer is opaque to the first and gone at the second, in iris radii: its edge lies on white, so none shows."""
SHADED_WHITE = 0.68
"""Darker parts of the opening, of its bright part, are lashes or lid and say nothing about the white."""
LEAST_WHITE_PX = 25
RINGS, SPOKES = 3, 32


@dataclass
class Eye:
    """One eye taken apart: the two parts, their textures, the centre it turns about, and how bright its white is."""

    white: Part
    iris: Part
    white_image: np.ndarray
    iris_image: np.ndarray
    centre: np.ndarray
    white_colour: np.ndarray


def build_eye(image: np.ndarray, landmarks_px: np.ndarray, fit: Fit, side: str) -> Eye:
    """Take the eye on the subject's `side` apart. image: (H, W, 3) uint8; landmarks_px: (478, 3)."""
    pd = fit.pupil_distance
    lids = np.concatenate([landmarks_px[list(LID_UPPER[side])], landmarks_px[list(LID_LOWER[side])[-2:0:-1]]])
    rim = landmarks_px[list(IRIS[side])[1:], :2]
    iris_centre = landmarks_px[IRIS[side][0], :2]
    radius = max(float(np.linalg.norm(rim - iris_centre, axis=1).mean()), 1.0)
    crop, left, top = crop_around(image, lids[:, :2], MARGIN * pd)
    local_lids, local_iris = lids[:, :2] - (left, top), iris_centre - (left, top)
    opening = np.zeros(crop.shape[:2], np.uint8)
    cv2.fillPoly(opening, [np.round(local_lids * 16).astype(np.int32)], 255, shift=4)
    rows, columns = np.mgrid[:crop.shape[0], :crop.shape[1]]
    distance = np.hypot(columns - local_iris[0], rows - local_iris[1]) / radius
    white, white_colour = complete_white(crop, opening > 0, distance, pd)
    iris = complete_iris(crop, opening > 0, distance, local_iris)
    depth = float(lids[:, 2].mean())
    centre = np.array([*iris_centre, depth - EYEBALL_RADIUS * pd], np.float32)
    return Eye(white_part(lids, WHITE_BENEATH_LIDS * pd, crop.shape, left, top, f"eye_{side}"),
               iris_part(iris_centre, radius, depth, pd, crop.shape, left, top, f"iris_{side}"), white, iris, centre, white_colour)


def crop_around(image: np.ndarray, points: np.ndarray, margin: float) -> tuple[np.ndarray, int, int]:
    """The picture around points (N, 2), repeated beyond its border, with the crop's left and top."""
    left, top = np.floor(points.min(axis=0) - margin).astype(int)
    right, bottom = np.ceil(points.max(axis=0) + margin).astype(int) + 1
    rows = np.clip(np.arange(top, bottom), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(left, right), 0, image.shape[1] - 1)
    return np.ascontiguousarray(image[np.ix_(rows, columns)]), int(left), int(top)


def complete_white(crop, opening, distance, pd) -> tuple[np.ndarray, np.ndarray]:
    """The white of the eye without iris or lids: RGBA texture and its typical colour (3,)."""
    inset = max(1, int(0.012 * pd))
    eroded = cv2.erode(opening.astype(np.uint8), np.ones((2 * inset + 1,) * 2)) > 0
    known = eroded & (distance > IRIS_SOLID)
    grey = crop.mean(axis=2)
    if known.any():
        known &= grey > SHADED_WHITE * np.percentile(grey[known], 80)
    if known.sum() < LEAST_WHITE_PX:
        known = opening & (distance > 1.0)
    if known.sum() < LEAST_WHITE_PX:
        pixels = crop[opening] if opening.any() else crop.reshape(-1, 3)
        bright = np.percentile(pixels, 80, axis=0)
        filled = np.tile(bright.astype(np.float32), (*crop.shape[:2], 1))
    else:
        bright = np.percentile(crop[known], 75, axis=0)
        filled = fill_smoothly(crop.astype(np.float32), known, 0.03 * pd)
    keep = opening & (distance > IRIS_SOLID)
    white = np.where(keep[..., None], crop, np.clip(filled, 0, 255).astype(np.uint8))
    return np.dstack([white, np.full(crop.shape[:2], 255, np.uint8)]), bright


def fill_smoothly(values: np.ndarray, known: np.ndarray, reach: float) -> np.ndarray:
    """Fill unknown pixels by normalised convolution, widening until every pixel is reached."""
    filled = np.zeros_like(values)
    done = np.zeros(known.shape, np.float32)
    sigma = max(reach, 1.0)
    while done.min() < 0.999:
        weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), sigma)
        blurred = cv2.GaussianBlur(values * known[..., None], (0, 0), sigma)
        usable = np.clip(weight / 0.02, 0, 1) * (1 - done)
        filled += blurred / np.maximum(weight, 1e-6)[..., None] * usable[..., None]
        done += usable
        sigma *= 2
        if sigma > 8 * max(known.shape):
            mean = values[known].mean(axis=0)
            filled += mean * (1 - done)[..., None]
            break
    return filled


def complete_iris(crop, opening, distance, centre) -> np.ndarray:
    """The whole iris, RGBA: what the lids hide is mirrored from what shows, else taken from the same radius."""
    rows, columns = np.mgrid[:crop.shape[0], :crop.shape[1]].astype(np.float32)
    colour = crop.astype(np.float32)
    seen = cv2.erode(opening.astype(np.uint8), np.ones((3, 3))) > 0
    profile = radial_profile(colour, seen, distance)
    rings = np.minimum((distance * 16).astype(int), len(profile) - 1)
    hidden = ~opening
    mirrored_rows = np.clip(2 * centre[1] - rows, 0, crop.shape[0] - 1).astype(np.float32)
    mirrored = cv2.remap(colour, columns, mirrored_rows, cv2.INTER_LINEAR)
    mirror_seen = cv2.remap(seen.astype(np.float32), columns, mirrored_rows, cv2.INTER_LINEAR) > 0.99
    colour = np.where((hidden & mirror_seen)[..., None], mirrored, np.where(hidden[..., None], profile[rings], colour))
    alpha = np.clip((IRIS_SOFT - distance) / (IRIS_SOFT - IRIS_SOLID), 0, 1)
    return np.dstack([np.clip(colour, 0, 255), 255 * alpha]).astype(np.uint8)


def radial_profile(colour, seen, distance) -> np.ndarray:
    """(K, 3) median colour at each sixteenth of the iris radius, gaps bridged."""
    count = int(IRIS_SOFT * 16) + 2
    rings = np.minimum((distance * 16).astype(int), count - 1)
    medians = np.full((count, 3), np.nan)
    for ring in range(count):
        pixels = colour[seen & (rings == ring)]
        if len(pixels) >= 2:
            medians[ring] = np.median(pixels, axis=0)
    have = np.flatnonzero(~np.isnan(medians[:, 0]))
    if len(have) == 0:
        return np.tile(colour.reshape(-1, 3).mean(axis=0), (count, 1))
    return np.stack([np.interp(np.arange(count), have, medians[have, k]) for k in range(3)], axis=1)


def plain_part(vertices, triangles, uv, alpha, texture: str) -> Part:
    """A part that follows the head and has no blendshapes."""
    colour = np.concatenate([np.ones((len(vertices), 3)), alpha[:, None]], axis=1)
    return Part(vertices.astype(np.float32), facing_camera(vertices, triangles), uv.astype(np.float32), colour.astype(np.float32),
                np.ones(len(vertices), np.float32), np.zeros(0, np.uint8), np.zeros(0, np.int32), np.zeros((0, 3), np.float32), texture)


def white_part(lids, beneath: float, shape, left: int, top: int, texture: str) -> Part:
    """The white behind the lids: their rim (K, 3), a little wider, as a fan about its middle."""
    middle = lids.mean(axis=0)
    outward = lids[:, :2] - middle[:2]
    rim = lids.copy()
    rim[:, :2] += beneath * outward / (np.linalg.norm(outward, axis=1, keepdims=True) + 1e-6)
    vertices = np.concatenate([middle[None], rim])
    count = len(rim)
    triangles = np.array([(0, 1 + k, 1 + (k + 1) % count) for k in range(count)])
    uv = (vertices[:, :2] - (left, top) + 0.5) / (shape[1], shape[0])
    return plain_part(vertices, triangles, uv, np.ones(len(vertices)), texture)


def iris_part(centre, radius, depth, pd, shape, left, top, texture: str) -> Part:
    """A cap of the eyeball that carries the iris."""
    points = [(0.0, 0.0)]
    for ring in range(1, RINGS + 1):
        angles = 2 * np.pi * np.arange(SPOKES) / SPOKES
        points += [(IRIS_SOFT * radius * ring / RINGS * np.cos(a), IRIS_SOFT * radius * ring / RINGS * np.sin(a)) for a in angles]
    flat = np.array(points)
    ball = EYEBALL_RADIUS * pd
    rise = np.sqrt(np.maximum(ball ** 2 - (flat ** 2).sum(axis=1), 0)) - ball
    vertices = np.concatenate([flat + centre, (depth + rise)[:, None]], axis=1)
    triangles = [(0, 1 + k, 1 + (k + 1) % SPOKES) for k in range(SPOKES)]
    for ring in range(RINGS - 1):
        a, b = 1 + ring * SPOKES, 1 + (ring + 1) * SPOKES
        for k in range(SPOKES):
            n = (k + 1) % SPOKES
            triangles += [(a + k, b + k, b + n), (a + k, b + n, a + n)]
    uv = (vertices[:, :2] - (left, top) + 0.5) / (shape[1], shape[0])
    return plain_part(vertices, np.array(triangles), uv, np.ones(len(vertices)), texture)
