"""Everything that imports bpy. The heavy work happens in the engine, another process (see `engine_client`)."""

_MODULES = ("translations", "properties", "edit_properties", "stage_properties", "preferences", "defaults", "operators", "panels", "stage_panel", "edit_panel", "character_panel", "presets_panel", "trust_panel", "command_line")
"""Registered in this order, unregistered in reverse."""


def register() -> None:
    """Register classes, properties and the command line; when one part fails, nothing stays behind."""
    done = []
    try:
        for module in _modules():
            module.register()
            done.append(module)
    except Exception:
        for module in reversed(done):
            module.unregister()
        raise


def unregister() -> None:
    """Take everything back that `register` added; a running job is stopped."""
    for module in reversed(_modules()):
        module.unregister()


def _modules() -> list:
    import importlib

    return [importlib.import_module(f".{name}", __package__) for name in _MODULES]
