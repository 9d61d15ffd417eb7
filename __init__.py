"""Soliloquy: a portrait that speaks. As a Blender extension this package registers the add-on; outside Blender
it is only the home of `soliloquy.engine`, which never imports bpy."""


def register() -> None:
    """Called by Blender when the extension is switched on."""
    from . import addon

    addon.register()


def unregister() -> None:
    """Called by Blender when the extension is switched off."""
    from . import addon

    addon.unregister()
