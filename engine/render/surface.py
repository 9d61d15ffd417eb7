"""Normals of surfaces whose triangles stay the same while their vertices move, of many frames at once."""

from __future__ import annotations

import numpy as np
import torch


class Surface:
    """Triangles (T, 3), counter-clockwise from outside, of a surface with so many vertices."""

    def __init__(self, triangles: np.ndarray, vertices: int, device: torch.device | None = None):
        corners = torch.from_numpy(triangles.astype(np.int64))
        around = torch.bincount(corners.flatten(), minlength=vertices)
        self.corners = corners.to(device)
        self.triangles_around = torch.div(torch.argsort(corners.flatten(), stable=True), 3, rounding_mode="floor").to(device)
        self.first_around = (torch.cumsum(around, 0) - around).to(device)

    def normals(self, vertices: torch.Tensor) -> torch.Tensor:
        """(B, V, 3) unit outward normals at vertices (B, V, 3) float32, y down: the mean of the triangles around, by their area."""
        frames, count = vertices.shape[:2]
        rows = vertices.transpose(0, 1).reshape(count, -1)
        a, b, c = (rows.index_select(0, corner).view(-1, frames, 3) for corner in self.corners.unbind(1))
        crossed = torch.linalg.cross(c - a, b - a).flatten(1)
        summed = torch.nn.functional.embedding_bag(self.triangles_around, crossed, self.first_around, mode="sum")
        summed = summed.view(count, frames, 3)
        return (summed / (torch.linalg.vector_norm(summed, dim=-1, keepdim=True) + 1e-9)).transpose(0, 1)


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V, 3) float32 unit outward normals of one surface at rest, vertices (V, 3); see Surface."""
    return Surface(triangles, len(vertices)).normals(torch.from_numpy(vertices.astype(np.float32))[None])[0].numpy()
