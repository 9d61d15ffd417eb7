"""People saying single words and one sentence in German and Korean, from Debian's packages: apt install klettres-data
tuxpaint-stamps-default. Timed by pocketsphinx along espeak-ng's sounds; they only examine.

KLettres (GPL-2+) has German words, Tux Paint's stamps (GPL-2) the digits in many languages; who speaks neither tells. Thorsten
Mueller's one sentence in eight moods (CC0) lies in VOICES.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..audio.decode import read_audio
from .build_phones_recorded import Timer
from .build_phones_voices import Utterance
from .measure_phones_cases import Case, case_of

SHARED = Path("/usr/share")
SENTENCE = "Mist, wieder nichts geschafft."
"""What each of de_thorsten_emotional_* says."""

WORDS = (
    "affe:Affe auch bus:Bus dem die dir ein eule:Eule fisch:Fisch frau:Frau fusz:Fuß gut haus:Haus heu:Heu hund:Hund ist ja kind:Kind "
    "lisa:Lisa nase:Nase opa:Opa pute:Pute reh:Reh rot sein sitz:Sitz vor was will wo zu baer:Bär oel:Öl tuer:Tür"
).split()
"""Files of KLettres' German words and what they say, where the name is not it."""
DIGITS = {"de": "null eins zwei drei vier fünf sechs sieben acht neun", "ko": "공 하나 둘 셋 넷 다섯 여섯 일곱 여덟 아홉"}
"""What Tux Paint's stamps of the digits say, as the text beside them has it."""


def single_words(voices: Path) -> Iterator[Case]:
    """German and Korean, as far as the packages are there and the words can be timed."""
    for language in DIGITS:
        timer = Timer(language)
        for path, text in _labelled(language, voices):
            samples = read_audio(path)
            if spans := timer.spans(samples, text):
                yield case_of(Utterance(samples, spans, path.stem, language), "words" if " " not in text else "one sentence")


def _labelled(language: str, voices: Path) -> Iterator[tuple[Path, str]]:
    """Recordings that are there, and what they say."""
    stamps, names = SHARED / "tuxpaint/stamps/symbols/math", SHARED / f"klettres/{language}/syllab"
    pairs = [(stamps / f"{number}_{language}.ogg", word) for number, word in enumerate(DIGITS[language].split())]
    if language == "de":
        pairs += [(names / f"{word.split(':')[0]}.ogg", word.split(":")[-1]) for word in WORDS]
        pairs += [(path, SENTENCE) for path in sorted(voices.glob("de_thorsten_emotional_*"))]
    return ((path, text) for path, text in pairs if path.is_file())
