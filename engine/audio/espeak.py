"""How text is pronounced in a hundred languages: espeak-ng's rules and numbers, called in its library (GPL-3.0-or-later).

The library and its data come in the wheel of espeakng-loader. It keeps one voice for the whole process, hence the lock.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import threading
from collections.abc import Iterator

from ..errors import InputError

_RETRIEVAL = 1
_DO_NOT_EXIT = 0x8000
_UTF8 = 1
_IPA = 0x02
_OK = 0
_LONGEST_TEXT = 100_000
_CHINESE = ("cmn", "yue", "hak")
_THIRD_TONE = "ɜ"
"""In Chinese espeak-ng writes a tone with the sign of a vowel, and a retroflex s as "s."."""
_LOCK = threading.Lock()


def pronounced(text: str, language: str) -> str:
    """IPA of `text` as espeak-ng reads it in `language` ("de", "pt-br", "cmn"), with stress marks, words kept apart by spaces.

    Numbers, dates and signs are spoken as the language speaks them. Raises InputError for a language it does not know.
    """
    with _LOCK:
        library = voiced(language)
        rest = ctypes.c_char_p(text[:_LONGEST_TEXT].encode())
        clauses = []
        while rest.value:
            clauses.append((library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA) or b"").decode())
    ipa = " ".join(clauses).replace("s.", "ʂ")
    return ipa.replace(_THIRD_TONE, "") if language.startswith(_CHINESE) else ipa


@functools.cache
def languages() -> tuple[str, ...]:
    """The codes `pronounced` takes, sorted; a code may also be cut at its hyphen ("fr" for "fr-fr")."""
    return tuple(sorted(set(_codes(_library().espeak_ListVoices(None)))))


def voiced(language: str) -> ctypes.CDLL:
    """The library with the voice of `language` chosen. Raises InputError."""
    if not any(code == language or code.startswith(f"{language}-") for code in languages()):
        raise InputError(f"espeak-ng knows no language {language!r}. Use a code such as en-us, de, fr, ja or cmn.")
    wish = _Voice(languages=language.encode())
    if _library().espeak_SetVoiceByProperties(ctypes.byref(wish)) != _OK:
        raise InputError(f"espeak-ng's voice for {language!r} cannot be read; install Soliloquy again.")
    return _library()


class _Voice(ctypes.Structure):
    """espeak_VOICE of speak_lib.h."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("kind", ctypes.c_ubyte * 4),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


def _codes(voices) -> Iterator[str]:
    """The language codes of a list of voices, which ends with a null pointer; each is preceded by a byte of priority."""
    for number in itertools.count():
        if not voices[number]:
            return
        yield voices[number].contents.languages[1:].decode()


@functools.cache
def _library() -> ctypes.CDLL:
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
    library.espeak_SetVoiceByProperties.argtypes = [ctypes.POINTER(_Voice)]
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    if library.espeak_Initialize(_RETRIEVAL, 0, espeakng_loader.get_data_path().encode(), _DO_NOT_EXIT) <= 0:
        raise InputError("espeak-ng's data cannot be read; install Soliloquy again.")
    return library
