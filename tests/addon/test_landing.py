"""What lands, lands whole or not at all; and it disturbs nothing that is going on."""

import bpy
import pytest

from soliloquy.addon import compat
from soliloquy.addon.errors import FileError
from soliloquy.addon.scene import record as records
from soliloquy.addon.scene.all_or_nothing import KINDS, all_or_nothing
from soliloquy.addon.scene.assemble import assemble, assemble_task

STEPS_TRIED = (1, 5, 30, 60, 100, 150)


def footprint() -> list:
    """Names of everything that could have been left behind."""
    scene = bpy.context.scene
    strips = [strip.name for strip in compat.strips_of(scene)]
    return [sorted(block.name for block in getattr(bpy.data, kind)) for kind in (*KINDS, "shape_keys", "scenes")] + [strips]


def given_up_after(task, steps: int) -> bool:
    """Run so many steps, then give it up; returns whether it was not done by then."""
    answer = None
    for _ in range(steps):
        try:
            wanted = task.send(answer)
        except StopIteration:
            return False
        answer = wanted() if callable(wanted) else None
    task.close()
    return True


def test_given_up_anywhere_it_leaves_nothing(make_folder):
    folder = make_folder(12)
    mine = bpy.data.objects.new("Mine", bpy.data.meshes.new("Mine"))
    bpy.context.scene.collection.objects.link(mine)
    before = footprint()
    given_up = [given_up_after(all_or_nothing(assemble_task(folder)), steps) for steps in STEPS_TRIED]
    assert footprint() == before and mine.name == "Mine"
    assert all(given_up), "later steps are to be tried"
    assemble(folder)
    assert footprint() != before


def test_a_rig_that_could_not_be_keyed_again_performs_as_before(make_folder):
    folder = make_folder(12)
    rig = assemble(folder, start_frame=5).rig
    record, action, before = records.read(rig.armature), rig.armature.animation_data.action, footprint()
    task = assemble_task(folder, onto=rig, start_frame=50)
    assert given_up_after(all_or_nothing(task), 45)
    assert rig.armature.animation_data.action == action == rig.master.data.shape_keys.animation_data.action
    assert records.read(rig.armature) == record and footprint() == before
    assert rig.master.data.shape_keys.animation_data.action_slot.target_id_type == "KEY"


def test_what_fails_at_the_end_takes_all_with_it(make_folder):
    folder = make_folder(12, pictures=False)
    (folder / "frames").mkdir()
    before = footprint()
    with pytest.raises(FileError, match="no pictures"):
        assemble(folder)
    assert footprint() == before


def test_in_another_file_nothing_is_touched(make_folder, tmp_path):
    task = all_or_nothing(assemble_task(make_folder(12)))
    answer = None
    for _ in range(20):
        wanted = task.send(answer)
        answer = wanted() if callable(wanted) else None
    bpy.ops.wm.read_factory_settings()
    before = footprint()
    task.close()
    assert footprint() == before and "Cube" in bpy.data.objects


def test_mode_and_selection_stay_as_they_are(make_folder):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.view_layer.objects.active
    bpy.ops.object.mode_set(mode="EDIT")
    assemble(make_folder(12))
    assert cube.mode == "EDIT" and bpy.context.view_layer.objects.active == cube
    assert [item.name for item in bpy.context.selected_objects] == [cube.name]


def test_the_rig_is_not_seen_before_it_is_whole(make_folder):
    scene, task = bpy.context.scene, assemble_task(make_folder(12))
    answer, seen = None, []
    with pytest.raises(StopIteration):
        while True:
            wanted = task.send(answer)
            seen.append(len(scene.objects))
            answer = wanted() if callable(wanted) else None
    assert set(seen) == {0} and len(scene.objects) > 3
