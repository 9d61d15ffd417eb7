"""What a voice does besides speaking: breaths, sighs, laughter, hums and coughs, found over the phones of a recording."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from .outbursts import Outburst
from .rows import Track, blocks_of
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
LAUGH_MANY, MANY_LIKENESS, MANY_VOICED, MANY_DUTY, MANY_UNEVEN = 5, 0.5, 0.95, 0.42, 0.25
"""As many notes as this in an even row need no breath beside them, may be longer and voiced more: what speech has of such rows
is alike by .46 at most (docs/models.md). MANY_UNEVEN: spread of their periods in terms of the mean."""
LAUGH_ROW, ROW_UNEVEN, ROW_DIP_DB, ROW_LIKENESS = 7, 0.16, 12.0, 0.5
"""Where nearly all there is to hear is one laugh, nothing tells what its notes share: as many, as even, with dips as deep between
any two and spectra as much alike as they are."""
LAUGH_HEARD_S = 0.3
"""Laughter the phone network names itself, at least this long."""

SIGH_S = 0.5
SIGH_AFTER_S, SIGH_BEFORE_S = 0.8, 0.4
"""A sigh is a long breath that follows speech soon and is not followed by speech: one breathes in to speak, out after it."""

HUM_S = 0.24
HUM_SOUNDS = frozenset(("M", "N", "NG", "AH", "ER", "UH"))
HUM_ALONE_S = 0.1
HUM_WORDS = frozenset("um uhm uh er erm hmm hm mm mhm äh ähm öh euh eh".split())

NOISE = "NOISE"
_SPEECHLESS = (SILENCE, "BREATH")
_SOFT_DB = 35.0


def find_events(
    phones: list[Phone],
    words: list[Word],
    levels_db: np.ndarray,
    f0_hz: np.ndarray,
    power: Track,
    coughed: Sequence[Outburst] = (),
    hummed: Sequence[Outburst] = (),
) -> list[Event]:
    """Events of a recording, sorted. levels_db, f0_hz: (N,) per HOP_S; power: (T, 40) mel power per HEARD_HOP_S.

    coughed, hummed: what outbursts.py found; what overlaps a word of the text is that word, and so is laughter of which words are the most.
    """
    loud_db = float(np.percentile(levels_db, 95))
    coughed, hummed = beside_words(coughed, words), beside_words(hummed, words)
    laughter = laughs(_not_hummed(phones, hummed), levels_db, f0_hz, power, loud_db)
    laughter = _not_mostly(_not_mostly(laughter, coughed), words)
    events = laughter + [
        event
        for event in (*_breaths(phones, levels_db, loud_db), *_hums(phones, words, hummed, levels_db, f0_hz, loud_db),
                      *(_event(COUGH, cough.start_s, cough.end_s, levels_db, loud_db) for cough in coughed))
        if not any(laugh.start_s < event.end_s and event.start_s < laugh.end_s for laugh in laughter)
    ]  # fmt: skip
    return sorted(events, key=lambda event: (event.start_s, event.label))


def beside_words(outbursts: Sequence[Outburst], words: list[Word]) -> list[Outburst]:
    """The coughs or hums that no word of the text overlaps."""
    return [found for found in outbursts if not any(word.start_s < found.end_s and found.start_s < word.end_s for word in words)]


def _not_mostly(laughter: list[Event], others: Sequence[Outburst] | list[Word]) -> list[Event]:
    """The laughs but for those of which coughs, or words of the text, are half or more: bursts of air keep time too, and so do the
    hisses of "the church shop"."""

    def share(laugh: Event) -> float:
        over_s = sum(max(min(laugh.end_s, other.end_s) - max(laugh.start_s, other.start_s), 0.0) for other in others)
        return over_s / (laugh.end_s - laugh.start_s)

    return [laugh for laugh in laughter if share(laugh) < 0.5]


def _not_hummed(phones: list[Phone], hummed: Sequence[Outburst]) -> list[Phone]:
    """`phones` with an M where the network takes a hum for laughter."""

    def inside(phone: Phone) -> bool:
        middle_s = (phone.start_s + phone.end_s) / 2
        return phone.label == LAUGH and any(found.start_s <= middle_s <= found.end_s for found in hummed)

    return [Phone("M", phone.start_s, phone.end_s) if inside(phone) else phone for phone in phones]


def with_sounds_of(phones: list[Phone], words: list[Word], events: list[Event], hummed: Sequence[Outburst]) -> list[Phone]:
    """`phones` with what was taken for speech and is none: LAUGH inside laughter, NOISE inside coughs, M inside hums. Words of the
    text stay what they are, laughed or not."""
    spans = [(event.start_s, event.end_s, NOISE if event.label == COUGH else LAUGH) for event in events if event.label in (LAUGH, COUGH)]
    hums = {(event.start_s, event.end_s) for event in events if event.label == HUM}
    spans += [(*span, "M") for span in hums if span in {(round(found.start_s, 3), round(found.end_s, 3)) for found in hummed}]

    def label(phone: Phone) -> str:
        middle_s = (phone.start_s + phone.end_s) / 2
        inside = (label for start_s, end_s, label in spans if start_s <= middle_s <= end_s)
        said = any(word.start_s <= middle_s <= word.end_s for word in words)
        return phone.label if said or phone.label in _SPEECHLESS else next(inside, phone.label)

    return [Phone(label(phone), phone.start_s, phone.end_s) for phone in phones]


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
    spans = [(p.start_s, p.end_s) for p in phones if p.label == LAUGH and p.end_s - p.start_s >= LAUGH_HEARD_S]
    runs = [notes[run] for run in _note_runs(notes) if len(run) >= LAUGH_NOTES]
    usual_db = _usual_db(power) if runs else None
    for run in runs:
        first, last = max(run[0] - 6, 0), min(run[-1] + 10, len(levels_db) - 1)
        span = (first * HOP_S, last * HOP_S)
        duty = np.mean(smooth[first:last] > smooth[first:last].max() - 10.0) / room
        if duty > MANY_DUTY:
            continue
        places = np.minimum(np.rint(run * HOP_S / HEARD_HOP_S).astype(int), len(power) - 1)
        spectra = _decibels(power[places[0] : places[-1] + 1][places - places[0]])
        voiced, alike = np.mean(f0_hz[first:last] > 0) / room, _likeness(spectra - usual_db)
        uneven = np.diff(run).std() / np.diff(run).mean()
        breathy = duty <= LAUGH_DUTY and voiced <= LAUGH_VOICED and alike >= LAUGH_LIKENESS and _beside_breath(phones, *span)
        many = len(run) >= LAUGH_MANY and voiced <= MANY_VOICED and alike >= MANY_LIKENESS and uneven <= MANY_UNEVEN
        if breathy or many or _is_row(run, smooth, spectra, uneven):
            spans.append(span)
    return [_event(LAUGH, start_s, end_s, levels_db, loud_db) for start_s, end_s in _united(spans)]


def _is_row(notes: np.ndarray, levels_db: np.ndarray, spectra: np.ndarray, uneven: float) -> bool:
    """Whether many notes keep time as laughter does, with silence between them and one sound in all of them."""
    if len(notes) < LAUGH_ROW or uneven > ROW_UNEVEN:
        return False
    dips_db = [levels_db[[a, b]].min() - levels_db[a:b].min() for a, b in zip(notes, notes[1:])]
    return min(dips_db) >= ROW_DIP_DB and min(_likenesses(spectra - spectra.mean(axis=1, keepdims=True))) >= ROW_LIKENESS


def _likeness(spectra: np.ndarray) -> float:
    return float(np.mean(_likenesses(spectra)))


def _likenesses(spectra: np.ndarray) -> list[float]:
    """Correlations of neighbours."""
    return [float(np.corrcoef(before, after)[0, 1]) for before, after in zip(spectra, spectra[1:])]


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


def _usual_db(power: Track) -> np.ndarray:
    """(40,) decibels, the mean spectrum of a recording's louder half."""
    level = np.concatenate([_decibels(block).mean(axis=1) for _, block in blocks_of(power)])
    loud = level >= np.median(level)
    total = sum(_decibels(block)[loud[first : first + len(block)]].sum(axis=0) for first, block in blocks_of(power))
    return total / loud.sum()


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


def _hums(
    phones: list[Phone], words: list[Word], hummed: list[Outburst], levels_db: np.ndarray, f0_hz: np.ndarray, loud_db: float
) -> list[Event]:
    """Hesitations the text names, `hummed`, and voiced stretches of nothing but "uh" and "m" with a pause on at least one side."""
    spans = [(word.start_s, word.end_s) for word in words if word.text.strip(".,!?;:-").lower() in HUM_WORDS]
    spans += [(found.start_s, found.end_s) for found in hummed]
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
