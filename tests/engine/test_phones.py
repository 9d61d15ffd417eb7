"""The phone network: as a stream it says what it says offline, early enough; phones and words come out at the right time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soliloquy.engine.audio.decode import SAMPLE_RATE_HZ, read_audio
from soliloquy.engine.audio.features import energy_db
from soliloquy.engine.audio.follow import follow_text, placed_words
from soliloquy.engine.audio.heard import LABELS, heard_phones, span_phones
from soliloquy.engine.audio.mel import mel_power
from soliloquy.engine.audio.phone_stream import HOP, LAYERS, LOOK_AHEAD_S, WEIGHTS, WEIGHTS_SHA256, PhoneStream, hear_phones
from soliloquy.engine.audio.phones import find_phones, spoken_language
from soliloquy.engine.audio.say import say
from soliloquy.engine.audio.sounds import ARPABET_OF, CLASS_INDEX, CLASSES, classes_of_ipa
from soliloquy.engine.audio.speech import HOP_S, SILENCE, Phone
from soliloquy.engine.audio.tongues import possible_languages, pronouncer, words_of
from soliloquy.engine.audio.viterbi import SHORTEST_FRAMES, free_path, text_path
from soliloquy.engine.audio.weights import ASSETS, shipped_weights
from soliloquy.engine.errors import InputError
from soliloquy.engine.motion.visemes import VISEMES

TEXT = "Peter bought a big blue boat. My mother paid for it."
VOICES = Path(__file__).resolve().parents[3] / "shared" / "voices"
needs_voices = pytest.mark.skipif(not VOICES.is_dir(), reason="the recordings (../shared/voices) are not here")


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    path = tmp_path_factory.mktemp("speech") / "line.wav"
    say(TEXT, path)
    return read_audio(path)


@pytest.fixture(scope="module")
def posteriors(samples):
    return hear_phones(samples, mel_power(samples))


def test_it_is_small_and_looks_ahead_no_further_than_80_ms():
    weights = shipped_weights(WEIGHTS, WEIGHTS_SHA256)
    assert sum(tensor.size for tensor in weights.values()) <= 2_500_000
    assert (ASSETS / WEIGHTS).stat().st_size <= 5 << 20
    assert LOOK_AHEAD_S <= 0.08 and all(ahead == 0 for _, ahead, _ in LAYERS[1:])


@pytest.mark.parametrize("pieces", ["one sample short", "ragged", "10 ms"])
def test_chunks_of_any_size_give_the_same_posteriors(samples, pieces):
    whole = PhoneStream()
    expected = np.concatenate([whole.push(samples), whole.finish()])
    rng, stream, rows, position = np.random.default_rng(1), PhoneStream(), [], 0
    while position < len(samples):
        size = {"one sample short": HOP - 1, "10 ms": HOP, "ragged": int(rng.integers(0, 2000))}[pieces]
        rows.append(stream.push(samples[position : position + size]))
        position += size
    rows.append(stream.finish())
    assert np.concatenate(rows).shape == expected.shape == (len(samples) // HOP + 1, len(CLASSES))
    assert np.abs(np.concatenate(rows) - expected).max() < 1e-4


def test_a_row_is_out_as_soon_as_its_look_ahead_is_there_and_needs_no_more(samples):
    stream, out = PhoneStream(), 0
    for end in range(HOP, len(samples), HOP):
        out += len(stream.push(samples[end - HOP : end]))
        assert (out - 1) * HOP_S >= end / SAMPLE_RATE_HZ - LOOK_AHEAD_S - 2 * HOP_S - 1e-9
    cut = len(samples) // 2
    first, second = PhoneStream(), PhoneStream()
    rows = first.push(samples[:cut])
    other = second.push(np.concatenate([samples[:cut], np.full(8000, 0.3, np.float32)]))
    assert len(rows) and np.abs(rows - other[: len(rows)]).max() < 1e-4


def test_level_and_silence_around_change_little(samples, posteriors):
    softer = np.argmax(hear_phones(0.05 * samples, mel_power(0.05 * samples)), axis=1)
    assert np.mean(softer == np.argmax(posteriors, axis=1)) > 0.97


def test_phones_of_a_voice_match_what_it_says(samples, posteriors):
    phones = heard_phones(posteriors, energy_db(samples), len(samples) / SAMPLE_RATE_HZ)
    labels = [phone.label for phone in phones]
    assert phones[0].start_s == 0.0 and phones[-1].end_s == pytest.approx(len(samples) / SAMPLE_RATE_HZ, abs=1e-3)
    assert all(a.end_s == pytest.approx(b.start_s, abs=2e-4) for a, b in zip(phones, phones[1:]))
    assert set(labels) <= set(VISEMES) | {SILENCE, "NOISE", "BREATH", "LAUGH"}
    assert sum(labels.count(label) for label in "PBM") >= 6


def test_what_another_ear_supposes_decides_only_where_the_network_is_in_doubt():
    rows = np.full((60, len(CLASSES)), 1e-4, np.float32)
    rows[:20, CLASS_INDEX["m"]] = 0.97
    rows[20:, CLASS_INDEX["t"]], rows[20:, CLASS_INDEX["p"]] = 0.55, 0.4
    supposed = [Phone("AA", 0.0, 0.2), Phone("P", 0.2, 0.6)]
    assert [p.label for p in span_phones(rows, 0.0, 0.6)] == ["M", "T"]
    assert [p.label for p in span_phones(rows, 0.0, 0.6, supposed, trust=3.0)] == ["M", "P"]


def test_front_rounded_vowels_have_labels_of_their_own_except_in_english_words():
    rows = np.full((60, len(CLASSES)), 1e-4, np.float32)
    rows[:15, CLASS_INDEX["y"]], rows[:15, CLASS_INDEX["u"]], rows[:15, CLASS_INDEX["i"]] = 0.4, 0.2, 0.35
    rows[15:30, CLASS_INDEX["t"]] = 0.9
    rows[30:45, CLASS_INDEX["u"]], rows[30:45, CLASS_INDEX["y"]] = 0.6, 0.3
    rows[45:, CLASS_INDEX["ø"]] = 0.9
    assert [p.label for p in span_phones(rows, 0.0, 0.6)] == ["UE", "T", "UW", "OE"]
    assert [p.label for p in span_phones(rows, 0.0, 0.6, [Phone("UW", 0.0, 0.15)], trust=1.0)] == ["UW", "T", "UW", "UH"]


def test_a_french_text_names_them(samples, posteriors):
    (word,) = placed_words(posteriors, [("plu", ("p", "l", "y"))], whole=True)
    assert [label for label, _, _ in word.phones] == ["P", "L", "UE"]


def test_noise_silence_and_nothing_do_no_harm():
    for sound in (np.zeros(16000), 0.1 * np.random.default_rng(0).standard_normal(16000), np.zeros(10)):
        rows = hear_phones(sound.astype(np.float32), mel_power(sound.astype(np.float32)))
        assert len(rows) == len(sound) // HOP + 1 and np.isfinite(rows).all()
        assert np.allclose(rows.astype(float).sum(axis=1), 1.0, atol=0.02)


def test_every_class_has_a_mouth_and_ipa_is_read():
    assert {ARPABET_OF[name] for name in CLASSES} <= set(VISEMES) | {SILENCE, "BREATH", "LAUGH"}
    assert classes_of_ipa("ʃˈøːnə tʃˈɑu ɪç bɔ̃ʒˈuʁ") == "ʃ ø n ə tʃ aʊ ɪ ç b ɔ ʒ u ɣ".split()
    assert 45 <= len(CLASSES) <= 60 and set(CLASS_INDEX.values()) == set(range(len(CLASSES)))


courses = st.lists(st.integers(0, 4), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(courses, st.lists(st.integers(3, 9), min_size=8, max_size=8))
def test_the_free_path_finds_clear_courses(course, lengths):
    course = [value for n, value in enumerate(course) if n == 0 or value != course[n - 1]]
    path = np.repeat(course, lengths[: len(course)])
    assert np.array_equal(free_path(0.9 * np.eye(5)[path] + 0.02), path)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=40, max_size=40))
def test_no_sound_of_the_free_path_is_too_short(values):
    chances = np.random.default_rng(int(1e6 * sum(values))).dirichlet(np.full(6, 0.2), 40)
    borders = np.flatnonzero(np.diff(free_path(chances))) + 1
    assert (np.diff(np.concatenate([[0], borders])) >= SHORTEST_FRAMES).all()


def test_the_text_path_keeps_the_order_and_skips_only_pauses():
    chances = np.full((40, 4), 0.01)
    for sound, start in ((0, 0), (1, 10), (3, 25)):
        chances[start : {0: 10, 1: 25, 3: 40}[sound], sound] = 0.9
    path = text_path(chances, np.array([True, False, True, False]), np.full(4, 3))
    assert np.array_equal(path, np.repeat([0, 1, 3], [10, 15, 15]))
    assert len(text_path(chances[:5], np.zeros(4, bool), np.full(4, 3))) == 0


def test_words_are_placed_and_wrong_words_are_told(samples, posteriors):
    levels, duration_s = energy_db(samples), len(samples) / SAMPLE_RATE_HZ


    def follow(text):
        return follow_text(posteriors, levels, duration_s, words_of(text, "en"), pronouncer("en"))

    found = follow(TEXT)
    assert [word.text for word in found.words] == TEXT.split() and not found.notes
    wrong = follow("The committee adjourned until Thursday without a single useful remark.")
    assert not wrong.words and "does not fit" in wrong.notes[0]
    partly = follow("Peter bought a big blue boat.")
    assert len(partly.words) == 6 and "leaves out" in " ".join(partly.notes)


def test_a_direction_in_the_text_is_not_said(samples, posteriors):
    found = find_phones(samples, posteriors, energy_db(samples), "[happy] " + TEXT.replace("My", "[whisper] My"))
    assert [word.text for word in found.words] == TEXT.split()


def test_languages_are_told_by_script_and_read_with_their_numbers():
    assert possible_languages("Привет")[0] == "ru" and possible_languages("日本語の文") == ("ja",)
    assert possible_languages("안녕하세요") == ("ko",) and "de" in possible_languages("Guten Tag")
    assert words_of("你好，世界", "cmn") == ["你", "好", "世", "界"]
    assert pronouncer("de")("7") == pronouncer("de")("sieben")
    assert pronouncer("fr")("14") == pronouncer("fr")("quatorze")
    assert pronouncer("en")("42") == pronouncer("en")("forty-two")
    assert pronouncer("ja")("日本語") == () and pronouncer("ru")("ты") == ("t", "ɨ")
    with pytest.raises(InputError, match="knows no language"):
        pronouncer("xx")


@needs_voices
def test_mandarin_is_aligned_character_by_character():
    sound, text = read_audio(VOICES / "zh_sr.flac"), "砸自己的脚"
    found = find_phones(sound, hear_phones(sound, mel_power(sound)), energy_db(sound), text)
    assert "(cmn)" in found.aligner and len(found.words) >= 3
    assert [word.text for word in found.words] == [letter for letter in text if letter in {word.text for word in found.words}]


def test_labels_are_those_of_speech():
    assert LABELS[0] == SILENCE and len(set(LABELS)) == len(LABELS)


def test_english_stays_english(posteriors):
    assert spoken_language(posteriors, TEXT, ("en", "de", "fr", "fi")) == "en"
