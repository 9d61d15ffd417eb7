"""Takes blended: smooth at the seams, untouched elsewhere, regions apart, hand-made parts kept."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from motion_speech import minute_of_talk

from soliloquy.engine.errors import InputError
from soliloquy.engine.motion import edit
from soliloquy.engine.motion.clip import EYE_LOOK_COLUMNS, MotionClip
from soliloquy.engine.motion.direction import Direction
from soliloquy.engine.motion.edit import BLEND_S, CURVES, GAZE, REGIONS, ROTATION, Span, curves, merge_takes
from soliloquy.engine.motion.generate import generate_motion

FPS = Fraction(200)
"""High, so that differences between frames say something about slopes."""
SECONDS = 8


def smooth_take(seed: int, fps: Fraction = FPS) -> MotionClip:
    """Curves of a few sines each: their slopes are bounded and known not to jump."""
    random = np.random.default_rng(seed)
    times_s = np.arange(int(SECONDS * fps)) / float(fps)
    phase = random.uniform(0, 6, (3, CURVES))
    wave = sum(np.sin(times_s[:, None] * rate + phase[k]) for k, rate in enumerate((0.7, 1.9, 3.1))) / 3
    clip = MotionClip.neutral(len(times_s), fps)
    scale = np.repeat([0.5, 8.0, 0.01, 10.0, 0.5], [52, 3, 3, 4, 3])
    return edit.with_curves(clip, wave * scale + np.repeat([0.5, 0.0, 0.5], [52, 10, 3]))


GAZE_COLUMNS = range(*GAZE.indices(CURVES))
OLD, FRESH = smooth_take(1), smooth_take(2)

spans = st.tuples(st.floats(0.3, 5.0), st.floats(0.3, 2.5)).map(lambda pair: Span(pair[0], pair[0] + pair[1]))
some_regions = st.lists(st.sampled_from(sorted(REGIONS)), min_size=1, max_size=4, unique=True)


@given(span=spans, regions=some_regions, blend_s=st.none() | st.floats(0.1, 0.6))
@settings(max_examples=40, deadline=None)
def test_outside_is_untouched_to_the_bit(span, regions, blend_s):
    made = curves(merge_takes(OLD, FRESH, spans=[span], regions=regions, blend_s=blend_s))
    times_s = np.arange(len(OLD)) / float(FPS)
    outside = (times_s < span.start_s) | (times_s > span.end_s)
    assert (made[outside] == curves(OLD)[outside]).all()
    follows = {*regions} | ({"gaze"} if "head" in regions else set())  # kept eyes go on looking where they looked
    others = np.setdiff1d(np.arange(CURVES), np.concatenate([REGIONS[name] for name in follows]))
    assert (made[:, others] == curves(OLD)[:, others]).all()
    changed = [column for name in regions for column in REGIONS[name]]
    assert (made[~outside][:, changed] != curves(OLD)[~outside][:, changed]).any(axis=0).all()


@given(span=spans, regions=some_regions, blend_s=st.none() | st.floats(0.1, 0.6))
@settings(max_examples=40, deadline=None)
def test_value_and_velocity_are_continuous(span, regions, blend_s):
    """No jump of a value, and none of a slope, that a smooth weight could not make."""
    made = curves(merge_takes(OLD, FRESH, spans=[span], regions=regions, blend_s=blend_s)).astype(float)
    change = made - curves(OLD)
    shortest_s = min((blend_s if blend_s else min(BLEND_S[name] for name in regions)), (span.end_s - span.start_s) / 2)
    size = np.abs(curves(FRESH).astype(float) - curves(OLD)).max(axis=0) + 1e-9
    size[GAZE] += np.abs(curves(FRESH) - curves(OLD))[:, ROTATION].max()  # by which held eyes turn too
    size[list(EYE_LOOK_COLUMNS)] = 1.5
    step_s = 1 / float(FPS)
    slope = np.abs(np.diff(change, axis=0)).max(axis=0) / size
    bend = np.abs(np.diff(change, 2, axis=0)).max(axis=0) / size
    others = np.setdiff1d(np.arange(CURVES), EYE_LOOK_COLUMNS)  # which are clipped at 0, where they have a corner by nature
    assert slope.max() <= 3 * step_s / shortest_s + 8 * step_s
    assert bend[others].max() <= 12 * (step_s / shortest_s) ** 2 + 40 * step_s * step_s / shortest_s + 1e-4


@given(span=spans, at=st.floats(0.2, 0.8), length_s=st.floats(0.05, 0.5), column=st.integers(0, CURVES - 1))
@settings(max_examples=40, deadline=None)
def test_hand_made_values_stay(span, at, length_s, column):
    hand_made = np.zeros((len(OLD), CURVES), bool)
    first = int((span.start_s + at * (span.end_s - span.start_s)) * FPS)
    hand_made[first:first + max(1, int(length_s * FPS)), column] = True
    made = curves(merge_takes(OLD, FRESH, spans=[span], hand_made=hand_made))
    assert (made[hand_made] == curves(OLD)[hand_made]).all()
    at_the_border = np.abs(np.diff(made[:, column].astype(float) - curves(OLD)[:, column])).max()
    apart = np.abs(curves(FRESH) - curves(OLD)).max(axis=0)
    size = apart[column] + apart[ROTATION].max() * (column in GAZE_COLUMNS) + 1.0 * (column in EYE_LOOK_COLUMNS)  # held eyes turn with the head
    assert at_the_border <= 2.2 * size / float(FPS) / min(0.06, (span.end_s - span.start_s) / 2) + 1e-6


def test_whole_clip_and_all_regions_is_the_fresh_take():
    np.testing.assert_allclose(curves(merge_takes(OLD, FRESH)), curves(FRESH), atol=1e-6)


def test_kept_eyes_go_on_looking_where_they_looked():
    """Gaze in space, head rotation times eye direction, computed here from the conventions' own matrices."""
    made = merge_takes(OLD, FRESH, spans=[Span(2, 5)], regions=["head"])
    assert np.abs(made.gaze_deg - OLD.gaze_deg).max() > 3
    np.testing.assert_allclose(looks(made), looks(OLD), atol=1e-4)
    still = merge_takes(OLD, FRESH, spans=[Span(2, 5)], regions=["head"], eyes_hold=0.0)
    assert (still.gaze_deg == OLD.gaze_deg).all()


def looks(clip: MotionClip) -> np.ndarray:
    from soliloquy.engine.motion.gaze import _direction, _rotations

    heads = _rotations(clip.head_rotation_deg)
    return np.stack([np.einsum("tij,tj->ti", heads, _direction(*clip.gaze_deg[:, eye].T)) for eye in (0, 1)])


def test_lids_go_with_eyes_turned_by_hand_unless_they_were_made_by_hand_too():
    generated = MotionClip.neutral(30)
    by_hand = MotionClip.neutral(30)
    by_hand.gaze_deg[10:20, 0] = (0, -30)
    by_hand.gaze_deg[10:20, 1] = (0, -15)
    by_hand.channel("eyeLookDownRight")[10:20] = 0.9
    made = edit.with_lids_following(by_hand, generated)
    assert made.channel("eyeLookDownLeft")[10:20] == pytest.approx(1.0) and not made.channel("eyeLookDownLeft")[:10].any()
    assert made.channel("eyeLookDownRight")[10:20] == pytest.approx(0.9)
    assert not edit.differs(edit.with_lids_following(generated, generated), generated).any()


def test_real_takes_blend_and_stay_in_range():
    speech, fps = minute_of_talk(12), Fraction(25)
    takes = [generate_motion(speech, Direction(), seed=seed, fps=fps) for seed in (0, 1)]
    made = merge_takes(*takes, spans=[Span(3, 7)])
    assert made.channels.min() >= 0 and made.channels.max() <= 1
    assert (made.channel("mouthClose") <= made.channel("jawOpen") + 1e-6).all()
    assert edit.runs(edit.differs(takes[0], made).any(axis=1))[0][0] >= 75
    inside = slice(90, 160)
    assert edit.differs(takes[1], made)[inside].mean() < 0.1, "well inside it is the fresh take"
    assert np.abs(np.diff(made.head_rotation_deg, axis=0)).max() <= 1.6 * max(
        np.abs(np.diff(take.head_rotation_deg, axis=0)).max() for take in takes)


def test_every_curve_has_one_region():
    assert sorted(np.concatenate(list(REGIONS.values()))) == list(range(CURVES))
    assert set(edit.region_columns(["eyes"])) == {"gaze", "blinks", "lids"}
    assert set(edit.region_columns(["all"])) == set(REGIONS)


@pytest.mark.parametrize("text, span", [("2.0:3.5", Span(2, 3.5)), (":1", Span(0, 1)), ("4:", Span(4, np.inf))])
def test_spans_are_read(text, span):
    assert Span.parse(text) == span


@pytest.mark.parametrize("text", ["", "2", "3:2", "-1:2", "a:b", "1:1", "nan:2"])
def test_what_is_no_span_is_refused(text):
    with pytest.raises(InputError, match="seconds"):
        Span.parse(text)


def test_other_frames_and_unknown_regions_are_refused():
    with pytest.raises(InputError, match="same frames"):
        merge_takes(OLD, FRESH.sliced(0, 10))
    with pytest.raises(InputError, match="no region 'nose'"):
        merge_takes(OLD, FRESH, regions=["nose"])
    with pytest.raises(InputError, match="at least one"):
        merge_takes(OLD, FRESH, regions=[])
