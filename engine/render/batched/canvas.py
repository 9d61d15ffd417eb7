"""Layers over one another in many frames at once: render/raster.py's `shade`, `folds`, `outlines` and `shade_finer` as tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import embedding_bag

from ..raster import FINE, FOLD_TEXELS, HARD_END
from .raster import NOTHING, TOLERANCE, Mesh, fragments, no_depth, offer, set_up, winner
from .texture import Texture


@dataclass
class Layer:
    """What of a layer is the same in every frame. triangles (T, 3) int64; replace: see raster.py's `shade`; within: (h * w,) bool of the
    texture's texels, see `outlines`, None of a layer that ends softly."""

    triangles: torch.Tensor
    texture: Texture | None
    replace: bool
    within: torch.Tensor | None


@dataclass
class Worn:
    """A layer in B frames: vertices (B, V, 3) in pixels of the canvas, looks (B, V, 6): colour, then texels."""

    layer: Layer
    vertices: torch.Tensor
    looks: torch.Tensor


class Canvas:
    """B frames of one size being drawn. colour: (B, h, w, 4) float32, premultiplied RGBA 0..255, alpha 0..1."""

    def __init__(self, frames: int, size: tuple[int, int], device: torch.device):
        self.frames, (self.width, self.height) = frames, size
        self.colour = torch.zeros(frames, self.height, self.width, 4, device=device)
        self.flat = self.colour.view(-1, 4)

    def draw(self, worn: list[Worn]) -> None:
        """Draw layers that hide one another by depth, one after another."""
        keys = no_depth(len(self.flat), self.flat.device)
        slots = torch.full(keys.shape, -1, dtype=torch.int32, device=keys.device)
        for layer in worn:
            self._draw_layer(layer, keys, slots)

    def lay_over(self, front: torch.Tensor, corners: torch.Tensor) -> None:
        """Lay premultiplied (B, h, w, 4) over windows of the frames whose left, top are `corners` (B, 2)."""
        frames, height, width = front.shape[:3]
        device = front.device
        x = corners[:, 0, None, None] + torch.arange(width, device=device)
        y = corners[:, 1, None, None] + torch.arange(height, device=device)[:, None]
        pixels = ((torch.arange(frames, device=device)[:, None, None] * self.height + y) * self.width + x).flatten()
        front = front.view(-1, 4)
        self.flat[pixels] = front + self.flat[pixels] * (1 - front[:, 3:])

    def _draw_layer(self, worn: Worn, keys: torch.Tensor, slots: torch.Tensor) -> None:
        mesh = set_up(worn.vertices, worn.layer.triangles, (self.width, self.height))
        window = self._find_nearest(worn, mesh, keys)
        if window is None:
            return
        pixels, frame, x, y = self._won(keys, window)
        if not len(pixels):
            return
        seen = _See(worn, mesh, frame, winner(keys[pixels]), x, y)
        colour, mixed, alpha = seen.shade()
        after = _blend(self.flat[pixels], colour, mixed if worn.layer.replace else alpha, alpha)
        finer = self._drawn_finer(worn.layer, seen, pixels, slots)
        if len(finer):
            finest = self._finer(worn, self.flat[finer], finer, slots)
        self.flat[pixels] = after
        if len(finer):
            self.flat[finer] = finest
        keys[pixels] |= NOTHING

    def _find_nearest(self, worn: Worn, mesh: Mesh, keys: torch.Tensor) -> tuple[int, int, int, int] | None:
        """Give pixels to the triangles that are nearest; the window (left, top, right, bottom) that holds them all."""
        wanted = torch.nonzero(mesh.box[2] * mesh.box[3]).flatten()
        if not len(wanted):
            return None
        for which, x, y in fragments(mesh.box, wanted):
            frame = torch.div(which, len(worn.layer.triangles), rounding_mode="floor")
            _offer(worn, mesh, keys, (frame * self.height + y) * self.width + x, frame, which, x, y)
        box = mesh.box[:, wanted]
        return tuple(torch.cat([box[:2].amin(1), (box[:2] + box[2:]).amax(1)]).tolist())

    def _won(self, keys: torch.Tensor, window: tuple[int, int, int, int]) -> tuple[torch.Tensor, ...]:
        """The pixels that the layer has, each (P,) int64: number in the canvas, frame, x, y."""
        left, top, right, bottom = window
        inside = keys.view(self.frames, self.height, self.width)[:, top:bottom, left:right]
        frame, y, x = torch.nonzero((inside & NOTHING) != NOTHING).unbind(1)
        x, y = x + left, y + top
        return (frame * self.height + y) * self.width + x, frame, x, y

    def _drawn_finer(self, layer: Layer, seen: _See, pixels: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
        """The pixels on either side of a fold of a layer that has `pixels` (P,), or of its end."""
        if layer.texture is None:
            return pixels[:0]
        slots[pixels] = torch.arange(len(pixels), device=pixels.device, dtype=torch.int32)
        marked = self._folds(seen, pixels, slots)
        if layer.within is not None:
            marked = torch.cat([marked, self._outlines(layer.within, seen, pixels, slots)])
        slots[pixels] = -1
        return torch.unique(marked)

    def _folds(self, seen: _See, pixels: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
        """The pixels on either side of a fold, some twice. slots: which of `pixels` (P,) each pixel is, or -1."""
        marked = []
        may = (seen.x < self.width - 1) & (seen.y < self.height - 1)
        for step in (1, self.width):
            beside = torch.where(may, slots[torch.where(may, pixels + step, pixels)].long(), -1)
            apart = (seen.texels[beside] - seen.texels).abs().sum(1)
            jumps = pixels[(beside >= 0) & (apart > FOLD_TEXELS)]
            marked += [jumps, jumps + step]
        return torch.cat(marked)

    def _outlines(self, within: torch.Tensor, seen: _See, pixels: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
        """The pixels on either side of where the surface ends within the matte, some more than once."""
        ends = (seen.looks[:, 3] >= HARD_END) & within[seen.texture.nearest(seen.texels)]
        marked = []
        for step, in_frame in ((-1, seen.x > 0), (1, seen.x < self.width - 1), (-self.width, seen.y > 0), (self.width, seen.y < self.height - 1)):
            may = pixels[ends & in_frame]
            may = may[slots[may + step] < 0]
            marked += [may, may + step]
        return torch.cat(marked)

    def _finer(self, worn: Worn, before: torch.Tensor, pixels: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
        """(M, 4) the colours of pixels (M,), from FINE x FINE samples each, over what was there `before` (M, 4)."""
        slots[pixels] = torch.arange(len(pixels), device=pixels.device, dtype=torch.int32)
        centre = torch.tensor([0.5, 0.5, 0.0], device=pixels.device)
        finer = Worn(worn.layer, (worn.vertices + centre) * FINE - centre, worn.looks)
        mesh = set_up(finer.vertices, worn.layer.triangles, (self.width * FINE, self.height * FINE))
        keys = no_depth(len(pixels) * FINE * FINE, pixels.device)
        self._find_finest(finer, mesh, keys, pixels, slots)
        slots[pixels] = -1
        frame, y, x = self._place(pixels)
        sub_y, sub_x = (sub.flatten() for sub in torch.meshgrid(*[torch.arange(FINE, device=pixels.device)] * 2, indexing="ij"))
        triangle = winner(keys)
        seen = _See(finer, mesh, frame.repeat_interleave(FINE * FINE), torch.clamp(triangle, min=0),
                    (x[:, None] * FINE + sub_x).flatten(), (y[:, None] * FINE + sub_y).flatten())
        colour, mixed, alpha = seen.shade()
        there = (triangle >= 0) / FINE ** 2
        samples = torch.cat([colour * (alpha * there)[:, None], (mixed * there)[:, None], (alpha * there)[:, None]], dim=1)
        red_green_blue, mixed, alpha = samples.view(-1, FINE * FINE, 5).sum(1).split([3, 1, 1], dim=1)
        return _lay(before, torch.cat([red_green_blue, alpha], dim=1), mixed if worn.layer.replace else alpha)

    def _find_finest(self, worn: Worn, mesh: Mesh, keys: torch.Tensor, pixels: torch.Tensor, slots: torch.Tensor) -> None:
        """Give the samples of `pixels`, whose numbers are in `slots`, to the triangles that are nearest there."""
        count = len(worn.layer.triangles)
        first = torch.div(mesh.box[:2], FINE, rounding_mode="floor")
        last = torch.div(mesh.box[:2] + mesh.box[2:] - 1, FINE, rounding_mode="floor")
        box = torch.cat([first, (last - first + 1) * (mesh.box[2] * mesh.box[3] > 0)])
        box[2:] *= self._hold_any(box, count, pixels)
        for which, x, y in fragments(box, torch.nonzero(box[2] * box[3]).flatten()):
            frame = torch.div(which, count, rounding_mode="floor")
            slot = slots[(frame * self.height + y) * self.width + x].long()
            kept = torch.nonzero(slot >= 0).flatten()
            sample = torch.arange(FINE * FINE, device=kept.device).repeat_interleave(len(kept))
            which, x, y, frame, slot = (known[kept].repeat(FINE * FINE) for known in (which, x, y, frame, slot))
            x, y = x * FINE + sample % FINE, y * FINE + sample // FINE
            _offer(worn, mesh, keys, slot * FINE * FINE + sample, frame, which, x, y)

    def _hold_any(self, box: torch.Tensor, count: int, pixels: torch.Tensor) -> torch.Tensor:
        """(B * T,) bool: which boxes hold any of `pixels`, by sums over rectangles (Crow 1984, "Summed-area tables")."""
        there = torch.zeros(self.frames, self.height + 1, self.width + 1, dtype=torch.int32, device=pixels.device)
        frame, y, x = self._place(pixels)
        there[frame, y + 1, x + 1] = 1
        there = there.cumsum(1, dtype=torch.int32).cumsum(2, dtype=torch.int32)
        frame = torch.arange(box.shape[1], device=box.device) // count
        left, top, columns, rows = box
        right, bottom = left + columns, top + rows
        left, right = (torch.clamp(x, 0, self.width) for x in (left, right))
        top, bottom = (torch.clamp(y, 0, self.height) for y in (top, bottom))
        return there[frame, bottom, right] - there[frame, top, right] - there[frame, bottom, left] + there[frame, top, left] > 0

    def _place(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Frame, y and x of pixels by their number in the canvas."""
        row = torch.div(pixels, self.width, rounding_mode="floor")
        frame = torch.div(row, self.height, rounding_mode="floor")
        return frame, row - frame * self.height, pixels - row * self.width


class _See:
    """A layer's surface at P pixels, each of its frame, by the triangle that has it."""

    def __init__(self, worn: Worn, mesh: Mesh, frame: torch.Tensor, triangle: torch.Tensor, x: torch.Tensor, y: torch.Tensor):
        self.texture, self.x, self.y = worn.layer.texture, x, y
        wb, wc, _ = mesh.at(frame * len(mesh.triangles) + triangle, x, y)
        self.looks = _between(worn, frame, triangle, wb, wc)
        self.texels = self.looks[:, 4:]

    def shade(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Red, green, blue (P, 3) 0..255, the vertices' alpha (P,) and that with the texture's (P,)."""
        mixed = self.looks[:, 3]
        if self.texture is None:
            return self.looks[:, :3] * 255, mixed, mixed
        texel, matte = self.texture.sample(self.texels)
        return self.looks[:, :3] * texel, mixed, mixed * matte


def _offer(worn: Worn, mesh: Mesh, keys: torch.Tensor, pixels: torch.Tensor, frame: torch.Tensor, which: torch.Tensor,
           x: torch.Tensor, y: torch.Tensor) -> None:
    """Let triangles `which` (F,) of the mesh, in frames `frame` (F,), have those of `pixels` (F,), at x, y, that they cover and are
    nearest at."""
    wb, wc, depth = mesh.at(which, x, y)
    covers = (1 - wb - wc >= TOLERANCE) & (wb >= TOLERANCE) & (wc >= TOLERANCE)
    triangle = which - frame * len(mesh.triangles)
    texture = worn.layer.texture
    if texture is not None and texture.solid is not None:
        covers &= texture.holds(_between(worn, frame, triangle, wb, wc)[:, 4:])
    offer(keys, pixels, covers, depth, triangle)


def _between(worn: Worn, frame: torch.Tensor, triangle: torch.Tensor, wb: torch.Tensor, wc: torch.Tensor) -> torch.Tensor:
    """(P, 6) looks at weights wb, wc within triangles."""
    corners = worn.layer.triangles[triangle] + (frame * worn.looks.shape[1])[:, None]
    weights = torch.stack([1 - wb - wc, wb, wc], dim=1)
    return embedding_bag(corners, worn.looks.flatten(0, 1), per_sample_weights=weights, mode="sum")


def _blend(before: torch.Tensor, colour: torch.Tensor, covers: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """(P, 4) premultiplied: colour (P, 3) straight at `alpha` (P,) over `before`, of which `covers` (P,) goes."""
    return _lay(before, torch.cat([colour * alpha[:, None], alpha[:, None]], dim=1), covers[:, None])


def _lay(before: torch.Tensor, front: torch.Tensor, covers: torch.Tensor) -> torch.Tensor:
    """(P, 4) `front` over `before`, both premultiplied, of which `covers` (P, 1) goes; `kept` of raster.py."""
    behind, alpha = before[:, 3:], front[:, 3:]
    hole = (behind > 1e-6) & (alpha < covers * behind)
    covers = torch.where(hole, alpha / torch.clamp(behind, min=1e-6), covers)
    return before * (1 - covers) + front
