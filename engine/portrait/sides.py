"""The sides of a face as far as the picture shows them: depth that falls no faster than what is seen of it can bear.

At a frontal face's outline the detector's mesh turns nearly edge-on: a whole cheek, or an ear before it, is a few columns of
pixels there. As the head turns they would be drawn out to four times their width and more, into streaks. Depth therefore falls
by a limited slope towards the outline, as it does in the hair and ears beyond (`mesh.py`). Nothing changes at rest, where no
depth is seen. The far side of a face that is turned away in the picture keeps its own: `far_side.py` fills it.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from .fit import HEAD_PUPIL_DISTANCE_DM, Fit, head_asset
from .surface import signed_distance
from .topology import FACE_OVAL, LID_UPPER, SURFACE_LANDMARKS

STEEPEST_CHEEK = 2.4
"""Depth per length: at 25 degrees of yaw a cheek is drawn out by cos 25 + 2.4 sin 25 = 1.92 at the most. Less would draw out less
still, but the head would seem to turn less, too."""
OUTER = (0.25, 0.5)
"""That close to the outline it holds, falling to nothing further in, pupil distances: noses are steep and stay so."""
TURNED = (0.12, 0.3)
"""Sine of the yaw of a face at which its far side begins to keep its own depth, and keeps it wholly."""
MIDDLE = 0.15
"""Beyond so far from the face's middle all belongs to one side, pupil distances: a turned nose has its far wing near the outline."""
TEMPLE = (-0.2, 0.5)
"""Up to the first height above the eyes' corners a far side keeps its depth, from the second on it does not, pupil distances."""


def eased_sides(fit: Fit) -> Fit:
    """`fit` with the surface's depth raised near the outline, so far that it falls by at most STEEPEST_CHEEK per length."""
    places, depth = fit.surface[:, :2], fit.surface[:, 2]
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    raised = (depth - STEEPEST_CHEEK * apart).max(axis=1)
    inside = signed_distance(places, places[list(FACE_OVAL)]) / fit.pupil_distance
    share = np.clip((OUTER[1] - inside) / (OUTER[1] - OUTER[0]), 0, 1) * (1 - turned_away(fit))
    surface = fit.surface.copy()
    surface[:, 2] += share * (raised - depth)
    return dataclasses.replace(fit, surface=surface)


def turned_away(fit: Fit) -> np.ndarray:
    """(468,) 0..1: how much each landmark belongs to the far side of a face that is turned in the picture; 0 on a frontal one."""
    forward = fit.turn(np.array([0.0, 0.0, 1.0]))
    sine = forward[0] / np.linalg.norm(forward)
    across = head_asset()["landmark_rest"][:SURFACE_LANDMARKS, 0] / (MIDDLE * HEAD_PUPIL_DISTANCE_DM)
    turned = np.clip((abs(sine) - TURNED[0]) / (TURNED[1] - TURNED[0]), 0, 1)
    return turned * np.clip(np.sign(sine) * across, 0, 1) * below_temples()


def below_temples() -> np.ndarray:
    """(468,) 1 up to the cheekbones, falling to 0 above the brows: hair beside a temple has no other side to show, and a temple
    that came out further than the hair above it would stand out of the head."""
    height = head_asset()["landmark_rest"][:SURFACE_LANDMARKS, 1]
    above_eyes = (height - height[LID_UPPER["left"][0]]) / HEAD_PUPIL_DISTANCE_DM
    return np.clip((TEMPLE[1] - above_eyes) / (TEMPLE[1] - TEMPLE[0]), 0, 1)
