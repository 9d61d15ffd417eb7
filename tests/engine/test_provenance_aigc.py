"""The metadata field AIGC (GB 45438-2025): in every output whose container has room for it, and read whoever wrote it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.provenance.aigc import FIELDS, aigc_value, png_chunk, read_aigc, with_chunk
from soliloquy.engine.provenance.consent import Rights
from soliloquy.engine.provenance.policy import FILE_VARIABLE, Policy, load_policy
from soliloquy.engine.provenance.seal import Seal
from soliloquy.engine.provenance.verify import INTACT, verify
from soliloquy.engine.render.write import ffmpeg_binary

PRODUCER = 'Studio "Ö" <1> = ; # \\ 中'


@pytest.fixture
def outputs(tmp_path) -> Path:
    seal = Seal(
        replace(Policy(), producer=PRODUCER), Rights("fictional").stated(), clip=MotionClip.neutral(2), inputs={}, sources={}
    )
    frame = np.full((64, 96, 3), 120, np.uint8)
    sinks = [
        seal.png_sink(tmp_path / "frames"),
        *(
            seal.video_sink(tmp_path / name, size=(96, 64), fps=Fraction(25), frames=2, audio=None)
            for name in ("video.mp4", "video.mov")
        ),
    ]
    for sink in sinks:
        with sink as opened:
            for _ in range(2):
                opened.write(frame)
    return tmp_path


def test_every_output_carries_it_and_stays_intact(outputs):
    for path in (outputs / "video.mp4", outputs / "video.mov", outputs / "frames"):
        (finding,) = verify(path)
        assert finding.status == INTACT, finding.text()
        assert (
            finding.aigc["Label"] == "1"
            and finding.aigc["ContentProducer"] == PRODUCER
            and len(finding.aigc["ProduceID"]) == 8
        )
        assert "The metadata field AIGC says: made by a machine" in finding.text()


def test_others_find_it_where_the_practice_guides_put_it(outputs):
    with Image.open(outputs / "frames" / "000001.png") as picture:
        assert '<TC260:AIGC>{&quot;Label&quot;:&quot;1&quot;' in picture.info["XML:com.adobe.xmp"]
    shown = subprocess.run([ffmpeg_binary(), "-i", str(outputs / "video.mp4")], capture_output=True, text=True).stderr
    assert 'AIGC            : {"Label":"1"' in shown, "a plain metadata key, as ffmpeg shows it"


def test_it_has_the_seven_fields_and_pictures_stay_as_they_are():
    assert list(json.loads(aigc_value("x", "1a2b3c4d"))) == list(FIELDS)
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 4)).astype(np.uint8)
    data = cv2.imencode(".png", picture)[1].tobytes()
    again = cv2.imdecode(np.frombuffer(with_chunk(data, png_chunk(aigc_value("x", "y"))), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(again, picture)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_what_other_programs_wrote_is_read(tmp_path, suffix):
    packet = png_chunk(aigc_value("another service", "77"))
    packet = (
        packet[packet.index(b"<?xpacket") : packet.rindex(b"?>") + 2]
        .replace(b"TC260:", b"tc260:")
        .replace(b":TC260=", b":tc260=")
    )
    path = tmp_path / f"a.{suffix}"
    with Image.fromarray(np.zeros((64, 64, 3), np.uint8)) as picture:
        if suffix == "tif":
            picture.save(path, tiffinfo={700: packet})
        elif suffix == "png":
            path.write_bytes(
                with_chunk(
                    cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))[1].tobytes(),
                    png_chunk(aigc_value("another service", "77")),
                )
            )
        else:
            picture.save(path, xmp=packet)
    assert read_aigc(path, is_video=False) == {"Label": "1", "ContentProducer": "another service", "ProduceID": "77"}
    assert "a note that it was made by a machine" in verify(path)[0].text()


@pytest.mark.parametrize("value", ["", "{", "[]", '"x"', "3", '{"AIGC": 3}', '{"Label": {"a": 1}}', "\x00" * 50])
def test_nonsense_is_no_field_and_no_crash(tmp_path, value):
    data = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    (tmp_path / "a.png").write_bytes(with_chunk(data, png_chunk(value)))
    assert read_aigc(tmp_path / "a.png", is_video=False) in (None, {}, {"Label": "{'a': 1}"})
    (tmp_path / "a.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + value.encode())
    assert read_aigc(tmp_path / "a.mp4", is_video=True) is None


def test_left_out_only_with_a_reason_that_is_told(outputs, tmp_path, monkeypatch):
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "policy.toml"))
    (tmp_path / "policy.toml").write_text('[aigc]\non = false\nreason = "not shown in China"\n')
    seal = Seal(load_policy(), Rights("fictional").stated(), clip=MotionClip.neutral(2), inputs={}, sources={})
    with seal.video_sink(tmp_path / "plain.mp4", size=(96, 64), fps=Fraction(25), frames=1, audio=None) as sink:
        sink.write(np.full((64, 96, 3), 120, np.uint8))
    (finding,) = verify(tmp_path / "plain.mp4")
    assert finding.aigc is None and "left out: not shown in China" in finding.text()
