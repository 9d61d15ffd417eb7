"""How the head turned, read off the pixels of its skin.

The detector's landmarks slide over a face whose lips close or whose cheeks turn away. Corners of the skin's texture do not: they are
found again in every picture (measure/tracking.py); one shape and a rotation for each picture explain where they go
(measure/structure.py).
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator

from ..measure.detectors import EYE_OUTLINES, FACE_POINTS, Face
from ..measure.signals import geodesic_deg, regress
from ..measure.structure import pose_of, turning
from ..measure.tracking import StillFace, still_face
from ..motion.direction import NOMINAL_DISTANCE_M
from ..portrait.fit import PUPIL_DISTANCE_M, head_asset
from ..progress import Progress
from .track import Track

STAGE = "follow"

CAMERA_DISTANCE_IOD = NOMINAL_DISTANCE_M / PUPIL_DISTANCE_M
"""The camera's distance is not known; it hardly tells in a rotation."""

CHIN, FOREHEAD, NOSE_BASE = 152, 10, 2
EYE_MARGIN = 1.5
"""Skin this near to an eye (in sizes of its outline) moves with the lids."""

LEAST_POINTS, LEAST_SHARE = 25, 0.4
"""A picture is read when so many corners of the skin, and this share of them, were found in it."""

OFTEN_SEEN = 0.8
"""A corner takes part that was found in this share of the pictures with a face."""

POSES = 40
"""The shape is found from so many pictures, those that show the head from the most different sides."""

LIKE_A_HEAD = 0.6
"""Correlation of the depths found with the average head's from which they are believed: a head that hardly turns shows none."""

MOST_APART = 2.0
"""No head is this much deeper or shallower than the average."""


def skin_rotations(pictures: Iterable[np.ndarray], track: Track, still: np.ndarray, number: int, progress: Progress) -> np.ndarray:
    """(T, 3, 3) rotation of the head in each (H, W, 3) uint8 picture against that in `still`, the picture `number` of them.

    In the camera's axes (x right, y up, z towards it); NaN where too little of the skin was found.
    """
    face = still_face(still, track.landmarks_px[number])
    points, seen = _followed(face, pictures, track, progress)
    kept = seen[track.seen].mean(axis=0) >= OFTEN_SEEN
    kept &= _moves_with_the_skull(face.points_px, track.landmarks_px[number, :FACE_POINTS, :2])
    observed, seen = _in_eye_distances(points[:, kept], track, number), seen[:, kept]
    turned = np.full(track.rotation.shape, np.nan)
    read = (seen.sum(axis=1) >= LEAST_POINTS) & (seen.sum(axis=1) >= LEAST_SHARE * kept.sum())
    if kept.sum() < LEAST_POINTS or not read[number]:
        return turned
    start = track.rotation.astype(float) @ track.rotation[number].T.astype(float)
    shape = _shape(observed, seen, _average_depth(face.points_px[kept], track, number), _sides(start, read, number))
    for picture in np.flatnonzero(read):
        turned[picture] = pose_of(observed[picture], seen[picture], shape, CAMERA_DISTANCE_IOD, start[picture])
    return turned


def _followed(face: StillFace, pictures: Iterable[np.ndarray], track: Track, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """(T, N, 2) float32 where the face's points are in each picture, in pixels, and (T, N) whether they were found."""
    points = np.zeros((len(track.seen), len(face.points), 2), np.float32)
    seen = np.zeros(points.shape[:2], bool)
    for number, (picture, landmarks) in enumerate(zip(pictures, track.landmarks_px)):
        progress(STAGE, number, len(points))
        points[number], seen[number] = face.find(picture, landmarks)
    progress(STAGE, len(points), len(points))
    return points, seen


def _sides(rotation: np.ndarray, read: np.ndarray, first: int) -> list[int]:
    """Up to POSES of the pictures that were read, `first` first, each as far from the others' (T, 3, 3) rotations as can be."""
    chosen = [first]
    nearest = np.where(read, geodesic_deg(rotation, rotation[first]), -1.0)
    while len(chosen) < POSES and nearest.max() > 0.0:
        chosen.append(int(nearest.argmax()))
        nearest[read] = np.minimum(nearest[read], geodesic_deg(rotation[read], rotation[chosen[-1]]))
    return chosen


def _shape(observed: np.ndarray, seen: np.ndarray, average_depth: np.ndarray, sides: list[int]) -> np.ndarray:
    """(N, 3) the points at rest, in eye distances.

    A turning tells how deep a head is, and so does what heads are like; either is a fifth off, hence their geometric mean.
    """
    at_rest, depth = observed[sides[0]], average_depth
    if len(sides) > 2:
        seen = seen[sides]
        seen[0] = True
        found = turning(observed[sides], seen, CAMERA_DISTANCE_IOD).shape[:, 2]
        line = regress(average_depth, found)
        if line.correlation > LIKE_A_HEAD:
            depth = found / np.sqrt(np.clip(line.slope, 1.0 / MOST_APART, MOST_APART))
    return np.column_stack([at_rest * (1.0 - depth / CAMERA_DISTANCE_IOD)[:, None], depth])


def _in_eye_distances(points_px: np.ndarray, track: Track, number: int) -> np.ndarray:
    """(N, 2) x right, y up from the middle of the face in picture `number`, which the camera is taken to look at."""
    face = Face(track.landmarks_px[number])
    return (points_px - face.centre_px) * (1, -1) / face.inter_ocular_px


def _average_depth(points_px: np.ndarray, track: Track, number: int) -> np.ndarray:
    """(N,) depth towards the camera of points in picture `number`, of the average head posed as the detector saw this one."""
    average = head_asset()["landmark_rest"].astype(np.float64)
    average = average / Face(average * (1, -1, 1)).inter_ocular_px
    depth = (average @ track.rotation[number].T.astype(float))[:, 2]
    return LinearNDInterpolator(track.landmarks_px[number, :FACE_POINTS, :2], depth - depth.mean(), fill_value=0.0)(points_px)


def _moves_with_the_skull(points_px: np.ndarray, landmarks_px: np.ndarray) -> np.ndarray:
    """(N,) bool: above the base of the nose and not around an eye."""
    up = landmarks_px[FOREHEAD] - landmarks_px[CHIN]
    rigid = (points_px - landmarks_px[NOSE_BASE]) @ up > 0.0
    for outline in EYE_OUTLINES:
        eye = landmarks_px[list(outline)]
        middle = eye.mean(axis=0)
        around = (middle + EYE_MARGIN * (eye - middle)).astype(np.float32)
        rigid &= np.array([cv2.pointPolygonTest(around, point, False) < 0 for point in points_px.tolist()], bool)
    return rigid
