"""The bench a portrait is measured on: renders clips, looks at the frames, keeps what several rows need."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from ..motion.clip import MotionClip
from ..portrait.portrait import Portrait
from ..progress import Progress, silent
from .batteries import pose_battery
from .detectors import FACE_POINTS, Face, FaceDetector
from .signals import geodesic_deg, rotations_from_angles
from .structure import Turning, turning
from .tracking import follow

LONG_SIDE_PX = 768
"""Batteries are rendered at this size ..."""

SMALLEST_EYE_DISTANCE_PX = 64.0
LONGEST_SIDE_PX = 1536
"""... or larger, up to this and the picture's own size, until the eyes are this far apart."""

JITTERS = 8
"""Disturbed copies of the still picture from which the detector's noise floor is taken."""

LEAST_POINTS = 30
SEEN_SHARE = 0.5
"""A point takes part in a turning when it was found in this share of the frames; a frame when this share of the points was."""

Renderer = Callable[..., Iterable[np.ndarray]]
"""`engine.render.render.render` or anything with its signature."""


@dataclass(frozen=True)
class Observation:
    """What the detector saw in T frames; rows of NaN where it saw no face.

    rotation: (T, 3, 3) head rotation against the neutral frame, x to the picture's right, y up, z to the camera;
    inter_ocular_px: (T,); eye_openness: (T, 2) subject's left, right; lip_gap_iod: (T,); iris_offset_iod: (T, 2, 2)
    eye x (right, up); landmarks_px: (T, 478, 3) as `detectors.Face` has them.
    """

    rotation: np.ndarray
    inter_ocular_px: np.ndarray
    eye_openness: np.ndarray
    lip_gap_iod: np.ndarray
    iris_offset_iod: np.ndarray
    landmarks_px: np.ndarray

    @property
    def seen_share(self) -> float:
        """Share of the frames in which a face was found."""
        return float(np.isfinite(self.inter_ocular_px).mean())


@dataclass(frozen=True)
class NoiseFloor:
    """Standard deviation of each reading over slightly moved and re-compressed copies of the neutral frame."""

    angle_deg: float
    inter_ocular_share: float
    eye_openness_share: float
    lip_gap_iod: float
    iris_offset_iod: float


class Bench:
    """One portrait under test.

    render: the renderer under test, called as render(portrait, clip, size=...). source: the picture as read (H, W, 3), when
    it is at hand (alpha, if any, is dropped).
    """

    def __init__(self, portrait: Portrait, detector: FaceDetector, *, render: Renderer, source: np.ndarray | None = None,
                 progress: Progress = silent) -> None:
        self.portrait, self.detector, self._render, self.progress = portrait, detector, render, progress
        self.source = None if source is None else source[:, :, :3]
        self.size = render_size(portrait)
        self.scale = self.size[0] / portrait.size[0]
        self.renders = 0

    def frames(self, clip: MotionClip, *, stage: str = "render", size: tuple[int, int] | None = None,
               portrait: Portrait | None = None) -> Iterator[np.ndarray]:
        """Rendered frames (H, W, 3) uint8 of `clip` at the bench's size, reported as progress of `stage`."""
        for done, frame in enumerate(self._render(portrait or self.portrait, clip, size=size or self.size)):
            self.progress(stage, done, len(clip))
            self.renders += 1
            yield frame[:, :, :3]
        self.progress(stage, len(clip), len(clip))

    def observe(self, clip: MotionClip, *, stage: str = "render") -> Observation:
        """Render `clip` and detect the face in every frame."""
        return self.observe_frames(self.frames(clip, stage=stage), clip.head_translation_m[:, 2])

    def observe_frames(self, frames: Iterable[np.ndarray], nearer_m: Iterable[float]) -> Observation:
        """Detect the face in `frames`; nearer_m: how much nearer than at rest the head was asked to be, per frame."""
        centre, extent = self._rest_box
        faces, rotations = [], []
        for frame, nearer in zip(frames, nearer_m):
            distance = self.portrait.camera_distance
            zoom = distance / max(1.0, distance - nearer * self.portrait.units_per_metre)
            middle = self.to_frame(self.portrait.camera_centre)
            face = self.detector.detect(frame, middle + (centre - middle) * zoom, extent * zoom)
            faces.append(face)
            rotations.append(self._rotation(face))
        return Observation(np.array(rotations), *_columns(faces))

    @property
    def eye_distance_px(self) -> float:
        """Inter-ocular distance of the portrait at the bench's size, from its stored landmarks."""
        return Face(self._rest_landmarks).inter_ocular_px

    @property
    def rest_landmarks(self) -> np.ndarray:
        """(478, 3) the portrait's stored landmarks in pixels of the bench's frames."""
        return self._rest_landmarks

    @cached_property
    def _rest_landmarks(self) -> np.ndarray:
        points = self.portrait.landmarks_px.astype(np.float64) * self.scale
        points[:, :2] = self.to_frame(self.portrait.landmarks_px[:, :2])
        return points

    @cached_property
    def _rest_box(self) -> tuple[np.ndarray, float]:
        points = self._rest_landmarks[:FACE_POINTS, :2]
        return (points.min(axis=0) + points.max(axis=0)) / 2.0, float(np.ptp(points, axis=0).max())

    def to_frame(self, points: np.ndarray) -> np.ndarray:
        """(N, 2) pixels of the source picture -> pixels of the bench's frames (pixel centres at integers)."""
        return (np.asarray(points, np.float64) + 0.5) * self.scale - 0.5

    def _rotation(self, face: Face | None) -> np.ndarray:
        """The detector sees along the line of sight; with the portrait's own camera that becomes the picture's frame."""
        if face is None or self._neutral_face is None:
            return np.full((3, 3), np.nan)
        sight, rest_sight = self._line_of_sight(face), self._line_of_sight(self._neutral_face)
        return sight @ face.rotation_from(self._neutral_face) @ rest_sight.T

    def _line_of_sight(self, face: Face) -> np.ndarray:
        """(3, 3) rotation from the camera's axis to the direction in which `face` sees the camera."""
        right, down = (face.centre_px - self.to_frame(self.portrait.camera_centre)) / self.scale
        yaw = math.degrees(math.atan2(-right, self.portrait.camera_distance))
        pitch = math.degrees(math.atan2(down, math.hypot(right, self.portrait.camera_distance)))
        return rotations_from_angles(np.array([[yaw, pitch, 0.0]]))[0]

    @cached_property
    def _neutral_face(self) -> Face | None:
        return self.detector.detect(self.neutral_frame, *self._rest_box)

    @cached_property
    def neutral_frame(self) -> np.ndarray:
        """The rest pose at the bench's size."""
        return next(iter(self.frames(MotionClip.neutral(1), stage="measure: rest")))

    @cached_property
    def neutral(self) -> Observation:
        """What the detector sees in the rest pose (one frame)."""
        return self.observe_frames([self.neutral_frame], [0.0])

    @cached_property
    def pose_frames(self) -> list[np.ndarray]:
        """Frames of the pose battery; the background row looks at them too."""
        return list(self.frames(pose_battery(), stage="measure: head pose"))

    @cached_property
    def pose_seen(self) -> Observation:
        """What the detector sees in the frames of the pose battery."""
        return self.observe_frames(self.pose_frames, [0.0] * len(self.pose_frames))

    @cached_property
    def pose_turning(self) -> Turning | None:
        """The turning behind the pixels of `pose_frames` and of the `disturbed_frames` after them, in inter-ocular distances about
        the portrait's camera; None when fewer than LEAST_POINTS could be followed. A frame of which too little was found has a
        rotation of NaN."""
        frames = [*self.pose_frames, *self.disturbed_frames]
        landmarks_px = np.concatenate([self.pose_seen.landmarks_px, self.disturbed.landmarks_px])
        if not np.isfinite(landmarks_px[0]).all():
            return None
        tracks = follow(frames, landmarks_px)
        enough = tracks.seen.mean(axis=1) >= SEEN_SHARE if tracks.seen.size else np.zeros(len(frames), bool)
        kept = tracks.seen[enough].mean(axis=0) >= SEEN_SHARE if enough.any() else np.zeros(0, bool)
        if kept.sum() < LEAST_POINTS:
            return None
        points = (tracks.points_px[:, kept] - self.to_frame(self.portrait.camera_centre)) * (1, -1) / self.eye_distance_px
        distance = self.portrait.camera_distance * self.scale / self.eye_distance_px
        return turning(points, tracks.seen[:, kept] & enough[:, None], distance)

    @cached_property
    def disturbed_frames(self) -> list[np.ndarray]:
        """Disturbed copies of the rest pose."""
        return list(disturbed_copies(self.neutral_frame))

    @cached_property
    def disturbed(self) -> Observation:
        """What the detector sees in the disturbed copies of the rest pose."""
        return self.observe_frames(self.disturbed_frames, [0.0] * JITTERS)

    @cached_property
    def noise(self) -> NoiseFloor:
        """The detector's scatter on a face that does not move."""
        seen = self.disturbed
        angles = geodesic_deg(seen.rotation, np.nanmean(seen.rotation, axis=0))
        return NoiseFloor(
            angle_deg=float(np.nanmean(angles)),
            inter_ocular_share=float(np.nanstd(seen.inter_ocular_px) / np.nanmean(seen.inter_ocular_px)),
            eye_openness_share=float(np.nanstd(seen.eye_openness, axis=0).mean() / np.nanmean(seen.eye_openness)),
            lip_gap_iod=float(np.nanstd(seen.lip_gap_iod)),
            iris_offset_iod=float(np.nanstd(seen.iris_offset_iod, axis=0).mean()))


def render_size(portrait: Portrait) -> tuple[int, int]:
    """(width, height) for the batteries: the picture's own size up to LONG_SIDE_PX, more when the face in it is small."""
    eyes_px = Face(portrait.landmarks_px.astype(np.float64)).inter_ocular_px
    long_side = max(portrait.size)
    scale = min(1.0, LONGEST_SIDE_PX / long_side, max(LONG_SIDE_PX / long_side, SMALLEST_EYE_DISTANCE_PX / eyes_px))
    return round(portrait.size[0] * scale), round(portrait.size[1] * scale)


def disturbed_copies(frame: np.ndarray) -> Iterator[np.ndarray]:
    """JITTERS copies of `frame`, each shifted by up to two pixels and compressed as JPEG. The same every time."""
    generator = np.random.default_rng(0)
    height, width = frame.shape[:2]
    for shift in generator.uniform(-2.0, 2.0, (JITTERS, 2)):
        matrix = np.array([[1.0, 0.0, shift[0]], [0.0, 1.0, shift[1]]])
        moved = cv2.warpAffine(frame, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        _, data = cv2.imencode(".jpg", moved, [cv2.IMWRITE_JPEG_QUALITY, 85])
        yield cv2.imdecode(data, cv2.IMREAD_COLOR)


def _columns(faces: list[Face | None]) -> tuple[np.ndarray, ...]:
    """Readings of each face as arrays, NaN where there is none."""
    def column(reading: Callable[[Face], np.ndarray | float], shape: tuple[int, ...]) -> np.ndarray:
        return np.array([np.full(shape, np.nan) if face is None else reading(face) for face in faces]).reshape((-1,) + shape)

    return (column(lambda face: face.inter_ocular_px, ()), column(lambda face: face.eye_openness, (2,)),
            column(lambda face: face.lip_gap_iod, ()), column(lambda face: face.iris_offset_iod, (2, 2)),
            column(lambda face: face.landmarks_px, (FACE_POINTS + 10, 3)))
