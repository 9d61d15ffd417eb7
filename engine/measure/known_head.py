"""A head whose rotation is known, to find out what the detector itself reads: the neutral head asset, painted and shaded.

A score of 0.9 means something else when the detector reads 0.95 on a head that truly turns. The head has the average human
shape, hair, brows, lips and eyes in plain colours; it is drawn back to front, without any part of the portrait renderer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..portrait.topology import LID_LOWER, LID_UPPER, OUTER_LIP_LOWER, OUTER_LIP_UPPER
from .batteries import GAZE_ANGLES_DEG, POSE_ANGLES_DEG
from .detectors import EYE_CORNERS, IRIS_RADIUS_IOD, Face, FaceDetector
from .signals import angles_from_rotations, regress, rotations_from_angles

ASSET = Path(__file__).resolve().parents[1] / "assets" / "head.npz"
SIZE_PX = 512
EYE_DISTANCE_PX = 88.0
FACE_EYE_DISTANCES = 2.3
"""Height of a face in inter-ocular distances."""

CAMERA_EYE_DISTANCES = 16.0
"""Distance of the camera in inter-ocular distances: 1 m."""

SKIN, LIPS, HAIR, BROWS = (225, 180, 155), (180, 85, 85), (60, 40, 30), (80, 50, 35)
SCLERA, IRIS, PUPIL = (240, 238, 235), (70, 45, 30), (15, 10, 10)
BACKGROUND = (120, 130, 140)
LIGHT = np.array([0.3, 0.5, 0.8]) / np.linalg.norm([0.3, 0.5, 0.8])

BROW_OUTLINES = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283, 276))
EYE_RADIUS_IOD = 12.0 / 63.0


@dataclass(frozen=True)
class DetectorSlopes:
    """What the detector reads on the known head per true yaw, pitch and roll, and per true travel of the irises."""

    yaw: float
    pitch: float
    roll: float
    iris: float


def detector_slopes(detector: FaceDetector) -> DetectorSlopes:
    """Turn the known head and then its eyes over the angles of the batteries. NaN where the detector sees no face."""
    head = KnownHead()

    def look(angles_deg: np.ndarray, gaze_yaw_deg: float = 0.0) -> Face | None:
        frame = head.draw(angles_deg, gaze_yaw_deg=gaze_yaw_deg)
        return detector.detect(frame, np.array([SIZE_PX / 2.0, SIZE_PX / 2.0]), FACE_EYE_DISTANCES * EYE_DISTANCE_PX)

    rest = look(np.zeros(3))
    slopes = []
    for axis in range(3):
        faces = [look(angle * np.eye(3)[axis]) for angle in POSE_ANGLES_DEG]
        measured = [np.nan if face is None or rest is None else angles_from_rotations(face.rotation_from(rest))[axis]
                    for face in faces]
        slopes.append(regress(np.array(POSE_ANGLES_DEG), np.array(measured)).slope)
    faces = [look(np.zeros(3), angle) for angle in GAZE_ANGLES_DEG]
    offsets = [np.nan if face is None else face.iris_offset_iod[:, 0].mean() for face in faces]
    travel = IRIS_RADIUS_IOD * np.sin(np.radians(GAZE_ANGLES_DEG))
    return DetectorSlopes(*slopes, iris=regress(travel, np.array(offsets)).slope)


class KnownHead:
    """The painted head.

    vertices: (V, 3) in inter-ocular distances about the middle of the face, x to the right, y up, z to the viewer;
    triangles: (T, 3) counter-clockwise; colours: (T, 3); eyes: the span of vertices and the centre of each eyeball.
    """

    def __init__(self) -> None:
        with np.load(ASSET, allow_pickle=False) as asset:
            vertices, triangles = asset["head_vertices"].astype(np.float64), asset["head_triangles"]
            landmarks = asset["landmark_rest"].astype(np.float64)
        left, right = landmarks[np.array(EYE_CORNERS)].mean(axis=1)
        unit, middle = float(np.linalg.norm(left - right)), landmarks.mean(axis=0)
        vertices, landmarks = (vertices - middle) / unit, (landmarks - middle) / unit
        colours = _painted(vertices, landmarks)[triangles].mean(axis=1)
        parts = [(vertices, triangles, colours)]
        centres = [_eye_centre(landmarks, side) for side in ("left", "right")]
        parts += [_eyeball(centre) for centre in centres]
        offsets = np.cumsum([0] + [len(part[0]) for part in parts])
        self.eyes = [(slice(offsets[1 + eye], offsets[2 + eye]), centre) for eye, centre in enumerate(centres)]
        self.vertices = np.concatenate([part[0] for part in parts])
        self.triangles = np.concatenate([part[1] + offset for part, offset in zip(parts, offsets)])
        self.colours = np.concatenate([part[2] for part in parts])

    def draw(self, angles_deg: np.ndarray, *, gaze_yaw_deg: float = 0.0) -> np.ndarray:
        """(SIZE_PX, SIZE_PX, 3) uint8 picture of the head turned by (3,) yaw, pitch, roll about the middle of the face, the
        eyes turned in it by `gaze_yaw_deg` to the picture's right."""
        vertices = self.vertices.copy()
        look = rotations_from_angles(np.array([[gaze_yaw_deg, 0.0, 0.0]]))[0]
        for span, centre in self.eyes:
            vertices[span] = (vertices[span] - centre) @ look.T + centre
        posed = vertices @ rotations_from_angles(np.asarray(angles_deg)[None])[0].T
        scale = EYE_DISTANCE_PX * CAMERA_EYE_DISTANCES / (CAMERA_EYE_DISTANCES - posed[:, 2])
        points = np.stack([SIZE_PX / 2.0 + posed[:, 0] * scale, SIZE_PX / 2.0 - posed[:, 1] * scale], axis=1)
        corners = posed[self.triangles]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
        shaded = self.colours * (0.45 + 0.55 * np.clip(normals @ LIGHT, 0.0, 1.0))[:, None]
        canvas = np.full((2 * SIZE_PX, 2 * SIZE_PX, 3), BACKGROUND, np.uint8)
        outlines = np.round(points[self.triangles] * 2.0).astype(np.int32)
        facing = np.flatnonzero(normals[:, 2] > 0.0)
        for index in facing[np.argsort(corners[facing, :, 2].mean(axis=1))]:
            cv2.fillConvexPoly(canvas, outlines[index], shaded[index].tolist())
        return cv2.resize(canvas, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_AREA)


def _painted(vertices: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """(V, 3) colour of every vertex."""
    colours = np.tile(np.array(SKIN, np.float64), (len(vertices), 1))
    in_front = vertices[:, 2] > landmarks[:, 2].min()
    for outline, colour in ((OUTER_LIP_UPPER + OUTER_LIP_LOWER[::-1], LIPS), *((brow, BROWS) for brow in BROW_OUTLINES)):
        polygon = landmarks[list(outline), :2].astype(np.float32).reshape(-1, 1, 2)
        inside = [cv2.pointPolygonTest(polygon, (float(x), float(y)), False) >= 0 for x, y in vertices[:, :2]]
        colours[np.array(inside) & in_front] = colour
    forehead, chin, ear = landmarks[10], landmarks[152], landmarks[234]
    behind = (vertices[:, 2] < ear[2] - 0.17) & (vertices[:, 1] > chin[1])
    colours[(vertices[:, 1] > forehead[1] - 0.02) | behind] = HAIR
    return colours


def _eye_centre(landmarks: np.ndarray, side: str) -> np.ndarray:
    """(3,) where a ball that just fills the eye opening is centred."""
    rim = landmarks[list(LID_UPPER[side] + LID_LOWER[side])]
    return np.append(rim[:, :2].mean(axis=0), rim[:, 2].max() - EYE_RADIUS_IOD)


def _eyeball(centre: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The front of an eye about `centre`: vertices, triangles, colours."""
    polar, around = np.meshgrid(np.linspace(0.0, 0.7 * np.pi, 44), np.linspace(0.0, 2.0 * np.pi, 48), indexing="ij")
    ball = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], axis=-1)
    index = np.arange(polar.size).reshape(polar.shape)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    triangles = np.concatenate([np.stack(corners, axis=-1).reshape(-1, 3) for corners in ((a, d, c), (a, c, b))])
    angle = polar.reshape(-1)[triangles].mean(axis=1, keepdims=True)
    colours = np.where(angle < 0.19, PUPIL, np.where(angle < 0.47, IRIS, SCLERA)).astype(np.float64)
    return centre + EYE_RADIUS_IOD * ball.reshape(-1, 3), triangles, colours
