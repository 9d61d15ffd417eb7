"""Rows 3 and 4 on eyes whose gaze and lids are known: large catch-lights, dark eyes, turned heads, and eyes that do half."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import pytest

from soliloquy.engine.measure.bench import Bench
from soliloquy.engine.measure.detectors import IRIS_RADIUS_IOD, Face
from soliloquy.engine.measure.irises import iris_travel_iod
from soliloquy.engine.measure.known_head import EYE_DISTANCE_PX, KnownHead, looked_at, painted
from soliloquy.engine.measure.lids_shut import eye_shown, lid_closure, seen_closure
from soliloquy.engine.measure.rows_face import CLOSURE_COUNTS
from soliloquy.engine.measure.signals import regress
from soliloquy.engine.motion.clip import CHANNEL_INDEX, EYE_LOOK_COLUMNS, MotionClip, eye_look_from_gaze
from soliloquy.engine.render.render import render

GAZE_DEG = np.array([(0, 0), (-20, 0), (-10, 0), (20, 0)], float)
LARGE_CATCH_LIGHT = {"glint": 2.2}
DARK = {"sclera": (120, 95, 80), "iris": (35, 22, 15), "glint": 1.5}
"""Eyes of an old painting."""


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


def test_eyes_that_stay_on_the_viewer_while_the_head_turns_are_followed_all_the_way(detector):
    """Head and eyes together carry the iris furthest, by a tenth of the eyes' distance and more: no search may end before."""
    head, angles = KnownHead(), np.array([0.0, -15.0, -15.0, 15.0, 15.0])
    gazes = np.array([0.0, 0.0, 15.0, 0.0, -15.0])
    frames = [head.draw(np.array([yaw, 0.0, 0.0]), gaze_deg=(gaze, 0.0)) for yaw, gaze in zip(angles, gazes)]
    landmarks = looked_at(detector, frames)
    travel = Face(landmarks[0]).inter_ocular_px / EYE_DISTANCE_PX * iris_travel_iod(frames, landmarks)[..., 0]
    turned, held = travel[[1, 3]], travel[[2, 4]]
    assert np.abs(held).max() > 0.095
    by_the_eyes = (held - turned).mean(axis=1) / (IRIS_RADIUS_IOD * np.sin(np.radians(gazes[[2, 4]])))
    assert by_the_eyes == pytest.approx([1.0, 1.0], abs=0.15)


def painted_otherwise(head: KnownHead) -> KnownHead:
    head.sclera = np.zeros(3)
    head.discs = tuple((share, radius, tuple(255 * (value < 128) for value in colour)) for share, radius, colour in head.discs)
    return head


def closures(head: KnownHead, control: KnownHead, poses: list[dict], seen_through: float = 0.0) -> list[float]:
    """What is read of poses of a known head, the first with open eyes; lids let so much of the eye through."""
    turned = np.array([8.0, 0.0, 0.0])
    frames, controls = ([each.draw(turned, **pose) for pose in poses] for each in (head, control))
    if seen_through:
        frames, controls = ([cv2.addWeighted(frame, 1.0 - seen_through, drawn[0], seen_through, 0.0) for frame in drawn]
                            for drawn in (frames, controls))
    shown = [eye_shown(frame, drawn) for frame, drawn in zip(frames, controls)]
    return [seen_closure(frame, eye, frames[0], shown[0]) for frame, eye in zip(frames, shown)]


OPEN, HALF, SHUT, ASIDE = {}, {"closure": 0.5}, {"closure": 1.0}, {"gaze_deg": (18.0, 0.0)}


@pytest.mark.parametrize("eyes", [{}, DARK], ids=["plain", "dark"])
def test_shut_eyes_of_a_known_head_are_told_from_half_shut_and_from_turned_ones(eyes):
    still, half, shut, aside = closures(KnownHead(**eyes), painted_otherwise(KnownHead(**eyes)), [OPEN, HALF, SHUT, ASIDE])
    assert still == 0.0 and 0.4 < half < CLOSURE_COUNTS < 0.98 < shut
    assert aside == pytest.approx(0.0, abs=0.1)


def test_lids_that_let_the_eye_through_are_not_shut():
    through = closures(KnownHead(), painted_otherwise(KnownHead()), [OPEN, SHUT], seen_through=0.4)[1]
    assert through < CLOSURE_COUNTS


def test_a_lid_as_dark_as_the_eye_is_no_blink_that_anybody_sees():
    black = {"sclera": (22, 17, 15), "iris": (20, 15, 13), "glint": 0.0}
    skin = functools.partial(painted, skin=(24, 18, 16))
    head = KnownHead(paint=skin, **black)
    assert closures(head, painted_otherwise(KnownHead(paint=skin, **black)), [OPEN, SHUT])[1] < CLOSURE_COUNTS


def test_a_portrait_s_blink_is_read_and_half_of_one_and_a_look_down_are_none(astronaut, detector):
    clip = MotionClip.neutral(4)
    for channel in ("eyeBlinkLeft", "eyeBlinkRight"):
        clip.channels[:, CHANNEL_INDEX[channel]] = (0.0, 0.5, 1.0, 0.0)
    clip.gaze_deg[3, :, 1] = -20.0
    clip.channels[:, EYE_LOOK_COLUMNS] = eye_look_from_gaze(clip.gaze_deg)
    bench = Bench(astronaut, detector, render=render)
    still, half, shut, down = lid_closure(bench, clip, np.zeros(4, int), list(bench.frames(clip)))
    assert still == 0.0 and half < CLOSURE_COUNTS < 0.98 < shut and down < 0.5


def test_a_frozen_face_has_no_eyes_that_could_shut(astronaut, detector):
    bench = Bench(astronaut, detector, render=lambda portrait, clip, size: iter([np.zeros((*size[::-1], 3), np.uint8)] * len(clip)))
    clip = MotionClip.neutral(2)
    assert np.isnan(lid_closure(bench, clip, np.zeros(2, int), list(bench.frames(clip)))).all()
