"""Head, blinks, gaze and brows keep to the figures of docs/measures.md (rows 9 - 12), over several takes."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from motion_speech import minute_of_talk, speech_of
from scipy.signal import welch

from soliloquy.engine.audio.speech import SILENCE
from soliloquy.engine.measure.signals import log_normal_probability
from soliloquy.engine.motion.blinks import plan_blinks
from soliloquy.engine.motion.clip import EYE_LOOK_COLUMNS, eye_look_from_gaze
from soliloquy.engine.motion.direction import Direction, load_direction
from soliloquy.engine.motion.gaze import eyes_in_head, head_follow, plan_shifts, shift_curve
from soliloquy.engine.motion.generate import generate_motion
from soliloquy.engine.motion.prosody import read_prosody

SEEDS = range(6)


@pytest.fixture(scope="module")
def talk():
    return minute_of_talk(90.0)


@pytest.fixture(scope="module")
def takes(talk):
    return [generate_motion(talk, load_direction("neutral"), seed=seed, fps=Fraction(25)) for seed in SEEDS]


def blink_starts_s(clip):
    lid = clip.channel("eyeBlinkLeft")
    return np.flatnonzero((lid[1:] >= 0.5) & (lid[:-1] < 0.5)) / 25


def test_head_moves_as_far_and_as_fast_as_a_speakers(takes):
    spread = np.mean([clip.head_rotation_deg.std(axis=0) for clip in takes], axis=0)
    assert 3.0 <= spread[0] <= 9.0 and 3.0 <= spread[1] <= 6.0 and 2.0 <= spread[2] <= 4.0
    per_frame = np.mean([np.abs(np.diff(clip.head_rotation_deg, axis=0)).mean() for clip in takes])
    assert 0.40 <= per_frame <= 0.55


def test_head_movement_is_mostly_slow(takes):
    shares = []
    for clip in takes:
        frequency, power = welch(clip.head_rotation_deg, 25, nperseg=256, axis=0)
        power = power[1:].sum(axis=1)
        frequency = frequency[1:]
        shares.append(
            [power[frequency < 1].sum(), power[(frequency >= 1) & (frequency < 2)].sum(), power[frequency > 5].sum()]
            / power.sum()
        )
    slow, middle, fast = np.mean(shares, axis=0)
    assert 0.75 <= slow <= 0.90 and 0.08 <= middle <= 0.18 and fast <= 0.02


def test_blinks_come_at_a_speakers_rate_with_log_normal_intervals(takes, talk):
    starts = [blink_starts_s(clip) for clip in takes]
    rate = np.mean([len(s) for s in starts]) / talk.duration_s * 60
    intervals = np.concatenate([np.diff(s) for s in starts])
    assert 15 <= rate <= 30
    assert 0.6 <= intervals.std() / intervals.mean() <= 1.0 and intervals.min() >= 0.3
    logs = np.log(intervals)
    assert abs(np.mean(((logs - logs.mean()) / logs.std()) ** 3)) < 0.8


def test_intervals_spread_as_a_filmed_speakers_do(talk):
    """The man of head68: coefficient of variation .69, longest 10.1 s of 159 (docs/models.md)."""
    prosody = read_prosody(talk)
    starts = [[b.start_s for b in plan_blinks(prosody, plan_shifts(prosody, seed), seed, 22.0, 0.04)] for seed in range(40)]
    intervals = np.concatenate([np.diff(times) for times in starts])
    assert 0.62 <= intervals.std() / intervals.mean() <= 0.75
    assert 7.5 < intervals.max() <= 13.0
    assert np.mean(intervals > 8.0) < 0.04
    assert np.mean([len(times) for times in starts]) / talk.duration_s * 60 == pytest.approx(22.0, abs=1.5)
    samples = [log_normal_probability(intervals[first : first + 85]) for first in range(0, len(intervals) - 85, 85)]
    assert np.mean(np.array(samples) >= 0.05) > 0.85


def test_blinks_fall_fast_rise_slowly_and_full_ones_shut(talk):
    clip = generate_motion(talk, Direction(), seed=3, fps=Fraction(100))
    lid = clip.channel("eyeBlinkLeft")
    assert np.array_equal(lid, clip.channel("eyeBlinkRight"))
    full = [i for i in np.flatnonzero(np.diff((lid > 0.99).astype(int)) == 1) if 20 < i < len(lid) - 40]
    assert len(full) >= 5
    for peak in full:
        down = peak - np.flatnonzero(lid[:peak] < 0.05)[-1]
        up = np.flatnonzero(lid[peak:] < 0.05)[0]
        assert 4 <= down <= 10 < up <= 30
    at_25 = generate_motion(talk, Direction(), seed=3, fps=Fraction(25)).channel("eyeBlinkLeft")
    assert np.sum(at_25 > 0.95) >= len(full)


def test_blinks_prefer_pauses(takes, talk):
    near = [
        min(abs(start - pause[0]) for pause in talk.pauses(0.15)) < 0.25 for clip in takes for start in blink_starts_s(clip)
    ]
    pauses = len(talk.pauses(0.15))
    by_chance = min(pauses * 0.5 / talk.duration_s, 1.0)
    assert np.mean(near) > 1.3 * by_chance


def test_takes_differ_in_performance_and_agree_in_lips(takes):
    heads = np.stack([clip.head_rotation_deg for clip in takes])
    assert heads.std(axis=0).mean() / heads.std(axis=1).mean() >= 0.5
    jaws = np.stack([clip.channel("jawOpen") for clip in takes])
    assert jaws.std(axis=0).mean() / jaws.std(axis=1).mean() <= 0.15


def test_same_seed_same_clip(talk, takes):
    again = generate_motion(talk, load_direction("neutral"), seed=0, fps=Fraction(25))
    for field in ("channels", "head_rotation_deg", "head_translation_m", "gaze_deg"):
        assert np.array_equal(getattr(again, field), getattr(takes[0], field))
    assert again.provenance == takes[0].provenance


def test_silence_rests_the_mouth_but_not_the_rest():
    speech = speech_of([(SILENCE, 20.0), ("AA", 0.2), (SILENCE, 20.0)])
    clip = generate_motion(speech, Direction(), seed=0, fps=Fraction(25))
    assert clip.channel("jawOpen")[: 18 * 25].max() < 0.01
    assert len(blink_starts_s(clip)) >= 5 and clip.head_rotation_deg.std(axis=0).min() > 1.0


def test_eyes_counter_rotate_the_head_while_they_look_at_something():
    head_deg = np.stack([np.linspace(-15, 15, 31), np.linspace(5, -5, 31), np.linspace(-6, 6, 31)], axis=1)
    eyes = eyes_in_head(np.zeros((31, 2)), head_deg, np.ones(31), 1.0)
    gain = np.polyfit(head_deg[:, 0], eyes[:, 0, 0], 1)[0]
    assert gain == pytest.approx(-1.0, abs=0.05)
    assert np.allclose(eyes[:, 0], eyes[:, 1])


def test_eyes_hold_still_in_space_between_saccades_of_a_whole_take(talk):
    clip = generate_motion(talk, Direction(), seed=2, fps=Fraction(100))
    eyes, head = clip.gaze_deg.mean(axis=1), clip.head_rotation_deg[:, :2]
    fixed = (np.abs(np.diff(eyes + head, axis=0)).max(axis=1) < 0.02) & (clip.channel("eyeBlinkLeft")[1:] < 0.01)
    assert np.mean(fixed) > 0.5
    gain = np.polyfit(np.diff(head, axis=0)[fixed, 0], np.diff(eyes, axis=0)[fixed, 0], 1)[0]
    assert gain == pytest.approx(-1.0, abs=0.05)


def test_the_head_joins_wide_looks_after_the_eyes(talk):
    prosody, times = read_prosody(talk), np.arange(0.0, 90.0, 0.001)
    checked = 0
    for seed in SEEDS:
        shifts = plan_shifts(prosody, seed)
        eyes, head = shift_curve(shifts, times)[:, 0], head_follow(shifts, times)[:, 0]
        for shift in shifts:
            if shift.aversion and abs(shift.yaw_deg) > 8.0 and 1.0 < shift.time_s < 88.0:
                after = slice(int(shift.time_s * 1000), int(shift.time_s * 1000) + 400)
                begun = [int(np.argmax(np.abs(curve[after] - curve[after][0]) > 0.05)) for curve in (eyes, head)]
                assert 50 <= begun[1] - begun[0] <= 200
                checked += 1
    assert checked >= 5


def test_in_a_long_silence_life_goes_on_slowly():
    clip = generate_motion(speech_of([(SILENCE, 60.0)]), Direction(), seed=1, fps=Fraction(25))
    quarters = np.array_split(clip.head_rotation_deg, 4)
    assert all(quarter.std(axis=0).max() > 0.8 for quarter in quarters)
    assert 12 <= len(blink_starts_s(clip)) <= 32
    assert np.sum(np.abs(np.diff(clip.gaze_deg[:, 0] + clip.head_rotation_deg[:, :2], axis=0)).max(axis=1) > 0.5) > 20
    talking = generate_motion(minute_of_talk(60.0), Direction(), seed=1, fps=Fraction(25))
    speeds = [np.abs(np.diff(c.head_rotation_deg, axis=0)).mean() for c in (clip, talking)]
    assert speeds[0] < 0.8 * speeds[1]


def test_held_notes_stay_open_until_they_end():
    speech = speech_of([(SILENCE, 0.5), ("L", 0.1), ("AA", 3.0), ("M", 0.1), ("OW", 2.0), (SILENCE, 0.5)])
    clip = generate_motion(speech, load_direction("singer"), seed=0, fps=Fraction(25))
    jaw = clip.channel("jawOpen") - clip.channel("mouthClose")
    assert jaw[25 : int(3.4 * 25)].min() > 0.75 * jaw[25 : int(3.4 * 25)].max() > 0.3
    assert jaw[int(3.55 * 25) : int(3.75 * 25)].min() < 0.01
    assert clip.channel("mouthPucker")[int(4.2 * 25) : int(5.5 * 25)].min() > 0.3


@pytest.mark.parametrize("pace", [1.0, 1.8, 2.5])
def test_closures_and_touches_survive_fast_speech(talk, pace):
    fast = speech_of([(phone.label, (phone.end_s - phone.start_s) / pace) for phone in talk.phones])
    clip = generate_motion(fast, Direction(), seed=0, fps=Fraction(25))
    gap, seconds = clip.channel("jawOpen") - clip.channel("mouthClose"), np.arange(len(clip)) / 25
    sealed, touched = [], []
    for phone in fast.phones:
        near = np.abs(seconds - (phone.start_s + phone.end_s) / 2) <= 0.04
        if phone.label in "PBM":
            sealed.append(np.any((gap[near] < 0.01) & (clip.channel("mouthRollUpper")[near] > 0.45)))
        elif phone.label in "FV":
            touched.append(np.any((gap[near] < 0.1) & (clip.channel("mouthRollLower")[near] > 0.5)))
    assert np.mean(sealed) >= 0.95 and np.mean(touched) >= 0.90


@pytest.mark.slow
def test_an_hour_takes_flat_memory_and_seconds():
    import tracemalloc

    hour = minute_of_talk(3600.0)
    tracemalloc.start()
    clip = generate_motion(hour, Direction(), seed=0, fps=Fraction(25))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(clip) == math.ceil(hour.duration_s * 25) and peak < 400 * 2**20


def test_eyes_converge_on_near_and_diverge_for_far_targets():
    still = np.zeros((1, 3))
    for distance, inward in ((0.5, 1), (2.0, -1)):
        ((left, right),) = eyes_in_head(np.zeros((1, 2)), still, np.array([distance]), 1.0)
        assert np.sign(right[0] - left[0]) == inward
        expected = 2 * np.degrees(np.arctan(0.0315 / distance) - np.arctan(0.0315))
        assert right[0] - left[0] == pytest.approx(expected)


def test_saccades_follow_the_main_sequence_and_amplitudes_stay_small(talk):
    prosody = read_prosody(talk)
    sizes = []
    for seed in SEEDS:
        shifts = plan_shifts(prosody, seed)
        assert all(before.time_s <= after.time_s for before, after in zip(shifts, shifts[1:]))
        sizes += [np.hypot(s.yaw_deg, s.pitch_deg) for s in shifts if s.aversion]
    assert np.mean(np.array(sizes) <= 15.0) > 0.9
    times = np.arange(0, 5, 0.001)
    curve = shift_curve([s for s in plan_shifts(prosody, 1) if s.time_s < 4.5], times)
    speed = np.abs(np.diff(curve, axis=0)).max() / 0.001
    assert 30 < speed < 800


def test_looks_stay_on_the_target_most_of_the_time(takes):
    on_target = np.mean(
        [np.abs(clip.gaze_deg.mean(axis=1) + clip.head_rotation_deg[:, :2]).max(axis=1) < 4.0 for clip in takes]
    )
    assert 0.6 < on_target < 0.97


def test_eye_look_channels_follow_the_gaze(takes):
    assert np.array_equal(takes[0].channels[:, EYE_LOOK_COLUMNS], eye_look_from_gaze(takes[0].gaze_deg))


def test_brows_rise_with_some_of_the_pitch_rises(takes, talk):
    rises = np.array(read_prosody(talk).rises_s)
    shares, near = [], []
    for clip in takes:
        brow = clip.channel("browInnerUp")
        raised = np.flatnonzero((brow[1:] > 0.12) & (brow[:-1] <= 0.12)) / 25
        shares.append(len(raised) / len(rises))
        near += [np.abs(rises - start).min() < 0.4 for start in raised]
    assert 0.05 < np.mean(shares) < 0.7 and 0.6 < np.mean(near) < 0.9


def test_a_minute_takes_well_under_a_second(talk):
    import time

    generate_motion(talk, Direction(), seed=0, fps=Fraction(25))
    began = time.process_time()
    generate_motion(talk, Direction(), seed=0, fps=Fraction(25))
    assert time.process_time() - began < 1.0
