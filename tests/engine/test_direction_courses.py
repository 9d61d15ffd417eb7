"""What a direction asks for over time: targets of the look, distance and energy that follow their keys."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from motion_speech import minute_of_talk

from soliloquy.engine.errors import InputError
from soliloquy.engine.motion.direction import Direction
from soliloquy.engine.motion.generate import generate_motion

TALK = minute_of_talk(20.0)


def take(direction: Direction, fps: int = 25):
    return generate_motion(TALK, direction, seed=5, fps=Fraction(fps))


def test_a_moving_target_is_followed_by_the_eyes_and_later_by_the_head():
    direction = Direction(aversion=False, head=0.0).with_settings({"gaze_over_time": "0:0/0, 5:0/0, 5.01:30/-10, 12:30/-10, 16:-20/5"})
    clip = take(direction, fps=100)
    in_space = clip.gaze_deg.mean(axis=1) + clip.head_rotation_deg[:, :2]
    assert np.allclose(np.median(in_space[700:1150], axis=0), (30.0, -10.0), atol=2.0)
    assert np.allclose(np.median(in_space[1650:], axis=0), (-20.0, 5.0), atol=2.0)
    assert in_space[1400, 0] == pytest.approx(5.0, abs=4.0)
    arrived = [int(np.argmax(curve[480:] > 0.5 * curve[800])) for curve in (in_space[:, 0], clip.head_rotation_deg[:, 0])]
    assert 0.05 < (arrived[1] - arrived[0]) / 100 < 0.45
    assert clip.head_rotation_deg[800, 0] == pytest.approx(0.35 * 30.0, abs=0.5)


def test_distance_follows_its_keys():
    clip = take(Direction(head=0.0).with_settings({"distance_over_time": "0:1, 5:1, 8:0.7"}))
    near = -clip.head_translation_m[:, 2]
    assert np.allclose(near[: 4 * 25], 0.0, atol=1e-3) and np.allclose(near[10 * 25 :], -0.3, atol=1e-3)
    assert np.abs(np.diff(near, 2)).max() < 0.002


def test_energy_over_time_only_touches_its_time():
    plain, lively = take(Direction()), take(Direction().with_settings({"energy_over_time": "0:1, 10:1, 12:2"}))
    assert np.allclose(plain.channels[: 9 * 25], lively.channels[: 9 * 25], atol=1e-3)
    assert lively.channel("jawOpen")[13 * 25 :].mean() > 1.1 * plain.channel("jawOpen")[13 * 25 :].mean()
    assert lively.head_rotation_deg[13 * 25 :].std() > 1.1 * plain.head_rotation_deg[13 * 25 :].std()


@pytest.mark.parametrize(
    "settings_, words",
    [
        ({"gaze_over_time": "1:20"}, "seconds:yaw/pitch"),
        ({"gaze_over_time": "1:90/0"}, "gaze_yaw"),
        ({"distance_over_time": "1:9"}, "distance"),
        ({"energy_over_time": "1:much"}, "seconds:value"),
        ({"listening": "5-2"}, "start-end"),
        ({"listening": 7}, "must be text"),
    ],
)
def test_impossible_courses_are_refused_with_help(settings_, words):
    with pytest.raises(InputError, match=words):
        Direction().with_settings(settings_)
