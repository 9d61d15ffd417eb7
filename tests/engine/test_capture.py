"""Capture: a performance rendered by ourselves is read back off the video, gaps and all."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from motion_speech import minute_of_talk
from typer.testing import CliRunner

from soliloquy.engine.capture.capture import capture
from soliloquy.engine.capture.read import UNUSABLE, aligned, rest_picture
from soliloquy.engine.capture.skin import skin_rotations
from soliloquy.engine.capture.smooth import gaps, smooth
from soliloquy.engine.capture.track import track_faces
from soliloquy.engine.cli import app
from soliloquy.engine.errors import Cancelled, ImageError, NoFaceError
from soliloquy.engine.measure.batteries import blink_shape
from soliloquy.engine.measure.signals import (
    angles_from_rotations,
    events_above,
    geodesic_deg,
    match_events,
    regress,
    rotations_from_angles,
)
from soliloquy.engine.measure.structure import pose_of
from soliloquy.engine.motion.clip import CHANNEL_INDEX, MotionClip
from soliloquy.engine.motion.direction import Direction
from soliloquy.engine.motion.generate import generate_motion
from soliloquy.engine.progress import silent
from soliloquy.engine.render.render import render
from soliloquy.engine.render.write import VideoSink

FPS = Fraction(25)
BLINKS_S = (0.6, 1.9, 3.1)
HIDDEN = slice(60, 66)


@pytest.fixture(scope="module")
def acted(astronaut, tmp_path_factory):
    """Four seconds of a portrait that talks, turns and blinks, six frames of them dark; and the clip it was made of."""
    clip = generate_motion(minute_of_talk(8.0, seed=2), Direction(energy=1.6, blinks=0.0), seed=4, fps=FPS).sliced(20, 120)
    seconds = np.arange(len(clip)) / 25.0
    closure = np.max([blink_shape(seconds - start) for start in BLINKS_S], axis=0)
    for side in ("Left", "Right"):
        clip.channels[:, CHANNEL_INDEX[f"eyeBlink{side}"]] = closure
    path = tmp_path_factory.mktemp("capture") / "acted.mp4"
    with VideoSink(path, size=(400, 400), fps=FPS, frames=len(clip)) as sink:
        for number, frame in enumerate(render(astronaut, clip, size=(400, 400))):
            sink.write(np.zeros_like(frame) if HIDDEN.start <= number < HIDDEN.stop else frame)
    return path, clip


@pytest.fixture(scope="module")
def captured(acted):
    return capture(acted[0])


def test_the_clock_is_the_video_s(acted, captured):
    assert captured.fps == FPS and len(captured) == len(acted[1])


def test_the_head_turns_as_it_did(acted, captured):
    lines = [regress(acted[1].head_rotation_deg[:, axis], captured.head_rotation_deg[:, axis]) for axis in range(3)]
    assert all(0.75 < line.slope < 1.35 and line.correlation > 0.93 for line in lines), lines


def test_the_skin_tells_the_turn_of_a_head_that_the_landmarks_blur(acted, astronaut):
    """Of the pictures before any codec; where the skin shows no texture the landmarks are left to tell."""
    clip = acted[1].sliced(0, 50)
    pictures = list(render(astronaut, clip, size=(400, 400)))
    track = track_faces(pictures, FPS, len(clip), silent)
    number = rest_picture(track)
    by_skin = angles_from_rotations(skin_rotations(pictures, track, pictures[number], number, silent))
    lines = [regress(clip.head_rotation_deg[:, axis], by_skin[:, axis]) for axis in range(3)]
    assert all(0.75 < line.slope < 1.25 and line.correlation > 0.96 for line in lines), lines
    flat = [np.full_like(picture, 128) for picture in pictures]
    assert np.isnan(skin_rotations(flat, track, flat[number], number, silent)).all()


def test_a_pose_is_found_from_where_known_points_went():
    random = np.random.default_rng(3)
    shape = random.normal(size=(40, 3)) * (0.5, 0.7, 0.3)
    turn = rotations_from_angles(np.array([[14.0, -9.0, 5.0]]))[0]
    posed = shape @ turn.T + (0.2, -0.1, 0.4)
    observed = posed[:, :2] * (16.0 / (16.0 - posed[:, 2:]))
    seen = np.ones(40, bool)
    observed[:4], seen[:2] = random.normal(size=(4, 2)), False  # two that are lost, two that were followed wrongly
    assert geodesic_deg(pose_of(observed, seen, shape, 16.0, np.eye(3)), turn) < 0.1


def test_the_jaw_speaks_as_it_did(acted, captured):
    jaw, read = acted[1].channel("jawOpen"), captured.channel("jawOpen")
    lags = range(-3, 4)
    agreement = [np.corrcoef(np.roll(read, lag)[5:-5], jaw[5:-5])[0, 1] for lag in lags]
    assert max(agreement) > 0.6 and abs(lags[int(np.argmax(agreement))]) <= 1, "not late, not early"


def test_the_blinks_are_found_when_they_were(acted, captured):
    seconds = np.arange(len(captured)) / 25.0
    lids = (captured.channel("eyeBlinkLeft") + captured.channel("eyeBlinkRight")) / 2.0
    found = [event.peak_s for event in events_above(lids, seconds, 0.35)]
    precision, recall = match_events([start + 0.1 for start in BLINKS_S], found, 0.08)
    assert recall == 1.0 and precision >= 0.75


def test_a_gap_is_bridged_and_told(captured):
    (gap,) = captured.provenance["gaps"]
    assert gap[0] == pytest.approx(HIDDEN.start / 25.0, abs=0.05) and gap[1] == pytest.approx(HIDDEN.stop / 25.0, abs=0.13)
    steps = np.abs(np.diff(captured.head_rotation_deg, axis=0)).max(axis=1)
    assert steps[HIDDEN.start - 2 : HIDDEN.stop + 4].max() < 2.5, "no jump across it"


def test_what_cannot_be_read_is_left_alone_and_told(captured):
    assert set(captured.provenance["not_captured"]) == set(UNUSABLE)
    assert all(captured.channel(name).max() == 0.0 for name in UNUSABLE)
    assert (captured.channel("mouthClose") <= captured.channel("jawOpen")).all()


def test_the_command_writes_a_clip(acted, tmp_path):
    result = CliRunner().invoke(app, ["capture", str(acted[0]), "-o", str(tmp_path / "clip.json"), "--json"])
    record = json.loads(result.stdout.splitlines()[-1])
    assert result.exit_code == 0 and record["frames"] == len(MotionClip.load(tmp_path / "clip.json"))


def test_it_can_be_stopped(acted):
    def stop(stage: str, done: int, total: int) -> None:
        if done >= 5:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        capture(acted[0], progress=stop)


def test_files_that_show_no_face_are_refused(tmp_path):
    with pytest.raises(ImageError, match="no video"):
        capture(tmp_path / "nothing.mp4")
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(ImageError):
        capture(tmp_path / "text.mp4")
    with VideoSink(tmp_path / "grey.mp4", size=(64, 64), fps=FPS, frames=4) as sink:
        for _ in range(4):
            sink.write(np.full((64, 64, 3), 128, np.uint8))
    with pytest.raises(NoFaceError):
        capture(tmp_path / "grey.mp4")


# The smoother


def test_smoothing_is_not_late_and_takes_noise_away():
    seconds = np.arange(200) / 25.0
    truth = np.sin(2.0 * np.pi * 0.8 * seconds)[:, None]
    noisy = truth + np.random.default_rng(0).normal(0.0, 0.2, truth.shape)
    out = smooth(noisy, 25.0, 3.0)
    agreement = [np.corrcoef(np.roll(out[:, 0], lag)[10:-10], truth[10:-10, 0])[0, 1] for lag in (-1, 0, 1)]
    assert np.argmax(agreement) == 1 and np.std(out - truth) < 0.6 * np.std(noisy - truth)


def test_half_of_the_half_frequency_passes():
    seconds = np.arange(500) / 50.0
    wave = np.sin(2.0 * np.pi * 4.0 * seconds)[:, None]
    assert np.std(smooth(wave, 50.0, 4.0)[100:-100]) / np.std(wave) == pytest.approx(0.5, abs=0.06)
    assert np.std(smooth(wave, 50.0, 20.0)[100:-100]) / np.std(wave) > 0.95


def test_unseen_frames_follow_their_neighbours_and_ends_stand_still():
    ramp = np.arange(50.0)[:, None]
    holed = ramp.copy()
    holed[20:26], holed[:3], holed[-4:] = np.nan, np.nan, np.nan
    out = smooth(holed, 25.0, 5.0)
    assert np.abs(out[18:28] - ramp[18:28]).max() < 0.3
    assert np.ptp(out[:4]) < 1e-9 and np.ptp(out[-5:]) < 1e-9
    assert gaps(np.isfinite(holed[:, 0])) == [(0, 3), (20, 26), (46, 50)]


def test_points_are_aligned_exactly():
    points = np.random.default_rng(1).normal(size=(20, 3))
    turn = rotations_from_angles(np.array([[12.0, -7.0, 4.0]]))[0]
    found, scale = aligned(points, 1.3 * points @ turn.T + (1.0, 2.0, 3.0))
    assert np.allclose(found, turn) and scale == pytest.approx(1.3)
