"""Directions are saved, shared and chosen; portraits become assets with previews and catalogs."""

from fractions import Fraction

import bpy
import numpy as np
import pytest
from addon_samples import make_folder

import soliloquy
from soliloquy.addon import directions, paths
from soliloquy.addon.scene.assets import CATALOGS_FILE, PERFORMANCES, PORTRAITS, catalog_id
from soliloquy.engine.motion.direction import load_direction


@pytest.fixture(autouse=True)
def registered(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "user_folder", lambda: tmp_path / "user")
    soliloquy.register()
    yield
    soliloquy.unregister()


@pytest.fixture
def settings():
    return bpy.context.scene.soliloquy


def test_saved_direction_is_chosen_and_the_engine_reads_it(settings, tmp_path):
    settings.direction = "comic"
    settings.head, settings.mood, settings.mood_strength = 0.25, "sad", 0.4
    assert bpy.ops.soliloquy.save_direction(title="My Uncle: sad!") == {"FINISHED"}
    path = tmp_path / "user" / "directions" / "my_uncle_sad.toml"
    made = load_direction(path)
    assert (made.head, made.mood, made.mood_strength, made.energy) == (0.25, "sad", 0.4, 1.6)
    assert settings.direction == "own/my_uncle_sad"
    assert directions.for_job(settings) == {"direction": str(path), "settings": {}}
    settings.direction = "neutral"
    assert settings.head == 1.0 and directions.for_job(settings) == {"direction": "neutral", "settings": {}}
    settings.direction = "own/my_uncle_sad"
    assert settings.head == 0.25 and settings.mood == "sad"
    assert ("own/my_uncle_sad", "My Uncle: sad!") in [item[:2] for item in directions.preset_items()]


def test_what_the_panel_does_not_show_is_kept(settings, tmp_path):
    (tmp_path / "shy.toml").write_text('format_version = 1\nname = "Shy"\ngaze_pitch = -12.0\nmood_over_time = "0:sad*0.5"\n')
    assert bpy.ops.soliloquy.import_direction(filepath=str(tmp_path / "shy.toml")) == {"FINISHED"}
    settings.brows = 0.5
    assert bpy.ops.soliloquy.export_direction(filepath=str(tmp_path / "shyer")) == {"FINISHED"}
    made = load_direction(tmp_path / "shyer.toml")
    assert (made.gaze_pitch, made.brows, made.mood_keys()[0].mood) == (-12.0, 0.5, "sad")


def test_own_directions_are_deleted_and_given_ones_are_not(settings):
    assert not bpy.ops.soliloquy.remove_direction.poll()
    bpy.ops.soliloquy.save_direction(title="once")
    assert bpy.ops.soliloquy.remove_direction() == {"FINISHED"}
    assert settings.direction == "neutral" and not [key for key in directions.preset_paths() if key.startswith("own/")]


def test_the_choice_survives_other_directions_that_come_and_go(settings, tmp_path):
    bpy.ops.soliloquy.save_direction(title="middle")
    for name in ("early", "zebra"):
        directions.write_preset(tmp_path / "user" / "directions" / f"{name}.toml", name, settings)
    assert settings.direction == "own/middle"
    (tmp_path / "user" / "directions" / "early.toml").unlink()
    assert settings.direction == "own/middle"


@pytest.mark.parametrize("text", ["", "format_version = 2", "head = [", 'format_version = 1\nhead = 7.0', 'format_version = 1\nmood = "blue"',
                                  "format_version = 1\nhead = []"])
def test_damaged_direction_is_one_line_and_is_not_taken(settings, tmp_path, text):
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(RuntimeError, match="bad.toml|must be|float"):
        bpy.ops.soliloquy.import_direction(filepath=str(tmp_path / "bad.toml"))
    assert settings.direction == "neutral" and not (tmp_path / "user").exists()


def test_damaged_file_in_the_folder_harms_nothing(settings, tmp_path):
    bpy.ops.soliloquy.save_direction(title="fine")
    (tmp_path / "user" / "directions" / "broken.toml").write_text("=")
    assert len(directions.preset_items()) == len(directions.preset_paths())
    settings.direction = "own/broken"
    assert settings.head == 1.0


def test_without_an_extension_folder_the_button_says_so(monkeypatch):
    monkeypatch.setattr(paths, "user_folder", lambda: None)
    assert not bpy.ops.soliloquy.save_direction.poll() and not bpy.ops.soliloquy.import_direction.poll()


def test_portrait_and_performance_become_assets(tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    (tmp_path / CATALOGS_FILE).write_text("VERSION 1\n\n2bd9a7e6-0000-4000-8000-000000000000:Mine/Trees:Mine-Trees\n")
    folder = make_folder(tmp_path / "out", 6, Fraction(24), pictures=False)
    bpy.ops.soliloquy.import_performance(directory=str(folder), strips=False)
    rig = next(item for item in bpy.data.objects if item.type == "ARMATURE")
    bpy.context.view_layer.objects.active = rig
    assert bpy.ops.soliloquy.mark_assets() == {"FINISHED"}
    assert bpy.ops.soliloquy.mark_assets() == {"FINISHED"}, "twice is as once"
    collection, action = rig.users_collection[0], rig.animation_data.action
    assert collection.asset_data.catalog_id == catalog_id(PORTRAITS) and action.asset_data.catalog_id == catalog_id(PERFORMANCES)
    assert [tag.name for tag in action.asset_data.tags] == ["Soliloquy"]
    preview = np.array(collection.preview.image_pixels_float[:])
    assert len(preview) == 256 * 256 * 4 and preview.std() > 0.1
    text = (tmp_path / CATALOGS_FILE).read_text()
    assert "Mine/Trees" in text and text.count(catalog_id(PORTRAITS)) == 1 and f"{catalog_id(PERFORMANCES)}:{PERFORMANCES}:" in text
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "library.blend"))
    marked = [item.name for item in (*bpy.data.collections, *bpy.data.actions) if item.asset_data]
    assert marked == ["ada", "ada Performance"]


def test_nothing_to_mark_greys_the_button():
    bpy.ops.mesh.primitive_cube_add()
    assert not bpy.ops.soliloquy.mark_assets.poll()
