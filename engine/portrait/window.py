"""Looking at a large picture through a window: what is done near a face is done on the pixels there, not on all of them."""

from __future__ import annotations

import cv2
import numpy as np

BILINEAR_PX = 2
"""Bilinear sampling reads the four pixels around a place."""


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
