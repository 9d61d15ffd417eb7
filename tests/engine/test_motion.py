"""`generate_motion` from real sound to a clip: length, rates, provenance, refusals."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from motion_speech import speech_of

from soliloquy.engine.audio.analyse import analyse_speech
from soliloquy.engine.audio.say import say
from soliloquy.engine.audio.speech import SILENCE, Speech
from soliloquy.engine.errors import Cancelled, FormatError, InputError
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.motion.direction import Direction
from soliloquy.engine.motion.generate import generate_motion

FACES = Path(__file__).resolve().parents[3] / "shared" / "data" / "faces"


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> Speech:
    path = tmp_path_factory.mktemp("motion") / "line.wav"
    say("Mary had a little lamb, and papa brought it home.", path)
    return analyse_speech(path)


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60), Fraction(12)])
def test_the_clip_lasts_as_long_as_the_recording_at_any_rate(speech, fps):
    clip = generate_motion(speech, Direction(), seed=1, fps=fps)
    clip.check()
    assert clip.fps == fps and len(clip) == math.ceil(speech.duration_s * fps)
    assert 0 <= clip.duration_s - speech.duration_s < 1 / fps


def test_rates_agree_about_what_happens_when(speech):
    slow, fast = (generate_motion(speech, Direction(), seed=1, fps=Fraction(rate)) for rate in (25, 100))
    head = fast.head_rotation_deg[::4][: len(slow)]
    assert np.allclose(slow.head_rotation_deg[: len(head)], head, atol=1e-3)
    jaw = fast.channel("jawOpen")[::4][: len(slow)]
    assert np.corrcoef(slow.channel("jawOpen")[: len(jaw)], jaw)[0, 1] > 0.97


def test_a_long_clip_keeps_time_at_ntsc_rate():
    speech = speech_of([(SILENCE, 3599.0), ("AA", 0.2), (SILENCE, 0.8)])
    fps = Fraction(24000, 1001)
    clip = generate_motion(speech, Direction(breath=0.0), seed=0, fps=fps)
    assert float(np.argmax(clip.channel("jawOpen")) / fps) == pytest.approx(3599.1, abs=0.06)


def test_lips_follow_the_loudness_of_real_sound_without_copying_it(speech):
    clip = generate_motion(speech, Direction(), seed=1, fps=Fraction(100))
    lips = clip.channel("jawOpen") - clip.channel("mouthClose")
    level = np.interp(np.arange(len(lips)) / 100, np.arange(len(speech.energy_db)) / 100, np.maximum(speech.energy_db, -60))
    assert 0.3 < np.corrcoef(lips, level)[0, 1] < 0.95


def test_provenance_says_how_to_make_it_again(speech, tmp_path):
    clip = generate_motion(speech, Direction(head=0.7, mood="tender"), seed=11, fps=Fraction(25))
    json.dumps(clip.provenance)
    again = generate_motion(
        speech, Direction().with_settings(clip.provenance["direction"]), seed=clip.provenance["seed"], fps=clip.fps
    )
    assert np.array_equal(again.channels, clip.channels)
    assert clip.provenance["audio"]["sha256"] == speech.source_sha256
    clip.save(tmp_path / "clip.json")
    assert np.array_equal(MotionClip.load(tmp_path / "clip.json").channels, clip.channels)


def test_a_speech_edited_by_hand_changes_the_lips_there_and_only_there(speech, tmp_path):
    speech.save(tmp_path / "speech.json")
    edited = Speech.load(tmp_path / "speech.json")
    number = next(i for i, phone in enumerate(edited.phones) if phone.label in "PBM" and phone.start_s > 0.8)
    phone = edited.phones[number]
    edited.phones[number] = type(phone)("AA", phone.start_s, phone.end_s)
    before = generate_motion(Speech.load(tmp_path / "speech.json"), Direction(), seed=1, fps=Fraction(25)).channel("jawOpen")
    after = generate_motion(edited, Direction(), seed=1, fps=Fraction(25)).channel("jawOpen")
    differs = np.flatnonzero(np.abs(before - after) > 0.03) / 25
    assert len(differs) and differs.min() > phone.start_s - 0.3 and differs.max() < phone.end_s + 0.3


@pytest.mark.parametrize("fps", [Fraction(0), Fraction(-25), Fraction(1000)])
def test_impossible_rates_are_refused(speech, fps):
    with pytest.raises(InputError, match="frame rate"):
        generate_motion(speech, Direction(), seed=0, fps=fps)


def test_a_negative_seed_and_a_damaged_speech_are_refused(speech):
    with pytest.raises(InputError, match="seed"):
        generate_motion(speech, Direction(), seed=-1, fps=Fraction(25))
    damaged = speech_of([("AA", 0.5)])
    damaged.duration_s = float("nan")
    with pytest.raises(FormatError):
        generate_motion(damaged, Direction(), seed=0, fps=Fraction(25))


def test_motion_can_be_cancelled(speech):
    def stop(stage, done, total):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        generate_motion(speech, Direction(), seed=0, fps=Fraction(25), progress=stop)


@pytest.mark.skipif(not FACES.is_dir(), reason="tracked faces (../shared/data/faces) are not present")
def test_lips_open_when_a_tracked_speakers_lips_do():
    """Inner-lip aperture of held-out GRID speakers against curves made from their sound alone (a crude table: .44 - .62)."""
    from soliloquy.engine.audio.decode import read_audio
    from soliloquy.engine.audio.features import energy_db, f0_hz
    from soliloquy.engine.audio.sphinx_phones import sphinx_phones

    data = np.load(FACES / "grid_multi.npz")
    samples = read_audio(FACES / "grid_multi.opus")
    upper, lower = (list(data["landmark_index"]).index(point) for point in (13, 14))
    correlations = []
    for number in range(0, 38, 6):
        sound = samples[data["sample_offset"][number] : data["sample_offset"][number + 1]]
        points = data["landmarks"][data["frame_offset"][number] : data["frame_offset"][number + 1]].astype(float)
        levels = energy_db(sound)
        speech = Speech(len(sound) / 16000, sphinx_phones(sound, levels).phones, [], levels, f0_hz(sound, levels))
        clip = generate_motion(speech, Direction(), seed=0, fps=Fraction(25))
        count = min(len(points), len(clip))
        gap = np.linalg.norm(points[:count, upper] - points[:count, lower], axis=1)
        lips = clip.channel("jawOpen") - clip.channel("mouthClose") + 0.35 * clip.channel("mouthLowerDownLeft")
        correlations.append(np.corrcoef(lips[:count], gap)[0, 1])
    assert np.median(correlations) > 0.45
