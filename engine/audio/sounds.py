"""The sounds the phone network tells apart: classes named by IPA, each with the ARPAbet label that moves the mouth like it."""

from __future__ import annotations

import functools
import unicodedata

from .speech import SILENCE

LAUGHTER = "LAUGH"
BREATH = "BREATH"

ARPABET_OF: dict[str, str] = {
    "sil": SILENCE,
    "breath": BREATH,
    "laugh": LAUGHTER,
    "i": "IY",
    "ɪ": "IH",
    "e": "EH",
    "ɛ": "EH",
    "æ": "AE",
    "a": "AA",
    "ɑ": "AA",
    "ɔ": "AO",
    "o": "OW",
    "ʊ": "UH",
    "u": "UW",
    "y": "UW",
    "ø": "UH",
    "ɨ": "IH",
    "ə": "AH",
    "ʌ": "AH",
    "ɝ": "ER",
    "aɪ": "AY",
    "aʊ": "AW",
    "eɪ": "EY",
    "oʊ": "OW",
    "ɔɪ": "OY",
    "p": "P",
    "b": "B",
    "t": "T",
    "d": "D",
    "k": "K",
    "ɡ": "G",
    "tʃ": "CH",
    "dʒ": "JH",
    "ts": "S",
    "f": "F",
    "v": "V",
    "θ": "TH",
    "ð": "DH",
    "s": "S",
    "z": "Z",
    "ʃ": "SH",
    "ʒ": "ZH",
    "ç": "HH",
    "x": "K",
    "ɣ": "G",
    "h": "HH",
    "m": "M",
    "n": "N",
    "ɲ": "N",
    "ŋ": "NG",
    "l": "L",
    "ɹ": "R",
    "r": "D",
    "j": "Y",
    "w": "W",
}
"""Class (IPA) -> the ARPAbet label that is heard for it. Sounds English lacks take the label whose lips and jaw look alike: y and ø
are rounded, a rolled or tapped r is made with the tongue alone, as d is."""

FRONT_ROUNDED: dict[str, str] = {"y": "UE", "ø": "OE"}
"""Classes with the lips of their ARPAbet label and another tongue -> a label of their own, which ARPAbet lacks: lune, fünf; peu, schön."""
LABEL_OF: dict[str, str] = ARPABET_OF | FRONT_ROUNDED
"""Class -> label of a `Phone` when it is known exactly which sound it is."""

CLASSES: tuple[str, ...] = tuple(ARPABET_OF)
CLASS_INDEX: dict[str, int] = {name: number for number, name in enumerate(CLASSES)}
SILENT, BREATHING, LAUGHING = CLASS_INDEX["sil"], CLASS_INDEX["breath"], CLASS_INDEX["laugh"]
VOWEL_CLASSES: tuple[str, ...] = tuple("i ɪ e ɛ æ a ɑ ɔ o ʊ u y ø ɨ ə ʌ ɝ aɪ aʊ eɪ oʊ ɔɪ".split())

VISEME_GROUPS: tuple[str, ...] = (
    "AA AE AH AY AW", "EH EY", "IH IY Y", "AO OW OY", "UH UW W UE OE", "ER R", "P B M", "F V", "S Z", "SH ZH CH JH", "TH DH", "T D N L",
    "K G NG HH",
)  # fmt: skip
"""Labels whose lips look alike (the classes of `motion.lips`)."""
LOOKS_OF_LABEL: dict[str, int] = {label: number for number, labels in enumerate(VISEME_GROUPS) for label in labels.split()}

_PAIRS = {
    "aɪ": "aɪ", "ai": "aɪ", "ɑɪ": "aɪ", "ɑi": "aɪ", "aɪ̯": "aɪ", "äi": "aɪ",
    "aʊ": "aʊ", "au": "aʊ", "ɑu": "aʊ", "ɑʊ": "aʊ",
    "eɪ": "eɪ", "ei": "eɪ", "ɛɪ": "eɪ", "ɛi": "eɪ",
    "oʊ": "oʊ", "əʊ": "oʊ", "ou": "oʊ", "ɔʊ": "oʊ",
    "ɔɪ": "ɔɪ", "ɔi": "ɔɪ", "oɪ": "ɔɪ", "ɔø": "ɔɪ", "ɔy": "ɔɪ", "ɔʏ": "ɔɪ",
    "əɹ": "ɝ", "ɜɹ": "ɝ",
    "tʃ": "tʃ", "tɕ": "tʃ", "tʂ": "tʃ", "ʈʂ": "tʃ", "cç": "tʃ",
    "dʒ": "dʒ", "dʑ": "dʒ", "dʐ": "dʒ", "ɖʐ": "dʒ", "ɟʝ": "dʒ",
    "ts": "ts", "dz": "ts",
}  # fmt: skip

_SINGLES = {
    "I": "aɪ", "W": "aʊ", "A": "eɪ", "O": "oʊ", "Q": "oʊ", "Y": "ɔɪ", "T": "r", "S": "s", "ᵊ": "ə", "ᵻ": "ɨ",
    "ɐ": "ə", "ɒ": "ɔ", "ɜ": "ɝ", "ɚ": "ɝ", "ʏ": "y", "œ": "ø", "ɵ": "ø", "ɶ": "ø", "ɯ": "ɨ", "ʉ": "u", "ɤ": "ʌ", "ɘ": "ə",
    "ʧ": "tʃ", "ʨ": "tʃ", "ʤ": "dʒ", "ʥ": "dʒ", "ʦ": "ts", "ʣ": "ts", "ꭧ": "tʃ",
    "c": "k", "ɟ": "ɡ", "g": "ɡ", "q": "k", "ʈ": "t", "ɖ": "d", "ɓ": "b", "ɗ": "d", "ɠ": "ɡ",
    "β": "v", "ʋ": "v", "ɸ": "f", "ɱ": "m",
    "ʂ": "ʃ", "ɕ": "ʃ", "ʐ": "ʒ", "ʑ": "ʒ", "ʝ": "j", "χ": "x", "ħ": "h", "ɦ": "h", "ʕ": "ɣ", "ʁ": "ɣ", "ʀ": "ɣ", "ɰ": "ɣ",
    "ɳ": "n", "ɴ": "ŋ", "ʎ": "l", "ɫ": "l", "ɭ": "l", "ʟ": "l", "ɬ": "l", "ɮ": "l",
    "ɻ": "ɹ", "ɾ": "r", "ɽ": "r", "ɺ": "r", "ɥ": "w", "ʍ": "w", "ɧ": "ʃ", "ʙ": "b",
}  # fmt: skip
"""Signs of IPA (and of hibari's alphabet, misaki's) -> class; signs that name a class stand for it."""

@functools.cache
def class_of(sign: str) -> str | None:
    """The class of one IPA sign or pair of signs; None when it stands for no sound."""
    return _PAIRS.get(sign) or _SINGLES.get(sign) or (sign if sign in CLASS_INDEX else None)


def classes_of_ipa(ipa: str) -> list[str]:
    """The classes in a string of IPA: "ʃˈøːnə" -> ["ʃ", "ø", "n", "ə"]. Diphthongs and affricates are one sound."""
    return [name for word in ipa.split() for name in _classes_of_word(_plain(word))]


def _classes_of_word(word: str) -> list[str]:
    signs = [sign for sign in word if class_of(sign)]
    classes: list[str] = []
    position = 0
    while position < len(signs):
        both = _PAIRS.get("".join(signs[position : position + 2]))
        classes.append(both or class_of(signs[position]))
        position += 2 if both else 1
    return classes


def _plain(ipa: str) -> str:
    """Without diacritics ("ö" stays a plain vowel sign, "ã" becomes "a"); ç is a sign of its own."""
    kept = unicodedata.normalize("NFC", ipa).replace("ç", "\0")
    stripped = "".join(c for c in unicodedata.normalize("NFD", kept) if not unicodedata.combining(c))
    return stripped.replace("\0", "ç")
