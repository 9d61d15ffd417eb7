"""Two people in one stereo recording, one to a channel: each can be performed alone, and listens while the other speaks."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import soundfile

from soliloquy.engine.audio.decode import SAMPLE_RATE_HZ, read_audio
from soliloquy.engine.audio.say import say
from soliloquy.engine.audio.sides import side_levels, speaking_side
from soliloquy.engine.audio.speech import SILENCE
from soliloquy.engine.errors import AudioError, InputError
from soliloquy.engine.motion.direction import Direction
from soliloquy.engine.motion.generate import generate_motion
from soliloquy.engine.stages import obtain_speech, scripted, side_of

BLEED = 0.05


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """(file, seconds at which the right one takes over): left asks, right answers, each faintly in the other's microphone."""
    folder = tmp_path_factory.mktemp("stereo")
    say("Do you remember my brother Bob?", folder / "a.wav")
    say("Of course, he came to the party.", folder / "b.wav")
    asked, answered = read_audio(folder / "a.wav"), read_audio(folder / "b.wav")
    pause = np.zeros(SAMPLE_RATE_HZ, np.float32)
    left = np.concatenate([asked, pause, BLEED * answered])
    right = np.concatenate([BLEED * asked, pause, answered])
    soundfile.write(folder / "talk.wav", np.column_stack([left, right]), SAMPLE_RATE_HZ, subtype="PCM_16")
    return folder / "talk.wav", len(asked) / SAMPLE_RATE_HZ + 0.5


def part(path, side):
    speech, _ = obtain_speech(path, "", side=side_of(path, None, side))
    return scripted(Direction(), speech, "", speaker=side, recording=path)


@pytest.mark.parametrize("side", ["left", "right"])
def test_each_speaks_in_turn_and_listens_to_the_other(talk, side):
    path, change_s = talk
    direction, speech = part(path, side)
    sounds = [phone for phone in speech.phones if phone.label != SILENCE]
    own = [phone for phone in sounds if (phone.start_s < change_s) == (side == "left")]
    assert len(own) == len(sounds) > 12
    (span,) = direction.listening
    assert (span.start_s > change_s) == (side == "left") and span.end_s - span.start_s > 1.0
    jaw = generate_motion(speech, direction, seed=0, fps=Fraction(25)).channel("jawOpen")
    first, second = jaw[: int(25 * change_s)].max(), jaw[int(25 * change_s) + 13 :].max()
    assert (first > 0.25 > 2 * second) if side == "left" else (second > 0.25 > 2 * first)


def test_a_channel_is_heard_alone(talk):
    path, change_s = talk
    left, mixed = read_audio(path, channel=0), read_audio(path)
    late = slice(int(SAMPLE_RATE_HZ * (change_s + 0.5)), None)
    assert left[late].std() < 0.2 * mixed[late].std() and len(left) == len(mixed)
    speaks = speaking_side(side_levels(path))
    assert not (speaks[0] & speaks[1]).any()


def test_recordings_that_are_not_one_to_a_channel_are_refused(talk, tmp_path):
    mono = read_audio(talk[0])
    soundfile.write(tmp_path / "mono.wav", mono, SAMPLE_RATE_HZ)
    soundfile.write(tmp_path / "twice.wav", np.column_stack([mono, mono]), SAMPLE_RATE_HZ)
    with pytest.raises(AudioError, match="only one channel"):
        side_levels(tmp_path / "mono.wav")
    with pytest.raises(AudioError, match="same sound"):
        side_levels(tmp_path / "twice.wav")
    speech, _ = obtain_speech(talk[0], "")
    with pytest.raises(InputError, match="belong together"):
        scripted(Direction(), speech, "", speaker="middle", recording=talk[0])
