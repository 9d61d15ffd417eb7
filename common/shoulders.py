"""How far a portrait's trunk goes along with its head: it rises with a breath, sways and comes nearer with it."""

from __future__ import annotations

import numpy as np

SHARE = 0.7
"""Of the head's shift, unless the portrait's settings say otherwise."""

REACH_M = 0.1008
"""The trunk keeps still where the frame cuts it, and goes along fully so far inside: 1.6 distances between the pupils."""

VISIBLE = 127
"""Alpha of 255 from which a person is there."""


def carried_share(alpha: np.ndarray, points: np.ndarray, units_per_metre: float, share: float) -> np.ndarray:
    """(P,) 0..1: how much of the head's shift the trunk takes part in at each point of the person: none where the frame cuts it.

    alpha: (H, W) 0..255 of the person's picture; points: (P, 2) x right, y down in its pixels; share: away from the frame's edge.
    """
    right, bottom = alpha.shape[1] - 1, alpha.shape[0] - 1
    sides = ((alpha[:, 0], points[:, 0]), (alpha[:, -1], right - points[:, 0]), (alpha[-1], bottom - points[:, 1]))
    inside = np.min([np.full(len(points), np.inf)] + [distance for edge, distance in sides if edge.max() > VISIBLE], axis=0)
    nearness = np.clip(inside / (REACH_M * units_per_metre), 0, 1)
    return share * nearness * nearness * (3 - 2 * nearness)
