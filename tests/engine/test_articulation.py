"""The mouth: closures close, vowels open, silences rest, and everything follows the sound."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from motion_speech import minute_of_talk, speech_of

from soliloquy.engine.audio.speech import SILENCE, Phone
from soliloquy.engine.measure.rows_performance import LIP_CHANNELS
from soliloquy.engine.measure.signals import band_shares
from soliloquy.engine.motion.clip import CHANNEL_INDEX
from soliloquy.engine.motion.constraints import gate
from soliloquy.engine.motion.direction import Direction
from soliloquy.engine.motion.generate import generate_motion
from soliloquy.engine.motion.timeline import exposed
from soliloquy.engine.motion.visemes import SHAPE_CHANNELS, VISEMES, VOWELS, channel_columns

QUIET = Direction(breath=0.0)


def mouth(speech, fps=25, direction=QUIET):
    return generate_motion(speech, direction, seed=0, fps=Fraction(fps))


def word(*labels: str, length_s: float = 0.12):
    return speech_of([(SILENCE, 0.5), *((label, length_s) for label in labels), (SILENCE, 0.5)])


def during(clip, speech, label):
    """Frames inside the first phone called `label`."""
    phone = next(phone for phone in speech.phones if phone.label == label)
    times = np.arange(len(clip)) / float(clip.fps)
    return (times >= phone.start_s) & (times <= phone.end_s)


def opening(clip):
    return clip.channel("jawOpen") - clip.channel("mouthClose")


@pytest.mark.parametrize("label", ["P", "B", "M"])
@pytest.mark.parametrize("fps", [12, 24, 25, Fraction(24000, 1001), 30, 60])
@pytest.mark.parametrize("length_s", [0.03, 0.06, 0.12])
def test_bilabials_seal_on_at_least_one_frame_at_any_rate(label, fps, length_s):
    speech = speech_of([(SILENCE, 0.5), ("AA", 0.15), (label, length_s), ("AA", 0.15), (SILENCE, 0.5)])
    clip = mouth(speech, fps)
    phone = speech.phones[2]
    near = np.abs(np.arange(len(clip)) / float(clip.fps) - phone.start_s - 0.35 * length_s) <= 0.5 / float(fps) + 1e-6
    assert np.any(opening(clip)[near] <= 1e-6)
    assert clip.channel("mouthPressLeft")[near].max() > 0.25
    assert clip.channel("mouthLowerDownLeft")[near].min() < 0.02


def test_every_bilabial_of_a_minute_seals_and_mouth_close_never_exceeds_the_jaw():
    speech = minute_of_talk()
    clip = mouth(speech, 25, Direction(mood="happy", energy=1.5))
    times = np.arange(len(clip)) / 25
    for phone in speech.phones:
        if phone.label in "PBM":
            near = np.abs(times - (phone.start_s + phone.end_s) / 2) <= 0.06
            assert opening(clip)[near].min() <= 1e-6
    assert np.all(clip.channel("mouthClose") <= clip.channel("jawOpen"))


@pytest.mark.parametrize("label", ["AA", "AE"])
def test_stressed_open_vowels_open_the_mouth(label):
    assert 0.35 <= opening(mouth(word("T", label, "T", length_s=0.14))).max() <= 0.65


def test_vowels_open_in_their_natural_order():
    peaks = [opening(mouth(word("T", label, "T", length_s=0.15))).max() for label in ("AA", "EH", "IH", "UW")]
    assert peaks == sorted(peaks, reverse=True) and peaks[0] > 2 * peaks[-1]


@pytest.mark.parametrize("label", ["UW", "OW", "W", "SH"])
def test_rounded_sounds_round_and_spread_ones_do_not(label):
    rounded = word(label, "IY", "T")
    clip = mouth(rounded)
    rounding = clip.channel("mouthPucker") + clip.channel("mouthFunnel")
    assert rounding[during(clip, rounded, label)].max() > 0.5
    spread = word("T", "IY", "T")
    clip = mouth(spread)
    assert (clip.channel("mouthPucker") + clip.channel("mouthFunnel")).max() < 0.1
    assert clip.channel("mouthStretchLeft").max() > 0.12


def test_rounding_comes_before_the_vowel_and_passes_through_tongue_sounds():
    speech = word("S", "T", "R", "UW", length_s=0.08)
    clip = mouth(speech, 100)
    pucker = clip.channel("mouthPucker")
    assert pucker[during(clip, speech, "T")].max() > 0.15


def test_tongue_sounds_borrow_their_neighbours_lips():
    round_t, spread_t = word("UW", "T", "UW"), word("IY", "T", "IY")
    pucker = [mouth(s).channel("mouthPucker")[during(mouth(s), s, "T")].mean() for s in (round_t, spread_t)]
    assert pucker[0] > 0.3 and pucker[1] < 0.02


@pytest.mark.parametrize("label", ["F", "V"])
def test_labiodentals_bring_the_lower_lip_to_the_teeth(label):
    speech = word("AA", label, "AA")
    clip = mouth(speech)
    inside = during(clip, speech, label)
    touch = clip.channel("mouthRollLower")[inside].argmax()
    assert clip.channel("mouthRollLower")[inside][touch] > 0.5
    assert clip.channel("jawOpen")[inside][touch] <= 0.085
    assert clip.channel("mouthUpperUpLeft")[inside][touch] > 0.1 and clip.channel("mouthClose")[inside][touch] == 0


@pytest.mark.parametrize("label", ["S", "Z", "SH", "CH"])
def test_sibilants_narrow_the_jaw_between_open_vowels(label):
    speech = word("AA", label, "AA")
    clip = mouth(speech)
    assert clip.channel("jawOpen")[during(clip, speech, label)].min() <= 0.13


@pytest.mark.parametrize("label", ["T", "D"])
def test_the_jaw_comes_up_for_the_tip_of_the_tongue_between_open_vowels(label):
    speech = speech_of([(SILENCE, 0.5), ("AA", 0.15), (label, 0.09), ("AA", 0.15), (SILENCE, 0.5)])
    clip = mouth(speech, 50)
    jaw = clip.channel("jawOpen")
    assert jaw[during(clip, speech, label)].min() < 0.24 < 0.4 < jaw.max()


def test_a_very_short_obstruent_does_not_move_the_jaw_as_a_long_one_does():
    dips = []
    for length_s in (0.02, 0.1):
        speech = speech_of([(SILENCE, 0.5), ("AA", 0.15), ("D", length_s), ("AA", 0.15), (SILENCE, 0.5)])
        clip = mouth(speech, 100)
        jaw = clip.channel("jawOpen")
        dips.append(jaw.max() - jaw[during(clip, speech, "D")].min())
    assert dips[0] < 0.5 * dips[1]


def test_h_takes_the_shape_of_the_next_vowel():
    speech = word("HH", "UW", "T")
    clip = mouth(speech)
    assert clip.channel("mouthPucker")[during(clip, speech, "HH")].max() > 0.4


def test_diphthongs_move_from_one_shape_to_another():
    speech = word("T", "AW", "T", length_s=0.2)
    clip = mouth(speech, 100)
    inside = np.flatnonzero(during(clip, speech, "AW"))
    first, last = inside[len(inside) // 4], inside[9 * len(inside) // 10]
    assert clip.channel("jawOpen")[first] > clip.channel("jawOpen")[last]
    assert clip.channel("mouthPucker")[last] > clip.channel("mouthPucker")[first] + 0.1


def test_the_mouth_starts_before_the_sound_and_rests_in_silence():
    speech = speech_of([(SILENCE, 1.0), ("AA", 0.2), (SILENCE, 1.0)])
    clip = mouth(speech, 100)
    lips = opening(clip)
    assert 0.02 < lips[95] < 0.4
    assert lips[:80].max() < 0.01 and lips[150:].max() < 0.01
    mouth_columns = [column for name in SHAPE_CHANNELS for column in channel_columns(name)]
    assert clip.channels[160:, mouth_columns].max() < 0.01


def test_loud_vowels_open_wider_than_soft_ones_but_not_in_proportion():
    speech = speech_of([(SILENCE, 0.5), *[("AA", 0.15), ("T", 0.08)] * 8, (SILENCE, 0.5)])
    speech.energy_db[: len(speech.energy_db) // 2] -= 15.0
    lips = opening(mouth(speech))
    half = len(lips) // 2
    soft, loud = lips[:half].max(), lips[half:].max()
    assert 1.15 < loud / soft < 2.2


def test_breath_parts_the_lips_before_a_phrase_and_only_when_asked():
    speech = speech_of([("AA", 0.3), (SILENCE, 1.5), ("AA", 0.3), (SILENCE, 0.3)])
    pause = slice(30, 34)
    breathing, held = mouth(speech, 25, Direction()), mouth(speech, 25, QUIET)
    assert breathing.channel("jawOpen")[36:43].max() > 0.03 > held.channel("jawOpen")[36:43].max()
    assert breathing.channel("jawOpen")[pause].max() < 0.08


def test_a_breath_one_can_hear_is_drawn_when_it_is_heard():
    speech = speech_of([("AA", 0.3), (SILENCE, 0.4), ("BREATH", 0.4), (SILENCE, 0.9), ("AA", 0.3), (SILENCE, 0.3)])
    jaw = mouth(speech, 50, Direction()).channel("jawOpen") - mouth(speech, 50, QUIET).channel("jawOpen")
    assert 0.7 <= jaw.argmax() / 50 <= 1.1 and jaw.max() > 0.05
    assert jaw[65:].max() < 0.005


def hurried_talk(seconds: float = 20.0):
    """Closures as dense as in "a big brown map of Panama": every other sound is one."""
    rng = np.random.default_rng(0)
    pairs = [(rng.choice(list("PBMFVSTD")), rng.choice(["AA", "IY", "UW", "AE", "ER"])) for _ in range(int(seconds / 0.16))]
    return speech_of([(SILENCE, 0.5), *((sound, rng.uniform(0.05, 0.11)) for pair in pairs for sound in pair), (SILENCE, 0.5)])


@pytest.mark.parametrize("fps", [25, 30, 60])
def test_lip_curves_are_smooth_enough_not_to_flicker(fps):
    lips = mouth(hurried_talk(), fps).channels[:, LIP_CHANNELS]
    assert band_shares(lips, fps, (0.0, 8.0, fps))[1] < 0.02


def test_a_frame_shows_its_whole_time_not_its_first_moment():
    fine_s, frames_s = np.arange(1000) / 1000, np.arange(1, 24) / 25
    assert np.allclose(exposed(3.0 + 2.0 * fine_s, fine_s, frames_s), 3.0 + 2.0 * frames_s)
    assert np.ptp(exposed(np.sin(2.0 * np.pi * 24.0 * fine_s), fine_s, frames_s)) < 0.2


@pytest.mark.parametrize("order", [("V", "P"), ("B", "F")])
def test_lips_that_touch_the_teeth_and_then_each_other_do_both(order):
    speech = speech_of([(SILENCE, 0.5), ("AA", 0.1), (order[0], 0.06), (order[1], 0.06), ("AA", 0.1), (SILENCE, 0.5)])
    clip = mouth(speech, 50)
    (touch,) = set(order) & {"F", "V"}
    assert clip.channel("mouthRollLower")[during(clip, speech, touch)].max() > 0.55
    (seal,) = set(order) - {touch}
    assert opening(clip)[during(clip, speech, seal)].min() <= 1e-6


@pytest.mark.parametrize("fps", [25, 30])
def test_a_v_shortly_after_a_p_shows_its_touch_whole(fps):
    speech = speech_of([(SILENCE, 0.5), ("AA", 0.1), ("P", 0.06), ("AH", 0.05), ("V", 0.05), ("P", 0.1), ("AA", 0.1), (SILENCE, 0.5)])
    clip = mouth(speech, fps)
    near = np.argmax(clip.channel("mouthRollLower") * (clip.channel("mouthRollUpper") < 0.25))
    assert clip.channel("mouthRollLower")[near] > 0.55 and clip.channel("mouthRollUpper")[near] < 0.06
    assert opening(clip)[during(clip, speech, "P")].min() <= 1e-6


def test_the_viseme_table_knows_every_sound_and_only_real_channels():
    assert len(VISEMES) == 41 and VOWELS < set(VISEMES)
    for visemes in VISEMES.values():
        for viseme in visemes:
            assert set(viseme.shape) <= set(SHAPE_CHANNELS)
            assert all(0 <= value <= 1 for value in viseme.shape.values())
    assert all(column in CHANNEL_INDEX.values() for name in SHAPE_CHANNELS for column in channel_columns(name))


@settings(max_examples=40, deadline=None)
@given(st.floats(0.0, 2.0), st.floats(0.005, 0.3), st.sampled_from([12.0, 23.976, 25.0, 60.0]))
def test_a_gate_is_shut_on_some_frame_and_open_far_away(start_s, length_s, fps):
    times = np.arange(int(3 * fps)) / fps
    shut = gate([Phone("P", start_s, start_s + length_s)], "P", times)
    assert shut.max() == 1.0 and shut.min() >= 0.0
    assert not shut[(times < start_s - 0.15) | (times > start_s + length_s + 0.15)].any()


labels = st.lists(
    st.tuples(st.sampled_from(sorted(VISEMES) + [SILENCE, "NOISE", "BREATH"]), st.floats(0.01, 0.4)), min_size=1, max_size=20
)


@settings(max_examples=40, deadline=None)
@given(labels, st.sampled_from([Fraction(25), Fraction(24000, 1001), Fraction(60)]))
def test_any_phones_give_a_valid_clip(phones, fps):
    speech = speech_of([(SILENCE, 0.2), *phones])
    clip = generate_motion(speech, Direction(energy=2.0, jaw=2.0, lips=2.0, mood="surprised"), seed=1, fps=fps)
    clip.check()
    assert clip.channels.min() >= 0.0 and clip.channels.max() <= 1.0
    assert np.all(clip.channel("mouthClose") <= clip.channel("jawOpen"))
