"""Meshes of the picture: the face (landmarks, subdivided, with soft edges) and the person (a grid over the matte)."""

from __future__ import annotations

import functools
from collections import Counter

import cv2
import numpy as np
import scipy.ndimage
import scipy.sparse
import scipy.spatial

from ...common.channels import RIG_CHANNELS
from ..motion.clip import CHANNEL_INDEX
from ..render.raster import rasterise_attributes
from .beyond import BEYOND_FRAME, FRAME_SIDES, Cut, find_cuts, frame_fade, rounded, shown_at
from .fit import Fit, head_asset
from .plate import CONTAMINATED_SHARE
from .portrait import Part
from .rims import LID_SKIRT, LID_SKIRT_TUCKED, LIP_SKIRT, SKIRT_BEHIND, Sheet, add_inner_lips, inward_of, soften_rim
from .topology import FACE_OVAL, INNER_LIP_LOWER, INNER_LIP_UPPER, LID_LOWER, LID_UPPER, SURFACE_LANDMARKS

SUBDIVISIONS = 2
FACE_FADE_RINGS = 3
"""The face fades into the person over this many rings of subdivided triangles at its outline."""

GRID_CELLS_PER_PUPIL_DISTANCE = 9
MOST_GRID_CELLS = 160
"""Cells along the picture's long side, at the most."""
DELTA_REACH = 0.45
"""How far the face's motion reaches beyond its outline, pupil distances; further below the chin."""
DELTA_REACH_BELOW = 0.75
NECK_TOP = -0.1
NECK_LENGTH = 1.5
"""The head's rotation fades out over this length below the chin, pupil distances."""
STEEPEST_SIDE, STEEPEST_NECK = 1.2, 3.0
"""Beside the face, and below its chin, depth falls by at most this much per length: the picture shows cheeks and ears foreshortened, and what little
texture it has of them would be drawn out into streaks when the head turns."""
EASED_NEIGHBOURS = 96
EASED_REACH = 0.3
"""Depth about a filled far cheek is eased over so many grid points, and so far beyond the fill, pupil distances."""
BODY_DEPTH = -1.5
"""Depth of shoulders and loose hair, pupil distances."""


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


def uv_of(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Pixels (V, 2+) -> texture coordinates 0..1 of a picture `size` (width, height); pixel n's centre is at (n + .5) / size."""
    return ((points[:, :2] + 0.5) / np.array(size)).astype(np.float32)


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


def person_part(fit: Fit, face: Part, matte: np.ndarray, far_side: Part | None = None) -> Part:
    """A grid over the person with depth, the face's motion fading beyond its outline, and the neck's share of the head.

    matte: (H, W) 0..1; far_side: what fills the far cheek of a face turned away, if it is.
    """
    height, width = matte.shape
    cuts = find_cuts(matte, fit)
    grid, triangles = grid_over(matte, fit.pupil_distance, cuts)
    points = rounded(grid, (width, height), cuts)
    colour = np.ones((len(points), 4), np.float32)
    colour[:, 3] = frame_fade(grid, (width, height), fit.pupil_distance, cuts)
    inside, hit = face_values_at(points, face, (width, height))
    oval = fit.surface[list(FACE_OVAL)]
    outside_distance = -signed_distance(points, oval[:, :2])
    depth = grid_depth(fit, points, inside[:, 0], hit, oval, outside_distance)
    if far_side is not None:
        depth = eased_at(far_side, points, depth, fit.pupil_distance)
    deltas = grid_deltas(fit, points, inside[:, 1:].reshape(-1, len(RIG_CHANNELS), 3), hit, outside_distance)
    part = Part(vertices=np.concatenate([points, depth[:, None]], axis=1).astype(np.float32), triangles=triangles,
                uv=uv_of(shown_at(grid, (width, height), cuts), (width, height)), colour=colour,
                head_weight=neck_weights(fit, points), delta_channel=np.zeros(0, np.uint8),
                delta_index=np.zeros(0, np.int32), delta_offset=np.zeros((0, 3), np.float32), texture="person")
    part.set_deltas(deltas.transpose(1, 0, 2), smallest_px=0.02)
    return part


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


def face_values_at(points: np.ndarray, face: Part, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Depth and the offsets (V, 1 + 3 RIG_CHANNELS) of the face under each point, and where there is face (V,) bool.

    Eyes and mouth count as face: the rims' values are spread into the holes.
    """
    tree = scipy.spatial.cKDTree(face.vertices[:, :2])
    dense = face.dense_deltas(len(RIG_CHANNELS)).transpose(1, 0, 2).reshape(len(face.vertices), -1)
    values = np.concatenate([face.vertices[:, 2:], dense], axis=1)
    distance, nearest = tree.query(points, k=4)
    weights = 1 / (distance + 1e-3)
    weights /= weights.sum(axis=1, keepdims=True)
    scale = min(1.0, 512 / max(size))
    canvas = np.zeros((int(size[1] * scale) + 2, int(size[0] * scale) + 2), np.uint8)
    hull = cv2.convexHull((face.vertices[:, :2] * scale).astype(np.int32))
    cv2.fillConvexPoly(canvas, hull, 1)
    x = np.clip((points[:, 0] * scale).astype(int), 0, canvas.shape[1] - 1)
    y = np.clip((points[:, 1] * scale).astype(int), 0, canvas.shape[0] - 1)
    return np.einsum("vk,vkd->vd", weights, values[nearest]), canvas[y, x] > 0


def signed_distance(points: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """(V,) distance to a polygon (K, 2), positive inside."""
    hull = cv2.convexHull(outline.astype(np.float32))
    return np.array([cv2.pointPolygonTest(hull, (float(x), float(y)), True) for x, y in points])


def grid_depth(fit: Fit, points, face_depth, on_face, oval, outside_distance) -> np.ndarray:
    """(V,) depth: the face where it is, the skull beside it, the body's plane below, smooth in between."""
    pd = fit.pupil_distance
    asset = head_asset()
    skull = fit.place(asset["head_vertices"].astype(np.float64))
    low = np.minimum(skull[:, :2].min(axis=0), points.min(axis=0))
    step = pd / 24
    extent = np.maximum(skull[:, :2].max(axis=0), points.max(axis=0)) - low
    canvas = (int(extent[0] / step) + 3, int(extent[1] / step) + 3)
    scaled = np.concatenate([(skull[:, :2] - low) / step, skull[:, 2:]], axis=1)
    values, hit = rasterise_attributes(scaled, asset["head_triangles"], skull[:, 2:], canvas)
    skull_depth = spread_outwards(values[..., 0], hit)
    column = np.clip(((points[:, 0] - low[0]) / step).round().astype(int), 0, canvas[0] - 1)
    row = np.clip(((points[:, 1] - low[1]) / step).round().astype(int), 0, canvas[1] - 1)
    depth = np.maximum(skull_depth[row, column], (BODY_DEPTH - 0.3) * pd)
    tree = scipy.spatial.cKDTree(oval[:, :2])
    distance, nearest = tree.query(points, k=6)
    weights = 1 / (distance + 0.02 * pd) ** 2
    weights /= weights.sum(axis=1, keepdims=True)
    oval_column = np.clip(((oval[:, 0] - low[0]) / step).round().astype(int), 0, canvas[0] - 1)
    oval_row = np.clip(((oval[:, 1] - low[1]) / step).round().astype(int), 0, canvas[1] - 1)
    step_at_oval = oval[:, 2] - skull_depth[oval_row, oval_column]
    correction = (weights * step_at_oval[nearest]).sum(axis=1) * np.exp(-np.maximum(outside_distance, 0) / (0.35 * pd))
    below_chin = np.clip((points @ fit.down - (oval[:, :2] @ fit.down).max()) / (0.5 * pd) + 0.5, 0, 1)
    slope = STEEPEST_SIDE + below_chin * (STEEPEST_NECK - STEEPEST_SIDE)
    steepest = (weights * oval[nearest, 2]).sum(axis=1) - slope * np.maximum(outside_distance, 0)
    return np.where(on_face, face_depth, np.maximum(depth + correction, steepest))


def eased_at(far_side: Part, points: np.ndarray, depth: np.ndarray, pupil_distance: float) -> np.ndarray:
    """(V,) depth that falls by at most STEEPEST_SIDE about the far cheek: what fills it is the outline there, and the person's own
    few pixels of it must not come out from under the fill."""
    distance, nearest = scipy.spatial.cKDTree(points).query(points, k=min(EASED_NEIGHBOURS, len(points)))
    eased = (depth[nearest] - STEEPEST_SIDE * distance).max(axis=1)
    filled = far_side.vertices[far_side.colour[:, 3] > 0.3, :2]
    from_fill, _ = scipy.spatial.cKDTree(filled).query(points)
    share = np.clip(2 - from_fill / (EASED_REACH * pupil_distance), 0, 1)
    return depth + share * (eased - depth)


def spread_outwards(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill unknown pixels (h, w) with the nearest known value, then smooth the filled part."""
    _, (row, column) = scipy.ndimage.distance_transform_edt(~known, return_indices=True)
    filled = values[row, column]
    return np.where(known, cv2.GaussianBlur(filled, (0, 0), 1.5), cv2.GaussianBlur(filled, (0, 0), 6.0))


def grid_deltas(fit: Fit, points, face_offsets, on_face, outside_distance) -> np.ndarray:
    """(V, RIG_CHANNELS, 3): the face's offsets on it; beyond its outline those of the nearest outline, fading with distance."""
    pd = fit.pupil_distance
    chin = fit.surface[list(FACE_OVAL), :2] @ fit.down
    below = np.clip((points @ fit.down - np.percentile(chin, 70)) / (0.6 * pd), 0, 1)
    reach = (DELTA_REACH + (DELTA_REACH_BELOW - DELTA_REACH) * below) * pd
    oval = list(FACE_OVAL)
    distance, nearest = scipy.spatial.cKDTree(fit.surface[oval, :2]).query(points, k=5)
    weights = 1 / (distance + 0.05 * pd) ** 2
    weights /= weights.sum(axis=1, keepdims=True)
    at_oval = fit.deltas[:, oval].transpose(1, 0, 2)
    beyond = np.einsum("vk,vkcd->vcd", weights, at_oval[nearest])
    fade = np.exp(-((np.maximum(outside_distance, 0) / reach) ** 2))
    return np.where(on_face[:, None, None], face_offsets, beyond * fade[:, None, None])


def neck_weights(fit: Fit, points: np.ndarray) -> np.ndarray:
    """(V,) share of the head's rotation: 1 down to the chin, 0 at the base of the neck."""
    chin = float((fit.surface[152, :2] @ fit.down))
    below = (points @ fit.down - chin) / fit.pupil_distance
    along = np.clip((below - NECK_TOP) / NECK_LENGTH, 0, 1)
    return (1 - along * along * (3 - 2 * along)).astype(np.float32)
