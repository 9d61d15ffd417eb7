"""Light in the mouth: tongue and cavity are as bright as the places they are in now, and brighter the wider the lips part.
What the tongue shows before the teeth lies on the lips.

The parts carry as colour the light of their rest, so that a renderer which does nothing about it shows a mouth at rest.
"""

from __future__ import annotations

import numpy as np

from ...common.channels import ARKIT_CHANNELS, RIG_CHANNELS
from ..portrait.mouth import DEEP_RED, LIGHT_REACH_MM, light_share
from ..portrait.portrait import Part, Portrait
from ..portrait.rims import LOWER_LIP_MIDDLE, UPPER_LIP_MIDDLE
from .light import vertex_normals

TONGUE_OUT = "tongue_out"
FORWARD = ARKIT_CHANNELS.index("jawForward")
"""This channel moves the whole tongue straight out of the skull: its direction is the mouth's axis."""
REACH_PER_OPENING = 0.6
"""Light falls off over so many more millimetres for each by which the lips are parted."""
FROM_THE_FRONT = np.array([0.0, -0.35, 0.94], np.float32)
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
IN_COLOUR = 0.3
"""A tongue whose red to green is larger by this share than that of its teeth is in colour; in our colours it is half."""
SOFT_OUTLINE = (0.02, 0.3)
"""There it has a soft outline: it is gone where its surface turns from the camera (cosine), and whole above."""


class DeepPart:
    """How deep each vertex of a part lies behind the upper teeth, along the mouth's axis."""

    def __init__(self, part: Part, axis: np.ndarray, front: float, per_mm: float):
        self.colour = part.colour
        self.rest_mm = ((part.vertices @ axis - front) * per_mm).astype(np.float32)
        self.moves_mm = (part.dense_deltas(len(RIG_CHANNELS)) @ axis * per_mm).astype(np.float32)
        self.rest_light = light_share(self.rest_mm)

    def now(self, channels: np.ndarray, opening_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(B, V) depth in millimetres, < 0 inside, and light 0..1 at channels (B, 54) and lips parted by (B,)."""
        depth_mm = self.rest_mm + channels @ self.moves_mm
        return depth_mm, light_share(depth_mm, (LIGHT_REACH_MM + REACH_PER_OPENING * opening_mm)[:, None])


class MouthLight:
    """The light in one portrait's mouth."""

    def __init__(self, portrait: Portrait):
        tongue, teeth = portrait.parts["tongue"], portrait.parts["teeth_upper"]
        axis = tongue.dense_deltas()[FORWARD].mean(axis=0)
        axis /= np.linalg.norm(axis) + 1e-9
        front, self.per_mm = float((teeth.vertices @ axis).max()), 1000.0 / portrait.units_per_metre
        self.triangles = tongue.triangles
        self.tongue, self.cavity = (DeepPart(portrait.parts[name], axis, front, self.per_mm) for name in ("tongue", "cavity"))
        self.reddens = DEEP_RED ** in_colour(tongue, teeth)
        halfway = FROM_THE_FRONT + (0, 0, 1)
        self.halfway = (halfway / np.linalg.norm(halfway)).astype(np.float32)

    def colours(self, channels: np.ndarray, tongue: np.ndarray, face: np.ndarray) -> dict[str, np.ndarray]:
        """(B, V, 4) of "cavity", "tongue" and, where a frame shows it before the teeth, TONGUE_OUT.

        channels (B, 54); tongue (B, V, 3) and face (B, F, 3) in picture space as the camera sees them.
        """
        opening_mm = np.linalg.norm(face[:, LOWER_LIP_MIDDLE, :2] - face[:, UPPER_LIP_MIDDLE, :2], axis=1) * self.per_mm
        _, light = self.cavity.now(channels, opening_mm)
        cavity = np.repeat(self.cavity.colour[None], len(channels), axis=0)
        cavity[..., :3] *= (light / self.cavity.rest_light)[..., None]
        depth_mm, light = self.tongue.now(channels, opening_mm)
        normals = np.stack([vertex_normals(frame, self.triangles) for frame in tongue])
        found = {"cavity": cavity, "tongue": self._tongue(light, normals)}
        share = np.clip((depth_mm - OUT_MM[0]) / (OUT_MM[1] - OUT_MM[0]), 0, 1)
        if share.any():
            outline = np.clip((normals[..., 2] - SOFT_OUTLINE[0]) / (SOFT_OUTLINE[1] - SOFT_OUTLINE[0]), 0, 1)
            found[TONGUE_OUT] = found["tongue"].copy()
            found[TONGUE_OUT][..., 3] *= share * outline
        return found

    def _tongue(self, light: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """(B, V, 4): rounded by its normals (B, V, 3), and wet."""
        facing = LEAST_FACING + (MOST_FACING - LEAST_FACING) * np.clip(normals @ FROM_THE_FRONT, 0, 1)
        colour = np.repeat(self.tongue.colour[None], len(light), axis=0)
        colour[..., :3] *= (facing * light / self.tongue.rest_light)[..., None] * self.reddens ** (1 - light)[..., None]
        shine = SHINE * np.clip(normals @ self.halfway, 0, 1) ** SHINE_POWER
        colour[..., :3] *= 1 + shine[..., None]
        return np.minimum(colour, 1.0)


def behind_pout(colours: dict[str, np.ndarray], channels: np.ndarray) -> dict[str, np.ndarray]:
    """Colours (V, 4) of what lies BEHIND_LIPS in the shadow of pouting lips at channels (52,); none where they do not pout."""
    light = 1 - (POUT_SHADE_BESIDE_SHOWN if "teeth_source" in colours else POUT_SHADE) * min(float(channels[PUCKER]), 1.0)
    if light >= 1:
        return {}
    shaded = {name: colours[name].copy() for name in BEHIND_LIPS if name in colours}
    for colour in shaded.values():
        colour[:, :3] *= light
    return shaded


def in_colour(tongue: Part, teeth: Part) -> float:
    """0 where the picture is of one hue, so that its tongue is as red as its teeth, 1 in colour."""
    redness = [np.median(part.colour[:, 0] / np.maximum(part.colour[:, 1], 1e-3)) for part in (tongue, teeth)]
    return float(np.clip((redness[0] / redness[1] - 1) / IN_COLOUR, 0, 1))
