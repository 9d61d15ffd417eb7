"""Runs inside Blender: what the open file holds, as JSON in the file named after `--`."""

import json
import sys
from pathlib import Path

import bpy


def curves_of(datablock) -> dict:
    action = datablock.animation_data.action
    if not hasattr(action, "layers"):
        return {f"{curve.data_path}[{curve.array_index}]": curve for curve in action.fcurves}
    bag = action.layers[0].strips[0].channelbag(datablock.animation_data.action_slot)
    return {f"{curve.data_path}[{curve.array_index}]": curve for curve in bag.fcurves}


def strips_of(scene) -> list:
    editor = scene.sequence_editor
    return list(editor.strips if hasattr(editor, "strips") else editor.sequences)


def strip_range(strip) -> list[int]:
    if hasattr(strip, "right_handle"):
        return [int(strip.left_handle), int(strip.right_handle)]
    return [int(strip.frame_final_start), int(strip.frame_final_end)]


scene = bpy.context.scene
face = next(item for item in bpy.data.objects if item.get("soliloquy_part") == "face")
armature = face.parent
shape_curves, bone_curves = curves_of(face.data.shape_keys), curves_of(armature)
scene.frame_set(10)
record = {
    "version": list(bpy.app.version),
    "fps": [scene.render.fps, scene.render.fps_base],
    "keys": {path: len(curve.keyframe_points) for path, curve in shape_curves.items()},
    "first_key_frame": next(iter(shape_curves.values())).keyframe_points[0].co[0],
    "groups": sorted({curve.group.name for curve in [*shape_curves.values(), *bone_curves.values()]}),
    "bone_curves": len(bone_curves),
    "strips": {strip.type: strip_range(strip) for strip in strips_of(scene)},
    "sound_found": all(Path(bpy.path.abspath(strip.sound.filepath)).is_file()
                       for strip in strips_of(scene) if strip.type == "SOUND"),
    "driven": {item.get("soliloquy_part"): item.data.shape_keys.key_blocks["jawOpen"].value for item in armature.children
               if item.type == "MESH" and item.data.shape_keys and "jawOpen" in item.data.shape_keys.key_blocks},
    "engine_panel": hasattr(bpy.types, "SOLILOQUY_PT_view3d"),
}
Path(sys.argv[sys.argv.index("--") + 1]).write_text(json.dumps(record), encoding="utf-8")
