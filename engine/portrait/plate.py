"""Person and background apart: colours without the other's bleed at the edge, and a clean plate behind the person.

The plate is a smooth fill of the background's low frequencies (push-pull pyramid) plus the background's own faint detail: mirrored
across the silhouette near the edge, which is all that a moving head uncovers; deeper in only its fine grain, block by block
from similar places. So neither film grain nor canvas shows a blurred halo, and nothing is invented where nothing is known; what
stands out of its surroundings, a letter, a lamp, is not shown twice.

Sources: S. Gortler et al., "The Lumigraph", SIGGRAPH 1996 (push-pull); T. Germer et al., "Fast Multi-Level Foreground
Estimation", ICPR 2020 (through PyMatting).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

WORKING_SIDE_PX = 1024       # long side at which colours are estimated and the plate's shape is planned
EDGE_MARGIN_PX = 16          # the person's colour is continued this far past its edge, for resampling
STRIP_ROWS = 512             # full-size work goes in strips ...
PART_PX = 1 << 17            # ... and these in parts of so many pixels: bounded memory on 8K pictures
CONTAMINATED_SHARE = 0.006   # of the long side: background this near to the person's edge may carry a fringe of it
MIRROR_SHARE = 0.06          # of the long side: how deep behind the person's edge detail is mirrored in
STRUCTURE_SHARE = 0.014      # of the long side: structure finer than this is mirrored, what is coarser is filled smoothly
OUTLINE_SHARE = 0.02         # of the long side: the outline is smoothed by this before it is mirrored at
CALM_SHARE = 0.04            # of the long side: what detail is usual is found over this distance
UNUSUAL = 4.0                # detail so many times as strong as usual is half left out, stronger one wholly: letters, lamps
LEAST_UNUSUAL = 3.0          # levels: weaker detail is always usual
MOST_STRUCTURE = 12.0        # levels: stronger structure is never usual; grain may be as strong as it is
SALIENT_SHARE = 0.008        # of the long side: so far about itself such a thing is left out
GROUND_STEPS = 2             # times the ground is found anew without what stood out of it
FRAME_SHARE = 0.012          # of the long side: nothing is copied from so near to the picture's border
LEAST_SLOPE = 0.3            # of the smoothed distance to the outline: below, two sides meet and there is no way out
SEAM_PX = 6                  # working pixels over which mirrored detail fades where there is none
GRAIN_SHARE = 0.003          # of the long side: what is finer than this is grain, wanted at every depth
GRAIN_BLOCK_PX = 24          # working pixels
GRAIN_CANDIDATES = 24        # places tried per block for grain of the same brightness
EDGE_DISLIKE = 12.0          # levels of colour difference worth one level of mean grain: keeps bits of outlines out
SMALL_SHARE = 0.5            # of the long side: a person whose surroundings are smaller than this is small in the picture
MARGIN_SHARE = 0.5           # of the person's longer side: the surroundings
SMALLEST_MARGIN_PX = 64
PLATE_TRUST_POWER = 4        # how fast the plate's say in the picture's colour falls as the person's share grows


@dataclass(frozen=True)
class SourceMap:
    """For each working pixel, the place (x, y) its detail may come from, and whether that is background."""

    x: np.ndarray
    y: np.ndarray
    usable: np.ndarray


@dataclass(frozen=True)
class PlatePlan:
    """The plate at working size: colours (h, w, 3) float32 0..255, maps (h, w) float32."""

    smooth: np.ndarray             # low frequencies, filled in behind the person
    structured: np.ndarray         # the clean background without its grain
    calm: np.ndarray               # how much of the detail there may be seen a second time elsewhere, 0..1
    source_x: np.ndarray           # where detail is taken from
    source_y: np.ndarray
    structure_amount: np.ndarray   # how much of the structure there is wanted, 0..1
    has_grain: np.ndarray          # 1 where the place is clean background


def split_layers(image: np.ndarray, matte: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take the picture apart into the person and what is behind.

    Args:
        image: (H, W, 3) uint8 sRGB.
        matte: (H, W) the person's share of each pixel: float32, 0 to 1, or what `eight_bit` makes of it.
    Returns:
        person: (H, W, 4) uint8 RGBA, straight alpha; its colour continues past its edge, for resampling.
        plate: (H, W, 3) uint8; the clean background. In a thin ring around the person, where sharpening halos, painted
            outlines and what the matte missed lie, it is the fill: left there they would stand still when the head moves.
        halo: (H, W, 4) uint8 RGBA; what that ring and the edge must show for the person to lie over it as in the picture.
        Person over halo over plate gives the picture back, to within one level of rounding.
    """
    alpha = matte if matte.dtype == np.uint8 else eight_bit(matte)
    if not alpha.any() or (alpha == 255).all():
        return _untouched(image, alpha)
    window = _around_person(alpha)
    if alpha[window].size == alpha.size:
        return _split(image, alpha)
    layers = _untouched(image, alpha)
    for layer, part in zip(layers, _split(image[window], alpha[window])):
        layer[window] = part
    return layers


def eight_bit(matte: np.ndarray) -> np.ndarray:
    """A matte (H, W) 0 to 1 as uint8, 0 to 255: a quarter of the memory."""
    alpha = np.empty(matte.shape, np.uint8)
    for top in range(0, len(matte), STRIP_ROWS):
        alpha[top:top + STRIP_ROWS] = np.round(np.clip(matte[top:top + STRIP_ROWS], 0, 1) * 255)
    return alpha


def _untouched(image: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The layers where the person leaves nothing to fill: the picture as person and as plate, and no halo."""
    return np.dstack([image, alpha]), image.copy(), np.zeros_like(image, shape=(*alpha.shape, 4))


def _around_person(alpha: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the surroundings a small person's plate is made from; of everything when the person is not small.

    All distances here are shares of the picture, which is right for a portrait: somebody small in a big picture has a portrait's
    surroundings cut out first.
    """
    occupied = [np.flatnonzero(alpha.any(axis=axis)) for axis in (1, 0)]
    bounds = [(places[0], places[-1] + 1) for places in occupied]
    margin = max(SMALLEST_MARGIN_PX, round(MARGIN_SHARE * max(stop - start for start, stop in bounds)))
    window = tuple(slice(max(0, start - margin), min(side, stop + margin)) for (start, stop), side in zip(bounds, alpha.shape))
    small = max(part.stop - part.start for part in window) < SMALL_SHARE * max(alpha.shape)
    return window if small else (slice(None), slice(None))


def _split(image: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`split_layers` for a picture that the person fills as in a portrait; alpha: (H, W) uint8."""
    height, width = alpha.shape
    scale = min(1.0, WORKING_SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    share = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    clean = _clean_background(share)
    plan = _plan_plate(small, clean)
    ring = _ring(share)
    foreground = _foreground_colours(small, share)
    person, plate = np.dstack([image, alpha]), image.copy()
    halo = np.zeros((height, width, 4), np.uint8)
    for part in _parts(alpha):
        grid = _working_grid(part, size, (height, width))
        behind = _plate_strip(image, plan, grid)
        front = cv2.remap(foreground, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        person[part][..., :3], halo[part][..., :3] = _recompose_exactly(image[part], alpha[part], front, behind)
        fresh = cv2.remap(ring, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        fresh[alpha[part] > 0] = 1
        plate[part] = _levels(image[part] + fresh[..., None] * (behind - image[part]))
        halo[part][..., 3] = np.where((fresh > 0) & (alpha[part] < 255), 255, 0)
    return person, plate, halo


# --- The plan, at working size ---------------------------------------------------------------------------------------------

def _clean_background(share: np.ndarray) -> np.ndarray:
    """Where the background is free of the person's fringe, (h, w) bool; all of the background when nothing else is left."""
    background = share <= 0
    distance = cv2.distanceTransform(background.astype(np.uint8), cv2.DIST_L2, 5)
    clean = distance > max(1.5, CONTAMINATED_SHARE * max(share.shape))
    if clean.any():
        return clean
    return background if background.any() else share < share.max()


def _ring(share: np.ndarray) -> np.ndarray:
    """(h, w) float32: how much of the plate is the fill, 1 where the person's fringe may lie, fading into the background."""
    distance = cv2.distanceTransform((share <= 0).astype(np.uint8), cv2.DIST_L2, 5)
    width = max(1.5, CONTAMINATED_SHARE * max(share.shape))
    return np.clip(2 - distance / width, 0, 1).astype(np.float32)


def _plan_plate(pixels: np.ndarray, clean: np.ndarray) -> PlatePlan:
    long_side = max(clean.shape)
    smooth = _push_pull(_ground(pixels, clean, STRUCTURE_SHARE * long_side), clean)
    structured = np.where(clean[..., None], _smooth(pixels, clean, GRAIN_SHARE * long_side), smooth)
    sources = _away_from_frame(clean)
    mirrored, depth = _mirror_map(clean, sources)
    reach = MIRROR_SHARE * long_side
    near = mirrored.usable & (depth < reach)
    grain = np.where(clean, np.abs(pixels - structured).mean(axis=2), 0.0)
    blocks = _grain_map(smooth, cv2.boxFilter(grain, -1, (GRAIN_BLOCK_PX, GRAIN_BLOCK_PX)), sources)
    source_x = np.where(near, mirrored.x, blocks.x)
    source_y = np.where(near, mirrored.y, blocks.y)
    # A raised cosine: detail mirrored in at the edge fades out without an end that can be seen.
    amount = np.where(near, 0.5 + 0.5 * np.cos(np.pi * np.clip(depth / reach, 0, 1)), 0.0)
    known = cv2.blur(near.astype(np.float32), (2 * SEAM_PX + 1,) * 2)
    amount *= np.clip(2 * known - 1, 0, 1)
    calm = _calm(pixels - structured, structured - smooth, clean)
    return PlatePlan(smooth, structured.astype(np.float32), calm, source_x.astype(np.float32), source_y.astype(np.float32),
                     amount.astype(np.float32), (near | blocks.usable).astype(np.float32))


def _calm(grain: np.ndarray, structure: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """(h, w) float32 how usual grain and structure (h, w, 3) of a place are for its surroundings, 1, and 0 of what stands out.

    Faint texture may be seen once more beside itself, where a head uncovers it. Letters, buttons or a lamp may not.
    """
    long_side = max(clean.shape)
    stands_out = np.zeros(clean.shape, np.float32)
    for detail, most in ((grain, np.inf), (structure, MOST_STRUCTURE)):
        strength = np.where(clean, np.abs(detail).max(axis=2), 0).astype(np.float32)
        # The mean root is near the median: few strong places do not raise it.
        roots = _smooth(*_halved(np.sqrt(strength)[..., None], clean.astype(np.float32)), CALM_SHARE * long_side / 2)
        allowed = np.clip(UNUSUAL * cv2.pyrUp(roots, dstsize=clean.shape[::-1]) ** 2, LEAST_UNUSUAL, most)
        stands_out = np.maximum(stands_out, cv2.GaussianBlur(strength, (0, 0), 1.0) / allowed)
    reach = max(1, round(SALIENT_SHARE * long_side))
    calm = cv2.erode(1 / (1 + stands_out ** 4), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2))
    return cv2.GaussianBlur(calm, (0, 0), reach / 2)


def _away_from_frame(clean: np.ndarray) -> np.ndarray:
    """Clean places that are not at the picture's border, where scans show paper, mounts and frames."""
    margin = max(1, round(FRAME_SHARE * max(clean.shape)))
    inner = np.zeros_like(clean)
    inner[margin:-margin, margin:-margin] = clean[margin:-margin, margin:-margin]
    return inner if inner.any() else clean


def _smooth(pixels: np.ndarray, known: np.ndarray, sigma: float) -> np.ndarray:
    """Low frequencies of the known pixels, others not taking part (normalised convolution); known: bool, or weights."""
    weight = known.astype(np.float32, copy=False)
    total = cv2.GaussianBlur(pixels * weight[..., None], (0, 0), max(0.8, sigma)).reshape(pixels.shape)
    return total / np.maximum(cv2.GaussianBlur(weight, (0, 0), max(0.8, sigma)), 1e-4)[..., None]


def _ground(pixels: np.ndarray, known: np.ndarray, sigma: float) -> np.ndarray:
    """Low frequencies of the known pixels without what stands out of them: a lit letter leaves no glow behind the person.

    At half the resolution, which is all that so wide a blur needs.
    """
    small, seen = _halved(pixels, known.astype(np.float32))
    weight = seen
    for _ in range(GROUND_STEPS):
        ground = _smooth(small, weight, sigma / 2)
        away = np.linalg.norm(small - ground, axis=2)
        usual = _smooth(away[..., None], weight, sigma)[..., 0]
        weight = (seen / (1 + (away / np.maximum(usual, LEAST_UNUSUAL)) ** 4)).astype(np.float32)
    return cv2.pyrUp(_smooth(small, weight, sigma / 2), dstsize=known.shape[::-1])


def _halved(values: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values (h, w, C) and their weight (h, w) at half the resolution, those of weight 0 not taking part."""
    share = cv2.pyrDown(weight)
    small = cv2.pyrDown(values * weight[..., None]).reshape(*share.shape, -1)
    return small / np.maximum(share, 1e-4)[..., None], share


def _push_pull(pixels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill what is not known smoothly from what is, coarse to fine; known pixels stay as they are."""
    weight = known.astype(np.float32)
    if min(weight.shape) <= 2 or known.all():
        mean = (pixels * weight[..., None]).sum(axis=(0, 1)) / max(float(weight.sum()), 1e-6)
        return np.where(known[..., None], pixels, mean).astype(np.float32)
    coarse_weight = cv2.pyrDown(weight)
    coarse = cv2.pyrDown(pixels * weight[..., None]) / np.maximum(coarse_weight, 1e-6)[..., None]
    filled = _push_pull(coarse, coarse_weight > 1e-3)
    fine = cv2.pyrUp(filled, dstsize=(weight.shape[1], weight.shape[0]))
    return np.where(known[..., None], pixels, fine)


def _mirror_map(clean: np.ndarray, sources: np.ndarray) -> tuple[SourceMap, np.ndarray]:
    """Each pixel's mirror image in the person's smoothed outline, and how deep the pixel lies behind it (px).

    Smoothed, since every curl of the true one would throw its own fan of copies.
    """
    height, width = clean.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    inside, outside = (cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5) for mask in (~clean, clean))
    depth = cv2.GaussianBlur(inside - outside, (0, 0), max(1.0, OUTLINE_SHARE * max(clean.shape)))
    across, down = (cv2.Sobel(depth, cv2.CV_32F, *way, ksize=3, scale=1 / 8) for way in ((1, 0), (0, 1)))
    length = np.hypot(across, down)
    step = (2 * np.maximum(depth, 0) + max(1.5, CONTAMINATED_SHARE * max(clean.shape))) / np.maximum(length, 1e-3)
    x, y = columns - step * across, rows - step * down
    return SourceMap(x, y, _is_clean_at(sources, x, y) & (length > LEAST_SLOPE)), np.maximum(inside, 0)


def _grain_map(smooth: np.ndarray, strength: np.ndarray, clean: np.ndarray) -> SourceMap:
    """For each block, a clean place of similar colour to take grain from, rather one without drawn edges. Deterministic."""
    height, width = clean.shape
    rows, columns = np.mgrid[0:height, 0:width]
    half = GRAIN_BLOCK_PX / 2
    roomy = np.argwhere(cv2.distanceTransform(np.pad(clean, 1).astype(np.uint8), cv2.DIST_C, 3)[1:-1, 1:-1] > half)
    if not len(roomy):
        return SourceMap(columns, rows, clean)
    block_rows, block_columns = -(-height // GRAIN_BLOCK_PX), -(-width // GRAIN_BLOCK_PX)
    generator = np.random.default_rng(0)
    candidates = roomy[generator.integers(len(roomy), size=(block_rows, block_columns, GRAIN_CANDIDATES))]
    centre_y = np.minimum(np.arange(block_rows) * GRAIN_BLOCK_PX + GRAIN_BLOCK_PX // 2, height - 1)
    centre_x = np.minimum(np.arange(block_columns) * GRAIN_BLOCK_PX + GRAIN_BLOCK_PX // 2, width - 1)
    wanted = smooth[centre_y[:, None], centre_x[None, :]]
    found = smooth[candidates[..., 0], candidates[..., 1]]
    cost = np.abs(found - wanted[:, :, None]).mean(axis=-1) + EDGE_DISLIKE * strength[candidates[..., 0], candidates[..., 1]]
    best = cost.argmin(axis=-1)
    chosen = np.take_along_axis(candidates, best[..., None, None], axis=2)[:, :, 0]
    shift_y, shift_x = chosen[..., 0] - centre_y[:, None], chosen[..., 1] - centre_x[None, :]
    block = (rows // GRAIN_BLOCK_PX, columns // GRAIN_BLOCK_PX)
    x, y = columns + shift_x[block], rows + shift_y[block]
    return SourceMap(x, y, _is_clean_at(clean, x, y))


def _is_clean_at(clean: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    height, width = clean.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return inside & clean[np.clip(np.round(y).astype(int), 0, height - 1), np.clip(np.round(x).astype(int), 0, width - 1)]


def _foreground_colours(pixels: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The person's own colour at each pixel, 0 to 255, continued beyond the edge; (h, w, 3) float32."""
    import pymatting

    colours = pymatting.estimate_foreground_ml(pixels.astype(np.float64) / 255, share.astype(np.float64))
    return (colours * 255).astype(np.float32)


def _parts(alpha: np.ndarray) -> Iterator[tuple[slice, slice]]:
    """Where the person is, and a margin beside it: rows and columns of one part after another."""
    for top in range(0, len(alpha), STRIP_ROWS):
        bottom = min(top + STRIP_ROWS, len(alpha))
        occupied = np.flatnonzero(alpha[top:bottom].any(axis=0))
        if not occupied.size:
            continue
        columns = slice(max(0, occupied[0] - EDGE_MARGIN_PX), min(occupied[-1] + 1 + EDGE_MARGIN_PX, alpha.shape[1]))
        rows = max(1, PART_PX // (columns.stop - columns.start))
        yield from ((slice(start, min(start + rows, bottom)), columns) for start in range(top, bottom, rows))


# --- Full size, strip by strip ---------------------------------------------------------------------------------------------

def _working_grid(part: tuple[slice, slice], size: tuple[int, int], shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Working coordinates (x, y) of each full-size pixel of the part."""
    y, x = (np.arange(extent, dtype=np.float32)[span] for extent, span in zip(shape, part, strict=True))
    return tuple(np.meshgrid((x + 0.5) * (size[0] / shape[1]) - 0.5, (y + 0.5) * (size[1] / shape[0]) - 0.5))


def _plate_strip(image: np.ndarray, plan: PlatePlan, grid: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Smooth fill plus detail from the planned places for one strip, (rows, W, 3) float32."""
    # Nearest neighbour: the map jumps where two sides meet, and a place between two sources is neither.
    nearest = dict(interpolation=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    linear = dict(interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    working_height, working_width = plan.smooth.shape[:2]
    source_x = cv2.remap(plan.source_x, *grid, **nearest) + (grid[0] - np.round(grid[0]))
    source_y = cv2.remap(plan.source_y, *grid, **nearest) + (grid[1] - np.round(grid[1]))
    full_x = (source_x + 0.5) * (image.shape[1] / working_width) - 0.5
    full_y = (source_y + 0.5) * (image.shape[0] / working_height) - 0.5
    structured = cv2.remap(plan.structured, source_x, source_y, **linear)
    grain = cv2.remap(image, full_x, full_y, **nearest).astype(np.float32) - structured
    structure = structured - cv2.remap(plan.smooth, source_x, source_y, **linear)
    detail = (cv2.remap(plan.has_grain, *grid, **nearest)[..., None] * grain
              + cv2.remap(plan.structure_amount, *grid, **linear)[..., None] * structure)
    return cv2.remap(plan.smooth, *grid, **linear) + cv2.remap(plan.calm, source_x, source_y, **linear)[..., None] * detail


def _recompose_exactly(image: np.ndarray, alpha: np.ndarray, front: np.ndarray,
                       behind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Change the two estimates as little as possible so that front over behind is the picture; uint8 both."""
    only_person, only_plate, shared = alpha == 255, alpha == 0, (alpha > 0) & (alpha < 255)
    person, plate = _levels(front), _levels(behind)
    person[only_person], plate[only_plate] = image[only_person], image[only_plate]
    person[shared], plate[shared] = _share_out(image[shared], alpha[shared], front[shared], behind[shared])
    return person, plate


def _share_out(image: np.ndarray, alpha: np.ndarray, front: np.ndarray, behind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The person's and the plate's colours of N mixed pixels, (N, 3) uint8 each.

    The smallest change that meets a*F + (1-a)*B = I, the plate's weighed less the more of the person is there: where the
    matte is wrong, the plate must not keep the person's outline. B is rounded first and F takes up its rounding; where F
    would leave 0..255 it is cut and B takes up the rest, which then always fits.
    """
    picture = image.astype(np.float32)
    a = alpha.astype(np.float32)[:, None] / 255
    trust = (1 - a) ** PLATE_TRUST_POWER
    remainder = (picture - a * front - (1 - a) * behind) / (a ** 2 + (1 - a) ** 2 * trust)
    behind = np.round(np.clip(behind + (1 - a) * trust * remainder, 0, 255))
    wanted = (picture - (1 - a) * behind) / a
    front = np.round(np.clip(wanted, 0, 255))
    cut = np.abs(wanted - front) > 0.5
    behind = np.where(cut, np.round((picture - a * front) / (1 - a)), behind)
    return _levels(front), _levels(behind)


def _levels(colours: np.ndarray) -> np.ndarray:
    return np.round(np.clip(colours, 0, 255)).astype(np.uint8)
