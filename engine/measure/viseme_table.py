"""What lips looked like in known sounds on other portraits with other voices, and discriminants that learn from it (row 7).

assets/visemes.npz (training/build_visemes.py) holds frames of public-domain portraits speaking freely usable recordings: the
group of the sound, the way of the mouth's skin as its pixels were followed (`mouth_motion`), the rendered lips as a detector saw them,
the lips as drawn, and the curves. Nothing of the portrait under test teaches: rows of a portrait with the same source file are left out.
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.optimize

from ..portrait.fit import head_asset, similarity
from ..portrait.topology import INNER_LIP_LOWER, INNER_LIP_UPPER, OUTER_LIP_LOWER, OUTER_LIP_UPPER
from .detectors import Face

ASSET = Path(__file__).resolve().parents[1] / "assets" / "visemes.npz"

LIPS = OUTER_LIP_UPPER + OUTER_LIP_LOWER[1:-1] + INNER_LIP_UPPER + INNER_LIP_LOWER[1:-1]
LOWER_FACE = (152, 148, 377, 176, 400, 200, 18, 83, 313, 199, 208, 428, 202, 422, 57, 287, 43, 273, 92, 322, 165, 391, 164, 206, 426,
              205, 425, 212, 432, 214, 434, 32, 262)
"""Chin, beside and below the lips, the folds beside the nose, cheeks."""
PLACES = LIPS + LOWER_FACE
"""Where the mouth's motion is read (`mouth_motion`)."""

STILL = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 98, 327, 2, 10, 151, 9, 8, 70, 300, 105, 334, 107, 336)
"""Corners of the eyes, nose, forehead and brows: what speech does not move, by which the head's turn is taken out."""

NOSE_TIP = 4

FEATURES = ("followed", "lips", "drawn", "curves")
LANDMARKS_OF = {"followed": PLACES, "lips": LIPS, "drawn": LIPS}
"""What is moved right and down, pair by pair, in the features that come from pictures or geometry."""

STEPS = 127
"""A feature is kept in so many steps to either side of 0: a three-thousandth of the eyes' distance for lips."""

SPHERE = 0.1
"""The covariance is shrunk by this much towards a sphere (Friedman 1989)."""


@dataclass(frozen=True)
class Table:
    """source: (N,) SHA-256 of the portrait's picture; group: (N,) of the sound; turned: (N,) 1 where its face is turned to the
    picture's right or not at all, -1 to the left; features: "followed" (N, 146), "lips" (N, 80), "drawn" (N, 80), "curves" (N, C)."""

    source: np.ndarray
    group: np.ndarray
    turned: np.ndarray
    features: dict[str, np.ndarray]

    def without(self, source: str) -> Table:
        """The rows of other pictures."""
        return self._rows(self.source != source)

    def of_groups(self, groups: Collection[str]) -> Table:
        """The rows of these groups of sounds."""
        return self._rows(np.isin(self.group, sorted(groups)))

    def _rows(self, kept: np.ndarray) -> Table:
        return Table(self.source[kept], self.group[kept], self.turned[kept], {name: rows[kept] for name, rows in self.features.items()})

    def lesson(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """(N, D) the named features as `about_mean` has them, and (N,) their groups."""
        rows, groups = [], []
        for source in sorted(set(self.source)):
            own = self.source == source
            rows.append(about_mean(self.features[name][own], name, int(self.turned[own][0])))
            groups.append(self.group[own])
        return np.concatenate(rows), np.concatenate(groups)


def about_mean(rows: np.ndarray, name: str, turned: int) -> np.ndarray:
    """(N, D) the named features of one portrait, about their mean: how it speaks, whatever its mouth is like at rest. Readers of lips
    and of speech take the speaker's mean out alike (Potamianos, Neti, Gravier, Garg & Senior 2003, "Recent advances in the automatic
    recognition of audiovisual speech").

    turned: of the face, as in `Table`: to the left it is read as in a mirror, so that the far side is the same one on all.
    """
    faced = mirrored(rows, LANDMARKS_OF[name]) if turned < 0 and name in LANDMARKS_OF else rows
    return faced - faced.mean(axis=0)


def side_turned_to(landmarks_px: np.ndarray) -> int:
    """1 for a face (478, 3) whose nose is right of the middle between its eyes, along the line of the eyes, or there; -1 left."""
    left, right = Face(landmarks_px).eye_middles_px
    return 1 if (landmarks_px[NOSE_TIP, :2] - (left + right) / 2.0) @ (left - right) >= 0.0 else -1


def mirrored(ways: np.ndarray, landmarks: tuple[int, ...]) -> np.ndarray:
    """(N, 2 L) the ways right and down of L landmarks as a mirror shows them."""
    other = _other_side(landmarks)
    return (ways.reshape(len(ways), -1, 2)[:, other] * (-1, 1)).reshape(len(ways), -1)


@functools.cache
def _other_side(landmarks: tuple[int, ...]) -> np.ndarray:
    """(L,) place in `landmarks` of each one's counterpart on the other side of the average head."""
    places = head_asset()["landmark_rest"][list(landmarks)].astype(np.float64)
    apart = np.linalg.norm(places[:, None] * (-1, 1, 1) - places[None], axis=-1)
    return scipy.optimize.linear_sum_assignment(apart)[1]


@functools.cache
def viseme_table() -> Table:
    """The table that comes with the package."""
    with np.load(ASSET, allow_pickle=False) as arrays:
        features = {name: arrays[name] * float(arrays[f"{name}_step"]) for name in FEATURES}
        return Table(arrays["source"], arrays["group"], arrays["turned"], features)


def in_steps(features: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of the file that keep `features` (N, D) in bytes: each name and name_step."""
    arrays = {}
    for name, rows in features.items():
        step = float(np.abs(rows).max()) / STEPS
        arrays |= {name: np.round(rows / step).astype(np.int8), f"{name}_step": np.float64(step)}
    return arrays


def lip_change(points: np.ndarray, rest: np.ndarray, axes: int) -> np.ndarray:
    """(T, 478|468, 3) landmarks -> (T, 40 * axes): how the lips differ from `rest` (same N, 3), the head's turn, size and place
    taken out, over the inter-ocular distance; axes: 2 leaves the depth away, which a detector only guesses."""
    still, lips, unit = list(STILL), list(LIPS), Face(rest).inter_ocular_px
    rows = []
    for now in points.astype(np.float64):
        rotation, scale, shift = similarity(now[still], rest[still].astype(np.float64), np.ones(len(still)))
        rows.append(((scale * now[lips] @ rotation.T + shift - rest[lips]) / unit)[:, :axes].reshape(-1))
    return np.array(rows)


def told_apart(taught: np.ndarray, taught_group: np.ndarray, asked: np.ndarray, asked_group: np.ndarray, kept: int) -> float:
    """Share of `asked` (M, D) whose group linear discriminants find that learned from `taught` (N, D), mean over the groups.

    The first `kept` principal components of what was taught, scaled to the same spread; one covariance for all groups.
    """
    middle = taught.mean(axis=0)
    _, sizes, axes = np.linalg.svd(taught - middle, full_matrices=False)
    axes = axes[: min(kept, int((sizes > 1e-9 * sizes[0]).sum()))].T
    points = (taught - middle) @ axes
    spread = points.std(axis=0) + 1e-12
    points, others = points / spread, (asked - middle) @ axes / spread
    groups = np.array(sorted(set(taught_group)))
    means = np.array([points[taught_group == group].mean(axis=0) for group in groups])
    inside = points - means[np.searchsorted(groups, taught_group)]
    covariance = inside.T @ inside / max(len(inside) - len(groups), 1)
    covariance = (1.0 - SPHERE) * covariance + SPHERE * np.eye(len(covariance)) * np.trace(covariance) / len(covariance)
    away = others[:, None] - means
    found = groups[np.einsum("mgd,de,mge->mg", away, np.linalg.inv(covariance), away).argmin(axis=1)]
    return float(np.mean([np.mean(found[asked_group == group] == group) for group in sorted(set(asked_group))]))
