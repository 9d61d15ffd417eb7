"""The scoreboard's arithmetic on signals whose answer is known."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soliloquy.engine.measure import signals

angle = st.floats(-80.0, 80.0)


@given(angle, angle, angle)
def test_angles_survive_the_way_through_rotations(yaw, pitch, roll):
    rotation = signals.rotations_from_angles(np.array([[yaw, pitch, roll]]))
    np.testing.assert_allclose(signals.angles_from_rotations(rotation)[0], [yaw, pitch, roll], atol=1e-9)
    np.testing.assert_allclose(rotation[0] @ rotation[0].T, np.eye(3), atol=1e-12)


def test_rotations_follow_the_sign_convention_of_motion_clips():
    yaw, pitch, roll = signals.rotations_from_angles(np.diag([10.0, 10.0, 10.0]))
    face, right = np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])
    assert (yaw @ face)[0] > 0.1, "positive yaw turns the face to the picture's right"
    assert (pitch @ face)[1] > 0.1, "positive pitch looks up"
    assert (roll @ right)[1] > 0.1, "positive roll turns counter-clockwise as the viewer sees it"


def test_the_distance_of_two_rotations_is_the_angle_between_them():
    first, second = signals.rotations_from_angles(np.array([[0.0, 0.0, 12.0], [0.0, 0.0, -5.0]]))
    assert signals.geodesic_deg(first, second) == pytest.approx(17.0)


def test_regression_reads_slope_and_leaves_out_what_was_not_seen():
    commanded = np.array([-20.0, -10.0, 0.0, 10.0, 20.0])
    measured = 0.8 * commanded + 1.0
    measured[1] = np.nan
    line = signals.regress(commanded, measured)
    assert (line.slope, line.offset, line.correlation) == pytest.approx((0.8, 1.0, 1.0))


def test_a_measurement_that_never_varies_has_neither_slope_nor_correlation():
    line = signals.regress(np.arange(5.0), np.full(5, 3.0))
    assert line.slope == pytest.approx(0.0) and line.correlation == 0.0


def test_band_shares_find_the_energy_where_it_was_put():
    seconds = np.arange(0.0, 60.0, 0.04)
    slow, middle, fast = (size * np.sin(2 * np.pi * hz * seconds) for size, hz in ((3.0, 0.5), (1.0, 1.5), (0.5, 7.0)))
    shares = signals.band_shares(slow + middle + fast, 25.0, (0.0, 1.0, 2.0, 5.0, 25.0))
    np.testing.assert_allclose(shares, np.array([9.0, 1.0, 0.0, 0.25]) / 10.25, atol=1e-3)


def test_band_shares_of_a_frozen_head_are_not_numbers():
    assert np.isnan(signals.band_shares(np.full((100, 3), 4.0), 25.0, (0.0, 1.0, 25.0))).all()


def test_resampling_keeps_a_ramp_a_ramp():
    ramp = np.arange(48.0)[:, None] / 23.976
    resampled = signals.resample(ramp, Fraction(24000, 1001), 25.0)[:, 0]
    np.testing.assert_allclose(np.diff(resampled), 0.04, atol=1e-4)


def test_a_triangle_is_one_event_of_half_its_width():
    seconds = np.arange(0.0, 2.0, 0.02)
    curve = np.clip(1.0 - np.abs(seconds - 1.0) / 0.2, 0.0, None)
    (event,) = signals.events_above(curve, seconds, 0.6)
    assert event.peak_s == pytest.approx(1.0) and event.width_s == pytest.approx(0.2, abs=0.005)


def test_events_too_low_do_not_count_and_a_dip_does_not_split_one():
    seconds = np.arange(0.0, 1.0, 0.02)
    low = 0.5 * np.exp(-((seconds - 0.5) / 0.05) ** 2)
    assert signals.events_above(low, seconds, 0.6) == []
    dipped = np.where((seconds > 0.3) & (seconds < 0.7), 1.0, 0.0) - np.where(np.abs(seconds - 0.5) < 0.03, 0.4, 0.0)
    assert len(signals.events_above(dipped, seconds, 0.6)) == 1


def test_each_found_event_matches_at_most_one_truth():
    assert signals.match_events([1.0, 2.0, 3.0], [1.05, 1.06, 2.5], 0.08) == pytest.approx((1 / 3, 1 / 3))
    precision, recall = signals.match_events([1.0], [], 0.08)
    assert np.isnan(precision) and recall == 0.0


def test_log_normal_intervals_are_told_from_regular_ones():
    generator = np.random.default_rng(4)
    assert signals.log_normal_probability(generator.lognormal(1.0, 0.7, 80)) > 0.05
    two_rhythms = np.r_[generator.normal(0.5, 0.01, 40), generator.normal(5.0, 0.01, 40)]
    assert signals.log_normal_probability(two_rhythms) < 0.01


def test_diversity_is_zero_for_copies_and_one_for_strangers():
    generator = np.random.default_rng(1)
    take = generator.normal(size=(1, 500, 3))
    assert signals.diversity(np.repeat(take, 8, axis=0)) == pytest.approx(0.0, abs=1e-9)
    assert signals.diversity(generator.normal(size=(8, 500, 3))) == pytest.approx(1.0, abs=0.05)
    assert np.isnan(signals.diversity(np.zeros((8, 500, 3)))), "takes that never move are not diverse"


def test_psnr_of_a_known_error():
    black, grey = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 2, np.uint8)
    assert signals.psnr_db(black, grey) == pytest.approx(20 * np.log10(255 / 2))
    half = np.zeros((8, 8), bool)
    half[:4] = True
    grey[:4] = 0
    assert signals.psnr_db(black, grey, half) == 99.0
