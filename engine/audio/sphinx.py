"""pocketsphinx, wrapped: word recognition, forced alignment and all-phone decoding of one chunk of sound.

Its acoustic model, dictionary and language models come inside its wheel (US English, BSD licence).
"""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pocketsphinx

from .pronounce import dictionary_key, guess_pronunciation
from .speech import SILENCE, Phone, Word
from .weights import ASSETS

FRAME_S = 0.01
_BYTE_ORDER_MARK = 4
_SCORED_ROWS = 250
_NOISE_LABELS = {"+NSN+": "NOISE", "+SPN+": "NOISE"}
_FILLERS = ("<", "[", "+")

# Wide beams and no lattice pass: the lattice moves word borders so far that the phone pass inside them cannot finish.
_ALIGN = {"beam": 1e-150, "wbeam": 1e-120, "pbeam": 1e-150, "bestpath": False}
# At most this many active states and word ends per 10 ms frame: 30 % faster, no measurable loss.
_FAST = {"maxhmmpf": 3000, "maxwpf": 10}
# "Uh" and "um" may come between any two words, which the language model does not expect: not likelier than this.
_HESITANT = {"fdict": str(ASSETS / "fillers.dict"), "fillprob": 1e-4}
_PHONE_LM_WEIGHT = 2.0
# What the search finds is not looked at: it may be as narrow as it likes.
_SCORED = {"compallsen": True, "beam": 1e-5, "pbeam": 1e-5}
SCORE_NATS = 1024 * float(np.log(1.0001))
"""A senone's score counts steps of 2 ** 10 in a logarithm to the base 1.0001."""


@dataclass(frozen=True)
class Decoded:
    """What a chunk holds: phones and words in seconds from its start; `fit` is the mean acoustic log score per frame in the
    decoder's own units (0 is perfect; clear speech with the right words -10 to -25; other words than were said below -50).
    """

    phones: list[Phone]
    words: list[Word]
    fit: float = 0.0


def pcm16(samples: np.ndarray, gain: float = 1.0) -> bytes:
    """float samples (full scale 1) as the little-endian 16-bit PCM pocketsphinx reads, offset removed."""
    centred = (samples - samples.mean()) * gain
    return np.clip(np.round(centred * 32767.0), -32768, 32767).astype("<i2").tobytes()


class WordRecogniser:
    """English words by the bundled language model, then the phones in them; `hesitant` expects "uh" and "um" anywhere."""

    def __init__(self, hesitant: bool = True) -> None:
        wishes = _FAST | (_HESITANT if hesitant else {})
        self._decoder = _decoder(lm=_model("en-us.lm.bin"), dict=_model("cmudict-en-us.dict"), bestpath=False, **wishes)

    def decode(self, pcm: bytes) -> Decoded | None:
        """Phones and words of a chunk; None when no word path survives or the phones cannot be placed inside it."""
        self._decoder.activate_search()
        return _two_passes(self._decoder, pcm)


class TextAligner:
    """Places a given word sequence in the sound."""

    def __init__(self) -> None:
        self._decoder = _decoder(lm=None, dict=_model("cmudict-en-us.dict"), **_ALIGN)

    def pronounceable(self, word: str) -> bool:
        """Whether `word` is in the dictionary, or can be added to it by rule."""
        key = dictionary_key(word)
        if self._decoder.lookup_word(key) is not None:
            return True
        labels = guess_pronunciation(word)
        if not labels:
            return False
        self.add(key, labels)
        return True

    def add(self, key: str, labels: list[str]) -> None:
        """Teach the dictionary a word (as `dictionary_key` spells it) by its ARPAbet labels; one it knows stays as it is."""
        if self._decoder.lookup_word(key) is None:
            self._decoder.add_word(key, " ".join(labels), True)

    def align(self, pcm: bytes, words: list[str]) -> Decoded | None:
        """Phones and words of a chunk that says `words` (all `pronounceable`); None when they do not fit the sound."""
        self._decoder.set_align_text(" ".join(map(dictionary_key, words)))
        decoded = _two_passes(self._decoder, pcm)
        if decoded is None or len(decoded.words) != len(words):
            return None
        named = [Word(text, word.start_s, word.end_s) for text, word in zip(words, decoded.words)]
        return Decoded(decoded.phones, named, decoded.fit)


class PhoneLoop:
    """Any phone after any other, weighted by a phone bigram: needs no words, works in any language, is less exact."""

    def __init__(self) -> None:
        self._decoder = _decoder(lm=None, dict=None, allphone=_model("en-us-phone.lm.bin"), lw=_PHONE_LM_WEIGHT)

    def decode(self, pcm: bytes) -> Decoded | None:
        """Phones of a chunk; None when the chunk is too short to decode."""
        if not _run(self._decoder, pcm):
            return None
        segments = list(self._decoder.seg() or ())
        phones = [Phone(_label(s.word), s.start_frame * FRAME_S, (s.end_frame + 1) * FRAME_S) for s in segments]
        return Decoded(phones, []) if phones else None


class SenoneScorer:
    """How well every senone of the acoustic model fits every frame. pocketsphinx tells by a log file, 10 kB a frame."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="soliloquy-")
        wishes = {"senlogdir": self._folder.name} | _SCORED
        self._decoder = _decoder(lm=None, dict=None, allphone=_model("en-us-phone.lm.bin"), **wishes)

    def scores(self, pcm: bytes) -> Iterator[np.ndarray]:
        """Blocks of (n, senones) int16 scores below the best senone's, 0 or more, in units of SCORE_NATS, a row per 10 ms; nothing
        for too little sound."""
        heard = _run(self._decoder, pcm)
        for path in Path(self._folder.name).iterdir():
            try:
                if heard:
                    yield from _logged_scores(path)
            finally:
                path.unlink()


def _logged_scores(path: Path) -> Iterator[np.ndarray]:
    with open(path, "rb") as file:
        senones = 0
        for line in iter(file.readline, b"endhdr\n"):
            if not line:
                return
            if line.startswith(b"n_sen "):
                senones = int(line.split()[1])
        file.seek(_BYTE_ORDER_MARK, os.SEEK_CUR)
        row_bytes = 2 * (senones + 1)
        for block in iter(lambda: file.read(_SCORED_ROWS * row_bytes), b""):
            yield np.frombuffer(block, "<i2").reshape(-1, senones + 1)[:, 1:]


@functools.cache
def model_file(name: str) -> Path:
    """A file (or folder) of the bundled US English model."""
    return Path(pocketsphinx.get_model_path()) / "en-us" / name


def _model(name: str) -> str:
    return str(model_file(name))


def _decoder(**settings) -> pocketsphinx.Decoder:
    return pocketsphinx.Decoder(pocketsphinx.Config(hmm=_model("en-us"), loglevel="FATAL", **settings))


def _run(decoder: pocketsphinx.Decoder, pcm: bytes) -> bool:
    """One pass over the whole chunk (whole, so that the cepstral mean is the chunk's own); False when no path survives."""
    try:
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
    except RuntimeError:
        return False
    return True


def _two_passes(decoder: pocketsphinx.Decoder, pcm: bytes) -> Decoded | None:
    """Words first, then the phones inside them (pocketsphinx needs a second pass for these)."""
    if not _run(decoder, pcm) or decoder.hyp() is None:
        return None
    try:
        decoder.set_alignment()
    except RuntimeError:
        return None
    if not _run(decoder, pcm):
        return None
    phones, words, score, frames = [], [], 0, 0
    for word in decoder.get_alignment():
        score, frames = score + word.score, frames + word.duration
        if not word.name.startswith(_FILLERS):
            words.append(Word(word.name.split("(")[0], word.start * FRAME_S, (word.start + word.duration) * FRAME_S))
        phones += [Phone(_label(p.name), p.start * FRAME_S, (p.start + p.duration) * FRAME_S) for p in word]
    return Decoded(phones, words, score / max(frames, 1)) if phones else None


def _label(name: str) -> str:
    return _NOISE_LABELS.get(name, SILENCE if name.startswith(_FILLERS) else name)
