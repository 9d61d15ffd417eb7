"""pocketsphinx, wrapped: word recognition, forced alignment and all-phone decoding of one chunk of sound.

Its acoustic model, dictionary and language models come inside its wheel (US English, BSD licence).
"""

from __future__ import annotations

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pocketsphinx

from .pronounce import dictionary_key, guess_pronunciation
from .speech import SILENCE, Phone, Word
from .weights import ASSETS

FRAME_S = 0.01
CEPSTRA = 13
"""Numbers a frame of sound becomes."""
_LENGTH_BYTES = 4
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
_NOT_SEARCHED = {"beam": 1e-5, "pbeam": 1e-5}


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
    """English words by the bundled language model, then the phones in them; `hesitant` expects "uh" and "um" anywhere.

    maps: move the acoustic model's means to those of the recording (adaptation.py).
    """

    def __init__(self, hesitant: bool = True, maps: np.ndarray | None = None) -> None:
        wishes = _FAST | (_HESITANT if hesitant else {})
        self._decoder = _fitted_decoder(maps, lm=_model("en-us.lm.bin"), bestpath=False, **wishes)

    def decode(self, pcm: bytes) -> Decoded | None:
        """Phones and words of a chunk; None when no word path survives or the phones cannot be placed inside it."""
        self._decoder.activate_search()
        return _two_passes(self._decoder, pcm)


class TextAligner:
    """Places a given word sequence in the sound; maps as for the WordRecogniser."""

    def __init__(self, maps: np.ndarray | None = None) -> None:
        self._decoder = _fitted_decoder(maps, lm=None, **_ALIGN)

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


class CepstraReader:
    """The cepstra pocketsphinx makes of sound, noise taken out. It tells by a log file, read at once."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="soliloquy-")
        wishes = {"mfclogdir": self._folder.name} | _NOT_SEARCHED
        self._decoder = _decoder(lm=None, dict=None, allphone=_model("en-us-phone.lm.bin"), **wishes)

    def cepstra(self, pcm: bytes) -> np.ndarray:
        """(T, CEPSTRA) float32 of a chunk, a row per 10 ms; no rows for too little sound."""
        heard = _run(self._decoder, pcm)
        rows = np.zeros((0, CEPSTRA), np.float32)
        for path in Path(self._folder.name).iterdir():
            data = path.read_bytes()[_LENGTH_BYTES:]
            if heard:
                rows = np.frombuffer(data, ">f4", len(data) // (4 * CEPSTRA) * CEPSTRA).reshape(-1, CEPSTRA).astype(np.float32)
            path.unlink()
        return rows


@functools.cache
def model_file(name: str) -> Path:
    """A file (or folder) of the bundled US English model."""
    return Path(pocketsphinx.get_model_path()) / "en-us" / name


def _model(name: str) -> str:
    return str(model_file(name))


def _decoder(**settings) -> pocketsphinx.Decoder:
    return pocketsphinx.Decoder(pocketsphinx.Config(hmm=_model("en-us"), loglevel="FATAL", **settings))


def _fitted_decoder(maps: np.ndarray | None, **settings) -> pocketsphinx.Decoder:
    """A decoder of words, its acoustic model's means moved by the maps, if there are any."""
    with tempfile.TemporaryDirectory(prefix="soliloquy-") as folder:
        if maps is not None:
            settings |= {"mllr": str(_written_maps(maps, Path(folder) / "maps.txt"))}
        return _decoder(dict=_model("cmudict-en-us.dict"), **settings)


def _written_maps(maps: np.ndarray, path: Path) -> Path:
    """(streams, CEPSTRA, 1 + CEPSTRA) maps as pocketsphinx reads them (ms_mllr.c): of each stream matrix, offset, scale of variances."""
    lines = ["1", str(len(maps))]
    for stream in maps:
        rows = [*stream[:, 1:], stream[:, 0], np.ones(CEPSTRA)]
        lines += [str(CEPSTRA), *(" ".join(f"{number:.7g}" for number in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


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
