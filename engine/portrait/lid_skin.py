"""The texture of an upper lid: the picture along its edge, the skin that an open eye hides, and lashes."""

from __future__ import annotations

import cv2
import numpy as np
import scipy.ndimage

from ..motion.clip import CHANNEL_INDEX
from .fit import Fit
from .lid_grain import RING, RING_STEPS, lid_grain
from .topology import LID_UPPER
from .window import values_at

SKIN_ABOVE = (0.015, 0.1)
SKIN_BELOW = (0.07, 0.16)
SKIN_LIGHT = 70
LIGHT_FROM_BELOW = 0.4
"""A closed lid has the colour of what an open eye shows of it: this percentile of the light so far above the eye (pupil distances),
without the fold's shadow and the lashes. It bulges into the light as the skin so far beneath the eye does: the light of
the two is mixed by the share, by ratios: a lid in a deep dark socket stays dark."""
HUE_ABOVE, HUE_LIT = 0.16, (45, 85)
"""Its hue is that of what lies between these percentiles of brightness up to so far above the eye: folds and rims are red, most so
painted ones, and what shines has no hue."""
PAINTED = (0.2, 0.45)
"""Skin above the eye whose hue differs so much from that below (sum over sRGB channels of parts of their mean) is painted: a lid with
eye shadow keeps its colour, light and all."""
FRAME_SHADE = 0.85
"""Above a lid behind glasses there is a frame, and in its shade the skin is this bright against that below the eye."""
COLOUR_BLUR = 0.07
DOME = ((0.0, 0.96), (0.4, 1.05), (0.8, 0.97), (1.0, 0.88))
"""Shading of the lid over the eyeball from the fold (0) to the strip (1): light from above, and it curves under."""
MEETS_STRIP, MEETS_FOLD = 0.35, 0.6
"""Over these shares of its height the skin takes on the colours of the strip below and of the fold above it,"""
FOLD_KEPT = 0.8
"""of the fold by so much: it flattens."""
FOLD_BLUR, STRIP_BLUR = 0.06, 0.008
"""Single hairs and wrinkles of those do not count, pupil distances."""
LASH_SEEN_FROM = 0.02
"""The darkest of the picture this far above the lid's edge (pupil distances) are its lashes."""
LASH_DARKEST = 0.42
"""A seam between closed lids is at least this dark, of the skin."""
LASH_CORE = 0.2
"""The solid line of lashes takes this share of their length, and fades over as much again and a half."""
LASH_HAIRS = 42
HAIR_CONTRAST = (0.35, 0.75)
"""Single hairs are drawn where the picture's lashes are this much darker than its skin: not at all, fully."""
GUTTER_PX = 2
SUPERSAMPLING = 3


def lid_texture(image: np.ndarray, fit: Fit, side: str, strip: np.ndarray, curves: tuple[np.ndarray, ...],
                rows: tuple[int, int, int], *, seen_above: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """RGBA texture (h, w, 4) uint8 of the lid and the texture coordinates of its vertices.

    strip: the strip's vertices (rows[0] * C, 3); curves: the fold, the strip's top, the lid's edge and the lower lid (C, 3),
    from the outer to the inner corner; rows: of the strip, the skin and the lashes; seen_above: whether there is skin, and no
    frame of glasses, above the eye.
    """
    fold, top, edge, lower = curves
    low, high = np.floor(strip[:, :2].min(axis=0)).astype(int) - 1, np.ceil(strip[:, :2].max(axis=0)).astype(int) + 2
    columns, lines = (np.clip(np.arange(low[k], high[k]), 0, image.shape[1 - k] - 1) for k in range(2))
    picture = image[np.ix_(lines, columns)]
    fall = np.linalg.norm(fit.deltas[CHANNEL_INDEX[f"eyeBlink{side.capitalize()}"], list(LID_UPPER[side]), :2], axis=1).max()
    width = int(np.clip(np.linalg.norm(edge[-1] - edge[0]), 16, 2048))
    skin_colour = lit_skin(image, fit, edge, lower, width, seen_above)
    borders = [line_colour(image, curve, width, blur * fit.pupil_distance)
               for curve, blur in ((fold, FOLD_BLUR), (top, STRIP_BLUR))]
    if not seen_above:
        borders[0] = skin_colour
    skin = lid_skin(skin_colour, borders, int(np.clip(1.3 * fall, 8, 1024)))
    grain = lid_grain(image, fit, side, beside_eye(fit, edge, lower, seen_above), lower[len(lower) // 2, :2], skin.shape[:2])
    skin = np.clip(skin + grain, 0, 255).astype(np.uint8)
    lashes = lash_fringe(image, fit, edge, skin_colour, int(np.clip(0.06 * fit.pupil_distance, 8, 256)))
    return stack([picture, skin, lashes], strip[:, :2] - low, len(edge), rows)


def stack(pieces: list[np.ndarray], in_picture: np.ndarray, columns: int, rows) -> tuple[np.ndarray, np.ndarray]:
    """The pieces in one texture, one below the other, and (V, 2) coordinates: the strip's by position, others by row."""
    width = max(piece.shape[1] for piece in pieces)
    tops, sheets, line = [], [], 0
    for piece in pieces:
        if piece.shape[2] == 3:
            piece = np.dstack([piece, np.full(piece.shape[:2], 255, np.uint8)])
        sheets.append(cv2.copyMakeBorder(piece, 0, GUTTER_PX, 0, width - piece.shape[1], cv2.BORDER_REPLICATE))
        tops.append(line)
        line += piece.shape[0] + GUTTER_PX
    places = [in_picture + 0.5]
    for piece, first, count in zip(pieces[1:], tops[1:], rows[1:]):
        u, v = np.meshgrid(np.linspace(0.5, piece.shape[1] - 0.5, columns),
                           first + np.linspace(0.5, piece.shape[0] - 0.5, count))
        places.append(np.stack([u.ravel(), v.ravel()], axis=1))
    return np.concatenate(sheets), np.concatenate(places) / (width, line)


def along(curve: np.ndarray, count: int) -> np.ndarray:
    """(count, 2) points at even steps along a curve (C, 2+)."""
    places = np.linspace(0, len(curve) - 1, count)
    return np.stack([np.interp(places, np.arange(len(curve)), curve[:, k]) for k in range(2)], axis=1)


def lit_skin(image: np.ndarray, fit: Fit, edge: np.ndarray, lower: np.ndarray, width: int, seen_above: bool) -> np.ndarray:
    """(width, 3) colour of lit skin around the eye, column by column."""
    pd, colours = fit.pupil_distance, []
    for curve, span, farthest, upwards in ((edge, SKIN_ABOVE, HUE_ABOVE, -1), (lower, SKIN_BELOW, SKIN_BELOW[1], 1)):
        seen, around = (values_at(image, along(curve, width)[:, None] + upwards * heights[None, :, None] * fit.down)
                        for heights in (np.linspace(span[0], end, 16) * pd for end in (span[1], farthest)))
        light = np.percentile(seen.mean(axis=2), SKIN_LIGHT, axis=1)[:, None]
        hue = lit_part(around)
        colours.append(hue / np.maximum(hue.mean(axis=1, keepdims=True), 1.0) * light)
    if not seen_above:
        colours[0] = FRAME_SHADE * colours[1]
    above, below = (np.maximum(colour.mean(axis=1, keepdims=True), 1.0) for colour in colours)
    hues = colours[0] / above, colours[1] / below
    painted = np.clip((np.abs(hues[0] - hues[1]).sum(axis=1).mean() - PAINTED[0]) / (PAINTED[1] - PAINTED[0]), 0, 1)
    share = LIGHT_FROM_BELOW * (1 - painted)
    lit = above * (below / above) ** share * (hues[0] + share * (hues[1] - hues[0]))
    return scipy.ndimage.gaussian_filter1d(lit, COLOUR_BLUR * pd, axis=0, mode="nearest")


def lit_part(colours: np.ndarray) -> np.ndarray:
    """(N, 3) the mean of what is in the light, of colours (N, K, 3)."""
    light = colours.mean(axis=2)
    low, high = np.percentile(light, HUE_LIT, axis=1)[..., None]
    lit = (light >= low) & (light <= high)
    return (colours * lit[..., None]).sum(axis=1) / lit.sum(axis=1)[:, None]


def beside_eye(fit: Fit, edge: np.ndarray, lower: np.ndarray, seen_above: bool) -> list[np.ndarray]:
    """Points (N, 2) of the skin above (unless a frame is there) and below the eye."""
    count, steps = RING_STEPS
    heights = np.linspace(*RING, steps)[None, :, None] * fit.pupil_distance * fit.down
    points = [(along(curve, count)[:, None] + way * heights).reshape(-1, 2) for curve, way in ((edge, -1), (lower, 1))]
    return points if seen_above else points[1:]


def line_colour(image: np.ndarray, curve: np.ndarray, width: int, blur_px: float) -> np.ndarray:
    """(width, 3) the picture's colours along a curve, without single hairs."""
    return scipy.ndimage.gaussian_filter1d(values_at(image, along(curve, width)[None])[0], blur_px, axis=0, mode="nearest")


def lid_skin(colour: np.ndarray, borders: list[np.ndarray], height: int) -> np.ndarray:
    """(height, W, 3) smooth colours of the lid's skin from the fold (top) to the strip (bottom).

    colour (W, 3): of lit skin; borders: two (W, 3), what the picture shows at the fold and at the strip's top.
    """
    v = np.linspace(0, 1, height)
    skin = colour[None] * np.interp(v, *np.transpose(DOME))[:, None, None]
    from_fold = FOLD_KEPT * np.clip(1 - v / MEETS_FOLD, 0, 1) ** 2
    from_strip = np.clip((v - 1 + MEETS_STRIP) / MEETS_STRIP, 0, 1) ** 2
    for border, share in zip(borders, (from_fold, from_strip)):
        skin = skin + share[:, None, None] * (border[None] - skin)
    return skin


def lash_fringe(image: np.ndarray, fit: Fit, edge: np.ndarray, skin: np.ndarray, height: int) -> np.ndarray:
    """(height, W, 4) uint8: lashes from their roots (top) to their tips, as dark and as distinct as the picture's own."""
    width = len(skin)
    heights = -np.linspace(0, LASH_SEEN_FROM, 7) * fit.pupil_distance
    seen = values_at(image, along(edge, width)[:, None] + heights[None, :, None] * fit.down)
    darkest = np.take_along_axis(seen, seen.mean(axis=2).argmin(axis=1)[:, None, None], axis=1)[:, 0]
    darkest = scipy.ndimage.gaussian_filter1d(darkest, COLOUR_BLUR * fit.pupil_distance, axis=0, mode="nearest")
    light, dark = skin.mean(axis=1), darkest.mean(axis=1)
    contrast = 1 - np.median(dark) / max(float(np.median(light)), 1.0)
    colour = darkest * np.minimum(1.0, LASH_DARKEST * light / np.maximum(dark, 1.0))[:, None]
    distinct = float(np.clip((contrast - HAIR_CONTRAST[0]) / (HAIR_CONTRAST[1] - HAIR_CONTRAST[0]), 0, 1))
    v = np.linspace(0, 1, height)[:, None]
    core = np.clip((2.5 - v / LASH_CORE) / 1.5, 0, 1)
    alpha = np.maximum(core * (0.85 + 0.1 * distinct), 0.85 * distinct * hairs(height, width))
    return np.dstack([np.broadcast_to(colour[None], (height, width, 3)), 255 * alpha]).astype(np.uint8)


def hairs(height: int, width: int) -> np.ndarray:
    """(height, width) 0..1: tapering hairs of uneven length, the same for everybody."""
    random = np.random.default_rng(7)
    scale = SUPERSAMPLING
    canvas = np.zeros((height * scale, width * scale), np.uint8)
    for place in (np.arange(LASH_HAIRS) + random.uniform(0.1, 0.9, LASH_HAIRS)) / LASH_HAIRS:
        length, lean = random.uniform(0.55, 1.0), random.normal(0, 0.15) * height / width
        points = [((place + lean * t ** 2) * width * scale, t * length * height * scale) for t in np.linspace(0, 1, 6)]
        for k in range(5):
            thickness = max(1, round(scale * (1.0 - k / 6) * max(width / 90, 0.7)))
            ends = [tuple(round(c) for c in points[k + n]) for n in range(2)]
            cv2.line(canvas, *ends, 255, thickness, cv2.LINE_AA)
    return cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
