"""What a voice does besides speaking: breaths, sighs, laughter, hums and coughs, found over the phones of a recording."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from .rows import Track, blocks_of, rows_at
from .speech import HEARD_HOP_S, HOP_S, SILENCE, Event, Phone, Word

BREATH, SIGH, LAUGH, HUM, COUGH = "BREATH", "SIGH", "LAUGH", "HUM", "COUGH"

LAUGH_PERIOD_S = (0.12, 0.32)
"""From note to note of laughter: 210 - 218 ms on average (Bachorowski, Smoski, Owren 2001), with room on both sides."""
LAUGH_NOTES, LAUGH_DIP_DB = 3, 8.0
LAUGH_LIKENESS = 0.6
"""Mean correlation of the spectra of neighbouring notes about the recording's mean: one vowel over and over."""
LAUGH_UNEVEN = 0.5
"""Largest ratio of two neighbouring periods' difference to their mean."""
LAUGH_DUTY, LAUGH_VOICED = 0.36, 0.6
"""Notes are short (share of the time within 10 dB of the loudest) and half breath; syllables of speech .4 - .8, voiced .6 - .9."""
LAUGH_BREATH_S = 0.4
"""Laughter is let out after a breath or ends in one, no further away than this: what tells it from "ta-ta-ta"."""
LAUGH_MANY, MANY_LIKENESS, MANY_VOICED = 6, 0.5, 0.75
"""As many notes as this in an even row need no breath beside them and may be voiced more. In 235 recordings of speech
such rows are alike by .44 at most, in 8 of 16 recorded laughs by .53 - .78 (docs/models.md)."""
LAUGH_HEARD_S = 0.3
"""Laughter the phone network names itself, at least this long."""

SIGH_S = 0.5
SIGH_AFTER_S, SIGH_BEFORE_S = 0.35, 0.4
"""A sigh is a long breath that follows speech at once and is not followed by speech: one breathes in to speak, out after it."""

HUM_S = 0.24
HUM_SOUNDS = frozenset(("M", "N", "NG", "AH", "ER", "UH"))
HUM_ALONE_S = 0.1
HUM_WORDS = frozenset("um uhm uh er erm hmm hm mm mhm äh ähm öh euh eh".split())

COUGH_S = (0.08, 0.45)
COUGH_RISE_DB = 22.0
COUGH_ALONE_S = 0.15

_SPEECHLESS = (SILENCE, "BREATH")
_LOUD_DB, _SOFT_DB = 12.0, 35.0


def find_events(
    phones: list[Phone], words: list[Word], levels_db: np.ndarray, f0_hz: np.ndarray, power: Track
) -> list[Event]:
    """Events of a recording, sorted. levels_db, f0_hz: (N,) per HOP_S; power: (T, 40) mel power per HEARD_HOP_S."""
    loud_db = float(np.percentile(levels_db, 95))
    laughter = laughs(phones, levels_db, f0_hz, power, loud_db)
    events = laughter + [
        event
        for event in (*_breaths(phones, levels_db, loud_db), *_hums(phones, words, levels_db, f0_hz, loud_db),
                      *_coughs(phones, levels_db, f0_hz, loud_db))
        if not any(laugh.start_s < event.end_s and event.start_s < laugh.end_s for laugh in laughter)
    ]  # fmt: skip
    return sorted(events, key=lambda event: (event.start_s, event.label))


def laughed(phones: list[Phone], events: list[Event]) -> list[Phone]:
    """`phones` with the sounds inside laughter labelled LAUGH: what was taken for speech there is not. Silences stay."""
    spans = [(event.start_s, event.end_s) for event in events if event.label == LAUGH]

    def inside(phone: Phone) -> bool:
        middle_s = (phone.start_s + phone.end_s) / 2
        return phone.label not in _SPEECHLESS and any(start_s <= middle_s <= end_s for start_s, end_s in spans)

    return [Phone(LAUGH, phone.start_s, phone.end_s) if inside(phone) else phone for phone in phones]


def _event(label: str, start_s: float, end_s: float, levels_db: np.ndarray, loud_db: float) -> Event:
    """Strength from loudness: 0 at _SOFT_DB under the loud passages, 1 at their level."""
    level = float(np.percentile(levels_db[round(start_s / HOP_S) : round(end_s / HOP_S) + 1], 80))
    return Event(label, round(start_s, 3), round(end_s, 3), round(float(np.clip(1.0 + (level - loud_db) / _SOFT_DB, 0.05, 1.0)), 2))


def laughs(
    phones: list[Phone], levels_db: np.ndarray, f0_hz: np.ndarray, power: Track, loud_db: float, room: float = 1.0
) -> list[Event]:
    """Runs of short notes that are alike and evenly spaced, breathy ones beside a breath or many; and what the network calls laughter.

    loud_db: level of the loud passages. room: what a laugh's share of loud and of voiced moments may be, in terms of the limits.
    """
    smooth = uniform_filter1d(levels_db, 3)
    nearest = round(LAUGH_PERIOD_S[0] / HOP_S)
    notes, _ = find_peaks(smooth, height=loud_db - _SOFT_DB, prominence=LAUGH_DIP_DB, distance=nearest)
    spectra = _about_mean(power, np.minimum(np.rint(notes * HOP_S / HEARD_HOP_S).astype(int), len(power) - 1))
    spans = [(p.start_s, p.end_s) for p in phones if p.label == LAUGH and p.end_s - p.start_s >= LAUGH_HEARD_S]
    for run in _note_runs(notes):
        first, last = max(notes[run[0]] - 6, 0), min(notes[run[-1]] + 10, len(levels_db) - 1)
        span = (first * HOP_S, last * HOP_S)
        short = np.mean(smooth[first:last] > smooth[first:last].max() - 10.0) <= room * LAUGH_DUTY
        if len(run) < LAUGH_NOTES or not short:
            continue
        voiced, alike = np.mean(f0_hz[first:last] > 0) / room, _likeness(spectra[run])
        breathy = voiced <= LAUGH_VOICED and alike >= LAUGH_LIKENESS and _beside_breath(phones, *span)
        if breathy or len(run) >= LAUGH_MANY and voiced <= MANY_VOICED and alike >= MANY_LIKENESS:
            spans.append(span)
    return [_event(LAUGH, start_s, end_s, levels_db, loud_db) for start_s, end_s in _united(spans)]


def _likeness(spectra: np.ndarray) -> float:
    return float(np.mean([np.corrcoef(before, after)[0, 1] for before, after in zip(spectra, spectra[1:])]))


def _beside_breath(phones: list[Phone], start_s: float, end_s: float) -> bool:
    near = (start_s - LAUGH_BREATH_S, end_s + LAUGH_BREATH_S)
    return any(p.label == BREATH and p.start_s < near[1] and p.end_s > near[0] for p in phones)


def _united(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans that touch or overlap become one."""
    united: list[tuple[float, float]] = []
    for start_s, end_s in sorted(spans):
        if united and start_s <= united[-1][1] + 0.1:
            united[-1] = (united[-1][0], max(end_s, united[-1][1]))
        else:
            united.append((start_s, end_s))
    return united


def _note_runs(notes: np.ndarray) -> list[list[int]]:
    """The numbers of the notes (hops) cut into evenly spaced runs."""
    runs: list[list[int]] = []
    for number, note in enumerate(notes):
        run = runs[-1] if runs else []
        period_s = (note - notes[run[-1]]) * HOP_S if run else 0.0
        before_s = (notes[run[-1]] - notes[run[-2]]) * HOP_S if len(run) > 1 else period_s
        even = abs(period_s - before_s) <= LAUGH_UNEVEN * (period_s + before_s) / 2
        if run and LAUGH_PERIOD_S[0] <= period_s <= LAUGH_PERIOD_S[1] and even:
            run.append(number)
        else:
            runs.append([number])
    return runs


def _about_mean(power: Track, places: np.ndarray) -> np.ndarray:
    """(N, 40) decibels at N places, which ascend, about the mean spectrum of the recording's louder half."""
    level = np.concatenate([_decibels(block).mean(axis=1) for _, block in blocks_of(power)])
    loud = level >= np.median(level)
    total = sum(_decibels(block)[loud[first : first + len(block)]].sum(axis=0) for first, block in blocks_of(power))
    return _decibels(rows_at(power, places)) - total / loud.sum()


def _decibels(power: np.ndarray) -> np.ndarray:
    return 10.0 * np.log10(power + 1e-10)


def _breaths(phones: list[Phone], levels_db: np.ndarray, loud_db: float) -> list[Event]:
    """The BREATH phones; the long ones that end a stretch of speech are sighs."""
    events = []
    for number, phone in enumerate(phones):
        if phone.label != BREATH:
            continue
        before_s = next((p.end_s for p in reversed(phones[:number]) if p.label not in _SPEECHLESS), -1.0)
        after_s = next((p.start_s for p in phones[number + 1 :] if p.label not in _SPEECHLESS), phones[-1].end_s)
        long = phone.end_s - phone.start_s >= SIGH_S
        ends_speech = before_s >= 0 and phone.start_s - before_s <= SIGH_AFTER_S and after_s - phone.end_s >= SIGH_BEFORE_S
        events.append(_event(SIGH if long and ends_speech else BREATH, phone.start_s, phone.end_s, levels_db, loud_db))
    return events


def _hums(phones: list[Phone], words: list[Word], levels_db: np.ndarray, f0_hz: np.ndarray, loud_db: float) -> list[Event]:
    """Hesitations the text names, and voiced stretches of nothing but "uh" and "m" with a pause on at least one side."""
    spans = [(word.start_s, word.end_s) for word in words if word.text.strip(".,!?;:-").lower() in HUM_WORDS]
    run: list[Phone] = []
    for phone in [*phones, Phone("", phones[-1].end_s, phones[-1].end_s)]:
        if phone.label in HUM_SOUNDS:
            run.append(phone)
            continue
        if run and run[-1].end_s - run[0].start_s >= HUM_S and _alone(phones, run) and _voiced(run, f0_hz) > 0.6:
            if not any(start_s < run[-1].end_s and run[0].start_s < end_s for start_s, end_s in spans):
                spans.append((run[0].start_s, run[-1].end_s))
        run = []
    return [_event(HUM, start_s, end_s, levels_db, loud_db) for start_s, end_s in spans]


def _alone(phones: list[Phone], run: list[Phone]) -> bool:
    """Whether a pause of HUM_ALONE_S lies before and after a run, or it is so long that no word would hold it."""
    first, last = phones.index(run[0]), phones.index(run[-1])
    beside = [phones[number] for number in (first - 1, last + 1) if 0 <= number < len(phones)]
    paused = [p.label in _SPEECHLESS and p.end_s - p.start_s >= HUM_ALONE_S for p in beside]
    return all(paused) or (any(paused) and run[-1].end_s - run[0].start_s >= 1.5 * HUM_S)


def _voiced(run: list[Phone], f0_hz: np.ndarray) -> float:
    span = f0_hz[round(run[0].start_s / HOP_S) : round(run[-1].end_s / HOP_S)]
    return float(np.mean(span > 0)) if len(span) else 0.0


def _coughs(phones: list[Phone], levels_db: np.ndarray, f0_hz: np.ndarray, loud_db: float) -> list[Event]:
    """Short loud bursts that begin at once, stand alone and have little voice."""
    events, run = [], []
    for phone in [*phones, Phone(SILENCE, phones[-1].end_s, phones[-1].end_s + 1.0)]:
        if phone.label not in _SPEECHLESS:
            run.append(phone)
            continue
        if run and _is_cough(phones, run, levels_db, f0_hz, loud_db):
            events.append(_event(COUGH, run[0].start_s, run[-1].end_s, levels_db, loud_db))
        run = []
    return events


def _is_cough(phones: list[Phone], run: list[Phone], levels_db: np.ndarray, f0_hz: np.ndarray, loud_db: float) -> bool:
    start, end = round(run[0].start_s / HOP_S), round(run[-1].end_s / HOP_S)
    before = levels_db[max(start - round(COUGH_ALONE_S / HOP_S), 0) : max(start - 2, 1)]
    after = levels_db[end + 2 : end + round(COUGH_ALONE_S / HOP_S)]
    burst = levels_db[start:end]
    if not COUGH_S[0] <= (end - start) * HOP_S <= COUGH_S[1] or not len(before) or not len(burst) or _voiced(run, f0_hz) > 0.2:
        return False
    early = burst[: round(0.06 / HOP_S)].max()
    quiet_after = not len(after) or after.mean() < burst.max() - COUGH_RISE_DB
    return burst.max() >= loud_db - _LOUD_DB and early - before.mean() >= COUGH_RISE_DB and quiet_after
