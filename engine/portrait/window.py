"""Looking at a large picture through a window: what is done near a face is done on the pixels there, not on all of them."""

from __future__ import annotations

import cv2
import numpy as np

BILINEAR_PX = 2
"""Bilinear sampling reads the four pixels around a place."""
BLUR_REACH = 4.0
"""A Gaussian ends so many standard deviations from its middle, in OpenCV too."""


def window_around(points: np.ndarray, margin_px: float, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of a picture of `shape` within `margin_px` of points (N, 2+); at least one pixel."""
    low, high = np.floor(points[:, :2].min(axis=0) - margin_px), np.ceil(points[:, :2].max(axis=0) + margin_px) + 1
    spans = []
    for axis, side in ((1, shape[0]), (0, shape[1])):
        start = int(np.clip(low[axis], 0, side - 1))
        spans.append(slice(start, int(np.clip(high[axis], start + 1, side))))
    return tuple(spans)


def corner_of(window: tuple[slice, slice]) -> np.ndarray:
    """(x, y) float32 of the window's first pixel."""
    return np.array([window[1].start, window[0].start], np.float32)


def values_at(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(..., C) float32 of the picture (H, W, C) at points (..., 2), bilinear; beyond its border its border."""
    points = points.astype(np.float32)
    window = window_around(points.reshape(-1, 2), BILINEAR_PX, image.shape)
    x, y = np.moveaxis(points - corner_of(window), -1, 0)
    return cv2.remap(image[window].astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def blurred_around(picture: np.ndarray, points: np.ndarray, sigma: float) -> tuple[np.ndarray, tuple[int, int]]:
    """The part of a picture (H, W, 3 or 4) that holds points (N, 2), blurred by sigma pixels, (h, w, 3) float32 of 0..255, and the
    (left, top) corner where it lies: a face takes little of a big picture, whose blur would take gigabytes."""
    reach = int(np.ceil(BLUR_REACH * sigma)) + 2
    inside = np.clip(points, 0, np.array(picture.shape[1::-1]) - 1)
    left, top = np.maximum(np.floor(inside.min(axis=0)).astype(int) - reach, 0)
    right, bottom = np.ceil(inside.max(axis=0)).astype(int) + reach + 1
    part = cv2.GaussianBlur(picture[top:bottom, left:right, :3].astype(np.float32), (0, 0), sigma)
    return part, (int(left), int(top))
