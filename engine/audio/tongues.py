"""Which language a text is in, and how its words are pronounced: hibari's rules for English, espeak-ng's for the rest."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable

from .espeak import pronounced
from .pronounce import english_phonemes, spoken_words
from .sounds import classes_of_ipa

ENGLISH = "en"
LATIN_LANGUAGES = tuple("en de fr es it pt nl sv da nb fi pl cs sk hu ro hr tr id sw vi ca".split())
"""Tried in this order on texts in Latin letters; the one whose sounds fit best wins, English unless another is clearly better."""

_SCRIPTS = {
    "CYRILLIC": ("ru", "uk", "bg", "sr"), "GREEK": ("el",), "HIRAGANA": ("ja",), "KATAKANA": ("ja",), "HANGUL": ("ko",),
    "CJK": ("cmn", "yue"), "DEVANAGARI": ("hi", "mr", "ne"), "ARABIC": ("ar", "fa", "ur"), "HEBREW": ("he",), "THAI": ("th",),
    "BENGALI": ("bn",), "TAMIL": ("ta",), "TELUGU": ("te",), "KANNADA": ("kn",), "MALAYALAM": ("ml",), "GUJARATI": ("gu",),
    "GURMUKHI": ("pa",), "SINHALA": ("si",), "MYANMAR": ("my",), "GEORGIAN": ("ka",), "ARMENIAN": ("hy",), "ETHIOPIC": ("am",),
}  # fmt: skip
"""First word of a letter's Unicode name -> espeak-ng's languages written with it, the likeliest first."""


def possible_languages(text: str) -> tuple[str, ...]:
    """The languages a text may be in, by its script, the likeliest first. Kana makes Chinese characters Japanese."""
    counts: dict[str, int] = {}
    for letter in text:
        if letter.isalpha() and (script := _script(letter)):
            counts[script] = counts.get(script, 0) + 1
    if not counts:
        return (ENGLISH,)
    if counts.get("HIRAGANA", 0) + counts.get("KATAKANA", 0) > 0.1 * sum(counts.values()):
        return ("ja",)
    return _SCRIPTS.get(max(counts, key=counts.get), LATIN_LANGUAGES)


def pronouncer(language: str) -> Callable[[str], tuple[str, ...]]:
    """word -> classes of its sounds, () where it cannot be read (Chinese characters in Japanese). Raises InputError for a language espeak-ng does not know."""
    if language.split("-")[0] == ENGLISH:
        return lambda word: tuple(classes_of_ipa(english_phonemes(word)))
    pronounced("", language)

    @functools.lru_cache(maxsize=4096)
    def pronounce(word: str) -> tuple[str, ...]:
        unread = language == "ja" and any(_script(letter) == "CJK" for letter in word)
        return () if unread else tuple(classes_of_ipa(pronounced(word, language)))

    return pronounce


def words_of(text: str, language: str) -> list[str]:
    """The words of a text; where the script leaves no spaces, its characters (Chinese) or runs of one kind (Japanese)."""
    words = spoken_words(text)
    if language in ("cmn", "yue"):
        return [piece for word in words for piece in _pieces(word, alone=("CJK",))]
    return [piece for word in words for piece in _pieces(word, alone=())] if language == "ja" else words


def _script(letter: str) -> str:
    """The first word of a letter's Unicode name: LATIN, CJK, HIRAGANA."""
    return unicodedata.name(letter, "").split(" ")[0].split("-")[0]


def _pieces(word: str, alone: tuple[str, ...]) -> list[str]:
    """A word cut where its script changes; letters of the scripts `alone` each by themselves. Punctuation is dropped."""
    pieces, before = [], ""
    for letter in word:
        script = _script(letter)
        if not letter.isalnum() and letter not in "ー'":
            before = ""
        elif script == before and script not in alone or letter == "ー" and pieces:
            pieces[-1] += letter
        else:
            pieces.append(letter)
            before = script
    return pieces
