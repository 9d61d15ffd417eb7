"""Meshes of the picture: the face (landmarks, subdivided, with soft edges) and the person (a grid over the matte)."""

from __future__ import annotations

import functools
from collections import Counter

import cv2
import numpy as np
import scipy.sparse
import scipy.spatial

from ..motion.clip import CHANNEL_INDEX
from .beyond import BEYOND_FRAME, FRAME_SIDES, Cut, find_cuts, frame_fade, rounded, shown_at
from .fit import Fit, head_asset
from .jaw_line import JawLine
from .neck import neck_parts
from .plate import CONTAMINATED_SHARE
from .portrait import Part
from .rims import LID_SKIRT, LID_SKIRT_TUCKED, LIP_SKIRT, SKIRT_BEHIND, Sheet, add_inner_lips, inward_of, soften_rim
from .surface import PersonSurface, neck_weights, uv_of
from .topology import INNER_LIP_LOWER, INNER_LIP_UPPER, LID_LOWER, LID_UPPER, SURFACE_LANDMARKS
from .turned_away import TurnedAway

SUBDIVISIONS = 2
FACE_FADE_RINGS = 3
"""The face fades into the person over this many rings of subdivided triangles at its outline."""

GRID_CELLS_PER_PUPIL_DISTANCE = 9
FINER_REACH = 0.3
"""Within so much of a filled far cheek, pupil distances, cells are halved: there the grid is the outline of a head turned further away."""
MOST_GRID_CELLS = 160
"""Cells along the picture's long side, at the most."""


def loop_subdivide(triangles: np.ndarray, count: int) -> tuple[np.ndarray, scipy.sparse.csr_matrix]:
    """One step of Loop's scheme (Loop 1987, "Smooth subdivision surfaces based on triangles"), boundaries as cubic B-splines.

    triangles (T, 3) over `count` vertices -> triangles (4T, 3) and the matrix (new, count) that makes the new vertices.
    """
    opposite: dict[tuple[int, int], list[int]] = {}
    for a, b, c in triangles.tolist():
        for u, v, w in ((a, b, c), (b, c, a), (c, a, b)):
            opposite.setdefault((min(u, v), max(u, v)), []).append(w)
    middle = {edge: count + n for n, edge in enumerate(opposite)}
    rows, columns, values = [], [], []

    def put(row: int, entries) -> None:
        for column, value in entries:
            rows.append(row), columns.append(column), values.append(value)

    neighbours: dict[int, set[int]] = {}
    rim: dict[int, list[int]] = {}
    for (u, v), across in opposite.items():
        neighbours.setdefault(u, set()).add(v)
        neighbours.setdefault(v, set()).add(u)
        if len(across) == 1:
            rim.setdefault(u, []).append(v)
            rim.setdefault(v, []).append(u)
            put(middle[(u, v)], [(u, 0.5), (v, 0.5)])
        else:
            put(middle[(u, v)], [(u, 3 / 8), (v, 3 / 8), (across[0], 1 / 8), (across[1], 1 / 8)])
    for vertex in range(count):
        if vertex in rim:
            put(vertex, [(vertex, 3 / 4)] + [(n, 1 / (4 * len(rim[vertex]))) for n in rim[vertex]])
        else:
            around = neighbours.get(vertex, set())
            if not around:
                put(vertex, [(vertex, 1.0)])
                continue
            beta = (5 / 8 - (3 / 8 + np.cos(2 * np.pi / len(around)) / 4) ** 2) / len(around)
            put(vertex, [(vertex, 1 - len(around) * beta)] + [(n, beta) for n in around])
    fine = []
    for a, b, c in triangles.tolist():
        ab, bc, ca = (middle[(min(u, v), max(u, v))] for u, v in ((a, b), (b, c), (c, a)))
        fine += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    matrix = scipy.sparse.csr_matrix((values, (rows, columns)), shape=(count + len(middle), count))
    return np.array(fine, np.int32), matrix


@functools.cache
def face_subdivision() -> tuple[np.ndarray, scipy.sparse.csr_matrix]:
    """Triangles (T, 3) of the smooth face and the matrix (V, 468) that makes its vertices of the landmarks; not to be changed."""
    triangles = head_asset()["face_triangles"].astype(np.int32)
    matrix = scipy.sparse.identity(SURFACE_LANDMARKS, format="csr")
    for _ in range(SUBDIVISIONS):
        triangles, step = loop_subdivide(triangles, matrix.shape[0])
        matrix = step @ matrix
    return triangles, matrix


def rim_loops(triangles: np.ndarray) -> list[list[int]]:
    """Closed boundary loops of a mesh, each a list of vertices, the longest first."""
    directed = Counter((int(t[k]), int(t[(k + 1) % 3])) for t in triangles for k in range(3))
    follow = {u: v for (u, v) in directed if (v, u) not in directed}
    loops = []
    while follow:
        start = next(iter(follow))
        loop = [start]
        while follow.get(loop[-1], start) != start:
            loop.append(follow.pop(loop[-1]))
        follow.pop(loop[-1], None)
        loops.append(loop)
    return sorted(loops, key=len, reverse=True)


def face_part(fit: Fit, size: tuple[int, int], lip_tint: np.ndarray) -> tuple[Part, dict[str, np.ndarray]]:
    """The face as a smooth mesh with holes at eyes and mouth, soft at every rim, and the rims of those holes.

    size: (width, height) of the picture. lip_tint: (3,) how the lips' colour changes inside the mouth. The rims are those of
    `Portrait.apertures`.
    """
    triangles, matrix = face_subdivision()
    rest = matrix @ fit.surface
    outline, *holes = rim_loops(triangles)
    colour = np.ones((len(rest), 4))
    colour[:, 3] = fade_from(outline, triangles, len(rest), FACE_FADE_RINGS)
    sheet = Sheet(rest, np.stack([matrix @ delta for delta in fit.deltas]), rest[:, :2], colour, triangles)
    apertures = name_holes(fit, rest, holes)
    for name, hole in apertures.items():
        finish_rim(sheet, hole.tolist(), fit, name, lip_tint)
    part = Part(vertices=sheet.rest.astype(np.float32), triangles=sheet.triangles, uv=uv_of(sheet.looked_up, size),
                colour=sheet.colour.astype(np.float32), head_weight=np.ones(len(sheet.rest), np.float32),
                delta_channel=np.zeros(0, np.uint8), delta_index=np.zeros(0, np.int32), delta_offset=np.zeros((0, 3), np.float32),
                texture="person")
    part.set_deltas(sheet.deltas)
    return part, apertures


def finish_rim(sheet: Sheet, hole: list[int], fit: Fit, name: str, lip_tint: np.ndarray) -> None:
    """Add what lies inside the rim of a hole: the soft edge, and in the mouth the inside of the lips before it."""
    inward = inward_of(sheet.rest, sheet.triangles, hole)
    if name != "mouth":
        blinks = tuple(CHANNEL_INDEX[f"eyeBlink{side}"] for side in ("Left", "Right"))
        soften_rim(sheet, hole, LID_SKIRT * fit.pupil_distance, 0.0, inward, tucked_px=LID_SKIRT_TUCKED * fit.pupil_distance, closing=blinks)
        return
    inner = add_inner_lips(sheet, hole, inward, fit.pupil_distance, closed=fit.lips_closed, tint=lip_tint)
    soften_rim(sheet, inner, LIP_SKIRT * fit.pupil_distance, SKIRT_BEHIND * fit.pupil_distance, inward)


def name_holes(fit: Fit, rest: np.ndarray, holes: list[list[int]]) -> dict[str, np.ndarray]:
    """Which hole is which eye, which the mouth."""
    middles = {"mouth": fit.surface[list(INNER_LIP_UPPER + INNER_LIP_LOWER), :2].mean(axis=0)}
    for side in ("left", "right"):
        middles[f"eye_{side}"] = fit.surface[list(LID_UPPER[side] + LID_LOWER[side]), :2].mean(axis=0)
    named = {}
    for hole in holes:
        middle = rest[hole, :2].mean(axis=0)
        named[min(middles, key=lambda name: np.linalg.norm(middles[name] - middle))] = np.array(hole, np.int32)
    return named


def fade_from(rim: list[int], triangles: np.ndarray, count: int, rings: int) -> np.ndarray:
    """(count,) alpha: 0 on the rim, rising to 1 over `rings` rings of neighbours."""
    alpha = np.ones(count)
    alpha[rim] = 0.0
    front, seen = set(rim), set(rim)
    for ring in range(1, rings):
        touching = triangles[np.isin(triangles, list(front)).any(axis=1)]
        front = set(touching.ravel().tolist()) - seen
        seen |= front
        alpha[list(front)] = ring / rings
    return alpha


def person_parts(fit: Fit, face: Part, matte: np.ndarray, line: JawLine, far_side: Part | None = None) -> dict[str, Part]:
    """`person`, a grid over the person with depth, the face's motion fading beyond its outline, and the neck's share of the head; and
    what is seen where it opens along the jaw's line (`neck.py`).

    matte: (H, W) 0..1; far_side: what fills the far cheek of a face turned away, if it is.
    """
    height, width = matte.shape
    cuts = find_cuts(matte, fit)
    grid, triangles = grid_over(matte, fit.pupil_distance, cuts)
    even = len(grid)
    if far_side is not None:
        grid, triangles = finer_near(far_side, grid, triangles, fit.pupil_distance)
    points = rounded(grid, (width, height), cuts)
    colour = np.ones((len(points), 4), np.float32)
    colour[:, 3] = frame_fade(grid, (width, height), fit.pupil_distance, cuts)
    surface = PersonSurface(fit, face, (width, height))
    depth, offsets = surface.look(points)
    turned_away = TurnedAway(fit, np.column_stack([points, depth])[:even], far_side)
    depth = turned_away.evened(points, depth)
    eased = turned_away.eased(points, depth)
    person = Part(vertices=np.concatenate([points, eased[:, None]], axis=1).astype(np.float32), triangles=triangles,
                  uv=uv_of(shown_at(grid, (width, height), cuts), (width, height)), colour=colour,
                  head_weight=neck_weights(fit, points), delta_channel=np.zeros(0, np.uint8),
                  delta_index=np.zeros(0, np.int32), delta_offset=np.zeros((0, 3), np.float32), texture="person",
                  deeper_turned_away=turned_away.deeper(eased, depth))
    person.set_deltas(offsets, smallest_px=0.02)
    return {"person": person, **neck_parts(line, fit, surface, turned_away)}


def grid_over(matte: np.ndarray, pupil_distance: float, cuts: list[Cut]) -> tuple[np.ndarray, np.ndarray]:
    """Grid points (V, 2) and triangles (T, 3) over every cell that the matte, or the ring of the picture's own edge about it, touches.

    Where the frame cuts the person the grid goes on beyond it, over what lies just inside, so that a head that moves
    inwards does not end in a straight line.
    """
    height, width = matte.shape
    cell = max(pupil_distance / GRID_CELLS_PER_PUPIL_DISTANCE, max(height, width) / MOST_GRID_CELLS, 2.0)
    across, down = int(np.ceil(width / cell)), int(np.ceil(height / cell))
    reach_px = {side: max([BEYOND_FRAME * pupil_distance] + [cut.reach for cut in cuts if cut.side == side]) for side in FRAME_SIDES}
    seen = {"left": matte[:, 0], "top": matte[0], "right": matte[:, -1], "bottom": matte[-1]}
    before_x, before_y, after_x, after_y = (
        int(np.ceil(reach_px[side] / cell)) if (seen[side] > 0.5).any() else 0 for side in FRAME_SIDES)
    xs = np.arange(-before_x, across + after_x + 1) * (width / across) - 0.5
    ys = np.arange(-before_y, down + after_y + 1) * (height / down) - 0.5
    reach = max(int(cell), int(np.ceil(2 * CONTAMINATED_SHARE * max(height, width))) + 1)
    grown = cv2.dilate((matte > 0).astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8))
    middle_x, middle_y = np.meshgrid((xs[:-1] + xs[1:]) / 2, (ys[:-1] + ys[1:]) / 2)
    shown = shown_at(np.stack([middle_x.ravel(), middle_y.ravel()], axis=1), (width, height), cuts).round().astype(int)
    used = np.argwhere(grown[shown[:, 1], shown[:, 0]].reshape(middle_x.shape) > 0)
    columns = len(xs)
    corner = used[:, 0] * columns + used[:, 1]
    quads = np.stack([corner, corner + 1, corner + columns + 1, corner + columns], axis=1)
    names, compact = np.unique(quads, return_inverse=True)
    compact = compact.reshape(-1, 4)
    triangles = np.concatenate([compact[:, [0, 2, 1]], compact[:, [0, 3, 2]]]).astype(np.int32)
    return np.stack([xs[names % columns], ys[names // columns]], axis=1), triangles


def finer_near(far_side: Part, grid: np.ndarray, triangles: np.ndarray, pupil_distance: float) -> tuple[np.ndarray, np.ndarray]:
    """The grid's points (V, 2) and triangles (T, 3) with those near a filled far cheek divided."""
    distance, _ = scipy.spatial.cKDTree(far_side.vertices[:, :2]).query(grid[triangles].mean(axis=1))
    ends, triangles = divided(triangles, distance < FINER_REACH * pupil_distance, len(grid))
    return np.concatenate([grid, grid[ends].mean(axis=1)]), triangles


def divided(triangles: np.ndarray, wanted: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide the `wanted` (T,) of triangles (T, 3) over `count` vertices in four, and their neighbours as far as that takes (Bank et al.
    1983, "Some refinement algorithms and data structures for regular local mesh refinement").

    Returns (M, 2) the two vertices between which each new one lies, and the triangles.
    """
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]], axis=2).astype(np.int64)
    keys = edges @ (count, 1)
    halved = np.unique(keys[wanted])
    middle = np.where(np.isin(keys, halved), count + np.searchsorted(halved, keys), -1)
    pieces = []
    for split in ((), (0,), (1,), (2,), (0, 1), (1, 2), (2, 0), (0, 1, 2)):
        chosen = ((middle >= 0) == np.isin(range(3), split)).all(axis=1)
        start = split[0] if split else 0  # turned so that the first edge is a halved one, and of two the second is, too
        a, b, c = np.roll(triangles[chosen], -start, axis=1).T
        ab, bc, ca = np.roll(middle[chosen], -start, axis=1).T
        pieces += {0: [(a, b, c)], 1: [(a, ab, c), (ab, b, c)], 2: [(ab, b, bc), (a, ab, bc), (a, bc, c)],
                   3: [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]}[len(split)]
    return np.stack(np.divmod(halved, count), axis=1), np.concatenate([np.stack(piece, axis=1) for piece in pieces]).astype(np.int32)
