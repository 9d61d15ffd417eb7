"""Choices for one portrait: spelled on the command line, kept in the file, followed when the picture is taken apart and
drawn."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from soliloquy.engine.errors import InputError
from soliloquy.engine.motion.clip import CHANNEL_INDEX, MotionClip
from soliloquy.engine.portrait.build import build_portrait
from soliloquy.engine.portrait.fit import fit_face
from soliloquy.engine.portrait.portrait import Portrait
from soliloquy.engine.portrait.settings import (
    PortraitSettings,
    moved_edge,
    set_lip_seam,
)
from soliloquy.engine.render.light import FaceLight
from soliloquy.engine.render.pose import Poser
from soliloquy.engine.render.render import render
from soliloquy.engine.stages import obtain_portrait


def test_settings_are_spelled_as_key_and_value():
    settings = PortraitSettings().changed(["glasses=on", " teeth = 0.5", "light=OFF"])
    assert (settings.glasses, settings.teeth, settings.light) == ("on", 0.5, "off")
    assert settings.record() == {"glasses": "on", "teeth": 0.5, "light": "off"}


@pytest.mark.parametrize("text, complaint", [("colour=red", "no portrait setting"), ("glasses", "no portrait setting"),
                                             ("glasses=maybe", "auto, on, off"), ("teeth=2", "from 0 to 1"), ("matte=x", "number"),
                                             ("teeth=nan", "number")])
def test_what_is_no_setting_is_refused_in_words(text, complaint):
    with pytest.raises(InputError, match=complaint):
        PortraitSettings().changed([text])


def test_settings_last_in_the_file(hopper, tmp_path):

    settings = PortraitSettings(light="off", teeth=0.25)
    path = tmp_path / "a.portrait"
    dataclasses.replace(hopper, settings=settings.record() | {"from_a_later_version": 3}).save(path)
    assert PortraitSettings.of(Portrait.load(path)) == settings


def test_a_portrait_file_takes_what_needs_no_picture_and_nothing_else(hopper, tmp_path):
    path = tmp_path / "a.portrait"
    hopper.save(path)
    changed, _ = obtain_portrait(path, changes=["light=off"])
    assert PortraitSettings.of(changed).light == "off"
    with pytest.raises(InputError, match="again from its picture"):
        obtain_portrait(path, changes=["glasses=off"])


def test_light_off_leaves_a_turned_face_as_it_was_painted(astronaut):

    off = dataclasses.replace(astronaut, settings={"light": "off"})
    on = dataclasses.replace(astronaut, settings={"light": "on"})
    assert not FaceLight(off).amount.any() and FaceLight(on).amount.max() > 0.1


def test_hidden_teeth_are_not_seen(astronaut):

    clip = MotionClip.neutral(1)
    clip.channels[0, CHANNEL_INDEX["jawOpen"]] = 0.4
    hidden = dataclasses.replace(astronaut, settings={"teeth": 0.0})
    shown_frame, hidden_frame = (next(render(p, clip)).astype(float) for p in (astronaut, hidden))
    mouth = astronaut.landmarks_px[[61, 291, 0, 17], :2]
    (left, top), (right, bottom) = mouth.min(0).astype(int), mouth.max(0).astype(int)
    assert shown_frame[top:bottom, left:right].mean() > hidden_frame[top:bottom, left:right].mean() + 5


def test_the_lip_seam_can_be_set(hopper, astronaut):
    assert fit_face(set_lip_seam(astronaut.landmarks_px, "closed")).lips_closed
    assert not fit_face(set_lip_seam(hopper.landmarks_px, "open")).lips_closed
    assert np.array_equal(set_lip_seam(hopper.landmarks_px, "auto"), hopper.landmarks_px)


def test_the_matte_can_be_let_out_and_taken_in():
    matte = np.zeros((60, 60), np.float32)
    cv2.circle(matte, (30, 30), 15, 1.0, -1)
    assert moved_edge(matte, 4)[30, 30 - 18] == 1 and moved_edge(matte, -4)[30, 30 - 13] == 0
    assert moved_edge(matte, 0.3) is matte


def test_the_command_line_writes_them(hopper_path, tmp_path):
    from soliloquy.engine.cli import app
    from typer.testing import CliRunner

    out = tmp_path / "a.portrait"
    result = CliRunner().invoke(app, ["portrait", str(hopper_path), "-o", str(out), "--set", "glasses=off", "--set", "light=off"])
    assert result.exit_code == 0, result.output
    assert PortraitSettings.of(Portrait.load(out)) == PortraitSettings(glasses="off", light="off")
    wrong = CliRunner().invoke(app, ["portrait", str(Path(hopper_path)), "-o", str(out), "--set", "glasses=perhaps"])
    assert wrong.exit_code != 0 and "auto, on, off" in wrong.output


def test_building_follows_them(hopper_path, hopper):
    held = hopper.parts["face"].dense_deltas()[CHANNEL_INDEX["browDownLeft"]]
    free = build_portrait(hopper_path, settings=PortraitSettings(glasses="off")).parts["face"].dense_deltas()
    assert np.abs(held).sum() < 0.9 * np.abs(free[CHANNEL_INDEX["browDownLeft"]]).sum()


def test_shoulders_go_along_with_a_breath_and_can_be_kept_still(astronaut):
    """The head rises by 4 mm; where the frame cuts the person nothing moves."""
    clip = MotionClip.neutral(1)
    clip.head_translation_m[0, 1] = 0.004
    person, height = astronaut.parts["person"], astronaut.size[1]
    body = person.head_weight == 0
    risen = {}
    for amount in (0.0, 1.0):
        portrait = dataclasses.replace(astronaut, settings={"shoulders": amount})
        posed = next(Poser(portrait).pose(clip, 0, 1)).vertices["person"]
        risen[amount] = (person.vertices - posed)[:, 1] / (0.004 * astronaut.units_per_metre)
    assert np.abs(risen[0.0][body]).max() < 0.01
    assert 0.5 < risen[1.0][body].max() < 1.2
    assert np.abs(risen[1.0][person.vertices[:, 1] > height - 2]).max() < 0.01
