"""Where the lips part, read off the picture: the dark seam of closed lips, or where lips end and teeth begin in an open smile.

The detector's inner contours are off by a few pixels, more in beards and paintings. On closed lips part of one would go with the
other; on an open smile a strip of lip would stay with the teeth when the jaw drops.
"""

from __future__ import annotations

import cv2
import numpy as np

from .fit import FACE_HEIGHT, face_height, lips_touch
from .topology import CHIN, FOREHEAD, INNER_LIP_LOWER, INNER_LIP_UPPER, OUTER_LIP_LOWER, OUTER_LIP_UPPER

LIPS = ((OUTER_LIP_LOWER, INNER_LIP_LOWER, INNER_LIP_UPPER), (OUTER_LIP_UPPER, INNER_LIP_UPPER, INNER_LIP_LOWER))
"""Outer contour, inner contour and the other lip's inner one."""
STEPS = 48
"""Samples across one lip, and across the gap."""
LIP_BAND = (0.35, 0.65)
"""Of a lip, from its outer to its inner contour: what surely is lip."""
GAP_BAND = (0.5, 0.85)
"""Of the gap, from this lip to the other: what surely is teeth or darkness."""
ALIKE = 11.34
"""Squared Mahalanobis distance within which a colour counts as the lip's: 99 % of a chi-squared distribution of 3 degrees."""
NOISE = 4.0
"""Standard deviation of CIELAB values that says nothing, in OpenCV's 8-bit scale."""
ALL_LIP, CLEAR_OF_LIP = 0.1, 0.5
"""Share of that band that does not look like lip: below the first the lips count as closed, from the second on the lip's end can be
told by its colour."""
FURTHEST = 0.45
"""A contour moves on by at most this share of the gap; back it moves as far as LIP_BAND ends."""
EDGE_WIDTH = 0.012
"""A lip's edge mixes with what is behind it over about this width, pupil distances: mixed pixels stay with the teeth, or closed lips
would show a white line between them."""

SEAM_REACH = 0.06
"""The seam is looked for this far above and below the detector's, pupil distances."""
SEAM_STEPS = 25
STRAY_COST = 0.35
"""Being SEAM_REACH away from the detector's seam costs as much as this share of the range of brightness there."""
BEND_COST = 6.0
"""Cost of one point's seam lying SEAM_REACH above its neighbour's, in the same unit."""
SEAM_BLUR = 0.008
"""Brightness is averaged over this much, pupil distances."""


def refine_lip_line(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Landmarks (478, 3) with the inner lip contours where the picture shows them. image: (H, W, 3) uint8 sRGB.

    Closed lips get one seam along the darkest line, and so do lips between which there is only lip; open ones end where
    their colour does.
    """
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    if lips_touch(points):
        return with_seam(lab[..., 0], points)
    contrast = [differs_from_lip(lab, *contours(points, lip)) for lip in LIPS]
    if max(contrast) < ALL_LIP:
        return with_seam(lab[..., 0], points)
    refined = points.copy()
    for lip in LIPS:
        contour = contours(refined, lip)
        if differs_from_lip(lab, *contour) >= CLEAR_OF_LIP:
            refined[list(lip[1]), :2] += lip_ends(lab, *contour)
    for lip in LIPS:
        _, rim, across = contours(refined, lip)
        refined[list(lip[1]), :2] -= EDGE_WIDTH * face_height(points) / FACE_HEIGHT * towards(rim, across)
    return refined


def towards(rim: np.ndarray, across: np.ndarray) -> np.ndarray:
    """(K, 2) unit vectors from one contour to the other, 0 where they meet."""
    way = across - rim
    return way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1.0)


def contours(points: np.ndarray, lip: tuple) -> list[np.ndarray]:
    """(11, 2) each: a lip's outer and inner contour, and the other lip's inner one."""
    return [points[list(names), :2].astype(np.float64) for names in lip]


def with_seam(lightness: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Landmarks with both inner lip contours on the darkest smooth line near them. lightness: (H, W) float32."""
    upper, lower = list(INNER_LIP_UPPER), list(INNER_LIP_LOWER)
    seam = (points[upper] + points[lower]) / 2
    pupil_distance = face_height(points) / FACE_HEIGHT
    down = (points[CHIN, :2] - points[FOREHEAD, :2]) / face_height(points)
    offsets = np.linspace(-1, 1, SEAM_STEPS)
    smooth = cv2.GaussianBlur(lightness, (0, 0), max(SEAM_BLUR * pupil_distance, 0.5))
    reach = SEAM_REACH * pupil_distance * down
    seen = sampled(smooth, seam[:, :2] - reach, seam[:, :2] + reach, 0.0, 1.0, SEAM_STEPS)
    cost = (seen - seen.min()) / max(float(np.ptp(seen)), 1.0) + STRAY_COST * offsets ** 2
    away = offsets[smoothest_path(cost, BEND_COST * (offsets[:, None] - offsets) ** 2)]
    found = points.copy()
    seam[:, :2] += away[:, None] * reach
    found[upper] = found[lower] = seam
    return found


def smoothest_path(cost: np.ndarray, step_cost: np.ndarray) -> np.ndarray:
    """(K,) the cheapest choice per row of cost (K, N), with step_cost (N, N) between neighbouring rows (Viterbi 1967)."""
    total, came_from = cost[0], []
    for row in cost[1:]:
        ways = total[:, None] + step_cost
        came_from.append(ways.argmin(axis=0))
        total = ways.min(axis=0) + row
    path = [int(total.argmin())]
    for back in reversed(came_from):
        path.append(int(back[path[-1]]))
    return np.array(path[::-1])


def differs_from_lip(lab: np.ndarray, outside: np.ndarray, rim: np.ndarray, across: np.ndarray) -> float:
    """How much of the gap's far part, 0..1, is something else than the lip. outside, rim, across: (K, 2) contours, skin inwards."""
    like = lip_likeness(sampled(lab, outside, rim, *LIP_BAND).reshape(-1, 3))
    return float((like(sampled(lab, rim, across, *GAP_BAND)) > ALIKE).mean())


def lip_ends(lab: np.ndarray, outside: np.ndarray, rim: np.ndarray, across: np.ndarray) -> np.ndarray:
    """(K, 2) from the inner contour to where the lip's colour ends, back in the lip or on in the gap. Contours as above."""
    like = lip_likeness(sampled(lab, outside, rim, *LIP_BAND).reshape(-1, 3))
    sure = outside + LIP_BAND[1] * (rim - outside)
    lip = np.concatenate([like(sampled(lab, *line)) <= ALIKE for line in ((sure, rim, 0.0, 1.0), (rim, across, 0.0, FURTHEST))], axis=1)
    steady = cv2.blur(lip.astype(np.float32), (3, 1)) > 0.5
    ends = np.where(steady.all(axis=1), 2 * STEPS - 1, np.argmin(steady, axis=1))
    back, on = np.linalg.norm(rim - sure, axis=1), FURTHEST * np.linalg.norm(across - rim, axis=1)
    way = np.where(ends < STEPS, (ends / STEPS - 1) * back, (ends / STEPS - 1) * on)
    way[[0, -1]] = 0.0
    middle = np.median([np.roll(way, 1), way, np.roll(way, -1)], axis=0)
    smooth = (np.roll(middle, 1) + 2 * middle + np.roll(middle, -1)) / 4
    smooth[[0, -1]] = 0.0
    return smooth[:, None] * towards(rim, across)


def lip_likeness(lip: np.ndarray):
    """A function from CIELAB colours (..., 3) to their squared Mahalanobis distance from the lip's (N, 3)."""
    mean = np.median(lip, axis=0)
    inverse = np.linalg.inv(np.cov(lip.T) + NOISE ** 2 * np.eye(3))

    def distance(colours: np.ndarray) -> np.ndarray:
        away = colours - mean
        return np.einsum("...i,ij,...j->...", away, inverse, away)
    return distance


def sampled(image: np.ndarray, start: np.ndarray, end: np.ndarray, low: float, high: float, steps: int = STEPS) -> np.ndarray:
    """(K, steps[, 3]) values along the lines from start to end (K, 2), between their shares low and high."""
    along = np.linspace(low, high, steps)[None, :, None]
    at = (start[:, None] + along * (end - start)[:, None]).astype(np.float32)
    return cv2.remap(image, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
