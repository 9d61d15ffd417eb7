"""Closed lips that the recogniser missed: without a text it guesses words, and a wrong word may have no p, b or m in it.

Nothing looks more wrong than lips apart at a p. The phone network (phone_stream.py) knows no words and hears closures where it
hears them; where it is sure of one and the recognised phones have none near, one is put in their place.
"""

from __future__ import annotations

import bisect

import numpy as np

from .heard import LABELS, label_chances, runs_of
from .rows import Track, blocks_of
from .speech import HOP_S, Phone

CLOSED, TOUCHED = ("P", "B", "M"), ("F", "V")
SURE = 0.5
"""Chance of p, b and m together from which one counts as heard. Of two held-out sets 91 and 82 % of the closures are found, with 8.3 and
6.0 false ones a minute; at .55 89, 79 and 7.7, 4.4; at .35 93, 89 and 15, 9 (docs/models.md)."""
NEAR_S = 0.06
"""A closure among the phones no further away than this is the one that was heard."""
SHORTEST_S = 0.05
LEAST_LEFT_S = 0.015
"""What a closure leaves of a neighbour shorter than this goes to the closure."""


def with_heard_closures(phones: list[Phone], posteriors: Track) -> list[Phone]:
    """`phones` (contiguous) with the closures that (T, len(CLASSES)) `posteriors` (per HOP_S) are sure of and that they lack."""
    columns = [LABELS.index(label) for label in CLOSED]
    chances = np.concatenate([label_chances(block)[:, columns] for _, block in blocks_of(posteriors)])
    put_in = list(phones)
    for sure, first, end in runs_of((chances.sum(axis=1) >= SURE).astype(np.int64)):
        start_s, end_s = first * HOP_S, end * HOP_S
        if not sure or any(p.label in CLOSED for p in phones[_overlapping(phones, start_s - NEAR_S, end_s + NEAR_S)]):
            continue
        wider_s = max(SHORTEST_S - (end_s - start_s), 0.0) / 2
        closure = Phone(CLOSED[int(chances[first:end].sum(axis=0).argmax())], start_s - wider_s, end_s + wider_s)
        over = _overlapping(put_in, closure.start_s, closure.end_s)
        covered = put_in[over]
        if covered and not any(p.label in TOUCHED for p in covered):
            put_in[over] = _put_in(covered, closure)
    return put_in


def _overlapping(phones: list[Phone], start_s: float, end_s: float) -> slice:
    """Where in contiguous `phones` those are that share some time with a span."""
    first = bisect.bisect_right(phones, start_s, key=lambda phone: phone.end_s)
    return slice(first, bisect.bisect_left(phones, end_s, lo=first, key=lambda phone: phone.start_s))


def _put_in(phones: list[Phone], closure: Phone) -> list[Phone]:
    """`phones` with `closure` over them, cut to the time they cover; what little it leaves of one becomes the closure's."""
    start_s, end_s = max(closure.start_s, phones[0].start_s), min(closure.end_s, phones[-1].end_s)
    for phone in phones:
        if phone.start_s < start_s < phone.end_s and start_s - phone.start_s < LEAST_LEFT_S:
            start_s = phone.start_s
        if phone.start_s < end_s < phone.end_s and phone.end_s - end_s < LEAST_LEFT_S:
            end_s = phone.end_s
    before = [Phone(p.label, p.start_s, min(p.end_s, start_s)) for p in phones if p.start_s < start_s]
    after = [Phone(p.label, max(p.start_s, end_s), p.end_s) for p in phones if p.end_s > end_s]
    return [*before, Phone(closure.label, round(start_s, 4), round(end_s, 4)), *after]
