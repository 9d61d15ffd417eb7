"""What lies about a filled far cheek: eased, but as deep as the head itself has it when that cheek turns further away."""

import dataclasses

import numpy as np
import pytest
import scipy.spatial
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.engine.errors import FormatError
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.portrait.mesh import divided
from soliloquy.engine.portrait.portrait import Portrait
from soliloquy.engine.portrait.surface import signed_distance
from soliloquy.engine.portrait.topology import CHIN, FACE_OVAL
from soliloquy.engine.render.drawing import _draw_part
from soliloquy.engine.render.pose import Poser

SEEN_TWICE = 0.04
"""Pupil distances by which the person may lie aside of the face that it shows: at twice as much lips were seen twice."""


def yawed(*yaw_deg: float) -> MotionClip:
    clip = MotionClip.neutral(len(yaw_deg))
    clip.head_rotation_deg[:, 0] = yaw_deg
    return clip


def posed(portrait: Portrait, yaw_deg: float) -> dict[str, np.ndarray]:
    return next(Poser(portrait).pose(yawed(yaw_deg), 0, 1)).vertices


def eased(portrait: Portrait) -> np.ndarray:
    """(V,) which vertices of the person lie shallower than they are by a tenth of a pupil distance and more."""
    return portrait.parts["person"].deeper_turned_away > 0.1 * portrait.units_per_metre * 0.063


@pytest.mark.parametrize("yaw_deg, goes", [(0, False), (-20, False), (1, True), (20, True)], ids=["rest", "back", "a little further", "further away"])
def test_the_person_lies_deeper_only_when_the_head_turns_further_away(three_quarters, yaw_deg, goes):
    flat = {name: dataclasses.replace(part, deeper_turned_away=None) for name, part in three_quarters.parts.items()}
    with_it, without = posed(three_quarters, yaw_deg), posed(dataclasses.replace(three_quarters, parts=flat), yaw_deg)
    assert eased(three_quarters).sum() > 50
    for name in ("person", "neck", "jaw"):
        assert (np.abs(with_it[name] - without[name]).max() > 1) == goes


def test_a_head_turned_further_away_shows_nothing_of_its_face_twice(three_quarters):
    """The person under the face lay so near about the far cheek that lips came out from behind their own corner."""
    pupil_distance = three_quarters.units_per_metre * 0.063
    person, face = three_quarters.parts["person"], three_quarters.parts["face"]
    inside = signed_distance(person.vertices[:, :2], three_quarters.landmarks_px[list(FACE_OVAL), :2])
    distance, nearest = scipy.spatial.cKDTree(face.vertices[:, :2]).query(person.vertices[:, :2])
    shows_face = eased(three_quarters) & (inside > 0.15 * pupil_distance) & (distance < 0.02 * pupil_distance)
    now = posed(three_quarters, 20)
    aside = (now["person"][shows_face, 0] - person.vertices[shows_face, 0]) - (now["face"][nearest[shows_face], 0] - face.vertices[nearest[shows_face], 0])
    assert shows_face.sum() > 20
    assert np.percentile(aside, 95) < SEEN_TWICE * pupil_distance
    at_rest = aside + np.sin(np.radians(20)) * person.deeper_turned_away[shows_face]
    assert np.percentile(at_rest, 95) > 2 * SEEN_TWICE * pupil_distance, "as deep as it lies at rest it would"


def test_a_neck_and_what_hangs_about_it_stay_where_they_are(three_quarters):
    """Beside the far cheek the person is eased, below the chin a necklace would be drawn along."""
    person, chin = three_quarters.parts["person"], three_quarters.landmarks_px[CHIN, 1]
    pupil_distance = three_quarters.units_per_metre * 0.063
    inside = signed_distance(person.vertices[:, :2], three_quarters.landmarks_px[list(FACE_OVAL), :2])
    outside, below = inside < -0.1 * pupil_distance, person.vertices[:, 1] > chin
    assert (outside & eased(three_quarters)).sum() > 10
    assert np.abs(person.deeper_turned_away[outside & below]).max() < 1e-3


def test_it_goes_deeper_without_a_jump(three_quarters):
    clip = yawed(*np.linspace(-3, 6, 46))
    person = np.stack([frame.vertices["person"] for frame in Poser(three_quarters).pose(clip, 0, len(clip))])[..., :2]
    steps = np.linalg.norm(np.diff(person, axis=0), axis=2).max(axis=1)
    assert steps.max() < 3 * np.median(steps)


def test_a_file_keeps_it_and_one_that_does_not_fit_is_refused(three_quarters, tmp_path):
    three_quarters.save(tmp_path / "a.portrait")
    back = Portrait.load(tmp_path / "a.portrait")
    assert back.parts["face"].deeper_turned_away is None
    assert np.array_equal(back.parts["jaw"].deeper_turned_away, three_quarters.parts["jaw"].deeper_turned_away.astype(np.float32))
    assert np.array_equal(back.parts["far_side"].comes_into_view, three_quarters.parts["far_side"].comes_into_view)
    count = len(three_quarters.parts["person"].vertices)
    for wrong in ({"deeper_turned_away": np.zeros(3)}, {"deeper_turned_away": np.full(count, np.nan)}, {"comes_into_view": np.zeros((count, 3))}):
        person = dataclasses.replace(three_quarters.parts["person"], **wrong)
        dataclasses.replace(three_quarters, parts=three_quarters.parts | {"person": person}).save(tmp_path / "b.portrait")
        with pytest.raises(FormatError, match="b.portrait"):
            Portrait.load(tmp_path / "b.portrait")


@given(st.integers(1, 5), st.integers(1, 5), st.randoms(use_true_random=False))
def test_dividing_some_triangles_tears_nothing_and_turns_none_over(columns, rows, random):
    x, y = np.meshgrid(np.arange(columns + 1.0), np.arange(rows + 1.0))
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    corner = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()
    triangles = np.concatenate([np.stack([corner, corner + columns + 2, corner + 1], 1), np.stack([corner, corner + columns + 1, corner + columns + 2], 1)])
    wanted = np.array([random.random() < 0.4 for _ in triangles])
    ends, divided_triangles = divided(triangles.astype(np.int32), wanted, len(points))
    every = np.concatenate([points, points[ends].mean(axis=1)])
    areas = [np.linalg.det(np.diff(where[these], axis=1)) for where, these in ((points, triangles), (every, divided_triangles))]
    assert areas[1].sum() == pytest.approx(areas[0].sum()) and (np.sign(areas[1]) == np.sign(areas[0][0])).all()
    assert len(divided_triangles) >= len(triangles) + 3 * wanted.sum()
    edges = np.sort(divided_triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    rim = every[unique[count == 1]]
    on_rim = [(rim[:, :, axis] == limit).all(axis=1) for axis, limits in enumerate(((0, columns), (0, rows))) for limit in limits]
    assert count.max() <= 2 and np.any(on_rim, axis=0).all(), "edges of one triangle lie on the grid's own rim: no vertex lies on another's edge"


@pytest.mark.parametrize("inside_matte", [True, False], ids=["turned out of sight", "at the matte's edge"])
def test_where_a_surface_turns_out_of_sight_its_outline_has_no_stairs(inside_matte):
    """A slanted end: within the matte it is drawn finer, at the matte's own edge alpha is soft by itself."""
    vertices = np.array([[2, 2, 0], [14, 2, 0], [22, 30, 0], [2, 30, 0]], np.float32)
    part = type("Part", (), {"triangles": np.array([[0, 1, 2], [0, 2, 3]], np.int32), "texture": "image"})
    image, within = np.full((32, 32, 4), 255, np.uint8), np.full((32, 32), inside_matte, np.uint8)
    window, depth = np.zeros((32, 32, 4), np.float32), np.full((32, 32), -np.inf, np.float32)
    _draw_part(window, depth, 0, 0, vertices, part, vertices[:, :2].copy(), np.ones((4, 4), np.float32), image, True, within)
    alpha = window[3:29, 10:, 3]
    between = ((alpha > 0) & (alpha < 1)).sum(axis=1)
    area = (14 + 22) / 2 - 9.5
    assert (between.mean() > 0.5) == inside_matte and alpha.sum(axis=1).mean() == pytest.approx(area, abs=0.3)
