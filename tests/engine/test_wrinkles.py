"""Folds that an expression presses into the skin: where anatomy has them, on their own side, and only as deep as asked."""

import numpy as np
import pytest
import torch

from soliloquy.engine.motion.clip import CHANNEL_INDEX
from soliloquy.engine.render.light import FaceLight
from soliloquy.engine.render.wrinkles import FOLDS, Wrinkles


def expression(**values):
    channels = np.zeros(len(CHANNEL_INDEX), np.float32)
    for name, value in values.items():
        channels[CHANNEL_INDEX[name]] = value
    return torch.from_numpy(channels)[None]


@pytest.fixture(scope="module")
def wrinkles(hopper):
    return Wrinkles(hopper)


def test_every_fold_names_channels_that_exist_and_lies_on_the_face(hopper, wrinkles):
    assert all(set(fold.channels) <= set(CHANNEL_INDEX) for fold in FOLDS)
    assert (wrinkles.furrows.max(axis=1) > 0.5).all(), "each furrow is caught by the mesh"


def test_a_face_at_rest_has_no_relief_of_ours(wrinkles):
    assert not wrinkles.height(expression()).any() and (wrinkles.shadow(expression()) == 1).all()


def test_a_smile_on_the_left_folds_the_left_cheek_only(hopper, wrinkles):
    height = np.abs(wrinkles.height(expression(mouthSmileLeft=1))[0].numpy())
    vertices = hopper.parts["face"].vertices
    middle = hopper.landmarks_px[1, 0]
    assert height[vertices[:, 0] > middle].max() > 0.3 and height[vertices[:, 0] < middle - 2].max() < 0.05 * height.max()


def test_a_cheek_rises_beside_the_fold_it_presses(hopper, wrinkles):
    height = wrinkles.height(expression(mouthSmileRight=1))[0].numpy()
    vertices = hopper.parts["face"].vertices[:, :2]
    cheek, lip = (np.linalg.norm(vertices - hopper.landmarks_px[n, :2], axis=1).argmin() for n in (50, 37))
    towards_cheek = hopper.landmarks_px[50, :2] - hopper.landmarks_px[206, :2]
    raised, pressed = vertices[height > 0.5 * height.max()], vertices[height < 0.5 * height.min()]
    assert (raised.mean(axis=0) - pressed.mean(axis=0)) @ towards_cheek > 0
    assert abs(height[lip]) < 0.2 * height.max() and abs(height[cheek]) < height.max()


def test_brows_line_the_forehead_above_them(hopper, wrinkles):
    furrowed = wrinkles.shadow(expression(browInnerUp=1, browOuterUpLeft=1, browOuterUpRight=1))[0].numpy() < 0.95
    assert furrowed.any() and hopper.parts["face"].vertices[furrowed, 1].max() < hopper.landmarks_px[[70, 300], 1].max()


def test_a_smile_that_the_picture_has_is_not_folded_again(astronaut):
    free = Wrinkles(astronaut)
    assert astronaut.rest["mouthSmileLeft"] > 0.4
    shown = free.height(expression(mouthSmileLeft=1)).abs().max()
    astronaut_without = type(astronaut)(**{**vars(astronaut), "rest": {}})
    assert shown < 0.75 * Wrinkles(astronaut_without).height(expression(mouthSmileLeft=1)).abs().max()


def test_the_light_shows_the_folds_and_leaves_a_face_without_them_alone(hopper):
    light = FaceLight(hopper)
    if not light.is_on:
        pytest.skip("this picture's light was not understood")
    vertices = torch.from_numpy(hopper.parts["face"].vertices)[None]
    assert np.allclose(light.factor(vertices, expression()), 1, atol=1e-4)
    folded = light.factor(vertices, expression(browInnerUp=1, browOuterUpLeft=1, browOuterUpRight=1))
    assert 0.75 < folded.min() < 0.97 and folded.max() < 1.15
