"""The rims of the face's holes: soft edges that have no stairs, and the inside of the lips that an opening mouth shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOUTH_CORNERS = (78, 308)
LID_SKIRT = 0.03
"""Widths of the soft edges inside lids and lips, pupil distances; the lids' carries the lashes."""
LIP_SKIRT = 0.018
LID_SKIRT_TUCKED = 0.15
"""A blink takes the lids' soft edges so far back (pupil distances): what they show of the eye would hang out below the lashes."""
SKIRT_BEHIND = 0.04
"""The soft edges lie this far behind the face (pupil distances): a lip that closes covers the other's edge."""
UPPER_LIP_MIDDLE, LOWER_LIP_MIDDLE = 13, 14
INNER_LIP_SHARE = {UPPER_LIP_MIDDLE: 0.0, LOWER_LIP_MIDDLE: 0.1}
"""Of the gap between parted lips, how much each lip's moist inside covers in its middle: the upper lip hangs over the teeth and
shows none."""
INNER_LIP_BEHIND = 0.01
"""It lies this far behind the lip's edge, pupil distances."""
LIP_TEXTURE = 0.025
"""The inside of closed lips repeats this much of their outside, pupil distances: the picture does not show it."""
INNER_LIP_LIGHT = (0.86, 0.7, 0.68)
"""How the lip's colour changes at its inner end: less light comes there, and it is redder."""


@dataclass
class Sheet:
    """A textured surface under construction. rest (V, 3) and deltas (C, V, 3) in picture space; looked_up (V, 2): the pixel of
    the picture that each vertex shows; colour (V, 4); triangles (T, 3)."""

    rest: np.ndarray
    deltas: np.ndarray
    looked_up: np.ndarray
    colour: np.ndarray
    triangles: np.ndarray

    def add_ring(self, beside: list[int], rest: np.ndarray, deltas: np.ndarray, looked_up: np.ndarray, colour: np.ndarray) -> list[int]:
        """Add a closed ring of vertices next to the ring `beside` and the band between them; returns the ring."""
        count, first = len(beside), len(self.rest)
        ring = list(range(first, first + count))
        after = [(k + 1) % count for k in range(count)]
        band = [(beside[n], beside[k], ring[k]) for k, n in enumerate(after)] + [(beside[n], ring[k], ring[n]) for k, n in enumerate(after)]
        self.rest = np.concatenate([self.rest, rest])
        self.deltas = np.concatenate([self.deltas, deltas], axis=1)
        self.looked_up = np.concatenate([self.looked_up, looked_up])
        self.colour = np.concatenate([self.colour, colour])
        self.triangles = np.concatenate([self.triangles, np.array(band, np.int32)])
        return ring


def soften_rim(sheet: Sheet, hole: list[int], width: float, behind: float, inward: np.ndarray, *, tucked_px: float = 0.0,
               closing: tuple[int, ...] = ()) -> None:
    """Add a ring inside a hole, a little behind its rim, that moves with it and fades to nothing. inward: (len(hole), 2) unit vectors;
    closing: channels that shut the hole and take the ring back by `tucked_px`."""
    rest = sheet.rest[hole].copy()
    rest[:, :2] += width * inward
    rest[:, 2] -= behind
    deltas = sheet.deltas[:, hole].copy()
    deltas[list(closing), :, 2] -= tucked_px
    colour = sheet.colour[hole].copy()
    colour[:, 3] = 0.0
    sheet.add_ring(hole, rest, deltas, sheet.looked_up[hole] + width * inward, colour)


def add_inner_lips(sheet: Sheet, hole: list[int], inward: np.ndarray, pupil_distance: float, *, closed: bool, tint: np.ndarray) -> list[int]:
    """Add the inside of the lips along the mouth's rim and return its ring, the rim's vertices in the rim's order.

    It lies on the rim at rest, and follows the other lip by its INNER_LIP_SHARE of whatever parts them: it comes into view as the
    mouth opens and is gone when it closes. closed: the lips touch in the picture, so their insides are made of their outsides with
    `tint` (3,), what the picture's tone makes of INNER_LIP_LIGHT; parted lips show their own.
    """
    rest = sheet.rest[hole].copy()
    rest[:, 2] -= INNER_LIP_BEHIND * pupil_distance
    own, other = sheet.deltas[:, hole], sheet.deltas[:, facing_lip(hole)]
    share = np.empty((len(hole), 1))
    for middle, places in lips_of(hole).items():
        share[places, 0] = INNER_LIP_SHARE[middle] * np.sin(np.linspace(0, np.pi, len(places)))
    looked_up = sheet.looked_up[hole] - (LIP_TEXTURE * pupil_distance * inward if closed else 0.0)
    colour = sheet.colour[hole].copy()
    colour[:, :3] *= tint if closed else 1.0
    return sheet.add_ring(hole, rest, own + share * (other - own), looked_up, colour)


def lips_of(hole: list[int]) -> dict[int, list[int]]:
    """Places in the mouth's rim from its right corner to its left one along each lip, by the landmark in the lip's middle."""
    start, end = (hole.index(corner) for corner in MOUTH_CORNERS)
    count = len(hole)
    ways = [[(start + k * step) % count for k in range((end - start) * step % count + 1)] for step in (1, -1)]
    return {next(hole[place] for place in way if hole[place] in INNER_LIP_SHARE): way for way in ways}


def facing_lip(hole: list[int]) -> list[int]:
    """For each vertex of the mouth's rim the one across from it on the other lip; a corner faces itself."""
    one, other = lips_of(hole).values()
    facing = list(hole)
    for here, there in ((one, other), (other, one)):
        matched = np.rint(np.linspace(0, len(there) - 1, len(here))).astype(int)
        for place, across in zip(here, matched):
            facing[place] = hole[there[across]]
    return facing


def inward_of(rest: np.ndarray, triangles: np.ndarray, hole: list[int]) -> np.ndarray:
    """(len(hole), 2) unit vectors at a rim from the surface into its hole."""
    rim = rest[hole]
    tangent = np.roll(rim, -1, axis=0) - np.roll(rim, 1, axis=0)
    inward = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    inward /= np.linalg.norm(inward, axis=1, keepdims=True) + 1e-9
    return -inward if (off_surface(rest, triangles, hole) * inward).sum() < 0 else inward


def off_surface(rest: np.ndarray, triangles: np.ndarray, hole: list[int]) -> np.ndarray:
    """(len(hole), 2) away from the surface at each vertex of a rim. A closed mouth's hole has no inside to go by."""
    place = {vertex: k for k, vertex in enumerate(hole)}
    away = np.zeros((len(hole), 2))
    for triangle in triangles[np.isin(triangles, hole).sum(axis=1) == 2].tolist():
        behind = next(vertex for vertex in triangle if vertex not in place)
        for vertex in place.keys() & triangle:
            away[place[vertex]] += rest[vertex, :2] - rest[behind, :2]
    return away
