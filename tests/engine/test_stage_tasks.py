"""What Blender's stage asks the worker for: portraits with corrected landmarks, landmarks to correct, spoken lines."""

import json

import numpy as np
import pytest

from soliloquy.engine.errors import FormatError, InputError
from soliloquy.engine.portrait.build import read_landmarks
from soliloquy.engine.portrait.landmarks import usual_landmarks, write_landmarks
from soliloquy.engine.portrait.topology import FACE_OVAL, IRIS, LID_UPPER
from soliloquy.engine.progress import silent
from soliloquy.engine.tasks import carry_out


def test_landmarks_come_back_as_they_were_written(tmp_path):
    points = usual_landmarks(640, 800)
    write_landmarks(tmp_path / "points.json", points)
    np.testing.assert_allclose(read_landmarks(tmp_path / "points.json"), points, atol=1e-3)


def test_usual_face_is_upright_and_in_the_middle():
    points = usual_landmarks(640, 800)
    oval = points[list(FACE_OVAL), :2]
    assert np.abs((oval.max(axis=0) + oval.min(axis=0)) / 2 - (320, 400)).max() < 40
    assert points[10, 1] < points[1, 1] < points[152, 1], "forehead above nose above chin"
    assert points[33, 0] < points[263, 0], "the subject's right eye on the picture's left"
    for side, numbers in IRIS.items():
        lid = points[list(LID_UPPER[side])]
        assert lid[:, 0].min() < points[numbers[0], 0] < lid[:, 0].max()


@pytest.mark.parametrize("command, job", [("portrait", None), ("portrait", {"picture": "a.png"}), ("say", {"out": "a.wav"}),
                                          ("landmarks", {"picture": "a.png", "out": "b.json", "face": "first"})])
def test_request_that_lacks_something_is_refused(command, job, tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(InputError):
        carry_out({"command": command, "job": job}, silent)


def test_text_becomes_a_voice(tmp_path):
    made = carry_out({"command": "say", "job": {"text": "good morning", "out": str(tmp_path / "line.wav")}}, silent)
    assert (tmp_path / "line.wav").stat().st_size > 20_000 and made["duration_s"] > 0.5


@pytest.mark.slow
def test_portrait_keeps_landmarks_a_hand_has_moved(tmp_path):
    cv2 = pytest.importorskip("cv2")
    from soliloquy.engine.portrait.portrait import Portrait

    picture = tmp_path / "plain.png"
    cv2.imwrite(str(picture), np.full((400, 320, 3), 140, np.uint8))
    found = carry_out({"command": "landmarks", "job": {"picture": str(picture), "out": str(tmp_path / "points.json")}}, silent)
    assert found["found"] is False, "nobody is there; the person places a usual face"
    points = read_landmarks(tmp_path / "points.json")
    points[:, 0] += 12
    write_landmarks(tmp_path / "moved.json", points)
    carry_out({"command": "portrait", "job": {"picture": str(picture), "out": str(tmp_path / "a.portrait"),
                                              "landmarks": str(tmp_path / "moved.json")}}, silent)
    made = Portrait.load(tmp_path / "a.portrait")
    np.testing.assert_allclose(made.landmarks_px, points, atol=1e-2)
    assert made.settings["landmarks"] == "hand"


def test_damaged_landmarks_are_refused(tmp_path):
    (tmp_path / "points.json").write_text(json.dumps({"landmarks_px": [[1, 2, 3]]}), encoding="utf-8")
    with pytest.raises(FormatError):
        read_landmarks(tmp_path / "points.json")
