"""A chin that turns slides over the neck: it takes nothing along that hangs below it, and leaves no hole."""

import dataclasses

import cv2
import numpy as np
import pytest
import scipy.ndimage
import scipy.spatial
import torch
from scipy.interpolate import LinearNDInterpolator as interpolate
from soliloquy.engine.motion.clip import CHANNEL_INDEX, MotionClip
from soliloquy.engine.portrait.build import assemble
from soliloquy.engine.portrait.fit import PUPIL_DISTANCE_M, fit_face
from soliloquy.engine.portrait.jaw_line import find_jaw_line
from soliloquy.engine.portrait.neck import JAW_COLUMNS, JAW_ON_LINE, NECK_COLUMNS, NECK_ON_LINE, neck_parts
from soliloquy.engine.portrait.picture import read_picture
from soliloquy.engine.portrait.portrait import Portrait
from soliloquy.engine.portrait.sides import eased_sides
from soliloquy.engine.portrait.topology import CHIN
from soliloquy.engine.render.neck_opening import STAYS_WITH_NECK, NeckOpening
from soliloquy.engine.render.pose import Poser
from soliloquy.engine.render.render import render
from soliloquy.engine.render.stage import Stage

MARK = (255, 0, 255)


def turned(*rotations_deg) -> MotionClip:
    clip = MotionClip.neutral(len(rotations_deg))
    clip.head_rotation_deg[:] = rotations_deg
    return clip


def pupil_distance(portrait: Portrait) -> float:
    return portrait.units_per_metre * PUPIL_DISTANCE_M


def one_surface(portrait: Portrait) -> Portrait:
    """The portrait without what is seen where it opens."""
    return dataclasses.replace(portrait, parts={name: part for name, part in portrait.parts.items() if name not in ("neck", "jaw")})


def openings(portrait: Portrait, clip: MotionClip) -> np.ndarray:
    posed = Poser(portrait).pose_together(clip, 0, len(clip.channels))
    return NeckOpening(portrait).openings(posed.vertices).numpy()


@pytest.fixture(scope="module")
def picture(astronaut_path) -> np.ndarray:
    return np.ascontiguousarray(read_picture(astronaut_path)[..., :3])


@pytest.fixture(scope="module")
def fit(astronaut):
    return eased_sides(fit_face(astronaut.landmarks_px))


@pytest.fixture(scope="module")
def matte(astronaut) -> np.ndarray:
    return astronaut.images["person"][..., 3] / np.float32(255)


@pytest.fixture(scope="module")
def marked(astronaut) -> tuple[Portrait, np.ndarray]:
    """The portrait with a mark painted on its neck a little below the chin, and where that is."""
    place = astronaut.landmarks_px[CHIN, :2] + (0, 0.22 * pupil_distance(astronaut))
    images = {name: image.copy() for name, image in astronaut.images.items()}
    for name in ("person", "halo"):
        cv2.circle(images[name], tuple(int(value) for value in place), 2, (*MARK, 255)[:images[name].shape[2]], -1)
    return dataclasses.replace(astronaut, images=images), place


def mark_in(portrait: Portrait, unmarked: Portrait, clip: MotionClip) -> np.ndarray:
    """(2,) where the mark is seen, px."""
    first, second = (next(render(shown, clip)).astype(float) for shown in (portrait, unmarked))
    return np.array(scipy.ndimage.center_of_mass(np.abs(first - second).sum(axis=2)))[::-1]


@pytest.mark.parametrize("yaw_deg", [-22, 22])
def test_a_turning_chin_takes_nothing_along_that_hangs_below_it(marked, astronaut, yaw_deg):
    portrait, place = marked
    clip = turned((yaw_deg, 0, 0))
    whole, opened = mark_in(one_surface(portrait), one_surface(astronaut), clip), mark_in(portrait, astronaut, clip)
    posed = next(Poser(portrait).pose(clip, 0, 1)).vertices
    nearest = np.linalg.norm(portrait.parts["neck"].vertices[:, :2] - place, axis=1).argmin()
    neck = (posed["neck"] - portrait.parts["neck"].vertices)[nearest, 0]
    dragged, moved = (abs(seen[0] - place[0] - neck) / pupil_distance(portrait) for seen in (whole, opened))
    assert moved < 0.06 and moved < dragged / 2, f"{moved:.3f} with and {dragged:.3f} pupil distances without the opening"


@pytest.mark.parametrize("yaw_deg", [-22, 22])
def test_what_is_half_gone_of_the_person_lies_upon_the_neck(astronaut, yaw_deg):
    """It went along with what lies right below the jaw, and a necklace further down was seen twice, on the neck and beside it."""
    person = torch.from_numpy(astronaut.parts["person"].vertices[:, :2])
    neck = astronaut.parts["neck"].vertices.reshape(-1, NECK_COLUMNS, 3)[:, NECK_ON_LINE:, :2]
    posed = Poser(astronaut).pose_together(turned((yaw_deg, 0, 0)), 0, 1).vertices
    moves = posed["neck"][0].numpy().reshape(-1, NECK_COLUMNS, 3)[:, NECK_ON_LINE:, :2] - neck
    opening = NeckOpening(astronaut)
    gone, drawn_back = opening.on_person(torch.ones(1, len(neck)), posed)
    at_rest = person[opening.moved].numpy()
    person_moves = (posed["person"][0, opening.moved, :2] + drawn_back[0]).numpy() - at_rest
    on_neck, right_below = (interpolate(neck.reshape(-1, 2), known.reshape(-1, 2))(at_rest)
                            for known in (moves, np.broadcast_to(moves[:, :1], moves.shape)))
    from_line = scipy.spatial.cKDTree(neck[:, 0]).query(at_rest)[0] / pupil_distance(astronaut)
    half_gone = (gone[0].numpy() < 0.8) & np.isfinite(on_neck[:, 0]) & (from_line > STAYS_WITH_NECK[1])
    apart, along = (np.linalg.norm((person_moves - known)[half_gone], axis=1) / pupil_distance(astronaut) for known in (on_neck, right_below))
    assert half_gone.sum() > 20 and np.quantile(apart, 0.95) < 0.05 and np.quantile(along, 0.95) > 0.1


def test_the_head_as_the_picture_has_it_speaking_leaning_or_looking_up_opens_nothing(astronaut):
    clip = turned((0, 0, 0), (0, 20, 0), (0, 0, 20), (5, 4, 0), (0, 0, 0), (0, 0, 0))
    clip.channels[4, CHANNEL_INDEX["jawOpen"]] = 1.0
    clip.head_translation_m[5] = (0.0, 0.0, 0.25)
    assert openings(astronaut, clip).max() < 0.01
    for shown, whole in zip(render(astronaut, clip), render(one_surface(astronaut), clip)):
        assert np.abs(shown.astype(int) - whole).max() <= 1


def test_it_opens_as_the_head_turns_without_a_jump(astronaut):
    course = openings(astronaut, turned(*((yaw, 0, 0) for yaw in np.linspace(0, 25, 51)))).max(axis=1)
    assert course[0] == 0 and course[-1] > 0.95
    assert np.diff(course).min() > -1e-3 and np.diff(course).max() < 0.1


def test_a_slide_that_leaves_neck_uncovered_draws_it_out_and_opens_nothing(astronaut):
    """Turned to the picture's right, the jaw's left side uncovers neck: what is below it there stays attached."""
    jaw = astronaut.parts["jaw"].vertices.reshape(-1, JAW_COLUMNS, 3)[:, JAW_ON_LINE]
    opened = openings(astronaut, turned((22, 0, 0)))[0]
    uncovered = jaw[:, 0] < astronaut.landmarks_px[CHIN, 0] - 0.35 * pupil_distance(astronaut)
    assert uncovered.any() and opened[uncovered].max() < 0.05 < opened.max()


def holes(alpha: np.ndarray) -> int:
    """Pixels of see-through areas that the person surrounds."""
    areas, _ = scipy.ndimage.label(alpha < 200)
    outside = np.unique(np.concatenate([areas[0], areas[-1], areas[:, 0], areas[:, -1]]))
    return int((~np.isin(areas, outside)).sum())


@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_no_turn_tears_a_hole_into_the_neck(name, request):
    portrait = request.getfixturevalue(name)
    clip = turned(*np.random.default_rng(0).uniform((-25, -20, -20), (25, 20, 20), (16, 3)))
    for shown, whole, rotation in zip(render(portrait, clip, alpha=True), render(one_surface(portrait), clip, alpha=True), clip.head_rotation_deg):
        assert holes(shown[..., 3]) <= holes(whole[..., 3]) + 8, rotation


def test_the_line_follows_the_chin_and_not_the_collar_that_stands_out_more(picture, matte, fit):
    line = find_jaw_line(picture, matte, fit)
    below_chin = (line.places - fit.surface[CHIN, :2]) @ fit.down
    near = np.abs(line.places[:, 0] - fit.surface[CHIN, 0]) < 0.3 * fit.pupil_distance
    assert np.abs(below_chin[near]).max() < 0.12 * fit.pupil_distance, "the collar is a quarter of a pupil distance below"


def test_the_line_goes_about_a_beard(picture, matte, fit):
    """A beard is painted on the chin, down to a fifth of a pupil distance below it."""
    length = 0.2 * fit.pupil_distance
    bearded, chin = picture.copy(), fit.surface[CHIN, :2]
    light = cv2.GaussianBlur(np.full_like(picture, 215), (0, 0), 1)
    neck = tuple(int(value) for value in chin + (0, 0.5 * fit.pupil_distance))
    cv2.ellipse(bearded, neck, (int(1.2 * fit.pupil_distance), int(0.9 * fit.pupil_distance)), 0, 0, 360, light[0, 0].tolist(), -1)
    middle = tuple(int(value) for value in chin + (0, length - 0.8 * fit.pupil_distance))
    cv2.ellipse(bearded, middle, (int(0.9 * fit.pupil_distance), int(0.8 * fit.pupil_distance)), 0, 0, 360, (40, 30, 25), -1)
    line = find_jaw_line(bearded, np.ones_like(matte), fit)
    near = np.abs(line.places[:, 0] - chin[0]) < 0.2 * fit.pupil_distance
    below = ((line.places - chin) @ fit.down)[near] / fit.pupil_distance
    assert np.abs(below - 0.2).max() < 0.07


def test_a_picture_without_a_neck_below_the_chin_has_no_parts_to_open(picture, fit, matte):
    """A mask on a white wall: nothing but background beside and below the face."""
    line = find_jaw_line(picture, np.zeros_like(matte), fit)
    assert line.share.max() == 0 and neck_parts(line, fit, None, None) == {}


def test_a_portrait_of_such_a_picture_is_drawn(picture, fit, astronaut):
    faceless = np.zeros(picture.shape[:2], np.float32)
    hull = cv2.convexHull(astronaut.landmarks_px[:, :2].astype(np.int32))
    cv2.fillConvexPoly(faceless, hull, 1.0)
    portrait = assemble(picture, astronaut.landmarks_px, fit_face(astronaut.landmarks_px), faceless)
    portrait.images |= {name: astronaut.images[name] for name in ("plate", "halo")}
    portrait.images["person"] = np.dstack([picture, np.uint8(255 * faceless)])
    assert next(render(portrait, turned((25, -10, 0)))).shape == picture.shape


@pytest.mark.parametrize("missing", ["jaw", "neck", "a row"])
def test_a_file_whose_parts_do_not_fit_is_drawn_as_one_surface(astronaut, missing):
    parts = dict(astronaut.parts)
    if missing == "a row":
        parts["neck"] = parts["jaw"]
    else:
        del parts[missing]
    clip = turned((25, 0, 0))
    shown, whole = (next(render(portrait, clip)) for portrait in (dataclasses.replace(astronaut, parts=parts), one_surface(astronaut)))
    assert np.array_equal(shown, whole)


def test_both_parts_lie_on_one_line_and_what_they_show_is_inside_the_picture(astronaut):
    jaw, neck = (astronaut.parts[name] for name in ("jaw", "neck"))
    on_line = [part.vertices.reshape(-1, columns, 3)[:, place, :2]
               for part, columns, place in ((jaw, JAW_COLUMNS, JAW_ON_LINE), (neck, NECK_COLUMNS, NECK_ON_LINE))]
    assert np.array_equal(*on_line)
    assert np.allclose(jaw.uv, (jaw.vertices[:, :2] + 0.5) / astronaut.size, atol=1e-6), "the jaw is the picture itself"
    assert (jaw.head_weight == 1).all() and (neck.vertices[:, 2].mean() < jaw.vertices[:, 2].mean() - 0.3 * pupil_distance(astronaut))


def test_what_is_gone_of_the_person_lies_behind_the_rest(astronaut):
    """Unseen, it would hide it."""
    stage = Stage(astronaut, None, alpha=False)
    posed = Poser(astronaut).pose_together(turned((25, 0, 0)), 0, 1)
    dressed = stage.dress(posed)
    gone = dressed.colour["person"][0, :, 3] < torch.from_numpy(astronaut.parts["person"].colour[:, 3]) - 0.99
    deeper = dressed.vertices["person"][0, :, 2] - posed.vertices["person"][0, :, 2] * stage.scale
    assert gone.any() and deeper[gone].max() < -0.9 * stage.pixels_per_metre
