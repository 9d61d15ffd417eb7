"""From what was seen to a performance: head, gaze, blinks and expression against the person's own rest."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import percentile_filter

from ..measure.detectors import EYE_CORNERS, EYE_LIDS, IRIS_CENTRES, IRIS_RADIUS_IOD, Face
from ..measure.signals import angles_from_rotations, rotations_from_angles
from ..motion.clip import ARKIT_CHANNELS, CHANNEL_INDEX
from ..motion.direction import NOMINAL_DISTANCE_M
from ..motion.lips import opened, seen_width, spread, within_reach
from ..motion.visemes import channel_columns
from ..portrait.fit import PUPIL_DISTANCE_M
from .smooth import smooth
from .track import Track

UNUSABLE = ("cheekPuff", "tongueOut", "noseSneerLeft", "noseSneerRight", "eyeWideLeft", "eyeWideRight")
"""MediaPipe's scores of these say nothing (they do not move, or move with something else): left at rest."""

RIGID = (10, 109, 338, 67, 297, 103, 332, 54, 284, 21, 251, 162, 389, 127, 356, 234, 454, 9, 8, 168, 6, 197, 195, 5, 4, 1, 19, 94,
         98, 327, 33, 133, 362, 263)
"""Landmarks of the forehead, the temples, the nose and the corners of the eyes: what turns with the skull and with nothing else."""

EQUAL_AT_PX = 32.0
"""Distance between the eyes at which skin and landmarks tell the head's angles equally well (measured on compressed video)."""

FROM_LIPS = ("jawOpen", "mouthLowerDown", "mouthUpperUp", "mouthStretch", "mouthPucker", "mouthFunnel", "mouthClose")
MOUTH_PAIRS = ((13, 14), (61, 291))
"""Upper, lower inner lip; the corners of the mouth."""

GAP_REST_PERCENTILE, WIDTH_REST_SHARE = 5.0, 40.0
"""Lips are as near as they come in the closest twentieth; how wide the mouth is at rest shows while it is hardly open."""

IRIS_GAIN = 1 / 0.86
"""On a head of known gaze the detector reads .86 of the travel of the irises (docs/measures.md)."""

HEAD_HZ, EXPRESSION_HZ, GAZE_HZ, LIDS_HZ = 4.0, 7.0, 10.0, 14.0
"""Where the smoothers halve: heads hardly move above 3 Hz, mouths to 6; lids and eyes are as fast as the camera."""

REST_PERCENTILE = 15.0
"""A score's own rest: people are neutral in any one of them most of the time."""

OPEN_PERCENTILE, OPEN_WINDOW_S = 70, 4.0
SHUT_FROM, SHUT_AT = 0.18, 0.68
"""Loss of the eye's height against open from which a blink begins, and at which the eye is shut: lids have thickness."""

FACE_FROM_PIVOT_M = np.array([0.0, 0.075, 0.095])
"""The middle of the face as seen from the joint the head turns about (the head asset's)."""

MOST_GAZE_DEG = 40.0


def rest_picture(track: Track) -> int:
    """The picture in which the head is nearest to the middle of all its poses."""
    absolute = angles_from_rotations(track.rotation)
    return int(np.nanargmin(np.abs(absolute - np.nanmedian(absolute, axis=0)).sum(axis=1)))


def head_motion(track: Track, skin_turns: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(T, 3) degrees and (T, 3) metres against the rest pose, and what that pose is against the camera: (3,) degrees.

    skin_turns: (T, 3, 3) against `rest_picture`, as `skin.skin_rotations` read them. The rest pose is the middle of all: whatever the
    camera's height, the performance swings about the portrait's own pose.
    """
    points = track.landmarks_px[:, RIGID] * (1.0, -1.0, -1.0)
    reference = points[rest_picture(track)]
    turns, scale = np.full((len(points), 3, 3), np.nan), np.full(len(points), np.nan)
    for number in np.flatnonzero(track.seen):
        turns[number], scale[number] = aligned(reference, points[number])
    sizes_px = [Face(landmarks).inter_ocular_px for landmarks in track.landmarks_px[track.seen]]
    angles = _mixed(angles_from_rotations(skin_turns), angles_from_rotations(turns), float(np.median(sizes_px)))
    angles -= np.nanmedian(angles, axis=0)
    rotation = smooth(angles, fps, HEAD_HZ)
    offset = _translation(track, reference, points, scale / np.nanmedian(scale), angles)
    rest_deg = np.nanmedian(angles_from_rotations(track.rotation), axis=0)
    return rotation, smooth(offset - np.nanmedian(offset, axis=0), fps, HEAD_HZ), rest_deg


def _mixed(by_skin_deg: np.ndarray, by_landmarks_deg: np.ndarray, eye_distance_px: float) -> np.ndarray:
    """(T, 3) both readings of the head's angles weighed by what they err; where the skin was not read, as they differ around it.

    The skin's errors are parts of a pixel (and of a codec's blocks), the landmarks' parts of a face.
    """
    read = np.isfinite(by_skin_deg).all(axis=1) & np.isfinite(by_landmarks_deg).all(axis=1)
    if not read.any():
        return by_landmarks_deg
    share = eye_distance_px**2 / (eye_distance_px**2 + EQUAL_AT_PX**2)
    numbers = np.arange(len(read))
    apart = (by_skin_deg - by_landmarks_deg)[read]
    return by_landmarks_deg + share * np.stack([np.interp(numbers, numbers[read], axis) for axis in apart.T], axis=1)


def aligned(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, float]:
    """(3, 3) rotation and scale that best take (N, 3) points to others (Umeyama 1991)."""
    before, after = before - before.mean(axis=0), after - after.mean(axis=0)
    left, sizes, right = np.linalg.svd(after.T @ before)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    return left @ np.diag(signs) @ right, float((sizes * signs).sum() / (before**2).sum())


def _translation(track: Track, reference: np.ndarray, points: np.ndarray, scale: np.ndarray, angles_deg: np.ndarray) -> np.ndarray:
    """(T, 3) metres of the point the head turns about: where the face went, less what the turn alone did to it."""
    left, right = (track.landmarks_px[:, list(corners), :2].mean(axis=1) for corners in EYE_CORNERS)
    px_per_m = np.nanmedian(np.linalg.norm(left - right, axis=1) / scale) / PUPIL_DISTANCE_M
    middle = points.mean(axis=1)
    moved = np.zeros_like(middle)
    moved[:, :2] = (middle[:, :2] - np.nanmean(middle[:, :2], axis=0)) / px_per_m / scale[:, None]
    moved[:, 2] = NOMINAL_DISTANCE_M * (1.0 - 1.0 / scale)  # apparent size, whatever the lens
    return moved - (rotations_from_angles(angles_deg) @ FACE_FROM_PIVOT_M - FACE_FROM_PIVOT_M)


def gaze_motion(track: Track, fps: float) -> np.ndarray:
    """(T, 2, 2) gaze in the head, both eyes together (their difference is noise), against where it rests."""
    corners = track.landmarks_px[:, np.array(EYE_CORNERS), :2]
    middles, irises = corners.mean(axis=2), track.landmarks_px[:, list(IRIS_CENTRES), :2]
    along = middles[:, 0] - middles[:, 1]
    distance = np.linalg.norm(along, axis=1)[:, None]
    along, offset = along / distance, (irises - middles).mean(axis=1) / distance
    up = np.stack([along[:, 1], -along[:, 0]], axis=1)
    travel = np.stack([(offset * along).sum(axis=1), (offset * up).sum(axis=1)], axis=1)
    travel = (travel - np.nanmedian(travel, axis=0)) * IRIS_GAIN / IRIS_RADIUS_IOD
    degrees = np.degrees(np.arcsin(np.clip(travel, -0.9, 0.9)))
    degrees[_hidden(track, fps)] = np.nan  # behind a lid the detector guesses
    gaze = np.clip(smooth(degrees, fps, GAZE_HZ), -MOST_GAZE_DEG, MOST_GAZE_DEG)
    return np.repeat(gaze[:, None], 2, axis=1)


def _hidden(track: Track, fps: float) -> np.ndarray:
    lids = lid_closure(track, fps)
    hidden = np.nan_to_num(lids.mean(axis=1)) > 0.5
    return hidden if not hidden.all() else np.zeros(len(hidden), bool)


def lid_closure(track: Track, fps: float) -> np.ndarray:
    """(T, 2) closure of the subject's left, right lid, 0 open .. 1 shut, NaN where unseen.

    From the height of the eye's opening (eye aspect ratio, Soukupova & Cech 2016) against what it has been around that time:
    a look down, which lowers the lid for as long as it lasts, is no blink.
    """
    columns = []
    for corners, lids in zip(EYE_CORNERS, EYE_LIDS):
        height = np.mean([_distance(track, upper, lower) for upper, lower in lids], axis=0)
        ratio = height / _distance(track, *corners)
        known = np.where(np.isfinite(ratio), ratio, np.nanmedian(ratio))
        usual = percentile_filter(known, OPEN_PERCENTILE, size=max(round(OPEN_WINDOW_S * fps) | 1, 3), mode="nearest")
        loss = 1.0 - ratio / np.maximum(usual, 1e-3)
        columns.append(np.clip((loss - SHUT_FROM) / (SHUT_AT - SHUT_FROM), 0.0, 1.0))
    return np.stack(columns, axis=1)


def _distance(track: Track, first: int, second: int) -> np.ndarray:
    return np.linalg.norm(track.landmarks_px[:, first] - track.landmarks_px[:, second], axis=1)


def expression(track: Track, fps: float) -> tuple[np.ndarray, dict[str, float]]:
    """(T, 52) channels without gaze, and the rest that was taken out of each: name -> score.

    A score counts from the person's own rest up: (score - rest) / (1 - rest). How far the mouth opens and spreads comes from the
    lips themselves, because the scores of these movements have another scale on every face.
    """
    rest = np.nanpercentile(track.scores, REST_PERCENTILE, axis=0)
    smoothed = smooth(track.scores, fps, EXPRESSION_HZ)
    channels = np.clip((smoothed - rest) / np.maximum(1.0 - rest, 0.2), 0.0, 1.0)
    jaw_score = channels[:, CHANNEL_INDEX["jawOpen"]].copy()
    for name in (*UNUSABLE, *FROM_LIPS):
        channels[:, list(channel_columns(name))] = 0.0
    for name, curve in _mouth(track, channels, jaw_score, fps).items():
        channels[:, list(channel_columns(name))] = np.clip(curve, 0.0, 1.0)[:, None]
    lids = smooth(lid_closure(track, fps), fps, LIDS_HZ)
    channels[:, list(channel_columns("eyeBlink"))] = np.clip(lids, 0.0, 1.0)
    return channels, {name: round(float(rest[CHANNEL_INDEX[name]]), 3) for name in ARKIT_CHANNELS if rest[CHANNEL_INDEX[name]] > 0.02}


def _mouth(track: Track, channels: np.ndarray, jaw_score: np.ndarray, fps: float) -> dict[str, np.ndarray]:
    """FROM_LIPS -> (T,) curves which, with the other (T, 52) channels, part and spread the lips as they were seen to.

    The score of the jaw ((T,), in life size) has half a say: on a mouth that shows its teeth at rest the lips hardly tell.
    """
    left, right = (track.landmarks_px[:, list(corners)].mean(axis=1) for corners in EYE_CORNERS)
    unit = np.linalg.norm(left - right, axis=1)
    seen = smooth(np.stack([_distance(track, *pair) for pair in MOUTH_PAIRS], axis=1) / unit[:, None], fps, EXPRESSION_HZ)
    gap = np.maximum(seen[:, 0] - np.percentile(seen[:, 0], GAP_REST_PERCENTILE), 0.0)
    score_unit = np.percentile(gap, 95) / max(np.percentile(jaw_score, 95), 0.02)
    gap = 0.5 * (gap + np.minimum(jaw_score * score_unit, gap.max()))
    shut = gap < np.percentile(gap, WIDTH_REST_SHARE)
    curves = opened({name: np.zeros(len(gap)) for name in FROM_LIPS}, gap)
    other = {name: channels[:, list(channel_columns(name))].mean(axis=1) for name in ("mouthSmile", "mouthDimple", "mouthFrown")}
    width = seen[:, 1] - np.median(seen[shut, 1]) - seen_width(other)
    return spread(curves, within_reach(width - seen_width(curves), np.zeros(len(gap))))
