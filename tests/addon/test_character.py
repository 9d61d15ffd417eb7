"""Apply Performance to Character: every standard's names, bones that lie any way, what was there is kept."""

import math
from fractions import Fraction

import bpy
import numpy as np
import pytest
from addon_samples import make_clip
from character_samples import (CHIN, HEAD_AT, PHONES, STANDARDS, VROID, face,
                               head_bones, key_values, performance, rows_for, skeleton, whole_character)
from mathutils import Matrix, Vector

from soliloquy.addon import compat
from soliloquy.addon.characters.apply import OVER, REPLACE, STRIP, apply_to_character
from soliloquy.addon.characters.mapping import BONE, KEY, Row, best_mapping, preset_mappings
from soliloquy.addon.characters.targets import character_of
from soliloquy.addon.errors import AddonError
from soliloquy.addon.scene.channels import CHANNELS
from soliloquy.engine.motion.clip import MotionClip


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
