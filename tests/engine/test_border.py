"""A scan's border: it stands still in front of whoever reaches it, and nothing of it is in what moves or is filled in."""

import dataclasses

import cv2
import numpy as np
import pytest
from soliloquy.engine.errors import FormatError
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.portrait.border import NO_BORDER, find_border, without_border
from soliloquy.engine.portrait.build import build_portrait
from soliloquy.engine.portrait.picture import read_picture
from soliloquy.engine.portrait.portrait import Portrait
from soliloquy.engine.render.render import render

LEFT, TOP, RIGHT, BOTTOM = WIDTHS = (6, 3, 0, 5)
GREEN = (40, 190, 60)


@pytest.fixture(scope="module")
def scan(hopper_path) -> np.ndarray:
    """Grace Hopper scanned with a plain border on three sides: her jacket reaches it."""
    picture = read_picture(hopper_path)[..., :3].copy()
    height = len(picture)
    edge = np.clip(np.random.default_rng(0).normal(GREEN, 1.5, picture.shape), 0, 255).astype(np.uint8)
    for part in (np.s_[:, :LEFT], np.s_[:TOP], np.s_[height - BOTTOM:]):
        picture[part] = edge[part]
    return picture


@pytest.fixture(scope="module")
def framed(scan, tmp_path_factory) -> Portrait:
    path = tmp_path_factory.mktemp("scan") / "scan.png"
    cv2.imwrite(str(path), scan[..., ::-1])
    return build_portrait(path)


def moved() -> MotionClip:
    clip = MotionClip.neutral(1)
    clip.head_rotation_deg[0], clip.head_translation_m[0] = (20, -10, 15), (0.03, 0.03, 0.2)
    return clip


def greenish(image: np.ndarray) -> np.ndarray:
    return np.abs(image[..., :3].astype(int) - GREEN).max(axis=-1) < 40


def test_it_is_found_to_the_pixel(scan):
    assert find_border(scan) == WIDTHS


def test_pictures_without_one_are_left_alone(astronaut_path, hopper_path, astronaut):
    pictures = [read_picture(path)[..., :3] for path in (astronaut_path, hopper_path)]
    assert [find_border(picture) for picture in pictures] == [NO_BORDER] * 2
    assert without_border(pictures[0], NO_BORDER) is pictures[0] and astronaut.border_px == NO_BORDER


def test_a_dark_backdrop_or_a_stripe_in_the_picture_is_no_border():
    picture = np.full((400, 300, 3), 20, np.uint8)
    picture[100:, 80:] = 200
    assert find_border(picture) == NO_BORDER
    picture[:30] = 200
    assert find_border(picture) == NO_BORDER, "as wide as that it is part of the scene"


def test_it_is_seen_at_rest_as_the_scan_shows_it(framed, scan):
    frame = next(render(framed, MotionClip.neutral(1)))
    assert framed.border_px == WIDTHS
    assert 10 * np.log10(255 ** 2 / ((frame.astype(float) - scan) ** 2).mean()) >= 45
    assert np.array_equal(frame[-BOTTOM:], scan[-BOTTOM:]) and np.array_equal(frame[:, :LEFT], scan[:, :LEFT])


@pytest.mark.parametrize("size", [None, (256, 300), (700, 400)])
def test_it_stands_still_before_a_head_that_moves(framed, size):
    still, turned = (next(render(framed, clip, size=size)).astype(int) for clip in (MotionClip.neutral(1), moved()))
    border = greenish(still)
    assert border.sum() > 200
    assert np.abs(still - turned).max(axis=2)[border].max() <= 4 and (np.abs(still - turned).max(axis=2) > 40).mean() > 0.05
    assert (greenish(turned) & ~cv2.dilate(border.astype(np.uint8), np.ones((5, 5))).astype(bool)).sum() == 0


def test_nothing_of_it_is_in_what_moves(framed):
    assert not greenish(framed.images["person"])[framed.images["person"][..., 3] > 0].any()
    alpha = next(render(framed, moved(), alpha=True))
    assert not greenish(alpha)[alpha[..., 3] > 8].any()


def test_it_is_kept_in_the_file_and_checked(framed, tmp_path):
    framed.save(tmp_path / "a.portrait")
    assert Portrait.load(tmp_path / "a.portrait").border_px == WIDTHS
    dataclasses.replace(framed, border_px=(400, 0, 400, 0)).save(tmp_path / "b.portrait")
    with pytest.raises(FormatError):
        Portrait.load(tmp_path / "b.portrait")
