"""Words and phones as markers: at their times at any frame rate, silences left out, no marker twice."""

import json
from fractions import Fraction

import bpy
import pytest

from soliloquy.addon.errors import FileError
from soliloquy.addon.scene.markers import add_markers
from soliloquy.addon.scene.timing import set_scene_fps
from soliloquy.addon.stage_properties import PHONES, WORDS


@pytest.fixture
def speech(tmp_path):
    path = tmp_path / "speech.json"
    words = [{"text": "hello", "start_s": 0.5, "end_s": 0.9}, {"text": "there" * 30, "start_s": 1.001, "end_s": 1.4}]
    phones = [{"label": "SIL", "start_s": 0.0, "end_s": 0.5}, {"label": "HH", "start_s": 0.5, "end_s": 0.6},
              {"label": "AH", "start_s": 0.6, "end_s": 0.9}]
    path.write_text(json.dumps({"format": "soliloquy-speech", "words": words, "phones": phones}), encoding="utf-8")
    return path


def test_markers_lie_where_the_words_begin(speech):
    scene = bpy.context.scene
    set_scene_fps(scene, Fraction(30000, 1001))
    assert add_markers(scene, speech, kind=WORDS, start_frame=101) == 2
    assert [(marker.name[:5], marker.frame) for marker in scene.timeline_markers] == [("hello", 116), ("there", 131)]
    assert add_markers(scene, speech, kind=WORDS, start_frame=101) == 0, "none twice"


def test_phones_without_silence(speech):
    scene = bpy.context.scene
    scene.timeline_markers.new("mine", frame=3)
    add_markers(scene, speech, kind=PHONES, start_frame=1)
    assert [marker.name for marker in scene.timeline_markers] == ["mine", "HH", "AH"]


@pytest.mark.parametrize("text", ["", "[]", '{"format": "other"}',
                                  '{"format": "soliloquy-speech", "words": [{"text": "a", "start_s": "NaN"}]}'])
def test_damaged_speech_is_one_line(tmp_path, text):
    (tmp_path / "speech.json").write_text(text, encoding="utf-8")
    with pytest.raises(FileError, match="is not a readable speech file"):
        add_markers(bpy.context.scene, tmp_path / "speech.json", kind=WORDS, start_frame=1)
    assert not bpy.context.scene.timeline_markers
