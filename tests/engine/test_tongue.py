"""The tongue: what sounds ask of it, how clips carry it, where the portrait's own goes, and that it is seen."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction

import cv2
import numpy as np
import pytest
import torch
from motion_speech import speech_of

from soliloquy.common.channels import RIG_CHANNELS, OWN_CHANNELS
from soliloquy.engine.audio.sounds import LABEL_OF, classes_of_ipa
from soliloquy.engine.audio.speech import Phone
from soliloquy.engine.errors import FormatError
from soliloquy.engine.motion.clip import CHANNEL_INDEX, MotionClip
from soliloquy.engine.motion.direction import Direction
from soliloquy.engine.motion.generate import generate_motion
from soliloquy.engine.motion.tongue import tongue_curves, tongue_of_jaw
from soliloquy.engine.motion.visemes import VISEMES
from soliloquy.engine.portrait.fit import PUPIL_DISTANCE_M
from soliloquy.engine.portrait.mouth import mouth_asset
from soliloquy.engine.portrait.portrait import Portrait
from soliloquy.engine.render.mouthlight import behind_pout
from soliloquy.engine.render.pose import Poser
from soliloquy.engine.render.render import render

UP, BACK = range(2)


def at_middle(label: str, jaw: float = 0.2, before: str = "SIL") -> tuple[float, float, float]:
    """tongueUp, tongueBack and tongueOut in the middle of a sound of 120 ms."""
    phones = [Phone(before, 0.0, 0.3), Phone(label, 0.3, 0.42), Phone("SIL", 0.42, 0.8)]
    tongue, out = tongue_curves(phones, np.full(3, jaw), np.array([0.32, 0.36, 0.4]))
    return float(tongue[1, UP]), float(tongue[1, BACK]), float(out[1])


def moved(**values: float) -> MotionClip:
    clip = MotionClip.neutral(1)
    for name, value in values.items():
        if name in OWN_CHANNELS:
            clip.own[0, OWN_CHANNELS.index(name)] = value
        else:
            clip.channels[0, CHANNEL_INDEX[name]] = value
    return clip


def tip(portrait: Portrait, **values: float) -> np.ndarray:
    """Where the tongue's tip is (3,), in picture space."""
    posed = next(Poser(portrait).pose(moved(**values), 0, 1))
    foremost = portrait.parts["tongue"].vertices[:, 2].argmax()
    return posed.vertices["tongue"][foremost]


@pytest.mark.parametrize("word, expected", [("l", "up"), ("n", "up"), ("t", "up"), ("d", "up"), ("r", "up"), ("ɲ", "up"), ("ɾ", "up"),
                                            ("θ", "out"), ("ð", "out"), ("a", "back"), ("ɑ", "back"), ("ɔ", "back"), ("x", "back"),
                                            ("ʁ", "back"), ("k", "back"), ("ʃ", "up"), ("s", "up"), ("ts", "up"), ("ɹ", "up")])
def test_sounds_of_all_languages_put_the_tongue_where_it_belongs(word, expected):
    up, back, out = at_middle(LABEL_OF[classes_of_ipa(word)[0]])
    assert expected == ("out" if out > 0.2 else "up" if up > back else "back")
    assert max(up, back, out) > 0.25


def test_no_sound_of_any_language_is_unknown_and_silence_rests():
    for label in LABEL_OF.values():
        assert all(0 <= value <= 1 for value in at_middle(label))
    assert at_middle("SIL") == (0, 0, 0) and at_middle("BREATH") == (0, 0, 0)


@pytest.mark.parametrize("front, back, spread", [("y", "u", "i"), ("ø", "o", "e"), ("œ", "ɔ", "ɛ")])
def test_front_rounded_vowels_have_the_tongue_of_spread_ones_and_the_lips_of_round_ones(front, back, spread):
    labels = [LABEL_OF[classes_of_ipa(ipa)[0]] for ipa in (front, back, spread)]
    drawn_back = [at_middle(label)[1] for label in labels]
    assert drawn_back[0] <= drawn_back[2] + 0.01 and drawn_back[0] < drawn_back[1]
    round_lips = [VISEMES[label][0].shape.get("mouthPucker", 0.0) for label in labels]
    assert round_lips[0] > 0.2 + round_lips[2]


def test_lips_leave_the_tongue_to_the_neighbours():
    assert at_middle("P") == at_middle("M") == (0, 0, 0)
    phones = [Phone("AA", 0.0, 0.3), Phone("B", 0.3, 0.34), Phone("AA", 0.34, 0.6)]
    tongue, _ = tongue_curves(phones, np.full(1, 0.1), np.array([0.32]))
    assert tongue[0, BACK] > 0.5


def test_the_wider_the_jaw_the_further_the_tip_rises():
    assert at_middle("L", jaw=0.4)[0] > at_middle("L", jaw=0.1)[0] + 0.2


def test_of_a_jaw_alone_only_lowering_is_known():
    tongue = tongue_of_jaw(np.array([0.0, 0.1, 0.4, 1.0]))
    assert not tongue[:, UP].any() and not tongue[:2, BACK].any() and 0 < tongue[2, BACK] < tongue[3, BACK] <= 1


def test_a_performance_moves_the_tongue_and_obeys_the_amount_of_the_lips():
    speech = speech_of([("SIL", 0.3), ("L", 0.1), ("AA", 0.3), ("N", 0.1), ("AA", 0.3), ("TH", 0.12), ("SIL", 0.3)])
    clip = generate_motion(speech, Direction(), seed=1, fps=Fraction(50))
    assert clip.own.shape == (len(clip), len(OWN_CHANNELS)) and clip.own[:, UP].max() > 0.5 and clip.own[:, BACK].max() > 0.6
    assert clip.channel("tongueOut")[round(1.16 * 50)] > 0.25
    assert not generate_motion(speech, Direction(lips=0.0), seed=1, fps=Fraction(50)).own.any()


def test_clips_keep_what_is_our_own_and_old_ones_have_what_their_channels_tell(tmp_path):
    clip = MotionClip.neutral(3)
    clip.channel("mouthRollUpper")[2] = 0.25
    clip.own[1] = (0.25, 0.5, 0.75)
    clip.save(tmp_path / "a.json")
    assert np.array_equal(MotionClip.load(tmp_path / "a.json").own, clip.own)
    assert np.array_equal(clip.sliced(1, 2).own, clip.own[1:2])
    header = json.loads((tmp_path / "a.json").read_text())
    del header["own"]
    with np.load(tmp_path / "a.npz") as arrays:
        known = {name: array for name, array in arrays.items() if name != "own"}
    for version, tongue in ((1, {}), (2, {"tongue": clip.own[:, :2]})):
        (tmp_path / "a.json").write_text(json.dumps({**header, "format_version": version}))
        np.savez(tmp_path / "a.npz", **known, **tongue)
        own = MotionClip.load(tmp_path / "a.json").own
        assert own[:, 2].tolist() == [0.0, 0.0, 0.5], "lips meet as far as the upper one rolls in"
        assert own[1, :2].tolist() == ([0.25, 0.5] if version == 2 else [0.0, 0.0])


@pytest.mark.parametrize("shape", [(3, 10), (3,), (2, 52)])
def test_old_clips_of_other_shapes_are_refused(tmp_path, shape):
    clip = MotionClip.neutral(3)
    clip.save(tmp_path / "a.json")
    (tmp_path / "a.json").write_text(json.dumps({**json.loads((tmp_path / "a.json").read_text()), "format_version": 1}))
    with np.load(tmp_path / "a.npz") as arrays:
        known = {name: array for name, array in arrays.items() if name != "own"}
    np.savez(tmp_path / "a.npz", **{**known, "channels": np.zeros(shape, np.float32)})
    with pytest.raises(FormatError):
        MotionClip.load(tmp_path / "a.json")


def test_own_channels_of_other_frames_are_refused():
    clip = MotionClip.neutral(3)
    clip.own = np.zeros((2, 3), np.float32)
    with pytest.raises(FormatError, match="own"):
        clip.check()


def test_the_tip_rises_behind_the_teeth_comes_between_them_and_draws_back(hopper):
    mm = hopper.units_per_metre / 1000
    edge_y = hopper.parts["teeth_upper"].vertices[:, 1].max()
    rest, up = tip(hopper, jawOpen=0.25), tip(hopper, jawOpen=0.25, tongueUp=0.75)
    assert rest[1] > edge_y and up[1] < edge_y - 4 * mm, "y is down: the tip is above the incisors' edge"
    front = hopper.parts["teeth_upper"].vertices[:, 2].max()
    between = tip(hopper, jawOpen=0.15, tongueOut=0.34, tongueUp=0.12)
    assert front - 1 * mm < between[2] < front + 6 * mm and edge_y - 3 * mm < between[1] < edge_y + 8 * mm
    back = tip(hopper, jawOpen=0.6, tongueBack=1.0)
    assert back[2] < tip(hopper, jawOpen=0.6)[2] - 4 * mm


def test_a_tongue_put_out_lies_on_the_lower_lip_and_one_that_stays_in_does_not(hopper):
    frames = list(render(hopper, moved(jawOpen=0.3))) + list(render(hopper, moved(jawOpen=0.3, tongueOut=1.0)))
    posed = next(Poser(hopper).pose(moved(jawOpen=0.3), 0, 1)).vertices["face"]
    reach = 0.06 * hopper.units_per_metre * PUPIL_DISTANCE_M
    column, row = np.rint(posed[14, :2] + (0, reach)).astype(int)
    before, after = (frame[row - 1:row + 2, column - 1:column + 2].astype(float).mean(axis=(0, 1)) for frame in frames)
    assert np.abs(after - before).max() > 20, "the lower lip's middle is covered"


def test_the_tongue_of_a_th_leaves_no_blotch_on_a_lip_that_a_smile_draws_back(astronaut):
    frames = [next(iter(render(astronaut, moved(jawOpen=0.15, tongueOut=out)))).astype(int) for out in (0.0, 0.35, 1.0)]
    posed = next(Poser(astronaut).pose(moved(jawOpen=0.15), 0, 1)).vertices["face"][:, :2]
    skin = np.ones(frames[0].shape[:2], np.uint8)
    cv2.fillPoly(skin, [np.rint(posed[astronaut.apertures["mouth"]]).astype(np.int32)], 0)
    beside = cv2.erode(skin, np.ones((5, 5), np.uint8)) > 0
    at_th, put_out = (np.abs(frame - frames[0]).max(axis=2)[beside].max() for frame in frames[1:])
    assert put_out > 60 and at_th < 6


def test_the_tongue_darkens_towards_its_sides_where_teeth_and_cheeks_take_its_light(hopper):
    """As bright there as in its middle, it ended in a wall beside the dark of a mouth that is seen from the side."""
    tongue, rest = hopper.parts["tongue"], mouth_asset()["tongue/vertices"]
    alike = (rest[:, 2] > 1.0) & (rest[:, 2] < 1.2) & (mouth_asset()["tongue/normals"][:, 1] > 0.3)
    beside, within = (alike & here for here in (np.abs(rest[:, 0]) > 0.15, (np.abs(rest[:, 0]) > 0.04) & (np.abs(rest[:, 0]) < 0.08)))
    assert beside.sum() > 2 and within.sum() > 2
    assert tongue.colour[beside, :3].mean() < 0.65 * tongue.colour[within, :3].mean()


def test_a_portrait_without_the_tongue_s_shapes_is_still_drawn(hopper):
    """Portraits of format version 1 have tongues that follow ARKit's channels alone."""
    tongue = hopper.parts["tongue"]
    known = tongue.delta_channel < RIG_CHANNELS.index("tongueUp")
    old_tongue = dataclasses.replace(tongue, delta_channel=tongue.delta_channel[known], delta_index=tongue.delta_index[known],
                                     delta_offset=tongue.delta_offset[known])
    old = dataclasses.replace(hopper, parts=hopper.parts | {"tongue": old_tongue})
    clip = moved(jawOpen=0.5, tongueUp=1.0)
    assert next(iter(render(old, clip))).shape == next(iter(render(hopper, clip))).shape


def test_pouting_lips_keep_the_light_off_the_teeth(hopper):
    colours = {name: torch.from_numpy(part.colour) for name, part in hopper.parts.items()}
    channels = [moved(**values).channels[0] for values in ({"jawOpen": 0.5}, {"jawOpen": 0.2, "mouthPucker": 0.8})]
    at_rest, pouting = behind_pout(colours, torch.from_numpy(np.stack(channels)))["teeth_upper"].numpy()
    teeth = hopper.parts["teeth_upper"].colour
    assert np.array_equal(at_rest, teeth)
    assert pouting[:, :3].mean() < 0.7 * teeth[:, :3].mean() and np.array_equal(pouting[:, 3], teeth[:, 3])
