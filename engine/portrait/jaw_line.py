"""Where a jaw, or the beard on it, ends before the neck in the picture, and how deep the neck lies there.

The picture shows chin and neck side by side, though the chin stands a hand's breadth before the neck. Along this line the person may
open (`neck.py`). The detector's outline is the jaw without its beard, and of paintings off by a tenth of a pupil distance.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
import scipy.ndimage

from .fit import Fit
from .topology import CHIN
from .window import blurred_around, values_at

NECK_PIVOT_DM = (0.0, 6.62, 0.13)
"""The point the head turns about, on the asset: a third of the way down from the atlas to the base of the neck, since
nodding is shared between the two (White & Panjabi 1990, "Clinical Biomechanics of the Spine")."""
NECK_RADIUS_DM, LEAST_NECK_DM = 0.58, 0.2
"""The asset's neck: so far its skin lies before that point, and so far at the least what hangs about a neck."""
COLUMN_DM = (0.4, 0.6)
"""Within the first distance beside the neck's axis there is neck, or a collar; beyond the second hair hangs, and earrings."""

RIGHT_JAW = (234, 93, 132, 58, 172, 136, 150, 149, 176, 148)
LEFT_JAW = (454, 323, 361, 288, 397, 365, 379, 378, 400, 377)
JAW = (*RIGHT_JAW, CHIN, *LEFT_JAW[::-1])
"""Landmarks of the face's outline from the subject's right cheekbone down to the chin and up to the left one."""
SHARES = np.array([0, 0, 0, 0, 0, 0.5, 1, 1, 1, 1, 1])
"""How far the person may open at the first half of them: below the jaw's angle; above it the cheek goes on as an ear."""
SPACING = 0.03
"""Of the line's points, pupil distances."""

INWARDS, OUTWARDS, STEP = 0.02, 0.5, 0.01
"""The line is looked for so far from the detector's outline and in such steps, pupil distances."""
COMPARED = 6
"""Steps that are compared on either side of a place."""
PLAIN_EDGE, STRONGEST = 18.0, 250.0
"""A contrast of CIELAB that is an edge beyond doubt; and one that would be worth twice as much: the line lies where contrast is greatest."""
FURTHER_OUT, ASTRAY = 2.0, 0.03
"""What of such an edge's worth a pupil distance outside the outline costs, and a step from one point's place to the next one's."""
LONGEST_STEP = 2
BLUR, LEAST_BLUR_PX = 0.015, 0.6
CUT_INSIDE = 0.02
"""The line lies this far inside the edge, pupil distances: what a chin takes along should be chin alone."""
ON_PERSON, BEYOND_END = 0.08, (0.25, 0.45)
"""Where there is only background so far outside there is no neck, but the chin that juts out there slides over it as well: up to
the first distance along the line, and less and less up to the second, pupil distances."""
CLEAN, SOFT, FUZZ, MOST_FUZZ = 0.05, 0.08, 0.3, 0.25
"""What the picture mixes of jaw and neck reaches so far outside, pupil distances: more by SOFT where no edge is seen, and by such a
share of a beard's length."""
KINK = 4
"""What lies so many points further along the line is no neck yet, where the line bends outwards."""


@dataclass(frozen=True)
class JawLine:
    """The line as K points.

    places: (K, 2) px; outward: (K, 2) unit vectors; share: (K,) 0..1 how far the person may open; fuzz: (K,) px how far outside there may
    still be jaw; mixed: (K,) px how far outside there is not neck alone; to_end: (K,) px along the line to where there is only background
    below it, negative beyond.
    """

    places: np.ndarray
    outward: np.ndarray
    share: np.ndarray
    fuzz: np.ndarray
    mixed: np.ndarray
    to_end: np.ndarray

    def between(self, start: int, stop: int) -> JawLine:
        """The points start..stop-1 of it."""
        return JawLine(*(getattr(self, field.name)[start:stop] for field in fields(self)))

    def widened(self, reach: float) -> np.ndarray:
        """(K,) the largest share within so many pupil distances along the line."""
        return scipy.ndimage.maximum_filter1d(self.share, 2 * round(reach / SPACING) + 1)

    def sheet(self, rows: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """(K * R, 2) places `rows` (K, R) px from the line, along directions (K, 2)."""
        return (self.places[:, None] + rows[..., None] * directions[:, None]).reshape(-1, 2)


def find_jaw_line(image: np.ndarray, matte: np.ndarray, fit: Fit) -> JawLine:
    """The line in a picture (H, W, 3) uint8 with its matte (H, W) 0..1."""
    pd = fit.pupil_distance
    start, outward, which = _outline(fit)
    reach = np.arange(-INWARDS, OUTWARDS, STEP)
    edges = _edges(image, start[:, None] + outward[:, None] * (reach[:, None] * pd), max(BLUR * pd, LEAST_BLUR_PX))
    path = _best_path(edges, reach)
    beyond = scipy.ndimage.gaussian_filter1d(reach[path], 2, mode="nearest") - CUT_INSIDE
    softness = 1 - scipy.ndimage.gaussian_filter1d(np.minimum(edges[np.arange(len(path)), path], 1), 4, mode="nearest")
    places = start + outward * (beyond * pd)[:, None]
    to_end = SPACING * _before_person(places + outward * (ON_PERSON * pd), matte)
    below_angle = np.interp(which, np.arange(len(JAW)), np.concatenate([SHARES, SHARES[-2::-1]]))
    share = below_angle * np.clip((BEYOND_END[1] + to_end) / (BEYOND_END[1] - BEYOND_END[0]), 0, 1) * _column(fit, places)
    further = scipy.ndimage.maximum_filter1d(beyond, 2 * KINK + 1, mode="nearest") - beyond
    fuzz = SOFT * softness + FUZZ * np.clip(beyond, 0, MOST_FUZZ)
    return JawLine(places, outward, share, fuzz * pd, (CLEAN + fuzz + further) * pd, to_end * pd)


def _outline(fit: Fit) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (K, 2) along the detector's jaw, (K, 2) outwards, and (K,) which of JAW each is, as a fraction."""
    corners = fit.surface[list(JAW), :2]
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    along = np.linspace(0, length[-1], max(int(length[-1] / (SPACING * fit.pupil_distance)), len(JAW)))
    places = np.stack([np.interp(along, length, corners[:, axis]) for axis in (0, 1)], axis=1)
    places = scipy.ndimage.gaussian_filter1d(places, 4, axis=0, mode="nearest")
    tangent = scipy.ndimage.gaussian_filter1d(np.gradient(places, axis=0), 7, axis=0, mode="nearest")
    outward = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1) / np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-6)
    if ((places - corners.mean(axis=0)) * outward).sum() < 0:
        outward = -outward
    return places, outward, np.interp(along, length, np.arange(len(JAW)))


def _edges(image: np.ndarray, places: np.ndarray, blur_px: float) -> np.ndarray:
    """(K, N) contrast of the picture, 1 where an edge is plain, between what lies inside and outside of each of places (K, N, 2), in order outwards."""
    height, width = image.shape[:2]
    inside = np.clip(places, 0, (width - 1, height - 1))
    blurred, corner = blurred_around(image, inside.reshape(-1, 2), blur_px)
    lab = values_at(cv2.cvtColor(blurred / 255, cv2.COLOR_RGB2LAB), inside - corner)
    sums = np.cumsum(np.pad(lab, ((0, 0), (COMPARED + 1, COMPARED), (0, 0)), mode="edge"), axis=1)
    place = np.arange(lab.shape[1]) + COMPARED
    contrast = np.linalg.norm(sums[:, place + COMPARED] - 2 * sums[:, place] + sums[:, place - COMPARED], axis=2) / COMPARED
    return scipy.ndimage.gaussian_filter1d(contrast, 2, axis=0) / PLAIN_EDGE


def _best_path(edges: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """(K,) which of N places has the line, by what is seen there (K, N): the cheapest path along the jaw."""
    costs = FURTHER_OUT * np.maximum(reach, 0) - np.minimum(edges, 1) - edges * (PLAIN_EDGE / STRONGEST)
    steps = np.arange(-LONGEST_STEP, LONGEST_STEP + 1)
    best, came_from = costs[0], np.zeros(costs.shape, int)
    for row in range(1, len(costs)):
        padded = np.pad(best, LONGEST_STEP, constant_values=np.inf)
        reached = np.stack([padded[LONGEST_STEP + step:][:len(best)] + ASTRAY * abs(step) for step in steps])
        came_from[row] = np.arange(len(best)) + steps[reached.argmin(axis=0)]
        best = reached.min(axis=0) + costs[row]
    path = [int(best.argmin())]
    for row in range(len(costs) - 1, 0, -1):
        path.append(int(came_from[row, path[-1]]))
    return np.array(path[::-1])


def _before_person(places: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """(K,) how many points along the line it is to where the longest run of person at `places` (K, 2) ends, negative outside of it. The
    picture's frame ends it, too; the line's own ends do not."""
    size = np.array(matte.shape[1::-1])
    inside = ((places >= 0) & (places <= size - 1)).all(axis=1)
    person = inside & (values_at(matte[..., None], np.clip(places, 0, size - 1))[..., 0] > 0.5)
    runs, _ = scipy.ndimage.label(person)
    count = len(person)
    if person.all() or not person.any():
        return np.full(count, float(count if person.all() else -count))
    person = np.pad(runs == np.bincount(runs)[1:].argmax() + 1, count, mode="edge")
    within, beyond = (scipy.ndimage.distance_transform_edt(where)[count:-count] for where in (person, ~person))
    return within - beyond


def _column(fit: Fit, points: np.ndarray) -> np.ndarray:
    """(V,) 1 where the neck is, or the collar about it, falling to 0 beside it, where hair hangs and earrings."""
    low, high = COLUMN_DM
    share = np.clip((high - _aside_dm(fit, points, 1.0)) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def neck_depth(fit: Fit, points: np.ndarray) -> np.ndarray:
    """(V,) depth of the neck at points (V, 2), below the jaw and behind it: a column about the axis that the head turns on."""
    aside = _aside_dm(fit, points, 0.4)
    return fit.place(np.array([NECK_PIVOT_DM]))[0, 2] + fit.scale * np.sqrt(np.maximum(NECK_RADIUS_DM ** 2 - aside ** 2, LEAST_NECK_DM ** 2))


def _aside_dm(fit: Fit, points: np.ndarray, towards_chin: float) -> np.ndarray:
    """(V,) how far points (V, 2) lie beside the neck's axis, decimetres, or beside what is between it and such a share of the way to
    the chin: a neck leans forward, and of a turned head forward is aside."""
    pivot, across = fit.place(np.array([NECK_PIVOT_DM]))[0, :2], np.array([-fit.down[1], fit.down[0]]) / fit.scale
    aside, chin = (points - pivot) @ across, towards_chin * float((fit.surface[CHIN, :2] - pivot) @ across)
    return np.abs(aside - np.clip(aside, min(chin, 0), max(chin, 0)))
