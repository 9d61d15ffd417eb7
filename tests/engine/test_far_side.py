"""The far cheek of a face turned away: filled from the near one, and only while it is in view."""

import dataclasses

import numpy as np
import pytest
import scipy.spatial
from soliloquy.engine.motion.clip import CHANNEL_INDEX, MotionClip
from soliloquy.engine.portrait.build import assemble
from soliloquy.engine.portrait.far_side import far_side_part
from soliloquy.engine.portrait.fit import fit_face
from soliloquy.engine.portrait.picture import read_picture
from soliloquy.engine.render.pose import Poser
from soliloquy.engine.render.render import render

AWAY_DEG = 38


@pytest.fixture(scope="module")
def image(astronaut_path) -> np.ndarray:
    return np.ascontiguousarray(read_picture(astronaut_path)[..., :3])


@pytest.fixture(scope="module")
def turned_points(astronaut) -> np.ndarray:
    """Landmarks as of a face turned to the picture's right: its far side is at the picture's right."""
    points = astronaut.landmarks_px.astype(np.float64)
    middle, angle = points.mean(axis=0), np.deg2rad(AWAY_DEG)
    about_y = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    return ((points - middle) @ about_y.T + middle).astype(np.float32)


@pytest.fixture(scope="module")
def turned(image, turned_points, astronaut):
    portrait = assemble(image, turned_points, fit_face(turned_points), np.ones(image.shape[:2], np.float32))
    portrait.images |= {"person": astronaut.images["person"]}
    return portrait


def shown(portrait, yaw_deg: float) -> np.ndarray:
    clip = MotionClip.neutral(1)
    clip.head_rotation_deg[0, 0] = yaw_deg
    return next(Poser(portrait).pose(clip, 0, 1)).colour["far_side"][:, 3]


def test_a_frontal_face_has_none(image, astronaut):
    matte = np.ones(image.shape[:2], np.float32)
    assert far_side_part(image, matte, fit_face(astronaut.landmarks_px)) is None and "far_side" not in astronaut.parts


def test_the_far_cheek_is_looked_up_on_the_near_one(turned, turned_points):
    part, nose = turned.parts["far_side"], turned_points[1, 0]
    wanted = part.colour[:, 3] > 0.5
    assert wanted.sum() > 100
    assert (part.vertices[wanted, 0] > turned_points[168, 0]).mean() > 0.9, "beyond the bridge of the nose"
    assert (part.uv[wanted, 0] * turned.size[0] < nose).mean() > 0.9


def test_where_the_outline_is_soft_the_near_cheek_is_wanted_too(image, turned, turned_points):
    nearly_all = np.ones(image.shape[:2], np.float32)
    edge = int(np.quantile(turned.parts["far_side"].vertices[:, 0], 0.2))
    nearly_all[:, edge:] = 0
    cut = far_side_part(image, nearly_all, fit_face(turned_points))
    beside = lambda part: part.colour[np.abs(part.vertices[:, 0] - edge) < 8, 3].sum()  # noqa: E731
    assert beside(cut) > 1.2 * beside(turned.parts["far_side"])


def test_it_comes_into_view_as_the_head_turns_back_and_never_at_rest(turned):
    assert shown(turned, 0).max() == 0 and shown(turned, 15).max() == 0, "turned further away"
    assert shown(turned, -20).max() > 0.8
    assert np.quantile(shown(turned, -20), 0.9) > np.quantile(shown(turned, -6), 0.9)


def test_the_fill_has_the_colours_of_the_far_side(image, turned_points):
    """A light from the far side: the fill is brighter than the near cheek it is taken from."""
    ramp = np.linspace(0.6, 1.3, image.shape[1])[None, :, None]
    lit = np.broadcast_to(120 * ramp, image.shape).astype(np.uint8)
    part = far_side_part(lit, np.ones(lit.shape[:2], np.float32), fit_face(turned_points))
    assert np.median(part.colour[part.colour[:, 3] > 0.5, :3]) > 1.05


def test_lids_lie_before_a_fill_that_is_not_seen(turned, astronaut):
    clip = MotionClip.neutral(1)
    clip.channels[0, [CHANNEL_INDEX["eyeBlinkLeft"], CHANNEL_INDEX["eyeBlinkRight"]]] = 1.0
    whole = dataclasses.replace(turned, images=turned.images | {name: astronaut.images[name] for name in ("plate", "halo")})
    without = dataclasses.replace(whole, parts={name: part for name, part in whole.parts.items() if name != "far_side"})
    frames = [next(render(portrait, clip)).astype(int) for portrait in (whole, without)]
    assert np.abs(frames[0] - frames[1]).max() <= 2


def test_a_temple_that_has_turned_away_is_not_seen_through_the_eye(turned):
    face, pupil_distance = turned.parts["face"].vertices, turned.units_per_metre * 0.063
    rim = face[turned.apertures["eye_left"]]
    behind, _ = scipy.spatial.cKDTree(rim[:, :2]).query(face[:, :2])
    behind = (behind < 0.1 * pupil_distance) & (face[:, 2] < rim[:, 2].min() - 0.3 * pupil_distance)
    clip = MotionClip.neutral(1)
    clip.head_rotation_deg[0, 0] = 15.0
    assert behind.sum() > 10
    assert next(Poser(turned).pose(clip, 0, 1)).colour["face"][behind, 3].max() < 0.1
