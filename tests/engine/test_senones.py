"""The second ear: pocketsphinx' senones as chances of phones, beside the phone network's, as far as the two agree."""

from __future__ import annotations

import numpy as np
import pytest

from soliloquy.engine.audio.acoustic_model import read_model_definition
from soliloquy.engine.audio.decode import read_audio
from soliloquy.engine.audio.features import energy_db
from soliloquy.engine.audio.heard import label_chances, span_phones
from soliloquy.engine.audio.mel import mel_power
from soliloquy.engine.audio.phone_stream import hear_phones, hear_recording
from soliloquy.engine.audio.say import say
from soliloquy.engine.audio.senones import LABELS, SecondEar, second_opinion
from soliloquy.engine.audio.sphinx import WordRecogniser, model_file, pcm16
from soliloquy.engine.audio.sphinx_phones import sphinx_phones
from soliloquy.engine.audio.speech import HOP_S


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    path = tmp_path_factory.mktemp("second") / "line.wav"
    say("She saw five blue shoes.", path)
    return read_audio(path)


@pytest.fixture(scope="module")
def nearness(samples):
    ear, pcm = SecondEar(), pcm16(samples, 0.7 / float(np.abs(samples).max()))
    ear.fit([(pcm, label_chances(hear_phones(samples, mel_power(samples))))])
    return ear.nearness(pcm)


def test_every_senone_belongs_to_a_phone_of_the_model():
    names, alone, owner = read_model_definition(model_file("en-us") / "mdef")
    assert {"AA", "ZH", "SIL"} <= set(names) and alone == 3 * len(names)
    assert sorted(set(owner)) == list(range(len(names)))
    assert (owner[:alone] == np.repeat(np.arange(len(names)), 3)).all()


def test_it_hears_a_frame_every_10_ms_and_what_is_said(samples, nearness):
    names, _, _ = read_model_definition(model_file("en-us") / "mdef")
    assert abs(len(nearness) * HOP_S - len(samples) / 16000) < 0.1 and (nearness <= 0).all()
    chances = label_chances(hear_phones(samples, mel_power(samples)))
    hissing = np.flatnonzero(chances[: len(nearness), LABELS.index("S")] > 0.8)
    assert len(hissing) > 3, "the network hears the s of she saw"
    assert np.mean(nearness[hissing].argmax(axis=1) == names.index("S")) > 0.5


@pytest.mark.parametrize("label", ["M", "SIL"])
def test_it_does_not_count_where_the_two_do_not_agree_or_nothing_is_said(nearness, label):
    chances = np.full((len(nearness), len(LABELS)), 1e-3, np.float32)
    chances[:, LABELS.index(label)] = 1.0
    assert np.ptp(second_opinion(nearness, chances), axis=1).max() < 1e-6, "every sound as likely as before"


def test_the_two_ears_together_hear_otherwise_than_one(samples, nearness):
    posteriors = hear_phones(samples, mel_power(samples))
    alone = span_phones(posteriors, 0.0, len(samples) / 16000)
    both = span_phones(posteriors, 0.0, len(samples) / 16000, nearness=nearness)
    assert [p.label for p in alone] != [p.label for p in both] and both[-1].end_s == alone[-1].end_s
    assert span_phones(posteriors, 0.0, 1.0, nearness=nearness[:0]) == span_phones(posteriors, 0.0, 1.0)
    assert not second_opinion(nearness[:0], label_chances(posteriors)).any()


def test_uh_is_not_taken_for_a_word_and_plain_pocketsphinx_stays_plain(tmp_path):
    path = tmp_path / "um.wav"
    say("The um house is um green.", path)
    pcm = pcm16(read_audio(path))
    hesitant, plain = WordRecogniser().decode(pcm), WordRecogniser(hesitant=False).decode(pcm)
    assert {"um", "uh"}.isdisjoint(word.text for word in hesitant.words)
    assert hesitant.words and plain.words
    samples = read_audio(path)
    assert sphinx_phones(samples, energy_db(samples)).phones, "without the network: the words, plain"


def test_a_recording_heard_at_three_paces_keeps_its_clock(samples):
    power = mel_power(samples)
    once, thrice = (hear(samples, power).astype(np.float32) for hear in (hear_phones, hear_recording))
    assert once.shape == thrice.shape and np.allclose(thrice.sum(axis=1), 1.0, atol=0.01)
    shifts = range(-5, 6)
    best = max(shifts, key=lambda by: float((np.roll(thrice, by, axis=0) * once).sum()))
    assert abs(best) <= 1
