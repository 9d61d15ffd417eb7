"""What MediaPipe sees in each picture of a video: landmarks, expression scores, and where the head is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..errors import NoFaceError
from ..models import model_path
from ..motion.clip import CHANNEL_INDEX
from ..offline import load_mediapipe
from ..portrait.topology import LANDMARKS
from ..progress import Progress

STAGE = "capture"
LEAST_SEEN_SHARE = 0.2
"""A face that is seen in fewer of the pictures than this cannot be followed."""

LEAST_CONFIDENCE = 0.4


@dataclass(frozen=True)
class Track:
    """What was seen in T pictures; rows of NaN where no face was.

    landmarks_px: (T, 478, 3) x right, y down, z away from the camera, all in pixels; scores: (T, 52) MediaPipe's expression
    scores in the order of ARKIT_CHANNELS, 0..1; rotation: (T, 3, 3) of the head, x to the picture's right, y up, z to the camera;
    position_m: (T, 3) in the same frame, the camera at 0 and looking along -z, for a head of average size and the detector's own
    camera.
    """

    landmarks_px: np.ndarray
    scores: np.ndarray
    rotation: np.ndarray
    position_m: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """(T,) bool."""
        return np.isfinite(self.position_m[:, 0])


def track_faces(pictures: Iterable[np.ndarray], fps: Fraction, expected: int, progress: Progress) -> Track:
    """Follow the first face through (H, W, 3) uint8 pictures. Raises NoFaceError, and ModelError when the model is not there."""
    mediapipe = load_mediapipe()
    vision = mediapipe.tasks.vision
    options = vision.FaceLandmarkerOptions(
        base_options=mediapipe.tasks.BaseOptions(model_asset_path=str(model_path("face_landmarker"))), running_mode=vision.RunningMode.VIDEO,
        num_faces=1, output_face_blendshapes=True, output_facial_transformation_matrixes=True,
        min_face_detection_confidence=LEAST_CONFIDENCE, min_face_presence_confidence=LEAST_CONFIDENCE,
        min_tracking_confidence=LEAST_CONFIDENCE)
    rows = []
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        for number, picture in enumerate(pictures):
            progress(STAGE, number, max(expected, number + 1))
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
            rows.append(_row(landmarker.detect_for_video(image, round(number * 1000 / fps)), picture.shape))
    progress(STAGE, len(rows), len(rows))
    if sum(row is not None for row in rows) < max(LEAST_SEEN_SHARE * len(rows), 2):
        raise NoFaceError(f"A face was seen in {sum(row is not None for row in rows)} of {len(rows)} pictures only; "
                          "film it larger, from the front and in better light.")
    nothing = (np.full((LANDMARKS, 3), np.nan), np.full(52, np.nan), np.full((3, 3), np.nan), np.full(3, np.nan))
    return Track(*(np.stack(column).astype(np.float32) for column in zip(*(row or nothing for row in rows))))


def _row(found, shape: tuple[int, ...]) -> tuple[np.ndarray, ...] | None:
    if not found.face_landmarks or not found.facial_transformation_matrixes:
        return None
    height, width = shape[:2]
    landmarks = np.array([(p.x * width - 0.5, p.y * height - 0.5, p.z * width) for p in found.face_landmarks[0]])
    scores = np.zeros(52)
    for score in found.face_blendshapes[0]:
        if score.category_name in CHANNEL_INDEX:
            scores[CHANNEL_INDEX[score.category_name]] = score.score
    matrix = np.asarray(found.facial_transformation_matrixes[0], float)
    scale = np.cbrt(np.linalg.det(matrix[:3, :3]))
    return landmarks, scores, matrix[:3, :3] / scale, matrix[:3, 3] / 100.0
