"""Everything of the add-on that a person can read in Blender: labels, tooltips, texts in panels.

    python tests/addon/user_strings.py      writes addon/messages.py anew, after labels or tooltips have changed
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from pathlib import Path

import bpy

ADDON = Path(__file__).resolve().parents[2] / "addon"
KINDS = (bpy.types.Operator, bpy.types.Panel, bpy.types.Menu, bpy.types.PropertyGroup, bpy.types.AddonPreferences, bpy.types.UIList,
         bpy.types.FileHandler)
LINE_LENGTH = 125
TEXT_ARGUMENTS = {"text", "placeholder", "heading"}


@dataclass(frozen=True)
class Tooltip:
    """Where a tooltip belongs, and what it says."""

    where: str
    text: str


def our_classes() -> list[type]:
    """The registered classes of the add-on."""
    found = {cls for kind in KINDS for cls in _below(kind) if cls.__module__.startswith("soliloquy.") and cls.is_registered}
    return sorted(found, key=lambda cls: cls.__name__)


def labels() -> set[str]:
    """Names of buttons, panels, fields and choices, and the texts that panels draw."""
    found = {getattr(cls, "bl_label", "") for cls in our_classes()}
    for cls in our_classes():
        for prop in _own_properties(cls):
            if prop.name != prop.identifier and not prop.is_hidden:
                found.add(prop.name)
            found |= {item.name for item in _items(prop)}
    return {text for text in found | _drawn_texts() if text.strip()}


def tooltips() -> list[Tooltip]:
    """Of every operator, panel, menu, property and choice."""
    found = []
    for cls in our_classes():
        if issubclass(cls, (bpy.types.Operator, bpy.types.Panel, bpy.types.Menu, bpy.types.UIList)):
            found.append(Tooltip(cls.__name__, getattr(cls, "bl_description", "") or _documented(cls)))
        for prop in _own_properties(cls):
            found.append(Tooltip(f"{cls.__name__}.{prop.identifier}", prop.description))
            found += [Tooltip(f"{cls.__name__}.{prop.identifier}: {item.identifier}", item.description) for item in _items(prop)]
    return found


def _documented(cls: type) -> str:
    """The docstring of a class, or of the mixin of ours that it comes from."""
    ours = (base for base in cls.__mro__ if base.__module__.startswith("soliloquy."))
    return next((inspect.cleandoc(base.__doc__) for base in ours if base.__doc__), "")


def _below(kind: type) -> set[type]:
    return {cls for direct in kind.__subclasses__() for cls in (direct, *_below(direct))}


def _own_properties(cls: type) -> list:
    names = {name for base in cls.__mro__ if base.__module__.startswith("soliloquy.") for name in vars(base).get("__annotations__", {})}
    rna = cls.bl_rna
    if issubclass(cls, bpy.types.Operator):
        module, name = cls.bl_idname.split(".")
        rna = getattr(getattr(bpy.ops, module), name).get_rna_type()
    return [prop for prop in rna.properties if prop.identifier in names]


def _items(prop) -> list:
    return list(prop.enum_items_static) if prop.type == "ENUM" else []


def _drawn_texts() -> set[str]:
    """Constant texts in calls of panels: layout.label(text="..."), layout.prop(..., placeholder="...")."""
    found = set()
    for path in ADDON.rglob("*.py"):
        if path.name in ("messages.py", "languages.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in (
                    "label", "prop", "operator", "menu", "column", "row", "progress", "prop_search", "popover"):
                found |= {keyword.value.value for keyword in node.keywords if keyword.arg in TEXT_ARGUMENTS
                          and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str)}
    return found


def first_line(text: str) -> str:
    """A tooltip without what a docstring says further below."""
    return " ".join(text.split("\n\n")[0].split())


def messages_module() -> str:
    """The text of addon/messages.py."""
    texts = sorted(labels()), sorted({first_line(tip.text) for tip in tooltips()} - {""})
    lines = ['"""Every label and tooltip of the add-on, for translators; written by tests/addon/user_strings.py."""', ""]
    for name, group in zip(("LABELS", "TOOLTIPS"), texts):
        lines += [f"{name} = (", *packed([f"{quoted(text)}," for text in group]), ")", ""]
    return "\n".join(lines)


def packed(items: list[str]) -> list[str]:
    """Indented lines of as many items as fit on each."""
    lines = []
    for item in items:
        if lines and len(lines[-1]) + 1 + len(item) <= LINE_LENGTH:
            lines[-1] += " " + item
        else:
            lines.append("    " + item)
    return lines


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


if __name__ == "__main__":
    import os

    import soliloquy

    soliloquy.register()
    (ADDON / "messages.py").write_text(messages_module(), encoding="utf-8")
    os._exit(0)
