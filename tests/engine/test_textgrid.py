"""Praat's TextGrids: both text formats and both encodings are read, ours are read back, damaged and foreign ones refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soliloquy.engine.audio.speech import SILENCE, Event, Phone, Speech, Word
from soliloquy.engine.audio.textgrid import CORRECTED, Tier, corrected_by, phone_label, read_textgrid, tiers_of, write_textgrid
from soliloquy.engine.errors import FormatError
from soliloquy.engine.stages import obtain_speech

LONG = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.5
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 1.5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 5e-1
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 1.0
            text = "say ""item [2]"" ! 3 times"
        intervals [3]:
            xmin = 1.0
            xmax = 1.5
            text = ""
    item [2]:
        class = "TextTier"
        name = "clicks"
        xmin = 0
        xmax = 1.5
        points: size = 1
        points [1]:
            number = 0.25
            mark = "x"
    item [3]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 1.5
        intervals: size = 2
        intervals [1]:
            xmin = 0.5
            xmax = 0.7
            text = "S"
        intervals [2]:
            xmin = 0.7
            xmax = 1.0
            text = "EY1"
'''
SHORT = '''"ooTextFile"
"TextGrid"
0 1.5 <exists> 3 ! three tiers
"IntervalTier" "words" 0 1.5 3
0 0.5 "" 0.5 1 "say ""item [2]"" ! 3 times" 1 1.5 ""
"TextTier" "clicks" 0 1.5 1 0.25 "x"
"IntervalTier" "phones" 0 1.5 2 0.5 0.7 "S" 0.7 1.0 "EY1"
'''
WORD = 'say "item [2]" ! 3 times'


@pytest.fixture
def speech() -> Speech:
    phones = [Phone(SILENCE, 0, 0.5), Phone("S", 0.5, 0.8), Phone("EY", 0.8, 1.0), Phone(SILENCE, 1.0, 1.5)]
    track = np.zeros(151, np.float32)
    return Speech(1.5, phones, [Word("say", 0.5, 1.0)], track, track, events=[Event("BREATH", 0.1, 0.4, 0.3)])


@pytest.mark.parametrize("text", [LONG, SHORT, LONG.replace("\n", "\r\n")], ids=["long", "short", "windows"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_both_formats_and_all_encodings_say_the_same(tmp_path, text, encoding):
    path = tmp_path / "x.TextGrid"
    path.write_bytes((b"\xfe\xff" if encoding == "utf-16-be" else b"") + text.encode(encoding))
    words, phones = read_textgrid(path)
    assert words == Tier("words", [(0, 0.5, ""), (0.5, 1, WORD), (1, 1.5, "")])
    assert phones == Tier("phones", [(0.5, 0.7, "S"), (0.7, 1.0, "EY1")])


@pytest.mark.parametrize("short", [False, True])
def test_what_is_written_is_read_back(tmp_path, speech, short):
    path = tmp_path / "x.TextGrid"
    write_textgrid(path, tiers_of(speech), speech.duration_s, short=short)
    again = corrected_by(replace(speech, phones=[Phone(SILENCE, 0, 1.5)], words=[], events=[]), read_textgrid(path))
    assert again.phones == speech.phones and again.words == speech.words
    assert [(e.label, e.start_s, e.end_s) for e in again.events] == [("BREATH", 0.1, 0.4)]
    assert CORRECTED in again.notes


labels = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12)


@settings(max_examples=50, deadline=None)
@given(st.lists(labels, min_size=1, max_size=5), st.booleans())
def test_any_label_survives(tmp_path_factory, texts, short):
    path = tmp_path_factory.mktemp("grids") / "x.TextGrid"
    intervals = [(float(n), n + 1.0, text) for n, text in enumerate(texts)]
    write_textgrid(path, [Tier("words", intervals)], float(len(texts)), short=short)
    assert read_textgrid(path)[0].intervals == intervals


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_a_file_that_ends_early_is_refused(tmp_path, keep):
    path = tmp_path / "x.TextGrid"
    path.write_text(LONG[: int(keep * len(LONG))], encoding="utf-8")
    with pytest.raises(FormatError, match="not a whole TextGrid"):
        read_textgrid(path)


@pytest.mark.parametrize(
    "old, new, reason",
    [
        ("intervals: size = 3", "intervals: size = 300000000", "impossible"),
        ("xmax = 1.0", "xmax = 0.2", "back in time"),
        ("size = 3\nitem", "size = -1\nitem", "impossible"),
        ('"TextTier"', '"PitchTier"', "no kind of tier"),
        ("ooTextFile", "ooBinaryFile", "begin"),
    ],
)
def test_impossible_files_are_refused_with_the_reason(tmp_path, old, new, reason):
    path = tmp_path / "x.TextGrid"
    path.write_text(LONG.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(FormatError, match=reason):
        read_textgrid(path)


def test_a_picture_is_no_textgrid(tmp_path):
    (tmp_path / "x.TextGrid").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(FormatError, match="neither UTF-8"):
        read_textgrid(tmp_path / "x.TextGrid")


def test_phones_may_be_arpabet_or_ipa():
    named = {"AH0": "AH", "ʃ": "SH", "": SILENCE, "sil": SILENCE, "spn": "NOISE", "ŋ": "NG", "uː": "UW", "tʃ": "CH", "breath": "BREATH",
             "yː": "UE", "œ": "OE", "UE": "UE"}
    assert {text: phone_label(text) for text in named} == named
    with pytest.raises(FormatError, match="neither ARPAbet nor IPA"):
        phone_label("###")


def test_corrections_move_only_what_they_say(speech):
    made = corrected_by(speech, [Tier("phones", [(0.55, 0.9, "s"), (0.9, 1.1, "eɪ")])])
    assert [(p.label, p.start_s, p.end_s) for p in made.phones] == [
        (SILENCE, 0.0, 0.55), ("S", 0.55, 0.9), ("EY", 0.9, 1.1), (SILENCE, 1.1, 1.5)]  # fmt: skip
    assert made.words == speech.words and made.events == speech.events
    assert speech.phones[1].start_s == 0.5 and CORRECTED not in speech.notes


def test_corrections_of_another_recording_are_refused(speech):
    with pytest.raises(FormatError, match="another recording"):
        corrected_by(speech, [Tier("words", [(0.0, 9.0, "later")])])
    with pytest.raises(FormatError, match="no tier named"):
        corrected_by(speech, [Tier("tones", [(0.0, 1.0, "H")])])


def test_a_corrected_file_takes_the_place_of_what_was_found(tmp_path, speech):
    speech.save(tmp_path / "speech.json")
    write_textgrid(tmp_path / "x.TextGrid", [Tier("words", [(0.2, 1.2, "stay")])], 1.5)
    made, _ = obtain_speech(tmp_path / "speech.json", "", corrections=tmp_path / "x.TextGrid")
    assert made.words == [Word("stay", 0.2, 1.2)] and made.phones == speech.phones
    other = replace(speech, source_sha256="b" * 64)
    other.save(tmp_path / "other.json")
    replace(speech, source_sha256="a" * 64).save(tmp_path / "speech.json")
    with pytest.raises(FormatError, match="another recording"):
        obtain_speech(tmp_path / "speech.json", "", corrections=tmp_path / "other.json")


SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "phones"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recordings with TextGrids are not here")
def test_other_peoples_textgrids_are_read():
    for path in SHARED.rglob("*.TextGrid"):
        assert all(tier.intervals for tier in read_textgrid(path)), path
