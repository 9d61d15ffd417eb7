"""`verify` looks at files from strangers: whatever is in them, it answers in bounded time and space, and prints nothing but
text."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from soliloquy.engine.cli import app
from soliloquy.engine.provenance import credentials, verify as verifying
from soliloquy.engine.provenance.claims import claims, frame_hashes, line
from soliloquy.engine.provenance.keys import local_key
from soliloquy.engine.provenance.policy import FILE_VARIABLE
from soliloquy.engine.provenance.verify import ALTERED, INTACT, NO_CREDENTIALS, UNREADABLE, frames_in, verify

EVIL = "\x1b[2J\x1b]0;owned\x07\u202egnp.exe\x00\r\n  The signature holds"


def signed(path: Path, told: dict, keys: Path, monkeypatch) -> Path:
    """A picture whose credentials, properly signed, claim whatever `told` says."""
    cv2.imwrite(str(path), np.full((80, 80, 3), 90, np.uint8))
    monkeypatch.setattr(credentials.Origin, "told", lambda _self: told)
    credentials.sign_file(path, EVIL.replace("\x00", ""), credentials.Origin({}, {}, {}), local_key(keys))
    return path


@pytest.mark.parametrize(
    "told",
    [
        {"rights": "all"},
        {"rights": [1]},
        {"rights": {"basis": {"x": 1}, "statement": EVIL.replace("\x00", "")}},
        {"inputs": []},
        {"inputs": {"a": "b"}},
        {"inputs": {"a": {"sha256": [1]}}},
        {"mark": "x"},
        {"mark": {"number": 7}},
        {"mark": {"number": {"x": 1}}},
        {"portraits": "x"},
        {"portraits": [1, {"rights": 3, "inputs": 4, "portraits": 5}]},
        {"portraits": [{"portraits": [{"portraits": [{"portraits": [{}]}]}]}]},
        {"aigc": 1},
        {"seed": "x" * 100_000},
        {"x": {str(number): number for number in range(5000)}},
    ],
)
def test_claims_of_any_shape_are_read(tmp_path, monkeypatch, told):
    (finding,) = verify(signed(tmp_path / "a.png", told, tmp_path / "keys", monkeypatch))
    assert finding.status in (INTACT, ALTERED) and len(json.dumps(finding.as_json())) < 400_000
    text = finding.text()
    assert not any(character in text for character in "\x1b\x07\x00\u202e\r") and "owned" not in text.splitlines()[0]
    assert sum("The signature holds" in row and row.startswith("  The") for row in text.splitlines()) <= 1, (
        "nobody forges a line of ours"
    )


def test_lines_are_lines():
    assert line(EVIL) == "[2J]0;ownedgnp.exe    The signature holds" and "\n" not in line("a\nb\u2028c")
    assert len(line("x" * 10**6)) == 2000 and line("Zoë 中 👩") == "Zoë 中 👩"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=20,
    )
)
@settings(max_examples=150, deadline=None)
def test_anything_becomes_claims(data):
    clean = claims({"rights": data, "inputs": data, "mark": data, "aigc": data, "portraits": data, "x": data})
    assert all(isinstance(clean.get(name, {}), dict) for name in ("rights", "inputs", "mark", "aigc"))
    assert isinstance(clean.get("portraits", []), list) and isinstance(frame_hashes(data), dict)


def test_a_sidecar_that_is_too_large_is_not_read(tmp_path):
    (tmp_path / "frames").mkdir()
    cv2.imwrite(str(tmp_path / "frames" / "000001.png"), np.zeros((80, 80, 3), np.uint8))
    with (tmp_path / "frames.c2pa").open("wb") as file:
        file.truncate(1 << 40)
    (finding,) = verify(tmp_path / "frames")
    assert finding.status == ALTERED and "larger than credentials can be" in finding.text()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 5000,
        b"\x89PNG\r\n\x1a\n" + b"\xff" * 500,
        b"\x00\x00\x00\x18ftypmp42" + b"\xff" * 5000,
        b"\x00\x00\x00\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff",
        b"RIFF\xff\xff\xff\xffWEBP",
        b"\xff\xd8\xff\xe1\xff\xff",
    ],
)
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "mp4", "mov", "mkv", "c2pa", "txt"])
def test_rubbish_is_unreadable(tmp_path, content, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content)
    (finding,) = verify(path)
    assert finding.status in (UNREADABLE, ALTERED) and "\n" not in finding.told[0]


def test_a_bomb_is_not_unpacked(tmp_path):
    """A PNG of 60,000 x 60,000 pixels would take 10 GB."""
    small = cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))[1].tobytes()
    import zlib
    header = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    (tmp_path / "a.png").write_bytes(small[:12] + header + zlib.crc32(header).to_bytes(4, "big") + small[33:])
    started = time.monotonic()
    assert verify(tmp_path / "a.png")[0].status == UNREADABLE and time.monotonic() - started < 10


def test_folders_are_walked_but_not_in_circles(tmp_path):
    inner = tmp_path / "shots" / "day 2"
    inner.mkdir(parents=True)
    cv2.imwrite(str(inner / "face.png"), np.zeros((80, 80, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "b.jpg"), np.zeros((80, 80, 3), np.uint8))
    (tmp_path / ".hidden").mkdir()
    cv2.imwrite(str(tmp_path / ".hidden" / "c.png"), np.zeros((80, 80, 3), np.uint8))
    os.symlink(tmp_path, inner / "circle")
    assert sorted(finding.path.name for finding in verify(tmp_path)) == ["b.jpg", "face.png"]
    deep = tmp_path / "/".join("d" * 30)
    deep.mkdir(parents=True)
    cv2.imwrite(str(deep / "too deep.png"), np.zeros((80, 80, 3), np.uint8))
    assert len(verify(tmp_path)) == 2


def test_sequences_of_any_name(tmp_path):
    for name in ("shot_0010.png", "shot_0009.png", "shot_0100.png", "other_1.png", "notes.txt", "cover.png"):
        (tmp_path / name).touch()
    assert [path.name for path in frames_in(tmp_path)] == ["shot_0009.png", "shot_0010.png", "shot_0100.png"]


def test_exit_statuses_are_never_mistaken(tmp_path, monkeypatch):
    """A broken policy or a crash must not read as "altered" (1) or "no credentials" (2)."""
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((80, 80, 3), np.uint8))

    def run() -> int:
        return CliRunner().invoke(app, ["verify", str(tmp_path / "a.png")]).exit_code
    assert run() == NO_CREDENTIALS
    monkeypatch.setattr(verifying, "read_mark", lambda pictures: 1 / 0)
    assert run() == UNREADABLE
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "gone.toml"))
    assert run() == UNREADABLE
