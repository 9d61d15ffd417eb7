"""The renderer draws parts one over the other; a scene has depth instead. This puts depth where the drawing order was."""

from __future__ import annotations

import dataclasses

import numpy as np

from .far_side import FAR_SIDE
from .portrait_file import PartData, PortraitData
from .space import PUPIL_DISTANCE_M

BEHIND_PUPIL_DISTANCES = {"person": 0.03, "glint_left": 0.05, "glint_right": 0.05, "iris_left": 0.06, "iris_right": 0.06,
                          "eye_left": 0.17, "eye_right": 0.17, "teeth_source": 0.02, "cavity": 0.15, "tongue": 0.12,
                          "teeth_lower": 0.12, "teeth_upper": 0.12, "glasses": -0.13}
"""How far parts are set back along the lines of sight, so that the face, the lids and a turned iris stay before them, and the frame of
glasses before the lids."""

DRAWN_OVER = ("neck", "jaw")
"""Parts that only the renderer shows, over and under a person that opens from frame to frame; in a scene the person is one surface."""
CELLS_PER_PUPIL_DISTANCE = 30
"""Fineness of the mask of what the face covers; the face's own triangles are about as large."""
MARGIN_CELLS = 3
"""The person is cut away under the face from this far inside what the face covers."""
TUCK_SHARES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6)
"""Sizes tried for the white of an eye that reaches past the face, largest first."""
OPAQUE = 0.98
SAMPLES = 5
"""Per triangle and side, to mark the cells it covers."""


def behind_m(part_name: str) -> float:
    """How far the part is set back, metres."""
    return BEHIND_PUPIL_DISTANCES.get(part_name, 0.0) * PUPIL_DISTANCE_M


def in_scene(portrait: PortraitData) -> PortraitData:
    """The portrait with the parts that a scene has objects for."""
    return dataclasses.replace(portrait, parts={name: part for name, part in portrait.parts.items() if name not in DRAWN_OVER})


def visible_triangles(portrait: PortraitData, part_name: str) -> np.ndarray:
    """The part's triangles; of the person, those the face does not cover: what opens in the face must not show the
    picture's own mouth and eyes again. A far cheek keeps the person below it, which is its outline once it turns out of view."""
    part = portrait.parts[part_name]
    if part_name != "person" or "face" not in portrait.parts:
        return part.triangles
    covered = _Cover(portrait, MARGIN_CELLS, portrait.parts.get(FAR_SIDE)).over(part.vertices[:, :2])
    return part.triangles[~covered[part.triangles].all(axis=1)]


def tucked_in(portrait: PortraitData, part_name: str, matte: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The part's vertices (V, 3) and uv (V, 2); of the white of an eye, drawn in to where the face covers it. The renderer
    shows it through the lids' opening only; in a face seen from the side it would reach past the outline.

    matte: (H, W) 0..1, the opacity of the picture the face is drawn with.
    """
    part = portrait.parts[part_name]
    if part_name not in ("eye_left", "eye_right") or "face" not in portrait.parts or matte is None:
        return part.vertices, part.uv
    cover = _Cover(portrait, 0)
    share = np.full((len(part.vertices), 1), TUCK_SHARES[-1])
    middle, middle_uv = part.vertices.mean(axis=0), part.uv.mean(axis=0)
    for candidate in reversed(TUCK_SHARES):
        moved = middle + candidate * (part.vertices - middle)
        column, row = np.clip(np.rint(moved[:, :2]).astype(int), 0, np.array(matte.shape)[::-1] - 1).T
        share[cover.over(moved[:, :2]) & (matte[row, column] > OPAQUE)] = candidate
    return (middle + share * (part.vertices - middle)).astype(np.float32), middle_uv + share * (part.uv - middle_uv)


class _Cover:
    """Where the face covers the picture wholly, its holes counted as covered, less a margin and what a part spares: a mask of
    square cells."""

    def __init__(self, portrait: PortraitData, margin_cells: int, spared: PartData | None = None) -> None:
        face = portrait.parts["face"]
        self._cell = portrait.units_per_metre * PUPIL_DISTANCE_M / CELLS_PER_PUPIL_DISTANCE
        seen = face.vertices[:, :2]
        opaque = face.triangles[(face.colour[face.triangles, 3] >= 1).all(axis=1)]
        corners = [seen[opaque]]
        for rim in portrait.apertures.values():
            middle = np.broadcast_to(seen[rim].mean(axis=0), (len(rim), 2))
            corners.append(np.stack((seen[rim], seen[np.roll(rim, -1)], middle), axis=1))
        self._origin = seen.min(axis=0) - self._cell * (margin_cells + 1)
        shape = np.ceil((seen.max(axis=0) - self._origin) / self._cell).astype(int) + margin_cells + 2
        self._mask = _eroded(_cells_hit(np.concatenate(corners), self._origin, self._cell, shape), margin_cells)
        if spared is not None:
            self._mask &= ~_cells_hit(spared.vertices[:, :2][spared.triangles], self._origin, self._cell, shape)

    def over(self, points: np.ndarray) -> np.ndarray:
        """(N,) bool: points (N, 2) that are covered."""
        column, row = ((points - self._origin) / self._cell).astype(int).T
        width, height = self._mask.shape
        inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
        return inside & self._mask[np.where(inside, column, 0), np.where(inside, row, 0)]


def _cells_hit(corners: np.ndarray, origin: np.ndarray, cell: float, shape: np.ndarray) -> np.ndarray:
    """Cells (columns, rows) in which one of a few points of the triangles (T, 3, 2) lies, single gaps closed."""
    steps = np.linspace(0, 1, SAMPLES)
    shares = np.array([(a, b, 1 - a - b) for a in steps for b in steps if a + b <= 1 + 1e-9])
    column, row = np.moveaxis(((np.einsum("sk,tkd->tsd", shares, corners) - origin) / cell).astype(int), 2, 0)
    mask = np.zeros(shape, bool)
    mask[column, row] = True
    return _eroded(~_eroded(~mask, 1), 1)


def _eroded(mask: np.ndarray, cells: int) -> np.ndarray:
    """The mask without everything nearer to its outside than `cells`; beyond the array counts as the array's border does."""
    for _ in range(cells):
        padded = np.pad(mask, 1, mode="edge")
        mask = padded[1:-1, 1:-1] & padded[2:, 1:-1] & padded[:-2, 1:-1] & padded[1:-1, 2:] & padded[1:-1, :-2]
    return mask
