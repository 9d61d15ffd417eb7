"""Person and background apart: colours without the other's bleed at the edge, and a clean plate behind the person.

The plate is built from two parts: a smooth fill of the background's low frequencies (push-pull pyramid) and the background's
own grain and texture, mirrored across the silhouette, so that a canvas or film grain shows no blurred halo when the head moves.

Sources: S. Gortler et al., "The Lumigraph", SIGGRAPH 1996 (push-pull); T. Germer et al., "Fast Multi-Level Foreground
Estimation", ICPR 2020 (through PyMatting).
"""

from __future__ import annotations

import cv2
import numpy as np

WORKING_SIDE_PX = 1024       # long side at which colours are estimated and the plate's shape is planned
STRIP_ROWS = 512             # full-size work goes in strips: bounded memory on 8K pictures
CONTAMINATED_SHARE = 0.006   # of the long side: background this near to the person's edge may carry a fringe of it
SMOOTH_SHARE = 0.012         # of the long side: structure finer than this is texture, to be mirrored
MIRROR_SHARE = 0.06          # of the long side: how far out texture is fetched before the mirror folds back
MIRROR_TRIES = 5             # halvings of that distance where the mirrored place is not background


def split_layers(image: np.ndarray, matte: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Take the picture apart into the person and what is behind.

    Args:
        image: (H, W, 3) uint8 sRGB.
        matte: (H, W) float32, 0 to 1: the person's share of each pixel.
    Returns:
        person: (H, W, 4) uint8 RGBA, straight alpha; its colour continues past its edge, for resampling.
        plate: (H, W, 3) uint8; equal to `image` wherever the matte is 0.
        Laid over the plate, the person gives the picture back (within rounding, where the colours' range allows it).
    """
    alpha = np.round(np.clip(matte, 0, 1) * 255).astype(np.uint8)
    if not alpha.any() or alpha.all() and (alpha == 255).all():
        return np.dstack([image, alpha]), image.copy()
    height, width = alpha.shape
    scale = min(1.0, WORKING_SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    share = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    clean = _clean_background(share)
    low = _push_pull(_smooth(small, clean), clean)
    mirror_x, mirror_y, usable = _mirror_map(share, clean)
    foreground = _foreground_colours(small, share)
    person, plate = np.empty((height, width, 4), np.uint8), np.empty_like(image)
    for top in range(0, height, STRIP_ROWS):
        rows = slice(top, min(top + STRIP_ROWS, height))
        grid = _strip_grid(rows, width, size, (height, width))
        behind = _plate_strip(image, low, mirror_x, mirror_y, usable, grid)
        front = cv2.remap(foreground, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        person[rows, :, :3], plate[rows] = _recompose_exactly(image[rows], alpha[rows], front, behind)
    person[..., 3] = alpha
    return person, plate


# --- The plan, at working size -----------------------------------------------------------------------------------------------

def _clean_background(share: np.ndarray) -> np.ndarray:
    """Where the background is free of the person's fringe, (h, w) bool; all of the background when nothing else is left."""
    background = share <= 0
    distance = cv2.distanceTransform(background.astype(np.uint8), cv2.DIST_L2, 5)
    clean = distance > max(1.5, CONTAMINATED_SHARE * max(share.shape))
    if clean.any():
        return clean
    return background if background.any() else share < share.max()


def _smooth(pixels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Low frequencies of the known pixels, unknown ones not taking part (normalised convolution)."""
    sigma = max(1.0, SMOOTH_SHARE * max(known.shape))
    weight = known.astype(np.float32)
    total = cv2.GaussianBlur(pixels * weight[..., None], (0, 0), sigma)
    return total / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-4)[..., None]


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


def _mirror_map(share: np.ndarray, clean: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each pixel, where in the clean background its texture is taken from: x, y (working pixels) and whether it can be."""
    height, width = share.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    distance, labels = cv2.distanceTransformWithLabels((~clean).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    nearest = np.zeros((labels.max() + 1, 2), np.float32)
    nearest[labels[clean]] = np.argwhere(clean)[:, ::-1]
    edge = nearest[labels]
    away = edge - np.dstack([columns, rows])
    away /= np.maximum(np.linalg.norm(away, axis=2, keepdims=True), 1e-6)
    source_x, source_y, usable = columns.copy(), rows.copy(), clean.copy()
    reach = MIRROR_SHARE * max(share.shape)
    for _ in range(MIRROR_TRIES):
        depth = np.abs((distance - reach) % (2 * reach) - reach)
        x, y = edge[..., 0] + away[..., 0] * depth, edge[..., 1] + away[..., 1] * depth
        column, row = np.round(x).astype(int), np.round(y).astype(int)
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        fits = ~usable & inside & clean[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
        source_x[fits], source_y[fits] = x[fits], y[fits]
        usable |= fits
        reach /= 2
    return source_x, source_y, usable.astype(np.float32)


def _foreground_colours(pixels: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The person's own colour at each pixel, 0 to 255, continued beyond the edge; (h, w, 3) float32."""
    import pymatting

    return (pymatting.estimate_foreground_ml(pixels.astype(np.float64) / 255, share.astype(np.float64)) * 255).astype(np.float32)


# --- Full size, strip by strip -----------------------------------------------------------------------------------------------

def _strip_grid(rows: slice, width: int, size: tuple[int, int], shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Working coordinates (x, y) of each full-size pixel of the strip."""
    x = (np.arange(width, dtype=np.float32) + 0.5) * (size[0] / shape[1]) - 0.5
    y = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) * (size[1] / shape[0]) - 0.5
    return tuple(np.ascontiguousarray(part, np.float32) for part in np.meshgrid(x, y))


def _plate_strip(image: np.ndarray, low: np.ndarray, mirror_x: np.ndarray, mirror_y: np.ndarray, usable: np.ndarray,
                 grid: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Smooth fill plus mirrored texture for one strip, (rows, W, 3) float32."""
    # Nearest neighbour: the map jumps where two sides meet, and a place between two sources is neither.
    nearest = dict(interpolation=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    centre_x, centre_y = np.round(grid[0]), np.round(grid[1])
    source_x = cv2.remap(mirror_x, *grid, **nearest) + (grid[0] - centre_x)
    source_y = cv2.remap(mirror_y, *grid, **nearest) + (grid[1] - centre_y)
    has_texture = cv2.remap(usable, *grid, **nearest)[..., None]
    linear = dict(interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    full_x = (source_x + 0.5) * (image.shape[1] / low.shape[1]) - 0.5
    full_y = (source_y + 0.5) * (image.shape[0] / low.shape[0]) - 0.5
    texture = cv2.remap(image, full_x, full_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    texture -= cv2.remap(low, source_x, source_y, **linear)
    return cv2.remap(low, *grid, **linear) + has_texture * texture


def _recompose_exactly(image: np.ndarray, alpha: np.ndarray, front: np.ndarray, behind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Change the two estimates as little as possible so that front over behind is the picture; uint8 both.

    The smallest change that meets a*F + (1-a)*B = I shares the remainder in proportion a : (1-a). B is rounded first and F
    takes up its rounding; where F would leave 0..255 it is cut and B takes up the rest, which then always fits.
    """
    picture = image.astype(np.float32)
    a = alpha.astype(np.float32)[..., None] / 255
    remainder = (picture - a * front - (1 - a) * behind) / (a ** 2 + (1 - a) ** 2)
    behind = np.round(np.clip(behind + (1 - a) * remainder, 0, 255))
    wanted = np.where(a > 0, (picture - (1 - a) * behind) / np.maximum(a, 1 / 255), front)
    front = np.round(np.clip(wanted, 0, 255))
    cut = (a > 0) & (a < 1) & (np.abs(wanted - front) > 0.5)
    behind = np.where(cut, np.round((picture - a * front) / np.maximum(1 - a, 1 / 255)), behind)
    behind = np.where(a == 0, picture, np.clip(behind, 0, 255))
    return front.astype(np.uint8), behind.astype(np.uint8)
