"""Laughter is a row of short notes that are alike: heard without a breath beside it, not where syllables only keep time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from soliloquy.engine.audio.analyse import analyse_speech
from soliloquy.engine.audio.decode import SAMPLE_RATE_HZ
from soliloquy.engine.audio.events import laughs, with_sounds_of
from soliloquy.engine.audio.features import energy_db, f0_hz
from soliloquy.engine.audio.mel import mel_power
from soliloquy.engine.audio.say import say
from soliloquy.engine.audio.speech import Event, Phone, Word

PERIOD_S, NOTE_S = 0.21, 0.07
"""From note to note as Bachorowski, Smoski and Owren (2001) measured it; a third of it sounds."""
A, U, S = (800.0, 1250.0), (320.0, 800.0), ()
"""First two formants, in Hz; none is a hiss."""


def notes(vowels: list[tuple[float, ...]], note_s: float = NOTE_S, period_s: float = PERIOD_S) -> np.ndarray:
    """A row of notes, one of each of the `vowels`, with half a second of near silence on both sides."""
    samples = 1e-4 * np.random.default_rng(0).standard_normal(round((1.0 + period_s * len(vowels)) * SAMPLE_RATE_HZ))
    for number, formants in enumerate(vowels):
        pulses = np.zeros(round(note_s * SAMPLE_RATE_HZ))
        pulses[:: SAMPLE_RATE_HZ // 180] = 1.0
        if not formants:
            pulses = np.diff(np.random.default_rng(number).standard_normal(len(pulses) + 1))
        for formant_hz in formants:
            radius = np.exp(-np.pi * 90.0 / SAMPLE_RATE_HZ)
            turn = 2.0 * np.pi * formant_hz / SAMPLE_RATE_HZ
            pulses = lfilter([1.0], [1.0, -2.0 * radius * np.cos(turn), radius**2], pulses)
        start = round((0.5 + number * period_s) * SAMPLE_RATE_HZ)
        samples[start : start + len(pulses)] += 0.3 * pulses / np.abs(pulses).max() * np.hanning(len(pulses))
    return samples.astype(np.float32)


def heard(samples: np.ndarray) -> list:
    levels_db = energy_db(samples)
    phones = [Phone("AH", 0.0, len(samples) / SAMPLE_RATE_HZ)]
    return laughs(phones, levels_db, f0_hz(samples, levels_db), mel_power(samples), float(np.percentile(levels_db, 95)))


def test_many_notes_alike_are_laughter_without_a_breath():
    (laugh,) = heard(notes([A] * 8))
    assert laugh.start_s == pytest.approx(0.5, abs=0.1)
    assert laugh.end_s == pytest.approx(0.5 + 7 * PERIOD_S + NOTE_S, abs=0.15)


@pytest.mark.parametrize(
    "samples",
    [notes([A] * 4), notes([A, S, U, S, A, U, S, A]), notes([A] * 8, note_s=0.17), notes([A] * 8, period_s=0.45)],
    ids=["too few", "syllables that differ", "long syllables", "slow"],
)
def test_what_only_keeps_time_is_not(samples):
    assert not heard(samples)


def test_the_hisses_of_a_text_that_is_known_are_its_words_and_no_laughter(tmp_path):
    said = "She chose fresh cheese and a large dish of sugar from the church shop, which George and Jane should share."
    say(said, tmp_path / "hisses.wav")
    speech = analyse_speech(tmp_path / "hisses.wav", said)
    assert "LAUGH" not in {phone.label for phone in speech.phones} | {event.label for event in speech.events}
    assert {"SH", "CH", "JH"} <= {phone.label for phone in speech.phones}


def test_words_that_are_laughed_stay_words():
    phones = [Phone("SIL", 0.0, 1.0), Phone("HH", 1.0, 1.1), Phone("AY", 1.1, 1.3), Phone("AH", 1.3, 2.5)]
    laughed = with_sounds_of(phones, [Word("hi", 1.0, 1.3)], [Event("LAUGH", 1.0, 2.5)], [])
    assert [phone.label for phone in laughed] == ["SIL", "HH", "AY", "LAUGH"]
