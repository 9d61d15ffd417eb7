"""Phones of a recording from the posteriors of the phone network, in any language and without a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import softmax

from .boundaries import tidy
from .chunks import split_at_pauses
from .rows import Track
from .senones import LABELS, second_opinion
from .sounds import ARPABET_OF, BREATH, CLASS_INDEX, CLASSES, FRONT_ROUNDED
from .speech import HOP_S, SILENCE, Phone
from .viterbi import free_path

SHORTEST_BREATH_S = 0.12
_SMALLEST = 1e-5

_SUMS = np.array([[ARPABET_OF[name] == label for label in LABELS] for name in CLASSES], np.float32)


def label_chances(posteriors: np.ndarray) -> np.ndarray:
    """(T, len(CLASSES)) posteriors -> (T, len(LABELS)) float32 probabilities."""
    return posteriors.astype(np.float32) @ _SUMS


def heard_phones(posteriors: Track, levels_db: np.ndarray, duration_s: float) -> list[Phone]:
    """The likeliest phones, covering 0 .. duration_s; posteriors (phone_stream) and levels_db are per HOP_S."""
    phones = [phone for span in split_at_pauses(levels_db, duration_s) for phone in span_phones(posteriors, *span)]
    return _breaths_in_pauses(tidy(phones, levels_db, duration_s))


def span_phones(
    posteriors: Track,
    start_s: float,
    end_s: float,
    supposed: Sequence[Phone] = (),
    trust: float = 0.0,
    nearness: np.ndarray | None = None,
) -> list[Phone]:
    """The likeliest phones of a part of a recording, on its clock; silences as the network hears them.

    supposed: what somebody else hears there in English, on the clock of the part; each frame of these is exp(trust) times
    likelier than the network alone thinks. nearness: of the part, by the second ear (senones.py).
    """
    rows = posteriors[round(start_s / HOP_S) : round(end_s / HOP_S) + 1]
    chances = label_chances(rows)
    if nearness is not None:
        chances = softmax(np.log(np.maximum(chances, _SMALLEST)) + second_opinion(nearness, chances), axis=1)
    for phone in supposed:
        if phone.label in LABELS:
            chances[round(phone.start_s / HOP_S) : round(phone.end_s / HOP_S), LABELS.index(phone.label)] *= np.exp(trust)
    chances /= chances.sum(axis=1, keepdims=True)
    borders = runs_of(free_path(chances)) if len(rows) else []
    return [
        Phone(
            LABELS[label] if trust else _own_label(LABELS[label], rows[first:last]),
            min(start_s + first * HOP_S, end_s),
            min(start_s + last * HOP_S, end_s),
        )
        for label, first, last in borders
    ]


def _own_label(label: str, posteriors: np.ndarray) -> str:
    """That of a front rounded vowel, which English lacks, where the network hears that among the classes of `label`."""
    mean = posteriors.astype(np.float32).mean(axis=0)
    classes = [name for name in CLASSES if ARPABET_OF[name] == label]
    return FRONT_ROUNDED.get(max(classes, key=lambda name: mean[CLASS_INDEX[name]]), label)


def agreement(phones: list[Phone], posteriors: np.ndarray) -> float:
    """Mean log of the chance the network gives somebody else's phones, frame by frame, against its own best; 0 is perfect."""
    by_label = label_chances(posteriors)
    best = by_label.max(axis=1) if len(by_label) else np.zeros(0)
    costs = []
    for phone in phones:
        span = slice(round(phone.start_s / HOP_S), round(phone.end_s / HOP_S))
        if phone.label in LABELS and phone.label != SILENCE:
            costs.append(np.log(np.maximum(by_label[span, LABELS.index(phone.label)], 1e-4) / best[span]))
    joined = np.concatenate([np.zeros(0), *costs])
    return float(joined.mean()) if len(joined) else -np.inf


def _breaths_in_pauses(phones: list[Phone]) -> list[Phone]:
    """What sounds like breath but is short, or has speech on both sides, is the aspiration of speech: HH."""
    kept = []
    for before, phone, after in zip([None, *phones], phones, [*phones[1:], None]):
        paused = any(side is None or side.label == SILENCE for side in (before, after))
        aspirated = phone.label == BREATH and (not paused or phone.end_s - phone.start_s < SHORTEST_BREATH_S)
        kept.append(Phone("HH", phone.start_s, phone.end_s) if aspirated else phone)
    return kept


def runs_of(path: np.ndarray) -> list[tuple[int, int, int]]:
    """(value, first frame, frame after the last) of the runs of equal values."""
    if not len(path):
        return []
    borders = np.concatenate([[0], np.flatnonzero(np.diff(path)) + 1, [len(path)]])
    return [(int(path[first]), int(first), int(last)) for first, last in zip(borders, borders[1:])]
