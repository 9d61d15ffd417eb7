"""Heads whose rotation and gaze are known, to find out what the readings themselves read: CC0 shapes, painted and shaded.

A score of 0.9 means something else when a reading gives 0.95 on a head that truly turns. The heads are drawn back to front and
shaded pixel by pixel, without any part of the portrait renderer. Eyes have a flat iris behind the cornea, as eyes do, and a
catch-light that goes half as far.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..portrait.topology import BROWS, INNER_LIP_UPPER, LID_LOWER, LID_UPPER, OUTER_LIP_LOWER, OUTER_LIP_UPPER
from .batteries import gaze_battery, pose_battery
from .detectors import EYE_CORNERS, IRIS_RADIUS_IOD, Face, FaceDetector
from .irises import iris_travel_iod
from .rows_gaze import gains
from .rows_pose import lines
from .signals import rotations_from_angles
from .structure import turning
from .tracking import follow

ASSETS = Path(__file__).resolve().parents[1] / "assets"
AVERAGE = "average"
SIZE_PX, FINER = 512, 2
EYE_DISTANCE_PX = 88.0
FACE_EYE_DISTANCES = 2.3
"""Height of a face in inter-ocular distances."""

CAMERA_EYE_DISTANCES = 16.0
"""Distance of the camera in inter-ocular distances: 1 m."""

NECK = np.array([0.0, -0.9, -1.2])
"""What the head turns about, from the middle of the face, in inter-ocular distances."""

SKIN, LIPS, HAIR, BROW, SEAM = (225, 180, 155), (180, 85, 85), (60, 40, 30), (80, 50, 35), (70, 25, 25)
SCLERA, IRIS, PUPIL, GLINT = (240, 238, 235), (70, 45, 30), (15, 10, 10), (250, 250, 250)
BACKGROUND = (120, 130, 140)
LIGHT = np.array([0.3, 0.5, 0.8]) / np.linalg.norm([0.3, 0.5, 0.8])
AMBIENT, DIRECT = 0.5, 0.55

TEXTURE_PX, TEXTURE_IOD = 1024, 1.9
"""The paint lies on the head from the front, this far about the middle of the face."""

EYE_RADIUS_IOD = 12.0 / 63.0
IRIS_SHARE, PUPIL_SHARE, GLINT_SHARE = 5.8 / 12.0, 2.0 / 12.0, 0.8 / 12.0
"""Radii of iris, pupil and catch-light over the eyeball's."""
GLINT_PLACE = np.array([0.07, 0.09, 0.0])
RETRACTED_IOD = 0.08
"""Shut eyes draw back by this: the balls fill the opening as people's do not, and would stand out through the lids."""

Paint = Callable[[np.ndarray], np.ndarray]
"""Landmarks (468, 3) of the head, inter-ocular distances about its middle -> texture (TEXTURE_PX, TEXTURE_PX, 3) as seen from
the front (see `on_texture`)."""


@dataclass(frozen=True)
class Slopes:
    """What is read on a known head per true yaw, pitch and roll, and per true travel of the irises across and up."""

    yaw: float
    pitch: float
    roll: float
    across: float
    up: float


@dataclass(frozen=True)
class ReaderSlopes:
    """What our readings of the pixels and what the landmark detector read on the same known head."""

    pixels: Slopes
    detector: Slopes


def reader_slopes(detector: FaceDetector, head: KnownHead | None = None) -> ReaderSlopes:
    """Turn a known head (the average one unless given) and its eyes through the batteries of rows 1 and 4 and read them."""
    head = head or KnownHead()
    pose, battery = pose_battery(), gaze_battery()
    asked = pose.head_rotation_deg.astype(np.float64)
    frames = [head.draw(angles) for angles in asked]
    landmarks = looked_at(detector, frames)
    tracks = follow(frames, landmarks)
    points = (tracks.points_px - (SIZE_PX - 1) / 2.0) * (1, -1) / EYE_DISTANCE_PX
    read = [line.slope for line in lines(asked, turning(points, tracks.seen, CAMERA_EYE_DISTANCES).rotation)]
    faces = [Face(points) for points in landmarks]
    detected = [line.slope for line in lines(asked, np.array([face.rotation_from(faces[0]) for face in faces]))]
    truth = battery.clip.gaze_deg.mean(axis=1).astype(np.float64)[: battery.sweep.stop]
    frames = [head.draw(np.zeros(3), gaze_deg=gaze) for gaze in truth]
    landmarks = looked_at(detector, frames)
    scale = Face(landmarks[0]).inter_ocular_px / EYE_DISTANCE_PX
    offsets = np.array([Face(points).iris_offset_iod.mean(axis=0) for points in landmarks])
    travels = (iris_travel_iod(frames, landmarks).mean(axis=1), offsets - offsets[0])
    eyes = [gains(scale * travel, truth, battery.sweep) for travel in travels]
    return ReaderSlopes(Slopes(*read, *eyes[0]), Slopes(*detected, *eyes[1]))


def looked_at(detector: FaceDetector, frames: list[np.ndarray]) -> np.ndarray:
    """(T, 478, 3) landmarks in pictures of a known head, NaN where no face is seen."""
    middle, extent = np.array([SIZE_PX / 2.0, SIZE_PX / 2.0]), FACE_EYE_DISTANCES * EYE_DISTANCE_PX
    faces = [detector.detect(frame, middle, extent) for frame in frames]
    return np.array([np.full((478, 3), np.nan) if face is None else face.landmarks_px for face in faces])


class KnownHead:
    """A painted head. Coordinates: inter-ocular distances about the middle of the face, x right, y up, z to the viewer.

    shape: "average" or a name in assets/known_heads.npz; iris, sclera: colours; glint: size of the catch-light, 1 is 1.6 mm.
    """

    def __init__(self, shape: str = AVERAGE, paint: Paint | None = None, *, iris: tuple[int, int, int] = IRIS,
                 sclera: tuple[int, int, int] = SCLERA, glint: float = 1.0) -> None:
        with np.load(ASSETS / "head.npz", allow_pickle=False) as asset:
            vertices, triangles = asset["head_vertices"].astype(np.float64), asset["head_triangles"].astype(np.int64)
            landmarks = asset["landmark_rest"].astype(np.float64)
        with np.load(ASSETS / "known_heads.npz", allow_pickle=False) as asset:
            shut = asset["blink/vertices"].astype(np.float64)
            if shape != AVERAGE:
                vertices, landmarks = vertices + asset[f"{shape}/vertices"], landmarks + asset[f"{shape}/landmarks"]
        left, right = landmarks[np.array(EYE_CORNERS)].mean(axis=1)
        unit, middle = float(np.linalg.norm(left - right)), landmarks.mean(axis=0)
        vertices, self.landmarks = (vertices - middle) / unit, (landmarks - middle) / unit
        self.discs = ((1.0, IRIS_SHARE, iris), (1.0, PUPIL_SHARE, PUPIL), (0.5, glint * GLINT_SHARE, GLINT))
        self.sclera = np.array(sclera, np.float64)
        self.texture = (paint or painted)(self.landmarks).astype(np.float32)
        self.eyes = [_eye_centre(self.landmarks, side) for side in ("left", "right")]
        ball, ball_triangles = _ball()
        parts = [(vertices, triangles, _normals(vertices, triangles))]
        parts += [(centre + EYE_RADIUS_IOD * ball, ball_triangles, ball) for centre in self.eyes]
        offsets = np.cumsum([0] + [len(part[0]) for part in parts])
        self.vertices, self.normals = (np.concatenate([part[which] for part in parts]) for which in (0, 2))
        self.triangles = np.concatenate([part[1] + offset for part, offset in zip(parts, offsets)])
        self.part = np.repeat(np.arange(len(parts)), [len(part[1]) for part in parts])
        self.on_texture = on_texture(self.vertices).astype(np.float32)
        self.shut = np.zeros_like(self.vertices)
        self.shut[: len(shut)] = shut / unit
        self.shut[len(shut) :, 2] = -RETRACTED_IOD

    def draw(self, angles_deg: np.ndarray, *, gaze_deg: np.ndarray = (0.0, 0.0), closure: float = 0.0) -> np.ndarray:
        """(SIZE_PX, SIZE_PX, 3) uint8 picture of the head turned by (3,) yaw, pitch, roll about its neck, the eyes turned in it
        by (2,) yaw, pitch and shut by `closure`, 0 to 1."""
        turn = rotations_from_angles(np.asarray(angles_deg, np.float64)[None])[0]
        posed = (self.vertices + closure * self.shut - NECK) @ turn.T + NECK
        away = CAMERA_EYE_DISTANCES - posed[:, 2]
        scale = EYE_DISTANCE_PX * CAMERA_EYE_DISTANCES / away
        side = SIZE_PX * FINER
        points = np.stack([side / 2.0 + FINER * posed[:, 0] * scale, side / 2.0 - FINER * posed[:, 1] * scale], axis=1)
        shown = self._nearest(posed, points)
        rows, columns = np.nonzero(shown >= 0)
        triangle = shown[rows, columns]
        weights = _barycentric(np.stack([columns, rows], axis=1) + 0.5, points[self.triangles[triangle]])
        weights /= away[self.triangles[triangle]]
        weights /= weights.sum(axis=1, keepdims=True)
        normals = self._interpolated(self.normals, triangle, weights) @ turn.T
        normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
        colours = self._skin_colours(triangle, weights, rows, columns, side)
        self._colour_eyes(colours, triangle, weights, np.array([*gaze_deg, 0.0]))
        canvas = np.full((side, side, 3), BACKGROUND, np.float32)
        canvas[rows, columns] = colours * (AMBIENT + DIRECT * np.clip(normals @ LIGHT, 0.0, 1.0))[:, None]
        return cv2.resize(np.clip(canvas, 0.0, 255.0).astype(np.uint8), (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_AREA)

    def _nearest(self, posed: np.ndarray, points: np.ndarray) -> np.ndarray:
        """(H, W) int32 number of the triangle seen at each pixel, -1 where there is none: drawn back to front."""
        corners = posed[self.triangles]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        view = np.array([0.0, 0.0, CAMERA_EYE_DISTANCES]) - corners.mean(axis=1)
        facing = np.flatnonzero((normals * view).sum(axis=1) > 0.0)
        shown = np.full((SIZE_PX * FINER,) * 2, -1, np.int32)
        outlines = np.round(points[self.triangles] * 256.0 - 128.0).astype(np.int32)
        for number in facing[np.argsort(-np.linalg.norm(view[facing], axis=1))]:
            cv2.fillConvexPoly(shown, outlines[number], int(number), lineType=8, shift=8)
        return shown

    def _interpolated(self, values: np.ndarray, triangle: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return np.einsum("nk,nkd->nd", weights, values[self.triangles[triangle]])

    def _skin_colours(self, triangle: np.ndarray, weights: np.ndarray, rows: np.ndarray, columns: np.ndarray,
                      side: int) -> np.ndarray:
        places = np.zeros((side, side, 2), np.float32)
        places[rows, columns] = self._interpolated(self.on_texture, triangle, weights)
        seen = cv2.remap(self.texture, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return seen[rows, columns]

    def _colour_eyes(self, colours: np.ndarray, triangle: np.ndarray, weights: np.ndarray, gaze_deg: np.ndarray) -> None:
        """Paint the eyes' pixels: what a viewer in front sees through the cornea on the flat disc of the iris."""
        for eye, centre in enumerate(self.eyes):
            seen = self.part[triangle] == 1 + eye
            place = (self._interpolated(self.vertices, triangle[seen], weights[seen]) - centre) / EYE_RADIUS_IOD
            painted_eye = np.tile(self.sclera, (seen.sum(), 1))
            for share, radius, colour in self.discs:
                turn = rotations_from_angles(share * gaze_deg[None])[0]
                disc = turn @ np.array([0.0, 0.0, IRIS_RADIUS_IOD / EYE_RADIUS_IOD]) + (GLINT_PLACE if colour is GLINT else 0.0)
                distance = np.linalg.norm((place - disc)[:, :2], axis=1)
                cover = np.clip((radius - distance) / 0.03 + 0.5, 0.0, 1.0)[:, None]
                painted_eye = painted_eye * (1.0 - cover) + cover * np.array(colour, np.float64)
            colours[seen] = painted_eye


def on_texture(points: np.ndarray) -> np.ndarray:
    """(N, 3) points of a head -> (N, 2) pixels of its texture."""
    return (np.column_stack([points[:, 0], -points[:, 1]]) + TEXTURE_IOD) / (2.0 * TEXTURE_IOD) * TEXTURE_PX


def painted(landmarks: np.ndarray, skin: tuple[int, int, int] = SKIN) -> np.ndarray:
    """A face in a few colours, with the small unevenness that skin has."""
    generator = np.random.default_rng(0)
    coarse, fine = (cv2.GaussianBlur(generator.normal(size=(TEXTURE_PX,) * 2).astype(np.float32), (0, 0), sigma)
                    for sigma in (6.0, 2.0))
    uneven = 1.0 + 0.025 * coarse / coarse.std() + 0.02 * fine / fine.std()
    picture = np.array(skin, np.float32) * uneven[..., None]
    places = np.round(on_texture(landmarks)).astype(np.int32)

    def lay(mask: np.ndarray, colour: tuple[int, int, int], softness: float, strength: float = 1.0) -> None:
        cover = strength * cv2.GaussianBlur(mask, (0, 0), softness)[..., None]
        picture[:] = picture * (1.0 - cover) + cover * np.array(colour, np.float32) * uneven[..., None]

    blank = np.zeros((TEXTURE_PX,) * 2, np.float32)
    lay(cv2.fillPoly(blank.copy(), [places[list(OUTER_LIP_UPPER + OUTER_LIP_LOWER[::-1])]], 1.0), LIPS, 4.0)
    for side in ("left", "right"):
        lay(cv2.fillPoly(blank.copy(), [places[list(BROWS[side])]], 1.0), BROW, 6.0)
        lay(cv2.polylines(blank.copy(), [places[list(LID_UPPER[side])]], False, 1.0, 6), BROW, 2.0, 0.8)
    lay(cv2.polylines(blank.copy(), [places[list(INNER_LIP_UPPER)]], False, 1.0, 4), SEAM, 2.0, 0.8)
    hair = blank.copy()
    hair[: int(places[10, 1]) + 10] = 1.0
    lay(hair, HAIR, 6.0)
    return np.clip(picture, 0.0, 255.0)


def _normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals, the mean of the triangles' around each vertex."""
    corners = vertices[triangles]
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], crossed)
    return normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12)


def _barycentric(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(N, 3) weights of (N, 2) points in triangles (N, 3, 2) of the picture."""
    a, b, c = np.moveaxis(corners, 1, 0)
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)
    second = ((points[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (points[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])) / area
    third = ((b[:, 0] - a[:, 0]) * (points[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (points[:, 0] - a[:, 0])) / area
    return np.clip(np.stack([1.0 - second - third, second, third], axis=1), 0.0, 1.0)


def _eye_centre(landmarks: np.ndarray, side: str) -> np.ndarray:
    """(3,) where a ball that just fills the eye opening is centred."""
    rim = landmarks[list(LID_UPPER[side] + LID_LOWER[side])]
    return np.append(rim[:, :2].mean(axis=0), rim[:, 2].max() - EYE_RADIUS_IOD)


def _ball() -> tuple[np.ndarray, np.ndarray]:
    """The front of a unit ball: vertices, triangles."""
    polar, around = np.meshgrid(np.linspace(0.0, 0.7 * np.pi, 44), np.linspace(0.0, 2.0 * np.pi, 48), indexing="ij")
    ball = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], axis=-1)
    index = np.arange(polar.size).reshape(polar.shape)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    return ball.reshape(-1, 3), np.concatenate([np.stack(corners, axis=-1).reshape(-1, 3) for corners in ((a, d, c), (a, c, b))])
