"""How far the person opens along the jaw as the chin slides over the neck (portrait/neck.py has the parts that are seen there)."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
import scipy.spatial
import torch

from ..portrait.fit import PUPIL_DISTANCE_M
from ..portrait.neck import FEWEST_POINTS, JAW_COLUMNS, JAW_ON_LINE, NECK_COLUMNS, NECK_ON_LINE
from ..portrait.portrait import Portrait

SHEARED = (0.08, 0.25)
"""The person begins to open where the jaw has slid so far aside over the neck, or down, and is open, pupil distances."""
DRAWN_OUT = 2.0
"""So much of a slide aside may leave uncovered neck beside it without opening: what is drawn out looks as skin does."""
NEAR_END = (0.5, 0.9)
"""Up to the first distance from where the neck ends before the background, and less and less up to the second, a slide away from that
end is drawn out as well: the neck's own outline there is not in the picture; pupil distances."""
EVEN_OVER = 4
"""Points of the line (standard deviation) over which the opening is evened."""
INSIDE, OUTSIDE = (0.12, 0.25), (0.3, 0.6)
"""The person is gone where it opens from the first distance inside the line to the first one outside, and whole beyond the
second ones, pupil distances."""
STAYS_WITH_NECK = (0.15, 0.35)
"""Beyond the second distance outside the line what is gone stays with the neck as well, from the first one on more and more: drawn out
between it and what is whole it would be seen."""
BEHIND_M, SOON = -1.0, 4.0
"""What is gone lies so much deeper, and so do vertices that are gone by one in so many: half seen, they would hide what of the person
is behind them, of a head that has come near too."""
UNDERLAY, REACHES = 16.0, 13
"""The neck and the jaw are whole when the person has opened by one in so many, and the neck for so many points further along the line:
what is gone leaves no hole."""


class NeckOpening:
    """The opening of one portrait's person, on its vertices and those of its neck and jaw."""

    def __init__(self, portrait: Portrait, device: torch.device | None = None):
        pupil_distance = portrait.units_per_metre * PUPIL_DISTANCE_M
        jaw, neck, person = (portrait.parts[name] for name in ("jaw", "neck", "person"))
        self._limits = tuple(limit * pupil_distance for limit in SHEARED)
        columns = jaw.vertices[:, :2].reshape(-1, JAW_COLUMNS, 2).astype(np.float64)
        line = columns[:, JAW_ON_LINE]
        outward = line - columns[:, 0]
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        share = jaw.colour[JAW_ON_LINE::JAW_COLUMNS, 3]
        whole_jaw = jaw.colour[:, 3] / np.repeat(np.maximum(share, 1e-6), JAW_COLUMNS)
        even = scipy.ndimage.gaussian_filter1d(np.eye(len(line)), EVEN_OVER, axis=0, mode="nearest")
        about = _about(line, outward, person.vertices[:, :2], pupil_distance)
        moved = about["moved"]
        beneath, shares = _on_neck(neck.vertices[:, :2].reshape(-1, NECK_COLUMNS, 2), line, about)

        def there(array, kind=np.float32):
            return torch.from_numpy(np.ascontiguousarray(array, kind)).to(device)

        self.moved = there(moved, np.int64)
        shown = neck.colour[NECK_ON_LINE::NECK_COLUMNS, 3] > 0
        self._from_end = there(_from_end(line, shown, pupil_distance))
        self._outward = there(outward)
        self._whole = {"neck": there(neck.colour[:, 3]), "jaw": there(whole_jaw)}
        self._share, self._even, self._gone, self._stays = there(share), there(even), there(about["gone"]), there(about["stays"])
        self._nearest, self._weights = there(about["nearest"], np.int64), there(about["weights"])
        self._beneath, self._shares = there(beneath, np.int64), there(shares[..., None])
        self._neck_at_rest, self._person_at_rest = there(neck.vertices[:, :2]), there(person.vertices[moved, :2])

    def openings(self, vertices: dict[str, torch.Tensor]) -> torch.Tensor:
        """(B, K) 0..1 how far the person is open at each point of the line, of posed parts (B, V, 3). Heads turn about the picture's own
        axes, however they lean."""
        slid = self._slid(vertices)
        aside, down = slid.unbind(-1)
        sheared = aside.abs() + down - DRAWN_OUT * self._drawn_out(slid)
        low, high = self._limits
        share = torch.clamp((sheared - low) / (high - low), 0, 1)
        return (share * share * (3 - 2 * share)) @ self._even.T * self._share

    @staticmethod
    def _slid(vertices: dict[str, torch.Tensor]) -> torch.Tensor:
        """(B, K, 2) px how far the jaw has slid over the neck."""
        return vertices["jaw"][:, JAW_ON_LINE::JAW_COLUMNS, :2] - vertices["neck"][:, NECK_ON_LINE::NECK_COLUMNS, :2]

    def _drawn_out(self, slid: torch.Tensor) -> torch.Tensor:
        """(B, K) px how much of that leaves neck uncovered: aside, up, and away from where the neck ends."""
        aside, down = slid.unbind(-1)
        uncovered = (-aside * self._outward[:, 0], -down, (slid * self._from_end).sum(-1))
        return sum(torch.clamp(part, min=0) for part in uncovered)

    def on_person(self, openings: torch.Tensor, vertices: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, M) how far the person's vertices `moved` are gone, and (B, M, 2) px how far they are drawn back to the neck."""
        open_there = (openings[:, self._nearest] * self._weights).sum(-1)
        neck = vertices["neck"][..., :2] - self._neck_at_rest
        with_neck = self._person_at_rest + (neck[:, self._beneath] * self._shares).sum(-2)
        drawn_back = (open_there * self._stays)[..., None] * (with_neck - vertices["person"][:, self.moved, :2])
        return open_there * self._gone, drawn_back

    def on_parts(self, openings: torch.Tensor, vertices: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """part -> (B, V) opacity of the neck and the jaw. Beside an opening the neck is whole as well, but not where it is drawn out:
        it would be seen beside what is drawn."""
        jaw = torch.clamp(openings * UNDERLAY, max=1)
        beside = torch.nn.functional.max_pool1d(jaw[:, None], 2 * REACHES + 1, stride=1, padding=REACHES)[:, 0]
        covers = torch.clamp(1 - self._drawn_out(self._slid(vertices)) / self._limits[0], min=0)
        return {name: self._whole[name] * shown.repeat_interleave(len(self._whole[name]) // shown.shape[1], dim=1)
                for name, shown in (("neck", torch.maximum(jaw, beside * covers)), ("jaw", jaw))}


def _from_end(line: np.ndarray, neck: np.ndarray, pupil_distance: float) -> np.ndarray:
    """(K, 2) the direction along the line (K, 2) away from the nearer end of the neck, as long as it is near, 0..1; neck: (K,) bool where
    it is seen."""
    along = np.gradient(line, axis=0)
    step = np.maximum(np.linalg.norm(along, axis=1), 1e-6)
    place, near, far = np.cumsum(step), *(limit * pupil_distance for limit in NEAR_END)
    ends = [(place[at], inwards) for at, inwards in zip(np.flatnonzero(neck)[[0, -1]], (1, -1)) if 0 < at < len(line) - 1] if neck.any() else []
    closeness = [inwards * np.clip((far - inwards * (place - end)) / (far - near), 0, 1) for end, inwards in ends]
    return along / step[:, None] * np.sum(closeness, axis=0)[..., None] if ends else np.zeros_like(line)


def _about(line: np.ndarray, outward: np.ndarray, points: np.ndarray, pupil_distance: float) -> dict[str, np.ndarray]:
    """Which of the person's vertices (V, 2) open with the line (K, 2), "moved" (M,); the line's points "nearest" (M, 4) to each, and their
    "weights" (M, 4); how far outside the line it lies, "across" (M,) px; how far it is "gone" (M,) where the line is open, and "stays" (M,)
    with the neck."""
    distance, nearest = scipy.spatial.cKDTree(line).query(points, k=FEWEST_POINTS)
    across = np.copysign(distance[:, 0], ((points - line[nearest[:, 0]]) * outward[nearest[:, 0]]).sum(axis=1))
    near, far = np.where(across[:, None] < 0, INSIDE, OUTSIDE).T * pupil_distance
    gone = np.clip((far - np.abs(across)) / (far - near), 0, 1)
    moved = np.flatnonzero(gone)
    weights = 1 / (distance[moved] + 1) ** 2
    low, high = np.array(STAYS_WITH_NECK) * pupil_distance
    return {"moved": moved, "nearest": nearest[moved], "weights": weights / weights.sum(axis=1, keepdims=True), "across": across[moved],
            "gone": gone[moved], "stays": np.clip((across[moved] - low) / (high - low), 0, 1)}


def _on_neck(neck: np.ndarray, line: np.ndarray, about: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(M, 8) which of the neck's vertices (K, R, 2) lie about each of the person's, and how much each counts: at its nearest points of the
    line (K, 2) the two rows between which it lies."""
    rows = np.linalg.norm(neck[:, NECK_ON_LINE:] - line[:, None], axis=2)[about["nearest"]]
    across = about["across"][:, None, None]
    above = np.clip((rows <= across).sum(axis=2) - 1, 0, rows.shape[2] - 2)[..., None]
    first, second = (np.take_along_axis(rows, above + step, axis=2) for step in (0, 1))
    share = np.clip((across - first) / np.maximum(second - first, 1e-6), 0, 1)
    vertices = about["nearest"][..., None] * neck.shape[1] + NECK_ON_LINE + above + (0, 1)
    shares = about["weights"][..., None] * np.concatenate([1 - share, share], axis=2)
    return vertices.reshape(len(vertices), -1), shares.reshape(len(shares), -1)
