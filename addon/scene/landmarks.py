"""Landmarks by hand: the picture in the viewport, and over it the face's contours as a mesh whose points can be dragged.

The mesh holds the points people can judge: lips, lids, irises, brows, nose, outline. The rest of the 478 follow smoothly, as
a thin plate would (Duchon 1977; Bookstein 1989, "Principal Warps").
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import bmesh
import bpy
import numpy as np

from ..errors import AddonError, FileError
from . import materials
from .meshes import build_mesh
from .plane import CARD_UV

LANDMARKS = 478
POINTS_PROPERTY = "soliloquy_landmarks"
PICTURE_PROPERTY = "soliloquy_picture"
RIG_PROPERTY = "soliloquy_rig"
NUMBER_ATTRIBUTE = "landmark"
HEIGHT_M = 1.0
BESIDE_M = 2.0
"""From the rig or the cursor to the middle of the picture that is corrected."""
BEFORE_PICTURE_M = 0.002
LARGEST_LANDMARKS_BYTES = 1 << 20
FEWEST_POINTS = 4
"""What a plate needs to be bent."""

CONTOURS: dict[str, tuple[tuple[int, ...], bool]] = {
    "outline": ((10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149,
                 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109), True),
    "outer lips": ((61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146), True),
    "inner lips": ((78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95), True),
    "eye.R": ((33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7), True),
    "eye.L": ((263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249), True),
    "iris.R": ((469, 470, 471, 472), True),
    "iris.L": ((474, 475, 476, 477), True),
    "brow.R": ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), True),
    "brow.L": ((300, 293, 334, 296, 336, 285, 295, 282, 283, 276), True),
    "nose": ((168, 6, 197, 195, 5, 4, 1, 19, 94, 2), False),
    "nostrils": ((129, 98, 97, 2, 326, 327, 358), False),
}
"""Contour -> (landmarks in order, whether it is closed). Left and right are the subject's. The numbers are those of
`engine/portrait/topology.py` (a test holds the two together) and of MediaPipe's face mesh."""


def add_editor(scene: bpy.types.Scene, picture: Path, points: np.ndarray, *, rig_name: str = "",
               place_m: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> bpy.types.Object:
    """Put the picture and its contours into a collection of their own; returns the contours' object.

    points: (478, 3) pixels of the picture. rig_name: the armature that is rebuilt from them. place_m: where to stand.
    Raises FileError when Blender cannot read the picture.
    """
    image = bpy.data.images.load(str(picture), check_existing=True)
    width, height = image.size
    if not (width and height):
        raise FileError(f"{picture} is not a picture that Blender can read.")
    name = picture.stem
    collection = bpy.data.collections.new(f"{name} Landmarks")
    scene.collection.children.link(collection)
    half = HEIGHT_M * width / height / 2
    corners = np.array([[-half, 0, 0], [half, 0, 0], [half, 0, HEIGHT_M], [-half, 0, HEIGHT_M]], np.float32)
    card = build_mesh(f"{name} Picture", corners, np.array([[0, 1, 2, 3]]), CARD_UV, np.ones((4, 4), np.float32))
    card.materials.append(materials.part_material(f"{name} Picture", image))
    contours = _contour_mesh(f"{name} Landmarks", points, (width, height))
    made = [bpy.data.objects.new(mesh.name, mesh) for mesh in (card, contours)]
    for item in made:
        item.location = place_m
        item.hide_render = True
        collection.objects.link(item)
    picture_object, editor = made
    picture_object.hide_select = True
    editor.show_in_front, editor.show_wire = True, True
    editor[POINTS_PROPERTY] = [float(value) for value in points.ravel()]
    editor[PICTURE_PROPERTY], editor[RIG_PROPERTY] = str(picture), rig_name
    return editor


def _contour_mesh(name: str, points: np.ndarray, size: tuple[int, int]) -> bpy.types.Mesh:
    numbers = shown_landmarks()
    place = {number: index for index, number in enumerate(numbers)}
    edges = [(place[first], place[second]) for ring, closed in CONTOURS.values()
             for first, second in zip(ring, (*ring[1:], ring[0]) if closed else ring[1:], strict=False)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(to_metres(points[numbers, :2], size).tolist(), edges, [])
    mesh.attributes.new(NUMBER_ATTRIBUTE, "INT", "POINT").data.foreach_set("value", np.array(numbers, np.int32))
    return mesh


def shown_landmarks() -> list[int]:
    """The landmarks that can be dragged, each once."""
    return sorted({number for ring, _ in CONTOURS.values() for number in ring})


def to_metres(points_px: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(N, 2) pixels of a picture of `size` -> (N, 3) metres on the editor's picture."""
    scale = HEIGHT_M / size[1]
    x, y = (np.asarray(points_px, np.float64) + 0.5).T
    return np.stack(((x - size[0] / 2) * scale, np.full(len(x), -BEFORE_PICTURE_M), HEIGHT_M - y * scale), axis=1)


def to_pixels(points_m: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The way back."""
    scale = size[1] / HEIGHT_M
    return np.stack((points_m[:, 0] * scale + size[0] / 2, (HEIGHT_M - points_m[:, 2]) * scale), axis=1) - 0.5


def corrected(editor: bpy.types.Object, size: tuple[int, int]) -> np.ndarray:
    """(478, 3) the landmarks as the editor's points say; landmarks it does not show (any more) follow those it does.

    Raises AddonError when too few points are left to follow.
    """
    before = np.array(editor[POINTS_PROPERTY], np.float64).reshape(LANDMARKS, 3)
    numbers, places = _points_of(editor)
    known, first = np.unique(numbers, return_index=True)
    usable = (known >= 0) & (known < LANDMARKS)
    if usable.sum() < FEWEST_POINTS:
        raise AddonError(f"{editor.name} has lost its points. Delete it and begin again with Correct Landmarks.")
    known, first = known[usable], first[usable]
    moved = before.copy()
    moved[known, :2] = to_pixels(places[first], size)
    others = np.setdiff1d(np.arange(LANDMARKS), known)
    moved[others, :2] += thin_plate(before[known, :2], moved[known, :2] - before[known, :2], before[others, :2])
    return moved


def _points_of(editor: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """(N,) landmark numbers and (N, 3) places of the editor's points, also while they are being edited."""
    mesh = bmesh.from_edit_mesh(editor.data) if editor.mode == "EDIT" else bmesh.new()
    if editor.mode != "EDIT":
        mesh.from_mesh(editor.data)
    layer = mesh.verts.layers.int.get(NUMBER_ATTRIBUTE)
    points = [(vertex[layer], *vertex.co) for vertex in mesh.verts] if layer is not None else []
    if editor.mode != "EDIT":
        mesh.free()
    table = np.array(points, np.float64).reshape(-1, 4)
    return table[:, 0].astype(np.int32), table[:, 1:]


def thin_plate(places: np.ndarray, offsets: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """(M, 2) offsets at `asked` (M, 2) of the smoothest plate that has `offsets` (N, 2) at `places` (N, 2), N >= 3."""
    scale = max(float(np.ptp(places)), 1e-6)
    at, wanted = places / scale, asked / scale
    system = np.zeros((len(at) + 3, len(at) + 3))
    system[:len(at), :len(at)] = _bending(at, at)
    flat = np.column_stack((np.ones(len(at)), at))
    system[:len(at), len(at):], system[len(at):, :len(at)] = flat, flat.T
    solution = np.linalg.lstsq(system, np.vstack((offsets, np.zeros((3, 2)))), rcond=None)[0]
    return np.hstack((_bending(wanted, at), np.column_stack((np.ones(len(wanted)), wanted)))) @ solution


def _bending(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """r^2 log r between all points."""
    squared = ((first[:, None] - second[None]) ** 2).sum(axis=2)
    return 0.5 * squared * np.log(np.maximum(squared, 1e-18))


def write_landmarks(path: Path, points: np.ndarray) -> None:
    """The file the engine takes as corrected landmarks. Raises AddonError when it cannot be written."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"landmarks_px": np.round(points, 3).tolist()}), encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise AddonError(f"Cannot write {path}: {error.strerror}.", code="bad_output") from error
    finally:
        temporary.unlink(missing_ok=True)


def read_landmarks(path: Path) -> np.ndarray:
    """(478, 3) of a file written by the engine. Raises FileError."""
    try:
        if path.stat().st_size > LARGEST_LANDMARKS_BYTES:
            raise ValueError("it is too large")
        points = np.asarray(json.loads(path.read_text(encoding="utf-8"))["landmarks_px"], np.float64)
        if points.shape != (LANDMARKS, 3) or not np.isfinite(points).all():
            raise ValueError(f"it does not hold {LANDMARKS} points")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path} is not a readable landmark file ({error}).") from error
    return points


def read_portrait_landmarks(path: Path) -> np.ndarray:
    """(478, 3) that a `.portrait` keeps, corrected ones too. Raises FileError."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("landmarks_px.npy").file_size > LARGEST_LANDMARKS_BYTES:
                raise ValueError("its landmarks are too large")
            points = np.load(io.BytesIO(archive.read("landmarks_px.npy")), allow_pickle=False).astype(np.float64)
        if points.shape != (LANDMARKS, 3) or not np.isfinite(points).all():
            raise ValueError(f"it does not hold {LANDMARKS} points")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise FileError(f"{path} is not a readable portrait ({error}).") from error
    return points


def editor_of_selection(active: bpy.types.Object | None) -> bpy.types.Object | None:
    """The active object if it holds landmarks."""
    return active if active is not None and active.type == "MESH" and POINTS_PROPERTY in active else None


def show_editor(context: bpy.types.Context, editor: bpy.types.Object) -> None:
    """Select the points for editing and look at them from the front, in every 3D view of the window."""
    if context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    for item in context.selected_objects:
        item.select_set(False)
    editor.select_set(True)
    context.view_layer.objects.active = editor
    for area in context.screen.areas if context.screen else ():
        if area.type == "VIEW_3D" and not bpy.app.background:
            region = next(region for region in area.regions if region.type == "WINDOW")
            with context.temp_override(area=area, region=region):
                bpy.ops.view3d.view_axis(type="FRONT")
                bpy.ops.view3d.view_selected()
            if area.spaces.active.shading.type in ("SOLID", "WIREFRAME"):
                area.spaces.active.shading.type = "MATERIAL"
    bpy.ops.object.mode_set(mode="EDIT")
    context.tool_settings.mesh_select_mode = (True, False, False)


def picture_size(picture: Path) -> tuple[int, int]:
    """(width, height) of the picture as the editor shows it. Raises FileError."""
    image = bpy.data.images.load(str(picture), check_existing=True) if picture.is_file() else None
    if image is None or not all(image.size):
        raise FileError(f"The picture {picture} is not there any more. Put it back, or begin again with Correct Landmarks.")
    return tuple(image.size)
