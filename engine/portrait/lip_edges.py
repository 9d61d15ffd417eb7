"""The edges of the lips as the picture has them: their colours, and whether what lies between them are teeth.

All of it is at rest: how the edges change as the mouth moves is `render/seam.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from .fit import PUPIL_DISTANCE_M
from .portrait import Portrait
from .rims import LOWER_LIP_MIDDLE, facing_lip, inward_of, lips_of
from .window import blurred_around

LIP_WITHIN = 0.045
"""The lip's own colour is read this far behind its edge, pupil distances."""
BLUR = 0.012
"""Colour is averaged over this much, pupil distances."""
MOST = 2.2
"""No channel is raised by more than this factor, nor lowered; the others go in proportion (`limited`)."""
SAME_PLACE_PX = 0.5
LESS_RED_THAN_LIPS, LIGHTER_THAN_LIPS = (6.0, 11.0), (0.0, 10.0)
"""What parted lips show are teeth as far as it is so much less red (CIE a*) or so much lighter (L*) than they. Three portraits' teeth
are 13 to 25 less red; the shadow or wet lip that three others show is 5 at most, and darker."""
SHOWN_WITHIN, SHOWN_BELOW = (0.25, 0.75), (0.2, 0.5, 0.8)
"""Where that is looked at: shares of the mouth's width, and of the lips' distance."""


class LipEdges:
    """The rim of one portrait's mouth, vertices of the face. facing: the place in the rim across from each; rest_gap: pixels to it;
    closed: whether the lips are one seam; gain (len(rim), 3): the lip's own colour over its edge's; shows_teeth: 0..1."""

    def __init__(self, portrait: Portrait):
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
        self.gain = limited(lip / np.maximum(edge, 1.0), least=1.0 if self.closed else 1 / MOST)
        if self.closed:
            upper = np.setdiff1d(np.arange(len(hole)), lips_of(hole)[LOWER_LIP_MIDDLE])
            self.gain[upper] = 1.0
        self.shows_teeth = 0.0 if self.closed else self._shows_teeth(face.vertices[:, :2], colour, lip)

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

    def _colour(self, portrait: Portrait):
        """A function from pixels (K, 2) of the picture to its blurred colour (K, 3) there."""
        rim = portrait.parts["face"].vertices[self.rim, :2]
        lips = np.concatenate([rim - LIP_WITHIN * self.pupil_distance, rim + LIP_WITHIN * self.pupil_distance])
        part, corner = blurred_around(portrait.images["person"], lips, max(BLUR * self.pupil_distance, 0.5))

        def colour(at: np.ndarray) -> np.ndarray:
            columns, rows = (at - corner).T.astype(np.float32)
            return cv2.remap(part, columns[None], rows[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]

        return colour


def limited(gain: np.ndarray, least: float) -> np.ndarray:
    """(N, 3) factors between `least` and MOST. Those that ask for more than MOST go as far in all their channels as the highest may:
    cut one by one, a line of dark red became one of bright red, not a paler one."""
    raised = np.maximum(gain, least) - 1.0
    return 1.0 + raised * np.minimum(1.0, (MOST - 1.0) / np.maximum(raised.max(axis=1, keepdims=True), 1e-6))


def _lab(colour: np.ndarray) -> np.ndarray:
    """(K, 3) sRGB 0..255 -> CIE L*, a*, b*."""
    return cv2.cvtColor(colour[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
