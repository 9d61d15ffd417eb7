"""The chin's shadow on the neck: it follows the jaw, while the shadow in the picture stays on the skin it was painted on."""

from __future__ import annotations

import numpy as np
import torch

from ..portrait.fit import PUPIL_DISTANCE_M
from ..portrait.portrait import Portrait

JAW_LINE = (172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397)
"""Landmarks along the lower jaw from the subject's right to the left."""
REACH = 0.7
"""The neck is shaded this far below the jaw, pupil distances."""
SOFTNESS = 0.16
"""Distance over which the shadow falls to 1/e, pupil distances."""
DARKEST = 0.3
"""Share of the light that a light straight above loses under the jaw."""
LIMITS = (0.75, 1.2)


class ChinShadow:
    """The shadow of one portrait's jaw on the vertices of a part, its person or its neck.

    from_above: how much of the picture's light comes from above, 0..1; without any there is no shadow. What a vertex shows is in the
    light of where the picture has it: what goes on behind the jaw is as dark as what is below it.
    """

    def __init__(self, portrait: Portrait, from_above: float, device: torch.device | None = None, shaded: str = "person"):
        pupil_distance = portrait.units_per_metre * PUPIL_DISTANCE_M
        face, part = portrait.parts["face"], portrait.parts[shaded]
        places = part.uv * np.float32(portrait.size) - np.float32(0.5)
        self.softness = SOFTNESS * pupil_distance
        self.depth = DARKEST * float(np.clip(from_above, 0, 1))
        jaw = face.vertices[list(JAW_LINE), :2]
        down = face.vertices[152, :2] - face.vertices[10, :2]
        down = down / (np.linalg.norm(down) + 1e-6)
        offset = places[:, None] - jaw[None]
        nearest = np.linalg.norm(offset, axis=2).argmin(axis=1)
        below = offset[np.arange(len(offset)), nearest] @ down
        neck = np.flatnonzero((below > -0.15 * pupil_distance) & (below < REACH * pupil_distance)
                                   & (np.linalg.norm(offset, axis=2).min(axis=1) < REACH * pupil_distance))
        fade = np.clip(2 - 2 * np.maximum(below[neck], 0) / (REACH * pupil_distance), 0, 1)
        self.neck, self._jaw = torch.from_numpy(neck).to(device), torch.tensor(JAW_LINE, device=device)
        self._fade = torch.from_numpy(fade.astype(np.float32)).to(device)
        at_rest = (torch.from_numpy(known.astype(np.float32))[None].to(device) for known in (places, face.vertices))
        self._rest = self._light(*at_rest)[0]

    def factor(self, vertices: torch.Tensor, face_vertices: torch.Tensor) -> torch.Tensor:
        """(B, len(neck)) how much brighter the neck is than at rest with the part (B, P, 3) and the face (B, V, 3) posed."""
        ratio = self._light(vertices, face_vertices) / self._rest
        return 1 + self._fade * (torch.clamp(ratio, *LIMITS) - 1)

    def _light(self, vertices: torch.Tensor, face_vertices: torch.Tensor) -> torch.Tensor:
        """(B, len(neck)) light 0..1 that the jaw leaves."""
        away = vertices[:, self.neck, None, :2] - face_vertices[:, None, self._jaw, :2]
        distance = torch.linalg.vector_norm(away, dim=-1).amin(dim=-1)
        return 1 - self.depth * torch.exp(-distance / self.softness)
