"""The skin of the upper lids that an open eye hides in its fold.

On a blink the skin between fold and lashes unrolls. Stretched from the little that shows, it smears; here it is made anew,
in the colour of the skin above the fold with the cheek's grain, and laid over the stretched part. It has no height in an
open eye and grows with eyeBlink; the lashes below and the skin above are the picture's own.
"""

from __future__ import annotations

import cv2
import numpy as np
import scipy.interpolate
import scipy.ndimage

from ..motion.clip import CHANNEL_INDEX
from .fit import Fit
from .portrait import Part, facing_camera
from .topology import LID_UPPER

COLUMNS, ROWS = 33, 7
IN_FRONT_OF_FACE = 0.015
"""The skin lies this far before the face, pupil distances."""
LASH_STRIP = 0.012
"""Above the lid's edge, this much of the picture's own skin with the lashes stays uncovered, pupil distances."""
SKIN_ABOVE = (0.04, 0.14)
SKIN_LIGHT = 60
"""The colour is this percentile of the skin this far above the lid's edge (pupil distances): the fold's own shadow would
make a closed lid look like an eye."""
COLOUR_BLUR = 0.07
EDGE_SHADE = 0.1
"""A closed lid is darker towards the lashes by this share: it curves under."""
LASH_SHARE, LASH_SHADE = 0.16, 0.4
"""The lashes darken this share of the height above the edge, by this much at the edge."""
SOFT_TOP, SOFT_BOTTOM = 0.3, 0.1
"""Shares of the height over which it blends into the picture's skin."""
SOFT_END = 0.12
CHEEK = {"left": 280, "right": 50}


def build_lid(image: np.ndarray, fit: Fit, side: str) -> tuple[Part, np.ndarray]:
    """The hidden lid skin of the subject's `side` and its RGBA texture. image: (H, W, 3) uint8."""
    pd = fit.pupil_distance
    upper = smooth_curve(fit.surface[list(LID_UPPER[side])])
    fall = smooth_curve(fit.deltas[CHANNEL_INDEX[f"eyeBlink{side.capitalize()}"], list(LID_UPPER[side])])
    taper = np.sin(np.linspace(0, np.pi, COLUMNS))[:, None]
    start = upper - LASH_STRIP * pd * taper * np.array([*fit.down, 0.0]) + (0, 0, IN_FRONT_OF_FACE * pd)
    shares = np.linspace(0, 1, ROWS)
    deltas = np.zeros((52, ROWS * COLUMNS, 3))
    deltas[CHANNEL_INDEX[f"eyeBlink{side.capitalize()}"]] = (shares[:, None, None] * fall[None]).reshape(-1, 3)
    u, v = np.meshgrid(np.linspace(0, 1, COLUMNS), shares)
    alpha = np.clip(v / SOFT_TOP, 0, 1) * np.clip((1 - v) / SOFT_BOTTOM, 0, 1)
    alpha = alpha * np.clip(u / SOFT_END, 0, 1) * np.clip((1 - u) / SOFT_END, 0, 1)
    colour = np.concatenate([np.ones((alpha.size, 3)), alpha.reshape(-1, 1)], axis=1).astype(np.float32)
    rest = np.tile(start, (ROWS, 1))
    closed = rest + deltas.sum(axis=0)
    part = Part(rest.astype(np.float32), facing_camera(closed, grid_triangles(ROWS, COLUMNS)),
                np.stack([u.ravel(), v.ravel()], 1).astype(np.float32), colour, np.ones(alpha.size, np.float32),
                np.zeros(0, np.uint8), np.zeros(0, np.int32), np.zeros((0, 3), np.float32), f"lid_{side}")
    part.set_deltas(deltas)
    return part, lid_texture(image, fit, side, upper, fall)


def smooth_curve(points: np.ndarray) -> np.ndarray:
    """(COLUMNS, 3) points on a smooth curve through `points` (K, 3), without overshoot."""
    knots = np.linspace(0, 1, len(points))
    return scipy.interpolate.PchipInterpolator(knots, points)(np.linspace(0, 1, COLUMNS))


def grid_triangles(rows: int, columns: int) -> np.ndarray:
    """(T, 3) int32 triangles of a grid of vertices, row by row."""
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)[None]).ravel()
    return np.concatenate([np.stack([corner, corner + 1, corner + columns + 1], 1),
                           np.stack([corner, corner + columns + 1, corner + columns], 1)]).astype(np.int32)


def lid_texture(image: np.ndarray, fit: Fit, side: str, upper: np.ndarray, fall: np.ndarray) -> np.ndarray:
    """(h, w, 4) uint8: the lid's skin from under the fold (top) to the lashes (bottom), at the picture's own resolution."""
    pd = fit.pupil_distance
    width = int(np.clip(np.linalg.norm(upper[-1] - upper[0]), 16, 2048))
    height = int(np.clip(np.linalg.norm(fall, axis=1).max(), 8, 1024))
    colour = skin_above(image, fit, upper, width)
    colour = scipy.ndimage.gaussian_filter1d(colour, COLOUR_BLUR * pd, axis=0, mode="nearest")
    v = np.linspace(0, 1, height)[:, None, None]
    shade = (1 - EDGE_SHADE * v ** 2) * (1 - LASH_SHADE * np.clip((v - 1 + LASH_SHARE) / LASH_SHARE, 0, 1))
    skin = colour[None] * shade + cheek_grain(image, fit, side, height, width)
    return np.dstack([np.clip(skin, 0, 255), np.full((height, width), 255.0)]).astype(np.uint8)


def skin_above(image: np.ndarray, fit: Fit, upper: np.ndarray, width: int) -> np.ndarray:
    """(width, 3) colour of the lit skin above the lid's edge, column by column."""
    places = np.linspace(0, COLUMNS - 1, width)
    edge = np.stack([np.interp(places, np.arange(COLUMNS), upper[:, k]) for k in range(2)], axis=1)
    heights = np.linspace(*SKIN_ABOVE, 13) * fit.pupil_distance
    points = (edge[:, None] - heights[None, :, None] * fit.down).astype(np.float32)
    skin = cv2.remap(image.astype(np.float32), points[..., 0], points[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.percentile(skin, SKIN_LIGHT, axis=1)


def cheek_grain(image: np.ndarray, fit: Fit, side: str, height: int, width: int) -> np.ndarray:
    """(height, width, 3) fine detail of the cheek's skin, paint or film around zero."""
    middle = fit.surface[CHEEK[side], :2]
    rows = np.arange(height) - height // 2 + int(middle[1])
    columns = np.arange(width) - width // 2 + int(middle[0])
    patch = image[np.ix_(np.clip(rows, 0, image.shape[0] - 1), np.clip(columns, 0, image.shape[1] - 1))].astype(np.float32)
    grain = patch - cv2.GaussianBlur(patch, (0, 0), max(1.5, 0.02 * fit.pupil_distance))
    bound = 3 * grain.std() + 1
    return np.clip(grain, -bound, bound)
