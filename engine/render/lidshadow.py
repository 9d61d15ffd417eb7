"""The shadow that the upper lids throw on the eyes: it comes down with the lid, and the iris turns beneath it.

The parts carry the shadow of the rest pose as colour and have textures without it (portrait/eyes.py), so that a renderer
which does nothing about it shows the rest pose's shadow.
"""

from __future__ import annotations

import torch

from ..portrait.eyes import SHADOW_REACH
from ..portrait.fit import PUPIL_DISTANCE_M
from ..portrait.lids import lid_path
from ..portrait.portrait import Portrait
from ..portrait.topology import LID_LOWER, LID_UPPER


LEAST_MOVING = 0.25
"""A lid that comes down takes at least this share of the light with it, also where a highlight hides its shadow at rest: else what is
left of a white glares below it. One that rises gives back what the picture's shadow took, and no more."""


class LidShadow:
    """The shadows of one portrait."""

    def __init__(self, portrait: Portrait, device: torch.device | None = None):
        self.pupil_distance = portrait.units_per_metre * PUPIL_DISTANCE_M
        self.lids, self.parts = {}, {}
        face = torch.from_numpy(portrait.parts["face"].vertices).to(device)[None]
        for side in ("left", "right"):
            if f"eye_{side}" not in portrait.apertures:
                continue
            rim = portrait.apertures[f"eye_{side}"]
            self.lids[side] = tuple(torch.tensor(lid_path(rim, lid[side]), device=device) for lid in (LID_UPPER, LID_LOWER))
            for name in (f"eye_{side}", f"iris_{side}"):
                colour = torch.from_numpy(portrait.parts[name].colour).to(device)
                at_rest = float(1 - colour[:, 0].min())
                strength = max(at_rest, LEAST_MOVING)
                rest = torch.from_numpy(portrait.parts[name].vertices).to(device)[None]
                self.parts[name] = (side, strength, colour, 1 - strength * self._share(side, face, rest), 1 / (1 - at_rest))

    def colours(self, vertices: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """(B, V, 4) colour of each shaded part; vertices: all parts of B posed frames, (B, V, 3) in picture space."""
        shaded = {}
        for name, (side, strength, colour, lit_at_rest, most) in self.parts.items():
            lit = 1 - strength * self._share(side, vertices["face"], vertices[name])
            change = torch.clamp(lit / lit_at_rest, max=most)
            shaded[name] = torch.cat([colour[:, :3] * change[..., None], colour[:, 3:].expand(len(lit), -1, -1)], dim=-1)
        return shaded

    def _share(self, side: str, face: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        """(B, V) 0..1: how deep points (B, V, 3) lie in the shadow of the lid, as the face (B, F, 3) holds it."""
        upper, lower = (face[:, path, :2] for path in self.lids[side])
        across = upper[:, -1] - upper[:, 0]
        down = torch.stack([-across[:, 1], across[:, 0]], dim=1) / (torch.linalg.vector_norm(across, dim=1, keepdim=True) + 1e-6)
        points_up = ((lower.mean(dim=1) - upper.mean(dim=1)) * down).sum(dim=1, keepdim=True) < 0
        return shadow_at(below_lid(points[..., :2], upper, torch.where(points_up, -down, down)), self.pupil_distance)


def below_lid(points: torch.Tensor, upper: torch.Tensor, down: torch.Tensor) -> torch.Tensor:
    """(B, N) how far points (B, N, 2) lie below the upper lid's edge (B, K, 2), along `down` (B, 2), in B frames."""
    down = down[..., None]
    across = torch.cat([down[:, 1:], -down[:, :1]], dim=1)
    along, order = torch.sort((upper @ across)[..., 0])
    edge = torch.gather((upper @ down)[..., 0], 1, order)
    place = torch.clamp((points @ across)[..., 0], along[:, :1], along[:, -1:])
    after = torch.clamp(torch.searchsorted(along, place), 1, along.shape[1] - 1)
    (start, end), (start_edge, end_edge) = ((torch.gather(known, 1, after - 1), torch.gather(known, 1, after)) for known in (along, edge))
    share = (place - start) / torch.where(end > start, end - start, 1)
    return (points @ down)[..., 0] - (start_edge + share * (end_edge - start_edge))


def shadow_at(below_px: torch.Tensor, pupil_distance: float) -> torch.Tensor:
    """0..1: depth of the shadow so far below the lid's edge; 1 at the edge and under the lid."""
    return torch.exp(-torch.clamp(below_px, min=0) / (SHADOW_REACH * pupil_distance))
