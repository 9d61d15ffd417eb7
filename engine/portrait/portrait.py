"""The noun `Portrait`: the picture taken apart. One `.portrait` file: a zip of JSON, PNG and NPY, without pickle.

Geometry lives in picture space: x to the right and y down in pixels of the source picture, z towards the camera in the same
unit, z = 0 in the plane of the eyes. `units_per_metre` turns it into metres (0.063 m between the pupils).
"""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from ...common.channels import ARKIT_CHANNELS
from ..errors import FormatError
from ..files import whole_file
from .border import NO_BORDER, Border

FORMAT_VERSION = 2
"""2 added the tongue's own shapes (OWN_CHANNELS); a portrait of version 1 has none. Without one for lipsTogether, lips that are apart
close with mouthRollUpper."""
LARGEST_MEMBER_BYTES = 1 << 30
"""A member of the zip that claims to be larger is refused before it is read."""
PNG_STRIP_ROWS, PNG_FILTER_SUB = 128, 1

PART_NAMES = ("neck", "person", "jaw", "eye_left", "eye_right", "iris_left", "iris_right", "glint_left", "glint_right", "cavity", "tongue",
              "teeth_lower", "teeth_upper", "teeth_source", "face", "far_side", "lid_left", "lid_right", "glasses")
"""Every part a portrait may have, in drawing order, back to front. `eye_*` is the white of the eye and does not turn; `iris_*`
turns about the eye's centre with the gaze, `glint_*` half as far: its catch-light. `lid_*` is the skin a blink unrolls.
`teeth_source` are teeth that the picture itself shows. `far_side` fills the cheek of a face that is turned away in the picture,
as far as it has turned into view. `glasses` are their frame once more, before the lids. `neck` and `jaw` are seen where the person
opens between them, the one behind it, the other before it (`neck.py`)."""


@dataclass
class Part:
    """One textured piece of the portrait, drawn by the renderer and built as a mesh in Blender.

    vertices: (V, 3) float32, rest position in picture space.
    triangles: (T, 3) int32, counter-clockwise seen from the camera.
    uv: (V, 2) float32 in 0..1 of the part's texture, v down (image rows).
    colour: (V, 4) float32 in 0..1: multiplies the texture; alpha fades the part's edge.
    head_weight: (V,) float32: 1 follows the head's rotation, 0 stays with the body.
    delta_channel / delta_index / delta_offset: the blendshapes, sparse. Entry k moves vertex delta_index[k] by
        delta_offset[k] (K, 3) float32 pixels at full value of RIG_CHANNELS[delta_channel[k]].
    texture: name of the image it is drawn with ("" for colour only).
    deeper_turned_away: (V,) float32 pixels, or None: how much deeper the vertices lie once the head turns a filled far cheek further away
        (turned_away.py).
    comes_into_view: (V, 2) float32 cosines, or None: of that cheek, when it begins to show and is seen wholly (locks.py).
    """

    vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    colour: np.ndarray
    head_weight: np.ndarray
    delta_channel: np.ndarray
    delta_index: np.ndarray
    delta_offset: np.ndarray
    texture: str = ""
    deeper_turned_away: np.ndarray | None = None
    comes_into_view: np.ndarray | None = None

    def dense_deltas(self, channels: int = len(ARKIT_CHANNELS)) -> np.ndarray:
        """(channels, V, 3) float32: the offsets of so many of RIG_CHANNELS, from the first on."""
        dense = np.zeros((channels, len(self.vertices), 3), np.float32)
        kept = self.delta_channel < channels
        dense[self.delta_channel[kept], self.delta_index[kept]] = self.delta_offset[kept]
        return dense

    def set_deltas(self, dense: np.ndarray, *, smallest_px: float = 1e-3) -> None:
        """Keep of `dense` (C, V, 3), in the order of RIG_CHANNELS, the offsets longer than `smallest_px`."""
        channel, index = np.nonzero(np.linalg.norm(dense, axis=2) > smallest_px)
        self.delta_channel, self.delta_index = channel.astype(np.uint8), index.astype(np.int32)
        self.delta_offset = dense[channel, index].astype(np.float32)


def facing_camera(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(T, 3) int32 triangles of a surface that faces the camera, each turned to be counter-clockwise as seen (y is down)."""
    a, b, c = (vertices[triangles[:, k], :2] for k in range(3))
    clockwise = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]) > 0
    turned = np.array(triangles, np.int32)
    turned[clockwise, 1], turned[clockwise, 2] = triangles[clockwise, 2], triangles[clockwise, 1]
    return turned


ARRAY_FIELDS = ("vertices", "triangles", "uv", "colour", "head_weight", "delta_channel", "delta_index", "delta_offset")
FEW_FIELDS = {"deeper_turned_away": (), "comes_into_view": (2,)}
"""Arrays that only parts about a filled far cheek have, and their shapes but for the first, of the vertices."""


@dataclass
class Portrait:
    """Everything the renderer and the Blender rig need to know about one picture.

    size: (width, height) of the source picture in pixels.
    parts: by name, see PART_NAMES.
    images: by name, uint8, RGB or RGBA, (H, W, 3|4): "plate" (the picture without the person), "person" (foreground with
        matte), "halo" (the picture's own edge around the person, true only while the person rests), "eye_left" ... as the
        parts' textures ask.
    landmarks_px: (478, 3) MediaPipe landmarks in picture space.
    units_per_metre: pixels in a metre at the plane of the eyes.
    camera_distance: from the pinhole to z = 0, pixels; camera_centre: (2,) principal point, pixels.
    neck_pivot: (3,) the point the head turns about; eye_centres: (2, 3) subject's left, right.
    apertures: "eye_left", "eye_right", "mouth": the rim of each hole in the part "face", as vertex numbers in order.
    border_px: how much of the picture at its left, top, right and bottom is a scan's border (border.py): it is seen in the plate, and
        the person ends at it.
    teeth_shown: whether what the picture shows between its lips are teeth, 0..1 (render/seam.py).
    settings: what the person chose or corrected for this picture; rest: estimated rest expression (channel -> 0..1).
    provenance: source file name, SHA-256, versions.
    """

    size: tuple[int, int]
    parts: dict[str, Part]
    images: dict[str, np.ndarray]
    landmarks_px: np.ndarray
    units_per_metre: float
    camera_distance: float
    camera_centre: np.ndarray
    neck_pivot: np.ndarray
    eye_centres: np.ndarray
    apertures: dict[str, np.ndarray] = field(default_factory=dict)
    border_px: Border = NO_BORDER
    teeth_shown: float = 1.0
    settings: dict = field(default_factory=dict)
    rest: dict = field(default_factory=dict)
    provenance: dict = field(default_factory=dict)

    def save(self, path: str | os.PathLike) -> None:
        """Write the `.portrait` file, whole or not at all. Raises OutputError."""
        header = {
            "format": "soliloquy-portrait",
            "format_version": FORMAT_VERSION,
            "size": list(self.size),
            "parts": {name: {"texture": part.texture} for name, part in self.parts.items()},
            "images": sorted(self.images),
            "units_per_metre": self.units_per_metre,
            "camera_distance": self.camera_distance,
            "camera_centre": [float(v) for v in self.camera_centre],
            "neck_pivot": [float(v) for v in self.neck_pivot],
            "eye_centres": [[float(v) for v in centre] for centre in self.eye_centres],
            "apertures": {name: [int(v) for v in rim] for name, rim in self.apertures.items()},
            "border_px": list(self.border_px),
            "teeth_shown": self.teeth_shown,
            "settings": self.settings,
            "rest": self.rest,
            "provenance": self.provenance,
        }
        with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("portrait.json", json.dumps(header, ensure_ascii=False, indent=1))
            _write_array(archive, "landmarks_px", self.landmarks_px)
            for name, part in self.parts.items():
                for field_name in ARRAY_FIELDS:
                    _write_array(archive, f"parts/{name}/{field_name}", getattr(part, field_name))
                for field_name in FEW_FIELDS:
                    if (array := getattr(part, field_name)) is not None:
                        _write_array(archive, f"parts/{name}/{field_name}", array.astype(np.float32))
            for name, image in self.images.items():
                with archive.open(zipfile.ZipInfo(f"images/{name}.png"), "w") as member:
                    for piece in _png_pieces(image):
                        member.write(piece)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Portrait:
        """Read a file written by `save`. Raises FormatError when it is damaged, too large or of a later version."""
        try:
            with zipfile.ZipFile(path) as archive:
                header = json.loads(_member(archive, "portrait.json"))
                if header["format"] != "soliloquy-portrait" or header["format_version"] > FORMAT_VERSION:
                    raise FormatError(f"{path} is not a portrait this version can read.")
                parts = {}
                for name, record in header["parts"].items():
                    arrays = {f: _read_array(archive, f"parts/{name}/{f}") for f in ARRAY_FIELDS}
                    few = {f: _read_if_there(archive, f"parts/{name}/{f}", (len(arrays["vertices"]), *shape)) for f, shape in FEW_FIELDS.items()}
                    parts[name] = Part(**arrays, **few, texture=str(record["texture"]))
                images = {name: _read_png(archive, name) for name in header["images"]}
                return cls(
                    size=(int(header["size"][0]), int(header["size"][1])), parts=parts, images=images,
                    landmarks_px=_read_array(archive, "landmarks_px"),
                    units_per_metre=float(header["units_per_metre"]), camera_distance=float(header["camera_distance"]),
                    camera_centre=np.asarray(header["camera_centre"], np.float32),
                    neck_pivot=np.asarray(header["neck_pivot"], np.float32),
                    eye_centres=np.asarray(header["eye_centres"], np.float32),
                    apertures={name: np.asarray(rim, np.int32) for name, rim in header["apertures"].items()},
                    border_px=_border(header),
                    teeth_shown=float(header.get("teeth_shown", 1.0)),
                    settings=header.get("settings", {}), rest=header.get("rest", {}), provenance=header.get("provenance", {}))
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, EOFError) as error:
            raise FormatError(f"{path} is not a readable portrait file ({error}). Build it again from the picture.") from error


def _border(header: dict) -> Border:
    """The scan's border, none in files of before there was any. Raises ValueError when the picture would be all border."""
    left, top, right, bottom = (int(width) for width in header.get("border_px", NO_BORDER))
    if min(left, top, right, bottom) < 0 or left + right >= header["size"][0] or top + bottom >= header["size"][1]:
        raise ValueError("the border leaves nothing of the picture")
    return left, top, right, bottom


def _write_array(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    archive.writestr(f"{name}.npy", buffer.getvalue())


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST_MEMBER_BYTES:
        raise ValueError(f"member {name} is too large")
    return archive.read(name)


def _read_array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    return np.load(io.BytesIO(_member(archive, f"{name}.npy")), allow_pickle=False)


def _read_if_there(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
    """float32 of that shape, or None. Raises ValueError when it has another."""
    if f"{name}.npy" not in archive.namelist():
        return None
    array = _read_array(archive, name).astype(np.float32)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{name} does not fit its part")
    return array


def _png_pieces(image: np.ndarray) -> Iterator[bytes]:
    """An (H, W, 3 or 4) uint8 picture as a PNG file (ISO/IEC 15948), strip by strip: an 8K one as a whole would be held three times."""
    height, width, channels = image.shape
    yield b"\x89PNG\r\n\x1a\n"
    yield _png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6 if channels == 4 else 2, 0, 0, 0))
    squeeze = zlib.compressobj(1)
    for top in range(0, height, PNG_STRIP_ROWS):
        rows = image[top:top + PNG_STRIP_ROWS].reshape(-1, width * channels)
        filtered = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)
        filtered[:, 0] = PNG_FILTER_SUB
        filtered[:, 1:1 + channels] = rows[:, :channels]
        np.subtract(rows[:, channels:], rows[:, :-channels], out=filtered[:, 1 + channels:])
        if data := squeeze.compress(filtered.data):
            yield _png_chunk(b"IDAT", data)
    yield _png_chunk(b"IDAT", squeeze.flush())
    yield _png_chunk(b"IEND", b"")


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _read_png(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(_member(archive, f"images/{name}.png"), np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3:
        raise ValueError(f"image {name} is damaged")
    return cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)
