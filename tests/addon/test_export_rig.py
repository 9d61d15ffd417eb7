"""The rig goes out by Blender's own exporters, and comes back with its shape keys, its bones and its curves."""

from fractions import Fraction

import bpy
import numpy as np
import pytest

from soliloquy.addon.scene.assemble import assemble
from soliloquy.addon.scene.found_rig import PART_PROPERTY
from soliloquy.addon.scene.rig_names import HEAD
from soliloquy.addon.scene.timing import set_scene_fps

FRAMES = (5, 15, 30)
EXPORTERS = {"glb": "io_scene_gltf2", "fbx": "io_scene_fbx"}


@pytest.fixture(params=sorted(EXPORTERS))
def suffix(request) -> str:
    """A format whose exporter this Blender has."""
    if EXPORTERS[request.param] not in bpy.context.preferences.addons:
        try:
            bpy.ops.preferences.addon_enable(module=EXPORTERS[request.param])
        except RuntimeError:
            pytest.skip(f"this Blender has no {EXPORTERS[request.param]}")
    return request.param


def write(path) -> None:
    for item in bpy.context.scene.objects:
        item.select_set(True)
    if path.suffix == ".glb":
        bpy.ops.export_scene.gltf(filepath=str(path), export_animations=True)
    else:
        bpy.ops.export_scene.fbx(filepath=str(path), add_leaf_bones=False, path_mode="COPY", embed_textures=True)


def read(path) -> None:
    for collection in (bpy.data.objects, bpy.data.actions):
        for item in list(collection):
            collection.remove(item)
    (bpy.ops.import_scene.gltf if path.suffix == ".glb" else bpy.ops.import_scene.fbx)(filepath=str(path))


def seen(meshes: dict[str, bpy.types.Object], armature: bpy.types.Object) -> np.ndarray:
    """(frames, values): every shape key of every mesh by name, and how the head is turned in the world."""
    rows = []
    for frame in FRAMES:
        bpy.context.scene.frame_set(frame)
        graph = bpy.context.evaluated_depsgraph_get()
        keys = {name: mesh.data.shape_keys.evaluated_get(graph).key_blocks for name, mesh in meshes.items()}
        values = [keys[name][key].value for name in sorted(keys) for key in sorted(block.name for block in keys[name])]
        turned = armature.matrix_world @ armature.evaluated_get(graph).pose.bones[HEAD].matrix
        rows.append([*values, *turned.to_quaternion()])
    return np.array(rows)


def shaped() -> dict[str, bpy.types.Object]:
    """The meshes that have shape keys, by the part they are, which is the end of their names."""
    found = (item for item in bpy.context.scene.objects if item.type == "MESH" and item.data.shape_keys)
    return {item.name.split(".")[0].split(" ")[-1]: item for item in found}


def test_rig_and_performance_come_back(suffix, make_folder, tmp_path):
    """Also what drivers move: the other parts follow the face's keys."""
    scene = bpy.context.scene
    set_scene_fps(scene, Fraction(25))
    rig = assemble(make_folder(40, Fraction(25)), start_frame=1, strips=False).rig
    scene.frame_start, scene.frame_end = 1, 40
    parts = shaped()
    assert {item.get(PART_PROPERTY) for item in parts.values()} == set(parts) and len(parts) > 1
    names = {part: [block.name for block in item.data.shape_keys.key_blocks[1:]] for part, item in parts.items()}
    expected = seen(parts, rig.armature)
    write(tmp_path / f"rig.{suffix}")
    read(tmp_path / f"rig.{suffix}")
    again, armature = shaped(), next(item for item in scene.objects if item.type == "ARMATURE")
    assert {part: [block.name for block in item.data.shape_keys.key_blocks[1:]] for part, item in again.items()} == names
    found = seen(again, armature)
    np.testing.assert_allclose(found[:, :-4], expected[:, :-4], atol=1e-3)
    alike = np.abs((found[:, -4:] * expected[:, -4:]).sum(axis=1))
    assert alike.min() > 1 - 1e-5 and np.ptp(expected[:, -4:], axis=0).max() > 1e-3, "the head turns, and as before"
