"""Which engine the person's preferences lead to."""

from __future__ import annotations

import bpy

from . import engine_client, paths
from .errors import EngineMissing, EngineNotInstalled


DEVICES = (("CPU", "CPU", "The processor"), ("CUDA", "CUDA", "An NVIDIA graphics card"), ("MPS", "MPS", "The graphics of a Mac"))


def preferences() -> bpy.types.AddonPreferences | None:
    """The add-on's (see `preferences`); None when the package was registered from plain Python, where there are none."""
    addon = bpy.context.preferences.addons.get(paths.PACKAGE)
    return addon.preferences if addon else None


def current_engine() -> engine_client.Engine:
    """The engine the preferences lead to. Raises EngineMissing."""
    chosen = preferences()
    if chosen is None:
        return engine_client.find_engine()
    device = chosen.device.lower() if chosen.is_property_set("device") else ""  # else the environment says, as on a farm
    return engine_client.find_engine(chosen.engine_python, chosen.models_folder, chosen.cache_folder, device)


def has_engine() -> bool:
    try:
        current_engine()
    except EngineMissing:
        return False
    return True


def engine_status() -> str:
    """One line for the person."""
    try:
        engine = current_engine()
    except EngineNotInstalled:
        return "No engine yet: install it here, or choose a Python that has its packages"
    except EngineMissing as missing:
        return str(missing)
    if engine_client.made_for_another_version(engine):
        return "The engine was installed for another version of Soliloquy: repair it"
    return f"The engine runs with {engine.python} ({engine.origin})"
