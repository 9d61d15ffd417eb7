"""What a scene shows that may carry Content Credentials: strips, pictures in materials and the compositor, rigs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import bpy

from . import record as records
from .rig import ORIGIN_PROPERTY

LARGEST_ORIGIN_CHARACTERS = 1 << 16
DEEPEST_SCENE = 4
"""Scenes within scenes that are looked into."""


def sources_of(scene: bpy.types.Scene, *, deeper: int = DEEPEST_SCENE) -> list[Path]:
    """Files that exist and that `scene` shows, one for each sequence of frames; what carries credentials is for the engine
    to tell."""
    found = [*_of_strips(scene, deeper), *_of_objects(scene), *_of_nodes(_compositor(scene)), *_of_rigs(scene)]
    if scene.world is not None and scene.world.node_tree is not None:
        found += _of_nodes(scene.world.node_tree)
    return [path for path in dict.fromkeys(found) if path.exists()]


def stated_in(scene: bpy.types.Scene) -> list[dict]:
    """Portraits whose rigs stand in `scene` without rendered frames of their own: what the rigs say of them."""
    stated = []
    for item in scene.objects:
        text = item.get(ORIGIN_PROPERTY) if item.type == "ARMATURE" and not item.hide_render else None
        if not isinstance(text, str) or len(text) > LARGEST_ORIGIN_CHARACTERS or _frames_of(item):
            continue
        try:
            origin = json.loads(text)
        except ValueError:
            continue
        if isinstance(origin, dict) and origin.get("rights") and origin not in stated:
            stated.append(origin)
    return stated


def _of_strips(scene: bpy.types.Scene, deeper: int) -> Iterator[Path]:
    editor = scene.sequence_editor
    for strip in (editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all) if editor else ():
        if strip.mute:
            continue
        if (file := strip_file(strip)) is not None:
            yield file
        elif strip.type == "SCENE" and strip.scene not in (None, scene) and deeper:
            yield from sources_of(strip.scene, deeper=deeper - 1)


def strip_file(strip: bpy.types.bpy_struct) -> Path | None:
    """The file a strip shows, the first of a sequence; None for other strips."""
    if strip.type == "IMAGE" and strip.elements:
        return _absolute(strip.directory, strip) / strip.elements[0].filename
    if strip.type == "MOVIE":
        return _absolute(strip.filepath, strip)
    if strip.type == "MOVIECLIP" and strip.clip is not None:
        return _absolute(strip.clip.filepath, strip.clip)
    return None


def _of_objects(scene: bpy.types.Scene) -> Iterator[Path]:
    for item in scene.objects:
        if item.hide_render:
            continue
        if item.type == "EMPTY" and isinstance(item.data, bpy.types.Image):
            yield from _of_image(item.data)
        for slot in item.material_slots:
            if slot.material is not None and slot.material.node_tree is not None:
                yield from _of_nodes(slot.material.node_tree)


def _of_nodes(tree: bpy.types.NodeTree | None, deeper: int = DEEPEST_SCENE) -> Iterator[Path]:
    for node in tree.nodes if tree is not None else ():
        if isinstance(image := getattr(node, "image", None), bpy.types.Image):
            yield from _of_image(image)
        elif isinstance(clip := getattr(node, "clip", None), bpy.types.MovieClip):
            yield _absolute(clip.filepath, clip)
        elif isinstance(inner := getattr(node, "node_tree", None), bpy.types.NodeTree) and deeper:
            yield from _of_nodes(inner, deeper - 1)


def _of_image(image: bpy.types.Image) -> Iterator[Path]:
    if image.source in ("FILE", "SEQUENCE", "MOVIE") and image.filepath and image.packed_file is None:
        yield _absolute(image.filepath, image)


def _of_rigs(scene: bpy.types.Scene) -> Iterator[Path]:
    for item in scene.objects:
        if item.type == "ARMATURE" and not item.hide_render and (frames := _frames_of(item)):
            yield frames


def _frames_of(armature: bpy.types.Object) -> Path | None:
    """The frames or video of the rig's performance, whose credentials tell of the portrait; None without."""
    record = records.read(armature)
    folder = _absolute(record.folder, armature) if record is not None else None
    return (
        next((path for path in (folder / "frames", folder / "video.mp4", folder / "video.mov") if path.exists()), None)
        if folder
        else None
    )


def _compositor(scene: bpy.types.Scene) -> bpy.types.NodeTree | None:
    """The compositor's nodes: a group of its own from 5.0 on, the scene's own tree before."""
    if hasattr(scene, "compositing_node_group"):
        return scene.compositing_node_group
    return scene.node_tree if scene.use_nodes else None


def _absolute(path: str, owner: bpy.types.bpy_struct) -> Path:
    identity = owner if isinstance(owner, bpy.types.ID) else getattr(owner, "id_data", None)
    return Path(bpy.path.abspath(path, library=getattr(identity, "library", None))).absolute()
