"""`blender -b FILE -c soliloquy apply PERFORMANCE --character NAME`: Apply Performance to Character without a window."""

from __future__ import annotations

import argparse
from pathlib import Path

import bpy

from .characters.choices import FRONTS, OVER, REPLACE, STRIP
from .command_reports import tell
from .errors import AddonError
from .scene.assemble import save_blend

EXISTING = {"over": OVER, "replace": REPLACE, "strip": STRIP}


def apply(options: argparse.Namespace) -> int:
    """Key the performance on the character, at --frame or the playhead; --blend saves the file."""
    from .characters.apply import apply_to_character
    from .characters.chosen import rows_named
    from .characters.performances import load_performance
    from .operators.character import said

    scene = bpy.context.scene
    character = character_called(scene, options.character, whole=not options.alone)
    rows = rows_named(options.mapping, character)
    start = scene.frame_current if options.frame is None else options.frame
    made = apply_to_character(load_performance(options.performance.resolve()), character, rows, scene, start_frame=start,
                              existing=EXISTING[options.existing], front=options.front)
    if options.blend:
        save_blend(options.blend.resolve())
    return tell(options, f"{character.name}: {said(made)}\n", character=character.name,
                meshes=[mesh.name for mesh in character.meshes], armatures=[item.name for item in character.armatures],
                rows=len(rows), keys=made.keys, bones=made.bones, driven=made.driven, start_frame=made.start_frame,
                end_frame=made.end_frame, actions=[action.name for action in made.actions],
                blend=str(options.blend) if options.blend else None)


def character_called(scene: bpy.types.Scene, name: str, *, whole: bool):
    """The character of the object with this name; without a name, of the only armature or mesh that has shape keys.

    Raises AddonError with the names to choose from.
    """
    from .characters.targets import armature_of, character_of

    faces = [item for item in scene.objects if item.type == "MESH" and item.data.shape_keys]
    if name:
        chosen = [item for item in (scene.objects.get(name),) if item is not None]
    else:
        chosen = list(dict.fromkeys(armature_of(item) or item for item in faces))
    character = character_of(chosen, scene.objects if whole else ()) if len(chosen) == 1 else None
    if character is None:
        known = ", ".join(sorted({(armature_of(item) or item).name for item in faces})) or "none with shape keys"
        raise AddonError(f"Which character? {name or '(no name given)'} is not one mesh with shape keys, or armature. "
                         f"There are: {known}.", code="bad_input")
    return character


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Make the command known."""
    text = "put a performance on a character that is in the file: any mesh with shape keys, any bones"
    parser = commands.add_parser("apply", help=text, description=text)
    parser.set_defaults(action=apply)
    parser.add_argument("performance", type=Path, help="folder written by animate, motion.json, or a Live Link Face .csv")
    parser.add_argument("--character", default="", metavar="NAME",
                        help="its face or its armature; not needed when there is only one")
    parser.add_argument("--alone", action="store_true", help="only this object, without the other meshes on its armature")
    parser.add_argument("--mapping", default="AUTO", metavar="NAME|FILE.toml", help=(
        "a preset (arkit, vrm1, vrm0, oculus, microsoft, preston_blair) or a mapping file; AUTO, the default, finds out"))
    parser.add_argument("--existing", choices=list(EXISTING), default="over", help=(
        "an action that is there plays on below (over), is put aside (replace), or stays and gets a strip (strip)"))
    parser.add_argument("--front", choices=["AUTO", *FRONTS], default="AUTO",
                        help="where the character looks at rest, for its bones")
    parser.add_argument("--frame", type=int, help="frame of the first sample; the playhead by default")
    parser.add_argument("--blend", type=Path, help="save the file here afterwards; without it nothing is saved")
    parser.add_argument("--json", action="store_true", help="tell the result, or what went wrong, as JSON")
