"""The eyes as parts: the white, the iris that turns about the eyeball's centre, and the catch-light; the pixels are
`eye_layers`."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..render.raster import rasterise_attributes
from .eye_layers import EyePixels, find_iris, take_apart
from .fit import Fit
from .lid_grain import RING, lid_grain
from .portrait import Part, facing_camera
from .topology import IRIS, LID_LOWER, LID_UPPER

IRIS_LEVER = 0.167
"""From the eye's centre of rotation to the plane of the iris, pupil distances: 10.5 mm (Fry & Hill 1962, "The center of
rotation of the eye", 13.5 mm behind the cornea, less 3 mm to the iris). The iris is flat: on a ball's surface its rim would
lie 1.5 mm and more further back, and travel by a seventh to a quarter less than its middle."""
MARGIN = 0.22
"""How far the eye's own texture reaches beyond the lids, pupil distances."""
WHITE_BENEATH_LIDS = 0.07
"""How far the white itself reaches under the lids, pupil distances."""
SHADOW_REACH = 0.045
"""The lid's shadow on the eye falls to 1 / e over this distance, pupil distances."""
SHADOW_LIMITS = (0.0, 0.5)
SHADOW_UNSEEN = 0.2
"""Share of the light that the shadow takes at the lid's edge: limits, and what is assumed where no white shows."""
GRAIN_LINES = 12
"""Lines below the eye along which grain is looked at."""
IRIS_EXTENT = 1.3
"""The iris part reaches this far, in iris radii."""
IRIS_RINGS, IRIS_SPOKES = 6, 32
WHITE_COLUMNS, WHITE_ROWS = 17, 13


@dataclass
class Eye:
    """One eye taken apart: parts and their textures by name, the centre it turns about, and how bright its white is."""

    parts: dict[str, Part]
    images: dict[str, np.ndarray]
    centre: np.ndarray
    white_colour: np.ndarray


def build_eye(image: np.ndarray, landmarks_px: np.ndarray, fit: Fit, side: str) -> Eye:
    """Take the eye on the subject's `side` apart. image: (H, W, 3) uint8; landmarks_px: (478, 3)."""
    pd = fit.pupil_distance
    upper, lower = (landmarks_px[list(lid[side])].astype(np.float64) for lid in (LID_UPPER, LID_LOWER))
    outline = np.concatenate([upper, lower[-2:0:-1]])
    crop, left, top = crop_around(image, outline[:, :2], MARGIN * pd)
    corner = np.array([left, top], np.float64)
    opening = inside(outline[:, :2] - corner, crop.shape[:2])
    rim = landmarks_px[list(IRIS[side][1:]), :2]
    found = landmarks_px[IRIS[side][0], :2].astype(np.float64)
    radius = max(float(np.linalg.norm(rim - found, axis=1).mean()), 1.0)
    centre, radius = find_iris(crop, opening, found - corner, radius)
    depth = float(outline[:, 2].mean())
    white = white_mesh(upper, lower, fit)
    iris = iris_mesh(centre + corner, radius, depth)
    strength = shadow_strength(crop, opening, centre, radius, shadow_share(pixel_grid(crop.shape, corner), upper, fit))
    shades = {name: 1 - strength * shadow_share(mesh[0][:, :2], upper, fit)
              for name, mesh in (("white", white), ("iris", iris))}
    grain = white_grain(image, fit, side, lower, pixel_grid(crop.shape, corner)[opening.ravel()], crop.shape[:2])
    pixels = take_apart(crop, opening, shade_in_crop(white, shades["white"], corner, crop.shape), centre, radius, pd, grain)
    return assemble_eye(side, white, iris, shades, pixels, corner, crop.shape,
                        np.array([*(centre + corner), depth - IRIS_LEVER * pd], np.float32))


def white_grain(image: np.ndarray, fit: Fit, side: str, lower: np.ndarray, eye: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(h, w, 3) float32: the grain, cracks or strokes of a white that is not seen: weaker than the skin's below the eye (under the lid
    `lower` (K, 3)), as far as the eye itself (pixels (N, 2)) is smoother."""
    below = lower[:, None, :2] + np.linspace(*RING, GRAIN_LINES)[None, :, None] * fit.pupil_distance * fit.down
    return lid_grain(image, fit, side, [eye, below.reshape(-1, 2)], lower[len(lower) // 2, :2], shape)


def assemble_eye(side: str, white, iris, shades: dict[str, np.ndarray], pixels: EyePixels, corner: np.ndarray, shape,
                 turns_about: np.ndarray) -> Eye:
    """Parts from meshes (vertices, triangles) and pixels."""
    parts = {f"eye_{side}": eye_part(*white, shades["white"], corner, shape, f"eye_{side}"),
             f"iris_{side}": eye_part(*iris, shades["iris"], corner, shape, f"iris_{side}"),
             f"glint_{side}": eye_part(*iris, shades["iris"], corner, shape, f"glint_{side}")}
    images = {f"eye_{side}": pixels.white, f"iris_{side}": pixels.iris, f"glint_{side}": pixels.glint}
    if not pixels.glint[..., 3].any():
        del parts[f"glint_{side}"], images[f"glint_{side}"]
    return Eye(parts, images, turns_about, pixels.white_colour)


def crop_around(image: np.ndarray, points: np.ndarray, margin: float) -> tuple[np.ndarray, int, int]:
    """The picture around points (N, 2), repeated beyond its border, with the crop's left and top."""
    left, top = np.floor(points.min(axis=0) - margin).astype(int)
    right, bottom = np.ceil(points.max(axis=0) + margin).astype(int) + 1
    rows = np.clip(np.arange(top, bottom), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(left, right), 0, image.shape[1] - 1)
    return np.ascontiguousarray(image[np.ix_(rows, columns)]), int(left), int(top)


def inside(outline: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(h, w) bool: the polygon `outline` (K, 2)."""
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, [np.round(outline * 16).astype(np.int32)], 1, shift=4)
    return canvas > 0


def pixel_grid(shape, corner: np.ndarray) -> np.ndarray:
    """(h * w, 2) picture coordinates of a crop's pixels."""
    rows, columns = np.mgrid[:shape[0], :shape[1]]
    return np.stack([columns.ravel(), rows.ravel()], axis=1) + corner


def shadow_share(points: np.ndarray, upper: np.ndarray, fit: Fit) -> np.ndarray:
    """(N,) 0..1: how deep points (N, 2) lie in the shadow of the upper lid (K, 3); 1 at its edge and above. In frames:
    `render/lidshadow.py`."""
    across = np.array([fit.down[1], -fit.down[0]])
    order = np.argsort(upper[:, :2] @ across)
    along, edge = (upper[order, :2] @ axis for axis in (across, fit.down))
    below = points @ fit.down - np.interp(points @ across, along, edge)
    return np.exp(-np.maximum(below, 0) / (SHADOW_REACH * fit.pupil_distance))


def shadow_strength(crop: np.ndarray, opening: np.ndarray, centre: np.ndarray, radius: float, share: np.ndarray) -> float:
    """How much of the light the shadow takes from the white at the lid's edge, from the white that shows."""
    rows, columns = np.mgrid[:crop.shape[0], :crop.shape[1]]
    white = opening & (np.hypot(columns - centre[0], rows - centre[1]) > 1.3 * radius)
    grey, depth = crop.mean(axis=2)[white], share.reshape(crop.shape[:2])[white]
    usable = grey > 0.4 * np.percentile(grey, 85) if len(grey) else grey > 0
    if usable.sum() < 40 or np.ptp(depth[usable]) < 0.3:
        return SHADOW_UNSEEN
    slope, lit = np.polyfit(depth[usable], grey[usable], 1)
    room = np.percentile((1 - crop.max(axis=2)[opening] / 255) / np.maximum(share.reshape(crop.shape[:2])[opening], 0.05), 2)
    return float(np.clip(min(-slope / max(lit, 1.0), room), *SHADOW_LIMITS))


def shade_in_crop(mesh, shade: np.ndarray, corner: np.ndarray, shape) -> np.ndarray:
    """(h, w) the shading that drawing the mesh gives each pixel of the crop; 1 outside it."""
    vertices = mesh[0] - (*corner, 0.0)
    values, hit = rasterise_attributes(vertices, mesh[1], shade[:, None], shape[1::-1])
    return np.where(hit, values[..., 0], 1.0)


def eye_part(vertices, triangles, shade, corner, shape, texture: str) -> Part:
    """A part of the eye under the lid's shadow."""
    uv = (vertices[:, :2] - corner + 0.5) / (shape[1], shape[0])
    part = plain_part(vertices, triangles, uv, np.ones(len(vertices)), texture)
    part.colour[:, :3] = shade[:, None]
    return part


def plain_part(vertices, triangles, uv, alpha, texture: str) -> Part:
    """A part that follows the head and has no blendshapes."""
    colour = np.concatenate([np.ones((len(vertices), 3)), alpha[:, None]], axis=1)
    return Part(vertices.astype(np.float32), facing_camera(vertices, triangles), uv.astype(np.float32),
                colour.astype(np.float32), np.ones(len(vertices), np.float32), np.zeros(0, np.uint8), np.zeros(0, np.int32),
                np.zeros((0, 3), np.float32), texture)


def white_mesh(upper: np.ndarray, lower: np.ndarray, fit: Fit) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of the white behind the lids (K, 3 each, corner to corner), reaching a little under them."""
    beneath = WHITE_BENEATH_LIDS * fit.pupil_distance
    steps = np.linspace(0, len(upper) - 1, WHITE_COLUMNS)
    above, below = (np.stack([np.interp(steps, np.arange(len(lid)), lid[:, k]) for k in range(3)], axis=1)
                    for lid in (upper, lower))
    outwards = np.linspace(-1, 1, WHITE_COLUMNS)[:, None] * (above[-1, :2] - above[0, :2])
    outwards *= beneath / (np.linalg.norm(outwards[0]) + 1e-6)
    above[:, :2] += outwards - fit.down * beneath
    below[:, :2] += outwards + fit.down * beneath
    shares = np.linspace(0, 1, WHITE_ROWS)[:, None, None]
    corner = (np.arange(WHITE_ROWS - 1)[:, None] * WHITE_COLUMNS + np.arange(WHITE_COLUMNS - 1)[None]).ravel()
    triangles = np.concatenate([np.stack([corner, corner + 1, corner + WHITE_COLUMNS + 1], 1),
                                np.stack([corner, corner + WHITE_COLUMNS + 1, corner + WHITE_COLUMNS], 1)])
    return (above + shares * (below - above)).reshape(-1, 3), triangles.astype(np.int32)


def iris_mesh(centre: np.ndarray, radius: float, depth: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of the flat disc that carries the iris."""
    angles = 2 * np.pi * np.arange(IRIS_SPOKES) / IRIS_SPOKES
    spokes = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rings = IRIS_EXTENT * radius * np.arange(1, IRIS_RINGS + 1) / IRIS_RINGS
    flat = centre + np.concatenate([np.zeros((1, 2)), (rings[:, None, None] * spokes).reshape(-1, 2)])
    triangles = [(0, 1 + k, 1 + (k + 1) % IRIS_SPOKES) for k in range(IRIS_SPOKES)]
    for ring in range(IRIS_RINGS - 1):
        a, b = 1 + ring * IRIS_SPOKES, 1 + (ring + 1) * IRIS_SPOKES
        for k in range(IRIS_SPOKES):
            n = (k + 1) % IRIS_SPOKES
            triangles += [(a + k, b + k, b + n), (a + k, b + n, a + n)]
    return np.column_stack([flat, np.full(len(flat), depth)]), np.array(triangles, np.int32)
