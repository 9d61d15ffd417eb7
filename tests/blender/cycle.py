"""Runs inside Blender: switches the extension off and on a hundred times; nothing may stay behind when it is off."""

import addon_utils
import bpy

NAME = "bl_ext.user_default.soliloquy"


def footprint() -> tuple:
    return (sorted(name for name in dir(bpy.types) if "soliloquy" in name.lower()), hasattr(bpy.types.Scene, "soliloquy"),
            hasattr(bpy.types.WindowManager, "soliloquy"), list(dir(bpy.ops.soliloquy)))


addon_utils.disable(NAME)
before = footprint()
for _ in range(100):
    assert addon_utils.enable(NAME) is not None
    addon_utils.disable(NAME)
assert footprint() == before == ([], False, False, []), footprint()
