"""Landmarks by hand: shown on the picture, followed by their neighbours, and a rig that follows them in place."""

import copy

import bpy
import cv2
import numpy as np
import pytest

from soliloquy.addon.errors import AddonError
from soliloquy.addon.scene import landmarks
from soliloquy.addon.scene.portrait_file import read_portrait
from soliloquy.addon.scene.replace import replace_task
from soliloquy.addon.scene.rig import build_rig
from soliloquy.addon.turns import finish_at_once
from soliloquy.engine.portrait import topology
from soliloquy.engine.portrait.build import read_landmarks
from soliloquy.engine.portrait.landmarks import usual_landmarks

SIZE = (120, 160)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "ada.png"
    cv2.imwrite(str(path), np.full((SIZE[1], SIZE[0], 3), 90, np.uint8))
    return path


@pytest.fixture
def points():
    return usual_landmarks(*SIZE).astype(float)


def test_contours_are_the_engines():
    rings = {name: ring for name, (ring, _) in landmarks.CONTOURS.items()}
    assert rings["outline"] == topology.FACE_OVAL
    assert set(rings["inner lips"]) == {*topology.INNER_LIP_UPPER, *topology.INNER_LIP_LOWER}
    assert set(rings["outer lips"]) == {*topology.OUTER_LIP_UPPER, *topology.OUTER_LIP_LOWER}
    for side, end in (("left", "L"), ("right", "R")):
        assert set(rings[f"eye.{end}"]) == {*topology.LID_UPPER[side], *topology.LID_LOWER[side]}
        assert rings[f"iris.{end}"] == topology.IRIS[side][1:]


def test_untouched_points_come_back(picture, points):
    editor = landmarks.add_editor(bpy.context.scene, picture, points)
    np.testing.assert_allclose(landmarks.corrected(editor, SIZE), points, atol=1e-3)


def test_a_dragged_point_takes_its_neighbours_along_and_leaves_the_far_side(picture, points):
    editor = landmarks.add_editor(bpy.context.scene, picture, points)
    numbers = landmarks.shown_landmarks()
    lips = {*landmarks.CONTOURS["outer lips"][0], *landmarks.CONTOURS["inner lips"][0]}
    for index, number in enumerate(numbers):
        if number in lips:
            editor.data.vertices[index].co.x += 3 / SIZE[1]
    moved = landmarks.corrected(editor, SIZE) - points
    np.testing.assert_allclose(moved[sorted(lips), 0], 3, atol=1e-3)
    between = 72  # in the red of the upper lip, between the two contours
    assert between not in numbers and moved[between, 0] == pytest.approx(3, abs=0.5)
    assert abs(moved[list(topology.LID_UPPER["left"]), 0]).max() < 1e-3
    assert abs(moved[:, 2]).max() == 0


def test_deleted_points_follow_and_too_few_are_refused(picture, points):
    editor = landmarks.add_editor(bpy.context.scene, picture, points)
    bpy.context.view_layer.objects.active = editor
    bpy.ops.object.mode_set(mode="EDIT")
    import bmesh

    mesh = bmesh.from_edit_mesh(editor.data)
    bmesh.ops.delete(mesh, geom=[vertex for vertex in mesh.verts if vertex.index % 2], context="VERTS")
    bmesh.update_edit_mesh(editor.data)
    np.testing.assert_allclose(landmarks.corrected(editor, SIZE), points, atol=1e-2)
    mesh = bmesh.from_edit_mesh(editor.data)
    bmesh.ops.delete(mesh, geom=list(mesh.verts)[2:], context="VERTS")
    bmesh.update_edit_mesh(editor.data)
    with pytest.raises(AddonError, match="has lost its points"):
        landmarks.corrected(editor, SIZE)


def test_the_engine_reads_what_is_written(points, tmp_path):
    landmarks.write_landmarks(tmp_path / "points.json", points)
    np.testing.assert_allclose(read_landmarks(tmp_path / "points.json"), points, atol=1e-3)
    np.testing.assert_allclose(landmarks.read_landmarks(tmp_path / "points.json"), points, atol=1e-3)


def test_rig_is_rebuilt_in_place(portrait, portrait_file, make_folder, tmp_path):
    """Animation, place and constraints stay; vertices, bones and parts are the new portrait's."""
    from soliloquy.addon.scene.assemble import assemble

    scene = bpy.context.scene
    made = assemble(make_folder(10), strips=False)
    rig = made.rig
    rig.armature.location = (1, 0, 0)
    rig.armature.pose.bones["head"].constraints.new("COPY_ROTATION")
    other = copy.deepcopy(portrait)
    other.parts["face"].vertices[:, 0] += 4
    other.neck_pivot = other.neck_pivot + np.array([4, 0, 0], np.float32)
    other.parts.pop("teeth_lower")
    other.parts["teeth_upper"] = copy.deepcopy(portrait.parts["teeth_lower"])
    other.save(tmp_path / "other.portrait")
    before = world_x(bpy.data.objects["ada face"])
    pivot = rig.armature.data.bones["head"].head_local.x
    objects = len(bpy.data.objects)
    rebuilt = finish_at_once(replace_task(rig, read_portrait(tmp_path / "other.portrait"), scene, name="ada"))
    assert rebuilt.armature == rig.armature and len(bpy.data.objects) == objects
    assert rebuilt.armature.animation_data.action == made.action == rebuilt.master.data.shape_keys.animation_data.action
    assert rebuilt.armature.pose.bones["head"].constraints[-1].type == "COPY_ROTATION"
    assert world_x(rebuilt.master) - before == pytest.approx(4 / portrait.units_per_metre, rel=0.06)
    assert rebuilt.armature.data.bones["head"].head_local.x - pivot == pytest.approx(4 / portrait.units_per_metre, rel=0.06)
    parts = {child.get("soliloquy_part") for child in rebuilt.armature.children}
    assert "teeth_upper" in parts and "teeth_lower" not in parts
    scene.frame_set(5)
    keys = rebuilt.master.data.shape_keys.key_blocks
    assert keys["jawOpen"].value > 0, "it still plays"
    teeth = next(child for child in rebuilt.armature.children if child.get("soliloquy_part") == "teeth_upper")
    assert teeth.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(keys["jawOpen"].value)


def world_x(item) -> float:
    bpy.context.view_layer.update()
    return float(np.mean([(item.matrix_world @ vertex.co).x for vertex in item.data.vertices]))


def test_rebuilding_leaves_nothing_behind(portrait_file):
    scene = bpy.context.scene
    rig = build_rig(read_portrait(portrait_file), scene, name="Ada")
    kinds = ("objects", "meshes", "materials", "images", "armatures", "collections")
    before = {kind: len(getattr(bpy.data, kind)) for kind in kinds}
    finish_at_once(replace_task(rig, read_portrait(portrait_file), scene, name="Ada"))
    after = {kind: len(getattr(bpy.data, kind)) for kind in before}
    assert after == before
