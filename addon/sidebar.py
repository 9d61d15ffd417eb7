"""What all panels of the Soliloquy tab share: where they stand, how their fields are laid out, and that some stand in two editors."""

from __future__ import annotations

import bpy

CATEGORY = "Soliloquy"
ORDER = ("animate", "edit", "cast", "bring_in", "portrait", "character", "live", "assets", "trust")
"""The panels from top to bottom, as work goes; `bl_order` is a panel's place in it."""
EDITORS = {"VIEW_3D": "view3d", "SEQUENCE_EDITOR": "sequencer"}
"""Editors that have the tab, and what panels in them are called."""


class Sidebar:
    """Mixin for panels in the tab."""

    bl_category = CATEGORY
    bl_region_type = "UI"

    def fields(self) -> bpy.types.UILayout:
        """The layout, with names of fields on their left."""
        self.layout.use_property_split = True
        self.layout.use_property_decorate = False
        return self.layout


class ClosedAtFirst(Sidebar):
    """One that is opened by who needs it."""

    bl_options = {"DEFAULT_CLOSED"}


def panels(content: type[Sidebar], name: str = "", *, below: str | None = None, editors: tuple[str, ...] = tuple(EDITORS)) -> list[type]:
    """A panel with this content for each of the editors, SOLILOQUY_PT_view3d_NAME and so on. below: NAME of the panel it is part of."""
    made = []
    for editor in editors:
        where = {"bl_space_type": editor, "__module__": content.__module__}
        if below is not None:
            where["bl_parent_id"] = panel_name(editor, below)
        made.append(type(panel_name(editor, name), (content, bpy.types.Panel), where))
    return made


def panel_name(editor: str, name: str) -> str:
    return "_".join(filter(None, ("SOLILOQUY_PT", EDITORS[editor], name)))
