"""The person beyond the frame that cuts it: what a head shows of itself that moves further into the frame.

The grid over the person goes on outside the frame and shows there what lies just inside, drawn out. Shoulders fade there.
A head or a hat must end as one: its outline goes on as the circle that meets the frame as the picture's own outline does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.ndimage

from .fit import Fit
from .topology import CHIN, FOREHEAD

BEYOND_FRAME = 0.6
"""How far the person goes on beyond a frame that cuts it, pupil distances."""
MIRROR_STRETCH = 0.35
"""What is shown there is what lies this share as far inside: hair stays hair."""
MOST_ROUNDED = 1.2
"""A hat or hair goes on sideways for this much at the most, pupil distances."""
CROWN, LEAST_CROWN = 1.4, 0.25
"""A head with its hair ends so far above the forehead's landmark, and so far above the frame at least, pupil distances."""
LEAST_CUT = 0.1
"""What a frame cuts along less than this is a curl, pupil distances."""
BESIDE_CUT = 0.3
"""What is so near to the cut, along the frame, goes with it, pupil distances."""
SLOPE_OVER = 0.12
"""The outline's direction where the frame cuts it is seen over this depth, pupil distances."""
STEEPEST_OUTLINE = 2.0
"""The outline is followed inwards, and closes, by at most this much per length: what hardly reaches over the frame has no direction."""
HAIR_SHARE = 0.4
"""What is shown beyond the frame lies at most this share of the way in to the forehead, so that hair shows no skin."""
OUTLINE_SIGMA_PX = 2.0
"""The outline as followed pixel by pixel is smoothed over this."""
FRAME_SIDES = ("left", "top", "right", "bottom")
CUT_SIDES = FRAME_SIDES[:3]
"""A head that the lower side cuts is no head."""


@dataclass(frozen=True)
class Cut:
    """A head or hat that one side of the frame cuts, and the circle that closes it.

    side: one of CUT_SIDES. Along that side, in pixels: `low` and `high` (D,) are its outline 0, 1, ... D - 1 px inside the frame.
    slope: what its half width loses per pixel outwards; drift: how far its middle moves. stretch: what is shown beyond lies this
    share as far inside. flat: the circle is flattened outwards to this share. beside: px, how far from the outline its
    surroundings reach.
    """

    side: str
    low: np.ndarray
    high: np.ndarray
    slope: float
    drift: float
    stretch: float
    flat: float
    beside: float

    @property
    def half_width(self) -> float:
        """Of the cut, px."""
        return float(self.high[0] - self.low[0]) / 2

    @property
    def reach(self) -> float:
        """How far out the grid goes before the circle takes it, px: once about it, at the frame's scale."""
        return (np.pi / 2 - np.arctan(self.slope)) * self.half_width * self.flat

    def outside(self, points: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """(V,) how far points (V, 2) lie outside this side of the frame, and where along it."""
        if self.side == "top":
            return -0.5 - points[:, 1], points[:, 0]
        return (-0.5 - points[:, 0] if self.side == "left" else points[:, 0] - (size[0] - 0.5)), points[:, 1]

    def placed(self, beyond: np.ndarray, along: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """(V, 2) the points that lie so far outside, and there along the side; what `outside` takes apart."""
        if self.side == "top":
            return np.stack([along, -0.5 - beyond], axis=1)
        return np.stack([-0.5 - beyond if self.side == "left" else size[0] - 0.5 + beyond, along], axis=1)

    def shown(self, beyond: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(V,) the outline's two sides as shown so far outside."""
        inside = np.arange(len(self.low))
        return tuple(np.interp(self.stretch * beyond, inside, edge) for edge in (self.low, self.high))

    def owns(self, beyond: np.ndarray, along: np.ndarray) -> np.ndarray:
        """(V,) bool: whether a place outside is the cut's, or beside it."""
        low, high = self.shown(beyond)
        return (beyond > 0) & (along > low - self.beside) & (along < high + self.beside)

    def rounded(self, beyond: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the circle takes places of the grid: (V,) how far outside, (V,) where along the side."""
        low, high = self.shown(beyond)
        across = (2 * along - low - high) / np.maximum(high - low, 1.0)
        radius, first = self.half_width * np.hypot(1.0, self.slope), np.arctan(self.slope)
        angle = np.minimum(first + beyond / (self.half_width * self.flat), np.pi / 2)
        out, end = (self.flat * radius * (np.sin(turned) - np.sin(first)) for turned in (angle, np.pi / 2))
        middle = (self.low[0] + self.high[0]) / 2 + self.drift * out * (1 - out / (2 * end))
        return out, middle + across * radius * np.cos(angle)


def find_cuts(matte: np.ndarray, fit: Fit) -> list[Cut]:
    """Where the left, upper and right side of the frame cut the head in a matte (H, W) 0..1, or what is worn on it.

    What reaches below the chin there is the body: no head is cut.
    """
    height, width = matte.shape
    chin, forehead = fit.surface[CHIN, :2], fit.surface[FOREHEAD, :2]
    to_forehead = {"left": forehead[0], "top": forehead[1], "right": width - forehead[0]}
    cuts = []
    for side, seen in zip(CUT_SIDES, (matte.T, matte, matte[:, ::-1].T)):
        for run in _runs(seen[0] > 0.5):
            across = np.array(run, float)
            still = np.full(2, width - 1.0 if side == "right" else 0.0)
            ends = np.stack([across, still] if side == "top" else [still, across], axis=1)
            if run[1] - run[0] >= LEAST_CUT * fit.pupil_distance and ((ends - chin) @ fit.down < 0).all():
                cuts.append(_cut(side, seen, run, max(float(to_forehead[side]), 0.0), fit.pupil_distance))
    return cuts


def _runs(line: np.ndarray) -> list[tuple[int, int]]:
    """First and last place of each run of True."""
    steps = np.diff(np.concatenate([[0], line.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(steps == 1).tolist(), (np.flatnonzero(steps == -1) - 1).tolist()))


def _cut(side: str, seen: np.ndarray, run: tuple[int, int], to_forehead: float, pupil_distance: float) -> Cut:
    """The cut at a run of the first line of `seen`, a matte whose first line is the frame's side."""
    low, high = _outline(seen[:max(2, round(pupil_distance))], run)
    over = max(1, min(len(low) - 1, round(SLOPE_OVER * pupil_distance)))
    half, half_inside = (high[0] - low[0]) / 2, (high[over] - low[over]) / 2
    slope = float(np.clip((half_inside - half) / over, 0.0, STEEPEST_OUTLINE))
    at_corner = run[0] == 0 or run[1] == seen.shape[1] - 1  # two sides cut it: its middle is not seen to move
    drift = 0.0 if at_corner else float(np.clip((low[0] + high[0] - low[over] - high[over]) / (2 * over), -1, 1))
    end = half * (np.hypot(1.0, slope) - slope)
    most = max(LEAST_CROWN, CROWN - to_forehead / pupil_distance) if side == "top" else MOST_ROUNDED
    flat = min(1.0, most * pupil_distance / end)
    cut = Cut(side, low, high, slope, drift, MIRROR_STRETCH, flat, BESIDE_CUT * pupil_distance)
    return replace(cut, stretch=min(1.0, HAIR_SHARE * to_forehead / cut.reach))


def _outline(seen: np.ndarray, run: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(D,) where what begins as `run` in the first line of a matte (D, L) begins and ends in each line, followed smoothly."""
    low, high = [float(run[0])], [float(run[1])]
    for line in seen[1:]:
        middle = (low[-1] + high[-1]) / 2
        first, last = min(_runs(line > 0.5), key=lambda one: max(one[0] - middle, middle - one[1]), default=(low[-1], high[-1]))
        low.append(float(np.clip(first, low[-1] - STEEPEST_OUTLINE, low[-1] + STEEPEST_OUTLINE)))
        high.append(float(np.clip(last, high[-1] - STEEPEST_OUTLINE, high[-1] + STEEPEST_OUTLINE)))
    return tuple(scipy.ndimage.gaussian_filter1d(edge, OUTLINE_SIGMA_PX, mode="nearest") for edge in (low, high))


def mirrored(positions: np.ndarray, extent: int, stretch: float = MIRROR_STRETCH) -> np.ndarray:
    """Positions along an axis of `extent` pixels, those beyond its ends (-0.5 and extent - 0.5) reflected and drawn in."""
    before, after = np.maximum(-0.5 - positions, 0), np.maximum(positions - (extent - 0.5), 0)
    turned = np.where(before > 0, -0.5 + stretch * before, positions)
    return np.clip(np.where(after > 0, extent - 0.5 - stretch * after, turned), -0.5, extent - 0.5)


def shown_at(points: np.ndarray, size: tuple[int, int], cuts: list[Cut]) -> np.ndarray:
    """(V, 2) what of a picture `size` (width, height) is shown at points of the grid (V, 2)."""
    shown = np.stack([mirrored(points[:, axis], size[axis]) for axis in (0, 1)], axis=1)
    for cut in cuts:
        own, axis = cut.owns(*cut.outside(points, size)), int(cut.side == "top")
        shown[own, axis] = mirrored(points[own, axis], size[axis], cut.stretch)
    return shown


def rounded(points: np.ndarray, size: tuple[int, int], cuts: list[Cut]) -> np.ndarray:
    """(V, 2) points of the grid, those beyond a cut taken to where its circle is."""
    moved = points.copy()
    for cut in cuts:
        beyond, along = cut.outside(points, size)
        own = cut.owns(beyond, along)
        moved[own] = cut.placed(*cut.rounded(beyond[own], along[own]), size)
    return moved


def frame_fade(points: np.ndarray, size: tuple[int, int], pupil_distance: float, cuts: list[Cut]) -> np.ndarray:
    """(V,) 1 inside the frame, falling to 0 where the person's continuation beyond it ends; a head ends by its outline, and has
    nothing in the corner beyond two sides."""
    beyond = np.concatenate([-0.5 - points, points - (np.array(size) - 0.5)], axis=1)
    corner = ((beyond > 0).sum(axis=1) > 1) & bool(cuts)
    for cut in cuts:
        own = cut.owns(*cut.outside(points, size))
        beyond[own, FRAME_SIDES.index(cut.side)] = 0
    fade = np.clip(2 - 2 * np.maximum(beyond, 0).max(axis=1) / (BEYOND_FRAME * pupil_distance), 0, 1)
    return np.where(corner, 0, fade)
