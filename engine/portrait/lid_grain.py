"""The grain, pores or brush strokes of a lid's new skin: from skin nearby, as strong as they are beside the eye.

A smooth patch on film, canvas or pores is seen at once, whatever its colour. What an open eye hides has no texture of its own
in the picture, so it is lent that of a patch of skin without lines, in two bands of sizes.
"""

from __future__ import annotations

import cv2
import numpy as np

from .fit import Fit
from .window import window_around

BANDS = (0.012, 0.04)
"""Grain and pores are finer than the first blur, brush strokes and cracks than the second, pupil distances."""
LEAST_BLUR_PX = 0.6
RING = (0.07, 0.16)
"""So far above and below the eye (pupil distances) the skin says how strong they are."""
RING_STEPS = (64, 24)
GAIN = ((0.4, 1.6), (0.0, 1.0))
"""A patch is made weaker or stronger by so much, in each band: coarse shapes made stronger would be wrinkles that nobody has."""
OUTLIER = 2.2
"""Lines and moles in the patch count so many times its usual deviation."""
FEW_LINES = 2.3
"""The 98th percentile over the usual deviation, of grain alone."""
BELOW_EYE = 0.07
"""A patch under the eye begins so far below the lower lid, pupil distances."""
CHEEK, NOSE_TIP = {"left": 280, "right": 50}, 1
LEAST_FACING = 0.6
"""A cheek that is less wide in the picture than this share of the other one is turned away and drawn together."""
NORMAL_MEDIAN = 1.4826
"""Standard deviation over median absolute deviation of a normal distribution."""


def lid_grain(image: np.ndarray, fit: Fit, side: str, around: list[np.ndarray], under: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(h, w, 3) float32 fine detail for new skin of `shape` (h, w), around zero.

    around: points (N, 2) of the skin beside the eye, the last ones those below it; under: (2,) where the skin below the eye begins.
    """
    usual = np.array([[deviation(band) for band in bands_at(image, points, fit.pupil_distance)] for points in around])
    wanted = np.minimum(usual[-1], np.sqrt(usual[0] * usual[-1]))
    patches = [bands(rectangle(image, middle, shape), fit.pupil_distance) for middle in skin_nearby(fit, side, under, shape[0])]
    chosen = min(patches, key=lambda patch: unlikeness(patch, wanted))
    grain = np.zeros((*shape, 3), np.float32)
    for band, target, limits in zip(chosen, wanted, GAIN):
        usual_here = deviation(band)
        grain += np.clip(target / usual_here, *limits) * np.clip(band, -OUTLIER * usual_here, OUTLIER * usual_here)
    return grain


def skin_nearby(fit: Fit, side: str, under: np.ndarray, height: int) -> list[np.ndarray]:
    """Middles (2,) of patches of skin: under this eye, on its cheek unless that is turned away, on the other cheek."""
    own, other = (fit.surface[CHEEK[name], :2] for name in (side, "right" if side == "left" else "left"))
    nose = fit.surface[NOSE_TIP, 0]
    below = under + (BELOW_EYE * fit.pupil_distance + 0.5 * height) * fit.down
    return [below, other] if abs(own[0] - nose) < LEAST_FACING * abs(other[0] - nose) else [below, own, other]


def unlikeness(patch: list[np.ndarray], wanted: np.ndarray) -> float:
    """How far a patch's bands are from the deviations wanted and from having no lines."""
    usual = np.array([deviation(band) for band in patch])
    lines = np.array([np.percentile(np.abs(band.mean(axis=-1)), 98) for band in patch]) / usual
    return float(abs(np.log(wanted[0] / usual[0])) + np.log(np.maximum(lines, FEW_LINES)).sum())


def bands(patch: np.ndarray, pupil_distance: float) -> list[np.ndarray]:
    """What a patch (h, w, 3) has of each size in BANDS."""
    finer, parts = patch, []
    for reach in BANDS:
        coarser = cv2.GaussianBlur(patch, (0, 0), max(LEAST_BLUR_PX, reach * pupil_distance))
        parts.append(finer - coarser)
        finer = coarser
    return parts


def bands_at(image: np.ndarray, points: np.ndarray, pupil_distance: float) -> list[np.ndarray]:
    """The picture's bands at the pixels nearest to points (N, 2), each (N, 3)."""
    window = window_around(points, 3 * BANDS[-1] * pupil_distance + 2, image.shape)
    near = bands(image[window].astype(np.float32), pupil_distance)
    columns, rows = (np.clip(np.rint(points[:, k]).astype(int) - window[1 - k].start, 0, near[0].shape[1 - k] - 1) for k in range(2))
    return [band[rows, columns] for band in near]


def deviation(band: np.ndarray) -> float:
    """The usual deviation of a band (..., 3) from zero in grey, whatever lines there are in it; never 0."""
    return NORMAL_MEDIAN * float(np.median(np.abs(band.mean(axis=-1)))) + 0.05


def rectangle(image: np.ndarray, middle: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(h, w, 3) float32 the picture's own pixels about `middle` (2,), beyond its border its border."""
    rows, columns = (np.clip(np.arange(shape[k]) - shape[k] // 2 + int(middle[1 - k]), 0, image.shape[k] - 1) for k in range(2))
    return image[np.ix_(rows, columns)].astype(np.float32)
