"""Drawing one frame on the processor: the layers of a `Dressed` over one another, compiled by numba (raster.py)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .raster import EMPTY, EVERYWHERE, FINE, folds, lay_over, outlines, shade, shade_finer, straighten, visibility
from .stage import APERTURE_PARTS, BODY, INTERIOR, SHARE_THE_MATTE, SKIN, Dressed, Hole, Stage


def over(front: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Premultiplied `front` laid over premultiplied `back`, (h, w, 4) each."""
    return front + back * (1 - front[..., 3:])


BAND_PX = 1 << 20
"""A frame with more pixels than this is drawn in bands of about so many: every pixel needs 100 bytes while it is drawn."""


@dataclass(frozen=True)
class Band:
    """Rows of a frame that are drawn together. canvas: (h, width, 4) premultiplied float32; top: which row of the frame is its first."""

    canvas: np.ndarray
    top: int


def draw(stage: Stage, dressed: Dressed) -> np.ndarray:
    """One frame (height, width, 3 or 4) uint8."""
    width, height = stage.size
    holes = [_seen_through(stage, hole, groups, dressed) for aperture, groups in APERTURE_PARTS.items()
             if (hole := stage.hole(aperture, dressed.vertices["face"]))]
    picture = np.empty((height, width, 4 if stage.alpha else 3), np.uint8)
    rows = max(BAND_PX // width, 1)
    for top in range(0, height, rows):
        _draw_rows(stage, dressed, holes, picture[top:top + rows], top)
    return picture


def _draw_rows(stage: Stage, dressed: Dressed, holes: list[tuple[Hole, np.ndarray]], picture: np.ndarray, top: int) -> None:
    """Draw some rows of a frame, the first of which is `top`, into `picture` (h, width, 3 or 4) uint8. A row beside them at either end
    is drawn as well, because a fold is seen by its neighbours. holes: what is seen through each, (h, w, 4) premultiplied."""
    first, last = max(top - 1, 0), min(top + len(picture) + 1, stage.size[1])
    band = Band(np.zeros((last - first, stage.size[0], 4), np.float32), first)
    for name in BODY:
        if name in dressed.vertices:
            _draw_together(stage, band, [name], dressed.vertices, dressed)
    for hole, inside in holes:
        start, stop = max(hole.top, first), min(hole.top + len(inside), last)
        if start < stop:
            window = band.canvas[start - first:stop - first, hole.left:hole.left + inside.shape[1]]
            window[:] = over(inside[start - hole.top:stop - hole.top], window)
    _draw_together(stage, band, [name for name in SKIN if name in dressed.vertices], dressed.vertices, dressed)
    rows = slice(top, top + len(picture))
    front = band.canvas[top - first:][:len(picture)]
    if stage.alpha:
        straighten(front, picture)
        return
    if stage.inside is not None:
        front *= stage.inside[rows]
    behind = np.ones_like(front)
    behind[..., :3] = stage.plate[rows]
    _draw_halo(stage, behind, top, dressed.halo)
    lay_over(front, behind, picture)


def _draw_halo(stage: Stage, rows: np.ndarray, top: int, share: np.ndarray) -> None:
    """Lay the picture's own edge over the plate's rows (h, width, 4) from `top` on, where the person still is where it was."""
    if not share.any():
        return
    person, colour = stage.parts["person"], np.ones((len(share), 4), np.float32)
    colour[:, 3] = share
    index, bary = stage.halo_seen.dense(top, *rows.shape[:2])
    shade(person.triangles, stage.texels["person"], colour, stage.textures["halo"], index, bary, EVERYWHERE, False, rows)


def _seen_through(stage: Stage, hole: Hole, groups: tuple[tuple[str, ...], ...], dressed: Dressed) -> tuple[Hole, np.ndarray]:
    """A hole of the face and what groups of parts show in it and nowhere else, (h, w, 4) premultiplied."""
    height, width = hole.share.shape
    corner = np.float32((hole.left, hole.top, 0))
    inside = Band(np.zeros((height, width, 4), np.float32), 0)
    for names in groups:
        moved = {name: dressed.vertices[name] - corner for name in names if name in dressed.vertices}
        if names == INTERIOR:
            inside.canvas[:] = over(_draw_interior(stage, moved, hole, dressed), inside.canvas)
        else:
            _draw_together(stage, inside, list(moved), moved, dressed)
    return hole, inside.canvas * hole.share[..., None]


def _draw_interior(stage: Stage, placed: dict[str, np.ndarray], hole: Hole, dressed: Dressed) -> np.ndarray:
    """(h, w, 4) premultiplied: the mouth's inside, drawn finer than the frame, in the shadow of the lips."""
    centre = np.float32((0.5, 0.5, 0))
    finer = {name: (vertices + centre) * np.float32(FINE) - centre for name, vertices in placed.items()}
    fine = np.zeros((*hole.light.shape, 4), np.float32)
    _draw_together(stage, Band(fine, 0), list(finer), finer, dressed)
    fine[..., :3] *= hole.light[..., None]
    return cv2.resize(fine, hole.share.shape[::-1], interpolation=cv2.INTER_AREA)


def _draw_together(stage: Stage, band: Band, names: list[str], placed: dict[str, np.ndarray], dressed: Dressed) -> None:
    """Draw layers that hide one another by depth into a band of the frame, in whose pixels they are `placed`."""
    if not names:
        return
    every = np.concatenate([placed[name] for name in names])
    low, high = (0, band.top), (band.canvas.shape[1], band.top + len(band.canvas))
    left, top = np.clip(np.floor(every[:, :2].min(axis=0)).astype(int), low, high)
    right, bottom = np.clip(np.ceil(every[:, :2].max(axis=0)).astype(int) + 1, low, high)
    if right <= left or bottom <= top:
        return
    window = band.canvas[top - band.top:bottom - band.top, left:right]
    depth = np.full(window.shape[:2], -np.inf, np.float32)
    for name in names:
        part = stage.part(name)
        texture = stage.textures[part.texture] if part.texture else np.zeros((0, 0, 4), np.uint8)
        looks = dressed.texels[name], dressed.colour[name], texture
        within = stage.within_matte if name in BODY else None
        _draw_part(window, depth, left, top, placed[name], part, *looks, name in SHARE_THE_MATTE, within)


def _draw_part(window, depth, left, top, vertices, part, uv, colour, texture, replace, within) -> None:
    """Draw one part into a window of the frame at (left, top), sharing its depth (h, w) with what hides it. replace: see `shade`;
    within: see `outlines`, None of a part that ends softly."""
    shape = window.shape[:2]
    index, bary = np.full(shape, EMPTY, np.int32), np.empty((*shape, 2), np.float32)
    visibility(vertices, part.triangles, uv, texture[..., 3], EVERYWHERE, depth, index, bary, left, top)
    marked = np.zeros(shape, np.uint8)
    count = folds(part.triangles, uv, index, bary, marked) if part.texture else 0
    if within is not None:
        count += outlines(part.triangles, uv, colour, within, index, bary, marked)
    if count == 0:
        shade(part.triangles, uv, colour, texture, index, bary, EVERYWHERE, replace, window)
        return
    shade(part.triangles, uv, colour, texture, index, bary, marked, replace, window)
    fine_shape = (shape[0] * FINE, shape[1] * FINE)
    fine_depth = np.full(fine_shape, -np.inf, np.float32)
    fine_index, fine_bary = np.full(fine_shape, EMPTY, np.int32), np.empty((*fine_shape, 2), np.float32)
    finer = ((vertices - np.float32((left - 0.5, top - 0.5, 0))) * np.float32(FINE) - np.float32((0.5, 0.5, 0)))
    visibility(finer, part.triangles, uv, texture[..., 3], marked, fine_depth, fine_index, fine_bary, 0, 0)
    shade_finer(part.triangles, uv, colour, texture, fine_index, fine_bary, marked, replace, window)
