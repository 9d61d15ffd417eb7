"""What a stranger's detector sees in a rendered frame: landmarks, head rotation, eye openness, lip gap, iris offsets.

MediaPipe FaceLandmarker in IMAGE mode (every frame on its own, no smoothing over time) on a square crop around the face.
Its blendshape scores are not used: eyeBlink confuses looking down with blinking. Nor is its transformation matrix, which
assumes a camera with a field of view of 63 degrees: on a head of known rotation it read 0.84 of the yaw where a rotation
fitted to the landmarks themselves read 0.95, and the same of pitch and roll (see `known_head` for what is read now).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..models import model_path
from ..offline import load_mediapipe, silent_at_exit

CROP_PX = 384
"""Side of the square crop given to the detector; its landmark network sees 256 x 256."""

CROP_FACE_SHARE = 0.5
"""Larger side of the landmarks' box as a share of the crop."""

RECENTRE_SHARE = 0.02
"""A face whose centre lies further than this share of the crop from the crop's centre is detected again, centred."""

EYE_CORNERS = ((362, 263), (133, 33))
"""Inner, outer corner of the subject's left and right eye."""

EYE_LIDS = (((386, 374), (385, 380), (387, 373)), ((159, 145), (158, 153), (160, 144)))
"""Upper, lower lid pairs of the subject's left and right eye (eye aspect ratio after Soukupova and Cech 2016)."""

EYE_OUTLINES = (
    (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382),
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
)
"""Contour of the subject's left and right eye opening."""

IRIS_CENTRES = (473, 468)
"""Centre of the subject's left and right iris."""

IRIS_RADIUS_IOD = 10.5 / 63.0
"""Distance from the eye's centre of rotation to the plane of the iris over the distance between the pupils, both in mm."""

INNER_LIPS = ((13, 14), (82, 87), (312, 317))
"""Upper, lower inner lip pairs around the middle of the mouth."""

FACE_POINTS = 468
"""The first points are the face; the last ten are the irises."""


@dataclass(frozen=True)
class Face:
    """One detected face.

    landmarks_px: (478, 3) x right, y down in pixels of the frame; z as the detector guesses it, in the same unit, smaller is
        nearer.
    """

    landmarks_px: np.ndarray

    @property
    def centre_px(self) -> np.ndarray:
        """(2,) middle of the landmarks' box."""
        points = self.landmarks_px[:FACE_POINTS, :2]
        return (points.min(axis=0) + points.max(axis=0)) / 2.0

    def rotation_from(self, earlier: Face) -> np.ndarray:
        """(3, 3) rotation that takes the face from `earlier` to this one, x to the picture's right, y up, z to the viewer,
        each seen along its own line of sight (least squares over the skin's landmarks; Kabsch 1976)."""
        before, after = (face.landmarks_px[:FACE_POINTS] * (1.0, -1.0, -1.0) for face in (earlier, self))
        left, _, right = np.linalg.svd((after - after.mean(axis=0)).T @ (before - before.mean(axis=0)))
        return left @ np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))]) @ right

    @property
    def extent_px(self) -> float:
        """Larger side of the landmarks' box."""
        return float(np.ptp(self.landmarks_px[:FACE_POINTS, :2], axis=0).max())

    @property
    def eye_middles_px(self) -> np.ndarray:
        """(2, 2) midpoints between the corners of the subject's left and right eye."""
        return self.landmarks_px[np.array(EYE_CORNERS), :2].mean(axis=1)

    @property
    def inter_ocular_px(self) -> float:
        """Distance between the middles of the eyes."""
        left, right = self.eye_middles_px
        return float(np.linalg.norm(left - right))

    @property
    def eye_openness(self) -> np.ndarray:
        """(2,) eye aspect ratio of the subject's left and right eye: height of the opening over distance of the corners."""
        ratios = []
        for corners, lids in zip(EYE_CORNERS, EYE_LIDS):
            height = np.mean([self._distance(upper, lower) for upper, lower in lids])
            ratios.append(height / self._distance(*corners))
        return np.array(ratios)

    @property
    def lip_gap_iod(self) -> float:
        """Gap between the inner lips around the middle of the mouth over the inter-ocular distance."""
        return float(np.mean([self._distance(upper, lower) for upper, lower in INNER_LIPS])) / self.inter_ocular_px

    @property
    def iris_offset_iod(self) -> np.ndarray:
        """(2, 2) subject's left, right x (along the line of the eyes to the picture's right, up): iris centre against the
        middle of the eye's corners, over the inter-ocular distance."""
        middles = self.eye_middles_px
        along = middles[0] - middles[1]
        along = along / np.linalg.norm(along)
        up = np.array([along[1], -along[0]])
        offsets = self.landmarks_px[list(IRIS_CENTRES), :2] - middles
        return np.stack([offsets @ along, offsets @ up], axis=1) / self.inter_ocular_px

    def _distance(self, first: int, second: int) -> float:
        return float(np.linalg.norm(self.landmarks_px[first, :2] - self.landmarks_px[second, :2]))


class FaceDetector:
    """MediaPipe FaceLandmarker on one frame at a time. Use as a context manager; it holds native memory."""

    def __init__(self) -> None:
        """Raises ModelError when the model file is not installed."""
        mediapipe = load_mediapipe()
        vision = mediapipe.tasks.vision
        options = vision.FaceLandmarkerOptions(
            base_options=mediapipe.tasks.BaseOptions(model_asset_path=str(model_path("face_landmarker"))),
            running_mode=vision.RunningMode.IMAGE, num_faces=1, min_face_detection_confidence=0.3)
        self._landmarker = silent_at_exit(vision.FaceLandmarker.create_from_options(options))

    def __enter__(self) -> FaceDetector:
        return self

    def __exit__(self, *error: object) -> None:
        self._landmarker.close()

    def detect(self, frame: np.ndarray, centre_px: np.ndarray, extent_px: float) -> Face | None:
        """The face near `centre_px` (2,), about `extent_px` tall, in `frame` (H, W, 3) uint8 RGB; None when none is seen."""
        side = extent_px / CROP_FACE_SHARE
        face = self._detect_in_crop(frame, np.asarray(centre_px, np.float64), side)
        if face is not None and np.linalg.norm(face.centre_px - centre_px) > RECENTRE_SHARE * side:
            face = self._detect_in_crop(frame, face.centre_px, face.extent_px / CROP_FACE_SHARE) or face
        return face

    def _detect_in_crop(self, frame: np.ndarray, centre_px: np.ndarray, side_px: float) -> Face | None:
        mediapipe = load_mediapipe()
        scale = CROP_PX / side_px
        corner = centre_px - (side_px - 1.0 / scale) / 2.0
        matrix = np.array([[scale, 0.0, -scale * corner[0]], [0.0, scale, -scale * corner[1]]])
        interpolation = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
        crop = cv2.warpAffine(frame, matrix, (CROP_PX, CROP_PX), flags=interpolation, borderMode=cv2.BORDER_REPLICATE)
        found = self._landmarker.detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=crop))
        if not found.face_landmarks:
            return None
        points = np.array([(p.x, p.y, p.z) for p in found.face_landmarks[0]]) * CROP_PX
        points[:, :2] -= 0.5  # pixel centres at integer coordinates
        points[:, :2] = points[:, :2] / scale + corner
        points[:, 2] /= scale
        return Face(points)
