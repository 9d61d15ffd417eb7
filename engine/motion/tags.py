"""Direction written into the transcript: "[happy] We won! [whisper] Don't tell anyone." Tags are never spoken or aligned.

A tag holds from the word after it until the next tag of its kind. Moods and ways of speaking are different kinds: a whisper
may be sad. `[neutral]` ends a mood, `[normal]` a way of speaking. `[happy 0.5]` is half as strong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..audio.speech import Word
from ..errors import InputError
from .course import NumberKey
from .direction import Direction, nearest_hint
from .moods import MOODS, MoodKey

DELIVERIES = {"normal": 1.0, "whisper": 0.55, "calm": 0.7, "lively": 1.35, "shout": 1.7}
"""How much of the direction's energy each way of speaking takes."""

BEFORE_WORD_S = 0.15
"""A face changes just before the words it belongs to."""
TURN_S = 0.5
"""A way of speaking takes this long to come in."""
_MOST_ENERGY = 2.0

_TAG = re.compile(r"\[([^\[\]\n]{0,60})\]")
_CONTENT = re.compile(r"^\s*(?P<name>[^\W\d]+)\s*(?:[*:]?\s*(?P<strength>\d*\.?\d+))?\s*$")


@dataclass(frozen=True)
class Tag:
    """`name` at `strength` (0..1) from the word number `word` of the plain text on (0 = the first)."""

    word: int
    name: str
    strength: float = 1.0


def read_tags(text: str) -> tuple[str, list[Tag]]:
    """The text without its tags, as it is to be spoken, and the tags.

    Raises InputError for an unknown tag, naming the nearest known one, a strength that is not 0 to 1, or an open bracket.
    """
    tags, plain, done = [], "", 0
    for match in _TAG.finditer(text):
        plain += text[done : match.start()]
        tags.append(_tag(match, len(plain.split())))
        plain, done = plain + " ", match.end()
    plain += text[done:]
    if "[" in plain or "]" in plain:
        raise InputError("The text holds a square bracket without its partner; tags are written [happy] or [whisper].")
    return (" ".join(plain.split()) if tags else text), tags


def _tag(match: re.Match, word: int) -> Tag:
    content, known = _CONTENT.match(match[1]), [*MOODS, *DELIVERIES]
    name = content["name"].lower() if content else match[1].strip()
    if name not in known:
        raise InputError(f"Unknown tag [{match[1]}]{nearest_hint(name.lower(), known)}. Tags: {', '.join(known)}.")
    strength = float(content["strength"] or 1.0)
    if not 0.0 <= strength <= 1.0:
        raise InputError(f"The tag [{match[1]}] must have a strength from 0 to 1.")
    return Tag(word, name, strength)


def with_tags(direction: Direction, tags: Sequence[Tag], plain: str, words: Sequence[Word]) -> Direction:
    """`direction` with the moods and ways of speaking of `tags`, at the times at which `words` were found.

    plain: the text that was aligned. A mood tag replaces the direction's own moods from its word on; before the first, they
    hold. Raises InputError when there are tags but no words were found, so that nobody knows when they are.
    """
    if not tags:
        return direction
    if not words:
        raise InputError("The tags in the text have no times: its words were not found in the recording.")
    timed = [(tag, _start_s(tag, plain.split(), words)) for tag in tags]
    moods = [MoodKey(time_s, tag.name, tag.strength) for tag, time_s in timed if tag.name in MOODS]
    changed = direction
    if moods:
        before = tuple(key for key in direction.mood_keys() if key.time_s < moods[0].time_s)
        changed = replace(changed, mood_over_time=(*before, *moods))
    deliveries = [(tag, time_s) for tag, time_s in timed if tag.name in DELIVERIES]
    if deliveries:
        changed = replace(changed, energy_over_time=tuple(_energy_keys(direction.energy, deliveries)))
    return changed


def _energy_keys(energy: float, deliveries: Sequence[tuple[Tag, float]]) -> Iterator[NumberKey]:
    level, last_s = energy, 0.0
    yield NumberKey(0.0, level)
    for tag, time_s in deliveries:
        wanted = min(energy * (1.0 + tag.strength * (DELIVERIES[tag.name] - 1.0)), _MOST_ENERGY)
        yield NumberKey(max(time_s - TURN_S / 2, last_s), level)
        last_s = max(time_s + TURN_S / 2, last_s)
        level = wanted
        yield NumberKey(last_s, level)


def _start_s(tag: Tag, spoken: Sequence[str], words: Sequence[Word]) -> float:
    """When the word after the tag starts; after the last word, when that ends. Words that were not found are stepped over."""
    place = _places(spoken, words)
    for word, found in zip(words, place):
        if found >= tag.word:
            return max(word.start_s - BEFORE_WORD_S, 0.0) if tag.word else 0.0
    return words[-1].end_s


def _places(spoken: Sequence[str], words: Sequence[Word]) -> list[int]:
    """Which word of the text each found word is: both run in the same order, and the aligner may leave words out."""
    places, next_place = [], 0
    for word in words:
        at = next((n for n in range(next_place, len(spoken)) if _bare(spoken[n]) == _bare(word.text)), next_place)
        places.append(min(at, len(spoken)))
        next_place = at + 1
    return places


def _bare(word: str) -> str:
    return re.sub(r"[^\w]", "", word).lower()
