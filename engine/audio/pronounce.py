"""Written words -> ARPAbet: the recogniser's dictionary first, then hibari's grapheme-to-phoneme rules."""

from __future__ import annotations

import functools
import re

_DIRECTIONS = re.compile(r"\[[^\]\n]*\]")
_EDGES = re.compile(r"^[^\w]+|[^\w]+$")

_ARPABET_PAIRS = {
    "ɜɹ": "ER",
    "əɹ": "ER",
    "ɜː": "ER",
    "aɪ": "AY",
    "aʊ": "AW",
    "eɪ": "EY",
    "oʊ": "OW",
    "ɔɪ": "OY",
    "tʃ": "CH",
    "dʒ": "JH",
}
_ARPABET = {
    "A": "EY",
    "I": "AY",
    "O": "OW",
    "Q": "OW",
    "W": "AW",
    "Y": "OY",
    "T": "T",
    "ᵊ": "AH",
    "ᵻ": "IH",
    "ə": "AH",
    "ɐ": "AH",
    "ʌ": "AH",
    "ɑ": "AA",
    "ɒ": "AA",
    "a": "AE",
    "æ": "AE",
    "ɔ": "AO",
    "e": "EH",
    "ɛ": "EH",
    "ɜ": "ER",
    "ɚ": "ER",
    "i": "IY",
    "ɪ": "IH",
    "o": "OW",
    "u": "UW",
    "ʊ": "UH",
    "b": "B",
    "d": "D",
    "ð": "DH",
    "f": "F",
    "ɡ": "G",
    "h": "HH",
    "j": "Y",
    "k": "K",
    "l": "L",
    "m": "M",
    "n": "N",
    "ŋ": "NG",
    "p": "P",
    "ɹ": "R",
    "r": "R",
    "s": "S",
    "ʃ": "SH",
    "t": "T",
    "ɾ": "D",
    "θ": "TH",
    "v": "V",
    "w": "W",
    "x": "K",
    "z": "Z",
    "ʒ": "ZH",
    "ʤ": "JH",
    "ʧ": "CH",
}
"""hibari's phoneme alphabet (misaki's, close to IPA) -> ARPAbet; marks of stress and length have no entry."""


def spoken_words(text: str) -> list[str]:
    """The transcript cut at white space, words without letters or digits left out: ["Hello,", "42"].

    What stands in square brackets is a direction ("[whisper]"), not said.
    """
    return [word for word in _DIRECTIONS.sub(" ", text).split() if _EDGES.sub("", word)]


def dictionary_key(word: str) -> str:
    """How the pronunciation dictionary spells `word`: lower case, no punctuation at its edges, straight apostrophe."""
    return _EDGES.sub("", word).lower().replace("’", "'")


def arpabet_of(phonemes: str) -> list[str]:
    """A hibari phoneme string ('həlˈO') as ARPAbet labels; characters that stand for no sound are skipped."""
    labels = []
    position = 0
    while position < len(phonemes):
        pair = phonemes[position : position + 2]
        label = _ARPABET_PAIRS.get(pair) or _ARPABET.get(phonemes[position])
        if label:
            labels.append(label)
        position += 2 if pair in _ARPABET_PAIRS else 1
    return labels


def guess_pronunciation(word: str) -> list[str]:
    """ARPAbet labels for a word no dictionary knows (names, numbers, "50%"); empty when the script cannot be read."""
    return arpabet_of(english_phonemes(word))


def english_phonemes(text: str) -> str:
    """Text as American English in hibari's alphabet without stress marks; numbers, dates and sums of money as they are read."""
    return _grapheme_to_phoneme()(text).replace("ˈ", "").replace("ˌ", "")


@functools.cache
def _grapheme_to_phoneme():
    """hibari's rules and small network; loading takes about half a second, so once and only when needed."""
    from hibari.g2p import G2P

    return G2P()
