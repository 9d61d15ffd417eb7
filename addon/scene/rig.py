"""Builds a portrait's rig: an armature that turns the head and the eyes, a mesh per part with ARKit shape keys, the plate
behind it and the camera that sees the source picture at rest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial

import bpy
import numpy as np

from ...common import shoulders
from ..turns import Task, finish_at_once
from . import backdrop, controls, far_side, layers, materials, own_teeth
from .channels import RIG_CHANNELS
from .found_rig import MASTER_PARTS, PART_PROPERTY, Rig
from .meshes import build_mesh
from .portrait_file import PartData, PortraitData
from .rig_names import EYE_BONES, GAZE, HEAD, NECK, ROOT, SHOULDERS, THROAT
from .space import SENSOR_WIDTH_MM, RigSpace

HEAD_ROTATION_ORDER = "ZXY"
"""The clip's R = Ry(yaw) Rx(-pitch) Rz(roll): roll is applied first, yaw last. The head bone points up, so its own axes are
the clip's: x to the picture's right, y up, z towards the camera."""

EYE_ROTATION_ORDER = "XYZ"
"""Eye bones look at the camera: pitch about their x, then yaw about their z, which points up."""

LEADERS = {**{part: {bone: 1.0} for part, bone in EYE_BONES.items()},
           "glint_left": {"eye.L": 0.5, HEAD: 0.5}, "glint_right": {"eye.R": 0.5, HEAD: 0.5}}
"""Part -> bones that carry it where they are not the head alone; a catch-light turns half as far as its eye."""

ORIGIN_PROPERTY = "soliloquy_origin"
"""On the armature: which picture the portrait was made from, and on what rights (see `portrait_file`)."""
PERSON, PERSON_IMAGE = "person", "person"


def build_rig(portrait: PortraitData, scene: bpy.types.Scene, *, name: str) -> Rig:
    """Make the rig in a collection of its own in `scene`; nothing else there is changed."""
    return finish_at_once(rig_task(portrait, scene, name=name))


def rig_task(portrait: PortraitData, scene: bpy.types.Scene, *, name: str) -> Task[Rig]:
    """The same in turns (see `turns`)."""
    rig = yield from unseen_rig_task(portrait, name=name)
    show_rig(rig, scene)
    return rig


def show_rig(rig: Rig, scene: bpy.types.Scene) -> None:
    """Put a rig from `unseen_rig_task` into the scene."""
    scene.collection.children.link(rig.armature.users_collection[0])


def unseen_rig_task(portrait: PortraitData, *, name: str) -> Task[Rig]:
    """The same, but the rig's collection is in no scene yet: what is drawn meanwhile is neither half a rig nor any slower."""
    portrait = layers.in_scene(portrait)
    space = RigSpace(portrait)
    collection = bpy.data.collections.new(name)
    armature = _armature(portrait, space, collection, name)
    if portrait.origin:
        armature[ORIGIN_PROPERTY] = portrait.origin
    images = {key: materials.packed_image(f"{name} {key}", png) for key, png in portrait.images.items()}
    yield
    matte = yield from _matte(images)
    geometry = yield partial(_geometry, portrait, matte)
    objects = {}
    yield "meshes"
    for key, part in portrait.parts.items():
        objects[key] = yield from _part_object(key, space, images.get(part.texture), geometry[key], armature, collection, name)
        yield from _weights(objects[key], part.head_weight, LEADERS.get(key, {HEAD: 1.0}), _carried(portrait, key, matte))
    yield "shape keys"
    master_name = next((key for key in MASTER_PARTS if key in objects), next(iter(objects)))
    for key, part in portrait.parts.items():
        wanted = RIG_CHANNELS if key == master_name else [RIG_CHANNELS[i] for i in np.unique(part.delta_channel)]
        yield from _shape_keys(objects[key], part, space, layers.behind_m(key), wanted)
    for key, part_object in objects.items():
        if key != master_name and part_object.data.shape_keys:
            _follow(part_object.data.shape_keys, objects[master_name].data.shape_keys)
            yield
    if far_side.FAR_SIDE in objects:
        _turn_far_side(objects, space, armature)
    if own_teeth.OWN_TEETH in objects:
        own_teeth.fade_when_parted(objects[own_teeth.OWN_TEETH], portrait, objects[master_name].data.shape_keys)
    for key in backdrop.CARDS:
        if key in images:
            card = _card(key, space, images[key], armature, collection, name)
            if key == backdrop.HALO:
                backdrop.show_at_rest_only(card, armature, objects[master_name].data.shape_keys)
    return Rig(armature, objects[master_name], _camera(space, armature, collection, name))


def _matte(images: dict[str, bpy.types.Image]) -> Task[np.ndarray | None]:
    """(H, W) opacity of the person's picture, whose alpha is corrected for what lies behind; None when there is none."""
    if PERSON_IMAGE not in images:
        return None
    if backdrop.PLATE not in images:
        return materials.matte_of(images[PERSON_IMAGE])
    cards = [images[key] for key in backdrop.CARDS if key in images]
    return (yield from materials.mix_as_in_srgb(images[PERSON_IMAGE], cards))


def _geometry(portrait: PortraitData, matte: np.ndarray | None) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Part -> vertices, uv, triangles as they are drawn. Needs nothing of Blender: a thread may do it."""
    return {key: (*layers.tucked_in(portrait, key, matte), layers.visible_triangles(portrait, key))
            for key in portrait.parts}


def _armature(portrait: PortraitData, space: RigSpace, collection: bpy.types.Collection, name: str) -> bpy.types.Object:
    data = bpy.data.armatures.new(f"{name} Rig")
    armature = bpy.data.objects.new(f"{name} Rig", data)
    collection.objects.link(armature)
    armature.show_in_front = True
    data.display_type = "STICK"
    neck = space.points(portrait.neck_pivot[None])[0]
    eyes = space.points(portrait.eye_centres, layers.behind_m("iris_left"))
    head_length = max(0.05, float(eyes[:, 2].mean() - neck[2]))
    with _editing(armature):
        root = _bone(data, ROOT, (0, 0, 0), (0, 0, head_length / 2), None)
        neck_bone = _bone(data, NECK, neck - (0, 0, head_length / 2), neck, root)
        head = _bone(data, HEAD, neck, neck + (0, 0, head_length), neck_bone)
        _bone(data, THROAT, neck, neck + (0, 0, head_length), neck_bone)
        _bone(data, SHOULDERS, neck, neck + (0, 0, head_length), root)
        for bone_name, eye in zip(EYE_BONES.values(), eyes, strict=True):
            _bone(data, bone_name, eye, eye - (0, 0.04, 0), head).align_roll((0, 0, 1))
        target = eyes.mean(axis=0) - (0, controls.GAZE_DISTANCE_M, 0)
        _bone(data, GAZE, target, target + (0, 0.04, 0), root).align_roll((0, 0, 1))
    for bone_name in (NECK, HEAD):
        armature.pose.bones[bone_name].rotation_mode = HEAD_ROTATION_ORDER
    for bone_name in EYE_BONES.values():
        armature.pose.bones[bone_name].rotation_mode = EYE_ROTATION_ORDER
    controls.add_controls(armature, head_length)
    return armature


@contextlib.contextmanager
def _editing(armature: bpy.types.Object) -> Iterator[None]:
    """Edit Mode on an armature that is in no scene yet, in a scene of its own: what the person has selected or is editing stays as
    it is, and a large scene is not evaluated anew for every change of mode (half a second each with 20,000 objects)."""
    aside = bpy.data.scenes.new(armature.name)
    layer = aside.view_layers[0]
    aside.collection.objects.link(armature)
    layer.objects.active = armature
    try:
        with bpy.context.temp_override(scene=aside, view_layer=layer, active_object=armature, object=armature):
            bpy.ops.object.mode_set(mode="EDIT")
            try:
                yield
            finally:
                bpy.ops.object.mode_set(mode="OBJECT")
    finally:
        bpy.data.scenes.remove(aside)


def _bone(data: bpy.types.Armature, name: str, head: object, tail: object,
          parent: bpy.types.EditBone | None) -> bpy.types.EditBone:
    bone = data.edit_bones.new(name)
    bone.head, bone.tail, bone.parent, bone.use_connect = tuple(head), tuple(tail), parent, False
    return bone


def _part_object(key: str, space: RigSpace, image: bpy.types.Image | None,
                 geometry: tuple[np.ndarray, np.ndarray, np.ndarray], armature: bpy.types.Object,
                 collection: bpy.types.Collection, name: str) -> Task[bpy.types.Object]:
    part = space.portrait.parts[key]
    vertices, uv, triangles = geometry
    mesh = build_mesh(f"{name} {key}", space.points(vertices, layers.behind_m(key)), triangles, uv, part.colour)
    yield
    own = key == own_teeth.OWN_TEETH
    if own:
        own_teeth.mark_fading(mesh)
    mesh.materials.append(materials.part_material(f"{name} {key}", image, faded_by_object=own or key == far_side.FAR_SIDE,
                                                  fading=own_teeth.FADES_ATTRIBUTE if own else ""))
    yield
    part_object = _child(bpy.data.objects.new(f"{name} {key}", mesh), armature, collection)
    part_object[PART_PROPERTY] = key
    modifier = part_object.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature
    return part_object


def _child(child: bpy.types.Object, armature: bpy.types.Object, collection: bpy.types.Collection) -> bpy.types.Object:
    collection.objects.link(child)
    child.parent = armature
    return child


def _carried(portrait: PortraitData, key: str, matte: np.ndarray | None) -> np.ndarray | float:
    """How much of the head's shifts the rest of a part takes part in: the person's shoulders only."""
    if key != PERSON or matte is None:
        return 0.0
    return shoulders.carried_share(255 * matte, portrait.parts[key].vertices[:, :2], portrait.units_per_metre, portrait.shoulders)


def _weights(part_object: bpy.types.Object, head_weight: np.ndarray, leaders: dict[str, float],
             carried: np.ndarray | float) -> Task[None]:
    """`leaders` share head_weight w; the rest is shared by neck w(1-w) and root (1-w)^2, so that turning the head moves what
    the renderer moves, and turning the neck bends the neck without dragging the shoulders. Throat and shoulders, which shift with
    the head, have the `carried` share of neck's and root's. All add up to 1."""
    weight = np.clip(head_weight.astype(np.float64), 0, 1)
    shares = {bone: share * weight for bone, share in leaders.items()}
    neck, trunk = weight * (1 - weight), (1 - weight) ** 2
    shares |= {NECK: neck * (1 - carried), ROOT: trunk * (1 - carried)}
    if np.any(carried):
        shares |= {THROAT: neck * carried, SHOULDERS: trunk * carried}
    for bone, share in shares.items():
        group = part_object.vertex_groups.new(name=bone)
        steps = np.round(share * 1024).astype(int)
        for step in np.unique(steps[steps > 0]):
            group.add(np.nonzero(steps == step)[0].tolist(), float(share[steps == step].mean()), "REPLACE")
        yield


def _shape_keys(part_object: bpy.types.Object, part: PartData, space: RigSpace, behind_m: float,
                channels: list[str] | tuple[str, ...]) -> Task[None]:
    """A basis and one key per channel, 0..1."""
    if not channels:
        return
    part_object.shape_key_add(name="Basis", from_mix=False)
    part_object.data.shape_keys.name = part_object.name
    for channel in channels:
        block = part_object.shape_key_add(name=channel, from_mix=False)
        block.slider_min, block.slider_max, block.value = 0.0, 1.0, 0.0
        entries = part.delta_channel == RIG_CHANNELS.index(channel)
        if entries.any():
            moved = part.vertices.copy()
            np.add.at(moved, part.delta_index[entries], part.delta_offset[entries])
            block.data.foreach_set("co", space.points(moved, behind_m).ravel())
        yield


def _turn_far_side(objects: dict[str, bpy.types.Object], space: RigSpace, armature: bpy.types.Object) -> None:
    """Let a head that turns back show the fill of its far cheek, and what lies about it lie deeper in one that turns further away."""
    far_side.show_when_turned(objects[far_side.FAR_SIDE], space.portrait, armature)
    for key, part in space.portrait.parts.items():
        if part.deeper_turned_away is not None:
            deeper = part.vertices - np.pad(part.deeper_turned_away[:, None], ((0, 0), (2, 0)))
            places = (space.points(where, layers.behind_m(key)) for where in (part.vertices, deeper))
            far_side.lie_deeper_when_turned(objects[key], space.portrait, armature, *places)


def _follow(keys: bpy.types.Key, master: bpy.types.Key) -> None:
    """Drive every key by the master's key of the same name (a plain variable: no scripts, nothing to allow)."""
    for block in keys.key_blocks[1:]:
        driver = block.driver_add("value").driver
        driver.type = "SUM"
        variable = driver.variables.new()
        variable.type = "SINGLE_PROP"
        target = variable.targets[0]
        target.id_type, target.id = "KEY", master
        target.data_path = f'key_blocks["{block.name}"].value'


def _card(key: str, space: RigSpace, image: bpy.types.Image, armature: bpy.types.Object, collection: bpy.types.Collection,
          name: str) -> bpy.types.Object:
    """A picture of the whole frame behind everything."""
    points, faces, uv = backdrop.card(space.portrait, space, key)
    mesh = build_mesh(f"{name} {key}", points, faces, uv, np.ones((len(points), 4), np.float32))
    mesh.materials.append(materials.part_material(f"{name} {key}", image, faded_by_object=key == backdrop.HALO))
    card = _child(bpy.data.objects.new(f"{name} {key}", mesh), armature, collection)
    card[PART_PROPERTY] = key
    return card


def _camera(space: RigSpace, armature: bpy.types.Object, collection: bpy.types.Collection, name: str) -> bpy.types.Object:
    data = bpy.data.cameras.new(f"{name} Camera")
    data.sensor_fit, data.sensor_width = "HORIZONTAL", SENSOR_WIDTH_MM
    data.lens, data.shift_x, data.shift_y = space.camera_lens()
    data.clip_start = 0.01
    camera = _child(bpy.data.objects.new(f"{name} Camera", data), armature, collection)
    camera.location = space.camera_position().tolist()
    camera.rotation_euler = (np.pi / 2, 0.0, 0.0)
    return camera
