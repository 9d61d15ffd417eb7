"""Mesh helpers for the mouth asset, the tongue, and the mouth's inner surface (see build_mouth.py)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Mesh:
    """vertices (V, 3) decimetres, triangles (T, 3) counter-clockwise from the visible side, colour (V, 4) sRGB 0..1."""

    vertices: np.ndarray
    triangles: np.ndarray
    colour: np.ndarray

    def normals(self) -> np.ndarray:
        """(V, 3) unit vertex normals, weighted by triangle area."""
        corners = self.vertices[self.triangles]
        face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        total = np.zeros_like(self.vertices)
        for corner in range(3):
            np.add.at(total, self.triangles[:, corner], face)
        return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)

    def facing(self, outward: np.ndarray) -> Mesh:
        """The same mesh, all triangles flipped if they mostly look against `outward` (V, 3)."""
        if np.sum(self.normals() * outward) >= 0:
            return self
        return Mesh(self.vertices, self.triangles[:, ::-1].copy(), self.colour)


def join(meshes: list[Mesh]) -> Mesh:
    """All meshes as one, vertices in order."""
    starts = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    return Mesh(np.concatenate([mesh.vertices for mesh in meshes]),
                np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, starts)]),
                np.concatenate([mesh.colour for mesh in meshes]))


def grid_triangles(rows: int, columns: int, *, closed: bool) -> np.ndarray:
    """(T, 3) triangles of a grid of `rows` x `columns` vertices; `closed` joins the last column to the first."""
    row, column = np.meshgrid(np.arange(rows - 1), np.arange(columns if closed else columns - 1), indexing="ij")
    following = (column + 1) % columns
    a, b = row * columns + column, row * columns + following
    c, d = a + columns, b + columns
    return np.stack([a, b, d, a, d, c], -1).reshape(-1, 3)


def fan_triangles(ring_start: int, columns: int, centre: int) -> np.ndarray:
    """(columns, 3) triangles closing the ring of `columns` vertices from `ring_start` on with the vertex `centre`."""
    column = np.arange(columns)
    return np.stack([ring_start + column, ring_start + (column + 1) % columns, np.full(columns, centre)], -1)


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between."""
    x = np.clip((np.asarray(value, float) - low) / (high - low), 0, 1)
    return x * x * (3 - 2 * x)


def blend(first, second, amount: np.ndarray) -> np.ndarray:
    """Colours (..., 3) between `first` (amount 0) and `second` (amount 1)."""
    amount = np.asarray(amount)[..., None]
    return np.asarray(first) * (1 - amount) + np.asarray(second) * amount


def opaque(rgb: np.ndarray) -> np.ndarray:
    """(V, 4): `rgb` (..., 3) clipped to 0..1, with alpha 1."""
    flat = np.clip(rgb.reshape(-1, 3), 0, 1)
    return np.concatenate([flat, np.ones((len(flat), 1))], 1)


TONGUE_SECTIONS = np.array([
    # z,    centre y, half width, upper half height, lower half height (dm), from the root to the blade
    [0.700, 6.440, 0.160, 0.100, 0.095],
    [0.800, 6.515, 0.180, 0.115, 0.120],
    [0.900, 6.565, 0.180, 0.105, 0.110],
    [1.000, 6.590, 0.172, 0.095, 0.085],
    [1.100, 6.600, 0.162, 0.085, 0.060],
    [1.200, 6.596, 0.150, 0.072, 0.046],
    [1.300, 6.584, 0.132, 0.056, 0.036],
    [1.390, 6.574, 0.105, 0.042, 0.030],
])
"""Read off MakeHuman's helper-tongue, narrowed to fit between the lower molars."""
TONGUE_RINGS, TONGUE_COLUMNS = 18, 20
TONGUE_TOP, TONGUE_BACK, TONGUE_UNDER = (0.76, 0.47, 0.46), (0.30, 0.13, 0.13), (0.50, 0.23, 0.23)


def build_tongue() -> Mesh:
    """The tongue at rest: root, body with a central groove, thin blade, rounded tip behind the lower incisors."""
    first, last = TONGUE_SECTIONS[0, 0], TONGUE_SECTIONS[-1, 0]
    # rings crowd towards the tip, where the silhouette turns
    z = first + (last - first) * np.sin(np.linspace(0, np.pi / 2, TONGUE_RINGS)) ** 0.9
    y, width, above, below = (_spline(TONGUE_SECTIONS[:, 0], TONGUE_SECTIONS[:, k], z)[:, None] for k in range(1, 5))
    tip = np.sqrt(np.clip(1 - np.clip((z - 1.25) / (last - 1.25), 0, 1) ** 2.6, 0, 1))[:, None]
    angle = 2 * np.pi * np.arange(TONGUE_COLUMNS) / TONGUE_COLUMNS
    side, up = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.85, np.sin(angle)
    x = width * (0.12 + 0.88 * tip) * side
    height = np.where(up > 0, above, below) * (0.20 + 0.80 * tip) * np.sign(up) * np.abs(up) ** 0.9
    groove = np.exp(-(x / 0.022) ** 2) * (up > 0.3) * 0.010 * smoothstep(0.8, 1.0, z)[:, None] \
        * (1 - smoothstep(1.30, last, z)[:, None])
    vertices = np.stack([x, y + height - groove, np.broadcast_to(z[:, None], x.shape)], -1).reshape(-1, 3)
    ends = np.array([[0, y[0, 0], first - 0.02], [0, y[-1, 0], last + 0.006]])
    ring = TONGUE_RINGS * TONGUE_COLUMNS
    triangles = np.concatenate([
        grid_triangles(TONGUE_RINGS, TONGUE_COLUMNS, closed=True),
        fan_triangles(0, TONGUE_COLUMNS, ring)[:, ::-1],
        fan_triangles(ring - TONGUE_COLUMNS, TONGUE_COLUMNS, ring + 1)])
    vertices = np.concatenate([vertices, ends])
    mesh = Mesh(vertices, triangles, _tongue_colour(vertices, np.append(np.tile(up, TONGUE_RINGS), [0, 0])))
    middle = np.interp(vertices[:, 2], TONGUE_SECTIONS[:, 0], TONGUE_SECTIONS[:, 1])
    return mesh.facing(vertices - np.stack([0 * middle, middle, vertices[:, 2] * 0.98], -1))


def _tongue_colour(vertices: np.ndarray, up: np.ndarray) -> np.ndarray:
    rgb = blend(TONGUE_UNDER, TONGUE_TOP, smoothstep(-0.5, 0.5, up))
    rgb = rgb * (1 - 0.22 * np.exp(-(vertices[:, 0] / 0.02) ** 2) * smoothstep(0.2, 0.8, up))[:, None]
    return opaque(blend(rgb, TONGUE_BACK, 1 - smoothstep(0.75, 1.3, vertices[:, 2])))


def _spline(knots: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Cubic Hermite interpolation with central-difference slopes."""
    slopes = np.gradient(values, knots)
    k = np.clip(np.searchsorted(knots, at) - 1, 0, len(knots) - 2)
    span = knots[k + 1] - knots[k]
    t = (at - knots[k]) / span
    return ((1 + 2 * t) * (1 - t) ** 2 * values[k] + t * (1 - t) ** 2 * span * slopes[k]
            + t * t * (3 - 2 * t) * values[k + 1] + t * t * (t - 1) * span * slopes[k + 1])


CAVITY_RINGS, CAVITY_COLUMNS = 9, 28
CAVITY_HALF_WIDTH, CAVITY_ABOVE, CAVITY_BELOW, CAVITY_CENTRE_Y = 0.365, 0.25, 0.29, 6.61
CAVITY_FRONT_Z, CAVITY_BACK_Z = 1.455, 0.62
CAVITY_NEAR, CAVITY_FAR = (0.46, 0.18, 0.17), (0.060, 0.014, 0.014)


def build_cavity() -> tuple[Mesh, np.ndarray]:
    """The inside of cheeks, palate, mouth floor and throat: a bag open to the front, its rim hidden in the lips' flesh.

    Returns the mesh (its triangles face the inside, where the viewer looks from) and how much each vertex follows the jaw
    (V,) 0..1: 0 at the palate, 1 at the floor.
    """
    depth = np.linspace(0, 1, CAVITY_RINGS)[:, None]
    angle = 2 * np.pi * np.arange(CAVITY_COLUMNS) / CAVITY_COLUMNS
    shrink = np.sqrt(1 - (0.985 * depth) ** 3.2)
    side, up = np.cos(angle), np.sin(angle)
    x = CAVITY_HALF_WIDTH * shrink * side
    y = CAVITY_CENTRE_Y - 0.05 * depth + np.where(up > 0, CAVITY_ABOVE, CAVITY_BELOW) * shrink * up
    rim_z = CAVITY_FRONT_Z - 1.9 * (CAVITY_HALF_WIDTH * side) ** 2 - 0.03 * np.clip(-up, 0, 1)
    z = rim_z + (CAVITY_BACK_Z - rim_z) * depth
    vertices = np.stack([x, y, z], -1).reshape(-1, 3)
    vertices = np.concatenate([vertices, [[0, CAVITY_CENTRE_Y - 0.05, CAVITY_BACK_Z]]])
    count = CAVITY_RINGS * CAVITY_COLUMNS
    triangles = np.concatenate([grid_triangles(CAVITY_RINGS, CAVITY_COLUMNS, closed=True),
                                fan_triangles(count - CAVITY_COLUMNS, CAVITY_COLUMNS, count)])
    darkness = 1 - smoothstep(0.70, 1.42, vertices[:, 2])
    colour = opaque(blend(CAVITY_NEAR, CAVITY_FAR, darkness ** 0.7))
    inside = np.array([0, CAVITY_CENTRE_Y - 0.03, 1.1]) - vertices
    jaw = 1 - smoothstep(CAVITY_CENTRE_Y - 0.16, CAVITY_CENTRE_Y + 0.10, vertices[:, 1])
    jaw *= 0.25 + 0.75 * smoothstep(CAVITY_BACK_Z, 1.0, vertices[:, 2])  # the throat hardly moves
    return Mesh(vertices, triangles, colour).facing(inside), jaw
