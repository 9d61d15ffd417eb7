"""The pixels of one eye taken apart: the white, the iris and the catch-light, so that laid together they are the picture
again.

The white is completed under lids and iris; the iris is what remains where the picture is darker than that white; the
catch-light is what is brighter than the iris around it. The shadow that the upper lid throws on both is divided out: it
stays with the lid.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

SHADED_WHITE = 0.68
"""Darker parts of the opening, of its bright part, are lashes or lid and say nothing about the white."""
PALEST = 60
"""Of what is left, this percentile by saturation: lid rims and the corner of the eye are redder."""
LEAST_WHITE_PX = 25
LIMBUS = (0.9, 1.06)
"""Under the lids the iris is solid inside the first and gone beyond the second, in its radii."""
IRIS_SOLID, RIM_SEEN, WHITE_KEPT = (0.8, 0.95), (1.06, 1.3), (1.12, 1.42)
"""Where the picture shows its rim, the iris reaches as far as the picture is darker than the white: at least over
IRIS_SOLID, at most over RIM_SEEN; over WHITE_KEPT the white becomes the picture's own."""
LID_EDGE = 0.006
"""The lids' soft edges lie over this much of the picture's own eye and lid (pupil distances), which is kept."""
ARC_SAMPLES, RADIUS_STEPS = 48, np.linspace(0.82, 1.22, 17)
SHIFT_STEPS = np.linspace(-0.14, 0.14, 5)
GLINT_LEVELS, GLINT_OF_WHITE = 30.0, 0.4
"""A catch-light is brighter than the iris at its radius by this many levels, and by this share of what the white is
brighter."""
GLINT_WITHIN = 0.6
"""A patch that lies less than this within the visible iris is lid or white."""
GLINT_MOST_AREA = 0.16
"""A brighter patch larger than this share of the iris is part of the iris, or a window too large to take out."""
SOLVED = (0.25, 0.6)
"""Where the iris has less than the first share of a pixel its colour cannot be told from the mixture, from the second on
it can."""
UNSEEN = (0.85, 1.0)
"""Nothing of the white is seen, and it may be given grain, where the iris has these shares of a pixel: not yet, wholly."""
LEFT_LIGHT = (0.7, 1.04)
"""What the iris's rim leaves to the white may only darken or lighten it so far: else a ring of it stays behind when the
eye turns."""
LEAST_GLINT = 0.12
MOST_SATURATED, OF_SKIN = 0.42, 0.8
"""A white more saturated than this, and than this share of the skin's saturation (old varnish), was taken from lids or canthus; it
is paled."""
SKIN_AROUND, SKIN_BLUR = (0.05, 0.16), 0.08
"""The skin so far around the opening says how the light changes across the eye; averaged over the second, pupil distances."""
LIGHT_FOLLOWED, LIGHT_LIMITS = 0.8, (0.45, 1.1)
"""A white that the picture does not show has this power of the light there against the light where it shows, within limits;"""
HIDDEN_FROM, HIDDEN_SHADE, HIDDEN_TINGE = (0.015, 0.13), 0.14, 0.2
"""and away from what shows (pupil distances: not at all, wholly) an eyeball turns from the light and mirrors the lids: so much darker,
and so much of the skin's hue."""
BRIGHTER_BY, BRIGHTER_KEPT = 0.08, 5.0
"""What is brighter than the completed white beside the iris is white that the completion missed: it stays."""

FILL_SIDE_PX = 320


@dataclass
class EyePixels:
    """The layers, each (h, w, 4) uint8 straight RGBA; white_colour (3,): the white's typical colour in the light."""

    white: np.ndarray
    iris: np.ndarray
    glint: np.ndarray
    white_colour: np.ndarray


def find_iris(crop: np.ndarray, opening: np.ndarray, centre: np.ndarray, radius: float) -> tuple[np.ndarray, float]:
    """Centre (2,) and radius of the iris in `crop` (h, w, 3), near those that the detector gave.

    The circle whose arc inside `opening` (h, w bool) has the steepest step from dark to bright, by the integro-differential
    operator of Daugman 1993, "High confidence visual recognition of persons by a test of statistical independence".
    """
    grey = cv2.GaussianBlur(crop.astype(np.float32).mean(axis=2), (0, 0), max(0.04 * radius, 0.6))
    inside = cv2.erode(opening.astype(np.uint8), np.ones((3, 3))).astype(np.float32)
    angles = np.linspace(0, 2 * np.pi, ARC_SAMPLES, endpoint=False)
    ray = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    radii = radius * RADIUS_STEPS
    width = 0.08 * radius
    best = (-np.inf, centre, radius)
    for dx in SHIFT_STEPS:
        for dy in SHIFT_STEPS:
            middle = centre + radius * np.array([dx, dy])
            points = middle + radii[:, None, None] * ray
            outer, inner = (_at(grey, points + offset * ray) for offset in (width, -width))
            seen = _at(inside, points + width * ray) * _at(inside, points - width * ray) > 0.9
            share = seen.mean(axis=1)
            step = np.where(seen, outer - inner, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
            score = np.where(share > 0.15, step - 8.0 * (dx * dx + dy * dy) ** 0.5 - 12.0 * abs(RADIUS_STEPS - 1), -np.inf)
            if score.max() > best[0]:
                best = (score.max(), middle, radii[int(score.argmax())])
    return (best[1], float(best[2])) if best[0] > 0 else (centre, radius)


def _at(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Values of an image (h, w) at points (..., 2)."""
    points = points.astype(np.float32)
    return cv2.remap(image, points[..., 0], points[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def take_apart(crop: np.ndarray, opening: np.ndarray, shade: np.ndarray, centre: np.ndarray, radius: float,
               pd: float, grain: np.ndarray | float = 0.0) -> EyePixels:
    """The layers of the eye in `crop` (h, w, 3) uint8.

    opening: (h, w) bool, between the lids; shade: (h, w) 0..1, the light that the lid's shadow leaves; centre, radius of the
    iris and pd, the pupil distance, in pixels; grain: (h, w, 3), around 0, of a white that the picture does not show.
    """
    rows, columns = np.mgrid[:crop.shape[0], :crop.shape[1]]
    distance = np.hypot(columns - centre[0], rows - centre[1]) / radius
    lit = crop / np.maximum(shade, 0.3)[..., None]
    smooth_white, bright = complete_white(lit, opening, distance, pd)
    opening = cv2.dilate(opening.astype(np.uint8), np.ones((2 * max(1, round(LID_EDGE * pd)) + 1,) * 2)) > 0
    keep = _ramp(distance, *WHITE_KEPT) * opening
    darker = darkness(lit, smooth_white, distance, opening)
    keep = np.maximum(keep, np.clip(-BRIGHTER_KEPT * (darker + BRIGHTER_BY), 0, 1) * opening * (distance > LIMBUS[0]))
    white = smooth_white + keep[..., None] * (lit - smooth_white)
    rim = np.clip(darker, 0, 1) * (1 - keep) * (1 - _ramp(distance, *RIM_SEEN))
    seen_rim = np.maximum(1 - _ramp(distance, *IRIS_SOLID), rim)
    alpha = np.where(opening, seen_rim, 1 - _ramp(distance, *LIMBUS))
    solid, white = part_colours(lit, white, alpha, distance, opening)
    white = white + grain * np.where(opening, _ramp(alpha, *UNSEEN), 1)[..., None]
    solid = complete_iris(solid, opening & (distance < RIM_SEEN[1]), distance, centre)
    iris, glint = lift_glint(solid, opening, distance, bright, radius)
    return EyePixels(_rgba(white, np.ones(distance.shape)), _rgba(iris, alpha), glint, np.clip(bright, 0, 255))


def _ramp(values: np.ndarray, low: float, high: float) -> np.ndarray:
    share = np.clip((values - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def _rgba(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(np.dstack([colour, 255 * alpha]), 0, 255)).astype(np.uint8)


def complete_white(lit: np.ndarray, opening: np.ndarray, distance: np.ndarray, pd: float) -> tuple[np.ndarray, np.ndarray]:
    """(h, w, 3) the white of the eye as if neither iris nor lids hid it, and its typical colour (3,)."""
    known, skin = white_seen(lit, opening, distance, pd), skin_around(lit, opening, pd)
    saturation = saturation_of(skin.mean(axis=(0, 1)))
    if known.sum() < LEAST_WHITE_PX:
        pixels = lit[opening] if opening.any() else lit.reshape(-1, 3)
        bright = np.percentile(pixels, 85, axis=0)
        return np.tile(bright.astype(np.float32), (*lit.shape[:2], 1)), bright
    white = paled(fill_smoothly(lit.astype(np.float32), known, 0.03 * pd), saturation)
    return in_its_light(white, known, skin, pd), paled(np.percentile(lit[known], 75, axis=0), saturation)


def white_seen(lit: np.ndarray, opening: np.ndarray, distance: np.ndarray, pd: float) -> np.ndarray:
    """(h, w) bool: what of the opening surely is white."""
    inset = max(1, int(0.012 * pd))
    eroded = cv2.erode(opening.astype(np.uint8), np.ones((2 * inset + 1,) * 2)) > 0
    known = eroded & (distance > RIM_SEEN[1])
    if known.any():
        grey = lit.mean(axis=2)
        known &= grey > SHADED_WHITE * np.percentile(grey[known], 80)
        pale = 1 - lit.min(axis=2) / np.maximum(lit.max(axis=2), 1.0)
        known &= pale <= np.percentile(pale[known], PALEST)
    return known if known.sum() >= LEAST_WHITE_PX else opening & (distance > 1.12)


def skin_around(lit: np.ndarray, opening: np.ndarray, pd: float) -> np.ndarray:
    """(h, w, 3) the colour of the skin around the opening, carried on smoothly across it."""
    outside = cv2.distanceTransform((~opening).astype(np.uint8), cv2.DIST_L2, 5) / pd
    ring = (outside > SKIN_AROUND[0]) & (outside < SKIN_AROUND[1])
    return fill_smoothly(lit.astype(np.float32), ring if ring.any() else ~opening, SKIN_BLUR * pd)


def in_its_light(white: np.ndarray, known: np.ndarray, skin: np.ndarray, pd: float) -> np.ndarray:
    """The completed white (h, w, 3) with the light, shade and tinge of each place, as far as the picture does not show it there."""
    light = skin.mean(axis=2, keepdims=True)
    where_seen = fill_smoothly(skin, known, 0.03 * pd).mean(axis=2, keepdims=True)
    relit = white * np.clip((light / np.maximum(where_seen, 1.0)) ** LIGHT_FOLLOWED, *LIGHT_LIMITS)
    hidden = _ramp(cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 5) / pd, *HIDDEN_FROM)[..., None]
    hue = skin / np.maximum(light, 1.0) * relit.mean(axis=2, keepdims=True)
    tinged = relit + HIDDEN_TINGE * (hue - relit)
    return white + hidden * ((1 - HIDDEN_SHADE) * tinged - white)


def saturation_of(colour: np.ndarray) -> np.ndarray:
    """(...) how saturated colours (..., 3) are, 0..1."""
    return np.ptp(colour, axis=-1) / np.maximum(colour.max(axis=-1), 1.0)


def paled(colour: np.ndarray, of_skin: float) -> np.ndarray:
    """Colours (..., 3) with their saturation limited to what the white of an eye can have beside skin of saturation `of_skin`, as
    bright as before."""
    light = colour.mean(axis=-1, keepdims=True)
    most = max(MOST_SATURATED, OF_SKIN * float(of_skin))
    return light + (colour - light) * np.minimum(1.0, most / np.maximum(saturation_of(colour)[..., None], 1e-3))


def fill_smoothly(values: np.ndarray, known: np.ndarray, reach: float) -> np.ndarray:
    """Smooth values (h, w, 3) everywhere from the known ones: normalised convolution, widening until all are reached.

    What is so smooth is worked out at FILL_SIDE_PX where there are more pixels than that.
    """
    scale = FILL_SIDE_PX / max(known.shape)
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in known.shape[::-1])
        share = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        small = cv2.resize(values * known[..., None], size, interpolation=cv2.INTER_AREA) / np.maximum(share, 1e-6)[..., None]
        return cv2.resize(fill_smoothly(small, share > 0, reach * scale), known.shape[::-1], interpolation=cv2.INTER_LINEAR)
    filled = np.zeros_like(values)
    done = np.zeros(known.shape, np.float32)
    sigma = max(reach, 1.0)
    while done.min() < 0.999:
        weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), sigma)
        blurred = cv2.GaussianBlur(values * known[..., None], (0, 0), sigma)
        usable = np.clip(weight / 0.02, 0, 1) * (1 - done)
        filled += blurred / np.maximum(weight, 1e-6)[..., None] * usable[..., None]
        done += usable
        sigma *= 2
        if sigma > 8 * max(known.shape):
            mean = values[known].mean(axis=0)
            filled += mean * (1 - done)[..., None]
            break
    return filled


def darkness(lit: np.ndarray, white: np.ndarray, distance: np.ndarray, opening: np.ndarray) -> np.ndarray:
    """(h, w) where the picture lies between the white (0) and the iris at its rim (1); below 0 it is the brighter one."""
    inner = opening & (distance > 0.75) & (distance < 0.92)
    rim = np.median(lit[inner], axis=0) if inner.any() else 0.4 * white.mean(axis=(0, 1))
    contrast = white - rim
    return ((white - lit) * contrast).sum(axis=2) / np.maximum((contrast ** 2).sum(axis=2), 100.0)


def part_colours(lit, white, alpha, distance, opening) -> tuple[np.ndarray, np.ndarray]:
    """Colours (h, w, 3) of iris and white that mix by `alpha` to the picture: the iris's own where it is solid; towards its
    soft rim that of the rim, and the white takes what is left."""
    a = alpha[..., None]
    solved = np.clip((lit - (1 - a) * white) / np.maximum(a, 0.02), 0, 255)
    profile = radial_profile(solved, opening & (alpha > 0.8), distance)
    rim = profile[np.minimum((distance * 16).astype(int), len(profile) - 1)]
    iris = rim + _ramp(a, *SOLVED) * (solved - rim)
    left = np.clip((lit - a * iris) / np.maximum(1 - a, 0.02), 0, 255)
    light = left.mean(axis=2, keepdims=True) / np.maximum(white.mean(axis=2, keepdims=True), 1.0)
    left = white * np.clip(light, *LEFT_LIGHT)
    return iris, np.where(((alpha < SOLVED[1]) & (alpha > 0) & opening)[..., None], left, white)


def complete_iris(colour: np.ndarray, seen: np.ndarray, distance: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """(h, w, 3) the whole iris: what the lids hide is mirrored from what shows, else taken from the same radius."""
    rows, columns = np.mgrid[:colour.shape[0], :colour.shape[1]].astype(np.float32)
    colour = colour.astype(np.float32)
    sure = cv2.erode(seen.astype(np.uint8), np.ones((3, 3))) > 0
    profile = radial_profile(colour, sure, distance)
    rings = np.minimum((distance * 16).astype(int), len(profile) - 1)
    mirrored_rows = np.clip(2 * np.float32(centre[1]) - rows, 0, colour.shape[0] - 1)
    mirrored = cv2.remap(colour, columns, mirrored_rows, cv2.INTER_LINEAR)
    mirror_seen = cv2.remap(sure.astype(np.float32), columns, mirrored_rows, cv2.INTER_LINEAR) > 0.99
    hidden = np.where(mirror_seen[..., None], mirrored, profile[rings])
    return np.where(seen[..., None], colour, hidden)


def radial_profile(colour: np.ndarray, seen: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """(K, 3) median colour at each sixteenth of the iris radius, gaps bridged."""
    count = int(RIM_SEEN[1] * 16) + 2
    rings = np.minimum((distance * 16).astype(int), count - 1)
    medians = np.full((count, 3), np.nan)
    for ring in range(count):
        pixels = colour[seen & (rings == ring)]
        if len(pixels) >= 2:
            medians[ring] = np.median(pixels, axis=0)
    have = np.flatnonzero(~np.isnan(medians[:, 0]))
    if len(have) == 0:
        return np.tile(colour.reshape(-1, 3).mean(axis=0), (count, 1))
    return np.stack([np.interp(np.arange(count), have, medians[have, k]) for k in range(3)], axis=1)


def lift_glint(iris: np.ndarray, opening: np.ndarray, distance: np.ndarray, bright: np.ndarray,
               radius: float) -> tuple[np.ndarray, np.ndarray]:
    """The iris (h, w, 3) without its catch-light, and the catch-light alone as RGBA uint8."""
    nothing = np.zeros((*iris.shape[:2], 4), np.uint8)
    inset = 2 * max(1, round(0.12 * radius)) + 1
    within = (cv2.erode(opening.astype(np.uint8), np.ones((inset, inset))) > 0) & (distance < 0.95)
    profile = radial_profile(iris, within, distance)
    base = profile[np.minimum((distance * 16).astype(int), len(profile) - 1)]
    brighter = (iris - base).mean(axis=2)
    needed = np.maximum(GLINT_LEVELS, GLINT_OF_WHITE * (bright.mean() - base.mean(axis=2)))
    seeds = (within & (brighter > needed)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(seeds, connectivity=8)
    large = GLINT_MOST_AREA * np.pi * radius ** 2
    inner = cv2.erode(within.astype(np.uint8), np.ones((3, 3))) > 0
    areas = stats[:, cv2.CC_STAT_AREA]
    kept = [n for n in range(1, count) if areas[n] < large and (labels[inner] == n).sum() >= GLINT_WITHIN * areas[n]]
    if not kept:
        return iris, nothing
    reach = max(1, round(0.09 * radius))
    window = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    mask = cv2.dilate(np.isin(labels, kept).astype(np.uint8), window)
    eight_bit = np.clip(iris, 0, 255).astype(np.uint8)
    without = cv2.inpaint(eight_bit, mask, 0.2 * radius, cv2.INPAINT_TELEA).astype(np.float32)
    peak = np.percentile(iris[np.isin(labels, kept)], 95, axis=0)
    contrast = peak - without
    alpha = ((iris - without) * contrast).sum(axis=2) / np.maximum((contrast ** 2).sum(axis=2), 100.0)
    alpha = np.clip(alpha, 0, 1) * (mask > 0) * within
    alpha[alpha < LEAST_GLINT] = 0
    light = (iris - (1 - alpha[..., None]) * without) / np.maximum(alpha, LEAST_GLINT)[..., None]
    return np.where((alpha > 0)[..., None], without, iris), _rgba(light, alpha)
