"""A learned preset makes performances like those it was learned from."""

from __future__ import annotations

from fractions import Fraction

import pytest
from motion_speech import minute_of_talk
from typer.testing import CliRunner

from soliloquy.engine.capture.style import Style, learned_direction, measured
from soliloquy.engine.cli import app
from soliloquy.engine.errors import InputError
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.motion.direction import Direction, load_direction
from soliloquy.engine.motion.generate import generate_motion

LIVELY = Direction(head=1.5, blink_rate=34.0, brows=1.5, jaw=1.2)
CALM = Direction(head=0.5, blink_rate=10.0, brows=0.4, jaw=0.8, aversion_rate=0.3)
WITHIN = {"head_change_deg": 0.15, "head_deg": 0.2, "blinks_per_minute": 0.25, "brow": 0.3, "jaw": 0.1, "lips": 0.1}
"""How near a performance under the learned preset comes to what it was learned from, as a share of it."""


def takes(direction: Direction, seeds: range, speech_seed: int = 0) -> list[MotionClip]:
    return [generate_motion(minute_of_talk(60.0, seed=speech_seed), direction, seed=seed, fps=Fraction(25)) for seed in seeds]


@pytest.fixture(scope="module")
def learned() -> dict[str, tuple[Style, Style]]:
    """Name -> what was learned from, and what comes out under the preset with other seeds, by the same voice."""
    found = {}
    for name, direction in (("lively", LIVELY), ("calm", CALM)):
        style = measured(takes(direction, range(3)))
        found[name] = style, measured(takes(again(style), range(10, 13)))
    return found


def again(style: Style) -> Direction:
    """The learned direction, with what this made-up voice does to an ordinary performer's figures taken out."""
    ordinary = measured(takes(Direction(), range(20, 23)))
    from soliloquy.engine.capture import style as module
    scaled = Style(*(value / own * neutral if key != "blinks_per_minute" else value
                     for (key, value), own, neutral in zip(vars(style).items(), vars(ordinary).values(), vars(module.NEUTRAL).values())))
    return learned_direction(scaled)


@pytest.mark.parametrize("name", ["lively", "calm"])
def test_a_learned_preset_comes_near_to_what_it_was_learned_from(learned, name):
    source, made = learned[name]
    for key, share in WITHIN.items():
        assert getattr(made, key) == pytest.approx(getattr(source, key), rel=share), key


def test_lively_clips_make_livelier_performances_than_calm_ones(learned):
    lively, calm = (learned[name][1] for name in ("lively", "calm"))
    assert lively.head_change_deg > 2.0 * calm.head_change_deg and lively.blinks_per_minute > 2.0 * calm.blinks_per_minute
    assert lively.brow > 2.0 * calm.brow and lively.jaw > calm.jaw and lively.averted_share > calm.averted_share


def test_the_preset_is_a_direction_file(tmp_path):
    for number, clip in enumerate(takes(CALM, range(2))):
        clip.save(tmp_path / f"clip{number}.json")
    paths = [str(tmp_path / f"clip{number}.json") for number in range(2)]
    result = CliRunner().invoke(app, ["style", "learn", *paths, "-o", str(tmp_path / "calm.toml")])
    assert result.exit_code == 0, result.output
    direction = load_direction(tmp_path / "calm.toml")
    assert direction.head < 0.8 and direction.blink_rate < 15.0


def test_what_says_too_little_is_refused(tmp_path):
    with pytest.raises(InputError, match="at least"):
        measured([MotionClip.neutral(100)])
    MotionClip.neutral(1000).save(tmp_path / "clip.json")
    assert CliRunner().invoke(app, ["style", "learn", str(tmp_path / "clip.json"), "-o", str(tmp_path / "preset.txt")]).exit_code == 2


def test_a_still_face_makes_a_still_preset():
    direction = learned_direction(measured([MotionClip.neutral(1000)]))
    assert (direction.head, direction.blink_rate, direction.brows, direction.jaw) == (0.0, 0.0, 0.0, 0.0)
