"""Have the talkers speak the training material, and keep it: WORK/spoken/<talker>-<number>.npz, a few dozen lines each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from .build_phones_voices import (
    ESPEAK_LANGUAGES, ESPEAK_VARIANTS, HELD_OUT_KOKORO, Espeak, HibariTalker, Joe, Kokoro, Lines, Utterance, KOKORO_LANGUAGE, flite)

logger = logging.getLogger(__name__)

LINES_PER_FILE = 25
MINUTES = {"kokoro": 26.0, "hibari": 30.0, "flite": 25.0, "espeak": 45.0, "joe": 12.0, "held": 3.0}
"""Speech of each talker. Kokoro's is worth most and costs most (slower than real time on one core)."""

LATE_S = {"kokoro": 0.06, "hibari": 0.06, "joe": 0.025, "flite": 0.008}
"""By how much a talker's own times lag behind its sound, measured against pocketsphinx: shift of best agreement, 10 ms steps."""

LAUGHING_SHARE, HUMMING_SHARE = 0.06, 0.03
_FLITE_VOICES = ("kal16", "awb", "rms", "slt")


def speak_all(work: Path, texts: list[str], kokoro_voices: Path, talkers: tuple[str, ...], seed: int) -> None:
    """Fill WORK/spoken up to MINUTES of every talker; what is there already stays."""
    for number, talker in enumerate(talkers):
        rng = np.random.default_rng([seed, number, len(talker)])
        _keep(work / "spoken", talker, _SPEAKERS[talker](rng, Lines(rng, texts), kokoro_voices))


def _keep(folder: Path, talker: str, utterances: Iterator[Utterance]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    spoken_s, began_s, batch, number = 0.0, time.monotonic(), [], 0
    for utterance in utterances:
        if not 0.5 < len(utterance.samples) / 16000 < 25.0:
            continue
        batch.append(utterance)
        spoken_s += len(utterance.samples) / 16000
        if len(batch) == LINES_PER_FILE or spoken_s >= 60 * MINUTES[talker]:
            _write(folder / f"{talker}-{number:03d}.npz", batch)
            logger.info("%s: %.1f min spoken in %.1f min", talker, spoken_s / 60, (time.monotonic() - began_s) / 60)
            batch, number = [], number + 1
        if spoken_s >= 60 * MINUTES[talker]:
            return


def _write(path: Path, batch: list[Utterance]) -> None:
    spans = [span for utterance in batch for span in utterance.spans]
    temporary = path.with_suffix(".part.npz")
    np.savez(
        temporary,
        samples=np.concatenate([np.clip(u.samples * 32767, -32768, 32767).astype(np.int16) for u in batch]),
        lengths=np.array([len(u.samples) for u in batch]),
        span_counts=np.array([len(u.spans) for u in batch]),
        names=np.array([name for name, _, _ in spans]),
        times=np.array([times for _, *times in spans], np.float32),
        talkers=np.array([u.talker for u in batch]),
        languages=np.array([u.language for u in batch]),
    )
    temporary.replace(path)


def spoken(work: Path, pattern: str) -> Iterator[Utterance]:
    """The kept utterances of WORK/spoken/<pattern>.npz, in order."""
    for path in sorted((work / "spoken").glob(f"{pattern}.npz")):
        if path.name.endswith(".part.npz"):
            continue
        with np.load(path) as kept:
            samples, names, times = kept["samples"], kept["names"], kept["times"]
            ends, marks = np.cumsum(kept["lengths"]), np.cumsum(kept["span_counts"])
            rows = zip(ends - kept["lengths"], ends, marks - kept["span_counts"], marks, kept["talkers"], kept["languages"])
        for start, end, first, last, talker, language in rows:
            late_s = LATE_S.get(str(talker).split("-")[0], 0.0)
            spans = [(str(n), float(a) - late_s, float(b) - late_s) for n, (a, b) in zip(names[first:last], times[first:last])]
            yield Utterance(samples[start:end].astype(np.float32) / 32767, spans, str(talker), str(language))


def _laughed(signs: str, rng: np.random.Generator) -> str:
    """A burst of laughter in misaki's alphabet: h and one vowel, over and over."""
    vowel = rng.choice(list(signs))
    return "".join(f"h{'ˈ' if n == 0 else ''}{vowel}" for n in range(int(rng.integers(4, 9)))) + rng.choice(["!", "."])


def _as_laughter(utterance: Utterance) -> Utterance:
    utterance.spans = [(name and "laugh", start_s, end_s) for name, start_s, end_s in utterance.spans]
    return utterance


def _hummed(rng: np.random.Generator) -> str:
    return str(rng.choice(["hmː.", "mːm.", "mhˈmː.", "ˈʌm,", "ˈʌːm.", "ˈɜː,", "hˈʌm mˈm."]))


def _kokoro(rng: np.random.Generator, lines: Lines, folder: Path) -> Iterator[Utterance]:
    talker = Kokoro(folder)
    voices = [voice for voice in talker.voices if voice not in HELD_OUT_KOKORO]
    while True:
        for voice in rng.permutation(voices):
            speed, kind = float(rng.uniform(0.75, 1.3)), rng.random()
            if kind < LAUGHING_SHARE:
                yield _as_laughter(talker.speak_signs(voice, _laughed("ɑəʌaæei", rng), float(rng.uniform(1.0, 1.6))))
            elif kind < LAUGHING_SHARE + HUMMING_SHARE:
                yield talker.speak_signs(voice, _hummed(rng), speed)
            else:
                yield talker.speak(voice, lines.line(KOKORO_LANGUAGE[voice[0]]), speed)


def _held(rng: np.random.Generator, lines: Lines, folder: Path) -> Iterator[Utterance]:
    """Voices that only examine."""
    talker = Kokoro(folder)
    while True:
        for voice in HELD_OUT_KOKORO:
            yield talker.speak(voice, lines.line(KOKORO_LANGUAGE[voice[0]]), 1.0)


def _hibari(rng: np.random.Generator, lines: Lines, _folder: Path) -> Iterator[Utterance]:
    talker = HibariTalker()
    while True:
        speed = float(rng.uniform(0.7, 1.35))
        if rng.random() < LAUGHING_SHARE:
            yield _as_laughter(talker.speak_signs(_laughed("ɑəʌaæ", rng), 1.3 * speed, int(rng.integers(1 << 30))))
        else:
            yield from talker.speak(lines.line("en-us"), speed, int(rng.integers(1 << 30)))


def _flite(rng: np.random.Generator, lines: Lines, _folder: Path) -> Iterator[Utterance]:
    while True:
        yield flite(str(rng.choice(_FLITE_VOICES)), lines.line("en-us"), float(rng.uniform(0.8, 1.3)))


def _espeak(rng: np.random.Generator, lines: Lines, _folder: Path) -> Iterator[Utterance]:
    talker = Espeak()
    while True:
        for language in rng.permutation(ESPEAK_LANGUAGES):
            variant, pace, pitch = str(rng.choice(ESPEAK_VARIANTS)), int(rng.integers(110, 220)), int(rng.integers(15, 85))
            yield talker.speak(str(language), variant, lines.line(str(language)), pace, pitch)


def _joe(rng: np.random.Generator, lines: Lines, _folder: Path) -> Iterator[Utterance]:
    talker = Joe()
    while True:
        yield talker.speak(lines.line("en-us"), float(rng.uniform(0.8, 1.3)))


_SPEAKERS: dict[str, Callable[[np.random.Generator, Lines, Path], Iterator[Utterance]]] = {
    "kokoro": _kokoro, "hibari": _hibari, "flite": _flite, "espeak": _espeak, "joe": _joe, "held": _held,
}  # fmt: skip
