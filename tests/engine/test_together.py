"""Lips that are apart in the picture: they come together to speak, and part again when all is said."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from motion_speech import speech_of

from soliloquy.common.channels import SEALED_ROLL, TOGETHER
from soliloquy.engine.audio.speech import HEARD_HOP_S
from soliloquy.engine.export.live_link import read_live_link_csv, write_live_link_csv
from soliloquy.engine.live.ear import SILENCE
from soliloquy.engine.live.mouth import LiveMouth
from soliloquy.engine.measure.bench import Bench
from soliloquy.engine.measure.lips_apart import lip_gap_iod
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.motion.direction import Direction
from soliloquy.engine.motion.generate import generate_motion
from soliloquy.engine.motion.together import HELD_S, lips_together, together_of_mouth
from soliloquy.engine.render.render import render

FPS = Fraction(50)


def at(seconds: float) -> int:
    return round(seconds * FPS)


def test_lips_are_together_before_the_first_sound_and_return_after_the_last():
    phones = speech_of([("SIL", 1.0), ("S", 0.1), ("IY", 0.2), ("SIL", 2.5)]).phones
    together = lips_together(phones, np.arange(0.0, 3.8, 0.01))
    assert (together[100:230] == 1.0).all()
    assert not together[:79].any() and not together[272:].any()
    assert (np.diff(together[80:101]) >= 0).all() and (np.diff(together[230:272]) <= 0).all()
    assert np.abs(np.diff(together)).max() < 0.1, "nothing jumps"


@pytest.mark.parametrize("pause_s, parts", [(0.6, False), (HELD_S + 1.0, True)])
def test_they_part_in_long_pauses_only(pause_s, parts):
    phones = speech_of([("AA", 0.3), ("SIL", pause_s), ("AA", 0.3)]).phones
    together = lips_together(phones, np.arange(0.0, 0.6 + pause_s, 0.01))
    assert (together.min() < 0.01) == parts


def test_a_performance_brings_them_together_as_far_as_lips_may_move():
    speech = speech_of([("SIL", 0.6), ("AA", 0.3), ("M", 0.15), ("AA", 0.3), ("SIL", 0.6)])
    clip, half = (generate_motion(speech, Direction(lips=lips), seed=1, fps=FPS) for lips in (1.0, 0.5))
    assert not clip.own[: at(0.3), TOGETHER].any() and (clip.own[at(0.62) : at(1.3), TOGETHER] == 1.0).all()
    assert half.own[at(0.8), TOGETHER] == pytest.approx(0.5)
    assert half.own[at(0.98), TOGETHER] == pytest.approx(half.channel("mouthRollUpper")[at(0.98)] / SEALED_ROLL, abs=0.02)


def test_of_a_mouth_that_moves_it_is_known_that_somebody_speaks(tmp_path):
    """A performance that went through a file of ARKit's channels alone, and a smile, which is no speech."""
    speech = speech_of([("SIL", 1.6), ("B", 0.1), ("AA", 0.3), ("S", 0.12), ("IY", 0.3), ("M", 0.15), ("AA", 0.3), ("SIL", 2.0)])
    clip = generate_motion(speech, Direction(breath=0.0), seed=1, fps=FPS)
    write_live_link_csv(clip, tmp_path / "talk.csv")
    together = read_live_link_csv(tmp_path / "talk.csv", fps=FPS).own[:, TOGETHER]
    assert (together[at(1.7) : at(2.8)] > 0.99).all() and not together[: at(1.2)].any() and not together[at(4.4) :].any()
    assert np.abs(together - clip.own[:, TOGETHER]).mean() < 0.05
    smile = MotionClip.neutral(50, FPS)
    smile.channel("mouthSmileLeft")[:] = smile.channel("mouthSmileRight")[:] = 0.8
    smile.channel("jawOpen")[20:22] = 0.2
    assert not together_of_mouth(smile.channels, 50.0).any(), "and a blip of two frames is none either"


def test_a_smile_that_shows_teeth_speaks_from_closed_lips(astronaut, hopper, detector):
    clip = MotionClip.neutral(3)
    clip.own[1:, TOGETHER] = 1.0
    clip.channel("jawOpen")[2] = 0.3
    smiling, closed = (lip_gap_iod(Bench(portrait, detector, render=render), clip, stage="test") for portrait in (astronaut, hopper))
    assert smiling[0] > 0.08 and smiling[1] < 0.035
    assert abs(closed[1] - closed[0]) < 0.003, "closed lips stay as they are"
    assert abs(smiling[2] - closed[2]) < 0.4 * smiling[0], "the same jaw opens both about alike, and not by the smile's gap more"


def test_live_they_come_together_at_once_and_part_after_a_while():
    mouth, said = LiveMouth(), replace(SILENCE, said=1.0, audible=True, level_db=0.0)

    def after(heard, seconds):
        for _ in range(round(seconds / HEARD_HOP_S)):
            mouth.step(heard)
        return mouth.together

    assert after(SILENCE, 0.5) == 0.0
    assert after(said, 0.1) == 1.0
    assert after(SILENCE, 0.9 * HELD_S) == 1.0
    assert after(SILENCE, 0.6) == 0.0
