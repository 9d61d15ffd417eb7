"""Where the lips part, read off the picture: the dark seam of closed lips, or where lips end and teeth begin in an open smile.

The detector's inner contours are off by a few pixels, more in beards and paintings. On closed lips part of one would go with the
other; on an open smile a strip of lip would stay with the teeth when the jaw drops.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .fit import FACE_HEIGHT, face_height, lip_gap, lips_touch
from .topology import CHIN, FOREHEAD, INNER_LIP_LOWER, INNER_LIP_UPPER, OUTER_LIP_LOWER, OUTER_LIP_UPPER
from .window import corner_of, window_around

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
ALL_LIP = 0.1
"""Below this share of that band that does not look like lip, lips that hardly part count as closed."""
SURELY_OPEN = 0.03
"""Lips that the detector sees this far apart, pupil distances, are open whatever the colours: it takes none of our closed mouths
to be open by more than 0.016, and teeth in the shade can have the lips' colour."""

EDGE_REACH = 0.06
"""A lip's edge is looked for this far on both sides of the detector's, pupil distances."""
EDGE_STEPS = 49
EDGE_SIDES = 0.02
"""It is where the colours this far apart differ most, pupil distances."""
EDGE_WEIGHTS = (0.6, 1.3, 1.3)
"""Of lightness and of the two chromatic axes: a highlight or a gap between teeth is a difference of lightness alone."""
STRONG, FAINT = 95, 12.0
"""That percentile of the differences counts as 1, and never less than the second, in OpenCV's 8-bit CIELAB."""
STRONGEST = 1.5
EDGE_BLUR = 0.006
"""Colours are averaged over this much, pupil distances."""
EDGE_STRAY_COST, EDGE_BEND_COST = 0.35, 6.0
"""As STRAY_COST and BEND_COST."""
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
SURROUNDINGS = 0.25
"""The picture is looked at this far around the lips, pupil distances: as far as edges are looked for, and what is averaged there."""


@dataclass(frozen=True)
class Look:
    """Part of a picture: its CIELAB values (h, w[, 3]) float32 in OpenCV's 8-bit scale, and where its first pixel lies, (x, y)."""

    values: np.ndarray
    corner: np.ndarray

    @property
    def lightness(self) -> Look:
        """The same, (h, w)."""
        return replace(self, values=self.values[..., 0])

    def blurred(self, sigma: float) -> Look:
        """The same, averaged over `sigma` pixels."""
        return replace(self, values=cv2.GaussianBlur(self.values, (0, 0), max(sigma, 0.5)))


def look_around(image: np.ndarray, points: np.ndarray, margin_px: float) -> Look:
    """The picture (H, W, 3) uint8 sRGB within `margin_px` of points (N, 2+)."""
    window = window_around(points, margin_px, image.shape)
    return Look(cv2.cvtColor(np.ascontiguousarray(image[window]), cv2.COLOR_RGB2LAB).astype(np.float32), corner_of(window))


def refine_lip_line(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Landmarks (478, 3) with the inner lip contours where the picture shows them. image: (H, W, 3) uint8 sRGB.

    Closed lips get one seam along the darkest line, and so do hardly parted ones between which there is only lip; open ones end
    where colours change most.
    """
    lips = points[[*OUTER_LIP_UPPER, *OUTER_LIP_LOWER]]
    lab = look_around(image, lips, SURROUNDINGS * face_height(points) / FACE_HEIGHT)
    if lips_touch(points):
        return with_seam(lab.lightness, points)
    if lip_gap(points) < SURELY_OPEN and max(differs_from_lip(lab, *contours(points, lip)) for lip in LIPS) < ALL_LIP:
        return with_seam(lab.lightness, points)
    refined = with_edges(lab, points)
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


def with_seam(lightness: Look, points: np.ndarray) -> np.ndarray:
    """Landmarks with both inner lip contours on the darkest smooth line near them."""
    upper, lower = list(INNER_LIP_UPPER), list(INNER_LIP_LOWER)
    seam = (points[upper] + points[lower]) / 2
    pupil_distance = face_height(points) / FACE_HEIGHT
    down = (points[CHIN, :2] - points[FOREHEAD, :2]) / face_height(points)
    offsets = np.linspace(-1, 1, SEAM_STEPS)
    smooth = lightness.blurred(SEAM_BLUR * pupil_distance)
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


def differs_from_lip(lab: Look, outside: np.ndarray, rim: np.ndarray, across: np.ndarray) -> float:
    """How much of the gap's far part, 0..1, is something else than the lip. outside, rim, across: (K, 2) contours, skin inwards."""
    like = lip_likeness(sampled(lab, outside, rim, *LIP_BAND).reshape(-1, 3))
    return float((like(sampled(lab, rim, across, *GAP_BAND)) > ALIKE).mean())


def with_edges(lab: Look, points: np.ndarray) -> np.ndarray:
    """Landmarks with each inner lip contour on the strongest smooth edge near it, corners as they are."""
    pupil_distance = face_height(points) / FACE_HEIGHT
    down = (points[CHIN, :2] - points[FOREHEAD, :2]) / face_height(points)
    offsets = np.linspace(-1, 1, EDGE_STEPS)
    smooth = lab.blurred(EDGE_BLUR * pupil_distance)
    found = points.copy()
    for names, into_lip in ((INNER_LIP_UPPER, -down), (INNER_LIP_LOWER, down)):
        rim = points[list(names), :2].astype(np.float64)
        reach, side = EDGE_REACH * pupil_distance * into_lip, EDGE_SIDES / 2 * pupil_distance * into_lip
        lip, gap = (sampled(smooth, rim - reach + beside, rim + reach + beside, 0.0, 1.0, EDGE_STEPS) for beside in (side, -side))
        edge = np.linalg.norm((lip - gap) * np.float32(EDGE_WEIGHTS), axis=2)
        edge = np.minimum(edge / max(np.percentile(edge[2:-2], STRONG), FAINT), STRONGEST)
        cost = EDGE_STRAY_COST * offsets ** 2 - edge
        cost[[0, -1]] = np.where(offsets == 0, 0.0, np.inf)
        away = offsets[smoothest_path(cost, EDGE_BEND_COST * (offsets[:, None] - offsets) ** 2)]
        found[list(names), :2] += away[:, None] * reach
    return found


def lip_likeness(lip: np.ndarray):
    """A function from CIELAB colours (..., 3) to their squared Mahalanobis distance from the lip's (N, 3)."""
    mean = np.median(lip, axis=0)
    inverse = np.linalg.inv(np.cov(lip.T) + NOISE ** 2 * np.eye(3))

    def distance(colours: np.ndarray) -> np.ndarray:
        away = colours - mean
        return np.einsum("...i,ij,...j->...", away, inverse, away)
    return distance


def sampled(look: Look, start: np.ndarray, end: np.ndarray, low: float, high: float, steps: int = STEPS) -> np.ndarray:
    """(K, steps[, 3]) values along the lines from start to end (K, 2), between their shares low and high."""
    along = np.linspace(low, high, steps)[None, :, None]
    at = (start[:, None] + along * (end - start)[:, None]).astype(np.float32) - look.corner
    return cv2.remap(look.values, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
