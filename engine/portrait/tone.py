"""What a picture does to colours: a photograph in black and white or sepia has one hue for every brightness, so must all that we add."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .window import corner_of, window_around

LUMA = np.array([0.299, 0.587, 0.114])
"""Rec. ITU-R BT.601 luma of R, G, B."""
LEVELS = 64
"""Steps of brightness whose colour is remembered."""
MOST_PIXELS = 1 << 20
"""Of a face with more pixels than this every other one is looked at, or every third, ..."""
ONE_HUE, MANY_HUES = 6.0, 11.0
"""98th percentile of how far a face's pixels (0..255) lie from the mean colour of their brightness: below the first the picture
is monochrome, above the second in colour. Measured: grey photographs 4, paintings and colour photographs from 13 up."""


@dataclass
class Tone:
    """curve (LEVELS, 3): the colour, 0..1, that each brightness has in the picture; amount 0..1: how monochrome the picture is."""

    curve: np.ndarray
    amount: float

    def applied(self, colour: np.ndarray) -> np.ndarray:
        """(N, 3) colours 0..1 as this picture would show them."""
        brightness = np.asarray(colour) @ LUMA
        steps = np.linspace(0, 1, LEVELS)
        toned = np.stack([np.interp(brightness, steps, self.curve[:, k]) for k in range(3)], axis=-1)
        return (colour + self.amount * (toned - colour)).astype(np.float32)

    def tint(self, factor: tuple[float, float, float]) -> np.ndarray:
        """(3,) a factor on colours; on a monochrome picture it may darken but not dye."""
        return np.array(factor) + self.amount * (np.array(factor) @ LUMA - np.array(factor))


def picture_tone(image: np.ndarray, surface: np.ndarray) -> Tone:
    """The tone of `image` (H, W, 3) uint8 sRGB, read off the face under `surface` (468, 3)."""
    window = window_around(surface, 1, image.shape)
    mask = np.zeros(image[window].shape[:2], np.uint8)
    hull = cv2.convexHull(surface[:, :2].astype(np.float32)).astype(np.int32)
    cv2.fillConvexPoly(mask, hull - corner_of(window).astype(np.int32), 1)
    pixels = image[window][mask > 0]
    pixels = pixels[:: max(1, -(-len(pixels) // MOST_PIXELS))].astype(np.float64)
    if not len(pixels):
        return Tone(np.repeat(np.linspace(0, 1, LEVELS)[:, None], 3, axis=1), 0.0)
    level = pixels @ LUMA / 255 * (LEVELS - 1)
    steps = np.rint(level).astype(int)
    count = np.bincount(steps, minlength=LEVELS)
    seen = np.flatnonzero(count)
    hue = np.stack([np.bincount(steps, pixels[:, k] - pixels @ LUMA, LEVELS)[seen] / count[seen] for k in range(3)], axis=1)
    hue = np.stack([np.interp(np.arange(LEVELS), seen, hue[:, k]) for k in range(3)], axis=1)
    strayed = np.abs(pixels - (pixels @ LUMA)[:, None] - hue[steps]).max(axis=1)
    amount = np.clip((MANY_HUES - np.percentile(strayed, 98)) / (MANY_HUES - ONE_HUE), 0, 1)
    curve = np.clip(np.linspace(0, 1, LEVELS)[:, None] + hue / 255, 0, 1)
    return Tone(curve, float(amount))
