"""Runs inside Blender's window: the manual's pictures, one after the other. Arguments: PERFORMANCE PICTURE VOICE FACELESS"""

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from steps import ARGUMENTS, area_of, empty_scene, idle, play, point, press, show_tab, shoot, status, within  # noqa: E402

performance, picture, voice, faceless = ARGUMENTS

SHADERS_S = 30.0
"""Time a processor needs to compile the shaders of the rig, when it has no graphics card to help."""


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
    settings.picture, settings.voice = (bpy.path.relpath(path) for path in (picture, voice))
    settings.rights, settings.rights_statement = "public-domain", "painted before 1900"
    settings.output_folder = "//soliloquy"


def look_through_camera() -> None:
    space = area_of("VIEW_3D").spaces.active
    space.region_3d.view_perspective, space.shading.type = "CAMERA", "MATERIAL"
    with within("VIEW_3D"):
        bpy.ops.view3d.view_center_camera()


def settled():
    """Panels that have become longer push the others away over some drawings."""
    for _ in range(4):
        area_of("VIEW_3D").tag_redraw()
        yield 0.7


def script():
    empty_scene()
    yield from show_tab("VIEW_3D")
    shoot("panel", area_of("VIEW_3D"))

    files = [{"name": Path(picture).name}, {"name": Path(voice).name}]
    area = area_of("VIEW_3D")
    point(area.x + area.width // 2, area.y + area.height // 2)
    yield 0.3
    with within("VIEW_3D"):
        bpy.ops.wm.drop_import_file("INVOKE_DEFAULT", directory=str(Path(picture).parent), files=files)
    yield 1.5
    press("P")  # Blender asks what a dropped picture shall be; P is underlined in "Portrait and Voice"
    yield 1.0
    point(area.x + 2, area.y + 2)
    settings = bpy.context.scene.soliloquy
    assert (settings.picture, settings.voice) == (picture, voice), "dropping fills the fields"

    bpy.ops.wm.save_as_mainfile(filepath=str(Path(picture).with_name("scene.blend")))
    fill_in()
    with within("VIEW_3D"):
        bpy.ops.soliloquy.import_performance(directory=performance, match_scene=True)
    status().message, status().failed = "", False
    look_through_camera()
    yield SHADERS_S
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
    yield lambda: status().stage.startswith(("live: 0", "live: 1")) or idle()
    yield 1.0
    shoot("live", area_of("VIEW_3D"))
    press("ESC")
    yield idle

    with within("VIEW_3D"):
        bpy.ops.soliloquy.add_markers(directory=performance, kind="PHONES")
        bpy.ops.soliloquy.add_to_compositor(directory=performance)
        bpy.ops.soliloquy.correct_landmarks("INVOKE_DEFAULT")
    yield idle
    yield from settled()
    shoot("landmarks", area_of("VIEW_3D"))

    area = area_of("VIEW_3D")
    area.ui_type = "CompositorNodeTree"
    yield 1.0
    if hasattr(bpy.context.scene, "compositing_node_group"):
        area.spaces.active.node_tree = bpy.context.scene.compositing_node_group
    for sidebar in ("show_region_ui", "show_region_asset_shelf"):
        if hasattr(area.spaces.active, sidebar):
            setattr(area.spaces.active, sidebar, False)
    yield 1.0
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

    area.ui_type = "VIEW_3D"
    bpy.context.view_layer.objects.active = None
    settings = bpy.context.scene.soliloquy
    settings.picture = bpy.path.relpath(faceless)
    settings.rights = "fictional"
    with within("VIEW_3D", "UI"):
        bpy.ops.soliloquy.animate("INVOKE_DEFAULT")
    yield idle
    assert status().failed, "nobody is in that picture"
    yield from settled()
    shoot("error", area_of("VIEW_3D"))


play(script())
