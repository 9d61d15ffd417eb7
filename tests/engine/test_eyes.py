"""What eyes must do: be the picture at rest, travel as a human eye does, leave no ring behind, keep the catch-light with
the light."""

import dataclasses
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from soliloquy.engine.motion.clip import CHANNEL_INDEX, MotionClip
from soliloquy.engine.portrait.eye_layers import find_iris, take_apart
from soliloquy.engine.portrait.eyes import IRIS_LEVER, shadow_share
from soliloquy.engine.portrait.picture import read_picture
from soliloquy.engine.render.lidshadow import LidShadow, below_lid, shadow_at
from soliloquy.engine.render.pose import Poser
from soliloquy.engine.render.render import render

CENTRE, RADIUS, PD = np.array([60.0, 40.0]), 14.0, 150.0
WHITE, BROWN, SKIN = (225, 222, 215), (92, 60, 38), (196, 150, 128)


def painted_eye() -> tuple[np.ndarray, np.ndarray]:
    """An eye as it could be photographed: (80, 120, 3) uint8 and the opening between the lids."""
    scale = 8
    image = np.full((80 * scale, 120 * scale, 3), SKIN, np.uint8)
    opening = np.zeros(image.shape[:2], np.uint8)
    cv2.ellipse(opening, (60 * scale, 40 * scale), (38 * scale, 15 * scale), 0, 0, 360, 255, -1)
    eye = np.full_like(image, WHITE)
    middle = tuple(int(c * scale) for c in CENTRE)
    cv2.circle(eye, middle, int(RADIUS * scale), BROWN, -1)
    cv2.circle(eye, middle, int(0.45 * RADIUS * scale), (18, 14, 12), -1)
    cv2.circle(eye, (middle[0] - 4 * scale, middle[1] - 4 * scale), int(1.8 * scale), (255, 255, 255), -1)
    image[opening > 0] = eye[opening > 0]
    small = cv2.resize(image, (120, 80), interpolation=cv2.INTER_AREA)
    return small, cv2.resize(opening, (120, 80), interpolation=cv2.INTER_AREA) > 127


@pytest.fixture(scope="module")
def layers():
    image, opening = painted_eye()
    return image, opening, take_apart(image, opening, np.ones(opening.shape), CENTRE, RADIUS, PD)


def over(front, back):
    share = front[..., 3:].astype(float) / 255
    return front[..., :3] * share + back[..., :3] * (1 - share)


def test_the_layers_together_are_the_picture(layers):
    image, opening, eye = layers
    together = over(eye.glint, over(eye.iris, eye.white))
    inner = cv2.erode(opening.astype(np.uint8), np.ones((3, 3))) > 0
    assert np.abs(together[inner] - image[inner]).mean() < 2.0


def test_no_ring_of_iris_stays_in_the_white(layers):
    _, opening, eye = layers
    rows, columns = np.mgrid[:80, :120]
    ring = (np.hypot(columns - CENTRE[0], rows - CENTRE[1]) < 1.4 * RADIUS) & (np.abs(rows - 40) < 10)
    white = eye.white[..., :3].astype(float).mean(axis=2)[ring]
    assert white.min() > 0.85 * np.mean(WHITE)


def test_a_white_that_the_picture_hides_has_the_light_of_its_side():
    """The iris lies in the right corner of an eye whose right side is in the shade: what a look to the left bares there is no bright wedge."""
    image, opening = painted_eye()
    columns = np.arange(120)
    image[opening] = WHITE
    image[opening & (columns > 68)] = BROWN
    image[~opening] = (image * np.interp(columns, (30, 90), (1.0, 0.4))[None, :, None])[~opening].astype(np.uint8)
    white = take_apart(image, opening, np.ones(opening.shape), CENTRE + (22, 0), RADIUS, PD).white[40, :, :3].astype(float)
    assert np.abs(white[28:60] - WHITE).max() < 12, "where the picture shows it, it is the picture's"
    assert white[92].mean() < 0.75 * np.mean(WHITE)
    assert np.diff(white[30:100].mean(axis=1)).min() > -15, "and nowhere has an edge"


def test_a_white_that_the_picture_hides_turns_from_the_light(layers):
    """However bright what shows is: a look aside bares no glaring patch, and no edge."""
    _, _, eye = layers
    line = eye.white[int(CENTRE[1]), 30:92, :3].astype(float).mean(axis=1)
    assert 0.75 * np.mean(WHITE) < line[30] < 0.88 * np.mean(WHITE)
    assert np.abs(np.diff(line)).max() < 8


def test_a_white_that_the_picture_hides_has_its_grain_and_no_other_place(layers):
    """A look aside bared a flat patch between cracks or film grain; at rest the layers are the picture all the same."""
    image, opening, smooth = layers
    grain = np.random.default_rng(3).normal(0, 8, image.shape)
    eye = take_apart(image, opening, np.ones(opening.shape), CENTRE, RADIUS, PD, grain)
    rows, columns = np.mgrid[:80, :120]
    away = np.hypot(columns - CENTRE[0], rows - CENTRE[1]) / RADIUS
    added = eye.white[..., :3].astype(float) - smooth.white[..., :3]
    assert np.abs(added[opening & (away < 0.5)] - grain[opening & (away < 0.5)]).mean() < 1.5
    assert np.abs(added[opening & (away > 1.1)]).max() == 0 and np.array_equal(eye.iris, smooth.iris)
    inner = cv2.erode(opening.astype(np.uint8), np.ones((3, 3))) > 0
    assert np.abs(over(eye.iris, eye.white)[inner] - over(smooth.iris, smooth.white)[inner]).max() < 3


def test_the_catch_light_is_not_on_the_iris(layers):
    _, _, eye = layers
    y, x = int(CENTRE[1]) - 4, int(CENTRE[0]) - 4
    assert eye.iris[y, x, :3].mean() < 110 and eye.glint[y, x, 3] > 200 and eye.glint[y, x, :3].mean() > 230
    assert (eye.glint[..., 3] > 0).sum() < 60


def test_the_hidden_part_of_the_iris_is_there(layers):
    _, _, eye = layers
    column = eye.iris[int(CENTRE[1] - 0.7 * RADIUS):int(CENTRE[1] + 0.7 * RADIUS), int(CENTRE[0])]
    assert (column[:, 3] == 255).all() and column[:, :3].mean(axis=1).max() < 110


@pytest.mark.parametrize("off", [(1.2, -0.8), (-1.5, 0.5), (0.0, 0.0)])
def test_the_iris_is_found_where_it_is(off):
    image, opening = painted_eye()
    centre, radius = find_iris(image, opening, CENTRE + off, 1.12 * RADIUS)
    assert np.hypot(*(centre - CENTRE)) < 1.2 and abs(radius - RADIUS) < 1.2


@pytest.mark.parametrize("yaw, pitch", [(25, 0), (-25, 0), (0, 15), (0, -15), (14, -9)])
def test_the_iris_travels_as_far_as_a_human_eye_turns(hopper, yaw, pitch):
    clip = MotionClip.neutral(2)
    clip.gaze_deg[1] = (yaw, pitch)
    rest, turned = (frame.vertices for frame in Poser(hopper).pose(clip, 0, 2))
    for side in ("left", "right"):
        moved = (turned[f"iris_{side}"] - rest[f"iris_{side}"])[0, :2] / (hopper.units_per_metre * 0.063)
        expected = IRIS_LEVER * np.array([np.sin(np.radians(yaw)) * np.cos(np.radians(pitch)), -np.sin(np.radians(pitch))])
        assert moved == pytest.approx(expected, abs=0.006)


def test_the_catch_light_goes_half_as_far(astronaut):
    glints = [name for name in astronaut.parts if name.startswith("glint")]
    assert glints, "the astronaut's eyes catch the light"
    clip = MotionClip.neutral(2)
    clip.gaze_deg[1] = (15, 0)
    rest, turned = (frame.vertices for frame in Poser(astronaut).pose(clip, 0, 2))
    for name in glints:
        iris = name.replace("glint", "iris")
        ratio = (turned[name] - rest[name])[0, 0] / (turned[iris] - rest[iris])[0, 0]
        assert ratio == pytest.approx(0.5, abs=0.03)


def test_both_eyes_converge_when_told(hopper):
    clip = MotionClip.neutral(2)
    clip.gaze_deg[1] = ((-6, 0), (6, 0))
    rest, turned = (frame.vertices for frame in Poser(hopper).pose(clip, 0, 2))
    assert (turned["iris_left"] - rest["iris_left"])[0, 0] < 0 < (turned["iris_right"] - rest["iris_right"])[0, 0]


def test_the_lids_shadow_comes_down_with_the_lid(hopper):
    shadow = LidShadow(hopper)
    clip = MotionClip.neutral(2)
    clip.channels[1, :14] = 0
    clip.channels[1, [0, 7]] = 0.6
    shaded = shadow.colours(Poser(hopper).pose_together(clip, 0, 2).vertices)
    assert shaded, "the picture's lids throw a shadow"
    for name, (at_rest, now) in shaded.items():
        assert np.allclose(at_rest, hopper.parts[name].colour, atol=0.01)
        assert now[:, 0].mean() < at_rest[:, 0].mean() - 0.01


def test_the_shadow_that_is_taken_out_of_the_picture_is_the_one_that_frames_put_back():
    """Once in NumPy and once as tensors of many frames; also of an eye that lies askew."""
    random = np.random.default_rng(3)
    upper = np.column_stack([np.linspace(300, 380, 9), 200 + 12 * random.random(9), np.zeros(9)])
    points, down = random.uniform((270, 170), (410, 260), (500, 2)), np.array([0.3, 0.954])
    fit = SimpleNamespace(pupil_distance=150.0, down=down / np.linalg.norm(down))
    tensors = (torch.from_numpy(known)[None] for known in (points, upper[:, :2], fit.down))
    assert shadow_share(points, upper, fit) == pytest.approx(shadow_at(below_lid(*tensors), 150.0)[0].numpy(), abs=1e-9)


def test_a_lid_that_comes_down_darkens_a_white_that_has_no_shadow_at_rest_and_one_that_rises_does_not_brighten_it(hopper):
    bare = {name: dataclasses.replace(part, colour=np.ones_like(part.colour)) for name, part in hopper.parts.items() if "eye_" in name}
    shadow = LidShadow(dataclasses.replace(hopper, parts=hopper.parts | bare))
    clip = MotionClip.neutral(3)
    for frame, channel in ((1, "eyeBlink"), (2, "eyeWide")):
        for side in ("Left", "Right"):
            clip.channels[frame, CHANNEL_INDEX[f"{channel}{side}"]] = 0.7
    shaded = shadow.colours(Poser(hopper).pose_together(clip, 0, 3).vertices)
    for name in bare:
        at_rest, half_shut, wide = shaded[name][..., 0]
        assert np.allclose(at_rest, 1.0, atol=1e-3) and half_shut.min() < 0.85 and wide.max() < 1.001


@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_eyes_at_rest_are_the_picture(name, request):
    portrait = request.getfixturevalue(name)
    source = read_picture(request.getfixturevalue(f"{name}_path"))[..., :3]
    frame = next(render(portrait, MotionClip.neutral(1)))
    for rim in ("eye_left", "eye_right"):
        points = portrait.parts["face"].vertices[portrait.apertures[rim], :2]
        (left, top), (right, bottom) = np.floor(points.min(0)).astype(int), np.ceil(points.max(0)).astype(int) + 1
        error = ((frame[top:bottom, left:right].astype(float) - source[top:bottom, left:right]) ** 2).mean()
        assert 10 * np.log10(255 ** 2 / max(error, 1e-9)) > 36
