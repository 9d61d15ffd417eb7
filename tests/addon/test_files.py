"""The add-on's own readers refuse what could hurt: huge claims, pickles, indices that point outside."""

import io
import json
import zipfile

import numpy as np
import pytest

from soliloquy.addon.errors import FileError
from soliloquy.addon.scene import portrait_file as reader


def test_reads_what_the_engine_wrote(portrait, portrait_file):
    data = reader.read_portrait(portrait_file)
    assert data.size == portrait.size and data.source_name == "ada.png"
    for name, part in portrait.parts.items():
        for field in ("vertices", "triangles", "uv", "colour", "head_weight", "delta_index", "delta_offset"):
            np.testing.assert_array_equal(getattr(data.parts[name], field), getattr(part, field))


@pytest.mark.parametrize("member, array", [
    ("parts/face/triangles", np.array([[0, 1, 10**6]], np.int32)),
    ("parts/face/triangles", np.array([[0, 1, -1]], np.int32)),
    ("parts/face/delta_channel", np.full(3, 55, np.uint8)), ("parts/face/vertices", np.full((5, 3), np.nan, np.float32)),
    ("parts/face/uv", np.zeros((2, 3), np.float32)), ("parts/face/uv", np.array([None, {}], object))])
def test_arrays_that_do_not_fit_are_refused(portrait_file, tmp_path, member, array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    with pytest.raises(FileError, match="not a readable portrait"):
        reader.read_portrait(changed(portrait_file, tmp_path, {f"{member}.npy": buffer.getvalue()}))


@pytest.mark.parametrize("key, value", [("size", [0, 5]), ("size", [10**6, 10**6]), ("units_per_metre", 0),
                                        ("format_version", 99), ("camera_distance", "inf"), ("eye_centres", [[0, 0, 0]]),
                                        ("images", ["plate"])])
def test_headers_that_cannot_be_are_refused(portrait_file, tmp_path, key, value):
    with zipfile.ZipFile(portrait_file) as archive:
        header = json.loads(archive.read("portrait.json"))
    with pytest.raises(FileError):
        header[key] = value
        reader.read_portrait(changed(portrait_file, tmp_path, {"portrait.json": json.dumps(header).encode()}))


def test_member_that_claims_to_be_huge_is_not_read(portrait_file, monkeypatch):
    monkeypatch.setattr(reader, "LARGEST_MEMBER_BYTES", 1000)
    with pytest.raises(FileError, match="too large"):
        reader.read_portrait(portrait_file)


def changed(portrait_file, tmp_path, members: dict[str, bytes]):
    path = tmp_path / "changed.portrait"
    with zipfile.ZipFile(portrait_file) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            target.writestr(name, members.get(name, source.read(name)))
    return path
