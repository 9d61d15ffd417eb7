"""What the person sets for a character, kept in the .blend: the performance, the rows of the mapping, how it lands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from .. import compat
from .choices import AUTO, AXES, BONE, FRONTS, KEY, MOTIONS, OVER, REPLACE, STRIP

if TYPE_CHECKING:
    from .mapping import Row

_KINDS = [(KEY, "Shape Key", "Moves a shape key of the character's meshes", "SHAPEKEY_DATA", 0),
          (BONE, "Bone", "Turns or shifts a bone of the character's armature", "BONE_DATA", 1)]
_MOTION_TEXTS = {"yaw": "Turn: degrees, positive to the character's left", "pitch": "Nod: degrees, positive up",
                 "roll": "Tilt: degrees, positive to the character's right shoulder", "x": "Shift to the character's left, metres",
                 "y": "Shift up, metres", "z": "Shift forward, metres"}
_MOTIONS = [(motion, motion.title(), _MOTION_TEXTS[motion]) for motion in MOTIONS]
_AXES = [(AUTO, "Automatic", "Follows from how the bone lies"),
         *((axis, axis, f"The bone's own {axis}") for axis in AXES if axis != AUTO)]
_EXISTING = [
    (OVER, "Keep Playing Below", "An action that is there becomes a strip below; the performance is on top, and wins where both animate"),
    (REPLACE, "Put Aside", "An action that is there stays in the file but no longer plays"),
    (STRIP, "Add as Strip", "An action that is there stays active; the performance becomes a strip below it")]
_FRONTS = [("AUTO", "Find Out", "By the eye bones, else by the keys that close the eyes; Blender's front view where there are neither"),
           *((front, f"World {front}", f"The character looks along {front}") for front in FRONTS)]


def _mapping_items(_settings, _context) -> list[tuple[str, str, str]]:
    from .chosen import mapping_items

    return mapping_items()


def _search_sources(_row, _context, text: str) -> list[str]:
    from .signals import signal_names

    return [name for name in signal_names() if text.lower() in name.lower()]


def _search_targets(row, context, text: str) -> list[str]:
    from .chosen import chosen_character

    character = chosen_character(context)
    if character is None:
        return []
    names = character.key_names() if row.kind == KEY else character.bone_names()
    return [name for name in names if text.lower() in name.lower()]


class SoliloquyRow(bpy.types.PropertyGroup):
    """One line of the mapping."""

    use: BoolProperty(name="Use", default=True, description="Whether this row takes part")
    kind: EnumProperty(name="Moves", items=_KINDS, description="What this row moves")
    source: StringProperty(name="Source", search=_search_sources, search_options={"SUGGESTION"}, description=(
        "What of the performance moves it: a channel (jawOpen), head.yaw, gaze.left.yaw, a viseme (oculus:PP), or a sum: "
        "0.5*mouthSmileLeft + 0.5*mouthSmileRight"))
    target: StringProperty(name="Target", search=_search_targets, search_options={"SUGGESTION"},
                           description="Name of the shape key or bone")
    gain: FloatProperty(name="Gain", default=1.0, soft_min=-2.0, soft_max=2.0, step=5, precision=3,
                        description="The source is multiplied by this; for bones, degrees or metres for each unit")
    offset: FloatProperty(name="Offset", soft_min=-1.0, soft_max=1.0, step=5, precision=3,
                          description="Added after the gain")
    low: FloatProperty(name="Minimum", default=0.0, step=5, precision=3, description="Values below are raised to this")
    high: FloatProperty(name="Maximum", default=1.0, step=5, precision=3, description="Values above are lowered to this")
    motion: EnumProperty(name="Motion", items=_MOTIONS, default="pitch",
                         description="How the bone moves, as the character sees it")
    axis: EnumProperty(name="Axis", items=_AXES, description="The bone's axis for this motion")

    def take(self, row: Row) -> None:
        """Show `row`, whose first name is its target."""
        self.kind, self.source, self.target, self.motion, self.axis = row.kind, row.source, row.names[0], row.motion, row.axis
        self.gain, self.offset, self.low, self.high = row.gain, row.offset, row.low, row.high

    def row(self) -> Row:
        """This row as the mapping has it."""
        from .mapping import Row

        return Row(self.kind, self.source, (self.target,), self.gain, self.offset, self.low, max(self.low, self.high), self.motion,
                   self.axis)


class SoliloquyCharacter(bpy.types.PropertyGroup):
    """Inputs of Apply Performance to Character."""

    performance: StringProperty(name="Performance", subtype="FILE_PATH", options=compat.PATH_OPTIONS, description=(
        "A folder written by Animate Portrait, a motion.json, or a Live Link Face .csv"))
    mapping: EnumProperty(name="Mapping", items=_mapping_items, description="Which names Auto-Match looks for")
    whole: BoolProperty(name="Whole Character", default=True, description=(
        "With the selection, take all meshes on the same armature: teeth, lashes, tongue"))
    existing: EnumProperty(name="Existing Action", items=_EXISTING, description="What becomes of an action that is there already")
    front: EnumProperty(name="Looks Along", items=_FRONTS, description="Where the character looks at rest, for its bones")
    rows: CollectionProperty(type=SoliloquyRow, description="What moves what")
    row_index: IntProperty(name="Row", min=0, description="The row that is shown below the list")

    def chosen_rows(self) -> list[Row]:
        """The rows that take part, with a target and a source."""
        return [item.row() for item in self.rows if item.use and item.target and item.source]

    def show(self, rows: list[Row]) -> None:
        """Replace what is in the list."""
        self.rows.clear()
        for row in rows:
            self.rows.add().take(row)
        self.row_index = 0


CLASSES = (SoliloquyRow, SoliloquyCharacter)
