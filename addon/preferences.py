"""The add-on's preferences: which engine to run and with what, its cache, and installing one."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, StringProperty

from . import defaults, engine_facts, paths
from .engine_choice import DEVICES, current_engine, engine_status, has_engine
from .operators import prechecks
from .operators.cache import cannot_clear
from .panels import draw_reason, draw_status


LABEL_SHARE = 0.4
"""Of a row's width, as where Blender splits name and value."""


class SoliloquyPreferences(bpy.types.AddonPreferences):
    """Kept by Blender under the extension's name."""

    bl_idname = paths.PACKAGE

    engine_python: StringProperty(
        name="Engine Python", subtype="FILE_PATH",
        description="Python of an environment that has the engine's packages; empty: the one installed below")
    models_folder: StringProperty(
        name="Models", subtype="DIR_PATH", description="Where the engine keeps its model files; empty: beside the engine")
    base_python: StringProperty(
        name="Install With", subtype="FILE_PATH",
        description="Python 3.11 or later to make the engine's environment with; empty: Blender's own")
    wheel_folder: StringProperty(
        name="Wheel Folder", subtype="DIR_PATH",
        description="Install from this folder of wheels and model files, without the network")

    cache_folder: StringProperty(
        name="Cache", subtype="DIR_PATH",
        description="Where the engine keeps portraits and recordings it has taken apart; empty: the system's folder for caches")
    device: EnumProperty(
        name="Compute With", items=DEVICES,
        description="What makes the frames. CUDA draws them; MPS computes where every vertex is, and the processor draws")

    defaults: StringProperty(options={"HIDDEN"}, description="What new files begin with, as JSON")

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        self._draw_engine(layout)
        layout.separator()
        self._draw_work(layout)
        layout.separator()
        self._draw_defaults(layout)
        draw_status(layout)

    def _draw_engine(self, layout: bpy.types.UILayout) -> None:
        column = layout.column()
        installed = bool((home := paths.engine_folder()) and home.is_dir())
        column.label(text=engine_status(), icon="CHECKMARK" if has_engine() else "INFO")
        column.prop(self, "engine_python")
        column.prop(self, "models_folder")
        column.separator()
        column.prop(self, "base_python")
        column.prop(self, "wheel_folder")
        row = column.row(align=True)
        if installed:
            row.operator("soliloquy.install_engine", text="Repair Engine", icon="FILE_REFRESH")
        else:
            row.operator("soliloquy.install_engine", icon="IMPORT")
        row.operator("soliloquy.remove_engine", icon="TRASH")
        draw_reason(layout, prechecks.cannot_install())

    def _draw_work(self, layout: bpy.types.UILayout) -> None:
        """What the engine says of itself is shown when it has said it."""
        facts = engine_facts.known(current_engine()) if has_engine() and not prechecks.busy() else None
        sides = layout.split(factor=LABEL_SHARE)
        label = sides.row()
        label.alignment = "RIGHT"
        label.label(text="Compute With")
        devices = sides.row(align=True)
        devices.use_property_split = False  # else every device would be a bar with its name beside it
        for name, _, _ in DEVICES:
            choice = devices.row(align=True)
            choice.enabled = not (facts and facts.why_not and facts.why_not.get(name.lower()))
            choice.prop_enum(self, "device", name)
        for name, label, _ in DEVICES:
            if facts and facts.why_not and (reason := facts.why_not.get(name.lower())):
                draw_reason(layout, f"{label}: {reason}")
        layout.prop(self, "cache_folder", placeholder=facts.cache_folder if facts else "")
        row = layout.row(align=True)
        if facts is not None:
            row.label(text=facts.problem or facts.version, icon="ERROR" if facts.problem else "BLANK1")
            row.operator("soliloquy.ask_engine", text="", icon="FILE_REFRESH")
        elif has_engine():
            row.label(text="Asking the engine ...", icon="SORTTIME")
        clear = layout.row(align=True)
        clear.label(text=facts.cache_line() if facts and not facts.problem else "", icon="DISK_DRIVE")
        clear.operator("soliloquy.clear_cache", icon="TRASH")
        draw_reason(layout, cannot_clear() if has_engine() else "")

    def _draw_defaults(self, layout: bpy.types.UILayout) -> None:
        kept = defaults.kept()
        sides = layout.split(factor=LABEL_SHARE)
        label = sides.row()
        label.alignment = "RIGHT"
        label.label(text="New Files")
        column = sides.column()
        if kept:
            column.label(text=defaults.summary(kept), translate=False)
        else:
            column.label(text="As the add-on comes")
        row = column.row(align=True)
        row.operator("soliloquy.keep_defaults", icon="CHECKMARK")
        row.operator("soliloquy.forget_defaults", icon="LOOP_BACK")


def register() -> None:
    bpy.utils.register_class(SoliloquyPreferences)


def unregister() -> None:
    engine_facts.forget()
    bpy.utils.unregister_class(SoliloquyPreferences)
