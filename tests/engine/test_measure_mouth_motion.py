"""The reading of row 7 on a head whose mouth is known to move, to keep still, or to be turned only."""

from __future__ import annotations

import numpy as np
import pytest

from soliloquy.engine.measure.detectors import FaceDetector
from soliloquy.engine.measure.known_head import EYE_DISTANCE_PX, FACE_EYE_DISTANCES, SIZE_PX, KnownHead
from soliloquy.engine.measure.mouth_motion import PLACES, mouth_motion_iod, speaking_ways_iod, typical, without_turn
from soliloquy.engine.portrait.topology import INNER_LIP_LOWER, OUTER_LIP_UPPER

STILL = np.zeros(3)
TURNS_DEG = np.array([(8.0, 2.0, 0.0), (-6.0, 4.0, 3.0)])
JAW_IOD = 0.12


@pytest.fixture(scope="module")
def detector():
    with FaceDetector() as detector:
        yield detector


@pytest.fixture(scope="module")
def head() -> KnownHead:
    return KnownHead("african-male-young")


def drop_jaw(head: KnownHead, by_iod: float) -> np.ndarray:
    """Move all below the lips' line down. Returns (V, 3) the surface as it was."""
    still = head.vertices.copy()
    line = float(head.landmarks[list(INNER_LIP_LOWER), 1].mean())
    head.vertices = still.copy()
    head.vertices[:, 1] -= by_iod * np.clip((line - still[:, 1]) / 0.05, 0.0, 1.0)
    return still


def read(detector, head: KnownHead, frames: list[np.ndarray], reading=mouth_motion_iod) -> np.ndarray:
    every = [head.draw(STILL), *frames]
    middle = np.full(2, SIZE_PX / 2.0)
    landmarks = np.array([detector.detect(frame, middle, FACE_EYE_DISTANCES * EYE_DISTANCE_PX).landmarks_px for frame in every])
    return reading(every[0], landmarks[0], frames, landmarks[1:])


def test_a_jaw_that_drops_is_read_where_it_drops_and_a_turn_is_not(detector, head):
    still = drop_jaw(head, JAW_IOD)
    dropped = [head.draw(angles) for angles in (STILL, *TURNS_DEG)]
    head.vertices = still
    turned = [head.draw(angles) for angles in (STILL, *TURNS_DEG)]
    way = read(detector, head, dropped + turned)
    chin = [PLACES.index(number) for number in (152, 200, 18, 199)]
    upper = [PLACES.index(number) for number in OUTER_LIP_UPPER[3:-3]]
    assert way[:3, chin, 1] == pytest.approx(JAW_IOD, abs=0.03)
    assert np.abs(way[:3, upper, 1]).max() < 0.04
    assert np.sqrt((way[3:] ** 2).sum(axis=-1).mean(axis=1)).max() < JAW_IOD / 3.0


def test_a_still_mouth_has_gone_nowhere_and_a_frame_without_a_face_is_not_read(detector, head):
    still = head.draw(STILL)
    middle = np.full(2, SIZE_PX / 2.0)
    landmarks = detector.detect(still, middle, FACE_EYE_DISTANCES * EYE_DISTANCE_PX).landmarks_px
    way = mouth_motion_iod(still, landmarks, [still, still], np.stack([landmarks, np.full_like(landmarks, np.nan)]))
    assert np.abs(way[0]).max() < 1e-3 and np.isnan(way[1]).all()


def test_from_several_frames_a_jaw_is_read_about_its_mean(detector, head):
    still, frames, drops_iod = head.vertices, [], np.array([0.0, 0.04, 0.08, JAW_IOD])
    for number, drop in enumerate(drops_iod):
        head.vertices = still
        drop_jaw(head, drop)
        frames.append(head.draw(TURNS_DEG[number % 2] / 2.0))
    head.vertices = still
    ways = read(detector, head, frames, speaking_ways_iod)
    chin = [PLACES.index(number) for number in (152, 200, 18, 199)]
    assert np.abs(ways.mean(axis=0)).max() < 1e-9
    assert ways[:, chin, 1].mean(axis=1) == pytest.approx(drops_iod - drops_iod.mean(), abs=0.015)


def test_frames_stand_for_the_others_one_for_each_cluster():
    readings = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [np.nan], [9.0]])
    assert typical(readings, 1) == [3], "the one with the least squares to all others"
    assert {round(readings[start, 0]) for start in typical(readings, 3)} == {0, 5, 9}
    assert len(typical(readings, 10)) == 6


def test_what_goes_with_the_turn_is_taken_out_and_what_does_not_stays():
    random = np.random.default_rng(0)
    turns, said = np.radians(random.normal(0.0, 4.0, (200, 3))), random.normal(0.0, 0.03, (200, 73, 2))
    leak = np.einsum("ta,apk->tpk", turns, random.normal(0.0, 0.3, (3, 73, 2)))
    left = without_turn(said + leak, turns) - said
    assert np.sqrt((left**2).mean()) < 0.35 * np.sqrt((leak**2).mean())
    assert np.abs(without_turn(said, np.zeros((200, 3))) - said).max() == 0.0
