"""`analyse_speech`: what was said is found, at the right time, with and without its text."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from soliloquy.engine.audio.analyse import analyse_speech
from soliloquy.engine.audio.boundaries import tidy
from soliloquy.engine.audio.breaths import mark_breaths
from soliloquy.engine.audio.decode import SAMPLE_RATE_HZ, read_audio
from soliloquy.engine.audio.features import energy_db, f0_hz
from soliloquy.engine.audio.mel import mel_power
from soliloquy.engine.audio.sphinx_phones import UNLIKE_ENGLISH_FIT
from soliloquy.engine.audio.pronounce import arpabet_of, guess_pronunciation, spoken_words
from soliloquy.engine.audio.say import say
from soliloquy.engine.audio.speech import SILENCE, Phone, Speech
from soliloquy.engine.audio.sphinx import WordRecogniser, pcm16
from soliloquy.engine.motion.visemes import VISEMES

TEXT = "Peter bought a big blue boat. My mother paid for it."


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    path = tmp_path_factory.mktemp("speech") / "line.wav"
    say(TEXT, path)
    return path


@pytest.fixture(scope="module")
def heard(spoken):
    return analyse_speech(spoken)


@pytest.fixture(scope="module")
def aligned(spoken):
    return analyse_speech(spoken, TEXT)


def assert_covers(speech: Speech) -> None:
    speech.check()
    assert speech.phones[0].start_s == 0.0 and speech.phones[-1].end_s == pytest.approx(speech.duration_s, abs=1e-3)
    assert all(
        before.end_s == pytest.approx(after.start_s, abs=2e-4) for before, after in zip(speech.phones, speech.phones[1:])
    )
    assert {phone.label for phone in speech.phones} <= set(VISEMES) | {SILENCE, "NOISE", "BREATH"}


def test_phones_cover_the_recording_and_match_the_words(heard):
    assert_covers(heard)
    labels = [phone.label for phone in heard.phones]
    assert sum(labels.count(label) for label in "PBM") >= 7
    assert len(heard.energy_db) == len(heard.f0_hz) == pytest.approx(heard.duration_s * 100, abs=2)
    assert not heard.words and heard.source == "line.wav" and len(heard.source_sha256) == 64


def test_text_gives_every_word_its_time_in_order(aligned):
    assert_covers(aligned)
    assert [word.text for word in aligned.words] == TEXT.split()
    starts = [word.start_s for word in aligned.words]
    assert starts == sorted(starts) and "alignment" in aligned.aligner and not aligned.notes
    labels = [phone.label for phone in aligned.phones if phone.label != SILENCE]
    assert labels[:4] == ["P", "IY", "T", "ER"]


def test_the_pause_between_sentences_is_silence_and_the_words_are_not(spoken, aligned):
    levels = aligned.energy_db
    for start, end in aligned.pauses(0.3):
        assert np.median(levels[round(start * 100) : round(end * 100)]) < levels.max() - 30
    loud = levels > levels.max() - 15
    silent = np.zeros(len(levels), bool)
    for start, end in aligned.pauses(0.0):
        silent[round(start * 100) : round(end * 100)] = True
    assert np.mean(silent[loud]) < 0.02
    boat, my = aligned.words[5], aligned.words[6]
    assert any(start >= boat.start_s and end <= my.end_s for start, end in aligned.pauses(0.15))


def test_bilabials_are_where_the_sound_is_weakest(aligned):
    """A p holds its breath: the level inside it is well below that of the vowels beside it."""
    levels, drops = aligned.energy_db, []
    for before, phone, after in zip(aligned.phones, aligned.phones[1:], aligned.phones[2:]):
        if phone.label in "PB" and SILENCE not in (before.label, after.label):
            around = levels[round(before.start_s * 100) : round(after.end_s * 100)].max()
            drops.append(around - levels[round(phone.start_s * 100) : round(phone.end_s * 100)].min())
    assert drops and np.median(drops) > 6.0


def test_a_wrong_text_is_noticed_and_not_used(spoken, heard):
    speech = analyse_speech(
        spoken, "Nobody has ever said any of this, and nobody would; the committee adjourned until Thursday."
    )
    assert speech.notes and "does not fit" in speech.notes[0]
    assert not speech.words and [phone.label for phone in speech.phones] == [phone.label for phone in heard.phones]


def test_text_in_another_script_falls_back_with_a_note(spoken, heard):
    speech = analyse_speech(spoken, "これは日本語の文です 。 わかりますか")
    assert speech.notes and [phone.label for phone in speech.phones] == [phone.label for phone in heard.phones]


def test_names_and_numbers_in_the_text_are_aligned(tmp_path):
    text = "Zorblatt owes me 42 dollars."
    say(text, tmp_path / "name.wav")
    speech = analyse_speech(tmp_path / "name.wav", text)
    assert [word.text for word in speech.words] == text.split() and not speech.notes
    number = speech.words[3]
    inside = [p.label for p in speech.phones if number.start_s - 0.01 <= p.start_s < number.end_s - 0.01]
    assert "F" in inside and inside.count("T") >= 1


def test_long_recordings_are_cut_and_put_together_again(spoken, tmp_path):
    import soundfile

    samples = read_audio(spoken)
    pause = np.zeros(16000, np.float32)
    repeats = int(24 * 16000 / (len(samples) + len(pause))) + 1
    soundfile.write(tmp_path / "long.wav", np.concatenate([np.concatenate([samples, pause])] * repeats), 16000)
    speech = analyse_speech(tmp_path / "long.wav")
    assert_covers(speech)
    period = (len(samples) + len(pause)) / 16000
    for turn in range(repeats):
        bilabials = [p for p in speech.phones if p.label in "PBM" and turn * period <= p.start_s < (turn + 1) * period]
        assert len(bilabials) >= 6


def test_the_same_recording_gives_the_same_speech(spoken, heard):
    again = analyse_speech(spoken)
    assert again.phones == heard.phones and np.array_equal(again.f0_hz, heard.f0_hz)


def test_noise_and_a_tone_give_a_valid_speech(tmp_path):
    import soundfile

    for name, samples in (
        ("noise", np.random.default_rng(0).standard_normal(8000) * 0.1),
        ("tone", 0.3 * np.sin(np.arange(8000) * 0.1)),
        ("click", np.eye(1, 3200, 100)[0]),
    ):
        soundfile.write(tmp_path / f"{name}.wav", samples, 16000)
        assert_covers(analyse_speech(tmp_path / f"{name}.wav", "hello" if name == "tone" else None))


def test_clear_english_is_taken_for_english(spoken):
    assert WordRecogniser().decode(pcm16(read_audio(spoken))).fit > UNLIKE_ENGLISH_FIT


def test_pronunciations_by_rule():
    assert arpabet_of("həlˈO".replace("ˈ", "")) == ["HH", "AH", "L", "OW"]
    assert guess_pronunciation("blorptastic")[:3] == ["B", "L", "AO"]
    assert guess_pronunciation("日本語") == []
    assert spoken_words("Well - I mean, 42 !") == ["Well", "I", "mean,", "42"]


times = st.lists(st.floats(0.0, 3.0), min_size=2, max_size=12, unique=True).map(sorted)


@settings(max_examples=60, deadline=None)
@given(
    times,
    st.lists(st.sampled_from([SILENCE, "AA", "P", "S", "NOISE"]), min_size=12, max_size=12),
    st.lists(st.booleans(), min_size=30, max_size=30),
)
def test_tidied_phones_always_cover_the_recording_without_gaps(borders, labels, quiet_tenths):
    levels = np.repeat(np.where(quiet_tenths, -80.0, -20.0), 10)[:301].astype(np.float32)
    phones = [Phone(label, start, end) for label, start, end in zip(labels, borders, borders[1:])]
    tidied = tidy(phones, levels, 3.0)
    assert tidied[0].start_s == 0.0 and tidied[-1].end_s == 3.0
    assert all(abs(before.end_s - after.start_s) < 2e-4 for before, after in zip(tidied, tidied[1:]))
    assert all(phone.end_s >= phone.start_s for phone in tidied)


def test_spoken_lines_are_equally_loud(tmp_path):
    peaks = []
    for n, text in enumerate(("Yes.", "A much longer line, spoken with some care.")):
        say(text, tmp_path / f"{n}.wav")
        samples, _ = soundfile.read(tmp_path / f"{n}.wav")
        peaks.append(np.abs(samples).max())
    assert peaks == pytest.approx([10 ** (-3 / 20)] * 2, abs=0.01)


def pause_with(sound: np.ndarray, rng: np.random.Generator) -> tuple[list[Phone], np.ndarray]:
    """A vowel-like buzz, a second of near silence with `sound` 0.4 s into it, the buzz again; and the phones of it."""
    clock = np.arange(SAMPLE_RATE_HZ // 2) / SAMPLE_RATE_HZ
    buzz = sum(0.2 / k * np.sin(2 * np.pi * 120 * k * clock) for k in range(1, 20)).astype(np.float32)
    gap = (1e-4 * rng.standard_normal(SAMPLE_RATE_HZ)).astype(np.float32)
    gap[6400 : 6400 + len(sound)] += sound
    phones = [Phone("AA", 0.0, 0.5), Phone(SILENCE, 0.5, 1.5), Phone("AA", 1.5, 2.0)]
    return phones, np.concatenate([buzz, gap, buzz])


@pytest.mark.parametrize(
    "kind, found", [("breath", True), ("hiss", False), ("hum", False), ("nothing", False), ("click", False)]
)
def test_only_what_sounds_like_breath_is_called_breath(kind, found):
    rng = np.random.default_rng(3)
    swell = np.hanning(6400).astype(np.float32)
    noise = rng.standard_normal(6400).astype(np.float32)
    sound = {
        "breath": 0.01 * swell * noise,
        "hiss": 0.01 * swell * np.diff(noise, 4, prepend=np.zeros(4, np.float32)),
        "hum": 0.01 * swell * sum(np.sin(2 * np.pi * 130 * k * np.arange(6400) / SAMPLE_RATE_HZ) for k in (1, 2, 3, 4)),
        "nothing": 0.0 * swell,
        "click": 0.05 * noise[:800],
    }[kind].astype(np.float32)
    phones, samples = pause_with(sound, rng)
    levels_db = energy_db(samples)
    marked = mark_breaths(phones, levels_db, f0_hz(samples, levels_db), mel_power(samples))
    breaths = [phone for phone in marked if phone.label == "BREATH"]
    assert bool(breaths) == found
    assert all(before.end_s == after.start_s for before, after in zip(marked, marked[1:]))
    if found:
        assert len(breaths) == 1 and abs(breaths[0].start_s - 0.95) < 0.1 and abs(breaths[0].end_s - 1.25) < 0.1
