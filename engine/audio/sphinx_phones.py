"""Phones of a whole recording by pocketsphinx, chunk by chunk, with or without a text (English)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher

import numpy as np

from ..progress import Progress, silent
from .boundaries import tidy
from .chunks import split_at_pauses
from .decode import SAMPLE_RATE_HZ, peak_of
from .follow import some
from .heard import agreement, label_chances, span_phones
from .phones import FoundPhones
from .pronounce import dictionary_key, spoken_words
from .rows import Track
from .senones import SecondEar
from .speech import HOP_S, SILENCE, Phone, Word
from .sphinx import Decoded, PhoneLoop, TextAligner, WordRecogniser, pcm16

UNLIKE_ENGLISH_FIT = -30.0
"""Below this fit of the recognised English words, the phone loop (which needs no language) places the phones instead."""

UNLIKE_FITTED_FIT = -27.0
"""The same for the model fitted to the recording, which explains any sound better: below it words count for nothing. (Chosen on French,
Italian and Russian; LJ Speech, GRID and the telephone lie above -21.)"""

LEAST_AGREEMENT = -2.25
"""English words whose phones the phone network finds less likely than this (heard.agreement) are not what is said: in noise, music
and other languages pocketsphinx finds words that fit its own model and are wrong."""

TRUST = 2.5
"""Better ones make the frames of their phones likelier, by this for each unit of agreement above (natural logarithm). The two ears
err independently. Both numbers were chosen on LJ Speech, Kokoro's held-out voices, noise, music and French, Italian, Russian."""

WRONG_TEXT_MARGIN = 15.0
"""A transcript that fits this much worse than what was recognised is not what is said (measured: right texts fit as well as
or better than the recognised words, wrong or incomplete ones 30 or more below)."""

WRONG_TEXT_FIT = -45.0
"""A transcript that fits worse than this is not what is said, however badly the sound was understood."""

WRONG_TEXT_SHARE = 0.6
"""A transcript whose words take up less than this share of the speech heard leaves too much unexplained."""

LONGEST_ALIGNED_WHOLE_S = 120.0
"""Up to this length the whole text is first aligned in one go, which needs no understanding of the sound."""

ALIGNED = "pocketsphinx forced alignment"
FITTED_ON_S = 60.0
"""Of a longer recording, the acoustic model is fitted to about this much, spread over it."""
_PEAK_FOR_DECODING = 0.7
_STAGE = "phones"


@dataclass
class _Piece:
    """One chunk of the recording on its way through the decoders: the English words recognised in it, the phones it will have."""

    start_s: float
    end_s: float
    words: Decoded | None
    heard: Decoded | None
    text: list[str] = field(default_factory=list)


def sphinx_phones(
    samples: Track,
    levels_db: np.ndarray,
    text: str | None = None,
    posteriors: Track | None = None,
    *,
    progress: Progress = silent,
) -> FoundPhones:
    """Phones of (N,) samples with their loudness track; with `text`, by forced alignment to it where it fits.

    posteriors: of the phone network (phone_stream), which then hears what is not English instead of pocketsphinx's phone loop.
    Silence comes out as the sound shows it: the decoders' silences are corrected by the loudness.
    """
    duration_s = len(samples) / SAMPLE_RATE_HZ
    spans = split_at_pauses(levels_db, duration_s)
    recogniser = _Recogniser(samples, posteriors, spans)
    pieces = []
    for number, (start_s, end_s) in enumerate(spans):
        progress(_STAGE, number, len(spans))
        pieces.append(_Piece(start_s, end_s, *recogniser.hear(start_s, end_s)))
    found = FoundPhones([], aligner="pocketsphinx")
    if text and text.strip():
        _align_text(recogniser, pieces, text, found)
    for piece in pieces:
        found.phones += _moved(piece)
    found.phones = tidy(found.phones, levels_db, duration_s)
    progress(_STAGE, len(spans), len(spans))
    return found


def _spread(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Some of the chunks, FITTED_ON_S in all at most (or one), spread evenly over the recording."""
    every = max(math.ceil(sum(end_s - start_s for start_s, end_s in spans) / FITTED_ON_S), 1)
    return spans[every // 2 :: every]


class _Recogniser:
    """The decoders over one recording."""

    def __init__(self, samples: Track, posteriors: Track | None, spans: list[tuple[float, float]]) -> None:
        self._samples, self._posteriors = samples, posteriors
        self._gain = _PEAK_FOR_DECODING / max(peak_of(samples), 1e-9)
        self._maps = None
        if posteriors is None:
            self._words, self._loop = WordRecogniser(hesitant=False), PhoneLoop()
            return
        self._second = SecondEar()
        self._maps = self._second.fit([(self.pcm(*span), label_chances(self._rows(*span))) for span in _spread(spans)])
        self._words = WordRecogniser(maps=self._maps)

    def aligner(self) -> TextAligner:
        """By the same model as the words."""
        return TextAligner(self._maps)

    def pcm(self, start_s: float, end_s: float) -> bytes:
        return pcm16(self._samples[round(start_s * SAMPLE_RATE_HZ) : round(end_s * SAMPLE_RATE_HZ)], self._gain)

    def hear(self, start_s: float, end_s: float) -> tuple[Decoded | None, Decoded | None]:
        """The English words recognised, if they fit the sound; and the phones, heard by the network, the second ear and them."""
        pcm = self.pcm(start_s, end_s)
        words = self._words.decode(pcm)
        least = UNLIKE_ENGLISH_FIT if self._maps is None else UNLIKE_FITTED_FIT
        fitting = words if words is not None and words.fit >= least else None
        if self._posteriors is None:
            return fitting, fitting or self._loop.decode(pcm) or words
        rows = self._rows(start_s, end_s)
        supposed = fitting.phones if fitting else []
        trust, nearness = _trust(agreement(supposed, rows)), self._second.nearness(pcm)
        heard = span_phones(self._posteriors, start_s, end_s, supposed, trust, nearness)
        return fitting, Decoded([Phone(p.label, p.start_s - start_s, p.end_s - start_s) for p in heard], [])

    def _rows(self, start_s: float, end_s: float) -> np.ndarray:
        return self._posteriors[round(start_s / HOP_S) : round(end_s / HOP_S) + 1]


def _trust(agreed: float) -> float:
    """How much words count, by how well the network agrees with their phones."""
    return TRUST * max(agreed - LEAST_AGREEMENT, 0.0)


def _align_text(recogniser: _Recogniser, pieces: list[_Piece], text: str, found: FoundPhones) -> None:
    """Replace what was heard in each piece by the part of `text` said there; says in the notes what did not fit."""
    aligner = recogniser.aligner()
    words = spoken_words(text)
    known = [word for word in words if aligner.pronounceable(word)]
    if len(known) < len(words):
        unread = sorted(set(words) - set(known))
        found.notes.append(f"{len(words) - len(known)} words of the text have no known pronunciation: {some(unread)}.")
    if not known or len(known) < len(words) / 2:
        found.notes.append("The text cannot be read as English; the phones come from the sound alone.")
        return
    duration_s = pieces[-1].end_s
    if len(pieces) > 1 and duration_s <= LONGEST_ALIGNED_WHOLE_S:
        whole = _Piece(0.0, duration_s, None, None, known)
        if _fits(decoded := aligner.align(recogniser.pcm(0.0, duration_s), known), pieces):
            whole.heard = decoded
            pieces[:] = [whole]
            found.words, found.aligner = decoded.words, ALIGNED
            return
    _share_out(known, pieces)
    _align_pieces(recogniser, aligner, pieces, found)


def _fits(decoded: Decoded | None, pieces: list[_Piece]) -> bool:
    """Whether an alignment explains the sound about as well as the words heard there, and about as much of it."""
    if decoded is None:
        return False
    heard = [piece.words for piece in pieces if piece.words is not None and piece.words.words]
    expected = float(np.mean([part.fit for part in heard])) if heard else UNLIKE_ENGLISH_FIT
    as_good = decoded.fit >= max(expected - WRONG_TEXT_MARGIN, WRONG_TEXT_FIT)
    return as_good and _spoken_s(decoded) >= WRONG_TEXT_SHARE * sum(map(_spoken_s, heard))


def _spoken_s(decoded: Decoded) -> float:
    return sum(word.end_s - word.start_s for word in decoded.words)


def _align_pieces(recogniser: _Recogniser, aligner: TextAligner, pieces: list[_Piece], found: FoundPhones) -> None:
    """Align each piece to its own part of the text; a piece whose part does not fit keeps what was heard."""
    aligned = 0
    for piece in pieces:
        if not piece.text:
            continue
        decoded = aligner.align(recogniser.pcm(piece.start_s, piece.end_s), piece.text)
        if not _fits(decoded, [piece]):
            found.notes.append(
                f"The text does not fit the sound from {piece.start_s:.1f} to {piece.end_s:.1f} s "
                f"({some(piece.text)}); the phones there come from the sound alone."
            )
            continue
        piece.heard = decoded
        found.words += [Word(w.text, w.start_s + piece.start_s, w.end_s + piece.start_s) for w in decoded.words]
        aligned += 1
    if aligned:
        found.aligner = ALIGNED + ("" if aligned == len(pieces) else " (in part)")


def _share_out(words: list[str], pieces: list[_Piece]) -> None:
    """Give every piece its part of the transcript, by matching the words heard in it against the whole text.

    Text between two matches goes to the piece of the nearer one; with nothing heard anywhere it is dealt out by duration.
    """
    if len(pieces) == 1:
        pieces[0].text = words
        return
    heard = [
        (dictionary_key(word.text), number)
        for number, piece in enumerate(pieces)
        for word in (piece.words.words if piece.words else ())
    ]
    matcher = SequenceMatcher(None, [dictionary_key(word) for word in words], [word for word, _ in heard])
    anchors = [(block.a + k, heard[block.b + k][1]) for block in matcher.get_matching_blocks() for k in range(block.size)]
    if not anchors:
        total_s = pieces[-1].end_s
        anchors = [(round(len(words) * (p.start_s + p.end_s) / 2 / total_s), n) for n, p in enumerate(pieces)]
    positions, owners = np.transpose(anchors)
    halfway = (positions[1:] + positions[:-1]) / 2
    for word, owner in zip(words, owners[np.searchsorted(halfway, np.arange(len(words)))]):
        pieces[owner].text.append(word)


def _moved(piece: _Piece) -> Iterator[Phone]:
    """The piece's phones on the recording's clock; a piece in which nothing was found is silence."""
    if piece.heard is None:
        yield Phone(SILENCE, piece.start_s, piece.end_s)
        return
    for phone in piece.heard.phones:
        yield Phone(
            phone.label, min(piece.start_s + phone.start_s, piece.end_s), min(piece.start_s + phone.end_s, piece.end_s)
        )

