"""Laughter, coughs, sighs and hums move the face as those sounds do, and nothing else."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from motion_speech import speech_of
from scipy.signal import find_peaks

from soliloquy.engine.audio.speech import SILENCE, Event
from soliloquy.engine.motion.clip import ARKIT_CHANNELS, CHANNEL_INDEX
from soliloquy.engine.motion.direction import Direction
from soliloquy.engine.motion.generate import generate_motion

QUIET = Direction(head=1.0)
FPS = Fraction(100)


def with_event(label: str, start_s: float = 2.0, end_s: float = 3.6, phones=((SILENCE, 6.0),)):
    return dataclasses.replace(speech_of(list(phones)), events=[Event(label, start_s, end_s, 0.7)])


def reaction(label: str, direction: Direction = QUIET, **where):
    """Channels, rotation and translation that the event alone adds."""
    speech = with_event(label, **where)
    takes = [generate_motion(s, direction, seed=3, fps=FPS) for s in (speech, dataclasses.replace(speech, events=[]))]
    return [getattr(takes[0], field) - getattr(takes[1], field) for field in ("channels", "head_rotation_deg", "head_translation_m")]


def curve(channels: np.ndarray, name: str) -> np.ndarray:
    return channels[:, CHANNEL_INDEX[name]]


def test_laughter_comes_in_notes_that_grow_quieter():
    channels, rotation, translation = reaction("LAUGH")
    jaw = curve(channels, "jawOpen")
    peaks, _ = find_peaks(jaw, prominence=0.03)
    gaps = np.diff(peaks) / 100
    assert len(peaks) >= 6 and np.all((gaps > 0.19) & (gaps < 0.24))
    assert jaw[peaks[0]] > 1.3 * jaw[peaks[-1]]
    assert curve(channels, "mouthSmileLeft")[250] > 0.4 and curve(channels, "cheekSquintRight")[250] > 0.4
    assert curve(channels, "eyeSquintLeft")[250] > 0.3
    shoulders, _ = find_peaks(translation[:, 1], prominence=0.0005)
    assert len(shoulders) >= 5 and rotation[250, 1] > 1.0


def test_laughter_goes_with_the_notes_that_are_heard():
    speech = with_event("LAUGH")
    heard_s = 2.1 + 0.27 * np.arange(5)
    clock = np.arange(len(speech.energy_db)) / 100
    levels = -60.0 + 35.0 * np.max([np.exp(-(((clock - t) / 0.04) ** 2)) for t in heard_s], axis=0)
    clip = generate_motion(dataclasses.replace(speech, energy_db=levels.astype(np.float32)), QUIET, seed=3, fps=FPS)
    peaks, _ = find_peaks(clip.channel("jawOpen"), prominence=0.03)
    assert np.allclose(peaks / 100, heard_s, atol=0.03)


def test_a_cough_jerks_the_head_down_and_forward_and_shuts_the_eyes():
    channels, rotation, translation = reaction("COUGH", start_s=2.0, end_s=2.3)
    assert rotation[:, 1].min() < -3.0 and translation[:, 2].max() > 0.004
    assert curve(channels, "jawOpen").max() > 0.2
    lids = generate_motion(with_event("COUGH", 2.0, 2.3), Direction(blinks=0.0), seed=3, fps=FPS).channel("eyeBlinkLeft")
    assert lids[200:250].max() > 0.6 and lids[:180].max() == 0.0


def test_a_sigh_sinks_slowly():
    channels, rotation, translation = reaction("SIGH")
    assert rotation[:, 1].min() < -1.5 and translation[:, 1].min() < -0.003
    assert np.abs(np.diff(rotation[:, 1])).max() * 100 < 15.0
    assert 0.05 < curve(channels, "jawOpen").max() < 0.2
    assert translation[140:200, 1].max() > 0.0015, "the breath before it lifts the shoulders"


@pytest.mark.parametrize("phones", [((SILENCE, 6.0),), ((SILENCE, 2.0), ("M", 1.6), (SILENCE, 2.4))])
def test_a_hum_keeps_the_lips_closed_for_as_long_as_it_sounds(phones):
    clip = generate_motion(with_event("HUM", phones=phones), Direction(), seed=3, fps=FPS)
    inside = slice(205, 352)
    assert np.abs(clip.channel("jawOpen") - clip.channel("mouthClose"))[inside].max() < 0.01
    assert clip.channel("mouthRollUpper")[inside].min() > 0.4
    assert clip.channel("mouthRollUpper")[450:].max() < 0.05


def test_an_um_with_its_vowel_opens_the_mouth():
    clip = generate_motion(with_event("HUM", phones=((SILENCE, 2.0), ("AH", 1.0), ("M", 0.6), (SILENCE, 2.4))), Direction(), seed=3, fps=FPS)
    assert clip.channel("jawOpen")[220:280].max() > 0.15


@pytest.mark.parametrize("label", ["LAUGH", "COUGH", "SIGH", "HUM"])
def test_reactions_happen_at_their_time_and_end(label):
    for added in reaction(label, start_s=2.0, end_s=3.0):
        moved = np.flatnonzero(np.abs(added).max(axis=1) > 0.01)
        assert not len(moved) or (moved[0] > 150 and moved[-1] < 420)


@pytest.mark.parametrize("label", ["LAUGH", "COUGH", "SIGH"])
def test_the_amount_of_reactions_scales_them_and_zero_leaves_none(label):
    full, half, none = (reaction(label, Direction(reactions=size)) for size in (1.0, 0.5, 0.0))
    assert all(np.abs(part).max() < 1e-6 for part in none)
    assert np.allclose(half[1], 0.5 * full[1], atol=1e-4)
    assert curve(half[0], "jawOpen").max() == pytest.approx(0.5 * curve(full[0], "jawOpen").max(), abs=0.02)


@pytest.mark.parametrize("key, prefixes", [("jaw", ("jaw",)), ("lips", ("mouth",))])
def test_still_lips_and_a_still_jaw_stay_still_in_laughter(key, prefixes):
    channels, *_ = reaction("LAUGH", Direction(**{key: 0.0}))
    columns = [n for n, name in enumerate(ARKIT_CHANNELS) if name.startswith(prefixes)]
    assert np.abs(channels[:, columns]).max() < 1e-6 and curve(channels, "cheekSquintLeft").max() > 0.3


def test_laughed_words_still_close_their_lips():
    phones = ((SILENCE, 2.0), ("B", 0.1), ("AA", 0.3), ("P", 0.1), ("IY", 0.3), (SILENCE, 3.2))
    clip = generate_motion(with_event("LAUGH", phones=phones), Direction(), seed=3, fps=FPS)
    for centre in (203, 243):
        gap = (clip.channel("jawOpen") - clip.channel("mouthClose"))[centre - 3 : centre + 5]
        assert gap.min() < 1e-6
