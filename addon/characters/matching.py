"""Finding the shape key or bone that a mapping means: `eyeBlinkLeft` is also `EyeBlink_L`, `blendShape1.eye_blink.left`, ...

The name itself first, then its words without case and separators, then the same at the end of a longer name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_SIDES = {"l": "left", "r": "right", "left": "left", "right": "right", "lft": "left", "rgt": "right", "lf": "left", "rt": "right"}

PREFIX_WORDS = frozenset(
    "blendshape blendshapes blend shape shapes bs morph morphs morpher target targets face facial head arkit key expression expressions "
    "fcl mth mouth viseme visemes vis phoneme phonemes vrc v m f mesh group baked pose mixamorig bip def org j adj c cc base lip".split())
"""Words that only say where a name comes from. A short name ("A", "oh") is found only behind these."""

LONG_ENOUGH = 4
"""Letters from which a name is believed wherever it ends a longer one."""


@functools.lru_cache(maxsize=4096)
def words(name: str) -> tuple[tuple[str, ...], str]:
    """(words in lower case without sides, "left", "right" or "" ) of a name; one that is nothing but a side keeps it as word."""
    found = [word.lower() for word in _WORD.findall(name)]
    sides = [_SIDES[word] for word in found if word in _SIDES]
    rest = tuple(word for word in found if word not in _SIDES)
    return (rest, sides[-1]) if rest and sides else (tuple(found), "")


def find_name(wanted: Iterable[str], existing: Iterable[str]) -> str | None:
    """The name in `existing` that one of `wanted`, best first, means; None when there is none."""
    wanted, existing = tuple(wanted), tuple(existing)
    for agree in (_same, _same_words, _same_ending):
        for name in wanted:
            for candidate in existing:
                if agree(name, candidate):
                    return candidate
    return None


def _same(name: str, candidate: str) -> bool:
    return name == candidate


def _same_words(name: str, candidate: str) -> bool:
    (base, side), (other, other_side) = words(name), words(candidate)
    return "".join(base) == "".join(other) and side == other_side and (len("".join(base)) > 1 or name.lower() == candidate.lower())


def _same_ending(name: str, candidate: str) -> bool:
    """`candidate` is `name` behind words that may stand there."""
    base, side = words(name)
    other, other_side = words(candidate)
    if len("".join(base)) == 1 and not side:  # "L", "A": a letter, not a side
        other, other_side = tuple(word.lower() for word in _WORD.findall(candidate)), ""
    if side != other_side:
        return False
    ending = "".join(base)
    for cut in range(1, len(other)):
        if "".join(other[cut:]) == ending:
            before = other[:cut]
            return len(ending) >= LONG_ENOUGH or all(word in PREFIX_WORDS or word.isdigit() for word in before)
    return False
