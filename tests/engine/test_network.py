"""The performance network as the other generator of head and brows."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from motion_speech import minute_of_talk, speech_of

from soliloquy.engine.audio.speech import SILENCE
from soliloquy.engine.audio.weights import shipped_weights
from soliloquy.engine.errors import InputError
from soliloquy.engine.motion import network
from soliloquy.engine.motion.clip import ARKIT_CHANNELS
from soliloquy.engine.motion.direction import Direction
from soliloquy.engine.motion.generate import generate_motion

TALK = minute_of_talk(30.0)
BROWS = [n for n, name in enumerate(ARKIT_CHANNELS) if name.startswith("brow")]
OTHERS = [n for n, name in enumerate(ARKIT_CHANNELS) if not name.startswith(("brow", "eyeLook"))]


def take(seed: int = 0, speech=TALK, **keys):
    return generate_motion(speech, Direction(generator="network", **keys), seed=seed, fps=Fraction(25))


def test_the_generator_changes_head_and_brows_and_the_eyes_that_go_with_the_head():
    learned, ruled = take(), generate_motion(TALK, Direction(), seed=0, fps=Fraction(25))
    assert np.array_equal(learned.channels[:, OTHERS], ruled.channels[:, OTHERS])
    assert np.array_equal(learned.head_translation_m, ruled.head_translation_m)
    assert np.abs(learned.head_rotation_deg - ruled.head_rotation_deg).max() > 3.0
    assert np.abs(learned.channels[:, BROWS] - ruled.channels[:, BROWS]).max() > 0.1


def test_same_seed_same_take_and_another_seed_another():
    first, again, other = take(1), take(1), take(2)
    assert np.array_equal(first.head_rotation_deg, again.head_rotation_deg)
    assert np.corrcoef(first.head_rotation_deg[:, 0], other.head_rotation_deg[:, 0])[0, 1] < 0.8


def test_the_head_moves_as_far_as_a_speakers_and_never_jumps():
    takes = [take(seed) for seed in range(5)]
    spread = np.mean([clip.head_rotation_deg.std(axis=0) for clip in takes], axis=0)
    assert np.all(spread > (3.0, 2.0, 2.0)) and np.all(spread < (12.0, 7.0, 6.0))
    assert max(np.abs(np.diff(clip.head_rotation_deg, axis=0)).max() for clip in takes) < 8.0


def test_windows_are_joined_without_a_seam():
    """Where one window ends and the next begins the movement is as smooth as elsewhere."""
    weights = shipped_weights(network.WEIGHTS, network.WEIGHTS_SHA256)
    mouth = np.tile(np.float32([0.5, 1.0]), (1500, 1))
    bend = np.abs(np.diff(network.perform(weights, mouth, np.random.default_rng(3))[:, :3], 2, axis=0)).max(axis=1)
    seams = np.arange(network.WINDOW, 1490, network.WINDOW - network.KNOWN)
    assert np.median([bend[seam - 3 : seam + 2].max() for seam in seams]) < 3.0 * np.median(
        [bend[start : start + 5].max() for start in range(0, 1490, 5)])


def test_amounts_and_energy_hold_for_the_network_too():
    assert not take(head=0.0, aversion=False).head_rotation_deg.any()
    assert not take(brows=0.0).channels[:, BROWS].any()
    assert np.allclose(take(head=0.5).head_rotation_deg, 0.5 * take().head_rotation_deg, atol=1e-4)
    assert take(energy=1.6).head_rotation_deg.std() > 1.1 * take().head_rotation_deg.std()


@pytest.mark.parametrize("seconds", [0.2, 1.0, 5.12, 9.0])
def test_any_length_works_and_silence_does_too(seconds):
    clip = take(speech=speech_of([(SILENCE, seconds)]))
    clip.check()


def test_an_unknown_generator_is_refused_with_the_nearest_one():
    with pytest.raises(InputError, match="did you mean 'network'"):
        Direction(generator="netwrk")
