"""Row 7 tells apart what is spoken: frames in the middle of known sounds, as many of each group, and no group that is not there."""

from __future__ import annotations

from collections import Counter

import numpy as np
from motion_speech import speech_of

from soliloquy.engine.measure.reference import FPS, MORE_SENTENCES, SENTENCES, understood
from soliloquy.engine.measure.spoken import GROUPS, Spoken, one_after_the_other
from soliloquy.engine.measure.viseme_table import viseme_table
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.motion.direction import load_direction
from soliloquy.engine.motion.generate import generate_motion


def performed(sounds):
    clip = MotionClip.neutral(100, FPS)
    clip.channels[:, 0] = np.arange(100) / 100.0
    return Spoken.of_performance(speech_of(sounds), clip)


def test_a_sound_is_shown_by_the_frame_in_its_middle():
    spoken = performed([("SIL", 0.2), ("P", 0.08), ("AA", 0.2), ("L", 0.1), ("SH", 0.12), ("SIL", 0.2)])
    assert spoken.groups.tolist() == ["p b m", "open", "hush"]
    assert np.allclose(spoken.clip.channels[:, 0], [0.06, 0.10 - 0.01, 0.16], atol=0.011)


def test_groups_are_cut_to_the_same_size_and_rare_ones_left_out():
    spoken = performed([("SIL", 0.1)] + [("P", 0.1), ("AA", 0.1)] * 9 + [("SH", 0.1)] * 2).of_each_group(3, 5)
    assert Counter(spoken.groups) == {"p b m": 5, "open": 5}
    assert (np.diff(spoken.clip.channels[:, 0]) > 0.0).all(), "in the order in which they are spoken"


def test_the_reference_says_thirty_sounds_of_every_group():
    spoken = []
    for sentences in (SENTENCES, MORE_SENTENCES):
        speech, _ = understood(sentences)
        spoken.append(Spoken.of_performance(speech, generate_motion(speech, load_direction(), seed=0, fps=FPS)))
    count = Counter(one_after_the_other(spoken).groups)
    assert set(count) == set(GROUPS) and min(count.values()) >= 30, count


def test_only_groups_that_are_spoken_are_told_apart():
    table = viseme_table()
    fewer = table.of_groups({"open", "round", "p b m"})
    assert set(fewer.group) == {"open", "round", "p b m"} and set(fewer.source) == set(table.source)
    lesson, groups = fewer.lesson("curves")
    assert len(lesson) == len(groups) == np.isin(table.group, ["open", "round", "p b m"]).sum()
    assert np.abs(lesson.mean(axis=0)).max() < 1e-9
