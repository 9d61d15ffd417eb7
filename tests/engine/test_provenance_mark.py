"""The mark: there after common editing, unseen, never found where it is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.portrait.picture import read_picture
from soliloquy.engine.provenance.mark import MOST_DECODED, Marker, layout, pattern_tile, read_mark
from soliloquy.engine.provenance.mark_code import CODED_BITS, CRC_BITS, crc24, decode, encode
from soliloquy.engine.provenance.mark_trial import PICTURE_EDITS
from soliloquy.engine.provenance.seal import mark_number

NUMBER = 0xC0FFEE42
WHAT_IT_NEED_NOT_SURVIVE = (
    "turned 2 degrees",
    "mirrored",
    "crop 50 %",
    "resize 25 %",
    "JPEG 30",
    "crop 20 %, resize 50 %, JPEG 70",
)


@pytest.fixture(scope="module", params=["astronaut_path", "hopper_path"])
def picture(request) -> np.ndarray:
    return np.ascontiguousarray(read_picture(request.getfixturevalue(request.param))[..., :3])


@pytest.fixture(scope="module")
def cartoon() -> np.ndarray:
    """Flat areas and hard edges: where a pattern would show most."""
    drawn = np.full((512, 512, 3), (240, 200, 120), np.uint8)
    cv2.circle(drawn, (256, 256), 150, (190, 220, 250), -1)
    for x in (200, 312):
        cv2.circle(drawn, (x, 220), 20, (0, 0, 0), -1)
    drawn[:, :100] = 255
    return drawn


@pytest.mark.parametrize("edit", [name for name in PICTURE_EDITS if name not in WHAT_IT_NEED_NOT_SURVIVE])
def test_mark_survives_common_editing(picture, edit):
    marked = PICTURE_EDITS[edit](Marker(NUMBER).apply(picture))
    assert read_mark([marked]).number == NUMBER


def test_mark_is_not_seen(picture, cartoon):
    assert cv2.PSNR(picture, Marker(NUMBER).apply(picture)) >= 42
    change = Marker(NUMBER).apply(cartoon).astype(int) - cartoon
    assert (
        cv2.PSNR(cartoon, Marker(NUMBER).apply(cartoon)) >= 48
        and read_mark([Marker(NUMBER).apply(cartoon)]).number == NUMBER
    )
    flat = np.abs(change[20:90, 250:500, 0])
    assert (flat > 1).mean() < 0.04 and (flat > 2).mean() < 0.001, "single levels of 256 where the picture is flat, seldom two"
    dark = np.abs(Marker(NUMBER).apply(np.full((256, 256, 3), 30, np.uint8)).astype(int) - 30)
    assert dark.max() <= 2 and (dark > 0).mean() < 0.3, "less in the dark, where a level shows more"
    assert np.abs(change).max() <= 4, "nor much more beside hard edges"
    assert np.ptp(change, axis=2).max() <= 5, "a change of light, not of colour, but where a channel is full already"


def test_no_mark_where_there_is_none(picture):
    for unmarked in (picture, picture[100:300, 50:330]):
        assert read_mark([unmarked]).number is None


def test_no_mark_in_what_is_no_photograph(cartoon):
    noise = np.random.default_rng(1).integers(0, 256, (300, 300, 3), np.uint8)
    checkers = (np.indices((300, 300)).sum(axis=0) // 8 % 2 * 255).astype(np.uint8)
    for unmarked in (cartoon, noise, checkers, np.zeros((64, 64, 3), np.uint8)):
        assert read_mark([unmarked]).number is None


def test_chance_of_a_false_alarm_is_below_one_in_a_million():
    """By counting: each place decoded passes the CRC with 2^-24. And the decoder accepts random evidence no more often than
    that."""
    assert MOST_DECODED * 2.0**-CRC_BITS < 1e-6
    random = np.random.default_rng(0)
    assert not any(decode(random.normal(size=CODED_BITS)) is not None for _ in range(500))


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_code_brings_a_number_through_noise(number, seed):
    evidence = encode(number) + np.random.default_rng(seed).normal(0, 0.45, CODED_BITS)
    assert decode(evidence) == number


def test_code_rejects_what_is_wrong():
    assert crc24(0) != 0, "no evidence at all must not read as the number 0"
    assert decode(np.zeros(CODED_BITS)) is None
    assert decode(-encode(NUMBER)) is None


def test_pattern_is_the_same_everywhere_and_stays_so():
    """Marks of today must be readable by every later version: this hash may change only with a new way of marking."""
    plan = layout()
    assert (len(plan.bit), int(plan.rows.sum()), int(plan.columns.sum())) == (988, 61002, 11490)
    assert [round(float(value), 3) for value in plan.phases[:3]] == [1.038, 2.636, 5.926]
    assert pattern_tile(1).std() == pytest.approx(1, abs=1e-5) and not np.array_equal(pattern_tile(1), pattern_tile(2))


def test_alpha_stays_and_size_may_be_odd(picture):
    transparent = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    transparent[:100, :, 3] = 0
    marked = Marker(NUMBER).apply(transparent)
    assert np.array_equal(marked[..., 3], transparent[..., 3]) and read_mark([marked]).number == NUMBER
    odd = np.ascontiguousarray(picture[:401, :333])
    assert Marker(7).apply(odd).shape == odd.shape
    assert Marker(7).apply(np.zeros((16, 16, 3), np.uint8)).shape == (16, 16, 3)


def test_the_number_is_of_picture_and_performance():
    clip, other = MotionClip.neutral(5), MotionClip.neutral(5)
    other.channels[2, 3] = 0.5
    assert (
        mark_number("ab", clip)
        == mark_number("ab", MotionClip.neutral(5))
        != mark_number("ab", other)
        != mark_number("cd", other)
    )
