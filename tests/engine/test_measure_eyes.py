"""Rows 3 and 4 on eyes whose gaze and lids are known: large catch-lights, dark eyes, turned heads, and eyes that do half."""

from __future__ import annotations

import numpy as np
import pytest

from soliloquy.engine.measure.detectors import IRIS_RADIUS_IOD, Face, FaceDetector
from soliloquy.engine.measure.irises import iris_travel_iod
from soliloquy.engine.measure.known_head import EYE_DISTANCE_PX, FACE_EYE_DISTANCES, SIZE_PX, KnownHead
from soliloquy.engine.measure.signals import regress

GAZE_DEG = np.array([(0, 0), (-20, 0), (-10, 0), (20, 0)], float)
LARGE_CATCH_LIGHT = {"glint": 2.2}
DARK = {"sclera": (120, 95, 80), "iris": (35, 22, 15), "glint": 1.5}
"""Eyes of an old painting."""


@pytest.fixture(scope="module")
def detector():
    with FaceDetector() as detector:
        yield detector


def looked_at(detector, frames) -> np.ndarray:
    middle = np.full(2, SIZE_PX / 2.0)
    return np.array([detector.detect(frame, middle, FACE_EYE_DISTANCES * EYE_DISTANCE_PX).landmarks_px for frame in frames])


def gain(travel_iod) -> float:
    """Travel (T, 2) across per that of a human eye turned by GAZE_DEG."""
    return regress(IRIS_RADIUS_IOD * np.sin(np.radians(GAZE_DEG[1:, 0])), travel_iod[1:, 0]).slope


@pytest.mark.parametrize("eyes", [LARGE_CATCH_LIGHT, DARK], ids=["large catch-light", "dark"])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.0])
def test_irises_are_followed_and_not_what_stays(detector, eyes, share):
    head = KnownHead("african-male-young", **eyes)
    frames = [head.draw(np.zeros(3), gaze_deg=share * gaze) for gaze in GAZE_DEG]
    landmarks = looked_at(detector, frames)
    scale = Face(landmarks[0]).inter_ocular_px / EYE_DISTANCE_PX
    assert gain(scale * iris_travel_iod(frames, landmarks).mean(axis=1)) == pytest.approx(share, abs=0.1)


def test_a_turned_head_has_its_eyes_as_far_apart_as_ever(detector):
    head = KnownHead("asian-female-young")
    turned = np.array([25.0, 0.0, 0.0])
    frames = [head.draw(turned, gaze_deg=gaze - turned[:2]) for gaze in GAZE_DEG]
    nearer = iris_travel_iod(frames, looked_at(detector, frames))[:, 1]
    assert gain(nearer) == pytest.approx(1.0, abs=0.12)


def test_a_known_head_shuts_its_eyes():
    head = KnownHead()

    def shown(closure: float) -> int:
        left, right = (head.draw(np.zeros(3), gaze_deg=(angle, 0.0), closure=closure).astype(int) for angle in (-20.0, 20.0))
        return int((np.abs(left - right).max(axis=2) > 12).sum())

    assert shown(0.0) > 500 and 0.1 < shown(0.5) / shown(0.0) < 0.7 and shown(1.0) == 0
