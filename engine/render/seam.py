"""The edges of the lips: what they have of the picture's mouth goes as the mouth changes.

The dark line between closed lips is the upper one's shadow: it leaves the lower one as they part. The edges of parted lips mix
with the teeth and the darkness between them: the mixture goes as they close, or a line would stay where they meet.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch

from ..portrait.fit import PUPIL_DISTANCE_M
from ..portrait.mouth import ENDS_ON_LIP, LOWER_LIP_ROW, UPPER_LIP_ROW
from ..portrait.portrait import Portrait
from ..portrait.rims import LOWER_LIP_MIDDLE, UPPER_LIP_MIDDLE, facing_lip, inward_of, lips_of
from .light import blurred_around

LIP_WITHIN = 0.045
"""The lip's own colour is read this far behind its edge, pupil distances."""
BLUR = 0.012
"""Colour is averaged over this much, pupil distances."""
MOST = 2.2
"""No channel is raised by more than this factor, nor lowered."""
SAME_PLACE_PX = 0.5
BARED_AT = 0.25
"""The upper lip's edge on the picture's own teeth is gone when it has risen by this much of what is continued beneath it."""
LEFT_AT = 0.035
"""The lower lip's edge on them is gone when it has fallen from it by this much, pupil distances."""
EDGES_WITHIN = 0.1
"""Where lips are nearer than this in the picture, pupil distances, what shows between them is their edges' more than the teeth's."""
LESS_RED_THAN_LIPS, LIGHTER_THAN_LIPS = (6.0, 11.0), (0.0, 10.0)
"""What parted lips show are teeth as far as it is so much less red (CIE a*) or so much lighter (L*) than they. Three portraits' teeth
are 13 to 25 less red; the shadow or wet lip that three others show is 5 at most, and darker."""
SHOWN_WITHIN, SHOWN_BELOW = (0.25, 0.75), (0.2, 0.5, 0.8)
"""Where that is looked at: shares of the mouth's width, and of the lips' distance."""
GONE_AT = 0.06
"""The shadow is gone when the lips are this far apart, pupil distances."""


class LipSeam:
    """The seam of one portrait's lips. rim: the mouth's rim as vertices of the face; on_device: the same as a tensor."""

    def __init__(self, portrait: Portrait, device: torch.device | None = None):
        face = portrait.parts["face"]
        self.rim = portrait.apertures["mouth"]
        hole = self.rim.tolist()
        self.facing = np.array(facing_lip(hole))
        self.pupil_distance = portrait.units_per_metre * PUPIL_DISTANCE_M
        self.rest_gap = np.linalg.norm(face.vertices[self.rim, :2] - face.vertices[self.facing, :2], axis=1)
        self.closed = bool(self.rest_gap.max() < SAME_PLACE_PX)
        outward = -inward_of(face.vertices, face.triangles, hole)
        colour = self._colour(portrait)
        edge = colour(face.vertices[self.rim, :2])
        lip = colour(face.vertices[self.rim, :2] + LIP_WITHIN * self.pupil_distance * outward)
        self.gain = np.clip(lip / np.maximum(edge, 1.0), 1.0 if self.closed else 1 / MOST, MOST)
        if self.closed:
            upper = np.setdiff1d(np.arange(len(hole)), lips_of(hole)[LOWER_LIP_MIDDLE])
            self.gain[upper] = 1.0
        self.shows_teeth = 0.0 if self.closed else self._shows_teeth(face.vertices[:, :2], colour, lip)
        self._to_device(device)

    def _to_device(self, device: torch.device | None) -> None:
        """What frames are made with."""
        lips = lips_of(self.rim.tolist())
        self.on_device, self._facing, self._upper, self._lower = (
            torch.from_numpy(np.array(places, np.int64)).to(device)
            for places in (self.rim, self.facing, lips[UPPER_LIP_MIDDLE], lips[LOWER_LIP_MIDDLE]))
        self._rest_gap, self._gain = (torch.from_numpy(known.astype(np.float32)).to(device) for known in (self.rest_gap, self.gain))

    def _shows_teeth(self, face_px: np.ndarray, colour: Callable[[np.ndarray], np.ndarray], lip: np.ndarray) -> float:
        """0..1: whether what the picture shows between its lips are teeth. face_px (V, 2); lip: (len(rim), 3) the lips' colours."""
        lower = np.array(lips_of(self.rim.tolist())[LOWER_LIP_MIDDLE])
        middle = lower[slice(*(round(share * len(lower)) for share in SHOWN_WITHIN))]
        low, high = face_px[self.rim[middle]], face_px[self.facing[middle]]
        shown = np.concatenate([colour(high + share * (low - high)) for share in SHOWN_BELOW])
        (light, red, _), (lip_light, lip_red, _) = (np.median(_lab(seen), axis=0) for seen in (shown, lip))
        less_red, lighter = ((difference - low) / (high - low) for difference, (low, high) in
                             ((lip_red - red, LESS_RED_THAN_LIPS), (light - lip_light, LIGHTER_THAN_LIPS)))
        return float(np.clip(max(less_red, lighter), 0, 1))

    def _gap(self, face_vertices: torch.Tensor) -> torch.Tensor:
        """(B, len(rim)) pixels between each vertex of the rim and the one across from it."""
        return torch.linalg.vector_norm(face_vertices[:, self.on_device, :2] - face_vertices[:, self._facing, :2], dim=-1)

    def _colour(self, portrait: Portrait):
        """A function from pixels (K, 2) of the picture to its blurred colour (K, 3) there."""
        rim = portrait.parts["face"].vertices[self.rim, :2]
        lips = np.concatenate([rim - LIP_WITHIN * self.pupil_distance, rim + LIP_WITHIN * self.pupil_distance])
        part, corner = blurred_around(portrait.images["person"], lips, max(BLUR * self.pupil_distance, 0.5))

        def colour(at: np.ndarray) -> np.ndarray:
            columns, rows = (at - corner).T.astype(np.float32)
            return cv2.remap(part, columns[None], rows[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]

        return colour

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


def _lab(colour: np.ndarray) -> np.ndarray:
    """(K, 3) sRGB 0..255 -> CIE L*, a*, b*."""
    return cv2.cvtColor(colour[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
