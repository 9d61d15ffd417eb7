"""The invisible mark: a faint pattern over every frame that carries a 32-bit number and survives common editing.

Spread spectrum in the mid frequencies of luminance (Cox, Kilian, Leighton, Shamoon, "Secure spread spectrum watermarking for
multimedia", IEEE Trans. Image Processing 6, 1997), repeated as tiles so that a reader finds its place again after cropping
(Kalker, Depovere, Haitsma, Maes, "A video watermarking system for broadcast monitoring", SPIE 3657, 1999), read by
phase-only correlation (Kuglin and Hines, 1975), with a strength that follows the picture's texture.

The pattern's unit is 1/512 of the picture's longer side (never less than a pixel), so that it is as fine on a large picture
as on a small one. A reader tries sizes; at each it adds all tiles up, looks for the synchronisation part at every place at
once, and decodes. The key is public, since the source is: the mark is a label that lasts, not a proof. Who wants to take it
off can.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass

import cv2
import numpy as np

from .mark_code import CODED_BITS, decode, encode

UNITS = 512
"""The longer side of a picture in units of the pattern."""

TILE = 128
"""Side of a tile in units."""

BAND = (7.0, 26.0)
"""Cycles per tile that the pattern lives in: wavelengths of 18 to 5 units. Lower shows, higher is lost in compression."""

SYNC_SHARE = 0.22
"""Share of the band that is the same in every mark; the rest carries the number."""

LEAST_STRENGTH_DARK, LEAST_STRENGTH_BRIGHT, MOST_STRENGTH = 0.42, 0.66, 3.2
"""Standard deviation of the pattern in grey levels where the picture is flat, and at most. A level shows more in the dark,
where it is a larger share of the light."""

DARK, BRIGHT = 40.0, 170.0
"""Grey levels up to which the one holds, and from which on the other."""

STRENGTH_PER_TEXTURE, HIDDEN_TEXTURE = 2.6, 0.32
"""How the strength rises with the texture's mean size in grey levels, above the size at which skin and soft gradients hide
nothing yet."""

LOUDEST_DETAIL = 3.0
"""Grey levels: a stronger detail counts as this much texture."""

LEAST_PSNR_DB = 43.7
"""The pattern is weakened where it would change the picture more."""


@dataclass(frozen=True)
class Layout:
    """Which coefficients of a tile's Fourier transform do what.

    rows, columns: (M,) of one half of the plane; phases: (M,) radians; bit: (M,) the coded bit each carries, -1 for
    synchronisation.
    """

    rows: np.ndarray
    columns: np.ndarray
    phases: np.ndarray
    bit: np.ndarray


@functools.cache
def layout() -> Layout:
    """The one layout, from a hash chain, so that it is the same wherever it is computed."""
    rows, columns = np.meshgrid(np.arange(-TILE // 2, TILE // 2), np.arange(0, TILE // 2), indexing="ij")
    radius = np.hypot(rows, columns)
    half = ((columns > 0) | (rows > 0)) & (radius >= BAND[0]) & (radius <= BAND[1])
    rows, columns = rows[half], columns[half]
    phases = 2 * np.pi * _chance("phases", len(rows))
    order = np.argsort(_chance("order", len(rows)), kind="stable")
    carriers = round(len(rows) * (1 - SYNC_SHARE)) // CODED_BITS * CODED_BITS
    bit = np.full(len(rows), -1)
    bit[order[:carriers]] = np.arange(carriers) % CODED_BITS
    return Layout(rows % TILE, columns, phases, bit)


def _chance(name: str, count: int) -> np.ndarray:
    """(count,) numbers in 0..1 that `name` alone decides."""
    blocks = (hashlib.sha256(f"soliloquy mark 1 {name} {index}".encode()).digest() for index in range(-(-count // 8)))
    return np.frombuffer(b"".join(blocks), ">u4")[:count] / 2.0**32


def pattern_tile(number: int) -> np.ndarray:
    """(TILE, TILE) float32 pattern for `number`, standard deviation 1, repeating without a seam."""
    plan = layout()
    signs = np.where(plan.bit >= 0, encode(number)[plan.bit], 1.0)
    spectrum = np.zeros((TILE, TILE), complex)
    spectrum[plan.rows, plan.columns] = signs * np.exp(1j * plan.phases) * _loudness(plan)
    tile = np.fft.ifft2(spectrum).real
    return (tile / tile.std()).astype(np.float32)


def _loudness(plan: Layout) -> np.ndarray:
    """(M,) amplitude of each coefficient: falling with frequency, as pictures and what compression leaves of them do."""
    return np.hypot((plan.rows + TILE // 2) % TILE - TILE // 2, plan.columns) ** -0.5


def unit_px(size: tuple[int, int]) -> float:
    """Pixels per unit in a picture of `size`."""
    return max(1.0, max(size) / UNITS)


class Marker:
    """Marks the frames of one clip. The strength is set by the first frame: a portrait's texture stays where it is."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._up: np.ndarray | None = None
        self._down: np.ndarray | None = None

    def apply(self, frame: np.ndarray) -> np.ndarray:
        """A marked copy of a (H, W, 3|4) uint8 frame; alpha stays as it is."""
        if self._up is None or self._up.shape != frame.shape:
            self._prepare(frame)
        return cv2.subtract(cv2.add(frame, self._up), self._down)

    def _prepare(self, frame: np.ndarray) -> None:
        height, width = frame.shape[:2]
        change = np.round(_spread(pattern_tile(self.number), (width, height)) * _strength(frame))
        self._up, self._down = np.zeros_like(frame), np.zeros_like(frame)
        self._up[..., :3] = np.clip(change, 0, 255).astype(np.uint8)[..., None]
        self._down[..., :3] = np.clip(-change, 0, 255).astype(np.uint8)[..., None]


def _spread(tile: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`tile` repeated over a picture of `size`, (H, W) float32."""
    unit = unit_px(size)
    counts = [int(np.ceil(side / unit / TILE)) + 1 for side in size]
    sheet = np.tile(tile, (counts[1], counts[0]))
    shift = 0.5 / unit - 0.5  # pixel centres: place (x + 0.5) / unit - 0.5
    place = np.array([[1 / unit, 0, shift], [0, 1 / unit, shift]], np.float32)
    return cv2.warpAffine(sheet, place, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_WRAP)


def _strength(frame: np.ndarray) -> np.ndarray:
    """(H, W) standard deviation of the pattern in grey levels: fine texture hides it; flat areas, soft gradients and hard
    edges do not.

    Texture is what is fine everywhere within ten units: the least of it there counts, so that lettering on a flat ground is
    no texture.
    """
    grey = _grey(frame)
    unit = unit_px(grey.shape[::-1])
    coarse = cv2.GaussianBlur(grey, (0, 0), 1.5 * unit)
    texture = cv2.GaussianBlur(np.minimum(np.abs(grey - coarse), LOUDEST_DETAIL), (0, 0), 1.2 * unit)
    apart = 2 * round(10 * unit) + 1
    texture = cv2.GaussianBlur(cv2.erode(texture, np.ones((apart, apart), np.uint8)), (0, 0), 3 * unit)
    brightness = np.clip((coarse - DARK) / (BRIGHT - DARK), 0, 1)
    least = LEAST_STRENGTH_DARK + (LEAST_STRENGTH_BRIGHT - LEAST_STRENGTH_DARK) * brightness
    strength = np.minimum(least + STRENGTH_PER_TEXTURE * np.maximum(0, texture - HIDDEN_TEXTURE), MOST_STRENGTH)
    allowed = 255.0 * 10 ** (-LEAST_PSNR_DB / 20)
    return strength * min(1.0, allowed / float(np.sqrt(np.mean(strength**2))))


def _grey(picture: np.ndarray) -> np.ndarray:
    """(H, W) float32 luma; what is transparent becomes mid grey."""
    if picture.ndim == 2:
        return picture.astype(np.float32)
    grey = cv2.cvtColor(picture[..., :3], cv2.COLOR_RGB2GRAY).astype(np.float32)
    if picture.shape[2] == 4:
        alpha = picture[..., 3].astype(np.float32) / 255
        grey = grey * alpha + 128 * (1 - alpha)
    return grey


@dataclass(frozen=True)
class Reading:
    """What a reader found: the number (None: nothing that can be read), how sure the place is (standard deviations above
    chance at the likeliest place), and how many units the picture's longer side spans there."""

    number: int | None
    certainty: float
    span: float


SPANS_TRIED = UNITS * np.exp(np.arange(np.log(0.42), np.log(2.2), 0.005))
"""Units that the longer side of a picture may span: 512 when it is whole, fewer when it was cropped, more with something
around it."""

LARGEST_READ_PX = 1024
"""A larger picture is made smaller before it is read."""

MOST_DECODED = 8
"""Places decoded per file. Each has a chance of 2^-24 to pass the CRC by accident: 4.8e-7 in all."""

LEAST_VARIANCE = 2.0
"""Grey levels squared: less texture than this counts no more, since what is left of it there is rounding."""

LEAST_CERTAINTY = 4.0
"""A place found with less is not decoded."""


def read_mark(pictures: list[np.ndarray]) -> Reading:
    """Look for a mark in pictures (H, W[, 3|4]) uint8 of one size that carry the same one: frames of a clip, or a single
    picture.

    Frames are added up. The first is also tried alone: video codecs give it more bits than those that follow.
    """
    first = _fine(_grey(pictures[0]))
    fine = first + sum((_fine(_grey(picture)) for picture in pictures[1:]), np.float32(0))
    spans = dict.fromkeys((float(UNITS), max(pictures[0].shape[:2]) / unit_px(pictures[0].shape[1::-1])))
    whole = [_find(texture, span) for texture in ((fine, first) if len(pictures) > 1 else (fine,)) for span in spans]
    for found in whole:
        if (number := found.decoded()) is not None:
            return Reading(number, found.certainty, found.span)
    others = sorted((_find(fine, span) for span in SPANS_TRIED), key=lambda found: -found.certainty)
    for found in others[:MOST_DECODED - len(whole)]:
        if (number := found.decoded()) is not None:
            return Reading(number, found.certainty, found.span)
    return Reading(None, max(found.certainty for found in (*whole, others[0])), others[0].span)


@dataclass(frozen=True)
class _Found:
    """The likeliest place of the tiles at one size. values: (M,) the coefficients of `layout`, their phases only."""

    span: float
    certainty: float
    row: int
    column: int
    values: np.ndarray

    def decoded(self) -> int | None:
        if self.certainty < LEAST_CERTAINTY:
            return None
        plan = layout()
        turn = np.exp(2j * np.pi * (plan.rows * self.row + plan.columns * self.column) / TILE - 1j * plan.phases)
        evidence = (self.values * turn).real
        carriers = plan.bit >= 0
        return decode(np.bincount(plan.bit[carriers], evidence[carriers], CODED_BITS))


def _find(fine: np.ndarray, span: float) -> _Found:
    """Fold the fine texture as if its longer side spanned `span` units, and find where the tiles begin."""
    plan = layout()
    values = np.fft.fft2(_folded(fine, span))[plan.rows, plan.columns]
    values = values / (np.abs(values) + 1e-9)
    sync = plan.bit < 0
    matched = np.zeros((TILE, TILE), complex)
    matched[plan.rows[sync], plan.columns[sync]] = values[sync] * np.exp(-1j * plan.phases[sync])
    match = np.fft.ifft2(matched).real * TILE * TILE
    row, column = np.unravel_index(match.argmax(), match.shape)
    return _Found(span, float(match[row, column] / np.sqrt(sync.sum() / 2)), int(row), int(column), values)


def _fine(grey: np.ndarray) -> np.ndarray:
    """The picture freed of everything but fine texture, at most LARGEST_READ_PX.

    Each place counts by its signal over its noise: where texture is strong, so is the pattern, but less so. Dividing by the
    texture's standard deviation would be right for a pattern as much stronger, by its variance for one that is the same
    everywhere; it lies between.
    """
    longer = max(grey.shape)
    if longer > LARGEST_READ_PX:
        size = [max(1, round(side * LARGEST_READ_PX / longer)) for side in grey.shape[::-1]]
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    unit = max(grey.shape) / UNITS
    fine = grey - cv2.GaussianBlur(grey, (0, 0), max(1.0, 5.0 * unit))
    return fine / (cv2.GaussianBlur(fine * fine, (0, 0), max(1.0, 3.0 * unit)) + LEAST_VARIANCE) ** 0.75


def _folded(fine: np.ndarray, span: float) -> np.ndarray:
    """(TILE, TILE): all tiles of `fine`, resized so that its longer side has `span` units, added up."""
    longer = max(fine.shape)
    size = [max(1, round(side * span / longer)) for side in fine.shape[::-1]]
    small = cv2.resize(fine, size, interpolation=cv2.INTER_AREA if span < longer else cv2.INTER_CUBIC)
    sheet = np.zeros([-(-side // TILE) * TILE for side in small.shape], np.float32)
    sheet[:small.shape[0], :small.shape[1]] = small
    return sheet.reshape(sheet.shape[0] // TILE, TILE, sheet.shape[1] // TILE, TILE).sum(axis=(0, 2))
