"""Light in the mouth: tongue and cavity are as bright as the places they are in now, and brighter the wider the lips part.
What the tongue shows before the teeth lies on the lips.

The parts carry as colour the light of their rest, so that a renderer which does nothing about it shows a mouth at rest.
"""

from __future__ import annotations

import numpy as np
import torch

from ...common.channels import ARKIT_CHANNELS, RIG_CHANNELS
from ..portrait.mouth import DEEP_RED, LIGHT_REACH_MM, light_share
from ..portrait.portrait import Part, Portrait
from ..portrait.rims import LOWER_LIP_MIDDLE, UPPER_LIP_MIDDLE
from .surface import Surface

TONGUE_OUT = "tongue_out"
FORWARD = ARKIT_CHANNELS.index("jawForward")
"""This channel moves the whole tongue straight out of the skull: its direction is the mouth's axis."""
REACH_PER_OPENING = 0.6
"""Light falls off over so many more millimetres for each by which the lips are parted."""
FROM_THE_FRONT = (0.0, -0.35, 0.94)
"""Light comes into a mouth from before and above (y is down)."""
LEAST_FACING, MOST_FACING = 0.7, 1.1
"""Brightness of a tongue's surface that turns away from that light, and towards it."""
SHINE, SHINE_POWER = 0.14, 20.0
"""It is wet: strength and sharpness of its highlight (Blinn 1977, "Models of light reflection for computer synthesized pictures")."""
BEHIND_LIPS = ("cavity", "tongue", "teeth_upper", "teeth_lower")
"""What pouting lips shade. Teeth that the picture shows keep its light: the lips' soft edges hold a rim of them, which would stay
bright above the shaded ones."""
PUCKER = ARKIT_CHANNELS.index("mouthPucker")
POUT_SHADE, POUT_SHADE_BESIDE_SHOWN = 0.6, 0.25
"""Lips that pout reach 8 mm before the teeth and take this share of their light: what tells an oo from a sh. Less where the
picture shows teeth of its own: lower teeth turned grey beside them."""
OUT_MM = (-0.5, 1.5)
"""From so far before the upper teeth on it lies before everything in the mouth, and at the second wholly."""
PUT_OUT = ARKIT_CHANNELS.index("tongueOut")
ON_LIPS = (0.45, 0.6)
"""A tongue is drawn over the lips from this tongueOut on, and at the second wholly: in a th, .35, it stays between the teeth, and left
a blotch on lower lips that a smile draws back to them."""
IN_COLOUR = 0.3
"""A tongue whose red to green is larger by this share than that of its teeth is in colour; in our colours it is half."""
SOFT_OUTLINE = (0.02, 0.3)
"""There it has a soft outline: it is gone where its surface turns from the camera (cosine), and whole above."""


class DeepPart:
    """How deep each vertex of a part lies behind the upper teeth, along the mouth's axis."""

    def __init__(self, part: Part, axis: np.ndarray, front: float, per_mm: float, device: torch.device | None):
        rest_mm = (part.vertices @ axis - front) * per_mm
        moves_mm = part.dense_deltas(len(RIG_CHANNELS)) @ axis * per_mm
        self.colour, self.rest_mm, self.moves_mm = (torch.from_numpy(np.array(known, np.float32)).to(device)
                                                    for known in (part.colour, rest_mm, moves_mm))
        self.rest_light = light_share(self.rest_mm)

    def now(self, channels: torch.Tensor, opening_mm: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, V) depth in millimetres, < 0 inside, and light 0..1 at channels (B, 54) and lips parted by (B,)."""
        depth_mm = self.rest_mm + channels @ self.moves_mm
        return depth_mm, light_share(depth_mm, (LIGHT_REACH_MM + REACH_PER_OPENING * opening_mm)[:, None])


class MouthLight:
    """The light in one portrait's mouth."""

    def __init__(self, portrait: Portrait, device: torch.device | None = None):
        tongue, teeth = portrait.parts["tongue"], portrait.parts["teeth_upper"]
        axis = tongue.dense_deltas()[FORWARD].mean(axis=0)
        axis /= np.linalg.norm(axis) + 1e-9
        front, self.per_mm = float((teeth.vertices @ axis).max()), 1000.0 / portrait.units_per_metre
        self.surface = Surface(tongue.triangles, len(tongue.vertices), device)
        self.tongue, self.cavity = (DeepPart(portrait.parts[name], axis, front, self.per_mm, device) for name in ("tongue", "cavity"))
        self.reddens = torch.tensor(DEEP_RED ** in_colour(tongue, teeth), dtype=torch.float32, device=device)
        self.from_the_front = torch.tensor(FROM_THE_FRONT, device=device)
        self.halfway = torch.nn.functional.normalize(self.from_the_front + torch.tensor((0.0, 0.0, 1.0), device=device), dim=0)

    def colours(self, channels: torch.Tensor, tongue: torch.Tensor, face: torch.Tensor) -> dict[str, torch.Tensor]:
        """(B, V, 4) of "cavity", "tongue" and, where a frame shows it before the teeth, TONGUE_OUT.

        channels (B, 54); tongue (B, V, 3) and face (B, F, 3) in picture space as the camera sees them.
        """
        opening_mm = torch.linalg.vector_norm(face[:, LOWER_LIP_MIDDLE, :2] - face[:, UPPER_LIP_MIDDLE, :2], dim=1) * self.per_mm
        _, light = self.cavity.now(channels, opening_mm)
        cavity = self.cavity.colour.repeat(len(channels), 1, 1)
        cavity[..., :3] *= (light / self.cavity.rest_light)[..., None]
        depth_mm, light = self.tongue.now(channels, opening_mm)
        normals = self.surface.normals(tongue)
        found = {"cavity": cavity, "tongue": self._tongue(light, normals)}
        share = torch.clamp((depth_mm - OUT_MM[0]) / (OUT_MM[1] - OUT_MM[0]), 0, 1)
        share = share * torch.clamp((channels[:, PUT_OUT, None] - ON_LIPS[0]) / (ON_LIPS[1] - ON_LIPS[0]), 0, 1)
        if share.any():
            outline = torch.clamp((normals[..., 2] - SOFT_OUTLINE[0]) / (SOFT_OUTLINE[1] - SOFT_OUTLINE[0]), 0, 1)
            found[TONGUE_OUT] = found["tongue"].clone()
            found[TONGUE_OUT][..., 3] *= share * outline
        return found

    def _tongue(self, light: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
        """(B, V, 4): rounded by its normals (B, V, 3), and wet."""
        facing = LEAST_FACING + (MOST_FACING - LEAST_FACING) * torch.clamp(normals @ self.from_the_front, 0, 1)
        colour = self.tongue.colour.repeat(len(light), 1, 1)
        colour[..., :3] *= (facing * light / self.tongue.rest_light)[..., None] * self.reddens ** (1 - light)[..., None]
        shine = SHINE * torch.clamp(normals @ self.halfway, 0, 1) ** SHINE_POWER
        colour[..., :3] *= 1 + shine[..., None]
        return torch.clamp(colour, max=1)


def behind_pout(colours: dict[str, torch.Tensor], channels: torch.Tensor) -> dict[str, torch.Tensor]:
    """Colours (B, V, 4), or (V, 4) of every frame, of what lies BEHIND_LIPS in the shadow of lips that pout at channels (B, 52)."""
    shade = POUT_SHADE_BESIDE_SHOWN if "teeth_source" in colours else POUT_SHADE
    light = 1 - shade * torch.clamp(channels[:, PUCKER, None, None], 0, 1)
    light = torch.cat([light.expand(-1, -1, 3), torch.ones_like(light)], dim=-1)
    return {name: colours[name] * light for name in BEHIND_LIPS if name in colours}


def in_colour(tongue: Part, teeth: Part) -> float:
    """0 where the picture is of one hue, so that its tongue is as red as its teeth, 1 in colour."""
    redness = [np.median(part.colour[:, 0] / np.maximum(part.colour[:, 1], 1e-3)) for part in (tongue, teeth)]
    return float(np.clip((redness[0] / redness[1] - 1) / IN_COLOUR, 0, 1))
