"""A conversation lived by one of its people: the look goes to who speaks, nods answer pauses, blinks go on."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
import soundfile
from motion_speech import minute_of_talk, speech_of

from soliloquy.engine.audio.speech import SILENCE
from soliloquy.engine.converse import Line, Speaker, mixed, run_conversation
from soliloquy.engine.errors import AudioError, InputError
from soliloquy.engine.motion.clip import CHANNEL_INDEX, MotionClip
from soliloquy.engine.motion.direction import Direction
from soliloquy.engine.motion.generate import generate_motion
from soliloquy.engine.motion.listening import look_keys, nod_cues, nodding, turns_of
from soliloquy.engine.motion.turns import Turn, part_of

FPS = Fraction(25)


def conversation(seconds: float = 60.0):
    """A speaks for the first half with pauses, B for the second; nobody else. Returns (speeches, turns)."""
    talk = minute_of_talk(seconds / 2, seed=3)
    quiet = [(SILENCE, seconds / 2)]
    pairs = [(phone.label, phone.end_s - phone.start_s) for phone in talk.phones]
    rest = seconds / 2 - sum(length for _, length in pairs)
    speeches = {"A": speech_of([*pairs, (SILENCE, rest), *quiet]), "B": speech_of([*quiet, *pairs, (SILENCE, rest)])}
    return speeches, [turn for name, speech in speeches.items() for turn in turns_of(name, speech)]


def listener(name: str, speeches, turns, sees, seed: int = 0) -> MotionClip:
    keys = look_keys(name, turns, sees, seed)
    everybody = speeches["A"]
    part, spans = part_of(everybody, [*turns, Turn(name, 0, 0)], name)
    direction = Direction().with_settings({"gaze_over_time": ", ".join(f"{k.time_s}:{k.yaw_deg}/{k.pitch_deg}" for k in keys)})
    from dataclasses import replace
    clip = generate_motion(part, replace(direction, listening=spans), seed=seed, fps=FPS)
    return nodding(clip, nod_cues(name, turns, speeches), seed=seed)


def looks_yaw(clip: MotionClip) -> np.ndarray:
    """(T,) where both eyes look, to the picture's right, head and eyes together (small pitch left out)."""
    return clip.head_rotation_deg[:, 0] + clip.gaze_deg[:, :, 0].mean(axis=1)


def test_a_listener_looks_at_who_speaks():
    speeches, turns = conversation()
    sees = {"A": (-20.0, 0.0), "B": (20.0, 0.0)}
    yaw = looks_yaw(listener("C", speeches, turns, sees))
    first_half, second_half = yaw[25:29 * 25], yaw[32 * 25:59 * 25]
    assert (np.abs(first_half + 20) < 6).mean() > 0.7 and (np.abs(second_half - 20) < 6).mean() > 0.7
    change = next(turn.start_s for turn in turns if turn.speaker == "B")
    at = int(np.argmax(np.abs(yaw[int((change - 0.5) * 25):int((change + 2) * 25)] - 20) < 6)) / 25 - 0.5
    assert 0.1 < at < 1.0, "after a moment, not before"


def test_a_listener_blinks_and_does_not_speak():
    speeches, turns = conversation()
    clip = listener("C", speeches, turns, {"A": (0.0, 0.0), "B": (20.0, 0.0)})
    lids = clip.channel("eyeBlinkLeft")
    blinks = int(((lids[1:] > 0.5) & (lids[:-1] <= 0.5)).sum())
    assert 6 <= blinks <= 45, "in a minute"
    assert clip.channel("jawOpen").max() < 0.1


def test_nods_answer_pauses():
    speeches, turns = conversation()
    cues = nod_cues("C", turns, speeches)
    assert len(cues) > 8
    still = MotionClip.neutral(60 * 25, FPS)
    clip = nodding(still, cues, seed=4)
    down = -clip.head_rotation_deg[:, 1]
    assert down.min() >= 0 and 1.0 < down.max() < 12
    starts = np.flatnonzero((down[1:] > 0) & (down[:-1] == 0)) / 25
    since = [min(start - cue for cue in cues if cue <= start + 0.05) for start in starts if any(cue <= start + 0.05 for cue in cues)]
    assert len(since) == len(starts) >= 4
    assert np.quantile(since, 0.5) < 0.8, "most begin within .8 s of a pause"
    assert np.abs(np.diff(down, 2)).max() < 2.5, "no jerk"
    looked = clip.head_rotation_deg[:, 1] + clip.gaze_deg[:, :, 1].mean(axis=1)
    np.testing.assert_allclose(looked, 0, atol=0.01)
    assert nodding(still, cues, amount=0.0) is still and nodding(still, []) is still


def test_nobody_nods_at_oneself_nor_while_speaking():
    speeches, turns = conversation()
    own = [turn for turn in turns if turn.speaker == "A"]
    cues = nod_cues("A", turns, speeches)
    assert cues and not [time_s for time_s in cues for turn in own if turn.start_s - 0.25 <= time_s <= turn.end_s]


def test_a_short_sound_takes_nobodys_look_away_and_nobody_looks_at_oneself():
    turns = [Turn("A", 0, 5), Turn("B", 2, 2.2), Turn("A", 5.5, 9), Turn("B", 9.5, 12)]
    sees = {"A": (-10.0, 0.0), "B": (10.0, 2.0)}
    keys = look_keys("C", turns, sees, 0)
    assert [(key.yaw_deg, key.pitch_deg) for key in keys] == [(-10, 0), (-10, 0), (10, 2)]
    assert 9.6 < keys[1].time_s < 10.2
    assert [key.yaw_deg for key in look_keys("A", turns, {"B": (10.0, 2.0)}, 0)] == [10]
    assert look_keys("A", turns, {}, 0) == ()


def tone(path, seconds, hertz=140):
    clock = np.arange(int(16000 * seconds)) / 16000
    soundfile.write(path, 0.4 * np.sin(2 * np.pi * hertz * clock) * (np.sin(2 * np.pi * 3 * clock) > 0), 16000)
    return path


def test_lines_are_mixed_in_their_places(tmp_path):
    voice = tone(tmp_path / "a.wav", 2.0)
    path = mixed([Line(voice, 1.0), Line(voice, 4.0, skip_s=0.5, length_s=0.5)], 6.0, tmp_path / "mix.wav")
    samples, rate = soundfile.read(path)
    loud = np.abs(samples).reshape(-1, rate // 20).max(axis=1) > 0.05
    assert len(samples) == 6 * rate and not loud[:20].any() and loud[20:60].mean() > 0.4
    assert not loud[60:80].any() and loud[80:90].any() and not loud[91:].any()
    with pytest.raises(AudioError, match="no recording"):
        mixed([Line(tmp_path / "gone.wav", 0.0)], 1.0, tmp_path / "x.wav")


def test_a_scene_of_a_speaker_and_a_listener(astronaut, tmp_path):
    astronaut.save(tmp_path / "face.portrait")
    voice = tone(tmp_path / "a.wav", 2.0)
    job = {"portrait": str(tmp_path / "face.portrait"), "size": "64", "fps": "12.5", "formats": ["png"], "rights": "public-domain:NASA"}
    speakers = [Speaker("Ada", {**job, "out": str(tmp_path / "ada")}, (Line(voice, 0.5),), {"Bea": (25.0, 0.0)}),
                Speaker("Bea", {**job, "out": str(tmp_path / "bea")}, (), {"Ada": (-60.0, 0.0)})]
    stages = []
    reports = run_conversation(speakers, None, tmp_path / "tracks", lambda stage, _done, _total: stages.append(stage))
    assert {name: report["frames"] for name, report in reports.items()} == {"Ada": 32, "Bea": 32}
    clips = {name: MotionClip.load(tmp_path / name.lower() / "motion.json") for name in ("Ada", "Bea")}
    jaws = {name: clip.channels[:, CHANNEL_INDEX["jawOpen"]] for name, clip in clips.items()}
    assert jaws["Ada"].max() > 0.1 > jaws["Bea"].max()
    assert np.median(looks_yaw(clips["Bea"])[10:]) < -25, "as far as the eyes go"
    assert cv2.imread(str(tmp_path / "bea" / "frames" / "000032.png")) is not None
    assert any(stage.startswith("Bea: ") for stage in stages)


@pytest.mark.parametrize("speakers, duration_s, words", [
    ([], 1.0, "speakers"), ([Speaker("A", {"out": "x"})], 1.0, "anything to say"),
    ([Speaker("A", {"out": "x"}), Speaker("A", {"out": "y"})], 1.0, "name of its own")])
def test_scenes_that_cannot_be_are_refused(speakers, duration_s, words, tmp_path):
    with pytest.raises(InputError, match=words):
        run_conversation(speakers, duration_s, tmp_path)
