"""Apply Performance to Character: every standard's names, bones that lie any way, what was there is kept, files go round."""

import json
import math
from fractions import Fraction

import bpy
import numpy as np
import pytest
from addon_samples import make_clip, make_folder
from character_samples import CHIN, HEAD_AT, face, head_bones, skeleton
from mathutils import Matrix, Vector

import soliloquy
from soliloquy.addon import compat
from soliloquy.addon.characters.apply import OVER, REPLACE, STRIP, apply_to_character
from soliloquy.addon.characters.mapping import (BONE, KEY, PARTS, Row, best_mapping, matched, preset_mappings, read_mapping,
                                                write_mapping)
from soliloquy.addon.characters.performances import CharacterPerformance, load_performance
from soliloquy.addon.characters.signals import Signals, parse_source, signal_names
from soliloquy.addon.characters.targets import character_of
from soliloquy.addon.commands import run
from soliloquy.addon.operators.character import cannot_apply
from soliloquy.addon.errors import AddonError, FileError
from soliloquy.addon.scene.channels import CHANNELS
from soliloquy.addon.scene.clip_file import ClipData
from soliloquy.common.visemes import viseme_set, weights_from_phones
from soliloquy.engine.audio.speech import Phone, Speech
from soliloquy.engine.export.live_link import write_live_link_csv
from soliloquy.engine.motion.clip import MotionClip

PHONES = (("SIL", 0.0, 0.2), ("M", 0.2, 0.3), ("AA", 0.3, 0.6), ("SIL", 0.6, 1.0))

VROID = {"Fcl_MTH_A", "Fcl_MTH_I", "Fcl_MTH_U", "Fcl_MTH_E", "Fcl_MTH_O", "Fcl_EYE_Close_L", "Fcl_EYE_Close_R", "Fcl_ALL_Joy"}
STANDARDS = {
    "arkit": list(CHANNELS),
    "vrm1": ["aa", "ih", "ou", "ee", "oh", "blinkLeft", "blinkRight", "lookUp", "lookDown", "lookLeft", "lookRight", "happy"],
    "vrm0": ["A", "I", "U", "E", "O", "Blink_L", "Blink_R", "LookUp", "Joy"],
    "oculus": [f"viseme_{name}" for name in "sil PP FF TH DD kk CH SS nn RR aa E I O U".split()],
    "microsoft": [f"viseme_{number}" for number in range(22)],
    "preston_blair": "AI E O U etc L WQ MBP FV rest".split(),
}


def performance(clip: MotionClip, phones=()) -> CharacterPerformance:
    return CharacterPerformance("take", ClipData(clip.fps, clip.channels, clip.head_rotation_deg, clip.head_translation_m,
                                                 clip.gaze_deg), phones)


def whole_character():
    return character_of(bpy.context.scene.objects)


def rows_for(character, key: str | None = None) -> list[Row]:
    mapping = preset_mappings()[key] if key else best_mapping(character.key_names(), character.bone_names())
    return matched(mapping, character.key_names(), character.bone_names())


def key_values(item, name: str, frames) -> list[float]:
    values = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        values.append(item.data.shape_keys.key_blocks[name].value)
    return values


@pytest.mark.parametrize("standard", STANDARDS)
def test_standard_is_recognised_and_every_key_of_it_moves(standard):
    item = face("Ada", STANDARDS[standard])
    character = whole_character()
    assert best_mapping(character.key_names(), []) == preset_mappings()[standard]
    made = apply_to_character(performance(make_clip(24, Fraction(24)), PHONES), character, rows_for(character),
                              bpy.context.scene, start_frame=10)
    assert made.keys == len(STANDARDS[standard]) and (made.start_frame, made.end_frame) == (10, 34)
    bag = compat.curves_of(item.data.shape_keys)
    assert {curve.data_path for curve in bag.fcurves} == {f'key_blocks["{name}"].value' for name in STANDARDS[standard]}


def test_arkit_values_are_the_clips():
    item, clip = face("Ada", STANDARDS["arkit"]), make_clip(20, Fraction(24))
    apply_to_character(performance(clip), whole_character(), rows_for(whole_character()), bpy.context.scene, start_frame=1)
    for name in CHANNELS:
        assert key_values(item, name, (1, 7, 20)) == pytest.approx([clip.channel(name)[n] for n in (0, 6, 19)], abs=1e-6)


@pytest.mark.parametrize(("standard", "closed", "opened"), [("oculus", "viseme_PP", "viseme_aa"),
                                                             ("microsoft", "viseme_21", "viseme_2"),
                                                             ("preston_blair", "MBP", "AI"), ("vrm1", None, "aa")])
def test_visemes_come_from_the_phones(standard, closed, opened):
    item = face("Ada", STANDARDS[standard])
    clip = MotionClip.neutral(100, Fraction(100))
    bpy.context.scene.render.fps = 100
    apply_to_character(performance(clip, PHONES), whole_character(), rows_for(whole_character()), bpy.context.scene, start_frame=0)
    assert key_values(item, opened, (45, 90)) == pytest.approx([1, 0], abs=0.02)
    if closed:
        assert key_values(item, closed, (25, 90)) == pytest.approx([1, 0], abs=0.02)
    else:
        assert max(key_values(item, name, (25,))[0] for name in STANDARDS[standard][:5]) < 0.05, "closed lips: no vowel"


def test_without_phones_visemes_come_from_the_curves():
    item = face("Ada", STANDARDS["oculus"])
    clip = MotionClip.neutral(3, Fraction(24))
    clip.channel("jawOpen")[1], clip.channel("mouthPucker")[2], clip.channel("mouthFunnel")[2] = 0.6, 0.7, 0.35
    apply_to_character(performance(clip), whole_character(), rows_for(whole_character()), bpy.context.scene, start_frame=1)
    strongest = []
    for frame in (1, 2, 3):
        bpy.context.scene.frame_set(frame)
        strongest.append(max(item.data.shape_keys.key_blocks[1:], key=lambda block: block.value).name)
    assert strongest == ["viseme_sil", "viseme_aa", "viseme_U"]


@pytest.mark.parametrize("spelling", [
    "eyeBlinkLeft", "EyeBlinkLeft", "eyeBlink_L", "EyeBlink_Left", "eye_blink_left", "blendShape1.eyeBlinkLeft",
    "Face.eyeBlink_L", "L_eyeBlink", "A14_Eye_Blink_Left", "eyeblink.l", "EYE_BLINK_LEFT", "head_geo:eyeBlinkLeft"])
def test_names_are_found_in_other_spellings(spelling):
    other = spelling.replace("Left", "Right").replace("left", "right").replace("LEFT", "RIGHT").replace("L_", "R_") \
        .replace("_L", "_R").replace(".l", ".r").replace("A14", "A15")
    face("Ada", [other, spelling])
    rows = {row.source: row.names[0] for row in rows_for(whole_character(), "arkit")}
    assert (rows["eyeBlinkLeft"], rows["eyeBlinkRight"]) == (spelling, other)


def test_vroid_names_and_letters_are_not_mistaken_for_others():
    face("Ada", [*VROID, "Brow_A", "Hair_O", "Fcl_BRW_Angry"])
    rows = {row.source: row.names[0] for row in rows_for(whole_character())}
    assert rows["vrm:aa"] == "Fcl_MTH_A" and rows["vrm:oh"] == "Fcl_MTH_O"
    assert not {"Brow_A", "Hair_O"} & set(rows.values())


ROTATED = Matrix.Rotation(math.radians(90), 4, "X") @ Matrix.Scale(0.01, 4)
TURNED = Matrix.Rotation(math.radians(90), 4, "Z")


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "ZYX", "AXIS_ANGLE"])
@pytest.mark.parametrize(("roll_deg", "world"), [(0, Matrix()), (37, Matrix()), (-110, ROTATED), (20, TURNED)],
                         ids=["straight", "rolled", "centimetres, y up", "looks along +X"])
def test_head_turns_as_the_clip_says_however_its_bone_lies(roll_deg, world, mode):
    bones = head_bones(roll_deg=roll_deg)
    turn = TURNED.to_3x3() if world is TURNED else Matrix.Identity(3)
    armature = skeleton({name: (turn @ head, turn @ tail, roll) for name, (head, tail, roll) in bones.items()},
                        ROTATED if world is ROTATED else Matrix())
    armature.pose.bones["head"].rotation_mode = mode
    clip = MotionClip.neutral(2, Fraction(24))
    clip.head_rotation_deg[1] = (20, 10, -15)
    apply_to_character(performance(clip), whole_character(), rows_for(whole_character(), "arkit"), bpy.context.scene, start_frame=1)
    bpy.context.scene.frame_set(2)
    assert armature.pose.bones["head"].rotation_mode == mode
    yaw, pitch, roll = map(math.radians, (20, 10, -15))
    clip_turn = Matrix.Rotation(yaw, 3, "Y") @ Matrix.Rotation(-pitch, 3, "X") @ Matrix.Rotation(roll, 3, "Z")
    to_world = turn @ Matrix(((1, 0, 0), (0, 0, -1), (0, 1, 0)))  # the clip's x, y, z as a face along -Y has them
    expected = to_world @ clip_turn @ to_world.transposed()
    pose_bone = armature.pose.bones["head"]
    rest = armature.matrix_world @ pose_bone.bone.matrix_local
    moved = (armature.matrix_world @ pose_bone.matrix) @ rest.inverted()
    assert np.allclose(np.array(moved.to_3x3().normalized()), np.array(expected), atol=2e-5)


def test_jaw_opens_downwards_and_eyes_look_to_the_subjects_left():
    armature = skeleton(head_bones(("Head", "Jaw", "LeftEye", "RightEye"), roll_deg=50))
    clip = MotionClip.neutral(2, Fraction(24))
    clip.channel("jawOpen")[1] = 1.0
    clip.gaze_deg[1] = (30, 10)
    made = apply_to_character(performance(clip), whole_character(), rows_for(whole_character(), "arkit"), bpy.context.scene,
                              start_frame=1)
    assert made.bones == 4 and made.keys == 0
    bpy.context.scene.frame_set(2)
    chin = armature.matrix_world @ armature.pose.bones["Jaw"].tail
    assert chin.z < CHIN.z - 0.02 and chin.y > CHIN.y, "down and back"
    for eye in ("LeftEye", "RightEye"):
        looks = (armature.pose.bones[eye].tail - armature.pose.bones[eye].head).normalized()
        assert looks.x == pytest.approx(math.cos(math.radians(10)) * math.sin(math.radians(30)), abs=1e-3)
        assert looks.z == pytest.approx(math.sin(math.radians(10)), abs=1e-3)


def test_own_axis_overrides_the_one_found():
    armature = skeleton({"Jaw": (HEAD_AT, CHIN, 0)})
    clip = MotionClip.neutral(2, Fraction(24))
    clip.channel("jawOpen")[1] = 0.5
    row = Row(BONE, "jawOpen", ("Jaw",), gain=40, low=-90, high=90, motion="pitch", axis="-X")
    apply_to_character(performance(clip), whole_character(), [row], bpy.context.scene, start_frame=1)
    bpy.context.scene.frame_set(2)
    assert np.allclose(armature.pose.bones["Jaw"].rotation_quaternion.to_euler(), (math.radians(-20), 0, 0), atol=1e-6)


def test_head_shift_is_in_metres_of_the_world():
    armature = skeleton(head_bones(roll_deg=70), ROTATED)
    clip = MotionClip.neutral(2, Fraction(24))
    clip.head_translation_m[1] = (0.01, 0.02, 0.03)
    rows = [Row(BONE, f"head.{axis}", ("head",), low=-1, high=1, motion=axis) for axis in "xyz"]
    before = armature.matrix_world @ armature.pose.bones["head"].head
    apply_to_character(performance(clip), whole_character(), rows, bpy.context.scene, start_frame=1)
    bpy.context.scene.frame_set(2)
    moved = armature.matrix_world @ armature.pose.bones["head"].head - before
    assert tuple(moved) == pytest.approx((0.01, -0.03, 0.02), abs=1e-5)


def test_keys_that_turn_the_eyes_and_the_jaw_are_preferred_to_bones():
    armature = skeleton(head_bones())
    face("Ada", STANDARDS["arkit"], armature)
    assert {row.names[0] for row in rows_for(whole_character()) if row.kind == BONE} == {"head"}


def test_all_meshes_of_a_character_move_together_and_each_has_its_own_curves():
    armature = skeleton(head_bones())
    head, teeth = face("Ada", STANDARDS["arkit"], armature), face("Teeth", ["jawOpen", "mouthClose"], armature)
    face("Somebody else", ["jawOpen"])
    character = character_of([head], bpy.context.scene.objects)
    assert {item.name for item in character.meshes} == {"Ada", "Teeth"} and character.armatures == (armature,)
    apply_to_character(performance(make_clip(5, Fraction(24))), character, rows_for(character), bpy.context.scene, start_frame=1)
    assert key_values(head, "jawOpen", (3,)) == key_values(teeth, "jawOpen", (3,)) != [0.0]
    assert len(compat.curves_of(teeth.data.shape_keys).fcurves) == 2
    if bpy.app.version >= (4, 4):
        assert len(bpy.data.actions) == 1 and len(bpy.data.actions[0].slots) == 3


def test_driven_keys_are_left_to_their_drivers():
    item = face("Ada", ["jawOpen", "mouthClose"])
    item.data.shape_keys.key_blocks["jawOpen"].driver_add("value")
    made = apply_to_character(performance(make_clip(5, Fraction(24))), whole_character(), rows_for(whole_character()),
                              bpy.context.scene, start_frame=1)
    assert made.driven == ["jawOpen"] and made.keys == 1


@pytest.mark.parametrize("existing", [OVER, REPLACE, STRIP])
def test_what_was_animated_is_kept(existing):
    item = face("Ada", ["jawOpen", "tailWag"])
    keys = item.data.shape_keys
    keys.key_blocks["tailWag"].value = 0.7
    keys.key_blocks["tailWag"].keyframe_insert("value", frame=1)
    old = keys.animation_data.action
    clip = MotionClip.neutral(5, Fraction(24))
    clip.channel("jawOpen")[:] = 0.5
    made = apply_to_character(performance(clip), whole_character(), rows_for(whole_character()), bpy.context.scene, start_frame=1,
                              existing=existing)
    keys.key_blocks["tailWag"].value = 0.0
    assert key_values(item, "jawOpen", (3,)) == [0.5]
    assert key_values(item, "tailWag", (3,)) == pytest.approx([0.0 if existing == REPLACE else 0.7])
    assert old.name in bpy.data.actions and (old.use_fake_user or old.users > 0)
    assert (keys.animation_data.action == old) == (existing == STRIP) and made.actions[0] != old


def test_existing_body_action_keeps_the_body_moving_below_the_head():
    bones = head_bones()
    armature = skeleton({"hips": (Vector((0, 0, 1)), HEAD_AT, 0), **bones})
    armature.pose.bones["hips"].location = (0.3, 0, 0)
    armature.pose.bones["hips"].keyframe_insert("location", frame=1)
    clip = MotionClip.neutral(2, Fraction(24))
    clip.head_rotation_deg[:] = (20, 0, 0)
    apply_to_character(performance(clip), whole_character(), rows_for(whole_character(), "arkit"), bpy.context.scene, start_frame=1)
    armature.pose.bones["hips"].location = (0, 0, 0)
    bpy.context.scene.frame_set(2)
    assert armature.pose.bones["hips"].location.x == pytest.approx(0.3)
    assert armature.pose.bones["head"].rotation_quaternion.angle == pytest.approx(math.radians(20), abs=1e-4)


def test_gain_offset_and_limits_and_several_rows_on_one_key():
    item = face("Ada", ["Open", "Smile"])
    clip = MotionClip.neutral(1, Fraction(24))
    clip.channel("jawOpen")[:], clip.channel("mouthSmileLeft")[:], clip.channel("mouthSmileRight")[:] = 0.5, 0.4, 0.2
    rows = [Row(KEY, "jawOpen", ("Open",), gain=1.5, offset=-0.1, high=0.6), Row(KEY, "0.5*mouthSmileLeft + .5*mouthSmileRight", ("Smile",)),
            Row(KEY, "jawOpen", ("Smile",), gain=0.2)]
    apply_to_character(performance(clip), whole_character(), rows, bpy.context.scene, start_frame=1)
    assert key_values(item, "Open", (1,)) == pytest.approx([0.6])
    assert key_values(item, "Smile", (1,)) == pytest.approx([0.4])


def test_nothing_to_key_says_what_to_do():
    item = face("Ada", ["strange"])
    take = performance(make_clip(3, Fraction(24)))
    with pytest.raises(AddonError, match="Auto-Match"):
        apply_to_character(take, whole_character(), [], bpy.context.scene, start_frame=1)
    with pytest.raises(AddonError, match="none of the keys"):
        apply_to_character(take, whole_character(), [Row(KEY, "jawOpen", ("Open",))], bpy.context.scene, start_frame=1)
    with pytest.raises(AddonError, match="No shape key or bone"):
        best_mapping(["strange"], [])
    assert character_of([bpy.data.objects.new("Lamp", None)]) is None
    assert item.data.shape_keys.animation_data is None and not bpy.data.actions


def test_linked_character_is_refused_with_the_way_out(tmp_path):
    face("Ada", ["jawOpen"])
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, target):
        target.objects = ["Ada"]
    bpy.context.scene.collection.objects.link(bpy.data.objects["Ada"])
    with pytest.raises(AddonError, match="library override"):
        apply_to_character(performance(make_clip(3, Fraction(24))), whole_character(), rows_for(whole_character()),
                           bpy.context.scene, start_frame=1)
    assert not bpy.data.actions


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
