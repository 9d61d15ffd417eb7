"""Apply Performance to Character: mappings and performances in files, the buttons and the command line."""

import json
from fractions import Fraction

import bpy
import numpy as np
import pytest
from addon_samples import make_clip, make_folder
from character_samples import (PHONES, STANDARDS, face, head_bones,
                               key_values, performance, rows_for, skeleton, whole_character)

import soliloquy
from soliloquy.addon import compat
from soliloquy.addon.characters.apply import REPLACE, apply_to_character
from soliloquy.addon.characters.mapping import BONE, KEY, PARTS, Row, read_mapping, write_mapping
from soliloquy.addon.characters.performances import load_performance
from soliloquy.addon.characters.signals import Signals, parse_source, signal_names
from soliloquy.addon.commands import run
from soliloquy.addon.operators.character import cannot_apply
from soliloquy.addon.errors import AddonError, FileError
from soliloquy.addon.scene.channels import CHANNELS
from soliloquy.common.visemes import viseme_set, weights_from_phones
from soliloquy.engine.audio.speech import Phone, Speech
from soliloquy.engine.export.live_link import write_live_link_csv
from soliloquy.engine.motion.clip import MotionClip


def test_mapping_goes_to_a_file_and_back(tmp_path):
    rows = [Row(KEY, "jawOpen", ('odd "name" \\ ünïcode',), 1.5, -0.25, 0.0, 0.75),
            Row(BONE, "head.yaw", ("Head",), -2.0, 1.0, -40.0, 40.0, "yaw", "-Z")]
    write_mapping(tmp_path / "mine.toml", "Mine", rows)
    mapping = read_mapping(tmp_path / "mine.toml")
    assert mapping.name == "Mine" and list(mapping.rows) == rows and [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


@pytest.mark.parametrize("text", [
    "", "format_version = 2\nname = 'x'", "format_version = 1", "format_version = 1\nname = 'x'\nincludes = ['../../secret']",
    "format_version = 1\nname = 'x'\n[[key]]\nsource = 'jawOpen'", "format_version = 1\nname = 'x'\n[[key]]\nsource = 'nose'\nnames = ['a']",
    "format_version = 1\nname = 'x'\n[[key]]\nsource = 'jawOpen'\nnames = ['a']\ngain = nan",
    "format_version = 1\nname = 'x'\n[[bone]]\nsource = 'jawOpen'\nnames = ['a']\nmotion = 'wiggle'", "\0"])
def test_damaged_mapping_is_one_line(tmp_path, text):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(FileError) as caught:
        read_mapping(tmp_path / "a.toml")
    assert "a.toml" in str(caught.value) or "secret" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_presets_name_their_sources_and_only_what_performances_have():
    for path in [*PARTS.glob("*.toml"), *PARTS.parent.glob("*.toml")]:
        mapping = read_mapping(path)
        assert mapping.sources and mapping.description, path
        for row in mapping.rows:
            assert {name for _, name in parse_source(row.source)} <= set(signal_names())


@pytest.mark.parametrize("source", ["", "jawOpen +", "2 jawOpen", "jawOpen jawLeft", "nose", "jawOpen * 2", "oculus:ZZ"])
def test_bad_source_is_refused(source):
    with pytest.raises(AddonError):
        parse_source(source)


def test_performances_are_read_from_folder_clip_and_csv(tmp_path):
    folder = make_folder(tmp_path / "out", 40, Fraction(25), pictures=False)
    assert load_performance(folder).phones == () and load_performance(folder).name == "out"
    Speech(1.6, [Phone(*phone) for phone in PHONES], [], np.zeros(9), np.zeros(9)).save(folder / "speech.json")
    take = load_performance(folder / "motion.json")
    assert take.phones == PHONES
    shares = weights_from_phones(PHONES, np.arange(40) / 25, viseme_set("oculus"))[:, 1]
    assert np.allclose(Signals(take)("oculus:PP"), shares)
    clip = MotionClip.load(folder / "motion.json")
    write_live_link_csv(clip, tmp_path / "take.csv")
    from_csv = load_performance(tmp_path / "take.csv")
    assert from_csv.name == "take" and np.allclose(from_csv.clip.channels, clip.channels, atol=1e-4)
    assert np.allclose(from_csv.clip.gaze_deg, clip.gaze_deg, atol=1e-3)
    (folder / "speech.json").write_text("{}")
    for broken in (folder, tmp_path / "nothing.csv", tmp_path / "nothing"):
        with pytest.raises(FileError):
            load_performance(broken)


def test_gltf_round_trip_keeps_52_targets_and_their_curves(tmp_path):
    bpy.ops.preferences.addon_enable(module="io_scene_gltf2")
    armature = skeleton(head_bones())
    item, clip = face("Ada", STANDARDS["arkit"], armature), make_clip(24, Fraction(24))
    for bone in ("head",):
        item.vertex_groups.new(name=bone).add([0, 1, 2, 3], 1.0, "REPLACE")
    apply_to_character(performance(clip), whole_character(), rows_for(whole_character()), bpy.context.scene, start_frame=1)
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 1, 24
    bpy.ops.export_scene.gltf(filepath=str(tmp_path / "ada.glb"), export_animations=True, export_morph=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "ada.glb"))
    back = next(thing for thing in bpy.data.objects if thing.type == "MESH" and thing.data.shape_keys)
    assert [block.name for block in back.data.shape_keys.key_blocks[1:]] == list(CHANNELS)
    start = int(back.data.shape_keys.animation_data.action.frame_range[0]) if back.data.shape_keys.animation_data.action \
        else int(back.data.shape_keys.animation_data.nla_tracks[0].strips[0].frame_start)
    for name in ("jawOpen", "eyeBlinkLeft", "tongueOut"):
        values = key_values(back, name, range(start, start + 24))
        assert values == pytest.approx(clip.channel(name).tolist(), abs=1e-4)


@pytest.fixture
def registered():
    soliloquy.register()
    yield bpy.context.scene.soliloquy.character
    soliloquy.unregister()


def test_button_does_what_the_function_does_in_one_undo_step(registered, tmp_path):
    settings = registered
    folder = make_folder(tmp_path / "out", 12, Fraction(24), pictures=False)
    item = face("Ada", STANDARDS["arkit"], skeleton(head_bones()))
    bpy.context.view_layer.objects.active = item
    assert cannot_apply(bpy.context) == "Choose a performance first: a folder, a motion.json or a .csv"
    settings.performance = str(folder)
    assert cannot_apply(bpy.context) == "" and bpy.ops.soliloquy.apply_performance.poll()
    bpy.context.scene.frame_set(5)
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.soliloquy.apply_performance("EXEC_DEFAULT", True) == {"FINISHED"}
    clip = MotionClip.load(folder / "motion.json")
    assert key_values(item, "jawOpen", (5, 16)) == pytest.approx([clip.channel("jawOpen")[n] for n in (0, 11)], abs=1e-6)
    assert len(settings.rows) == 52 + 3, "the head's three turns, too"
    bpy.ops.ed.undo()
    assert not bpy.data.actions and bpy.data.objects["Ada"].data.shape_keys.animation_data is None


def test_rows_are_edited_saved_and_loaded(registered, tmp_path):
    settings = registered
    item = face("Ada", ["EyeBlink_L", "EyeBlink_R", "JawOpen"])
    bpy.context.view_layer.objects.active = item
    assert bpy.ops.soliloquy.match_character() == {"FINISHED"}
    assert [row.target for row in settings.rows] == ["JawOpen", "EyeBlink_L", "EyeBlink_R"]
    settings.rows[0].gain, settings.rows[1].use = 0.5, False
    settings.row_index = 2
    bpy.ops.soliloquy.edit_rows(action="ADD")
    assert settings.row_index == 3 and len(settings.chosen_rows()) == 2, "a row without source takes no part"
    settings.rows[3].source, settings.rows[3].target = "mouthSmileLeft", "EyeBlink_R"
    assert bpy.ops.soliloquy.save_mapping(filepath=str(tmp_path / "mine")) == {"FINISHED"}
    saved = settings.chosen_rows()
    bpy.ops.soliloquy.edit_rows(action="REMOVE")
    bpy.ops.soliloquy.edit_rows(action="CLEAR")
    assert not len(settings.rows) and not bpy.ops.soliloquy.save_mapping.poll()
    assert bpy.ops.soliloquy.load_mapping(filepath=str(tmp_path / "mine.toml")) == {"FINISHED"}
    assert [row.gain for row in settings.chosen_rows()] == [0.5, 1.0] and len(saved) == 3


def test_operator_takes_a_preset_or_a_file_from_a_script(registered, tmp_path):
    folder = make_folder(tmp_path / "out", 5, Fraction(24), pictures=False)
    item = face("Ada", STANDARDS["oculus"])
    bpy.context.view_layer.objects.active = item
    assert bpy.ops.soliloquy.apply_performance(filepath=str(folder), mapping="oculus") == {"FINISHED"}
    assert len(compat.curves_of(item.data.shape_keys).fcurves) == 15 and not len(registered.rows)
    with pytest.raises(RuntimeError, match="no mapping 'nothing'"):
        bpy.ops.soliloquy.apply_performance(filepath=str(folder), mapping="nothing")
    bpy.context.view_layer.objects.active = face("Bo", ["JawOpen"])
    with pytest.raises(RuntimeError, match="no shape key or bone of VRM"):
        bpy.ops.soliloquy.apply_performance(filepath=str(folder), mapping="vrm0")
    with pytest.raises(RuntimeError, match="not a readable motion clip"):
        bpy.ops.soliloquy.apply_performance(filepath=str(tmp_path), mapping="oculus")
    bpy.context.view_layer.objects.active = None
    assert cannot_apply(bpy.context).startswith("Select a mesh")


def test_command_line_does_what_the_button_does(registered, tmp_path, capsys):
    """The same curves, a report, the file saved; and what went wrong has a code."""
    folder = make_folder(tmp_path / "performance", 12, Fraction(25))
    armature = skeleton(head_bones())
    item = face("Ada", list(CHANNELS), armature)
    saved = tmp_path / "out.blend"
    assert run(["apply", str(folder), "--character", "Ada", "--frame", "11", "--blend", str(saved), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["keys"] == 52 and told["bones"] >= 1 and told["start_frame"] == 11 and told["meshes"] == ["Ada"]
    written = curves_by_path(item.data.shape_keys)
    bpy.ops.wm.open_mainfile(filepath=str(saved))
    again = curves_by_path(bpy.data.objects["Ada"].data.shape_keys)
    assert written == again and len(again) == 52

    soliloquy.unregister()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    soliloquy.register()
    other = face("Bea", list(CHANNELS), skeleton(head_bones()))
    bpy.context.view_layer.objects.active = other
    other.select_set(True)
    bpy.context.scene.frame_set(11)
    assert bpy.ops.soliloquy.apply_performance(filepath=str(folder), mapping="AUTO") == {"FINISHED"}
    assert curves_by_path(other.data.shape_keys) == again

    assert run(["apply", str(folder), "--character", "Nobody", "--json"]) == 2
    failed = capsys.readouterr()
    assert json.loads(failed.out.splitlines()[-1])["error"]["code"] == "bad_input" and "There are: Skeleton" in failed.err
    assert run(["apply", str(tmp_path / "nothing.csv")]) == 8
    assert run(["apply", str(folder), "--mapping", "klingon"]) == 2


def curves_by_path(keys) -> dict[str, list]:
    return {curve.data_path: [tuple(point.co) for point in curve.keyframe_points] for curve in compat.curves_of(keys).fcurves}
