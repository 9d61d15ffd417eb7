"""Rows 13 and 15: is it still the same person, and without flicker? Pixels of frames."""

from __future__ import annotations

import cv2
import numpy as np

from ..motion.clip import MotionClip
from ..portrait.topology import FACE_OVAL, OUTER_LIP_LOWER, OUTER_LIP_UPPER
from .batteries import pose_battery
from .bench import Bench
from .detectors import EYE_OUTLINES, FACE_POINTS
from .figures import Figure
from .rows_face import clip_of_frames

LARGEST_ANGLE_DEG = 10.0
"""The pose battery's frames beyond it show sides of the face that the picture does not."""

PATCHES = (50, 280, 151, 205, 425)
"""Landmarks in the middle of plain skin: cheeks, forehead, beside the nose."""

PATCH_IOD = 0.07
SHARPNESS_SIGMA_PX = 0.8

FLICKER_FRAMES = 10
FLICKER_EYE_DISTANCE_PX = 90.0
JPEG_QUALITY = 90


def identity(bench: Bench) -> list[Figure]:
    """Row 13: the frames of row 1 up to 10 degrees against the neutral frame; its shape off the pixels is `rows_shape`'s."""
    keys = ("identity_shape_detected", "identity_colour", "sharpness_face", "sharpness_mouth")
    asked = np.flatnonzero(np.abs(pose_battery().head_rotation_deg).max(axis=1) <= LARGEST_ANGLE_DEG)
    frames = [bench.pose_frames[number] for number in asked]
    landmarks = bench.pose_seen.landmarks_px[asked]
    rest, turned = landmarks[0], landmarks[1:]
    seen = np.isfinite(turned[:, 0, 0])
    if not np.isfinite(rest).all() or seen.mean() < 0.5:
        return [Figure(key, float("nan"), "no face seen") for key in keys]
    pairs = [(frame, points) for frame, points, kept in zip(frames[1:], turned, seen) if kept]
    shape = np.mean([shape_difference(rest, points) for _, points in pairs])
    noise = np.nanmean([shape_difference(rest, points) for points in bench.disturbed.landmarks_px])
    colour = np.mean([skin_difference(frames[0], rest, frame, points) for frame, points in pairs])
    sharpness = np.array([sharpness_ratios(frames[0], rest, frame, points) for frame, points in pairs])
    note = f"{len(pairs)} frames up to {LARGEST_ANGLE_DEG:g} degrees"
    return [Figure(keys[0], 100.0 * float(shape), note, 100.0 * float(noise)), Figure(keys[1], float(colour), "CIE76, plain skin"),
            *(Figure(key, float(np.median(column)), note) for key, column in zip(keys[2:], sharpness.T))]


def shape_difference(rest: np.ndarray, points: np.ndarray) -> float:
    """Root mean square distance of (478, 3) landmarks, as far as they lie on the skin, after the best turn, shift and scale,
    over the distance of the eyes; across the line of sight only, because along it the detector guesses."""
    before, after = rest[:FACE_POINTS], points[:FACE_POINTS]
    before, after = before - before.mean(axis=0), after - after.mean(axis=0)
    left, sizes, right = np.linalg.svd(before.T @ after)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    back = after @ (left @ np.diag(signs) @ right).T * (sizes * signs).sum() / (after**2).sum()
    eyes = np.linalg.norm(rest[[33, 133], :2].mean(axis=0) - rest[[263, 362], :2].mean(axis=0))
    return float(np.sqrt(((back - before)[:, :2] ** 2).sum(axis=1).mean())) / float(eyes)


def skin_difference(rest_frame: np.ndarray, rest: np.ndarray, frame: np.ndarray, points: np.ndarray) -> float:
    """Mean difference in CIE Lab (1976) of the skin's colour over PATCHES."""
    radius = max(2, round(PATCH_IOD * float(np.linalg.norm(rest[33, :2] - rest[263, :2]))))
    return float(np.mean([np.linalg.norm(_patch(rest_frame, rest[n], radius) - _patch(frame, points[n], radius)) for n in PATCHES]))


def _patch(frame: np.ndarray, point: np.ndarray, radius: int) -> np.ndarray:
    x, y = (int(round(float(v))) for v in point[:2])
    window = frame[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
    return lab(window).reshape(-1, 3).mean(axis=0) if window.size else np.full(3, np.nan)


def lab(picture: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 sRGB -> float32 CIE Lab."""
    return cv2.cvtColor(picture.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)


def sharpness_ratios(rest_frame: np.ndarray, rest: np.ndarray, frame: np.ndarray, points: np.ndarray) -> tuple[float, float]:
    """Laplacian energy of the face and of the mouth over that of the neutral frame bent the same way (a mesh of the
    landmarks would fold; an affine map is what ten degrees come to)."""
    bent = _moved(rest_frame, rest, points)
    ratios = []
    for outline in (FACE_OVAL, OUTER_LIP_UPPER + OUTER_LIP_LOWER[::-1]):
        region = filled(points[list(outline), :2], frame.shape[:2])
        ratios.append(_energy(frame, region) / max(_energy(bent, region), 1e-6))
    return ratios[0], ratios[1]


def filled(outline: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 1)
    return mask.astype(bool)


def _energy(picture: np.ndarray, region: np.ndarray) -> float:
    """Root mean square of the Laplacian of Gaussian in the region."""
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), SHARPNESS_SIGMA_PX)
    return float(np.sqrt(np.mean(cv2.Laplacian(grey, cv2.CV_32F)[region] ** 2)))


def flicker(bench: Bench, clip: MotionClip) -> list[Figure]:
    """Row 15, picture: how unsteadily the face changes when its movement is taken out; and how much it changes at all, which
    also counts the light that a turning head truly runs through.

    The floor is the neutral frame, moved as the face moved (affine) and compressed as JPEG, measured in the same way.
    """
    keys = ("flicker", "flicker_with_light")
    start = int(np.argmax(_head_speed(clip, FLICKER_FRAMES)))
    part = clip_of_frames(clip, np.arange(start, min(start + FLICKER_FRAMES, len(clip))))
    for name in ("eyeBlinkLeft", "eyeBlinkRight"):
        part.channel(name)[:] = 0.0
    frames = list(bench.frames(part, stage="measure: flicker"))
    landmarks = bench.observe_frames(frames, part.head_translation_m[:, 2]).landmarks_px
    rest = bench.neutral.landmarks_px[0]
    if len(frames) < 4 or not np.isfinite(landmarks[:, 0, 0]).all() or not np.isfinite(rest).all():
        return [Figure(key, float("nan"), "no face seen") for key in keys]
    scale = min(1.0, FLICKER_EYE_DISTANCE_PX / bench.eye_distance_px)
    floor = [_moved(bench.neutral_frame, rest, points) for points in landmarks]
    drawn, moved = (unsteadiness(sequence, landmarks, scale) for sequence in (frames, floor))
    return [Figure(key, found / max(least, 1e-3), f"{found:.2f} of 255 levels in the frames, {least:.2f} in the moved picture")
            for key, found, least in zip(keys, drawn, moved)]


def _head_speed(clip: MotionClip, length: int) -> np.ndarray:
    speed = np.abs(np.diff(clip.head_rotation_deg, axis=0)).sum(axis=1)
    return np.convolve(speed, np.ones(min(length, len(speed))), "valid")


def _moved(picture: np.ndarray, rest: np.ndarray, points: np.ndarray) -> np.ndarray:
    """`picture` moved by the affine map that best takes the landmarks `rest` to `points`."""
    pairs = (np.ascontiguousarray(p[:FACE_POINTS, :2], np.float32) for p in (rest, points))
    matrix, _ = cv2.estimateAffine2D(*pairs, method=cv2.LMEDS)
    return cv2.warpAffine(picture, matrix, (picture.shape[1], picture.shape[0]), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def unsteadiness(frames: list[np.ndarray], landmarks: np.ndarray, scale: float) -> tuple[float, float]:
    """Mean difference on the skin, in levels, of each frame from the mean of the one before and the one after, and from the one
    before, each moved along the optical flow (DIS, Kroeger et al. 2016).

    A light that a turning head runs through makes skin steadily brighter or darker: its neighbours' mean is where it is. What
    comes and goes from frame to frame is off it. landmarks: (T, 478, 3) at the frames' own size, which is reduced by `scale`.
    """
    greys = [_compressed_grey(frame, scale) for frame in frames]
    unsteady, change = [], []
    for before, now, after, points in zip(greys, greys[1:], greys[2:], landmarks[1:]):
        skin = _skin(points * scale, now.shape)
        brought = _brought(before, now)
        unsteady.append(np.abs((brought + _brought(after, now)) / 2.0 - now)[skin].mean())
        change.append(np.abs(brought - now)[skin].mean())
    return float(np.mean(unsteady)), float(np.mean(change))


def _brought(frame: np.ndarray, to: np.ndarray) -> np.ndarray:
    """(H, W) float32: grey `frame` moved along the optical flow to where `to` shows the same."""
    motion = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(to, frame, None)
    rows, columns = np.indices(to.shape, dtype=np.float32)
    moved = cv2.remap(frame, columns + motion[..., 0], rows + motion[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return moved.astype(np.float32)


def _compressed_grey(frame: np.ndarray, scale: float) -> np.ndarray:
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1.0 else frame
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)


def _skin(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The face without the eyes and the mouth, whose insides come and go."""
    skin = filled(points[list(FACE_OVAL), :2], shape)
    for outline in (*EYE_OUTLINES, OUTER_LIP_UPPER + OUTER_LIP_LOWER[::-1]):
        hole = filled(points[list(outline), :2], shape).astype(np.uint8)
        skin &= ~cv2.dilate(hole, np.ones((5, 5), np.uint8)).astype(bool)
    return skin
