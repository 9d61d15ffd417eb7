"""What operators share that read or write a file of settings."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty


class TomlFile:
    """Mixin: the file browser for TOML files; `suggested` says where it opens."""

    filepath: StringProperty(name="File", subtype="FILE_PATH", description="A TOML file")
    filter_glob: StringProperty(name="Filter", default="*.toml", options={"HIDDEN"}, description="Which files are shown")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        self.filepath = self.filepath or self.suggested()
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def suggested(self) -> str:
        """The file to begin with; "" leaves it to Blender."""
        return ""
