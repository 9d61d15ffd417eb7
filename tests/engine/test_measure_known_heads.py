"""The readings of rows 1 and 4 on heads whose rotation and gaze are known, and on ones that do half of what they are told."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from soliloquy.engine.measure.batteries import gaze_battery
from soliloquy.engine.measure.detectors import Face
from soliloquy.engine.measure.irises import iris_travel_iod
from soliloquy.engine.measure.known_head import CAMERA_EYE_DISTANCES, EYE_DISTANCE_PX, SIZE_PX, KnownHead, looked_at, painted
from soliloquy.engine.measure.rows_gaze import gains
from soliloquy.engine.measure.rows_pose import lines
from soliloquy.engine.measure.signals import geodesic_deg, rotations_from_angles
from soliloquy.engine.measure.structure import turning
from soliloquy.engine.measure.tracking import follow

ASKED_DEG = np.array([(0, 0, 0), (-20, 0, 0), (-10, 0, 0), (10, 0, 0), (20, 0, 0), (0, -20, 0), (0, -10, 0), (0, 10, 0), (0, 20, 0),
                      (0, 0, -20), (0, 0, 20)], float)
GAZE_DEG = np.array([(0, 0), (-20, 0), (-10, 0), (10, 0), (20, 0), (0, -15), (0, -7), (0, 7), (0, 15)], float)


def read_rotation(detector, frames) -> np.ndarray:
    tracks = follow(frames, looked_at(detector, frames))
    points = (tracks.points_px - (SIZE_PX - 1) / 2.0) * (1, -1) / EYE_DISTANCE_PX
    return turning(points, tracks.seen, CAMERA_EYE_DISTANCES).rotation


def cloud() -> np.ndarray:
    """Points on a bowl, as a face is one."""
    plane = np.random.default_rng(3).uniform(-1.0, 1.0, (120, 2))
    return np.column_stack([plane, -0.4 * (plane**2).sum(axis=1) + 0.3 * np.exp(-8.0 * (plane**2).sum(axis=1))])


def pictured(angles_deg: np.ndarray, distance: float = 16.0) -> np.ndarray:
    posed = np.einsum("tij,nj->tni", rotations_from_angles(angles_deg), cloud())
    return posed[..., :2] * (distance / (distance - posed[..., 2]))[..., None]


def test_a_rigid_body_s_rotation_comes_out_of_its_points_and_strays_do_not_matter():
    points = pictured(ASKED_DEG) + np.random.default_rng(0).normal(0.0, 5e-4, (len(ASKED_DEG), 120, 2))
    points[3:, :12] += 0.2
    seen = np.ones(points.shape[:2], bool)
    seen[5, 40:] = False
    read = turning(points, seen, 16.0)
    assert geodesic_deg(read.rotation, rotations_from_angles(ASKED_DEG)).max() < 0.6


def test_a_frame_without_points_has_no_rotation():
    seen = np.ones((len(ASKED_DEG), 120), bool)
    seen[4] = False
    read = turning(pictured(ASKED_DEG), seen, 16.0)
    assert np.isnan(read.rotation[4]).all() and np.isfinite(read.rotation[5]).all()


@pytest.mark.parametrize("shape, skin", [("african-male-young", (110, 70, 50)), ("asian-female-young", (235, 195, 165))])
def test_a_known_head_is_read_to_a_twentieth_and_one_that_turns_half_as_half(detector, shape, skin):
    head = KnownHead(shape, functools.partial(painted, skin=skin))
    for share in (1.0, 0.5):
        read = read_rotation(detector, [head.draw(share * angles) for angles in ASKED_DEG])
        assert [line.slope for line in lines(ASKED_DEG, read)] == pytest.approx([share] * 3, abs=0.05)
        assert geodesic_deg(read, rotations_from_angles(share * ASKED_DEG)).mean() < 0.8


@pytest.mark.parametrize("share", [1.0, 0.5, 0.0])
def test_eyes_are_read_to_a_tenth_and_ones_that_move_half_as_half(detector, share):
    head = KnownHead("african-male-young")
    frames = [head.draw(np.zeros(3), gaze_deg=share * gaze) for gaze in GAZE_DEG]
    landmarks = looked_at(detector, frames)
    scale = Face(landmarks[0]).inter_ocular_px / EYE_DISTANCE_PX
    across, up = gains(scale * iris_travel_iod(frames, landmarks).mean(axis=1), GAZE_DEG, slice(1, None))
    assert across == pytest.approx(share, abs=0.1) and up == pytest.approx(share, abs=0.2)
    assert gaze_battery().sweep.start == 1
