"""A live performance follows its direction by the clock: keys over time, listening; and reacts to breaths and laughter it hears."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from soliloquy.engine.audio.decode import SAMPLE_RATE_HZ
from soliloquy.engine.audio.mel import MEL_BANDS
from soliloquy.engine.live.course import LiveCourse
from soliloquy.engine.live.ear import Heard
from soliloquy.engine.live.head import LiveHead
from soliloquy.engine.live.moments import Moments
from soliloquy.engine.live.performance import LivePerformance
from soliloquy.engine.live.reactions import LiveReactions, laughing_face
from soliloquy.engine.motion.clip import CHANNEL_INDEX
from soliloquy.engine.motion.course import gaze_course, number_course
from soliloquy.engine.motion.direction import Direction
from soliloquy.engine.motion.generate import LEANING_S

HOP_S = 0.02


def quiet_frames(direction: Direction, seconds: float, fps: int = 10):
    """Frames of a room in which nobody speaks."""
    performance = LivePerformance(direction, seed=1, fps=Fraction(fps))
    room = np.random.default_rng(0).normal(0.0, 1e-4, round(seconds * SAMPLE_RATE_HZ)).astype(np.float32)
    return list(performance.push(room))


def test_the_courses_are_the_offline_ones():
    direction = Direction().with_settings({"distance_over_time": "0:1, 2:1, 2.5:0.7", "gaze_over_time": "0:0/0, 1:0/0, 1.01:20/-10"})
    times_s = np.arange(0, 500) / 100
    course = LiveCourse(direction)
    offline = number_course(direction.distance_over_time, 1.0, times_s, LEANING_S)
    assert np.allclose([course.distance(t) for t in times_s[50:450]], offline[50:450], atol=0.003)
    eyes = gaze_course(direction.gaze_over_time, (0.0, 0.0), times_s, 0.04)
    assert np.abs([course.eyes_target_deg(t) for t in times_s[::7]] - eyes[::7]).max() < 3.0, "a saccade takes 40 ms"
    assert LiveCourse(Direction(energy=1.3)).energy(5.0) == 1.3


def test_targets_and_distance_move_by_the_clock():
    direction = Direction(aversion=False, head=0.0, blinks=0.0).with_settings(
        {"gaze_over_time": "0:0/0, 1.5:0/0, 1.51:20/0", "distance_over_time": "0:1, 1:1, 2:0.8"})
    frames = quiet_frames(direction, 3.5)
    looks = np.array([frame.gaze_deg[:, 0].mean() + frame.head_rotation_deg[0] for frame in frames])
    assert abs(np.median(looks[3:13])) < 2.0 and abs(np.median(looks[22:]) - 20.0) < 2.0
    nearer = np.array([frame.head_translation_m[2] for frame in frames])
    assert abs(nearer[3]) < 0.005 and nearer[-2] == pytest.approx(0.2, abs=0.005)
    assert frames[-2].head_rotation_deg[0] == pytest.approx(0.35 * 20.0, abs=0.3)


def test_energy_changes_the_head_from_its_key_on():
    courses = ("0:0.5", "0:0.5, 1.5:0.5, 2:2")
    calm, lively = (quiet_frames(Direction(breath=0.0).with_settings({"energy_over_time": keys}), 3.5) for keys in courses)
    apart = [np.abs(one.head_rotation_deg - other.head_rotation_deg).max() for one, other in zip(calm, lively)]
    assert max(apart[:10]) < 0.05 and max(apart[24:]) > 0.5


def still_head(listens: bool, seconds: float) -> np.ndarray:
    """(T,) pitch that nods give a head in silence."""
    head, pitches = LiveHead(3), []
    for hop in range(round(seconds / HOP_S)):
        head.step(hop * HOP_S, Moments(pause_s=1.0), 0.0, listens=listens)
        pitches.append(head.rotation(np.zeros((1, 3)), np.array([hop * HOP_S]), 1.0)[0, 1])
    return np.array(pitches)


def test_who_listens_nods_and_who_is_alone_does_not():
    assert still_head(True, 20.0).min() < -1.5
    assert not still_head(False, 20.0).any()


def test_a_long_silence_does_not_freeze_the_body():
    head = LiveHead(3)
    for hop in range(1500):
        head.step(hop * HOP_S, Moments(pause_s=1.0 + hop * HOP_S), 0.0)
    postures = head.rotation(np.zeros((1, 3)), np.array([30.0]), 1.0)
    assert np.abs(postures).max() > 0.5


def hop(level_db: float, *, breath: float = 0.0, laughter: float = 0.0) -> Heard:
    power = np.full(MEL_BANDS, 10 ** (level_db / 10), np.float32)
    return Heard(0.0, 0.0, 0.0, 0.0, 0.0, level_db, level_db > -40.0, breath, laughter, power)


def test_a_breath_counts_once_when_it_has_lasted():
    reactions, began = LiveReactions(), []
    for number in range(60):
        breathes = number == 10 or 20 <= number < 45
        reactions.step(number * HOP_S, hop(-25.0, breath=0.9 * breathes), False, 0.0)
        began.append(reactions.breath_begins)
    assert np.flatnonzero(began).tolist() == [24]


def test_laughter_takes_hold_of_the_face_and_lets_go():
    reactions, amounts, notes = LiveReactions(), [], 0
    for number in range(250):
        laughs = 50 <= number < 130
        level_db = -70.0 if not laughs else -3.0 if number % 11 < 4 else -30.0
        amounts.append(reactions.step(number * HOP_S, hop(level_db, laughter=0.9 * laughs), laughs, 0.0))
        notes += reactions.note_begins
    assert max(amounts[:64]) == 0.0, "half a second must be heard"
    assert amounts[110] > 0.9 and amounts[-1] < 1e-9 and 3 <= notes <= 9
    assert np.abs(np.diff(amounts, 2)).max() < 0.012, "without a corner"
    face = laughing_face(1.0).channels[0]
    assert face[CHANNEL_INDEX["mouthSmileLeft"]] > 0.5 and face[CHANNEL_INDEX["cheekSquintRight"]] > 0.5
