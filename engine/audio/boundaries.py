"""Correct the decoders' silences by loudness, and make the phones a gapless cover of the recording.

pocketsphinx places phones well inside speech, but lets the first and last phone of a phrase run far into the pause, and
calls short pauses part of a sound. Where nothing can be heard, nothing is said.
"""

from __future__ import annotations

import bisect
import itertools

import numpy as np

from .chunks import quiet_runs
from .speech import HOP_S, SILENCE, Phone

LONGEST_GROWTH_S = 0.12
"""A sound next to a wrongly placed silence may grow by this much into the loud part of it."""

SHORTEST_PHONE_S = 0.02


def tidy(phones: list[Phone], levels_db: np.ndarray, duration_s: float) -> list[Phone]:
    """Sorted, contiguous phones over 0 .. duration_s, silent exactly where the recording is quiet."""
    quiet = quiet_runs(levels_db)
    grown = _grown_into_loud_silence(phones, _mask(quiet, len(levels_db)))
    cut = [piece for phone in grown for piece in _cut_out(phone, quiet)]
    cut += [Phone(SILENCE, start_s, min(end_s, duration_s)) for start_s, end_s in quiet if start_s < duration_s]
    return _contiguous(sorted(cut, key=lambda phone: phone.start_s), duration_s)


def _mask(runs: list[tuple[float, float]], count: int) -> np.ndarray:
    mask = np.zeros(count, bool)
    for start_s, end_s in runs:
        mask[round(start_s / HOP_S) : round(end_s / HOP_S)] = True
    return mask


def _grown_into_loud_silence(phones: list[Phone], quiet: np.ndarray) -> list[Phone]:
    """Move the borders of decoder silences to where the sound really ends and starts again, within LONGEST_GROWTH_S."""
    borders = [[phone.start_s, phone.end_s] for phone in phones]
    for number, phone in enumerate(phones):
        if phone.label != SILENCE:
            continue
        silent_hops = np.flatnonzero(quiet[round(phone.start_s / HOP_S) : round(phone.end_s / HOP_S)])
        if not len(silent_hops):
            continue
        start_s, end_s = phone.start_s + silent_hops[0] * HOP_S, phone.start_s + (silent_hops[-1] + 1) * HOP_S
        if number and phones[number - 1].label != SILENCE and start_s - phone.start_s <= LONGEST_GROWTH_S:
            borders[number - 1][1] = borders[number][0] = start_s
        if number + 1 < len(phones) and phones[number + 1].label != SILENCE and phone.end_s - end_s <= LONGEST_GROWTH_S:
            borders[number + 1][0] = borders[number][1] = end_s
    return [Phone(phone.label, *border) for phone, border in zip(phones, borders)]


def _cut_out(phone: Phone, quiet: list[tuple[float, float]]) -> list[Phone]:
    """The parts of `phone` that can be heard; of a sound with a hole in it only the longer part stays a sound."""
    parts, left_s = [], phone.start_s
    first = max(bisect.bisect(quiet, (phone.start_s, phone.start_s)) - 1, 0)
    for start_s, end_s in itertools.takewhile(lambda run: run[0] < phone.end_s, itertools.islice(quiet, first, None)):
        if start_s > left_s:
            parts.append((left_s, start_s))
        left_s = max(left_s, end_s)
    if left_s < phone.end_s:
        parts.append((left_s, phone.end_s))
    parts = [part for part in parts if part[1] - part[0] >= SHORTEST_PHONE_S or len(parts) == 1]
    if not parts:
        return []
    longest = max(parts, key=lambda part: part[1] - part[0])
    return [Phone(phone.label if part == longest else SILENCE, *part) for part in parts]


def _contiguous(phones: list[Phone], duration_s: float) -> list[Phone]:
    """Close gaps with silence or by stretching the sound before, merge neighbouring silences, drop empty phones."""
    cover: list[Phone] = []
    for phone in phones:
        start_s = max(phone.start_s, cover[-1].end_s if cover else 0.0)
        end_s = min(phone.end_s, duration_s)
        if end_s - start_s < 1e-6:
            continue
        before_s = cover[-1].end_s if cover else 0.0
        if start_s - before_s > SHORTEST_PHONE_S or not cover:
            cover.append(Phone(SILENCE, before_s, start_s))
        elif start_s > before_s:
            start_s = before_s
        cover.append(Phone(phone.label, start_s, end_s))
    last_s = cover[-1].end_s if cover else 0.0
    cover.append(Phone(SILENCE, last_s, duration_s))
    return _merged([phone for phone in cover if phone.end_s - phone.start_s > 1e-6])


def _merged(phones: list[Phone]) -> list[Phone]:
    merged: list[Phone] = []
    for phone in phones:
        if merged and merged[-1].label == phone.label == SILENCE:
            merged[-1] = Phone(SILENCE, merged[-1].start_s, phone.end_s)
        else:
            merged.append(phone)
    return [Phone(phone.label, round(phone.start_s, 4), round(phone.end_s, 4)) for phone in merged]
