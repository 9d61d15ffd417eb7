"""read_picture: whatever a camera, scanner or archive writes becomes plain sRGB pixels, or one clear line."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from soliloquy.engine.errors import ImageError
from soliloquy.engine.portrait.picture import LARGEST_SIDE_PX, read_picture

HEIGHT, WIDTH = 96, 128


@pytest.fixture(scope="module")
def colours() -> np.ndarray:
    """A smooth colourful picture, so that lossy formats come close to it."""
    x, y = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(0, 1, HEIGHT))
    return np.rint(255 * np.stack([x, y, 0.5 + 0.4 * np.sin(3 * x + 2 * y)], 2)).astype(np.uint8)


@pytest.mark.parametrize(("name", "options", "tolerance"), [
    ("a.png", {}, 0), ("a.bmp", {}, 0), ("a.tif", {}, 0), ("a.jpg", {"quality": 95, "subsampling": 0}, 8),
    ("a.webp", {"lossless": True}, 0), ("a.webp", {"quality": 95}, 10),
])
def test_common_formats(tmp_path, colours, name, options, tolerance):
    Image.fromarray(colours).save(tmp_path / name, **options)
    read = read_picture(tmp_path / name)
    assert read.shape == (HEIGHT, WIDTH, 3) and read.dtype == np.uint8
    assert np.abs(read.astype(int) - colours).max() <= tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(tmp_path, colours, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = {1: colours, 2: colours[:, ::-1], 3: colours[::-1, ::-1], 4: colours[::-1], 5: colours.transpose(1, 0, 2),
              6: np.rot90(colours, 1), 7: np.rot90(colours, 2).transpose(1, 0, 2), 8: np.rot90(colours, -1)}[orientation]
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_picture(tmp_path / "a.png"), colours)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits(tmp_path, colours, suffix, channels):
    deep = colours.astype(np.uint16) * 257
    deep = np.dstack([deep, np.full((HEIGHT, WIDTH), 30000, np.uint16)]) if channels == 4 else deep[..., :channels]
    blue_first = deep[..., [2, 1, 0, 3][:channels]] if channels > 1 else deep
    cv2.imwrite(str(tmp_path / f"a{suffix}"), blue_first)
    read = read_picture(tmp_path / f"a{suffix}")
    expected = np.repeat(colours[..., :1], 3, axis=2) if channels == 1 else colours
    assert np.abs(read[..., :3].astype(int) - expected).max() <= 1
    if channels == 4:
        assert set(np.unique(read[..., 3])) <= {116, 117}


def test_grayscale_and_palette(tmp_path, colours):
    grey = Image.fromarray(colours).convert("L")
    grey.save(tmp_path / "grey.jpg", quality=95)
    read = read_picture(tmp_path / "grey.jpg")
    assert np.array_equal(read[..., 0], read[..., 2]) and np.abs(read[..., 0].astype(int) - np.asarray(grey)).max() <= 4
    Image.fromarray(colours).quantize(64).save(tmp_path / "palette.png")
    assert np.abs(read_picture(tmp_path / "palette.png").astype(int) - colours).mean() < 12


def test_alpha_is_straight_and_dropped_when_opaque(tmp_path, colours):
    alpha = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    Image.fromarray(np.dstack([colours, alpha])).save(tmp_path / "a.png")
    read = read_picture(tmp_path / "a.png")
    assert np.array_equal(read, np.dstack([colours, alpha]))
    Image.fromarray(np.dstack([colours, np.full_like(alpha, 255)])).save(tmp_path / "b.png")
    assert read_picture(tmp_path / "b.png").shape == (HEIGHT, WIDTH, 3)


def test_cmyk_jpeg(tmp_path, colours):
    Image.fromarray(colours).convert("CMYK").save(tmp_path / "a.jpg", quality=98, subsampling=0)
    assert np.abs(read_picture(tmp_path / "a.jpg").astype(int) - colours).mean() < 4


def test_colour_profile_is_converted(tmp_path):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    grey = Image.new("LAB", (WIDTH, HEIGHT), (128, 128, 128))
    grey.save(tmp_path / "a.tif", icc_profile=lab)
    read = read_picture(tmp_path / "a.tif")
    assert np.abs(read.astype(int) - 119).max() <= 2  # CIE L* 50 is sRGB 119


def test_unusable_profile_is_ignored(tmp_path, colours):
    Image.fromarray(colours).save(tmp_path / "a.png", icc_profile=b"no profile at all")
    assert np.array_equal(read_picture(tmp_path / "a.png"), colours)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_truncated_picture_is_refused(tmp_path, colours, suffix):
    buffer = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    Image.fromarray(noise).save(buffer, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix))
    data = buffer.getvalue()
    (tmp_path / f"a.{suffix}").write_bytes(data[:len(data) // 2])
    with pytest.raises(ImageError, match=rf"a\.{suffix}") as caught:
        read_picture(tmp_path / f"a.{suffix}")
    assert "\n" not in str(caught.value)


def test_size_limits(tmp_path):
    Image.new("L", (63, 200)).save(tmp_path / "small.png")
    with pytest.raises(ImageError, match="63 x 200"):
        read_picture(tmp_path / "small.png")
    Image.new("1", (LARGEST_SIDE_PX + 1, 64)).save(tmp_path / "wide.png")
    with pytest.raises(ImageError, match="largest side"):
        read_picture(tmp_path / "wide.png")
    chunks = (b"IHDR" + struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(b"\0" * 99999))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks))
    with pytest.raises(ImageError, match="Scale it down"):
        read_picture(tmp_path / "bomb.png")


def test_eight_k_is_read(tmp_path):
    Image.new("L", (7680, 4320), 90).save(tmp_path / "a.png", compress_level=1)
    assert read_picture(tmp_path / "a.png").shape == (4320, 7680, 3)


@pytest.mark.parametrize("content", [b"", b"just text\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_not_a_picture(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match="a.png"):
        read_picture(tmp_path / "a.png")


def test_missing_picture(tmp_path):
    with pytest.raises(ImageError, match="There is no picture"):
        read_picture(tmp_path / "none.png")
