"""Reads a `.portrait` file (a zip of JSON, PNG and NPY) with what Blender has: zipfile, json, numpy. Untrusted input:
sizes are bounded before anything is allocated, nothing is unpickled, indices are checked."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
from dataclasses import dataclass

import numpy as np

from ...common import shoulders
from ..errors import FileError
from .channels import RIG_CHANNELS

NEWEST_FORMAT = 2
LARGEST_MEMBER_BYTES = 256 << 20
LARGEST_FILE_BYTES = 1 << 30
LARGEST_SIDE_PX = 16384
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class PartData:
    """One textured piece, in picture space (see `space`).

    vertices (V, 3), triangles (T, 3), uv (V, 2) with v down, colour (V, 4) multiplies the texture, head_weight (V,),
    delta_channel / delta_index / delta_offset: (K,), (K,), (K, 3) sparse blendshapes. texture: image name or "". deeper_turned_away: (V,)
    how much deeper it lies once the head turns a filled far cheek further away, or None.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    colour: np.ndarray
    head_weight: np.ndarray
    delta_channel: np.ndarray
    delta_index: np.ndarray
    delta_offset: np.ndarray
    texture: str
    deeper_turned_away: np.ndarray | None = None


@dataclass(frozen=True)
class PortraitData:
    """What the rig needs of a portrait. size: (width, height) px; images: PNG files by name; lengths in pixels; apertures:
    vertex numbers of the part "face" around each hole; origin: JSON with the picture's name, its SHA-256 and the rights, "" unless known;
    shoulders: how much of the head's shifts they take part in, 0..1; teeth_shown: whether what the picture shows between its lips are
    teeth, 0..1; border_px: how wide a scan's border is at the picture's left, top, right and bottom."""

    size: tuple[int, int]
    parts: dict[str, PartData]
    images: dict[str, bytes]
    units_per_metre: float
    camera_distance: float
    camera_centre: np.ndarray
    neck_pivot: np.ndarray
    eye_centres: np.ndarray
    apertures: dict[str, np.ndarray]
    source_name: str
    origin: str = ""
    shoulders: float = shoulders.SHARE
    teeth_shown: float = 1.0
    border_px: tuple[int, int, int, int] = (0, 0, 0, 0)


_ARRAYS = {"vertices": (np.float32, 3), "triangles": (np.int32, 3), "uv": (np.float32, 2), "colour": (np.float32, 4),
           "head_weight": (np.float32, None), "delta_channel": (np.int32, None), "delta_index": (np.int32, None),
           "delta_offset": (np.float32, 3)}
"""Field -> (type it is used as, columns or None for a flat array)."""
_DEEPER = "deeper_turned_away"


def read_portrait(path: str | os.PathLike) -> PortraitData:
    """Read and check a portrait. Raises FileError with one line that names the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST_FILE_BYTES:
                raise ValueError("it claims to hold more than 1 GB")
            header = json.loads(_member(archive, "portrait.json"))
            if header["format"] != "soliloquy-portrait" or int(header["format_version"]) > NEWEST_FORMAT:
                raise ValueError("it was made by a later version")
            return _portrait(archive, header)
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, struct.error, NotImplementedError,
            zipfile.BadZipFile) as error:
        raise FileError(f"{os.fspath(path)} is not a readable portrait ({error}). Build it again.") from error


def _portrait(archive: zipfile.ZipFile, header: dict) -> PortraitData:
    width, height = (int(side) for side in header["size"])
    if not (0 < width <= LARGEST_SIDE_PX and 0 < height <= LARGEST_SIDE_PX):
        raise ValueError(f"impossible size {width} x {height}")
    parts = {str(name): _part(archive, str(name), str(record["texture"])) for name, record in header["parts"].items()}
    images = {str(name): _png(archive, str(name)) for name in header["images"]}
    missing = {part.texture for part in parts.values() if part.texture} - set(images)
    if not parts or missing:
        raise ValueError(f"images are missing: {', '.join(sorted(missing))}" if missing else "it has no parts")
    return PortraitData(
        size=(width, height), parts=parts, images=images,
        units_per_metre=_positive(header["units_per_metre"]), camera_distance=_positive(header["camera_distance"]),
        camera_centre=_finite(header["camera_centre"], (2,)), neck_pivot=_finite(header["neck_pivot"], (3,)),
        eye_centres=_finite(header["eye_centres"], (2, 3)), apertures=_apertures(header.get("apertures", {}), parts),
        source_name=os.path.basename(str(header.get("provenance", {}).get("source", ""))), origin=_origin(header.get("provenance", {})),
        shoulders=float(np.clip(header.get("settings", {}).get("shoulders", shoulders.SHARE), 0.0, 1.0)),
        teeth_shown=float(np.clip(header.get("teeth_shown", 1.0), 0.0, 1.0)),
        border_px=_border(header.get("border_px", (0, 0, 0, 0)), width, height))


def _border(record: object, width: int, height: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = (int(side) for side in record)
    if min(left, top, right, bottom) < 0 or left + right >= width or top + bottom >= height:
        raise ValueError("the border leaves nothing of the picture")
    return left, top, right, bottom


def _origin(provenance: dict) -> str:
    """For the rig to keep, so that a final that shows it can say on what basis."""
    digest, rights = provenance.get("source_sha256"), provenance.get("rights")
    if not (isinstance(digest, str) and isinstance(rights, dict)):
        return ""
    return json.dumps({"name": os.path.basename(str(provenance.get("source", ""))), "sha256": digest, "rights": rights}, ensure_ascii=False)


def _apertures(record: dict, parts: dict[str, PartData]) -> dict[str, np.ndarray]:
    rims = {str(name): np.asarray(rim, np.int64) for name, rim in record.items()}
    limit = len(parts["face"].vertices) if "face" in parts else 0
    if any(rim.ndim != 1 or rim.size == 0 or rim.min() < 0 or rim.max() >= limit for rim in rims.values()):
        raise ValueError("an aperture points outside the face")
    return rims


def _part(archive: zipfile.ZipFile, name: str, texture: str) -> PartData:
    arrays = {field: _array(archive, f"parts/{name}/{field}", kind, columns) for field, (kind, columns) in _ARRAYS.items()}
    count = len(arrays["vertices"])
    if any(len(arrays[field]) != count for field in ("uv", "colour", "head_weight")):
        raise ValueError(f"part {name}: arrays differ in length")
    if f"parts/{name}/{_DEEPER}.npy" in archive.namelist():
        arrays[_DEEPER] = _array(archive, f"parts/{name}/{_DEEPER}", np.float32, None)
        if len(arrays[_DEEPER]) != count:
            raise ValueError(f"part {name}: arrays differ in length")
    if len({len(arrays[field]) for field in ("delta_channel", "delta_index", "delta_offset")}) != 1:
        raise ValueError(f"part {name}: delta arrays differ in length")
    for field, limit in (("triangles", count), ("delta_index", count), ("delta_channel", len(RIG_CHANNELS))):
        if arrays[field].size and (arrays[field].min() < 0 or arrays[field].max() >= limit):
            raise ValueError(f"part {name}: {field} points outside")
    return PartData(**arrays, texture=texture)


def _array(archive: zipfile.ZipFile, name: str, kind: type, columns: int | None) -> np.ndarray:
    array = np.load(io.BytesIO(_member(archive, f"{name}.npy")), allow_pickle=False)
    if array.ndim != (1 if columns is None else 2) or (columns is not None and array.shape[1] != columns):
        raise ValueError(f"{name} has shape {array.shape}")
    array = np.ascontiguousarray(array, kind)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds values that are not finite")
    return array


def _png(archive: zipfile.ZipFile, name: str) -> bytes:
    data = _member(archive, f"images/{name}.png")
    if not data.startswith(PNG_SIGNATURE):
        raise ValueError(f"image {name} is not a PNG")
    width, height = struct.unpack(">II", data[16:24])
    if not (0 < width <= LARGEST_SIDE_PX and 0 < height <= LARGEST_SIDE_PX):
        raise ValueError(f"image {name} claims {width} x {height} pixels")
    return data


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST_MEMBER_BYTES:
        raise ValueError(f"member {name} is too large")
    return archive.read(name)


def _positive(value: object) -> float:
    number = float(value)
    if not 0 < number < float("inf"):
        raise ValueError(f"{number} is not a length")
    return number


def _finite(values: object, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(values, np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"expected {shape} finite numbers")
    return array
