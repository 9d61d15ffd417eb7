"""The border that a scan has around the picture: a film's edge, a mount, lines without a picture.

It is no part of the scene. It stands still, in front of whoever reaches it, and what is moved or filled in knows nothing of it:
the person and the plate are made of the picture with its own inside mirrored into the border.
"""

from __future__ import annotations

import cv2
import numpy as np

WIDEST = 0.02
"""A border takes this share of the picture's long side at the most."""
LEAST_STEP = 16.0
"""Levels between a border's last line and the picture's first one, on average."""
CLEAR = 4.0
"""The step is this many times what neighbouring lines of the picture differ by, and what the border varies along its length: a
border is plain."""
SOFT = 3
"""Lines beside the step that still mix both, at the most, when they differ more than the picture's lines do."""

Border = tuple[int, int, int, int]
"""Pixels at the picture's left, top, right and bottom that belong to its border."""
NO_BORDER: Border = (0, 0, 0, 0)


def find_border(image: np.ndarray) -> Border:
    """How wide the border of `image` (H, W, 3) uint8 is on each side, 0 where there is none."""
    widest = max(1, round(WIDEST * max(image.shape[:2])))
    sides = (image.transpose(1, 0, 2), image, image[:, ::-1].transpose(1, 0, 2), image[::-1])
    left, top, right, bottom = (_border_above(lines, widest) for lines in sides)
    return left, top, right, bottom


def _border_above(lines: np.ndarray, widest: int) -> int:
    """How many of the first lines of an image (H, W, 3) are a border."""
    near = lines[:3 * widest].astype(np.float32)
    steps = np.abs(np.diff(near, axis=0)).mean(axis=(1, 2))
    if len(steps) <= widest:
        return 0
    width = int(steps[:widest].argmax()) + 1
    usual = float(np.median(steps[width:]))
    varies = float(near[:width].std(axis=1).mean())
    if steps[width - 1] < max(LEAST_STEP, CLEAR * usual, CLEAR * varies):
        return 0
    soft = steps[width:width + SOFT] > CLEAR / 2 * max(usual, 1.0)
    return width + (SOFT if soft.all() else int(soft.argmin()))


def without_border(image: np.ndarray, border: Border) -> np.ndarray:
    """`image` (H, W, C) with the inside of the picture mirrored into its border."""
    if border == NO_BORDER:
        return image
    left, top, right, bottom = border
    inside = image[top:image.shape[0] - bottom, left:image.shape[1] - right]
    return cv2.copyMakeBorder(inside, top, bottom, left, right, cv2.BORDER_REFLECT)


def put_back(plate: np.ndarray, halo: np.ndarray, image: np.ndarray, border: Border) -> None:
    """Let the border be seen in a plate (H, W, 3) and a halo (H, W, 4) made without it, as it is in `image` (H, W, 3)."""
    left, top, right, bottom = border
    height, width = image.shape[:2]
    for rows, columns in ((slice(0, top), slice(None)), (slice(height - bottom, None), slice(None)),
                          (slice(None), slice(0, left)), (slice(None), slice(width - right, None))):
        plate[rows, columns] = image[rows, columns]
        halo[rows, columns, 3] = 0
