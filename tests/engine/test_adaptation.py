"""pocketsphinx' acoustic model, computed here and fitted to a recording: its voice and room are heard away."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from soliloquy.engine.audio.acoustic_model import english_model, streams_of
from soliloquy.engine.audio.adaptation import NOT_SPOKEN, Regression, fitted
from soliloquy.engine.audio.decode import read_audio
from soliloquy.engine.audio.heard import label_chances
from soliloquy.engine.audio.mel import mel_power
from soliloquy.engine.audio.phone_stream import hear_phones
from soliloquy.engine.audio.say import say
from soliloquy.engine.audio.senones import LABELS, SecondEar
from soliloquy.engine.audio.sphinx import WordRecogniser, pcm16

MODEL = english_model()


@pytest.fixture(scope="module")
def muffled(tmp_path_factory):
    """PCM of a sentence behind a door, and what the phone network hears in it."""
    path = tmp_path_factory.mktemp("fit") / "line.wav"
    say("The children were talking about a small green boat on the river.", path)
    samples = lfilter([0.3], [1.0, -0.7], read_audio(path)).astype(np.float32)
    return pcm16(samples, 0.7 / float(np.abs(samples).max())), label_chances(hear_phones(samples, mel_power(samples)))


def test_weights_are_shares_and_every_phone_fits_its_own_gaussians_best():
    assert np.allclose(MODEL.weights.sum(axis=1), 0.95, atol=0.05), "kept in a byte each"
    for name in ("S", "AA", "M"):
        phone = MODEL.phones.index(name)
        frames = MODEL.means[phone].transpose(1, 0, 2)
        best = [MODEL.scores(frames, number).max(axis=1) for number in range(len(MODEL.phones))]
        assert np.bincount(np.argmax(best, axis=0), minlength=len(best)).argmax() == phone


def test_streams_are_level_free_changes():
    cepstra = np.cumsum(np.ones((20, 13)), axis=0)
    level, changes, second = np.moveaxis(streams_of(cepstra), 1, 0)
    assert np.allclose(level.mean(axis=0), 0) and np.allclose(changes[5:-5], 4) and np.allclose(second[5:-5], 0)
    assert np.allclose(streams_of(cepstra + 7.0), streams_of(cepstra))


def test_nothing_heard_leaves_the_model_as_it_is():
    regression = Regression(MODEL, MODEL)
    regression.add(np.zeros((0, 13), np.float32), np.zeros((0, len(MODEL.phones))))
    assert np.allclose(fitted(MODEL, regression.maps()).means, MODEL.means, atol=1e-2)


def test_maps_find_a_known_move_of_the_means():
    rng, phones = np.random.default_rng(0), [MODEL.phones.index(name) for name in ("AA", "IY", "S", "M", "UW", "T", "R", "L")]
    offset = np.full(13, 0.5)
    streams = np.concatenate([MODEL.means[phone][:, rng.integers(0, 128, 100)].transpose(1, 0, 2) for phone in phones])
    regression = Regression(MODEL, MODEL)
    for number, phone in enumerate(phones):
        frames = streams[100 * number : 100 * (number + 1)] + offset
        regression.add_phone(phone, frames.astype(np.float32), np.full(100, 50.0))
    moved = fitted(MODEL, regression.maps()).means - MODEL.means
    assert abs(float(np.median(moved[phones])) - 0.5) < 0.15
    still = [number for number, name in enumerate(MODEL.phones) if name in NOT_SPOKEN]
    assert not moved[still].any()


def test_a_fitted_ear_hears_more_of_what_is_said_in_a_muffled_recording(muffled):
    pcm, chances = muffled
    ear = SecondEar()
    before = ear.nearness(pcm)
    maps = ear.fit([muffled])
    after = ear.nearness(pcm)
    heard = chances[: len(before)]
    sure = np.flatnonzero((heard.max(axis=1) > 0.6) & (heard.argmax(axis=1) != LABELS.index("SIL")))
    said = [LABELS[k] for k in chances[sure].argmax(axis=1)]

    def share(nearness: np.ndarray) -> float:
        return float(np.mean([MODEL.phones[k] == name for k, name in zip(nearness[sure].argmax(axis=1), said)]))

    assert len(sure) > 60 and share(after) > share(before) + 0.05
    assert WordRecogniser(maps=maps).decode(pcm).fit > WordRecogniser().decode(pcm).fit
