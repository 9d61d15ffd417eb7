"""Drawing many frames at once on a device: render/drawing.py as tensors, over the same `Stage` and the same `Dressed` frames."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from ..raster import FINE
from ..stage import APERTURE_PARTS, BODY, INTERIOR, SHARE_THE_MATTE, SKIN, DressedBatch, Hole, Stage
from .canvas import Canvas, Layer, Worn
from .texture import Texture


class Easel:
    """A stage on a device: everything that stays the same from frame to frame is there already."""

    def __init__(self, stage: Stage, device: torch.device):
        self.stage, self.device = stage, device
        textures = {part.texture for part in stage.parts.values() if part.texture}
        self.textures = {name: Texture(stage.textures[name], device) for name in textures}
        self.within_matte = torch.from_numpy(stage.within_matte > 0).to(device).flatten()
        self.layers = {name: self._layer(name) for name in stage.texels}
        if not stage.alpha:
            self.plate = torch.from_numpy(stage.plate.astype(np.float32)).to(device).view(-1, 3)
            self.halo = _Halo(stage, device)
            self.inside = None if stage.inside is None else torch.from_numpy(stage.inside).to(device)

    def _layer(self, name: str) -> Layer:
        part = self.stage.part(name)
        triangles = torch.from_numpy(part.triangles.astype(np.int64)).to(self.device)
        return Layer(triangles, self.textures.get(part.texture), name in SHARE_THE_MATTE, self.within_matte if name in BODY else None)

    @torch.inference_mode()
    def draw(self, frames: DressedBatch) -> torch.Tensor:
        """(B, height, width, 3 or 4) uint8 on the device."""
        worn = {name: Worn(self.layers[name], vertices, torch.cat([frames.colour[name], frames.texels[name]], dim=2))
                for name, vertices in frames.vertices.items()}
        canvas = Canvas(len(frames), self.stage.size, self.device)
        face = frames.vertices["face"].cpu().numpy()
        with ThreadPoolExecutor() as pool:
            holes = {aperture: [pool.submit(self.stage.hole, aperture, vertices) for vertices in face]
                     for aperture in APERTURE_PARTS}
            for name in BODY:
                if name in worn:
                    canvas.draw([worn[name]])
            for aperture, groups in APERTURE_PARTS.items():
                self._draw_through(canvas, [hole.result() for hole in holes[aperture]], groups, worn)
        canvas.draw([worn[name] for name in SKIN if name in worn])
        return _straight(canvas.colour) if self.stage.alpha else self._over_plate(canvas, frames.halo)

    def _there(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(self.device, non_blocking=True)

    def _draw_through(self, canvas: Canvas, holes: list[Hole | None], groups: tuple[tuple[str, ...], ...],
                      worn: dict[str, Worn]) -> None:
        """Draw groups of layers into a hole of every frame's face and nowhere else, in windows of one size."""
        shapes = [hole.share.shape for hole in holes if hole]
        if not shapes:
            return
        height, width = np.max(shapes, axis=0)
        corners = np.array([(min(hole.left, canvas.width - width), min(hole.top, canvas.height - height)) if hole else (0, 0)
                            for hole in holes])
        corner = self._there(np.pad(corners, ((0, 0), (0, 1))))[:, None]
        inside = Canvas(len(holes), (int(width), int(height)), self.device)
        for names in groups:
            moved = [Worn(worn[name].layer, worn[name].vertices - corner, worn[name].looks) for name in names if name in worn]
            if names == INTERIOR:
                light = self._spread([hole and (hole.left, hole.top, hole.light) for hole in holes], corners, (height, width), FINE)
                inside.flat += self._interior(moved, inside, light)
            else:
                inside.draw(moved)
        share = self._spread([hole and (hole.left, hole.top, hole.share) for hole in holes], corners, (height, width), 1)
        canvas.lay_over(inside.colour * share[..., None], torch.from_numpy(corners).to(self.device))

    def _interior(self, moved: list[Worn], inside: Canvas, light: torch.Tensor) -> torch.Tensor:
        """(B * h * w, 4) premultiplied: the mouth's inside, drawn finer than the frame, in the shadow of the lips."""
        centre = torch.tensor([0.5, 0.5, 0.0], device=self.device)
        fine = Canvas(inside.frames, (inside.width * FINE, inside.height * FINE), self.device)
        fine.draw([Worn(worn.layer, (worn.vertices + centre) * FINE - centre, worn.looks) for worn in moved])
        fine.colour[..., :3] *= light[..., None]
        return fine.colour.view(inside.frames, inside.height, FINE, inside.width, FINE, 4).mean(dim=(2, 4)).view(-1, 4)

    def _spread(self, windows: list[tuple[int, int, np.ndarray] | None], corners: np.ndarray, shape: tuple[int, int],
                fine: int) -> torch.Tensor:
        """(B, h * fine, w * fine) values of windows (left, top, values) in larger ones at `corners` (B, 2); 0 where there is none."""
        spread = np.zeros((len(windows), shape[0] * fine, shape[1] * fine), np.float32)
        for frame, window in enumerate(windows):
            if window is not None:
                left, top, values = window
                x, y = (left - corners[frame, 0]) * fine, (top - corners[frame, 1]) * fine
                spread[frame, y:y + values.shape[0], x:x + values.shape[1]] = values
        return self._there(spread)

    def _over_plate(self, canvas: Canvas, halo: torch.Tensor) -> torch.Tensor:
        """(B, h, w, 3) uint8: the canvas over the plate and what is still true of the picture's own edge."""
        behind = self.plate.repeat(canvas.frames, 1, 1)
        self.halo.draw(behind, halo)
        behind = behind.view(*canvas.colour.shape[:3], 3)
        front = canvas.colour if self.inside is None else canvas.colour * self.inside
        return _bytes(front[..., :3] + behind * (1 - front[..., 3:]))


class _Halo:
    """The picture's own edge around the resting person: its pixels and their colours do not change, only how far they are true."""

    def __init__(self, stage: Stage, device: torch.device):
        seen, person = stage.halo_seen, stage.parts["person"]
        corners, bary = person.triangles[seen.index], seen.bary
        weights = np.concatenate([np.float32(1) - bary[:, :1] - bary[:, 1:], bary], axis=1)
        texels = torch.from_numpy((weights[..., None] * stage.texels["person"][corners]).sum(1)).to(device)
        self.pixels, self.corners, self.weights = (torch.from_numpy(known).to(device)
                                                   for known in (seen.pixels, corners.astype(np.int64), weights))
        self.colour, self.alpha = Texture(stage.textures["halo"], device).sample(texels)

    def draw(self, behind: torch.Tensor, share: torch.Tensor) -> None:
        """Lay it over (B, h * w, 3) as far as it is true at the person's vertices, (B, V) 0..1."""
        alpha = (share[:, self.corners] * self.weights).sum(-1) * self.alpha
        behind[:, self.pixels] = behind[:, self.pixels] * (1 - alpha)[..., None] + self.colour * alpha[..., None]


def _bytes(values: torch.Tensor) -> torch.Tensor:
    """0..255 as the nearest uint8."""
    return (torch.clamp(values, 0, 255) + 0.5).to(torch.uint8)


def _straight(colour: torch.Tensor) -> torch.Tensor:
    """Premultiplied (B, h, w, 4), alpha 0..1, as straight RGBA uint8."""
    alpha = torch.clamp(colour[..., 3:], 0, 1)
    inverse = torch.where(alpha > 1e-6, 1 / torch.clamp(alpha, min=1e-6), 0)
    return _bytes(torch.cat([colour[..., :3] * inverse, alpha * 255], dim=-1))
