"""The reading of rows 5 and 8: what shows between the lips, in mouths that close, that do not, and that are painted to look so."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from figures_by_key import by_key

from soliloquy.engine.measure import rows_face
from soliloquy.engine.measure.batteries import lip_battery
from soliloquy.engine.measure.bench import Bench
from soliloquy.engine.measure.detectors import INNER_LIPS
from soliloquy.engine.measure.figures import MISS, PASS
from soliloquy.engine.measure.lips_apart import INNER_OUTLINE, lip_gap_iod, painted_for_gap, posed_lips, shown_height_px
from soliloquy.engine.motion.clip import CHANNEL_INDEX
from soliloquy.engine.portrait.topology import INNER_LIP_LOWER, INNER_LIP_UPPER
from soliloquy.engine.render.render import render

SEAL, OPEN = "lip_seal_canonical", "lip_open_canonical"


def gap_with(bench: Bench, outline: np.ndarray) -> np.ndarray:
    """The gaps of the battery when `outline` (N, 2) is what the picture is said to show between its lips."""
    clip = lip_battery().clip
    frames = bench.frames(clip, portrait=painted_for_gap(bench.portrait, outline))
    return np.array([shown_height_px(frame, lips) for frame, lips in zip(frames, posed_lips(bench, clip))]) / bench.eye_distance_px


def test_closed_lips_are_sealed_and_lips_that_do_not_close_are_found(hopper, detector, monkeypatch):
    battery = lip_battery()
    assert by_key(rows_face.lips_posed(Bench(hopper, detector, render=render)))[SEAL].status == PASS
    battery.clip.channels[:, CHANNEL_INDEX["mouthClose"]] = 0.0
    monkeypatch.setattr(rows_face, "lip_battery", lambda: battery)
    assert by_key(rows_face.lips_posed(Bench(hopper, detector, render=render)))[SEAL].status == MISS


def test_a_mouth_that_keeps_shut_does_not_open(hopper, detector, monkeypatch):
    battery = lip_battery()
    battery.clip.channels[battery.open_frames] = battery.clip.channels[battery.sealed_frames]
    monkeypatch.setattr(rows_face, "lip_battery", lambda: battery)
    assert by_key(rows_face.lips_posed(Bench(hopper, detector, render=render)))[OPEN].status == MISS


def test_a_dark_line_painted_between_closed_lips_is_no_gap(hopper, detector):
    person = hopper.images["person"].copy()
    seam = (hopper.landmarks_px[list(INNER_LIP_UPPER), :2] + hopper.landmarks_px[list(INNER_LIP_LOWER), :2]) / 2.0
    colour = (30.0, 12.0, 12.0, 255.0)[: person.shape[2]]
    bench = Bench(hopper, detector, render=render)
    thickness = max(1, round(0.03 * bench.eye_distance_px / bench.scale))
    cv2.polylines(person, [np.round(seam).astype(np.int32)], False, colour, thickness, cv2.LINE_AA)
    painted = dataclasses.replace(hopper, images=hopper.images | {"person": person})
    figures = by_key(rows_face.lips_posed(Bench(painted, detector, render=render)))
    assert figures[SEAL].status == PASS


def test_a_strip_of_the_picture_s_own_teeth_left_on_a_lip_is_a_gap(hopper, detector):
    """Lips parted in the picture by .08 eye distances, which the portrait's mesh took for an upper lip."""
    bench = Bench(hopper, detector, render=render)
    outline = hopper.landmarks_px[list(INNER_OUTLINE), :2].astype(np.float64)
    nothing = gap_with(bench, np.zeros((4, 2)))
    outline[: len(INNER_LIP_UPPER), 1] -= 0.08 * bench.eye_distance_px / bench.scale
    left = gap_with(bench, outline)
    assert nothing[lip_battery().sealed_frames].max() <= rows_face.SEAL_GAP_IOD < left[lip_battery().sealed_frames].min()


def test_the_gap_is_as_high_as_the_lips_are_apart(hopper, detector):
    bench, battery = Bench(hopper, detector, render=render), lip_battery()
    lips = np.array(list(posed_lips(bench, battery.clip)))[battery.open_frames]
    apart = np.mean([lips[:, below, 1] - lips[:, above, 1] for above, below in INNER_LIPS], axis=0) / bench.eye_distance_px
    read = gap_with(bench, np.zeros((4, 2)))[battery.open_frames]
    assert read == pytest.approx(apart, rel=0.2), "the lips' rims curl in before the points that the detector calls inner"
    assert lip_gap_iod(bench, battery.clip, stage="test")[battery.open_frames] == pytest.approx(read, abs=0.04)
