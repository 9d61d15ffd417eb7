"""Textures on a device, sampled as render/raster.py does it: by a cubic where they are opaque, bilinearly at their edges."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch.nn.functional import grid_sample

from ..raster import ON_TEXEL



class Texture:
    """A texture (h, w, 4) uint8 straight RGBA on a device."""

    def __init__(self, image: np.ndarray, device: torch.device):
        self.height, self.width = image.shape[:2]
        alpha = image[..., 3]
        inner = np.zeros(alpha.shape, bool)
        if min(alpha.shape) > 3:  # opaque from one texel before to two after: Keys' cubic has four in a row
            opaque = cv2.erode((alpha == 255).astype(np.uint8), np.ones((4, 4), np.uint8), anchor=(1, 1))
            inner[1:-2, 1:-2] = opaque[1:-2, 1:-2] > 0
        self.inner = torch.from_numpy(inner).to(device).flatten()
        self.solid = torch.from_numpy(alpha > 0).to(device).flatten() if (alpha == 0).any() else None
        planes = torch.from_numpy(image).to(device).permute(2, 0, 1)[None].float()
        self.colour = planes[:, :3].contiguous()
        self.premultiplied = torch.cat([planes[:, :3] * planes[:, 3:], planes[:, 3:]], dim=1)

    def nearest(self, texels: torch.Tensor) -> torch.Tensor:
        """(N,) int64: the number of the texel nearest to each of (N, 2)."""
        column = torch.clamp((texels[:, 0] + 0.5 + ON_TEXEL).long(), 0, self.width - 1)
        row = torch.clamp((texels[:, 1] + 0.5 + ON_TEXEL).long(), 0, self.height - 1)
        return row * self.width + column

    def holds(self, texels: torch.Tensor) -> torch.Tensor:
        """(N,) bool: whether the texel nearest to each of (N, 2) is no hole. Only of a texture with `solid`."""
        return self.solid[self.nearest(texels)]

    def sample(self, texels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Red, green, blue (N, 3) 0..255 and alpha (N,) 0..1 at texels (N, 2)."""
        last = torch.tensor([self.width - 1, self.height - 1], dtype=torch.float32, device=texels.device)
        texels = torch.minimum(torch.clamp(texels, min=0), last)
        column, row = (texels + ON_TEXEL).long().unbind(1)
        grid = (texels * (2 / torch.clamp(last, min=1)) - 1)[None, None]
        settings = {"padding_mode": "border", "align_corners": True}
        mixed = grid_sample(self.premultiplied, grid, mode="bilinear", **settings)[0, :, 0].T
        total = mixed[:, 3]
        edge = mixed[:, :3] / torch.where(total > 0, total, 1)[:, None]
        cubic = torch.clamp(grid_sample(self.colour, grid, mode="bicubic", **settings)[0, :, 0].T, 0, 255)
        inner = self.inner[row * self.width + column]
        return torch.where(inner[:, None], cubic, edge), torch.where(inner, 1.0, total / 255)
