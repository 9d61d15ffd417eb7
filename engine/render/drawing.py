"""Drawing one frame on the processor: the layers of a `Dressed` over one another, compiled by numba (raster.py)."""

from __future__ import annotations

import cv2
import numpy as np

from .raster import EMPTY, EVERYWHERE, FINE, folds, lay_over, shade, shade_folds, straighten, visibility
from .stage import APERTURE_PARTS, INTERIOR, SHARE_THE_MATTE, SKIN, Dressed, Hole, Stage


def over(front: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Premultiplied `front` laid over premultiplied `back`, (h, w, 4) each."""
    return front + back * (1 - front[..., 3:])


def draw(stage: Stage, dressed: Dressed) -> np.ndarray:
    """One frame (height, width, 3 or 4) uint8."""
    frame = np.zeros_like(stage.plate)
    _draw_together(stage, frame, ["person"], dressed.vertices, dressed)
    for aperture, groups in APERTURE_PARTS.items():
        if hole := stage.hole(aperture, dressed.vertices["face"]):
            _draw_through(stage, frame, hole, groups, dressed)
    _draw_together(stage, frame, [name for name in SKIN if name in dressed.vertices], dressed.vertices, dressed)
    picture = np.empty((*frame.shape[:2], 4 if stage.alpha else 3), np.uint8)
    if stage.alpha:
        straighten(frame, picture)
    else:
        if stage.inside is not None:
            frame *= stage.inside
        behind = stage.plate.copy()
        _draw_halo(stage, behind, dressed.halo)
        lay_over(frame, behind, picture)
    return picture


def _draw_halo(stage: Stage, frame: np.ndarray, share: np.ndarray) -> None:
    """Lay the picture's own edge over the plate where the person still is where it was."""
    if share.any():
        person, colour = stage.parts["person"], np.ones((len(share), 4), np.float32)
        colour[:, 3] = share
        shade(person.triangles, stage.texels["person"], colour, stage.textures["halo"], *stage.halo_seen, EVERYWHERE, False, frame)


def _draw_through(stage: Stage, frame: np.ndarray, hole: Hole, groups: tuple[tuple[str, ...], ...], dressed: Dressed) -> None:
    """Draw groups of parts into a hole of the face and nowhere else."""
    height, width = hole.share.shape
    corner = np.float32((hole.left, hole.top, 0))
    inside = np.zeros((height, width, 4), np.float32)
    for names in groups:
        moved = {name: dressed.vertices[name] - corner for name in names if name in dressed.vertices}
        if names == INTERIOR:
            inside = over(_draw_interior(stage, moved, hole, dressed), inside)
        else:
            _draw_together(stage, inside, list(moved), moved, dressed)
    inside *= hole.share[..., None]
    window = frame[hole.top:hole.top + height, hole.left:hole.left + width]
    window[:] = over(inside, window)


def _draw_interior(stage: Stage, placed: dict[str, np.ndarray], hole: Hole, dressed: Dressed) -> np.ndarray:
    """(h, w, 4) premultiplied: the mouth's inside, drawn finer than the frame, in the shadow of the lips."""
    centre = np.float32((0.5, 0.5, 0))
    finer = {name: (vertices + centre) * np.float32(FINE) - centre for name, vertices in placed.items()}
    fine = np.zeros((*hole.light.shape, 4), np.float32)
    _draw_together(stage, fine, list(finer), finer, dressed)
    fine[..., :3] *= hole.light[..., None]
    return cv2.resize(fine, hole.share.shape[::-1], interpolation=cv2.INTER_AREA)


def _draw_together(stage: Stage, frame: np.ndarray, names: list[str], placed: dict[str, np.ndarray], dressed: Dressed) -> None:
    """Draw layers that hide one another by depth into `frame`, in whose pixels they are `placed`."""
    if not names:
        return
    size = frame.shape[1::-1]
    every = np.concatenate([placed[name] for name in names])
    left, top = np.clip(np.floor(every[:, :2].min(axis=0)).astype(int), 0, size)
    right, bottom = np.clip(np.ceil(every[:, :2].max(axis=0)).astype(int) + 1, 0, size)
    if right <= left or bottom <= top:
        return
    window = frame[top:bottom, left:right]
    depth = np.full(window.shape[:2], -np.inf, np.float32)
    for name in names:
        part = stage.part(name)
        texture = stage.textures[part.texture] if part.texture else np.zeros((0, 0, 4), np.uint8)
        looks = dressed.texels[name], dressed.colour[name], texture
        _draw_part(window, depth, left, top, placed[name], part, *looks, name in SHARE_THE_MATTE)


def _draw_part(window, depth, left, top, vertices, part, uv, colour, texture, replace) -> None:
    """Draw one part into a window of the frame at (left, top), sharing its depth (h, w) with what hides it."""
    shape = window.shape[:2]
    index, bary = np.full(shape, EMPTY, np.int32), np.empty((*shape, 2), np.float32)
    visibility(vertices, part.triangles, uv, texture[..., 3], EVERYWHERE, depth, index, bary, left, top)
    marked = np.zeros(shape, np.uint8)
    if not part.texture or folds(part.triangles, uv, index, bary, marked) == 0:
        shade(part.triangles, uv, colour, texture, index, bary, EVERYWHERE, replace, window)
        return
    shade(part.triangles, uv, colour, texture, index, bary, marked, replace, window)
    fine_shape = (shape[0] * FINE, shape[1] * FINE)
    fine_depth = np.full(fine_shape, -np.inf, np.float32)
    fine_index, fine_bary = np.full(fine_shape, EMPTY, np.int32), np.empty((*fine_shape, 2), np.float32)
    finer = ((vertices - np.float32((left - 0.5, top - 0.5, 0))) * np.float32(FINE) - np.float32((0.5, 0.5, 0)))
    visibility(finer, part.triangles, uv, texture[..., 3], marked, fine_depth, fine_index, fine_bary, 0, 0)
    shade_folds(part.triangles, uv, colour, texture, fine_index, fine_bary, marked, replace, window)
