"""Visemes over time, in any set that `presets/visemes` describes.

From phones, when it is known what is said when: every phone pulls at the mouth with a dominance that rises before it and falls
after it, and each viseme gets its share of the sum (Cohen and Massaro 1993, "Modeling coarticulation in synthetic visual
speech"). Lips that have to meet do meet: a sealing phone takes the whole mouth at its middle.

From the curves of a clip alone: the mixture of viseme shapes that comes closest to the mouth's channels.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .data_files import PRESETS, read_toml

FORMAT_VERSION = 1
SETS = PRESETS / "visemes"
PHONES_FILE = PRESETS / "phones.toml"

SPREAD_S = 0.045
"""How far a phone's dominance reaches beyond it: it falls to 1/e at this distance."""
EDGE_S = 0.03
"""Dominance is full up to this far from a phone's ends."""
REACH_S = 3 * SPREAD_S
SHORTEST_SEAL_S = 0.06
"""Closed lips are seen as closed from this length on."""

_ROUNDS = 60
_SPARSENESS = 0.005
"""A viseme has to explain more than this of a shape before it gets any weight."""


@dataclass(frozen=True)
class PhoneShape:
    """One phone: ARKit channels at full articulation (0..1; without a side: both), how much it insists on them (0..1), whether
    it seals the mouth."""

    channels: dict[str, float]
    insists: float
    seals: bool


@dataclass(frozen=True)
class VisemeSet:
    """names: its visemes in the standard's order; rest: the one of silence; phones: ARPAbet -> what it passes through."""

    key: str
    title: str
    sources: tuple[str, ...]
    names: tuple[str, ...]
    rest: str
    phones: dict[str, tuple[str, ...]]

    def index(self, name: str) -> int:
        """Column of a viseme. Raises KeyError."""
        try:
            return self.names.index(name)
        except ValueError:
            raise KeyError(name) from None


TimedPhone = tuple[str, float, float]
"""ARPAbet label without stress (or SIL, BREATH, NOISE), start and end in seconds."""


def set_keys() -> list[str]:
    """Names of the viseme sets that come with the program."""
    return sorted(path.stem for path in SETS.glob("*.toml"))


@functools.cache
def viseme_set(key: str) -> VisemeSet:
    """The set `key`. Raises ValueError for one that nobody described."""
    if key not in set_keys():
        raise ValueError(f"Unknown viseme set {key!r}. Sets: {', '.join(set_keys())}.")
    return read_viseme_set(SETS / f"{key}.toml")


def read_viseme_set(path: Path) -> VisemeSet:
    """A set from its file. Raises ValueError when a phone leads to a viseme that the set does not have."""
    record = read_toml(path, format_version=FORMAT_VERSION)
    names = tuple(map(str, record["visemes"]))
    phones = {label: tuple(path_through) for label, path_through in record["phones"].items()}
    unknown = {name for path_through in phones.values() for name in path_through} - set(names)
    if unknown or record["rest"] not in names:
        raise ValueError(f"{path}: phones lead to visemes that are not listed: {', '.join(sorted(unknown | {record['rest']}))}.")
    return VisemeSet(path.stem, record["name"], tuple(record["sources"]), names, record["rest"], phones)


@functools.cache
def phone_shapes() -> dict[str, PhoneShape]:
    """The mouth of every ARPAbet phone."""
    record = read_toml(PHONES_FILE, format_version=FORMAT_VERSION)
    return {label: PhoneShape(dict(phone["channels"]), float(phone["insists"]), bool(phone.get("seals", False)))
            for label, phone in record["phones"].items()}


def weights_from_phones(phones: Iterable[TimedPhone], times_s: np.ndarray, visemes: VisemeSet) -> np.ndarray:
    """(T, V) float32 shares of each viseme at `times_s`, which rise; every row adds up to 1.

    Phones the set does not know, and silence, are the set's rest.
    """
    times_s = np.asarray(times_s, np.float64)
    sums = np.zeros((len(times_s), len(visemes.names)))
    seals: list[tuple[int, float, float]] = []
    for label, start_s, end_s in phones:
        known = phone_shapes().get(label)
        through = visemes.phones.get(label, (visemes.rest,))
        cuts = np.linspace(start_s, end_s, len(through) + 1)
        for name, part_start_s, part_end_s in zip(through, cuts, cuts[1:]):
            _pull(sums, times_s, visemes.index(name), part_start_s, part_end_s, known.insists if known else 1.0)
        if known and known.seals and visemes.index(through[-1]) != visemes.index(visemes.rest):
            seals.append((visemes.index(through[-1]), start_s, end_s))
    total = sums.sum(axis=1)
    nobody = total < 1e-6
    sums[nobody, visemes.index(visemes.rest)] = total[nobody] = 1.0
    weights = sums / total[:, None]
    for column, start_s, end_s in seals:
        _seal(weights, times_s, column, start_s, end_s)
    return weights.astype(np.float32)


def _pull(sums: np.ndarray, times_s: np.ndarray, column: int, start_s: float, end_s: float, insists: float) -> None:
    """Add one phone's dominance to its column."""
    span = slice(*np.searchsorted(times_s, (start_s - REACH_S, end_s + REACH_S)))
    half_s = max(0.0, (end_s - start_s) / 2 - EDGE_S)
    beyond_s = np.maximum(0.0, np.abs(times_s[span] - (start_s + end_s) / 2) - half_s)
    sums[span, column] += insists * np.exp(-(beyond_s / SPREAD_S)**2)


def _seal(weights: np.ndarray, times_s: np.ndarray, column: int, start_s: float, end_s: float) -> None:
    """Give one viseme everything at the middle of the phone, falling to nothing at its ends (a raised cosine)."""
    middle_s, half_s = (start_s + end_s) / 2, max(end_s - start_s, SHORTEST_SEAL_S) / 2
    span = slice(*np.searchsorted(times_s, (middle_s - half_s, middle_s + half_s)))
    share = 0.5 + 0.5 * np.cos(np.pi * (times_s[span] - middle_s) / half_s)
    weights[span] *= 1 - share[:, None]
    weights[span, column] += share


def weights_from_channels(channels: np.ndarray, names: Sequence[str], visemes: VisemeSet) -> np.ndarray:
    """(T, V) float32 shares of each viseme that come closest to `channels` (T, C) 0..1, whose columns are `names`.

    Shares are not negative and add up to 1; what no viseme explains is rest. Least squares within those bounds, by projected
    gradients with momentum (Beck and Teboulle 2009).
    """
    shapes = viseme_shapes(visemes, names)
    open_ones = np.flatnonzero((shapes**2).sum(axis=1) > 1e-6)
    gram = shapes[open_ones] @ shapes[open_ones].T
    wanted = np.asarray(channels, np.float64) @ shapes[open_ones].T - _SPARSENESS
    step = 1 / np.linalg.eigvalsh(gram)[-1]
    found = ahead = np.zeros_like(wanted)
    pace = 1.0
    for _ in range(_ROUNDS):
        better = _within_bounds(ahead + step * (wanted - ahead @ gram))
        faster = (1 + np.sqrt(1 + 4 * pace**2)) / 2
        found, ahead, pace = better, better + (pace - 1) / faster * (better - found), faster
    weights = np.zeros((len(found), len(visemes.names)))
    weights[:, open_ones] = found
    weights[:, visemes.index(visemes.rest)] += 1 - weights.sum(axis=1)
    return weights.astype(np.float32)


def _within_bounds(weights: np.ndarray) -> np.ndarray:
    """The nearest (T, V) whose rows are not negative and add up to 1 at most (Duchi and others 2008)."""
    positive = np.maximum(weights, 0.0)
    over = positive.sum(axis=1) > 1
    if over.any():
        falling = -np.sort(-weights[over], axis=1)
        excess = np.cumsum(falling, axis=1) - 1
        counts = np.arange(1, weights.shape[1] + 1)
        last = (falling > excess / counts).sum(axis=1)
        surplus = excess[np.arange(len(last)), last - 1] / last
        positive[over] = np.maximum(weights[over] - surplus[:, None], 0.0)
    return positive


def viseme_shapes(visemes: VisemeSet, names: Sequence[str]) -> np.ndarray:
    """(V, C): the mean of the phones that lead to each viseme alone; of those that pass through it where there are none."""
    shapes = np.zeros((len(visemes.names), len(names)))
    column = {name: number for number, name in enumerate(names)}
    for number, viseme in enumerate(visemes.names):
        alone = [label for label, through in visemes.phones.items() if through == (viseme,)]
        members = alone or [label for label, through in visemes.phones.items() if viseme in through]
        for label in members:
            for channel, value in phone_shapes()[label].channels.items():
                for name in (channel,) if channel in column else (f"{channel}Left", f"{channel}Right"):
                    shapes[number, column[name]] += value / len(members)
    shapes[visemes.index(visemes.rest)] = 0.0
    return shapes
