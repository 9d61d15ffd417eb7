"""Where the irises are, by their pixels: found once in the still face, then that patch is looked for in every other frame.

The detector's iris landmarks follow a drawn eye by a half across and by a fifth up and down (docs/measures.md), so they
cannot say how far an eye turns. Here the iris of the still face is the circle that is darker inside than outside (the
integro-differential idea of Daugman 1993, as a sum over gradients that point outwards, Timm & Barth 2011), of a human
iris's size. What lies in it and around its rim is then matched by least squares to a fraction of a pixel, where the eye's
opening shows it both then and now: lids stay, and what they hide says nothing. Catch-lights are left out of both, since they
go half as far; without that, heads of known gaze with catch-lights of 3 mm, as painters like them, read .6 to .9 of their
travel. The worst quarter of the pixels is left out. The eyes' places in a frame come from points of the skin around them,
followed by their pixels (`tracking`): the detector's landmarks there shift with lids and gaze.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .detectors import EYE_CORNERS, EYE_OUTLINES, IRIS_RADIUS_IOD, Face
from .tracking import Tracks, follow

EYE_DISTANCE_PX = 300.0
"""Eyes are compared at this size."""

VIEW_IOD = (0.5, 0.42)
"""Width and height of the view of one eye."""

LIMBUS_RADIUS_IOD = 11.7 / 63.0 / 2.0
"""Of a human iris, 11.7 mm across (Caroline & Andre 2002, "The effect of corneal diameter on soft lens fitting")."""
RADII = (0.85, 0.92, 1.0, 1.08, 1.17, 1.27, 1.37)
"""Painted and drawn irises are larger than people's."""
RIM_PX = 2.5
SMOOTHING_PX = 1.5
SPOT_IOD = 0.02
"""Bright spots up to this wide are smoothed away before matching."""
GLINT_SHARE, GLINT_LEAST_LEVELS = 0.35, 12.0
"""A catch-light is brighter than the iris by this share of what the white is brighter, and by at least so many levels."""
GLINT_WITHIN, GLINT_LARGEST = 0.85, 0.2
"""In the still face it lies this far within the iris (radii); in others it is a spot that dark surrounds, up to this share
of the iris: the white reaches the lids."""
GLINT_AROUND_IOD = (0.01, 0.007)
"""So much around it is left out too, in the still face and in others."""
INSIDE_LIDS_IOD = 0.017
"""The detector's lid line is right to this; what is nearer to it may be lid."""
LEAST_INSIDE, LEAST_IN_BOTH = 0.3, 0.5
"""Of the iris the lids must leave this share when taken so carefully, else their line is taken as it is; and a place is
tried only where so much of what the still face shows is open."""
BESIDE_DEG = 50.0
"""The rim counts this far up and down from the horizontal; above and below it are the lids."""
DARKNESS = 0.3
"""Weight of a dark inside against a rim all round."""

AROUND_IOD = (0.3, 0.75)
"""Points of the skin this far from an eye say where it is, or farther ones where there are too few; not the lids, which
follow the gaze."""
LEAST_AROUND = 8
ASTRAY_IOD = 0.01
"""A point further than this from where the others say it should be counts less."""
PATCH_RADII = 1.22
LARGEST_GAZE_DEG, LARGEST_TURN_DEG = 20.0, 15.0
"""What row 4 asks of eyes, and of a head whose eyes stay on the viewer."""
BEHIND_SKIN_IOD, SEARCH_MARGIN_IOD = 0.25, 0.02
"""An iris lies up to so far behind what the skin around its eye says of its place: a head that turns carries it along by that times
the sine of the turn (.24 on known heads). A search that ended at .09 cut off a known head's travel of .104, and read its eyes'
gain against the turn as .96 instead of 1."""
LARGEST_TRAVEL_IOD = (IRIS_RADIUS_IOD * np.sin(np.radians(LARGEST_GAZE_DEG)) + BEHIND_SKIN_IOD * np.sin(np.radians(LARGEST_TURN_DEG))
                      + SEARCH_MARGIN_IOD)
KEPT_PERCENT, LEAST_DIFFERENCE = 75, 4.0
FINE_SEARCH_PX, ROUNDS = 14, 3


def iris_travel_iod(frames: Sequence[np.ndarray], landmarks_px: np.ndarray) -> np.ndarray:
    """(T, 2, 2) subject's left, right eye x (right along the line of the eyes, up): how far each iris lies from where it is
    in frames[0], over the inter-ocular distance, not foreshortened. NaN in frames in which no face was seen.

    frames: (H, W, 3) uint8 RGB; landmarks_px: (T, 478, 3) of the detector, NaN where it saw no face.
    """
    travel = np.full((len(frames), 2, 2), np.nan)
    if not np.isfinite(landmarks_px[0]).all():
        return travel
    tracks = follow(frames, landmarks_px)
    left, right = landmarks_px[0, np.array(EYE_CORNERS)].mean(axis=1)
    foreshortened = np.linalg.norm((left - right)[:2]) / np.linalg.norm(left - right)
    for eye in range(2):
        rest = _Eye(landmarks_px[0], eye, tracks)
        still = rest.view(frames[0], rest.motion(0))
        iris = _Iris.of(still, rest.opening(still.shape[:2]))
        for number, frame in enumerate(frames):
            if (moved := rest.motion(number)) is not None:
                shift = iris.found_in(rest.view(frame, moved))
                travel[number, eye] = shift * (1, -1) * foreshortened / EYE_DISTANCE_PX
    return travel


class _Eye:
    """One eye of the still face, and how to look at it in other frames."""

    def __init__(self, rest: np.ndarray, eye: int, tracks: Tracks) -> None:
        face = Face(rest)
        middles, self.unit = face.eye_middles_px, face.inter_ocular_px
        self.middle = middles[eye]
        along = (middles[0] - middles[1]) / self.unit
        self.axes = np.stack([along, (-along[1], along[0])], axis=1)
        self.outline = rest[list(EYE_OUTLINES[eye]), :2]
        distance = np.linalg.norm(tracks.points_px[0, :, None] - middles, axis=2) / self.unit
        beside = np.flatnonzero(distance.min(axis=1) >= AROUND_IOD[0])
        enough = max(int((distance[beside, eye] <= AROUND_IOD[1]).sum()), 2 * LEAST_AROUND)
        around = beside[np.argsort(distance[beside, eye])[:enough]]
        self.points, self.seen = tracks.points_px[:, around], tracks.seen[:, around]

    def motion(self, number: int) -> np.ndarray | None:
        """(3, 2) affine map of the skin around the eye from the still face to frame `number`; None where too little is seen."""
        if number == 0:
            return np.eye(3)[:, :2]
        seen = self.seen[number]
        if seen.sum() < LEAST_AROUND:
            return None
        before, now = np.column_stack([self.points[0, seen], np.ones(seen.sum())]), self.points[number, seen]
        weight = np.ones((len(now), 1))
        for _ in range(ROUNDS):
            moved, *_ = np.linalg.lstsq(weight * before, weight * now, rcond=None)
            distance = np.linalg.norm(before @ moved - now, axis=1, keepdims=True)
            weight = np.sqrt(1.0 / np.maximum(1.0, distance / (ASTRAY_IOD * self.unit)))
        return moved

    def view(self, frame: np.ndarray, moved: np.ndarray) -> np.ndarray:
        """The eye at EYE_DISTANCE_PX, upright, moved along with the skin around it."""
        along = moved[:2].T @ self.axes[:, 0]
        along /= np.linalg.norm(along)
        grown = np.sqrt(abs(np.linalg.det(moved[:2]))) * self.unit / EYE_DISTANCE_PX
        width, height = (2 * int(share * EYE_DISTANCE_PX / 2.0) + 1 for share in VIEW_IOD)
        matrix = np.empty((2, 3))
        matrix[:, :2] = grown * np.array([[along[0], -along[1]], [along[1], along[0]]])
        matrix[:, 2] = np.append(self.middle, 1.0) @ moved - matrix[:, :2] @ ((width - 1) / 2.0, (height - 1) / 2.0)
        return cv2.warpAffine(frame, matrix, (width, height), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
                              borderMode=cv2.BORDER_REPLICATE)

    def opening(self, shape: tuple[int, int]) -> np.ndarray:
        """(H, W) uint8: 1 between the lids of the still face, in its view."""
        inside = np.zeros(shape, np.uint8)
        points = (self.outline - self.middle) @ self.axes / self.unit * EYE_DISTANCE_PX
        cv2.fillPoly(inside, [np.round(points + (np.array(shape[::-1]) - 1) / 2.0).astype(np.int32)], 1)
        return inside


def find_iris(view: np.ndarray, opening: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre (2,) and radius, pixels, of the iris in a view of an eye at EYE_DISTANCE_PX, its centre within `opening`."""
    grey = cv2.GaussianBlur(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), RIM_PX)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    strength = np.hypot(across, down)
    strong = np.percentile(strength, 95) + 1e-3
    across, down = (part / np.maximum(strength, strong) for part in (across, down))
    dark, light = np.percentile(grey, (2, 98))
    best, found = -np.inf, (np.array(view.shape[1::-1]) / 2.0, LIMBUS_RADIUS_IOD * EYE_DISTANCE_PX)
    for radius in np.array(RADII) * LIMBUS_RADIUS_IOD * EYE_DISTANCE_PX:
        ring_x, ring_y, disc = _ring(radius)
        score = _correlated(across, ring_x) + _correlated(down, ring_y)
        score += DARKNESS * (light - _correlated(grey, disc)) / (light - dark + 1.0)
        score = np.where(opening > 0, score, -np.inf)
        row, column = np.unravel_index(int(score.argmax()), score.shape)
        if score[row, column] > best:
            best, found = score[row, column], (np.array([column, row], np.float64), float(radius))
    return found


def _ring(radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kernels: the outward direction (x, y) on the rim's sides, and the disc within."""
    reach = int(np.ceil(radius + 3.0 * RIM_PX))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
    distance = np.hypot(x, y) + 1e-9
    weight = np.exp(-0.5 * ((distance - radius) / RIM_PX) ** 2) * (np.degrees(np.arctan2(np.abs(y), np.abs(x))) <= BESIDE_DEG)
    weight /= weight.sum()
    disc = distance < 0.8 * radius
    return weight * x / distance, weight * y / distance, disc / disc.sum()


def _correlated(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return cv2.filter2D(picture, -1, kernel.astype(np.float32), borderType=cv2.BORDER_REPLICATE)


def _smooth_grey(view: np.ndarray) -> np.ndarray:
    """(H, W) float32, without small bright spots."""
    spot = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(SPOT_IOD * EYE_DISTANCE_PX / 2.0) + 1,) * 2)
    grey = cv2.morphologyEx(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY), cv2.MORPH_OPEN, spot)
    return cv2.GaussianBlur(grey.astype(np.float32), (0, 0), SMOOTHING_PX)


@dataclass(frozen=True)
class _Iris:
    """The iris of the still face, as it is looked for in other frames.

    inside: (H, W) uint8, 1 between the lids; centre (2,), radius: in the view; patch, mask: (K, K) float32, the square
    around it and 1 where it shows the iris, its rim, or a little white beside it; glint_level: grey above which a spot is
    catch-light.
    """

    inside: np.ndarray
    centre: np.ndarray
    radius: float
    patch: np.ndarray
    mask: np.ndarray
    glint_level: float

    @classmethod
    def of(cls, view: np.ndarray, opening: np.ndarray) -> _Iris:
        """The iris in the still face's view (H, W, 3) of an eye; opening: (H, W) uint8, 1 between the lids."""
        centre, radius = find_iris(view, opening)
        y, x = np.mgrid[: view.shape[0], : view.shape[1]]
        distance = np.hypot(x - centre[0], y - centre[1]) / radius
        inside = cv2.erode(opening, _disc(INSIDE_LIDS_IOD))
        if inside[distance < 1.0].sum() < LEAST_INSIDE * np.pi * radius**2:
            inside = opening
        grey = cv2.cvtColor(view, cv2.COLOR_RGB2GRAY)
        level = _glint_level(grey, inside > 0, distance)
        glint = cv2.dilate(((grey > level) & (distance < GLINT_WITHIN)).astype(np.uint8), _disc(GLINT_AROUND_IOD[0]))
        reach = int(round(PATCH_RADII * radius))
        shown = inside * (distance <= PATCH_RADII) * (1 - glint)
        return cls(inside, centre, radius, _window(_smooth_grey(view), centre, reach),
                   _window(shown.astype(np.float32), centre, reach, outside=0.0), level)

    def found_in(self, view: np.ndarray) -> np.ndarray:
        """(2,) x, y shift in pixels at which `view` looks most like the patch, where both are open; NaN if nothing shows."""
        if not self.mask.any():
            return np.full(2, np.nan)
        far, reach = int(LARGEST_TRAVEL_IOD * EYE_DISTANCE_PX), len(self.patch) // 2
        seen = _window(_smooth_grey(view), self.centre, reach + far)
        still_open = self.inside * (1 - self._glints(view))
        seen_open = _window(still_open.astype(np.float32), self.centre, reach + far, outside=0.0)
        kept, place = self.mask, None
        for _ in range(ROUNDS):
            cost = _difference(seen, seen_open, self.patch, kept)
            allowed = cost
            if place is not None:
                allowed = np.full_like(cost, np.inf)
                near = tuple(slice(max(at - FINE_SEARCH_PX, 0), at + FINE_SEARCH_PX + 1) for at in place)
                allowed[near] = cost[near]
            place = np.unravel_index(int(allowed.argmin()), cost.shape)
            there = tuple(slice(at, at + len(self.patch)) for at in place)
            difference = np.abs(seen[there] - self.patch)
            compared = difference[(self.mask > 0) & (seen_open[there] > 0)]
            usual = float(np.percentile(compared, KEPT_PERCENT)) if compared.size else 0.0
            alike = (difference <= max(usual, LEAST_DIFFERENCE)).astype(np.float32)
            kept = self.mask * cv2.morphologyEx(alike, cv2.MORPH_CLOSE, np.ones((3, 3), np.float32))
        return np.array([_between(cost[place[0]], place[1]), _between(cost[:, place[1]], place[0])]) - far

    def _glints(self, view: np.ndarray) -> np.ndarray:
        """(H, W) uint8: 1 on and around bright spots between the lids that dark surrounds."""
        bright = ((cv2.cvtColor(view, cv2.COLOR_RGB2GRAY) > self.glint_level) & (self.inside > 0)).astype(np.uint8)
        count, labels, boxes, _ = cv2.connectedComponentsWithStats(bright, connectivity=8)
        at_lids = np.unique(labels[cv2.erode(self.inside, np.ones((3, 3), np.uint8)) < self.inside])
        small = np.flatnonzero(boxes[:, cv2.CC_STAT_AREA] < GLINT_LARGEST * np.pi * self.radius**2)
        spots = np.setdiff1d(small, np.append(at_lids, 0))
        return cv2.dilate(np.isin(labels, spots).astype(np.uint8), _disc(GLINT_AROUND_IOD[1]))


def _disc(radius_iod: float) -> np.ndarray:
    """A square window that reaches this far, for cv2's morphology."""
    return np.ones((2 * round(radius_iod * EYE_DISTANCE_PX) + 1,) * 2, np.uint8)


def _glint_level(grey: np.ndarray, inside: np.ndarray, distance: np.ndarray) -> float:
    """Grey above which a spot on the iris is catch-light; distance: (H, W) from its centre in radii."""
    iris, white = grey[inside & (distance < 0.9)], grey[inside & (distance > 1.15)]
    dark = float(np.median(iris)) if iris.size else float(grey.min())
    light = float(np.percentile(white, 75)) if white.size > 20 else float(np.percentile(grey, 90))
    return dark + max(GLINT_LEAST_LEVELS, GLINT_SHARE * (light - dark))


def _window(picture: np.ndarray, centre: np.ndarray, reach: int, outside: float | None = None) -> np.ndarray:
    """The square that reaches so far about `centre`; beyond the picture its border, or the value `outside`."""
    column, row = np.round(centre).astype(int)
    border = (cv2.BORDER_REPLICATE,) if outside is None else (cv2.BORDER_CONSTANT, None, outside)
    return cv2.copyMakeBorder(picture, *(reach,) * 4, *border)[row : row + 2 * reach + 1, column : column + 2 * reach + 1]


def _difference(seen: np.ndarray, seen_open: np.ndarray, patch: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """(2 F + 1, 2 F + 1) mean squared difference of `patch` (K, K) and `seen` (K + 2 F, K + 2 F) at every place, over the
    pixels that are `kept` in the one and open in the other; large where those are too few."""
    def correlated(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        return cv2.matchTemplate(picture, kernel, cv2.TM_CCORR)

    compared = correlated(seen_open, kept)
    squares = (correlated(seen_open * seen * seen, kept) - 2.0 * correlated(seen_open * seen, kept * patch)
               + correlated(seen_open, kept * patch * patch))
    enough = compared >= LEAST_IN_BOTH * max(float(kept.sum()), 1.0)
    return np.where(enough, squares / np.maximum(compared, 1.0), np.float32(1e9))


def _between(cost: np.ndarray, lowest: int) -> float:
    """The minimum near `lowest`, between samples, by a parabola."""
    if not 0 < lowest < len(cost) - 1:
        return float(lowest)
    before, here, after = cost[lowest - 1 : lowest + 2]
    return lowest + float(np.clip(0.5 * (before - after) / max(before - 2.0 * here + after, 1e-9), -1.0, 1.0))
