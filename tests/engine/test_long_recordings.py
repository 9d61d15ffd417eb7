"""An hour in the memory of five minutes: long tracks lie in files, and are understood piece by piece as they would be whole."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from soliloquy.engine.audio.analyse import analyse_speech
from soliloquy.engine.audio.breaths import mark_breaths
from soliloquy.engine.audio.closures import with_heard_closures
from soliloquy.engine.audio.decode import SAMPLE_RATE_HZ, open_audio, read_audio
from soliloquy.engine.audio.ear import LAYERS, WEIGHTS, WEIGHTS_SHA256, hear_spectra
from soliloquy.engine.audio.features import energy_db, f0_hz
from soliloquy.engine.audio.heard import heard_phones
from soliloquy.engine.audio.mel import decibels, ground_of, mel_blocks, mel_power, normalised
from soliloquy.engine.audio.phone_stream import OTHER_PACES, Leveller, PhoneStream, hear_recording, recording_blocks
from soliloquy.engine.audio.rows import BLOCK_ROWS, Rows
from soliloquy.engine.audio.say import say
from soliloquy.engine.audio.sounds import CLASSES
from soliloquy.engine.audio.weights import run_stack, shipped_weights
from soliloquy.engine.errors import AudioError, Cancelled, OutputError

TEXT = "Peter bought a big blue boat. My mother paid for it. Five of them live by the sea."
LONG_S = 2.2 * BLOCK_ROWS / 50.0
"""Longer than two of the blocks in which spectra are looked at; half of it is longer than two of those of posteriors."""
HELD_MIB_A_MINUTE = 1.0
"""Of a recording may be held, a minute: loudness, pitch and lips take .07, phones .2; its samples alone would take 3.7."""
BLOCKS_FULL_MINUTES, LONGER_MINUTES = 3.0, 8.0
"""From the first on every block of the analysis is a whole one."""


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    path = tmp_path_factory.mktemp("speech") / "line.wav"
    say(TEXT, path)
    return read_audio(path)


@pytest.fixture(scope="module")
def long_samples(line):
    """The line again and again, louder and softer."""
    count = round(LONG_S * SAMPLE_RATE_HZ)
    return np.resize(line, count) * np.linspace(0.4, 1.0, count, dtype=np.float32)


@pytest.fixture(scope="module")
def power(long_samples):
    return mel_power(long_samples)


def stored(array: np.ndarray) -> Rows:
    return Rows.of(np.array_split(array, 7), array.dtype, *array.shape[1:])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=6), st.slices(20), st.sampled_from([(), (3,), (2, 2)]))
def test_rows_are_read_as_they_were_appended(counts, span, shape):
    blocks = [np.random.default_rng(n).normal(size=(count, *shape)).astype(np.float32) for n, count in enumerate(counts)]
    whole = np.concatenate([np.zeros((0, *shape), np.float32), *blocks])
    with Rows.of(blocks, np.float32, *shape) as rows:
        assert len(rows) == len(whole)
        if span.step in (None, 1):
            assert np.array_equal(rows[span], whole[span])


def test_rows_that_cannot_be_written_are_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(OutputError, match="gone") as raised:
        Rows(np.float32)
    assert "\n" not in str(raised.value)


def test_a_recording_in_a_file_is_the_recording(tmp_path, line):
    soundfile.write(tmp_path / "line.wav", line, SAMPLE_RATE_HZ)
    with open_audio(tmp_path / "line.wav") as samples:
        assert np.array_equal(samples[:], read_audio(tmp_path / "line.wav"))
        assert np.array_equal(samples[5:9], samples[:][5:9])


def test_what_cannot_be_used_or_is_not_wanted_any_more_leaves_no_file(tmp_path, line):
    closed, close = [], Rows.close
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rows, "close", lambda rows: (closed.append(rows), close(rows)))
        soundfile.write(tmp_path / "silence.wav", 0 * line, SAMPLE_RATE_HZ)
        with pytest.raises(AudioError):
            open_audio(tmp_path / "silence.wav")
        assert len(closed) == 1

        def stop(stage, done, total):
            if stage == "phones":
                raise Cancelled

        soundfile.write(tmp_path / "line.wav", line, SAMPLE_RATE_HZ)
        with pytest.raises(Cancelled):
            analyse_speech(tmp_path / "line.wav", progress=stop)
    assert len(set(map(id, closed))) == 4, "of silence, and samples, spectra and posteriors of the line"


def test_spectra_and_what_is_read_off_them_do_not_depend_on_the_pieces(long_samples, power):
    spectra = np.concatenate([*mel_blocks(stored(long_samples))])
    assert np.array_equal(spectra, power)
    level = power.sum(axis=1)
    loud = level >= (np.percentile(level, 95) + 1e-10) * 1e-3
    whole, found = ground_of(power), ground_of(stored(power))
    assert found.floor_db == whole.floor_db and np.array_equal(found.mean_db, whole.mean_db)
    assert np.allclose(found.mean_db, decibels(power[loud], found.floor_db).mean(axis=0, dtype=np.float64), atol=1e-5)


def test_loudness_pitch_and_breaths_do_not_depend_on_the_pieces(long_samples, power):
    levels_db, pitch_hz = energy_db(long_samples), f0_hz(long_samples, energy_db(long_samples))
    kept = stored(long_samples)
    assert np.array_equal(energy_db(kept), levels_db) and np.array_equal(f0_hz(kept, levels_db), pitch_hz)
    phones = heard_phones(np.tile(np.eye(1, len(CLASSES), dtype=np.float16), (len(levels_db), 1)), levels_db, LONG_S)
    assert mark_breaths(phones, levels_db, pitch_hz, stored(power)) == mark_breaths(phones, levels_db, pitch_hz, power)


def test_the_ear_hears_in_pieces_what_it_hears_at_once(power):
    at_once = np.tanh(_at_once(normalised(power)))
    assert np.abs(hear_spectra(stored(power)) - at_once).max() < 1e-5


def _at_once(x: np.ndarray) -> np.ndarray:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("soliloquy.engine.audio.weights.BLOCK_FRAMES", len(x))
        return run_stack(x, shipped_weights(WEIGHTS, WEIGHTS_SHA256), "ear", LAYERS)


def test_sounds_heard_in_pieces_at_three_paces_are_those_of_the_whole(long_samples, power):
    long_samples = long_samples[: 66 * SAMPLE_RATE_HZ]

    def heard_at(pace: float) -> np.ndarray:
        paced = soxr.resample(long_samples, SAMPLE_RATE_HZ * pace, SAMPLE_RATE_HZ) if pace != 1.0 else long_samples
        stream = PhoneStream(Leveller().primed(power))
        return np.concatenate([stream.push(paced), stream.finish()])

    own = heard_at(1.0)
    there = {pace: np.rint(np.arange(len(own)) / pace).astype(int) for pace in OTHER_PACES}
    others = {pace: heard_at(pace) for pace in OTHER_PACES}
    expected = (own + sum(others[pace][np.minimum(places, len(others[pace]) - 1)] for pace, places in there.items())) / 3
    found = np.concatenate([*recording_blocks(stored(long_samples), stored(power))])
    assert found.shape == expected.shape and np.abs(found - expected).max() < 0.02
    assert np.abs(found - expected).mean() < 1e-4


def test_phones_and_closures_of_posteriors_in_a_file(line):
    posteriors, levels_db = hear_recording(line, mel_power(line)), energy_db(line)
    duration_s = len(line) / SAMPLE_RATE_HZ
    phones = heard_phones(posteriors, levels_db, duration_s)
    assert heard_phones(stored(posteriors), levels_db, duration_s) == phones
    open_mouthed = [replace(phone, label="AH") if phone.label in ("P", "B", "M") else phone for phone in phones]
    put_in = with_heard_closures(open_mouthed, stored(posteriors))
    assert put_in == with_heard_closures(open_mouthed, posteriors) != open_mouthed


@pytest.mark.slow
def test_a_long_recording_takes_no_more_memory_than_a_short_one(tmp_path, line):
    def peak_mib(minutes: float) -> float:
        path = tmp_path / "long.wav"
        soundfile.write(path, np.resize(line, round(minutes * 60 * SAMPLE_RATE_HZ)), SAMPLE_RATE_HZ)
        tracemalloc.start()
        try:
            analyse_speech(path)
            return tracemalloc.get_traced_memory()[1] / 2**20
        finally:
            tracemalloc.stop()

    peak_mib(0.1)  # weights and tables are loaded once
    grown = peak_mib(LONGER_MINUTES) - peak_mib(BLOCKS_FULL_MINUTES)
    assert grown < (LONGER_MINUTES - BLOCKS_FULL_MINUTES) * HELD_MIB_A_MINUTE
