"""People reading telephone prompts whose words are known (Debian's asterisk-core-sounds), timed by pocketsphinx.

English and a little Spanish (Allison Smith, CC BY-SA 3.0) teach; French, Italian and Russian (other people) only examine. English
is timed along pocketsphinx' own dictionary, the rest along espeak-ng's sounds, each by the English sound made alike.
"""

from __future__ import annotations

import gzip
import json
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..audio.boundaries import tidy
from ..audio.decode import SAMPLE_RATE_HZ
from ..audio.features import energy_db
from ..audio.pronounce import spoken_words
from ..audio.sounds import ARPABET_OF
from ..audio.speech import SILENCE, Phone
from ..audio.sphinx import TextAligner, pcm16
from ..audio.sphinx_phones import WRONG_TEXT_FIT
from ..audio.tongues import pronouncer
from .build_phones_voices import PAUSE, Utterance

logger = logging.getLogger(__name__)

SOUNDS = Path("/usr/share/asterisk/sounds")
TEXTS = "/usr/share/doc/asterisk-core-sounds-{0}/core-sounds-{0}.txt.gz"
FOLDERS = {"en": "en_US_f_Allison", "es": "es_MX_f_Allison", "fr": "fr_CA_f_June", "it": "it_IT_m_Carlo", "ru": "ru_RU_f_IvrvoiceRU"}
TEACHING, EXAMINING = ("en", "es"), ("fr", "it", "ru")
EVERY = {"en": 1, "es": 8}
"""Every so many prompts of a language are timed; EXAMINED_EVERY where this says nothing."""
EXAMINED_EVERY = 16

_ALIKE = {"x": "HH", "ɣ": "G", "ts": "S", "r": "D"}
"""What stands for a sound while it is timed, where its label in the mouth is not the nearest in the ear."""
_SHORTEST_S, _LONGEST_S = 0.6, 20.0


def recorded(language: str, work: Path) -> Iterator[Utterance]:
    """The prompts of a language with their sounds in time; the times are kept in WORK/recorded."""
    kept = work / "recorded" / f"{language}.json"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(dict(_timed(language)), ensure_ascii=False))
    for name, spans in json.loads(kept.read_text()).items():
        yield Utterance(_samples(language, name), [tuple(span) for span in spans], f"prompts_{language}", language)


def _timed(language: str) -> Iterator[tuple[str, list[tuple[str, float, float]]]]:
    lines = gzip.open(TEXTS.format(language), "rt", encoding="utf-8-sig").read().splitlines()
    pairs = [line.split(":", 1) for line in lines if ":" in line and not line.startswith(";")]
    pairs = pairs[:: EVERY.get(language, EXAMINED_EVERY)]
    timer, found = Timer(language), 0
    for name, text in pairs:
        path = _path(language, name)
        if not path.is_file() or any(sign in text for sign in "[]()<>{}"):
            continue
        samples = _samples(language, name)
        if not _SHORTEST_S <= len(samples) / SAMPLE_RATE_HZ <= _LONGEST_S:
            continue
        if spans := timer.spans(samples, text):
            found += 1
            yield name, spans
    logger.info("%s: %d of %d prompts timed", language, found, len(pairs))


def _path(language: str, name: str) -> Path:
    return SOUNDS / FOLDERS[language] / f"{name.strip()}.g722"


def _samples(language: str, name: str) -> np.ndarray:
    command = ["ffmpeg", "-v", "error", "-f", "g722", "-i", str(_path(language, name)), "-f", "s16le", "-"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, "<i2").astype(np.float32) / 32768


class Timer:
    """Where the sounds of a text are, by pocketsphinx: in English with its dictionary's sounds, else with espeak-ng's."""

    def __init__(self, language: str) -> None:
        self._aligner, self._english = TextAligner(), language == "en"
        self._sounds_of = pronouncer(language)

    def spans(self, samples: np.ndarray, text: str) -> list[tuple[str, float, float]]:
        """[class or ARPAbet label or PAUSE, start_s, end_s]; empty when the text does not fit."""
        words = spoken_words(text)
        sounds = [[]] * len(words) if self._english else [list(self._sounds_of(word)) for word in words]
        names = words if self._english else [self._added(word) for word in sounds]
        if not words or not all(map(self._aligner.pronounceable, names)):
            return []
        decoded = self._aligner.align(pcm16(samples), names)
        if decoded is None or decoded.fit < WRONG_TEXT_FIT:
            return []
        classes = iter([name for word in sounds for name in word])
        phones = [Phone(f"{number} {p.label if self._english or p.label == SILENCE else next(classes)}", p.start_s, p.end_s)
                  for number, p in enumerate(decoded.phones)]  # fmt: skip
        phones = [Phone(SILENCE, p.start_s, p.end_s) if p.label.endswith(SILENCE) else p for p in phones]
        cover = tidy(phones, energy_db(samples), len(samples) / SAMPLE_RATE_HZ)
        return [(PAUSE if p.label == SILENCE else p.label.split(" ")[1], p.start_s, p.end_s) for p in cover]

    def _added(self, sounds: list[str]) -> str:
        """The name of a made-up word with these sounds."""
        name = "x" + "".join(f"{ord(sign):04x}" for sound in sounds for sign in sound + " ")
        labels = [_ALIKE.get(sound, ARPABET_OF[sound]) for sound in sounds]
        self._aligner.add(name, labels)
        return name
