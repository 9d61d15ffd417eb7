"""Runs inside Blender: builds the rig of a portrait and renders its rest pose. Arguments: PORTRAIT PICTURE.png"""

import sys

import bpy

portrait, picture = sys.argv[sys.argv.index("--") + 1:]
bpy.ops.soliloquy.build_rig(filepath=portrait, match_scene=True)
scene = bpy.context.scene
for item in list(bpy.data.objects):
    if item.name in {"Cube", "Light", "Camera"}:
        bpy.data.objects.remove(item)
scene.render.engine = "CYCLES"
scene.cycles.samples, scene.cycles.use_denoising = 1, False
scene.render.filepath = picture
bpy.ops.render.render(write_still=True)
