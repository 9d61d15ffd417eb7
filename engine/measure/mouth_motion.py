"""How the mouth moves, by following the pixels of its skin from the still face into speaking frames.

MediaPipe's outline of rendered lips keeps half of what the drawn lips say (docs/measures.md). Here up to 500 corners of the
texture of the lips and the lower face are followed (`tracking`), and 150 above the nose's base. These, with the depth that the
average head has there, give the head's turn; what is left of the others' way once it is taken out is speech. At each of the
lips' and the lower face's landmarks of the *still* picture the ways of the points around it are averaged; upper lip and lower
lip do not mix. What the mouth's inside shows has nothing to be followed and does not count.

What is lost on the way from the still face is often found from another frame: lips that the still picture parts, or that hide their
wet inside there, are followed best from frames in which they speak. So the mouth is followed from a few typical frames as well, each
reading about its own mean, and what they say together counts (`speaking_ways_iod`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator
from scipy.spatial.transform import Rotation

from ..portrait.fit import head_asset, similarity
from ..portrait.topology import FACE_OVAL, INNER_LIP_LOWER, INNER_LIP_UPPER, LID_LOWER, LID_UPPER, OUTER_LIP_LOWER, OUTER_LIP_UPPER
from .detectors import FACE_POINTS, Face
from .structure import pose_of
from .tracking import StillFace, corners_within, inside_of, still_face
from .viseme_table import PLACES

EYE_DISTANCE_PX, WINDOW_PX = 100.0, 15
"""Finer than for a turning head: lips are small."""

NOSE_BASE = 2
ABOVE_IOD = 0.075
"""What lies this far above the nose's base does not speak."""
MOST_SPEAKING, SPEAKING_SPACING_IOD = 500, 0.035
MOST_STILL, STILL_SPACING_IOD = 150, 0.06
LEAST_STILL = 12
PARTED_IOD2 = 0.02
"""Nothing is followed inside lips whose opening in the still picture covers this many square inter-ocular distances."""

UPPER = frozenset(OUTER_LIP_UPPER[1:-1] + INNER_LIP_UPPER[1:-1])
LOWER = frozenset(OUTER_LIP_LOWER[1:-1] + INNER_LIP_LOWER[1:-1])

REACH_IOD, WIDER = 0.13, (1.0, 1.8, 3.0, 6.0)
"""Standard deviation of the neighbourhood of a place; wider where fewer than ENOUGH points are in it."""
ENOUGH = 2.5
ASTRAY_IOD, ROUNDS = 0.02, 3
OTHER_STARTS = 3
"""Settled on the table, like the components (docs/measures.md)."""
TURN_NOISE = np.radians(0.7)
"""The turns are told about as well as this (docs/measures.md, row 1)."""
LEAST_TURNS = 40
FAR_AWAY_IOD = 16.0
"""Distance of the camera, 1 m; the lips' ways hardly depend on it."""


def mouth_motion_iod(still: np.ndarray, still_landmarks_px: np.ndarray, frames: Iterable[np.ndarray],
                     landmarks_px: np.ndarray) -> np.ndarray:
    """(T, 73, 2) x right, y down: how far the skin at PLACES has gone from where it is in the still face, the head's turn, size
    and place taken out, over the inter-ocular distance. NaN in frames whose face or turn could not be found.

    still, frames: (H, W, 3) uint8 RGB; still_landmarks_px: (478, 3), landmarks_px: (T, 478, 3) of the detector, NaN where it
    saw no face: they say where the mouth is in the still face, and roughly where a face is in the others.
    """
    return _followed(still, still_landmarks_px, frames, landmarks_px)[0]


def speaking_ways_iod(still: np.ndarray, still_landmarks_px: np.ndarray, frames: Sequence[np.ndarray],
                      landmarks_px: np.ndarray) -> np.ndarray:
    """(T, 73, 2) as `mouth_motion_iod` but about the mean of all frames: the mean of what following from the still face and from
    OTHER_STARTS of the frames themselves says. NaN in frames that could be followed from nowhere."""
    from_still, turns = _followed(still, still_landmarks_px, frames, landmarks_px)
    readings = [from_still] + [mouth_motion_iod(frames[start], landmarks_px[start], frames, landmarks_px)
                               for start in typical(from_still.reshape(len(frames), -1), OTHER_STARTS)]
    if not np.isfinite(from_still).any():
        return from_still
    ways = np.stack([reading - np.nanmean(reading, axis=0) for reading in readings])
    read = np.isfinite(ways).all(axis=(2, 3))
    total = np.where(read[..., None, None], ways, 0.0).sum(axis=0)
    mean = total / np.maximum(read.sum(axis=0), 1)[:, None, None]
    steady = read[0]
    mean[steady] = without_turn(mean[steady], turns[steady])
    return np.where(read.any(axis=0)[:, None, None], mean, np.nan)


def without_turn(ways: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """(T, 73, 2) `ways` less what goes linearly with the head's `turns` (T, 3), rotation vectors: what a turn leaves where the person is
    deeper or flatter than the average head. Ridge regression; turns of less than TURN_NOISE tell nothing. Fewer than LEAST_TURNS frames
    stay as they are: there speech and turn could go together by chance."""
    if len(turns) < LEAST_TURNS:
        return ways
    turns = turns - turns.mean(axis=0)
    slopes = np.linalg.solve(turns.T @ turns + len(turns) * TURN_NOISE**2 * np.eye(3), turns.T @ ways.reshape(len(ways), -1))
    return ways - (turns @ slopes).reshape(ways.shape)


def _followed(still: np.ndarray, still_landmarks_px: np.ndarray, frames: Iterable[np.ndarray],
              landmarks_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T, 73, 2) as `mouth_motion_iod` has them, and (T, 3) the head's turns."""
    mouth = _Mouth.of(still, still_landmarks_px)
    read = [mouth.motion(frame, landmarks) for frame, landmarks in zip(frames, landmarks_px)]
    return tuple(np.array(values) for values in zip(*read))


def typical(readings: np.ndarray, count: int) -> list[int]:
    """Up to `count` of the frames (T, D), without NaN, from which all others are least far: medoids, chosen one after the other."""
    known = np.flatnonzero(np.isfinite(readings).all(axis=1))
    apart = np.linalg.norm(readings[known, None] - readings[None, known], axis=2) ** 2
    nearest, chosen = np.full(len(known), np.inf), []
    for _ in range(min(count, len(known))):
        chosen.append(int(np.minimum(nearest, apart).sum(axis=1).argmin()))
        nearest = np.minimum(nearest, apart[chosen[-1]])
    return [int(known[place]) for place in chosen]


@dataclass(frozen=True)
class _Mouth:
    """The still face's points, in inter-ocular distances along its own axes: x along the eyes, y down.

    places: (73, 2); shape: (N, 3) the points, depth towards the camera; speaks: (N,) bool, the others are the head's; side:
    (N,) 1 on the upper lip's side of the mouth, -1 on the lower's, 0 beside it.
    """

    face: StillFace
    to_own: np.ndarray
    places: np.ndarray
    shape: np.ndarray
    speaks: np.ndarray
    side: np.ndarray

    @classmethod
    def of(cls, still: np.ndarray, landmarks_px: np.ndarray) -> _Mouth:
        """The mouth in the still face."""
        face = still_face(still, landmarks_px, eye_distance_px=EYE_DISTANCE_PX, window_px=WINDOW_PX, choose=_corners)
        to_own = _own_axes(landmarks_px)
        own = _mapped(landmarks_px[:FACE_POINTS, :2], to_own)
        points = _mapped(face.points_px, to_own)
        depth = _depth(own, landmarks_px[:FACE_POINTS, 2] / Face(landmarks_px).inter_ocular_px, points)
        away = (FAR_AWAY_IOD - depth) / FAR_AWAY_IOD
        shape = np.column_stack([points * (1, -1) * away[:, None], depth])
        speaks = points[:, 1] > own[NOSE_BASE, 1] - ABOVE_IOD
        return cls(face, to_own, own[list(PLACES)], shape, speaks, _side(own, points))

    def motion(self, frame: np.ndarray, landmarks_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(73, 2) as `mouth_motion_iod` has it, in one frame, and (3,) the head's turn, a rotation vector."""
        points_px, found = self.face.find(frame, landmarks_px)
        held = found & ~self.speaks
        if held.sum() < LEAST_STILL or not (found & self.speaks).any():
            return np.full((len(PLACES), 2), np.nan), np.full(3, np.nan)
        now = _mapped(points_px, self.to_own) * (1, -1)
        rotation = pose_of(now, held, self.shape, FAR_AWAY_IOD, np.eye(3))
        posed = _pictured(self.shape @ rotation.T)
        size, shift = _scaled_and_shifted(posed[held], now[held])
        left = now - (size * posed + shift)
        way = np.linalg.solve(size * rotation[:2, :2], left.T).T * (1, -1)
        return self._at_places(way, found & self.speaks), Rotation.from_matrix(rotation).as_rotvec()

    def _at_places(self, way: np.ndarray, found: np.ndarray) -> np.ndarray:
        """The mean way (N, 2) of the points found around each place; what strays from its neighbours counts less."""
        points = _pictured(self.shape) * (1, -1)
        means = np.empty((len(PLACES), 2))
        for place, (number, where) in enumerate(zip(PLACES, self.places)):
            other_lip = -1 if number in UPPER else 1 if number in LOWER else 2
            near = np.linalg.norm(points - where, axis=1) / REACH_IOD
            for wider in WIDER:
                weight = np.exp(-0.5 * (near / wider) ** 2) * (found & (self.side != other_lip))
                if weight.sum() > ENOUGH:
                    break
            even = weight
            for _ in range(ROUNDS):
                means[place] = (weight[:, None] * way).sum(axis=0) / max(weight.sum(), 1e-9)
                weight = even / np.maximum(1.0, np.linalg.norm(way - means[place], axis=1) / ASTRAY_IOD)
        return means


def _corners(view: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """(N, 2) float32 points of the view to follow: the still ones, then the speaking ones."""
    face = cv2.erode(inside_of(landmarks[list(FACE_OVAL)], view.shape), np.ones((5, 5), np.uint8))
    row, column = np.indices(view.shape)
    down = _mapped(np.stack([column, row], axis=-1).reshape(-1, 2), _own_axes(landmarks))[:, 1].reshape(view.shape)
    base = down[tuple(np.clip(landmarks[NOSE_BASE].round().astype(int)[::-1], 0, np.array(view.shape) - 1))]
    above, below = face * (down < base - ABOVE_IOD), face * (down >= base - ABOVE_IOD)
    for side in ("left", "right"):
        above &= 1 - inside_of(cv2.convexHull(landmarks[list(LID_UPPER[side] + LID_LOWER[side])].astype(np.float32))[:, 0], view.shape)
    parted = inside_of(landmarks[list(INNER_LIP_UPPER + INNER_LIP_LOWER[-2:0:-1])], view.shape)
    if parted.sum() > PARTED_IOD2 * EYE_DISTANCE_PX**2:
        below &= 1 - parted
    return np.concatenate([corners_within(view, above.astype(np.uint8), MOST_STILL, STILL_SPACING_IOD * EYE_DISTANCE_PX),
                           corners_within(view, below.astype(np.uint8), MOST_SPEAKING, SPEAKING_SPACING_IOD * EYE_DISTANCE_PX)])


def _own_axes(landmarks_px: np.ndarray) -> np.ndarray:
    """(2, 3) from pixels to inter-ocular distances along the face's own axes, x along the eyes, y down, from between the eyes."""
    left, right = Face(landmarks_px).eye_middles_px
    along = (left - right) / np.linalg.norm(left - right)
    axes = np.array([along, (-along[1], along[0])]) / np.linalg.norm(left - right)
    return np.column_stack([axes, -axes @ (left + right) / 2.0])


def _pictured(shape: np.ndarray) -> np.ndarray:
    """(N, 2) where the camera sees points (N, 3)."""
    return shape[:, :2] * (FAR_AWAY_IOD / (FAR_AWAY_IOD - shape[:, 2]))[:, None]


def _mapped(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


def _depth(own: np.ndarray, detected_depth: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N,) depth towards the camera of the average head, turned as the face is, at `points` (N, 2).

    own: (468, 2) landmarks; detected_depth: (468,) the detector's, away from the camera: only the head's direction is taken of it.
    """
    average = head_asset()["landmark_rest"].astype(np.float64)
    seen = np.column_stack([own * (1, -1), -detected_depth])
    rotation, scale, shift = similarity(average, seen, np.ones(FACE_POINTS))
    depth = (scale * average @ rotation.T + shift)[:, 2]
    inside = LinearNDInterpolator(own, depth)(points)
    return np.where(np.isfinite(inside), inside, NearestNDInterpolator(own, depth)(points))


def _side(own: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N,) 1 above the line between the lips, -1 below it, 0 beside the mouth."""
    line = (own[list(INNER_LIP_UPPER)] + own[list(INNER_LIP_LOWER)]) / 2.0
    line = line[np.argsort(line[:, 0])]
    above = points[:, 1] < np.interp(points[:, 0], *line.T)
    ends = np.sort(own[[OUTER_LIP_UPPER[0], OUTER_LIP_UPPER[-1]], 0])
    beside = (points[:, 0] < ends[0]) | (points[:, 0] > ends[1])
    return np.where(beside, 0, np.where(above, 1, -1))


def _scaled_and_shifted(before: np.ndarray, after: np.ndarray) -> tuple[float, np.ndarray]:
    """Size and shift (2,) that bring `before` (N, 2) onto `after` (N, 2); what strays counts less."""
    weight = np.ones(len(before))
    for _ in range(ROUNDS):
        middles = [np.average(points, axis=0, weights=weight) for points in (before, after)]
        size = (weight[:, None] * (before - middles[0]) * (after - middles[1])).sum() / (weight[:, None] * (before - middles[0]) ** 2).sum()
        shift = middles[1] - size * middles[0]
        weight = 1.0 / np.maximum(1.0, np.linalg.norm(after - size * before - shift, axis=1) / ASTRAY_IOD)
    return float(size), shift
