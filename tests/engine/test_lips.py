"""The learned mouth: hears the same at any level, follows real lips better than the rule, and never costs a closure."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from motion_speech import minute_of_talk

from soliloquy.engine.audio import ear
from soliloquy.engine.audio.analyse import analyse_speech
from soliloquy.engine.audio.decode import read_audio
from soliloquy.engine.audio.say import say
from soliloquy.engine.audio.speech import HEARD_TRACKS, Speech
from soliloquy.engine.audio.weights import from_safetensors, run_stack, shipped_weights, to_safetensors
from soliloquy.engine.errors import FormatError
from soliloquy.engine.motion.articulation import RATE_HZ, articulate
from soliloquy.engine.motion.clip import ARKIT_CHANNELS
from soliloquy.engine.motion.direction import Direction
from soliloquy.engine.motion.generate import generate_motion
from soliloquy.engine.motion.lips import corrected, seen_gap, seen_width
from soliloquy.engine.motion.visemes import LABIODENTALS, SEALS

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
TEXT = "Bob's big family moved five maps from the farm. Peter gave Poppy a very brave puppy. What a fine evening."
LAYERS = ((2, 2, 1), (2, 1, 1), (1, 1, 2), (2, 0, 3))
QUIET = Direction(breath=0.0)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    path = tmp_path_factory.mktemp("lips") / "line.wav"
    say(TEXT, path)
    return path


@pytest.fixture(scope="module")
def speech(spoken):
    return analyse_speech(spoken, TEXT)


def unheard(speech: Speech) -> Speech:
    return Speech(speech.duration_s, speech.phones, speech.words, speech.energy_db, speech.f0_hz)


def seen(speech: Speech, direction: Direction = QUIET, fps: int = 50):
    """Gap and width of the generated mouth."""
    clip = generate_motion(speech, direction, seed=1, fps=Fraction(fps))
    curves = {name: clip.channels[:, column].astype(float) for column, name in enumerate(ARKIT_CHANNELS)}
    return np.maximum(seen_gap(curves), 0.0), seen_width(curves)


def test_numpy_runs_the_layers_as_torch_does():
    from soliloquy.engine.training.build_lips_network import Stack

    torch.manual_seed(0)
    stack = Stack(7, 12, 3, LAYERS).eval()
    x = np.random.default_rng(0).standard_normal((60, 7)).astype(np.float32)
    weights = from_safetensors(to_safetensors(stack.tensors("net"), {}))
    with torch.no_grad():
        expected = stack(torch.from_numpy(x.T[None]))[0].T.numpy()
    assert np.allclose(run_stack(x, weights, "net", LAYERS), expected, atol=5e-3)


def test_damaged_weights_are_refused():
    data = to_safetensors({"a": np.ones((2, 3), np.float32)}, {"made": "here"})
    assert np.array_equal(from_safetensors(data)["a"], np.ones((2, 3)))
    with pytest.raises(FormatError):
        from_safetensors(data[:-1])
    with pytest.raises(FormatError):
        from_safetensors(b"not a safetensors file")
    with pytest.raises(FormatError):
        shipped_weights(ear.WEIGHTS, "0" * 64)


def test_the_ear_does_not_mind_level_or_length(spoken, monkeypatch):
    samples = read_audio(spoken)
    heard = ear.hear(samples)
    assert heard.shape == (len(samples) // 320 + 1, HEARD_TRACKS) and np.abs(heard).max() <= 1.0
    assert np.abs(ear.hear(0.1 * samples) - heard).max() < 0.02
    monkeypatch.setattr(ear, "BLOCK_ROWS", 37)
    assert np.allclose(ear.hear(samples), heard, atol=1e-5)


def test_the_ear_looks_no_further_ahead_than_it_says(spoken):
    weights = shipped_weights(ear.WEIGHTS, ear.WEIGHTS_SHA256)
    spectra = np.random.default_rng(1).standard_normal((80, 40)).astype(np.float32)
    changed = spectra.copy()
    changed[45:] += 1.0
    first, second = (run_stack(x, weights, "ear", ear.LAYERS) for x in (spectra, changed))
    assert np.array_equal(first[:41], second[:41]) and not np.allclose(first[41], second[41])


def test_what_was_heard_survives_saving_and_nonsense_does_not(speech, tmp_path):
    path = tmp_path / "speech.json"
    speech.save(path)
    assert np.abs(Speech.load(path).heard - speech.heard).max() <= 0.006
    path.write_text(path.read_text().replace('"heard": [', '"heard": [[0.1],', 1))
    with pytest.raises(FormatError):
        Speech.load(path)


def test_speech_nobody_listened_to_follows_the_rule_alone():
    talk = minute_of_talk(10.0)
    times_s = np.arange(900) / RATE_HZ
    curves = articulate(talk, times_s)
    assert corrected(curves, talk, times_s) is curves


def test_closures_survive_the_correction_at_every_rate(speech):
    for fps in (24, 25, 50):
        gap, _ = seen(speech, fps=fps)
        for phone in speech.phones:
            if phone.label in SEALS | LABIODENTALS:
                near = slice(int((phone.start_s - 0.04) * fps), int((phone.end_s + 0.04) * fps) + 2)
                assert gap[near].min() <= 0.012, (phone, fps)


def test_the_correction_moves_the_mouth_in_speech_and_never_in_silence(speech):
    learned, rule = seen(speech)[0], seen(unheard(speech))[0]
    times_s = np.arange(len(rule)) / 50
    silent, talking = np.zeros(len(rule), bool), np.zeros(len(rule), bool)
    for start_s, end_s in speech.pauses(0.3):
        silent |= (times_s > start_s + 0.25) & (times_s < end_s - 0.25)
    for phone in speech.phones:
        talking |= (phone.label != "SIL") & (times_s > phone.start_s) & (times_s < phone.end_s)
    assert silent.sum() >= 3 and np.abs(learned - rule)[silent].max() < 0.005
    assert np.abs(learned - rule)[talking].mean() > 0.01
    assert 0.6 < np.percentile(learned[talking], 95) / np.percentile(rule[talking], 95) < 1.3


def test_open_vowels_still_open_and_every_channel_stays_in_range(speech):
    gap, _ = seen(speech)
    opened = [
        gap[int(phone.start_s * 50) : int(phone.end_s * 50) + 1].max() >= 0.06
        for phone in speech.phones
        if phone.label in ("AA", "AE", "AY")
    ]
    assert np.mean(opened) >= 0.85
    clip = generate_motion(speech, Direction(energy=2.0, lips=2.0, jaw=2.0, mood="happy"), seed=1, fps=Fraction(25))
    clip.check()
    assert clip.channels.min() >= 0.0 and clip.channels.max() <= 1.0
    assert np.all(clip.channel("mouthClose") <= clip.channel("jawOpen"))


def test_laughter_and_noise_keep_the_mouth_moving(speech):
    noise = [type(p)("NOISE" if p.start_s > 0.4 * speech.duration_s else p.label, p.start_s, p.end_s) for p in speech.phones]
    laughing = Speech(speech.duration_s, noise, [], speech.energy_db, speech.f0_hz, heard=speech.heard)
    inside = slice(int(0.45 * speech.duration_s * 50), int(0.9 * speech.duration_s * 50))
    assert np.std(seen(laughing)[0][inside]) > 0.02 > 3 * np.std(seen(unheard(laughing))[0][inside])


def test_correcting_phones_by_hand_still_moves_the_mouth(speech):
    edited = Speech(speech.duration_s, list(speech.phones), [], speech.energy_db, speech.f0_hz, heard=speech.heard)
    number = next(n for n, phone in enumerate(edited.phones) if phone.label in ("AA", "AE", "AY"))
    phone = edited.phones[number]
    edited.phones[number] = type(phone)("M", phone.start_s, phone.end_s)
    inside = slice(int(phone.start_s * 50), int(phone.end_s * 50) + 1)
    assert seen(edited)[0][inside].min() <= 0.012 < 0.05 < seen(speech)[0][inside].max()


@pytest.mark.skipif(not DATA.is_dir(), reason="the tracked speakers of ../shared/data are not here")
def test_real_lips_of_unseen_speakers_are_followed_better_than_by_the_rule():
    from soliloquy.engine.training.build_lips import agreement
    from soliloquy.engine.training.build_lips_data import analysed, clips_of

    clips = clips_of(DATA, "grid_multi")[1::8]
    speeches = [analysed(clip.samples, clip.text) for clip in clips]
    found = []
    for listen in (False, True):
        for clip, talk in zip(clips, speeches):
            talk.heard = ear.hear(clip.samples) if listen else None
        gaps, widths = zip(*(seen(talk, Direction()) for talk in speeches))
        found.append((agreement(clips, gaps, speeches, 0)[0], agreement(clips, widths, speeches, 1)[0]))
    (rule_gap, _), (gap, width) = found
    assert gap > rule_gap + 0.1 and gap > 0.7
    assert width > 0.5
