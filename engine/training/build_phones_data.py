"""Timed utterances as frames for the phone network: mel spectra every 10 ms, and which sound each frame is."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from ..audio.breaths import mark_breaths
from ..audio.decode import SAMPLE_RATE_HZ
from ..audio.mel import mel_power
from ..audio.phone_stream import HOP
from ..audio.sounds import ARPABET_OF, CLASS_INDEX, CLASSES, LOOKS_OF_LABEL, SILENT, VISEME_GROUPS
from ..audio.speech import HOP_S, Phone, Speech
from .build_lips_data import analysed, clips_of
from .build_phones_voices import PAUSE, Utterance

logger = logging.getLogger(__name__)

UNKNOWN = 255
"""Label of frames nobody is sure of: nothing is learned from them."""

FIRST_GROUP = 100
"""Labels from here on are ARPAbet labels (GROUPS): any class that a pocketsphinx label covers is right."""

GROUPS: tuple[str, ...] = tuple(dict.fromkeys(ARPABET_OF.values()))
GROUP_OF_CLASS = np.array([GROUPS.index(ARPABET_OF[name]) for name in CLASSES])

PACES = (0.86, 0.93, 1.08, 1.17, 1.3)
QUIET_BELOW_LOUD_DB = 38.0
EDGE_FRAMES = 6
"""A sound may last this much longer than its maker says, into a pause that is not yet quiet."""


def viseme_of_label(label: str) -> int:
    """The viseme group of an ARPAbet label; everything that is not speech is len(VISEME_GROUPS)."""
    return LOOKS_OF_LABEL.get(label, len(VISEME_GROUPS))


VISEME_OF_CLASS = np.array([viseme_of_label(ARPABET_OF[name]) for name in CLASSES])
VISEME_OF_GROUP = np.array([viseme_of_label(label) for label in GROUPS])


@dataclass
class Frames:
    """Utterances of one talker end to end: (N, 40) mel power in dB as float16, (N,) labels, where each utterance begins."""

    talker: str
    decibels: np.ndarray
    labels: np.ndarray
    starts: np.ndarray


def frames_of(talker: str, utterances: Iterable[Utterance], paced: bool, seed: int = 0) -> Frames:
    """Every utterance as it is and, if `paced`, once more faster or slower (which also makes another voice of it)."""
    rng = np.random.default_rng(seed)
    decibels, labels = [], []
    for utterance in utterances:
        for version in _versions(utterance, paced, rng):
            power = mel_power(version.samples, HOP)
            decibels.append((10.0 * np.log10(power + 1e-10)).astype(np.float16))
            labels.append(frame_labels(version, power))
    starts = np.cumsum([0, *map(len, labels)])[:-1]
    logger.info("%s: %d utterances, %.1f min", talker, len(labels), sum(map(len, labels)) * HOP_S / 60)
    return Frames(talker, np.concatenate(decibels), np.concatenate(labels), starts)


def _versions(utterance: Utterance, paced: bool, rng: np.random.Generator) -> Iterator[Utterance]:
    yield utterance
    if paced:
        pace = float(rng.choice(PACES))
        spans = [(name, start_s / pace, end_s / pace) for name, start_s, end_s in utterance.spans]
        samples = soxr.resample(utterance.samples, SAMPLE_RATE_HZ * pace, SAMPLE_RATE_HZ)
        yield Utterance(samples, spans, utterance.talker, utterance.language)


def frame_labels(utterance: Utterance, power: np.ndarray) -> np.ndarray:
    """(T,) uint8 labels of the frames of (T, 40) power; a pause is silence only where it is quiet."""
    labels = np.full(len(power), SILENT, np.uint8)
    for name, start_s, end_s in utterance.spans:
        span = slice(max(round(start_s / HOP_S), 0), max(round(end_s / HOP_S), 0))
        labels[span] = _code(name)
    level_db = 10.0 * np.log10(power.sum(axis=1) + 1e-10)
    loud = level_db > np.percentile(level_db, 95) - QUIET_BELOW_LOUD_DB
    for start, end in _runs((labels == SILENT) & loud):
        before = labels[start - 1] if start else UNKNOWN
        after = labels[end] if end < len(labels) else UNKNOWN
        labels[start:end] = UNKNOWN
        labels[start : min(start + EDGE_FRAMES, end)] = before if before != SILENT else UNKNOWN
        if end - start <= 2 * EDGE_FRAMES:
            labels[(start + end) // 2 : end] = after if after != SILENT else UNKNOWN
    return labels


def _code(name: str) -> int:
    if name == PAUSE:
        return SILENT
    if name in CLASS_INDEX:
        return CLASS_INDEX[name]
    return FIRST_GROUP + GROUPS.index(name) if name in GROUPS else UNKNOWN


def _runs(mask: np.ndarray) -> np.ndarray:
    """(K, 2) first and last + 1 of the runs of True."""
    return np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))).reshape(-1, 2)


def real_utterances(data: Path, work: Path, corpus: str) -> Iterator[Utterance]:
    """Recordings of people whose words are known (GRID), aligned by pocketsphinx; kept in `work` between runs."""
    folder = work / "real"
    folder.mkdir(parents=True, exist_ok=True)
    for clip in clips_of(data, corpus):
        if clip.text is None:
            continue
        path = folder / f"{corpus}-{clip.name}-text.json"
        if not path.is_file():
            analysed(clip.samples, clip.text).save(path)
        speech = Speech.load(path)
        if "alignment" in speech.aligner:
            yield Utterance(clip.samples, _spans(speech, clip.samples), corpus, "en-gb")


def _spans(speech: Speech, samples: np.ndarray) -> list[tuple[str, float, float]]:
    phones = mark_breaths(speech.phones, speech.energy_db, speech.f0_hz, mel_power(samples))
    return [(_name(phone), phone.start_s, phone.end_s) for phone in phones]


def _name(phone: Phone) -> str:
    return {"SIL": PAUSE, "BREATH": "breath"}.get(phone.label, phone.label)
