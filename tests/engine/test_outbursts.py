"""Coughs and hums are told from words, oh's and knocks; lips hum shut, and a cough is no speech."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from soliloquy.engine.audio.decode import SAMPLE_RATE_HZ, read_audio
from soliloquy.engine.audio.events import beside_words, find_events, with_sounds_of
from soliloquy.engine.audio.features import energy_db, f0_hz
from soliloquy.engine.audio.mel import mel_power
from soliloquy.engine.audio.outbursts import Outburst, coughs, hums, periodicity, sounds_of
from soliloquy.engine.audio.phone_stream import hear_recording
from soliloquy.engine.audio.say import say
from soliloquy.engine.audio.speech import SILENCE, Phone, Word


def bursts(apart_s: float, fall_s: float, resonances_hz: tuple[float, ...], count: int = 3) -> np.ndarray:
    """Bursts of noise through a throat's resonances, between two half seconds of near silence."""
    rng = np.random.default_rng(0)
    samples = 1e-4 * rng.standard_normal(round((1.2 + apart_s * count) * SAMPLE_RATE_HZ))
    clock = np.arange(round(0.17 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    for number in range(count):
        burst = rng.standard_normal(len(clock)) * np.minimum(clock / 0.006, 1.0) * np.exp(-clock / fall_s)
        for frequency_hz in resonances_hz:
            radius = np.exp(-np.pi * 300.0 / SAMPLE_RATE_HZ)
            burst = lfilter([1.0], [1.0, -2.0 * radius * np.cos(2.0 * np.pi * frequency_hz / SAMPLE_RATE_HZ), radius**2], burst)
        start = round((0.5 + apart_s * number) * SAMPLE_RATE_HZ)
        samples[start : start + len(burst)] += 0.4 * burst / np.abs(burst).max()
    return samples.astype(np.float32)


def heard(samples: np.ndarray) -> tuple[list[Outburst], list[Outburst]]:
    """Coughs and hums of a recording."""
    levels_db, power = energy_db(samples), mel_power(samples)
    posteriors, sounds = hear_recording(samples, power), sounds_of(levels_db)
    return (coughs(sounds, levels_db, samples, posteriors),
            hums(sounds, levels_db, f0_hz(samples, levels_db), power, posteriors))


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Text -> what hibari makes of it."""
    folder = tmp_path_factory.mktemp("said")

    def read(text: str) -> np.ndarray:
        say(text, folder / "said.wav", speed=0.8)
        return read_audio(folder / "said.wav")

    return read


def test_a_fit_of_coughing_is_found_from_its_first_burst_to_its_last():
    (cough,), _ = heard(bursts(0.24, 0.06, (750.0, 1600.0, 2900.0)))
    assert cough.start_s == pytest.approx(0.5, abs=0.03) and cough.end_s == pytest.approx(0.5 + 2 * 0.24 + 0.17, abs=0.08)


@pytest.mark.parametrize(
    "samples",
    [bursts(0.24, 0.06, (750.0, 1600.0, 2900.0), count=1), bursts(0.24, 0.01, (180.0,)), bursts(0.5, 0.06, (750.0, 1600.0, 2900.0))],
    ids=["one burst", "knocks", "far apart"],
)
def test_other_bursts_are_no_cough(samples):
    assert heard(samples)[0] == []


@pytest.mark.parametrize("text", ["Hmm.", "Mm-hmm."])
def test_a_hum_is_heard(spoken, text):
    found, (hum,) = heard(spoken(text))
    assert not found and 0.3 < hum.end_s - hum.start_s < 0.7


@pytest.mark.parametrize("text", ["Oh!", "No.", "Room.", "Stop it, you fool! What are you doing there?"])
def test_words_are_neither(spoken, text):
    assert heard(spoken(text)) == ([], [])


def test_periodicity_is_high_for_a_voice_and_low_for_air():
    clock = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    voice, air = np.sin(2 * np.pi * 120.0 * clock) + np.sin(2 * np.pi * 360.0 * clock), np.random.default_rng(0).standard_normal(len(clock))
    assert periodicity(voice, 10, 90).min() > 0.95 and periodicity(air, 10, 90).max() < 0.6
    assert np.allclose(periodicity(voice, 0, 100)[40:50], periodicity(voice, 40, 50))


def test_what_was_taken_for_speech_there_is_relabelled():
    phones = [Phone(SILENCE, 0.0, 1.0), Phone("T", 1.0, 1.4), Phone(SILENCE, 1.4, 2.0), Phone("UW", 2.0, 2.3), Phone("LAUGH", 2.3, 2.6),
              Phone(SILENCE, 2.6, 3.0)]  # fmt: skip
    coughed, hummed = [Outburst(1.0, 1.4)], [Outburst(2.0, 2.6)]
    tracks = np.full(301, -60.0, np.float32), np.zeros(301, np.float32), np.full((151, 40), 1e-6, np.float32)
    events = find_events(phones, [], *tracks, coughed, hummed)
    assert [(event.label, event.start_s, event.end_s) for event in events] == [("COUGH", 1.0, 1.4), ("HUM", 2.0, 2.6)]
    assert [phone.label for phone in with_sounds_of(phones, [], events, hummed)] == [SILENCE, "NOISE", SILENCE, "M", "M", SILENCE]


def test_a_word_of_the_text_is_that_word():
    assert beside_words([Outburst(1.0, 1.4), Outburst(2.0, 2.6)], [Word("two", 0.9, 1.3)]) == [Outburst(2.0, 2.6)]
