"""Runs inside Blender's window: the manual's pictures, one after the other. Arguments: PERFORMANCE PICTURE VOICE FACELESS"""

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from steps import ARGUMENTS, OUT, area_of, empty_scene, idle, play, press, show_tab, shoot, status, within  # noqa: E402

performance, picture, voice, faceless = ARGUMENTS


def rig() -> bpy.types.Object:
    return next(item for item in bpy.context.scene.objects if item.type == "ARMATURE")


def activate(item: bpy.types.Object) -> None:
    with within("VIEW_3D"):
        if bpy.context.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        bpy.ops.object.select_all(action="DESELECT")
        item.select_set(True)
        bpy.context.view_layer.objects.active = item


def fill_in() -> None:
    settings = bpy.context.scene.soliloquy
    settings.picture, settings.voice = picture, voice
    settings.rights, settings.rights_statement = "public-domain", "Library of Congress"
    settings.output_folder = str(OUT / "made")


def look_through_camera() -> None:
    space = area_of("VIEW_3D").spaces.active
    space.region_3d.view_perspective, space.shading.type = "CAMERA", "MATERIAL"
    with within("VIEW_3D"):
        bpy.ops.view3d.view_center_camera()


def script():
    empty_scene()
    yield from show_tab("VIEW_3D")
    shoot("panel", area_of("VIEW_3D"))

    files = [{"name": Path(picture).name}, {"name": Path(voice).name}]
    with within("VIEW_3D"):
        bpy.ops.wm.drop_import_file("INVOKE_DEFAULT", directory=str(Path(picture).parent), files=files)
    yield 1.0
    settings = bpy.context.scene.soliloquy
    assert (settings.picture, settings.voice) == (picture, voice), "dropping fills the fields"

    settings.picture = faceless
    settings.rights, settings.output_folder = "fictional", str(OUT / "made")
    with within("VIEW_3D", "UI"):
        bpy.ops.soliloquy.animate("INVOKE_DEFAULT")
    yield idle
    yield 0.5
    assert status().failed, "nobody is in that picture"
    shoot("error", area_of("VIEW_3D"))

    fill_in()
    with within("VIEW_3D"):
        bpy.ops.soliloquy.import_performance(directory=performance, match_scene=True)
    status().message, status().failed = "", False
    look_through_camera()
    yield 6.0
    activate(rig())
    with within("VIEW_3D"):
        bpy.ops.object.mode_set(mode="POSE")
    bpy.context.scene.frame_set(12)
    yield 2.0
    shoot("rig", area_of("VIEW_3D"))
    with within("VIEW_3D", "UI"):
        bpy.ops.soliloquy.animate("INVOKE_DEFAULT")
    yield lambda: status().factor > 0.2 or idle()
    yield 0.3
    shoot("running", area_of("VIEW_3D"))
    press("ESC")
    yield idle

    activate(rig())
    bpy.context.scene.soliloquy_stage.live_input = "VOICE"
    with within("VIEW_3D", "UI"):
        bpy.ops.soliloquy.live("INVOKE_DEFAULT")
    yield lambda: status().stage.startswith("live: 1.") or idle()
    shoot("live", area_of("VIEW_3D"))
    press("ESC")
    yield idle

    with within("VIEW_3D"):
        bpy.ops.wm.call_menu(name="SOLILOQUY_MT_add")
    yield 0.6
    shoot("menu", area_of("VIEW_3D"))
    press("ESC")
    yield 0.3

    with within("VIEW_3D"):
        bpy.ops.soliloquy.add_markers(directory=performance, kind="PHONES")
        bpy.ops.soliloquy.add_to_compositor(directory=performance)
        bpy.ops.soliloquy.correct_landmarks("INVOKE_DEFAULT")
    yield idle
    yield 3.0
    shoot("landmarks", area_of("VIEW_3D"))

    area = area_of("VIEW_3D")
    area.ui_type = "CompositorNodeTree"
    yield 1.0
    if hasattr(bpy.context.scene, "compositing_node_group"):
        area.spaces.active.node_tree = bpy.context.scene.compositing_node_group
    with within("NODE_EDITOR"):
        bpy.ops.node.view_all()
    yield 2.0
    shoot("compositor", area_of("NODE_EDITOR"))

    area.ui_type = "SEQUENCE_EDITOR"
    yield 0.5
    yield from show_tab("SEQUENCE_EDITOR")
    with within("SEQUENCE_EDITOR"):
        bpy.ops.sequencer.view_all()
    yield 2.0
    shoot("sequencer", area_of("SEQUENCE_EDITOR"))


play(script())
