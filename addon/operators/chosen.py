"""Which performance a button is about, and why it cannot be pressed now."""

from __future__ import annotations

import bpy

from .. import compat
from ..errors import AddonError
from ..scene import record as records
from ..scene.found_rig import Rig, rig_of_selection
from . import prechecks


def rig(context: bpy.types.Context) -> Rig | None:
    """The rig that is active, or whose strip is; else the only one that performs in the scene."""
    active = rig_of_selection(context.active_object)
    if active is not None and records.read(active.armature):
        return active
    editor = compat.sequencer_scene(context).sequence_editor if context.scene else None
    strip = editor.active_strip if editor else None
    identity = strip.get(records.PROPERTY) if strip else None
    performing = records.performing_rigs(context.scene)
    meant = [one for one in performing if records.read(one.armature).identity == identity] if identity else performing
    return meant[0] if len(meant) == 1 else None


def rig_called(scene: bpy.types.Scene, name: str) -> Rig:
    """The performing rig whose armature has this name; with "" the only one. Raises AddonError."""
    performing = records.performing_rigs(scene)
    meant = [one for one in performing if name in ("", one.armature.name)]
    if len(meant) == 1:
        return meant[0]
    known = ", ".join(one.armature.name for one in performing) or "none"
    raise AddonError(f"Which rig? {name or '(no name given)'} is not one rig with a performance. There are: {known}.", code="bad_input")


def _not_one(context: bpy.types.Context, found: Rig | None) -> str:
    if found is not None:
        return ""
    if records.performing_rigs(context.scene):
        return "Select a rig or a strip of the performance that is meant"
    selected = rig_of_selection(context.active_object)
    return "The rig has no performance yet: animate it, or import one" if selected else "There is no portrait rig with a performance here"


def no_folder(context: bpy.types.Context) -> str:
    return _folder_gone(rig(context))


def _folder_gone(one: Rig) -> str:
    try:
        records.folder_of(one.armature)
    except AddonError as error:
        return str(error)
    return ""


def cannot_update(context: bpy.types.Context) -> str:
    if reason := prechecks.busy():
        return reason
    one = rig(context)  # looked for once: a scene may have many objects, and panels ask at every drawing
    return _not_one(context, one) or _folder_gone(one) or _nothing_rendered(one) or prechecks.no_engine()


def _nothing_rendered(one: Rig) -> str:
    folder = records.folder_of(one.armature)
    if (folder / "frames").is_dir() or any(folder.glob("video.*")):
        return ""
    return "This performance has no frames: it was made as curves only. Animate it with Strips or Video File"


def cannot_regenerate(context: bpy.types.Context) -> str:
    if reason := prechecks.busy():
        return reason
    one = rig(context)
    return _not_one(context, one) or _folder_gone(one) or _cannot_key(one) or _no_speech(one) or prechecks.no_engine()


def _cannot_key(one: Rig) -> str:
    record = records.read(one.armature)
    for datablock in (one.armature, one.master.data.shape_keys):
        action = records.action_of(record, datablock)
        if action is None:
            return "The action with the performance's keys is gone from the rig. Import the performance again"
        if action.library is not None:
            return f"The action {action.name} is linked from {action.library.name}. Make it local, or a library override, first"
    return ""


def _no_speech(one: Rig) -> str:
    folder = records.folder_of(one.armature)
    return "" if (folder / "speech.json").is_file() else f"{folder / 'speech.json'} is gone: what is said is not known any more"
