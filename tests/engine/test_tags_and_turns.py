"""Direction in the transcript, and one person's part of a recording of several."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from motion_speech import minute_of_talk, speech_of

from soliloquy.engine.audio.speech import SILENCE, Event, Word
from soliloquy.engine.errors import FormatError, InputError
from soliloquy.engine.motion.course import HearingSpan
from soliloquy.engine.motion.direction import Direction
from soliloquy.engine.motion.generate import generate_motion
from soliloquy.engine.motion.tags import read_tags, with_tags
from soliloquy.engine.motion.turns import Turn, part_of, read_turns
from soliloquy.engine.stages import scripted

TEXT = "[happy] We won the cup! [whisper] Don't tell anyone. [sad 0.5][normal] Not yet."
WORDS = [Word(word, 0.5 * n, 0.5 * n + 0.4) for n, word in enumerate("We won the cup! Don't tell anyone. Not yet.".split())]


def test_tags_are_taken_out_of_what_is_spoken():
    plain, tags = read_tags(TEXT)
    assert plain == "We won the cup! Don't tell anyone. Not yet."
    assert [(tag.word, tag.name, tag.strength) for tag in tags] == [
        (0, "happy", 1.0), (4, "whisper", 1.0), (7, "sad", 0.5), (7, "normal", 1.0)]
    untouched = "Two  spaces,\nand a line; 3 < 4."
    assert read_tags(untouched) == (untouched, [])


def test_tags_become_moods_and_energy_at_their_words():
    plain, tags = read_tags(TEXT)
    made = with_tags(Direction(energy=1.2), tags, plain, WORDS)
    assert [(key.time_s, key.mood, key.strength) for key in made.mood_keys()] == [(0.0, "happy", 1.0), (3.35, "sad", 0.5)]
    at = lambda time_s: np.interp(time_s, [k.time_s for k in made.energy_over_time], [k.value for k in made.energy_over_time])
    assert at(1.0) == pytest.approx(1.2) and at(2.6) == pytest.approx(1.2 * 0.55) and at(4.0) == pytest.approx(1.2)


def test_words_the_aligner_left_out_do_not_shift_the_tags():
    plain, tags = read_tags(TEXT)
    made = with_tags(Direction(), tags, plain, [word for word in WORDS if word.text not in ("won", "Don't")])
    assert made.mood_keys()[-1].time_s == pytest.approx(3.35)


def test_a_tag_changes_the_face_from_its_word_on():
    talk = dataclasses.replace(minute_of_talk(12.0), words=[Word(str(n), float(n), n + 0.9) for n in range(12)])
    text = "0 1 2 3 4 5 [happy] 6 7 8 9 10 11"
    direction, speech = scripted(Direction(), talk, text)
    cheek = generate_motion(speech, direction, seed=0, fps=Fraction(25)).channel("cheekSquintLeft")
    assert cheek[: 5 * 25].max() < 0.01 and cheek[7 * 25 :].min() > 0.2


@pytest.mark.parametrize("text, words", [
    ("[hapy] Hello.", "did you mean 'happy'"),
    ("[wisper] Hello.", "did you mean 'whisper'"),
    ("[door slams] Hello.", r"Unknown tag \[door slams\]"),
    ("[happy 7] Hello.", "strength"),
    ("[] Hello.", "Unknown tag"),
    ("Hello [happy.", "partner"),
])
def test_unknown_tags_are_refused_with_the_nearest_one(text, words):
    with pytest.raises(InputError, match=words):
        read_tags(text)


def test_tags_without_times_are_refused():
    plain, tags = read_tags(TEXT)
    with pytest.raises(InputError, match="no times"):
        with_tags(Direction(), tags, plain, [])


TALK = dataclasses.replace(minute_of_talk(30.0), words=[Word("early", 1.0, 1.5), Word("late", 21.0, 21.4)],
                           events=[Event("LAUGH", 12.0, 13.0)])
TURNS = [Turn("A", 0.0, 10.0), Turn("B", 9.0, 20.0), Turn("A", 20.0, 30.0)]


def test_who_does_not_speak_keeps_the_mouth_shut_and_listens():
    part, listening = part_of(TALK, TURNS, "A")
    part.check()
    assert listening == (HearingSpan(10.0, 20.0),)
    assert [word.text for word in part.words] == ["early", "late"] and part.events == []
    clip = generate_motion(part, Direction(listening=listening), seed=1, fps=Fraction(25))
    quiet, spoken = slice(int(10.6 * 25), int(19.4 * 25)), slice(25, 9 * 25)
    assert clip.channel("jawOpen")[quiet].max() < 0.1 < 0.3 < clip.channel("jawOpen")[spoken].max()
    assert clip.head_rotation_deg[quiet].std(axis=0).min() > 0.5


def test_both_parts_together_are_the_whole_recording():
    parts = [part_of(TALK, TURNS, name) for name in "AB"]
    assert parts[1][1] == (HearingSpan(0.0, 9.0), HearingSpan(20.0, 30.0))
    sounds = [sum(p.end_s - p.start_s for p in speech.phones if p.label != SILENCE) for speech, _ in parts]
    whole = sum(p.end_s - p.start_s for p in TALK.phones if p.label != SILENCE)
    assert whole <= sum(sounds) <= whole + 1.1


def test_a_listener_looks_at_the_speaker_and_nods():
    silence = speech_of([(SILENCE, 60.0)])
    alone, hearing = (Direction(), Direction(listening=(HearingSpan(0.0, 60.0),)))
    away, depth = {}, {}
    for name, direction in (("alone", alone), ("hearing", hearing)):
        clips = [generate_motion(silence, direction, seed=seed, fps=Fraction(25)) for seed in range(6)]
        away[name] = np.mean([np.abs(c.gaze_deg.mean(axis=1) + c.head_rotation_deg[:, :2]).max(axis=1) > 3.0 for c in clips])
        depth[name] = np.mean([np.percentile(-np.gradient(c.head_rotation_deg[:, 1]), 99) for c in clips])
    assert away["hearing"] < 0.5 * away["alone"]
    assert depth["hearing"] > 1.2 * depth["alone"]


def test_cue_files_of_both_kinds_say_the_same(tmp_path):
    rttm, cues = tmp_path / "a.rttm", tmp_path / "a.json"
    rttm.write_text(";; diarised\nSPEAKER talk 1 0.0 10.0 <NA> <NA> A <NA> <NA>\nSPEAKER talk 1 9.0 11.0 <NA> <NA> B <NA> <NA>\n")
    cues.write_text('[{"speaker": "B", "start_s": 9, "end_s": 20}, {"speaker": "A", "start_s": 0, "end_s": 10}]')
    assert read_turns(rttm) == read_turns(cues) == TURNS[:2]


@pytest.mark.parametrize("name, text, words", [
    ("a.rttm", "SPEAKER talk 1 zero 1 <NA> <NA> A\n", "line 1"),
    ("a.rttm", "SPEAKER talk 1 0\n", "line 1"),
    ("a.rttm", "nothing", "names no speaker"),
    ("a.json", "{}", "must be a list"),
    ("a.json", '[{"speaker": "A", "start_s": 3, "end_s": 1}]', "in order"),
    ("a.json", '[{"speaker": "A", "start_s": 0, "end_s": 1e999}]', "finite"),
    ("a.json", "[" * 5000, "must be a list"),
])
def test_damaged_cue_files_are_refused(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(FormatError, match=words):
        read_turns(tmp_path / name)


def test_unknown_speakers_and_half_a_request_are_refused(tmp_path):
    with pytest.raises(InputError, match="Speakers: A, B"):
        part_of(TALK, TURNS, "C")
    with pytest.raises(InputError, match="belong together"):
        scripted(Direction(), TALK, "", speaker="A")
    with pytest.raises(InputError, match="cannot be read"):
        read_turns(tmp_path / "none.rttm")
