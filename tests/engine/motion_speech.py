"""Speeches for the motion tests: hand-written phones, and a minute of made-up talk with pauses, stress and pitch."""

from __future__ import annotations

import numpy as np

from soliloquy.engine.audio.speech import SILENCE, Phone, Speech

SYLLABLES = (
    "P AA",
    "B IY",
    "M AO",
    "F AE",
    "S EH",
    "T AH",
    "K OW",
    "SH UW",
    "N IH",
    "W ER",
    "L AY",
    "D EY",
    "G AW",
    "R AA",
    "V IH",
)


def speech_of(phones: list[tuple[str, float]], level_db: float = -20.0) -> Speech:
    """A Speech of (label, seconds) pairs, loud in sounds and quiet in silences."""
    spans, time_s = [], 0.0
    for label, length_s in phones:
        spans.append(Phone(label, round(time_s, 4), round(time_s + length_s, 4)))
        time_s += length_s
    clock = np.arange(int(time_s * 100) + 1) / 100
    silent = np.zeros(len(clock), bool)
    for phone in spans:
        if phone.label == SILENCE:
            silent |= (clock >= phone.start_s) & (clock < phone.end_s)
    levels = np.where(silent, -80.0, level_db + 4.0 * np.sin(clock * 7.0)).astype(np.float32)
    pitch = np.where(silent, 0.0, 120.0 * 2 ** (0.25 * np.sin(clock * 4.1) + 0.1 * np.sin(clock * 1.3))).astype(np.float32)
    return Speech(round(time_s, 4), spans, [], levels, pitch, source="made up", source_sha256="0" * 64)


def minute_of_talk(seconds: float = 60.0, seed: int = 0) -> Speech:
    """Phrases of syllables with pauses of 0.2 - 1 s between them."""
    rng = np.random.default_rng(seed)
    phones, total = [(SILENCE, 0.4)], 0.4
    while total < seconds - 1.0:
        for _ in range(rng.integers(5, 16)):
            consonant, vowel = SYLLABLES[rng.integers(len(SYLLABLES))].split()
            phones += [(consonant, float(rng.uniform(0.05, 0.11))), (vowel, float(rng.uniform(0.06, 0.2)))]
        phones.append((SILENCE, float(rng.choice([0.2, 0.4, 0.9]))))
        total = sum(length for _, length in phones)
    return speech_of(phones)
