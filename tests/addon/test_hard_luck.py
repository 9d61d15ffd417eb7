"""What can go wrong on somebody's machine: a full disk, an undo or a kill in the middle, libraries. One line, and nothing broken."""

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest

import soliloquy
from soliloquy.addon.engine_client import PYTHON_VARIABLE, find_engine
from soliloquy.addon.errors import AddonError
from soliloquy.addon.operators import regenerate
from soliloquy.addon.operators.update import ReadThenRender
from soliloquy.addon.scene import record as records
from soliloquy.addon.scene.assemble import assemble, save_blend
from soliloquy.addon.scene.performance import PLACES, read_keys, write_samples
from soliloquy.addon.scene.pose import Poser
from soliloquy.addon.scene.read_rig import RigReader
from soliloquy.addon.scene.timing import set_scene_fps

FULL_DISK_BYTES = 1 << 20

@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setenv(PYTHON_VARIABLE, sys.executable)
    soliloquy.register()
    yield
    soliloquy.unregister()


@pytest.fixture
def rig(make_folder):
    from fractions import Fraction

    set_scene_fps(bpy.context.scene, Fraction(25))
    return assemble(make_folder(30), start_frame=11).rig


@pytest.fixture
def full_disk(tmp_path):
    """in_full(command): runs it where tmp_path / "full" is a disk of a megabyte. Needs a system that mounts for anybody."""
    place = tmp_path / "full"
    place.mkdir()
    mount = f'mount -t tmpfs -o size={FULL_DISK_BYTES} none "{place}" && exec "$@"'

    def in_full(*command: str | Path) -> subprocess.CompletedProcess:
        return subprocess.run(["unshare", "-rm", "sh", "-c", mount, "sh", *map(str, command)], capture_output=True, text=True, timeout=200)

    if shutil.which("unshare") is None or in_full("true").returncode:
        pytest.skip("this system lets nobody mount a small disk (unshare -rm)")
    return in_full


def test_a_blend_that_does_not_fit_is_not_there(make_folder, full_disk, tmp_path):
    target = tmp_path / "full" / "scene.blend"
    code = (f"import runpy, sys, os, pathlib; sys.argv = ['x', {str(make_folder(5))!r}, '--blend', {str(target)!r}]\n"
            "import soliloquy.addon.scene.assemble as a\nstatus = a.main()\n"
            f"sys.stdout.write('left: %s' % os.listdir({str(target.parent)!r})); sys.stdout.flush(); os._exit(status)")
    pathlib_fill = tmp_path / "full" / "fill"
    fill = f"head -c {FULL_DISK_BYTES - 65536} /dev/zero > '{pathlib_fill}'; exec \"$@\""
    done = full_disk("sh", "-c", fill, "sh", sys.executable, "-c", code)
    assert done.returncode == 6, done.stdout + done.stderr
    assert f"Cannot write {target}" in done.stderr and done.stdout.endswith("left: ['fill']")


def test_a_full_disk_beside_blender_is_one_line(rig, monkeypatch):
    def full(_clip, path):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("soliloquy.addon.scene.clip_file.write_clip", full)
    with pytest.raises(RuntimeError, match="The disk is full"):
        bpy.ops.soliloquy.update_frames()
    status = bpy.context.window_manager.soliloquy
    assert status.failed and not status.running and "read.json" in status.message
    assert not bpy.data.scenes.get("Soliloquy reads")


def test_a_fault_of_ours_is_one_line_and_a_report_with_its_traceback(rig, monkeypatch):
    def faulty(_clip, _path):
        raise KeyError("no such thing")

    monkeypatch.setattr("soliloquy.addon.scene.clip_file.write_clip", faulty)
    with pytest.raises(RuntimeError, match="inside Soliloquy .KeyError"):
        bpy.ops.soliloquy.update_frames()
    status = bpy.context.window_manager.soliloquy
    assert status.failed and not status.running and "Copy Report" in status.message
    assert "Traceback" in status.report and "faulty" in status.report


def test_undo_while_the_rig_is_read_begins_again(rig):
    """What is sent to the engine is the rig after the undo, whole."""
    scene, name = bpy.context.scene, rig.armature.name
    bpy.ops.ed.undo_push(message="landed")
    before = read_keys(rig, scene)
    write_samples(rig, scene, np.full_like(before, 0.25), np.ones(before.shape, bool))
    bpy.ops.ed.undo_push(message="edited")
    work = ReadThenRender(find_engine(), rig, scene)
    try:
        work._reader.read_some(0.0)
        assert work._reader.done == 1
        bpy.ops.ed.undo()
        work.poll()
        read = work._reader.read_all()
    finally:
        work.end()
    again = records.performing_rigs(bpy.context.scene)[0]
    assert again.armature.name == name
    assert np.allclose(read.channels[:, 17], RigReader(again, bpy.context.scene).read_all().channels[:, 17])
    assert not np.allclose(read.channels[:, 17], 0.25)
    assert not bpy.app.handlers.undo_post and not bpy.app.handlers.redo_post


def test_a_rig_undone_away_ends_the_update_with_a_line(rig):
    scene = bpy.context.scene
    work = ReadThenRender(find_engine(), rig, scene)
    try:
        work._reader.read_some(0.0)
        bpy.data.batch_remove([rig.armature])
        with pytest.raises(AddonError, match="is gone"):
            work.poll()
    finally:
        work.end()


def test_undo_under_the_live_preview_shows_on_or_ends_it(rig):
    bpy.ops.ed.undo_push(message="landed")
    poser = Poser(rig)
    rig.armature.location.x = 1.0
    bpy.ops.ed.undo_push(message="moved")
    bpy.ops.ed.undo()
    try:
        poser.show(np.zeros(len(PLACES)))
    except ReferenceError:
        return  # which the operator says as "The rig is gone"
    assert records.performing_rigs(bpy.context.scene)


def linked_collection(blend: Path) -> bpy.types.Collection:
    save_blend(blend)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(blend), link=True) as (theirs, ours):
        ours.collections = list(theirs.collections)
    bpy.context.scene.collection.children.link(ours.collections[0])
    return ours.collections[0]


def test_an_override_with_an_action_of_its_own_can_be_keyed(rig, tmp_path):
    linked = linked_collection(tmp_path / "library.blend")
    scene = bpy.context.scene
    linked.override_hierarchy_create(scene, bpy.context.view_layer)
    mine = next(one for one in records.performing_rigs(scene) if one.armature.override_library)
    bpy.context.view_layer.objects.active = mine.armature
    assert "is linked from library.blend" in regenerate.cannot_regenerate(bpy.context)
    action = mine.armature.animation_data.action.copy()
    for datablock in (mine.armature, mine.master.data.shape_keys):
        slot = datablock.animation_data.action_slot.handle
        datablock.animation_data.action = action
        datablock.animation_data.action_slot = next(one for one in action.slots if one.handle == slot)
    keys = read_keys(mine, scene)
    assert np.isfinite(keys[:, :52]).all()
    write_samples(mine, scene, np.full_like(keys, 0.1), np.ones(keys.shape, bool))
    assert np.allclose(read_keys(mine, scene)[:, :52], 0.1)
