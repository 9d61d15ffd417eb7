"""Which triangle is nearest at each pixel of many frames at once: render/raster.py's `visibility` as tensors.

Every triangle of every frame is spread over the pixels of its bounding box, and the nearest wins by one atomic maximum of a
64-bit key, depth above and triangle below, so that ties go to the triangle that comes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

NOTHING = 0xFFFFFFFF
"""Lower half of a key whose depth counts, but none of this layer's triangles."""
TOLERANCE = -1e-5
"""Least barycentric weight of a pixel on a triangle's edge; LEAST_AREA: twice that of a triangle that is drawn. As the processor's."""
LEAST_AREA = 1e-9
FRAGMENTS_AT_ONCE = 1 << 24
"""Pixels of bounding boxes looked at together: 3 GB of intermediate results."""


@dataclass
class Mesh:
    """Triangles (T, 3) int64 of a layer, ready to be looked up at pixels, in B frames.

    plane: (9, B * T) float32: x, y of the first corner, how the second's and the third's weight grow with x and y, z of the first
    corner and how it grows with those weights. box: (4, B * T) int64 x, y of the first pixel, columns and rows: 0 where it covers none.
    """

    triangles: torch.Tensor
    plane: torch.Tensor
    box: torch.Tensor

    def at(self, which: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Weights of the second and third corner and depth, of triangles `which` of (B * T) at pixels x, y, float32."""
        plane = self.plane[:, which]
        x, y = x - plane[0], y - plane[1]
        wb, wc = torch.addcmul(x * plane[2], y, plane[3]), torch.addcmul(x * plane[4], y, plane[5])
        return wb, wc, torch.addcmul(torch.addcmul(plane[6], wb, plane[7]), wc, plane[8])


def set_up(vertices: torch.Tensor, triangles: torch.Tensor, size: tuple[int, int]) -> Mesh:
    """Triangles (T, 3) over vertices (B, V, 3) in pixels of frames of `size` (width, height)."""
    corners = vertices[:, triangles].flatten(0, 1)
    a, b, c = corners.unbind(1)
    limits = torch.tensor(size, device=vertices.device) - 1
    first = torch.clamp(torch.ceil(corners[..., :2].amin(1)), min=0).long()
    last = torch.minimum(torch.floor(corners[..., :2].amax(1)).long(), limits)
    to_b, to_c = b - a, c - a
    area = to_b[:, 0] * to_c[:, 1] - to_b[:, 1] * to_c[:, 0]
    drawn = area.abs() >= LEAST_AREA
    scale = 1 / torch.where(drawn, area, 1)
    extent = torch.clamp(last - first + 1, min=0) * drawn[:, None]
    plane = torch.stack([a[:, 0], a[:, 1], to_c[:, 1] * scale, -to_c[:, 0] * scale, -to_b[:, 1] * scale, to_b[:, 0] * scale,
                         a[:, 2], to_b[:, 2], to_c[:, 2]])
    return Mesh(triangles, plane, torch.cat([first.T, extent.T]))


def fragments(box: torch.Tensor, wanted: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Every pixel of the `wanted` (N,) of boxes (4, B * T), some at a time: (which box, x, y), each (F,) int64."""
    first_x, first_y, columns, rows = box[:, wanted]
    until = torch.cumsum(columns * rows, 0)
    total = int(until[-1]) if len(until) else 0
    ends = torch.arange(1, max(1, -(-total // FRAGMENTS_AT_ONCE)), device=box.device) * FRAGMENTS_AT_ONCE
    splits = [0, *torch.searchsorted(until, ends).tolist(), len(until)]
    before = until - columns * rows
    for start, stop in zip(splits, splits[1:]):
        if start == stop:
            continue
        these = torch.arange(start, stop, device=box.device).repeat_interleave((columns * rows)[start:stop])
        place = torch.arange(len(these), device=box.device) + before[start] - before[these]
        width = columns[these]
        down = torch.div(place, width, rounding_mode="floor")
        yield wanted[these], first_x[these] + place - down * width, first_y[these] + down


def no_depth(pixels: int, device: torch.device) -> torch.Tensor:
    """(pixels,) int64 keys before which everything lies."""
    return torch.full((pixels,), -0x7FFFFFFF << 32 | NOTHING, dtype=torch.int64, device=device)


def offer(keys: torch.Tensor, at: torch.Tensor, covers: torch.Tensor, depth: torch.Tensor, triangle: torch.Tensor) -> None:
    """Let `triangle` (F,) at `depth` (F,) float32 have the pixels `at` (F,) of `keys` that it `covers` (F,) and is nearest at."""
    bits = depth.contiguous().view(torch.int32).long()
    ascending = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    key = ascending << 32 | (NOTHING - 1 - triangle)
    keys.scatter_reduce_(0, at, torch.where(covers, key, torch.iinfo(torch.int64).min), "amax")


def winner(keys: torch.Tensor) -> torch.Tensor:
    """Number of the triangle that has each pixel, int64, -1 where none of the layer's has."""
    return NOTHING - 1 - (keys & NOTHING)
