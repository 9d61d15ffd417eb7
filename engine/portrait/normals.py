"""Normals of a surface at rest, in NumPy: taking a picture apart needs no tensors, and their library takes 180 MiB."""

from __future__ import annotations

import numpy as np


def surface_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V, 3) float32 unit outward normals at vertices (V, 3), y down, of triangles (T, 3) counter-clockwise from outside: the mean
    of the triangles around, by their area. Of moving surfaces: `render/surface.py`."""
    a, b, c = (vertices[corner].astype(np.float64) for corner in triangles.T)
    crossed = np.cross(c - a, b - a)
    summed = np.stack([np.bincount(triangles.ravel(), np.repeat(crossed[:, axis], 3), len(vertices)) for axis in range(3)], axis=1)
    return (summed / (np.linalg.norm(summed, axis=1, keepdims=True) + 1e-9)).astype(np.float32)
