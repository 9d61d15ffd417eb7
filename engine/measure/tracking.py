"""Points of the still face followed through rendered frames by their pixels: what moves where, whatever a detector thinks.

The detector only says where in a frame the face roughly is (one affine map for all of it). From there optical flow (DIS,
Kroeger et al. 2016) and then Lucas-Kanade windows (Bouguet 2000) follow corners of the skin's texture (Shi & Tomasi 1994),
forwards and back again. Brightness and contrast are evened out locally first, so that shading which changes with the turn is
no motion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..portrait.topology import FACE_OVAL
from .detectors import FACE_POINTS, Face

EYE_DISTANCE_PX = 72.0
"""Faces are compared at this size."""

MARGIN_IOD = 0.15
INSIDE_IOD = 0.06
"""Points lie at least this far inside the face's outline, where nothing slides over an edge."""

MOST_POINTS, POINT_SPACING_IOD, CORNER_QUALITY = 250, 0.055, 0.005
WINDOW_PX, FLOW_LEVELS = 21, 1
FORTH_AND_BACK_PX = 0.5
"""A point that does not come back to where it started within this distance was lost."""

LOCAL_MEAN_PX, LOCAL_CONTRAST_PX, LEAST_CONTRAST = 8.0, 12.0, 2.0
GREY, SPREAD = 128.0, 48.0


@dataclass(frozen=True)
class Tracks:
    """points_px: (T, N, 2) where each point is in each frame; seen: (T, N) whether it was found there. Frame 0 is at rest."""

    points_px: np.ndarray
    seen: np.ndarray


@dataclass(frozen=True)
class StillFace:
    """A face whose points can be found again in other frames.

    points: (N, 2) float32 in `view`, its evened picture; to_frame: (3, 3) from the view to the frame; landmarks: (468, 2) in the
    frame; window_px: side of the square of the view by which a point is told.
    """

    view: np.ndarray
    points: np.ndarray
    to_frame: np.ndarray
    landmarks: np.ndarray
    window_px: int = WINDOW_PX

    @property
    def points_px(self) -> np.ndarray:
        """(N, 2) where the points are in the frame."""
        return _mapped(self.points, self.to_frame)

    def find(self, frame: np.ndarray, landmarks_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, 2) where the points are in `frame` (H, W, 3) uint8 RGB, whose landmarks are (478, 3), and (N,) whether they were found.

        Landmarks of NaN: no face was seen, and nothing is found.
        """
        nowhere = np.zeros(len(self.points), bool)
        if not np.isfinite(landmarks_px).all() or not len(self.points):
            return self.points_px, nowhere
        affine, _ = cv2.estimateAffine2D(self.landmarks, landmarks_px[:FACE_POINTS, :2].astype(np.float32), method=cv2.LMEDS)
        if affine is None:
            return self.points_px, nowhere
        onto = np.vstack([affine, (0.0, 0.0, 1.0)]) @ self.to_frame
        there, kept = _followed(self.view, _evened(frame, onto, self.view.shape[::-1]), self.points, self.window_px)
        return _mapped(there, onto), kept


def corners_within(view: np.ndarray, mask: np.ndarray, most: int, spacing_px: float) -> np.ndarray:
    """(N, 2) float32 up to `most` points of the view, within `mask` (H, W) uint8, that a window can be told apart by."""
    points = cv2.goodFeaturesToTrack(view, most, CORNER_QUALITY, spacing_px, mask=mask, blockSize=7)
    return np.zeros((0, 2), np.float32) if points is None else points[:, 0]


def face_corners(view: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """(N, 2) float32 corners all over the face; landmarks: (468, 2) in the view, which shows it at EYE_DISTANCE_PX."""
    inside = inside_of(landmarks[list(FACE_OVAL)], view.shape)
    inside = cv2.erode(inside, np.ones((1 + 2 * round(INSIDE_IOD * EYE_DISTANCE_PX),) * 2, np.uint8))
    return corners_within(view, inside, MOST_POINTS, POINT_SPACING_IOD * EYE_DISTANCE_PX)


def inside_of(outline: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8: 1 within the outline (N, 2)."""
    return cv2.fillPoly(np.zeros(shape, np.uint8), [np.round(outline).astype(np.int32)], 1)


def still_face(frame: np.ndarray, landmarks_px: np.ndarray, *, eye_distance_px: float = EYE_DISTANCE_PX, window_px: int = WINDOW_PX,
               choose: Callable[[np.ndarray, np.ndarray], np.ndarray] = face_corners) -> StillFace:
    """The face in `frame` (H, W, 3) uint8 RGB at `landmarks_px` (478, 3), with points of its texture to follow.

    eye_distance_px: of the view; choose: view, landmarks in it (468, 2) -> the points (N, 2) float32.
    """
    rest = landmarks_px[:FACE_POINTS, :2]
    scale = eye_distance_px / Face(landmarks_px).inter_ocular_px
    margin = MARGIN_IOD * eye_distance_px / scale
    corner = rest.min(axis=0) - margin
    size = tuple(int(side) for side in np.ceil((rest.max(axis=0) + margin - corner) * scale))
    to_frame = np.array([[1.0 / scale, 0.0, corner[0]], [0.0, 1.0 / scale, corner[1]], [0.0, 0.0, 1.0]])
    view = _evened(frame, to_frame, size)
    return StillFace(view, choose(view, (rest - corner) * scale), to_frame, rest.astype(np.float32), window_px)


def follow(frames: Sequence[np.ndarray], landmarks_px: np.ndarray) -> Tracks:
    """Follow points of the face in frames[0] through all `frames` (H, W, 3) uint8 RGB.

    landmarks_px: (T, 478, 3) the detector's landmarks of each frame, NaN where it saw no face: nothing is followed there.
    """
    still = still_face(frames[0], landmarks_px[0])
    found = [still.find(frame, landmarks) for frame, landmarks in zip(frames[1:], landmarks_px[1:])]
    points, seen = zip((still.points_px, np.ones(len(still.points), bool)), *found)
    return Tracks(np.array(points), np.array(seen))


def _mapped(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return points @ matrix[:2, :2].T + matrix[:2, 2]


def _evened(frame: np.ndarray, to_frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The view of `size` that `to_frame` (3, 3) maps onto the frame, grey, with the same brightness and contrast everywhere."""
    shrinks = np.sqrt(abs(np.linalg.det(to_frame[:2, :2]))) > 1.4
    blurred = cv2.GaussianBlur(frame, (0, 0), 0.4 * np.sqrt(abs(np.linalg.det(to_frame[:2, :2])))) if shrinks else frame
    view = cv2.warpAffine(blurred, to_frame[:2], size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                          borderMode=cv2.BORDER_REPLICATE)
    grey = cv2.cvtColor(view, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = grey - cv2.GaussianBlur(grey, (0, 0), LOCAL_MEAN_PX)
    contrast = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), LOCAL_CONTRAST_PX)) + LEAST_CONTRAST
    return np.clip(GREY + SPREAD * detail / contrast, 0.0, 255.0).astype(np.uint8)


def _followed(still: np.ndarray, view: np.ndarray, points: np.ndarray, window_px: int) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2) where `points` (N, 2) of `still` are in `view`, and (N,) whether they came back."""
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(still, view, None)
    column, row = points.astype(int).T
    settings = {"winSize": (window_px, window_px), "maxLevel": FLOW_LEVELS, "flags": cv2.OPTFLOW_USE_INITIAL_FLOW,
                "criteria": (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 0.01)}
    there, went, _ = cv2.calcOpticalFlowPyrLK(still, view, points, points + flow[row, column], **settings)
    back, came, _ = cv2.calcOpticalFlowPyrLK(view, still, there, points.copy(), **settings)
    kept = (went[:, 0] > 0) & (came[:, 0] > 0) & (np.linalg.norm(back - points, axis=1) < FORTH_AND_BACK_PX)
    return np.where(np.isfinite(there), there, points), kept
