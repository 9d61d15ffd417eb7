"""How text is pronounced in a hundred languages: espeak-ng's rules and numbers (GPL-3.0-or-later), as piper-tts brings them."""

from __future__ import annotations

import functools
import threading

from ..errors import InputError

_CHINESE = ("cmn", "yue", "hak")
_THIRD_TONE = "ɜ"
"""In Chinese espeak-ng writes a tone with the sign of a vowel, and a retroflex s as "s."."""
_RUSSIAN_Y = str.maketrans("y", "ɨ")
"""In Russian it writes the unrounded ы with the sign of the rounded y."""
_LONGEST_TEXT = 100_000
_MARKS = str.maketrans("", "", ".,:;!?")
_LOCK = threading.Lock()
"""espeak-ng keeps one voice for the whole process."""


def pronounced(text: str, language: str) -> str:
    """IPA of `text` as espeak-ng reads it in `language` ("de", "pt-br", "cmn"), with stress marks, words kept apart by spaces.

    Numbers, dates and signs are spoken as the language speaks them. Raises InputError for a language it does not know.
    """
    with _LOCK:
        try:
            sentences = _phonemizer().phonemize(language, text[:_LONGEST_TEXT])
        except (RuntimeError, ValueError) as error:
            raise InputError(f"espeak-ng knows no language {language!r}. Use a code such as en-us, de, fr, ja or cmn.") from error
    ipa = " ".join("".join(signs) for signs in sentences).replace("s.", "ʂ").translate(_MARKS)
    if language == "ru":
        return ipa.translate(_RUSSIAN_Y)
    return ipa.replace(_THIRD_TONE, "") if language.startswith(_CHINESE) else ipa


@functools.cache
def _phonemizer():
    from piper.phonemize_espeak import EspeakPhonemizer

    return EspeakPhonemizer()
