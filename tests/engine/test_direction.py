"""Every direction control does what its name says and leaves the rest alone; unknown keys are named."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from motion_speech import minute_of_talk

from soliloquy.engine.errors import InputError
from soliloquy.engine.motion.clip import ARKIT_CHANNELS, EYE_LOOK_COLUMNS
from soliloquy.engine.motion.direction import (
    Direction, direction_keys, load_direction, own_presets, parse_settings, preset_names, save_direction)
from soliloquy.engine.motion.generate import generate_motion
from soliloquy.engine.motion.moods import MOODS, MoodKey
from soliloquy.engine.motion.visemes import channel_columns

TALK = minute_of_talk(20.0)
HAPPY = Direction(mood="happy")

BLINK = set(channel_columns("eyeBlink"))
LOOK = set(EYE_LOOK_COLUMNS)
BROWS = {i for i, name in enumerate(ARKIT_CHANNELS) if name.startswith("brow")}
JAW = {i for i, name in enumerate(ARKIT_CHANNELS) if name.startswith("jaw") or name == "mouthClose"}
LIPS = {
    i for i, name in enumerate(ARKIT_CHANNELS) if (name.startswith("mouth") and name != "mouthClose") or name == "tongueOut"
}
MOOD = {column for shape in MOODS.values() for name in shape for column in channel_columns(name)} - BLINK


def take(direction: Direction, seed: int = 5):
    return generate_motion(TALK, direction, seed=seed, fps=Fraction(25))


BASE = take(HAPPY)


def changed(clip) -> set[str]:
    """Which parts of the clip differ from the base take."""
    parts = {
        "blink": BLINK,
        "look": LOOK,
        "brows": BROWS,
        "jaw": JAW,
        "lips": LIPS,
        "other": set(range(52)) - BLINK - LOOK - BROWS - JAW - LIPS,
    }
    found = {
        name
        for name, columns in parts.items()
        if np.abs(clip.channels[:, sorted(columns)] - BASE.channels[:, sorted(columns)]).max() > 1e-4
    }
    for field in ("head_rotation_deg", "head_translation_m", "gaze_deg"):
        if np.abs(getattr(clip, field) - getattr(BASE, field)).max() > 1e-4:
            found.add(field)
    return found


EYES = {"look", "gaze_deg"}
HEAD = {"head_rotation_deg", "head_translation_m"} | EYES


@pytest.mark.parametrize(
    "key, value, may_change",
    [
        ("lips", 0.0, {"lips"}),
        ("jaw", 0.0, {"jaw"}),
        ("brows", 0.0, {"brows"}),
        ("blinks", 0.0, {"blink"} | EYES),
        ("blink_rate", 40.0, {"blink"} | EYES),
        ("head", 0.0, HEAD),
        ("head_pace", 0.6, {"head_rotation_deg"} | EYES),
        ("gaze", 0.0, {"head_rotation_deg"} | EYES),
        ("expression", 0.0, {"lips", "brows", "other"}),
        ("mood_strength", 0.3, {"lips", "brows", "other"}),
        ("mood", "sad", {"lips", "brows", "other"}),
        ("breath", 0.0, {"jaw"} | HEAD),
        ("gaze_yaw", 20.0, {"head_rotation_deg"} | EYES),
        ("gaze_pitch", -10.0, {"head_rotation_deg"} | EYES),
        ("aversion", False, {"head_rotation_deg", "blink"} | EYES),
        ("aversion_rate", 0.0, {"head_rotation_deg", "blink"} | EYES),
        ("distance", 0.7, {"head_translation_m"} | EYES),
        ("head_yaw", 10.0, HEAD - {"head_translation_m"}),
        ("head_pitch", 10.0, HEAD - {"head_translation_m"}),
        ("head_roll", 10.0, HEAD - {"head_translation_m"}),
        ("energy", 1.6, {"jaw", "lips", "brows"} | HEAD),
        ("energy_over_time", "0:1, 8:1.6", {"jaw", "lips", "brows"} | HEAD - {"head_translation_m"}),
        ("gaze_over_time", "0:0/0, 10:20/-5", {"head_rotation_deg"} | EYES),
        ("distance_over_time", "0:1, 10:0.8", {"head_translation_m"} | EYES),
        ("head_follows_gaze", 0.9, set()),
        ("mood_over_time", "0:happy, 10:sad", {"lips", "brows", "other"}),
        ("listening", "4-12", {"head_rotation_deg", "blink"} | EYES),
    ],
)
def test_a_control_changes_its_own_part_only(key, value, may_change):
    found = changed(take(HAPPY.with_settings({key: value})))
    assert found <= may_change and bool(found) == bool(may_change)


def test_every_control_is_tested_here():
    tested = {
        "lips",
        "jaw",
        "brows",
        "blinks",
        "blink_rate",
        "head",
        "head_pace",
        "gaze",
        "expression",
        "mood_strength",
        "mood",
        "breath",
        "gaze_yaw",
        "gaze_pitch",
        "aversion",
        "aversion_rate",
        "distance",
        "head_yaw",
        "head_pitch",
        "head_roll",
        "energy",
        "mood_over_time",
        "head_follows_gaze",
        "reactions",
        "energy_over_time",
        "gaze_over_time",
        "distance_over_time",
        "generator",
        "listening",
    }
    assert {item.name for item in dataclasses.fields(Direction)} == tested == set(direction_keys())


def test_amounts_of_zero_still_their_part_completely():
    plain = take(Direction(lips=0.0))
    assert not plain.channels[:, sorted(LIPS)].any() and plain.channel("jawOpen").max() > 0.3
    assert not take(Direction(jaw=0.0, breath=0.0)).channels[:, sorted(JAW)].any()
    assert not take(Direction(brows=0.0)).channels[:, sorted(BROWS)].any()
    assert not take(Direction(blinks=0.0)).channels[:, sorted(BLINK)].any()
    still = take(Direction(head=0.0, aversion=False))
    assert not still.head_rotation_deg.any() and not still.head_translation_m.any()
    assert not take(Direction(gaze=0.0)).gaze_deg.any()
    assert len(np.flatnonzero(np.diff((still.channel("eyeBlinkLeft") > 0.5).astype(int)) == 1)) >= 3


def test_everything_at_zero_is_the_picture_itself():
    clip = take(Direction(lips=0.0, jaw=0.0, brows=0.0, blinks=0.0, head=0.0, gaze=0.0, expression=0.0, breath=0.0))
    for field in ("channels", "head_rotation_deg", "head_translation_m", "gaze_deg"):
        assert not np.abs(getattr(clip, field)).any()


def test_the_head_s_pace_changes_its_speed_and_not_its_reach():
    clips = {pace: [take(Direction(head_pace=pace, gaze=0.0), seed) for seed in range(8)] for pace in (0.5, 1.0, 2.0)}
    speed = {pace: np.mean([np.abs(np.diff(c.head_rotation_deg, axis=0)).mean() for c in made]) for pace, made in clips.items()}
    reach = {pace: np.mean([c.head_rotation_deg.std(axis=0) for c in made]) for pace, made in clips.items()}
    assert speed[0.5] < 0.7 * speed[1.0] and speed[2.0] > 1.5 * speed[1.0]
    assert all(0.75 < reach[pace] / reach[1.0] < 1.25 for pace in (0.5, 2.0))


def test_amounts_scale_in_proportion():
    assert np.allclose(take(Direction(head=0.5)).head_rotation_deg, 0.5 * take(Direction()).head_rotation_deg, atol=1e-4)
    assert take(Direction(jaw=1.3)).channel("jawOpen").max() > 1.2 * take(Direction()).channel("jawOpen").max()
    count = [
        np.sum(np.diff((take(Direction(blinks=b)).channel("eyeBlinkLeft") > 0.4).astype(int)) == 1) for b in (0.5, 1.0, 2.0)
    ]
    assert count[0] < count[1] < count[2]


@pytest.mark.parametrize("yaw, pitch", [(20.0, 0.0), (-20.0, 0.0), (0.0, 15.0), (0.0, -15.0)])
def test_the_look_goes_where_it_is_sent(yaw, pitch):
    clip = take(Direction(gaze_yaw=yaw, gaze_pitch=pitch, aversion=False))
    in_space = clip.gaze_deg.mean(axis=1) + clip.head_rotation_deg[:, :2]
    assert np.allclose(np.median(in_space, axis=0), (yaw, pitch), atol=2.0)
    without_head = take(Direction(gaze_yaw=yaw, gaze_pitch=pitch, aversion=False, head_follows_gaze=0.0, head=0.0))
    assert np.allclose(np.median(without_head.gaze_deg.mean(axis=1), axis=0), (yaw, pitch), atol=1.0)


@pytest.mark.parametrize("yaw, pitch", [(20.0, 0.0), (-10.0, 15.0)])
def test_still_eyes_keep_looking_where_they_are_sent(yaw, pitch):
    clip = take(Direction(gaze_yaw=yaw, gaze_pitch=pitch, gaze=0.0))
    assert np.ptp(clip.gaze_deg, axis=0).max() < 1e-5
    in_space = clip.gaze_deg.mean(axis=1) + clip.head_rotation_deg[:, :2]
    assert np.allclose(np.median(in_space, axis=0), (yaw, pitch), atol=2.0)


def test_the_head_takes_its_share_of_the_look():
    shares = [take(Direction(gaze_yaw=20.0, head_follows_gaze=share)).head_rotation_deg[:, 0].mean() for share in (0.0, 0.5)]
    assert shares[1] - shares[0] == pytest.approx(10.0, abs=0.2)


def test_without_aversion_the_look_stays():
    clip = take(Direction(aversion=False))
    assert np.abs(np.median(clip.gaze_deg.mean(axis=1) + clip.head_rotation_deg[:, :2], axis=0)).max() < 1.5
    away = np.abs(clip.gaze_deg.mean(axis=1) + clip.head_rotation_deg[:, :2]).max(axis=1)
    assert np.percentile(away, 95) < 5.0


@pytest.mark.parametrize("distance", [0.7, 1.0, 1.4])
def test_distance_moves_the_head_so_that_scale_is_one_over_it(distance):
    clip = take(Direction(distance=distance, head=0.0))
    assert np.allclose(1.0 / (1.0 - clip.head_translation_m[:, 2]), 1.0 / distance, rtol=1e-5)


@pytest.mark.parametrize(
    "mood, risen",
    [
        ("happy", "mouthSmileLeft"),
        ("sad", "mouthFrownLeft"),
        ("angry", "browDownLeft"),
        ("surprised", "eyeWideLeft"),
        ("afraid", "browInnerUp"),
        ("disgusted", "noseSneerLeft"),
        ("contempt", "mouthDimpleLeft"),
        ("tender", "mouthSmileRight"),
        ("bored", "eyeBlinkLeft"),
    ],
)
def test_moods_show(mood, risen):
    assert take(Direction(mood=mood)).channel(risen).mean() > take(Direction()).channel(risen).mean() + 0.08


@pytest.mark.parametrize("mood", sorted(MOODS))
def test_no_mood_opens_sealed_lips(mood):
    clip = take(Direction(mood=mood))
    times = np.arange(len(clip)) / 25
    for phone in TALK.phones:
        if phone.label in "PBM":
            near = np.abs(times - (phone.start_s + phone.end_s) / 2) <= 0.06
            sealed = np.flatnonzero(near)[np.argmin((clip.channel("jawOpen") - clip.channel("mouthClose"))[near])]
            assert clip.channel("jawOpen")[sealed] - clip.channel("mouthClose")[sealed] < 1e-6
            assert max(clip.channel("mouthSmileLeft")[sealed], clip.channel("mouthUpperUpLeft")[sealed]) < 0.02


def test_mood_follows_its_keys():
    clip = take(Direction().with_settings({"mood_over_time": "0:neutral, 10:happy*0.8"}))
    cheek = clip.channel("cheekSquintLeft")
    assert cheek[: 9 * 25].max() < 0.01 and cheek[11 * 25 :].min() > 0.2
    assert np.abs(np.diff(cheek)).max() < 0.06


def test_presets_load_and_each_is_a_style_of_its_own():
    assert {"neutral", "newsreader", "storyteller", "companion", "comic", "singer", "still"} <= set(preset_names())
    presets = [load_direction(name) for name in preset_names()]
    assert len({str(preset.as_record()) for preset in presets}) == len(presets)
    still = take(load_direction("still"))
    assert not still.head_rotation_deg.any() and not still.gaze_deg.any() and still.channel("eyeBlinkLeft").any()
    comic, news = take(load_direction("comic")), take(load_direction("newsreader"))
    assert comic.head_rotation_deg.std() > 1.5 * news.head_rotation_deg.std()


@pytest.mark.parametrize(
    "settings_, words",
    [
        ({"hed": 1}, "did you mean 'head'"),
        ({"head": "lots"}, "number from 0 to 2"),
        ({"head": 5}, "number from 0 to 2"),
        ({"head": float("nan")}, "number from"),
        ({"aversion": "maybe"}, "on or off"),
        ({"mood": "hapy"}, "did you mean 'happy'"),
        ({"mood_over_time": "soon:happy"}, "seconds:mood"),
        ({"mood_over_time": "1:glad"}, "Unknown mood"),
        ({"mood": 3}, "must be text"),
        ({"distance": True}, "number from"),
        ({"mood_over_time": "1:happy*7"}, "strength"),
    ],
)
def test_impossible_settings_are_refused_with_help(settings_, words):
    with pytest.raises(InputError, match=words):
        Direction().with_settings(settings_)


def test_files_are_checked_and_name_themselves(tmp_path):
    good = tmp_path / "mine.toml"
    good.write_text('format_version = 1\nname = "mine"\nhead = 0.5\nmood_over_time = "0:neutral, 2:sad"\naversion = false\n')
    assert load_direction(good) == Direction(
        head=0.5, aversion=False, mood_over_time=(MoodKey(0, "neutral"), MoodKey(2, "sad"))
    )
    for text, words in (
        ("format_version = 1\nheadd = 1", "did you mean 'head'"),
        ("head = 1", "format_version"),
        ("format_version = 9", "format_version"),
        ("format_version = ", "not valid TOML"),
    ):
        bad = tmp_path / "bad.toml"
        bad.write_text(text)
        with pytest.raises(InputError, match=words) as caught:
            load_direction(bad)
        assert "bad.toml" in str(caught.value)
    for name, words in (("newsreadr", "did you mean 'newsreader'"), (tmp_path / "none.toml", "cannot be read")):
        with pytest.raises(InputError, match=words):
            load_direction(name)


def test_settings_from_the_command_line():
    assert parse_settings(["head=0.5", " mood = happy"]) == {"head": "0.5", "mood": "happy"}
    direction = Direction().with_settings(parse_settings(["head=0.5", "mood=Happy", "aversion=off"]))
    assert (direction.head, direction.mood, direction.aversion) == (0.5, "happy", False)
    for bad in ("head", "=1"):
        with pytest.raises(InputError, match="key=value"):
            parse_settings([bad])


amounts = {
    item.name: st.floats(item.metadata["low"], item.metadata["high"])
    for item in dataclasses.fields(Direction)
    if "low" in item.metadata
}
keys = st.lists(
    st.builds(MoodKey, st.integers(0, 30).map(float), st.sampled_from(sorted(MOODS)), st.sampled_from([0.25, 0.5, 1.0])),
    max_size=3,
)


@settings(max_examples=25, deadline=None)
@given(st.fixed_dictionaries({}, optional=amounts), keys)
def test_any_allowed_direction_gives_a_valid_clip_and_survives_a_round_trip(values, mood_keys):
    direction = Direction(**values, mood_over_time=tuple(mood_keys))
    record = direction.as_record()
    assert Direction().with_settings(record) == direction
    clip = take(direction)
    clip.check()
    assert clip.channels.min() >= 0 and clip.channels.max() <= 1
    assert np.all(clip.channel("mouthClose") <= clip.channel("jawOpen"))


def test_a_direction_is_saved_and_found_again(tmp_path, monkeypatch):
    made = Direction(head=0.5, mood="tender", aversion=False).with_settings(
        {"mood_over_time": "0:neutral, 2.5:happy*0.6", "gaze_over_time": "0:0/0, 2:-20/5", "listening": "3-4.25"})
    save_direction(made, tmp_path / "mine.toml", description='Says "hello" \u2014 softly')
    assert load_direction(tmp_path / "mine.toml") == made
    assert "format_version = 1" in (tmp_path / "mine.toml").read_text()
    own_presets().mkdir(parents=True)
    try:
        save_direction(made, own_presets() / "our-host.toml")
        assert "our-host" in preset_names() and load_direction("our-host") == made
    finally:
        (own_presets() / "our-host.toml").unlink()
        own_presets().rmdir()


def test_the_styles_can_be_told_apart_by_what_they_do():
    """Each pair of presets differs by a third in at least one of: head, brows, jaw, blinks, looks away, smile."""
    figures = {}
    for name in ("neutral", "newsreader", "storyteller", "companion", "comic", "singer", "still"):
        clips = [take(load_direction(name), seed) for seed in (1, 2, 3)]
        away = [np.abs(c.gaze_deg.mean(axis=1) + c.head_rotation_deg[:, :2]).max(axis=1) > 4.0 for c in clips]
        figures[name] = np.array([
            np.mean([c.head_rotation_deg.std() for c in clips]) + 0.1,
            np.mean([c.channel("browInnerUp").mean() for c in clips]) + 0.01,
            np.mean([c.channel("jawOpen").mean() for c in clips]),
            np.mean([np.sum(np.diff((c.channel("eyeBlinkLeft") > 0.4).astype(int)) == 1) for c in clips]) + 0.5,
            np.mean(away) + 0.02,
            np.mean([c.channel("mouthSmileLeft").mean() for c in clips]) + 0.02,
        ])
    names = sorted(figures)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            assert np.abs(np.log(figures[one] / figures[other])).max() > np.log(4 / 3), (one, other)
