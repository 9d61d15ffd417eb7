"""The scoreboard on pictures whose truth is known, and on cheats that must not look good."""

from __future__ import annotations

import dataclasses
import json
import math

import cv2
import numpy as np
import pytest
from figures_by_key import by_key

from soliloquy.engine.audio.speech import Phone, Speech
from soliloquy.engine.errors import InputError
from soliloquy.engine.measure import rows_face, rows_gaze, rows_performance, rows_picture, rows_pose, table
from soliloquy.engine.measure.batteries import gaze_battery
from soliloquy.engine.measure.bench import Bench
from soliloquy.engine.measure.board import Score, run
from soliloquy.engine.measure.figures import MISS, NOT_APPLICABLE, PASS, REPORTED, ROWS, TARGETS, Figure
from soliloquy.engine.measure.speed import Preparation, speed
from soliloquy.engine.motion.clip import CHANNEL_INDEX, MotionClip
from soliloquy.engine.portrait.picture import read_picture
from soliloquy.engine.render.render import render


def turning_picture(portrait, clip, *, size):
    """A renderer that only rolls and zooms the flat picture about its camera's axis: some figures right, most wrong."""
    picture = cv2.resize(rows_picture.recomposed(portrait), size, interpolation=cv2.INTER_AREA)
    scale = size[0] / portrait.size[0]
    centre = tuple(float(value) for value in portrait.camera_centre * scale)
    distance_m = portrait.camera_distance / portrait.units_per_metre
    for rotation, translation in zip(clip.head_rotation_deg, clip.head_translation_m):
        zoom = distance_m / (distance_m - float(translation[2]))
        matrix = cv2.getRotationMatrix2D(centre, float(rotation[2]), zoom)
        yield cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)


def frozen_picture(portrait, clip, *, size):
    """A renderer that shows the picture whatever the clip says."""
    picture = cv2.resize(rows_picture.recomposed(portrait), size, interpolation=cv2.INTER_AREA)
    for _ in range(len(clip)):
        yield picture


def a_speech(duration_s: float = 20.0) -> Speech:
    """Syllables `b aa`, with a second of silence every four."""
    phones, now_s = [], 0.0
    while now_s < duration_s - 2.2:
        for label, length_s in [("B", 0.1), ("AA", 0.2)] * 4 + [("SIL", 1.0)]:
            phones.append(Phone(label, round(now_s, 3), round(now_s + length_s, 3)))
            now_s += length_s
    phones.append(Phone("SIL", round(now_s, 3), duration_s))
    count = int(duration_s * 100)
    return Speech(duration_s, phones, [], np.full(count, -30.0, np.float32), np.zeros(count, np.float32))


# The detector against truth


def test_in_plane_rotation_is_read_as_roll(astronaut, detector):
    bench = Bench(astronaut, detector, render=turning_picture)
    figures = by_key(rows_pose.head_pose(bench))
    assert figures["pose_slope_roll"].value == pytest.approx(1.0, abs=0.02)
    assert figures["pose_slope_roll"].status == PASS


def test_a_flat_picture_that_cannot_turn_misses_yaw_and_pitch(astronaut, detector):
    figures = by_key(rows_pose.head_pose(Bench(astronaut, detector, render=turning_picture)))
    assert abs(figures["pose_slope_yaw"].value) < 0.05 and figures["pose_slope_yaw"].status == MISS
    assert figures["pose_slope_pitch"].status == MISS
    assert figures["pose_error"].value == pytest.approx(2 / 3 * 12.5, abs=1.0), "two of three axes stand still"


def test_the_detector_reads_a_zoomed_picture_as_distance(astronaut, detector):
    (figure,) = rows_face.head_distance(Bench(astronaut, detector, render=turning_picture))
    assert figure.value < 1.0 and figure.status == PASS


def test_the_noise_floor_is_well_below_the_targets(astronaut, detector):
    noise = Bench(astronaut, detector, render=frozen_picture).noise
    assert 0 < noise.angle_deg < 1.5 and 0 < noise.lip_gap_iod < 0.012 and 0 < noise.inter_ocular_share < 0.02


def test_eyes_painted_shut_read_as_closed(astronaut, detector):
    bench = Bench(astronaut, detector, render=frozen_picture)
    shut = bench.neutral_frame.copy()
    region = rows_face.eye_region(bench.rest_landmarks, shut.shape[:2])
    shut[region] = np.median(shut[cv2.dilate(region.astype(np.uint8), np.ones((9, 9))).astype(bool) & ~region], axis=0)
    seen = bench.observe_frames([bench.neutral_frame, shut], [0.0, 0.0])
    assert seen.eye_openness[1].mean() < 0.6 * seen.eye_openness[0].mean()


def test_a_bar_over_the_face_is_seen_as_no_face(astronaut, detector):
    bench = Bench(astronaut, detector, render=frozen_picture)
    hidden = bench.neutral_frame.copy()
    hidden[:int(bench.rest_landmarks[:, 1].max()) + 10] = 128
    assert bench.observe_frames([hidden], [0.0]).seen_share == 0.0


# Cheats


def test_a_frozen_face_fails_everything_that_should_move(astronaut, detector):
    bench = Bench(astronaut, detector, render=frozen_picture)
    figures = by_key(rows_pose.head_pose(bench) + rows_face.head_distance(bench) + rows_face.blinks(bench)
                     + rows_gaze.gaze(bench) + rows_face.lips_posed(bench))
    still = ("pose_error", "pose_slope_yaw", "pose_slope_pitch", "pose_slope_roll", "pose_correlation", "distance_error",
             "blink_precision", "blink_recall", "blink_width", "iris_visible", "gaze_error", "gaze_gain", "counter_gain",
             "lip_seal_canonical")
    assert {key: figures[key].status for key in still} == dict.fromkeys(still, MISS)


def test_a_static_clip_fails_dynamics_blinks_and_silence(astronaut, detector):
    clip = MotionClip.neutral(500)
    figures = rows_performance.head_dynamics([clip]) + rows_performance.blink_statistics([clip])
    passed = [figure.key for figure in figures if figure.status == PASS]
    assert passed == []
    silence = by_key(rows_performance.silence(Bench(astronaut, detector, render=frozen_picture), a_speech(), clip))
    assert silence["silence"].status == PASS, "a frozen face is quiet ..."
    assert silence["silence_alive"].status == MISS, "... and dead"


def test_trembling_is_not_liveliness():
    clip = MotionClip.neutral(500)
    clip.head_rotation_deg[:] = np.random.default_rng(0).normal(0.0, 4.0, (500, 3))
    figures = by_key(rows_performance.head_dynamics([clip]))
    assert figures["head_std_yaw"].status == PASS
    assert {figures[key].status for key in ("head_change", "head_slow", "head_fast")} == {MISS}


def test_a_background_that_is_dragged_along_is_found(astronaut, detector):
    figures = by_key(rows_picture.background(Bench(astronaut, detector, render=turning_picture)))
    assert figures["background"].status == MISS and figures["background"].value < 30
    assert figures["background_plate"].status == MISS


def test_copies_of_one_take_are_not_diverse():
    clip = MotionClip.neutral(100)
    clip.head_rotation_deg[:, 0] = np.sin(np.arange(100) / 9.0)
    clip.channels[:, CHANNEL_INDEX["jawOpen"]] = 0.5 + 0.5 * np.sin(np.arange(100) / 3.0)
    figures = by_key(rows_performance.seed_diversity([clip] * 8))
    assert figures["diversity_head"].status == MISS and figures["diversity_lips"].status == PASS


# The product


def test_the_renderer_gives_the_picture_back_and_keeps_the_background(hopper, hopper_path, detector):
    bench = Bench(hopper, detector, render=render, source=read_picture(hopper_path))
    figures = by_key(rows_picture.rest(bench) + rows_picture.background(bench))
    assert figures["rest"].value >= 45.0
    assert figures["background"].status in (PASS, NOT_APPLICABLE)
    np.testing.assert_allclose(rows_picture.recomposed(hopper), read_picture(hopper_path)[:, :, :3], atol=2)


def test_blinks_of_the_renderer_are_found_where_they_are(astronaut, detector):
    figures = by_key(rows_face.blinks(Bench(astronaut, detector, render=render)))
    assert figures["blink_recall"].status == figures["blink_precision"].status == PASS


def test_speed_is_measured_in_a_process_of_its_own(astronaut):
    clip = MotionClip.neutral(8)
    end_to_end, first_frame, memory = speed(astronaut, clip, Preparation(float("nan"), 1.0, 0.5, len(clip)))
    assert 0 < end_to_end.value < len(clip) / 1.5, "analysis and motion are part of it"
    assert "portrait ready" in end_to_end.note
    assert first_frame.value > 0 and memory.value > 50 and "cores" in memory.note


# The board


@pytest.fixture
def folder(tmp_path, astronaut):
    """What `animate` leaves behind, with a performance that stands still."""
    out = tmp_path / "take"
    out.mkdir()
    astronaut.save(out / "portrait.portrait")
    a_speech().save(out / "speech.json")
    MotionClip.neutral(500).save(out / "motion.json")
    return out


def test_a_finished_folder_is_judged_by_its_own_performance(folder):
    board = run([folder], rows=[9, 10, 11])
    (score,) = board.scores
    figures = by_key(score.figures)
    assert figures["head_std_yaw"].value == 0.0 and figures["blink_rate"].value == 0.0
    assert figures["silence_alive"].status == MISS
    assert {figure.target.row for figure in score.figures} == {9, 10, 11}


def test_the_board_is_json_and_a_table(folder):
    board = run([folder], rows=[10, 17])
    record = json.loads(json.dumps(board.as_json()))
    (subject,) = record["subjects"]
    assert subject["name"] == "take" and record["hardware"]
    figures = {figure["figure"]: figure for figure in subject["figures"]}
    assert figures["head_std_yaw"]["status"] == "miss" and figures["head_std_yaw"]["target"] == "3 .. 9"
    assert figures["rest"]["value"] > 40 and "layers" in figures["rest"]["note"]
    text = board.text()
    assert text.startswith("take: ") and "| 10 | yaw, standard deviation" in text


def test_a_picture_without_a_face_is_listed_and_the_others_go_on(folder, tmp_path):
    flat = tmp_path / "flat.png"
    cv2.imwrite(str(flat), np.full((256, 256, 3), 127, np.uint8))
    board = run([flat, folder], rows=[11])
    assert board.scores[0].failure and not board.scores[0].figures
    assert board.scores[1].figures
    assert "flat.png: not measured. " in board.text()


def test_what_cannot_be_asked_is_said(tmp_path, folder):
    with pytest.raises(InputError, match="no row 99"):
        run([folder], rows=[99])
    with pytest.raises(InputError, match="Nothing to measure"):
        run([])
    assert "nothing at" in run([tmp_path / "absent.png"], rows=[17]).scores[0].failure
    assert "speech.json" in run([tmp_path], rows=[17]).scores[0].failure


def test_values_that_could_not_be_read_are_misses_and_reasons_are_given():
    unread, absent = Figure("blink_width", math.nan), Figure("rest", None, "no source")
    plain = Figure("speed_memory", 400.0)
    assert (unread.status, absent.status, plain.status) == (MISS, NOT_APPLICABLE, REPORTED)
    assert unread.as_json()["value"] is None and unread.as_json()["status"] == MISS
    assert table.shown(unread) == "unread" and table.shown(plain) == "400"


def test_targets_are_two_sided_where_more_is_not_better():
    for key in ("pose_slope_yaw", "blink_width", "head_change", "head_std_yaw", "blink_rate", "counter_gain", "gaze_gain", "timing"):
        assert TARGETS[key].low is not None and TARGETS[key].high is not None
        assert not TARGETS[key].met_by(TARGETS[key].high * 1.5)
    assert set(ROWS) == set(range(1, 19))


def test_many_pictures_share_a_table_with_counts():
    figures = [Figure("pose_error", 1.0), Figure("blink_width", 400.0), Figure("rest", None, "no source")]
    text = table.scoreboard([Score(f"picture {number}", figures) for number in range(5)])
    lines = text.splitlines()
    assert lines[0].split("|")[1:5] == [" picture   ", " pose ", " width ", " rest "]
    assert "1.00" in lines[2] and "400*" in lines[2] and "n/a" in lines[2] and "1/2" in lines[2]
    assert lines[7].split("|")[2].strip() == "5/5" and lines[7].split("|")[3].strip() == "0/5"


def test_the_irises_are_drawn_as_far_as_an_eye_turns_and_a_shallow_eye_is_noticed(hopper):
    battery = gaze_battery()
    shallow = dataclasses.replace(hopper, eye_centres=hopper.eye_centres + (0, 0, 0.003 * hopper.units_per_metre))
    assert rows_gaze.drawn_gain(hopper, battery).value == pytest.approx(1.0, abs=0.02)
    assert rows_gaze.drawn_gain(shallow, battery).status == MISS
