"""A text followed through the sound: where its words and their phones are, in any language, and where the text is wrong.

Every word is pronounced, the sounds are laid along the posteriors of the phone network (viterbi.text_path), with room for a pause
between words. The pause also takes up, at a price, what the text does not mention. Afterwards every word is held against the best
the network hears there: what fits badly is reported, and the phones there are those heard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from .boundaries import tidy
from .heard import LABELS, heard_phones, label_chances, runs_of
from .rows import Track, blocks_of
from .sounds import ARPABET_OF, CLASS_INDEX, LABEL_OF
from .speech import HOP_S, SILENCE, Phone, Word
from .viterbi import text_path

SPEECHLESS = ("SIL", "BREATH", "LAUGH")
STRANGER = 0.03
"""Chance of any frame under a pause: what an unmentioned sound costs there."""
OWN_SHARE = 0.75
"""A sound counts with this share of its own class's chance and the rest of all that look like it: dialects differ."""

WORD_MISFIT = -3.0
"""Mean log of a word's chance against the best heard, below which it was not said (right words: -0.2 to -1.2)."""
GOOD_FIT, WORST_FIT = -0.7, -1.8
"""A whole text (its words and what they leave uncovered) that fits better or worse than this is right or wrong in any case."""
LEAST_GAIN = 0.2
"""Between the two it must fit this much better than the same sounds backwards, which nobody said (LJ Speech: right texts 1.2 to 1.7
better, wrong ones -0.1 to 0.3 and all below WORST_FIT)."""
UNMENTIONED_S = 0.8
WINDOW_S, KEPT_S = 60.0, 45.0
"""Longer recordings are followed in windows; of each the words that end within KEPT_S are kept."""

_FRAMES, _PAUSE_FRAMES = 3, 5
_SHORTER = dict.fromkeys(("t", "d", "r", "ð", "ə"), 2)
_WORST = -6.0

Pronounce = Callable[[str], tuple[str, ...]]
"""A word -> the sounds it is made of (classes of sounds.py); empty when it cannot be read."""


@dataclass
class Followed:
    """Words in time, the phones of the recording (a gapless cover), remarks; fit: mean log chance against the best heard."""

    words: list[Word] = field(default_factory=list)
    phones: list[Phone] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    fit: float = _WORST


@dataclass(frozen=True)
class Placed:
    """One word in frames of HOP_S: (label, first, last + 1) of its phones; fit as in `Followed`."""

    text: str
    phones: list[tuple[str, int, int]]
    fit: float

    @property
    def first(self) -> int:
        """First frame."""
        return self.phones[0][1]

    @property
    def last(self) -> int:
        """The frame after the last."""
        return self.phones[-1][2]


def follow_text(
    posteriors: Track, levels_db: np.ndarray, duration_s: float, every: list[str], pronounce: Pronounce
) -> Followed:
    """Lay the words `every` along a recording's posteriors ((T, len(CLASSES)), per HOP_S) and loudness.

    `words` comes back empty when the text does not fit at all, and `notes` says so; parts that do not fit are left out likewise.
    """
    found = Followed(phones=heard_phones(posteriors, levels_db, duration_s))
    words = [(word, sounds) for word in every if (sounds := pronounce(word))]
    if len(words) < len(every):
        unread = sorted(set(every) - {word for word, _ in words})
        found.notes.append(f"{len(every) - len(words)} words of the text have no known pronunciation: {some(unread)}.")
    if len(words) < max(len(every) / 2, 1):
        found.notes.append("The text cannot be read; the phones come from the sound alone.")
        return found
    placed = placed_words(posteriors, words)
    found.fit = text_fit(posteriors, placed)
    backwards = placed_words(posteriors, [(word, sounds[::-1]) for word, sounds in reversed(words)])
    needed = min(max(text_fit(posteriors, backwards) + LEAST_GAIN, WORST_FIT), GOOD_FIT)
    if found.fit < needed:
        found.notes.append(
            f"The text does not fit the sound ({some([word for word, _ in words])}); the phones come from the sound alone."
        )
        return found
    _take(found, placed)
    found.phones = tidy(found.phones, levels_db, duration_s)
    return found


def text_fit(posteriors: Track, placed: list[Placed]) -> float:
    """Mean over the frames with speech of the log chance of what the text says there, against the best heard."""
    cost, counted = np.empty(len(posteriors), np.float32), np.empty(len(posteriors), bool)
    for first, block in blocks_of(posteriors):
        by_label = label_chances(block)
        silent = _chance(None, block, by_label)
        cost[first : first + len(block)] = np.log(silent / by_label.max(axis=1))
        counted[first : first + len(block)] = silent < 0.5
    for word in placed:
        cost[word.first : word.last] = word.fit
        counted[word.first : word.last] = True
    return float(cost[counted].mean()) if placed and counted.any() else _WORST


def placed_words(posteriors: Track, words: list[tuple[str, tuple[str, ...]]], *, whole: bool = True) -> list[Placed]:
    """Where the (word, sounds) are, window by window; fewer words than given when the sound ends first.

    whole: the recording holds all of the text; otherwise it may be cut off anywhere.
    """
    placed: list[Placed] = []
    start, window, kept = 0, round(WINDOW_S / HOP_S), round(KEPT_S / HOP_S)
    while start < len(posteriors) and len(placed) < len(words):
        last = len(posteriors) - start <= window
        piece = posteriors[start:] if last else posteriors[start : start + window]
        rest = words[len(placed) :]
        found = _place(piece, rest if last and whole else list(_at_most(rest, len(piece))), whole=last and whole)
        if last:
            return placed + [_later(word, start) for word in found]
        found = [word for word in found if word.last <= kept]
        placed += [_later(word, start) for word in found]
        start += found[-1].last if found else kept
    return placed


def _at_most(words: list[tuple[str, tuple[str, ...]]], frames: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """As many words as could be said in `frames` at 25 sounds a second."""
    left = frames / 4
    for word in words:
        left -= len(word[1])
        if left < 0:
            return
        yield word


def _later(word: Placed, frames: int) -> Placed:
    return Placed(word.text, [(label, first + frames, last + frames) for label, first, last in word.phones], word.fit)


def _place(posteriors: np.ndarray, words: list[tuple[str, tuple[str, ...]]], whole: bool) -> list[Placed]:
    """One window: the words' sounds with an optional pause before, between and after the words."""
    names, owners = [None], [-1]
    for number, (_, sounds) in enumerate(words):
        names += [*sounds, None]
        owners += [number] * len(sounds) + [-1]
    by_label = label_chances(posteriors)
    columns = {name: _chance(name, posteriors, by_label) for name in set(names)}
    chances = np.stack([columns[name] for name in names], axis=1)
    optional = np.array([name is None for name in names])
    shortest = np.array([_PAUSE_FRAMES if name is None else _SHORTER.get(name, _FRAMES) for name in names])
    path = text_path(chances, optional, shortest, whole=whole)
    cost = np.log(np.maximum(chances[np.arange(len(path)), path], 1e-5) / by_label.max(axis=1)[: len(path)]) if len(path) else []
    gathered: dict[int, list[tuple[str, int, int]]] = {}
    for position, first, last in runs_of(path):
        if owners[position] >= 0:
            gathered.setdefault(owners[position], []).append((LABEL_OF.get(names[position], names[position]), first, last))
    return [
        Placed(words[number][0], phones, float(np.clip(cost[phones[0][1] : phones[-1][2]], _WORST, 0.0).mean()))
        for number, phones in gathered.items()
    ]


def _chance(name: str | None, posteriors: np.ndarray, by_label: np.ndarray) -> np.ndarray:
    """(T,) the chance of a class; of None, the pause."""
    if name is None:
        return np.maximum(sum(by_label[:, LABELS.index(label)] for label in SPEECHLESS), STRANGER)
    alike = by_label[:, LABELS.index(ARPABET_OF[name])]
    return OWN_SHARE * posteriors[:, CLASS_INDEX[name]].astype(np.float32) + (1.0 - OWN_SHARE) * alike


def _take(found: Followed, placed: list[Placed]) -> None:
    """Put the words that fit, and their phones, into `found`; between them stays what was heard, if it is more than a slip."""
    good = [word for word in placed if word.fit >= WORD_MISFIT]
    for run in _neighbours([word.fit < WORD_MISFIT for word in placed]):
        bad = placed[run]
        found.notes.append(
            f"The text does not fit the sound from {bad[0].first * HOP_S:.1f} to {bad[-1].last * HOP_S:.1f} s "
            f"({some([word.text for word in bad])}); the phones there come from the sound alone."
        )
    found.words = [Word(word.text, word.first * HOP_S, word.last * HOP_S) for word in good]
    heard, phones, before_s = found.phones, [], 0.0
    for word in good:
        phones += _between(found, heard, before_s, word.first * HOP_S)
        phones += [Phone(label, first * HOP_S, last * HOP_S) for label, first, last in word.phones]
        before_s = word.last * HOP_S
    found.phones = phones + _between(found, heard, before_s, heard[-1].end_s)


def _neighbours(flags: list[bool]) -> list[slice]:
    return [slice(first, last) for value, first, last in runs_of(np.array(flags, int)) if value]


def _between(found: Followed, heard: list[Phone], start_s: float, end_s: float) -> list[Phone]:
    """The phones between two words: pauses and breaths as heard; speech only where there is too much of it to be a slip."""
    inside = [Phone(p.label, max(p.start_s, start_s), min(p.end_s, end_s)) for p in heard if p.start_s < end_s and p.end_s > start_s]
    said_s = sum(phone.end_s - phone.start_s for phone in inside if phone.label not in SPEECHLESS)
    if said_s < UNMENTIONED_S:
        return [Phone(p.label if p.label in SPEECHLESS else SILENCE, p.start_s, p.end_s) for p in inside]
    if not any(f" {start_s:.1f} to" in note for note in found.notes):
        found.notes.append(f"Between {start_s:.1f} and {end_s:.1f} s something is said that the text leaves out.")
    return inside


def some(words: list[str], most: int = 6) -> str:
    """The first few words of a list, for a remark."""
    return " ".join(words[:most]) + (" ..." if len(words) > most else "")
