"""Pictures of 8K: looked at through windows and in parts, with what a whole look would give, in memory that is bounded."""

from __future__ import annotations

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from soliloquy.engine.portrait import picture as reading
from soliloquy.engine.portrait import plate
from soliloquy.engine.portrait.eye_layers import FILL_SIDE_PX, fill_smoothly
from soliloquy.engine.portrait.picture import read_picture
from soliloquy.engine.portrait.window import values_at, window_around

LARGEST_BYTES = 1.5e9


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)


def test_through_a_window_one_sees_what_is_there(noise):
    points = np.random.default_rng(1).uniform((-20, 40), (120, 340), (50, 7, 2)).astype(np.float32)
    whole = cv2.remap(noise.astype(np.float32), points[..., 0], points[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    assert np.array_equal(values_at(noise, points), whole)


@pytest.mark.parametrize("points", [[(-90, -90)], [(500, 500)], [(10, 20), (30, 40)]])
def test_a_window_holds_at_least_a_pixel_of_the_picture(noise, points):
    assert noise[window_around(np.array(points, float), 0.0, noise.shape)].size > 0


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA", "CMYK", "I;16", "F", "profile"])
def test_a_picture_read_in_strips_is_the_picture(tmp_path, noise, monkeypatch, mode):
    path = tmp_path / "a.tif"
    if mode == "profile":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
        Image.fromarray(noise).save(path, icc_profile=profile)
    elif mode in ("I;16", "F"):
        deep = noise[..., 0].astype(np.uint16) * 257 if mode == "I;16" else noise[..., 0].astype(np.float32) / 255
        Image.fromarray(deep).save(path)
    else:
        translucent = Image.fromarray(np.dstack([noise, noise[..., 0]]))
        (translucent if mode in ("RGBA", "LA") else translucent.convert("RGB")).convert(mode).save(path)
    in_strips = read_picture(path)
    monkeypatch.setattr(reading, "STRIP_ROWS", 10_000)
    assert np.array_equal(in_strips, read_picture(path))


def test_layers_made_in_parts_are_the_layers(noise, monkeypatch):
    rows, columns = np.mgrid[:300, :400]
    matte = np.clip((110 - np.hypot(rows - 150, columns - 200)) / 12, 0, 1).astype(np.float32)
    at_once = plate.split_layers(noise, matte)
    monkeypatch.setattr(plate, "PART_PX", 5000)
    for layer, part in zip(at_once, plate.split_layers(noise, plate.eight_bit(matte)), strict=True):
        assert np.array_equal(layer, part)


def test_the_white_of_a_large_eye_is_completed_as_that_of_a_small_one():
    side = 2 * FILL_SIDE_PX
    rows, columns = np.mgrid[:side, :side].astype(np.float32) / side
    values = np.dstack([100 + 80 * columns, 120 + 40 * rows, 90 + 30 * rows * columns]).astype(np.float32)
    known = (np.hypot(rows - 0.5, columns - 0.5) > 0.3) & (np.hypot(rows - 0.5, columns - 0.5) < 0.45)
    large = fill_smoothly(values, known, 0.05 * side)
    small = fill_smoothly(values[::2, ::2], known[::2, ::2], 0.05 * side / 2)
    assert large.shape == values.shape and np.abs(large[::2, ::2] - small).max() < 2.0


@pytest.mark.slow
def test_an_8k_picture_is_taken_apart_in_bounded_memory(tmp_path, astronaut_path):
    large = cv2.resize(cv2.imread(str(astronaut_path)), (5460, 8192), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(tmp_path / "large.jpg"), large)
    command = ["build", str(tmp_path / "large.jpg"), str(tmp_path / "large.portrait")]
    printed = subprocess.run([sys.executable, "-P", "-m", "soliloquy.engine.measure.endurance", *command], capture_output=True, check=True)
    assert json.loads(printed.stdout.splitlines()[-1])["peak_bytes"] < LARGEST_BYTES
