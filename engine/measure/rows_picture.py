"""Rows 14 and 17: what must not change does not change. Plain pixel comparison, no detector."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from ..motion.clip import MotionClip
from ..portrait.portrait import Portrait
from .batteries import pose_battery
from .bench import Bench
from .figures import Figure
from .signals import psnr_db

LARGEST_ANGLE_DEG = 10.0
"""Frames of the pose battery that turn further are not asked: hair may leave the dilated matte then."""

MATTE_MARGIN_IOD = 0.75
"""How far the matte is dilated, in inter-ocular distances: the top of a head, 0.25 m above the neck, moves 0.044 m at 10
degrees."""

SMALLEST_BACKGROUND_SHARE = 0.01
SQUARE_IOD = 0.5


def background(bench: Bench) -> list[Figure]:
    """Row 14: outside the dilated matte every frame equals the neutral one; a checkerboard in the plate's place shows."""
    keep = background_mask(bench)
    share = float(keep.mean())
    if share < SMALLEST_BACKGROUND_SHARE:
        reason = f"only {100.0 * share:.1f} % of the picture lies outside the dilated matte"
        return [Figure("background", None, reason), Figure("background_plate", None, reason)]
    asked = np.abs(pose_battery().head_rotation_deg).max(axis=1) <= LARGEST_ANGLE_DEG
    values = [psnr_db(frame, bench.neutral_frame, keep) for frame, wanted in zip(bench.pose_frames, asked) if wanted]
    note = f"worst of {len(values)} frames over {100.0 * share:.0f} % of the picture"
    return [Figure("background", min(values), note), checkerboard_plate(bench, keep)]


def background_mask(bench: Bench) -> np.ndarray:
    """(H, W) bool at the bench's size: true further than MATTE_MARGIN_IOD from everything the matte calls person."""
    matte = (bench.portrait.images["person"][:, :, 3] > 2).astype(np.uint8)
    height, width = bench.neutral_frame.shape[:2]
    matte = cv2.resize(matte, (width, height), interpolation=cv2.INTER_AREA)
    distance = cv2.distanceTransform((matte == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return distance > MATTE_MARGIN_IOD * bench.eye_distance_px


def checkerboard_plate(bench: Bench, keep: np.ndarray) -> Figure:
    """Part of row 14: with a checkerboard as the plate, a turning head shows it, not leftovers of the picture."""
    plate = bench.portrait.images["plate"]
    squares = checkerboard(plate.shape[:2], max(4, round(SQUARE_IOD * bench.eye_distance_px / bench.scale)))
    images = {**bench.portrait.images, "plate": squares}
    clip = MotionClip.neutral(3)
    clip.head_rotation_deg[1:] = ((-8.0, 0.0, 5.0), (8.0, 0.0, -5.0))
    frames = bench.frames(clip, stage="measure: plate", portrait=dataclasses.replace(bench.portrait, images=images))
    expected = cv2.resize(squares, bench.size, interpolation=cv2.INTER_AREA)
    value = min(psnr_db(frame, expected, keep & ~edges_of(expected)) for frame in frames)
    return Figure("background_plate", value, "outside the dilated matte, edges of the squares left out")


def checkerboard(shape: tuple[int, int], square_px: int) -> np.ndarray:
    """(H, W, 3) uint8 of green and magenta squares, colours that no portrait has."""
    rows, columns = np.indices(shape) // square_px
    return np.where(((rows + columns) % 2 == 0)[:, :, None], np.uint8([40, 200, 40]), np.uint8([200, 40, 200]))


def edges_of(squares: np.ndarray) -> np.ndarray:
    """(H, W) bool: pixels near a colour step, where resizing filters may differ."""
    steps = np.zeros(squares.shape[:2], np.uint8)
    green = squares[:, :, 1].astype(np.int16)
    steps[:, 1:] |= np.abs(np.diff(green, axis=1)) > 4
    steps[1:] |= np.abs(np.diff(green, axis=0)) > 4
    return cv2.dilate(steps, np.ones((5, 5), np.uint8)).astype(bool)


def rest(bench: Bench) -> list[Figure]:
    """Row 17: a neutral clip at the picture's own size gives the picture back."""
    picture, note = bench.source, ""
    if picture is None:
        picture, note = recomposed(bench.portrait), "against the picture put together again from the portrait's layers"
    frame = next(iter(bench.frames(MotionClip.neutral(1), stage="measure: rest", size=bench.portrait.size)))
    low, high = (limit(bench.portrait.landmarks_px[:, :2], axis=0).astype(int) for limit in (np.min, np.max))
    low, high = np.maximum(low, 0), np.minimum(high + 1, bench.portrait.size)
    window = np.s_[low[1]:high[1], low[0]:high[0]]
    return [Figure("rest", psnr_db(frame, picture), note),
            Figure("rest_face", psnr_db(frame[window], picture[window]), note)]


def recomposed(portrait: Portrait) -> np.ndarray:
    """(H, W, 3) uint8: person over halo over plate, which is how the picture was taken apart."""
    picture = portrait.images["plate"][:, :, :3].astype(np.float32)
    for name in ("halo", "person"):
        layer = portrait.images[name].astype(np.float32)
        picture += (layer[:, :, :3] - picture) * (layer[:, :, 3:] / 255.0)
    return np.rint(picture).astype(np.uint8)
