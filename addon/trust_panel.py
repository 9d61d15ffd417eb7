"""The panel of what a file is and of handing credentials on: Verify, Render Final."""

from __future__ import annotations

import json

import bpy
from bpy.props import PointerProperty, StringProperty

from .operators import final, trust
from .panels import draw_reason, draw_text
from .sidebar import ORDER, ClosedAtFirst, panels

ICONS = {0: "CHECKMARK", 1: "ERROR", 2: "QUESTION", 3: "CANCEL"}
"""By the status of a finding, as `soliloquy verify` has them: intact, altered or forged, no credentials, unreadable."""


class SoliloquyTrust(bpy.types.PropertyGroup):
    """What Verify found last; never saved."""

    findings: StringProperty(options={"SKIP_SAVE"}, description="What was found when it was verified")


def draw_findings(layout: bpy.types.UILayout) -> None:
    """What Verify found last, file by file."""
    stored = bpy.context.window_manager.soliloquy_trust.findings
    for finding in json.loads(stored) if stored else ():
        box = layout.box().column(align=True)
        draw_text(box, f"{finding['name']}: {finding['verdict']}", icon=ICONS.get(finding["status"], "QUESTION"))
        for line in finding["told"]:
            draw_text(box, line, icon="DOT")


class _Trust(ClosedAtFirst):
    """Verify and Render Final."""

    bl_label = "Trust"
    bl_order = ORDER.index("trust")

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        column = layout.column(align=True)
        column.operator("soliloquy.verify_file", icon="VIEWZOOM")
        strip = trust.active_file(context)
        if strip is not None:
            column.operator("soliloquy.verify", text=f"Verify {strip.name}", icon="SEQUENCE").filepath = str(strip)
        draw_reason(layout, trust.cannot_verify())
        draw_findings(layout)
        layout.separator()
        layout.label(text="Final, with the portraits' credentials")
        row = layout.row(align=True)
        for kind, text, icon in ((final.ANIMATION, "Animation", "RENDER_ANIMATION"), (final.STILL, "Still", "RENDER_STILL")):
            button = row.operator("soliloquy.final", text=text, icon=icon)
            button.kind, button.render = kind, True
        row = layout.row(align=True)
        for kind, text in ((final.ANIMATION, "Seal Rendered"), (final.STILL, "Seal Still")):
            button = row.operator("soliloquy.final", text=text, icon="LOCKED")
            button.kind, button.render = kind, False
        draw_reason(layout, final.cannot_seal(context))


_CLASSES = (SoliloquyTrust, *panels(_Trust, "trust"))


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.WindowManager.soliloquy_trust = PointerProperty(type=SoliloquyTrust)


def unregister() -> None:
    del bpy.types.WindowManager.soliloquy_trust
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
