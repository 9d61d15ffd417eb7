"""The edges of the lips: what they have of the picture's mouth goes as the mouth changes.

The dark line between closed lips is the upper one's shadow: it leaves the lower one as they part. The edges of parted lips mix
with the teeth and the darkness between them: the mixture goes as they close, or a line would stay where they meet.
"""

from __future__ import annotations

import numpy as np
import torch

from ..portrait.lip_edges import SAME_PLACE_PX, LipEdges
from ..portrait.mouth import ENDS_ON_LIP, LOWER_LIP_ROW, UPPER_LIP_ROW
from ..portrait.portrait import Portrait
from ..portrait.rims import LOWER_LIP_MIDDLE, UPPER_LIP_MIDDLE, lips_of

BARED_AT = 0.25
"""The upper lip's edge on the picture's own teeth is gone when it has risen by this much of what is continued beneath it."""
LEFT_AT = 0.035
"""The lower lip's edge on them is gone when it has fallen from it by this much, pupil distances."""
EDGES_WITHIN = 0.1
"""Where lips are nearer than this in the picture, pupil distances, what shows between them is their edges' more than the teeth's."""
GONE_AT = 0.06
"""The shadow is gone when the lips are this far apart, pupil distances."""


class LipSeam(LipEdges):
    """The seam of one portrait's lips, as frames need it. on_device: the rim as a tensor."""

    def __init__(self, portrait: Portrait, device: torch.device | None = None):
        super().__init__(portrait)
        lips = lips_of(self.rim.tolist())
        self.on_device, self._facing, self._upper, self._lower = (
            torch.from_numpy(np.array(places, np.int64)).to(device)
            for places in (self.rim, self.facing, lips[UPPER_LIP_MIDDLE], lips[LOWER_LIP_MIDDLE]))
        self._rest_gap, self._gain = (torch.from_numpy(known.astype(np.float32)).to(device) for known in (self.rest_gap, self.gain))

    def _gap(self, face_vertices: torch.Tensor) -> torch.Tensor:
        """(B, len(rim)) pixels between each vertex of the rim and the one across from it."""
        return torch.linalg.vector_norm(face_vertices[:, self.on_device, :2] - face_vertices[:, self._facing, :2], dim=-1)

    def left_behind(self, colour: torch.Tensor, posed: torch.Tensor, face_posed: torch.Tensor) -> torch.Tensor:
        """(B, V, 4) colour of the picture's own teeth, (V, 4) at rest, without the edge they have in common with the lower lip, as far
        as that has fallen from it. posed (B, V, 3), face_posed (B, F, 3): picture space as the camera sees it."""
        count = len(self._lower)
        rows = posed[..., :2].view(len(posed), -1, count, 2)
        down = (rows[:, LOWER_LIP_ROW] - rows[:, UPPER_LIP_ROW]).sum(dim=1, keepdim=True)
        down = down / torch.clamp(torch.linalg.vector_norm(down, dim=-1, keepdim=True), min=1e-6)
        fallen = ((face_posed[:, self.on_device[self._lower], :2] - rows[:, LOWER_LIP_ROW]) * down).sum(dim=-1)
        left = 1 - torch.clamp(fallen / (LEFT_AT * self.pupil_distance), 0, 1)
        parted = torch.clamp((self._gap(face_posed) - self._rest_gap)[:, self._lower] / (GONE_AT * self.pupil_distance), 0, 1)
        only_edges = 1 - torch.clamp(self._rest_gap[self._lower] / (EDGES_WITHIN * self.pupil_distance), 0, 1)
        gone = torch.maximum(parted * only_edges, parted.amax(dim=1, keepdim=True) * (1 - self.shows_teeth))
        share = (1 - gone)[:, None].repeat(1, rows.shape[1], 1)
        share[:, -ENDS_ON_LIP:] *= left[:, None]
        return torch.cat([colour[:, :3].expand(len(posed), -1, -1), colour[:, 3:] * share.flatten(1)[..., None]], dim=-1)

    def uncovered(self, texels: torch.Tensor, placed: torch.Tensor, face_placed: torch.Tensor) -> torch.Tensor:
        """(B, V, 2) where the texture of the picture's own teeth, at `texels` (V, 2) at rest, is: their edge with the upper lip is, as
        far as that has risen from it, no longer what the picture shows there but the tooth below. placed (B, V, 3), face_placed
        (B, F, 3): pixels of the frames."""
        count = len(self._upper)
        beneath, clear, edge = (slice(k * count, (k + 1) * count) for k in range(UPPER_LIP_ROW + 1))
        up = placed[:, beneath, :2] - placed[:, edge, :2]
        risen = ((face_placed[:, self.on_device[self._upper], :2] - placed[:, edge, :2]) * up).sum(dim=-1)
        share = torch.clamp(risen / torch.clamp(BARED_AT * (up ** 2).sum(dim=-1), min=1e-6), 0, 1)[..., None]
        moved = texels.repeat(len(placed), 1, 1)
        moved[:, edge] += share * (texels[clear] - texels[edge])
        return moved

    def factor(self, face_vertices: torch.Tensor) -> torch.Tensor:
        """(B, len(rim), 3) by how much the rim's colour differs from rest with the posed face (B, V, 3)."""
        gap = self._gap(face_vertices)
        gone = gap / (GONE_AT * self.pupil_distance) if self.closed else 1 - gap / torch.clamp(self._rest_gap, min=SAME_PLACE_PX)
        return 1 + (self._gain - 1) * torch.clamp(gone, 0, 1)[..., None]
