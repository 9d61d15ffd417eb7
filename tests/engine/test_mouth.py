"""What a mouth must look like as it opens and closes: lips that part where the picture parts them, edges without stairs, no colour
in a grey photograph, no lip left on the teeth."""

import dataclasses

import cv2
import numpy as np
import pytest
import torch

from soliloquy.engine.motion.clip import CHANNEL_INDEX, MotionClip
from soliloquy.engine.portrait.build import build_portrait
from soliloquy.engine.portrait.fit import fit_face, head_asset, lips_touch
from soliloquy.engine.portrait.lip_edges import limited
from soliloquy.engine.portrait.lip_line import EDGE_WIDTH, refine_lip_line, smoothest_path
from soliloquy.engine.portrait.mouth import (MM, UPPER_LIP_ROW, front_of, full_teeth, lip_left, mouth_asset, mouth_tilt,
                                             shown_below_lip, shown_teeth)
from soliloquy.engine.portrait.picture import read_picture
from soliloquy.engine.portrait.rims import LOWER_LIP_MIDDLE, UPPER_LIP_MIDDLE, facing_lip, lips_of
from soliloquy.engine.portrait.shown_light import ivory_of, lit_like_shown
from soliloquy.engine.portrait.tone import picture_tone
from soliloquy.engine.portrait.topology import INNER_LIP_LOWER, INNER_LIP_UPPER, OUTER_LIP_LOWER
from soliloquy.engine.render.render import render
from soliloquy.engine.render.seam import LipSeam


def frame_with(portrait, **channels):
    clip = MotionClip.neutral(1)
    for name, value in channels.items():
        clip.channels[:, CHANNEL_INDEX[name]] = value
    return next(iter(render(portrait, clip)))


def mouth_window(portrait, picture):
    left, top = portrait.landmarks_px[[61, 0], [0, 1]].astype(int) - 10
    right, bottom = portrait.landmarks_px[[291, 17], [0, 1]].astype(int) + 10
    return picture[top:bottom + int(portrait.units_per_metre * 0.02), left:right]


def rings_inside(portrait):
    """The vertices of the face inside the mouth's rim, in its order: the inner lips, and the soft edge that ends them."""
    counts = {name: len(hole) for name, hole in portrait.apertures.items()}
    added = 2 * counts["mouth"] + counts["eye_left"] + counts["eye_right"]
    first = len(portrait.parts["face"].vertices) - added + sum(counts[name] for name in list(counts)[:list(counts).index("mouth")])
    ring = np.arange(counts["mouth"])
    return first + ring, first + counts["mouth"] + ring


def pixels_of(path):
    return np.ascontiguousarray(read_picture(path)[..., :3])


def test_the_rims_lips_face_each_other(hopper):
    hole = hopper.apertures["mouth"].tolist()
    facing = facing_lip(hole)
    across = {hole[k]: facing[k] for k in range(len(hole))}
    assert across[13] == 14 and across[14] == 13 and across[78] == 78 and across[308] == 308
    assert set(lips_of(hole)) == {UPPER_LIP_MIDDLE, LOWER_LIP_MIDDLE}
    assert sorted(sum(lips_of(hole).values(), [])) == sorted([*range(len(hole)), hole.index(78), hole.index(308)])


@pytest.mark.parametrize("name", ["hopper", "astronaut"])
def test_soft_edges_reach_into_the_opening_whether_the_picture_shows_one_or_not(name, request):
    portrait = request.getfixturevalue(name)
    face, hole = portrait.parts["face"], portrait.apertures["mouth"]
    opened = face.vertices + 0.6 * face.dense_deltas()[CHANNEL_INDEX["jawOpen"]]
    _, edge = rings_inside(portrait)
    outline = opened[hole, :2].astype(np.float32)
    inside = [cv2.pointPolygonTest(outline, tuple(map(float, point)), False) > 0 for point in opened[edge, :2]]
    assert (face.colour[edge, 3] == 0).all() and np.mean(inside) > 0.9


def test_the_inside_of_the_lower_lip_comes_into_view_with_the_opening_and_only_then(hopper):
    face, hole = hopper.parts["face"], hopper.apertures["mouth"].tolist()
    deltas = face.dense_deltas()
    inner = rings_inside(hopper)[0][hole.index(LOWER_LIP_MIDDLE)]
    jaw, close = CHANNEL_INDEX["jawOpen"], CHANNEL_INDEX["mouthClose"]

    def seen(weights):
        moved = [face.vertices[n, :2] + sum(value * deltas[channel, n, :2] for channel, value in weights.items())
                 for n in (LOWER_LIP_MIDDLE, inner)]
        return float((moved[0] - moved[1])[1])
    assert seen({}) == pytest.approx(0, abs=0.01)
    assert seen({jaw: 0.5}) > 0.02 * 0.063 * hopper.units_per_metre
    assert seen({jaw: 0.5, close: 0.5}) < 0.1


def test_a_grey_photograph_has_a_grey_mouth(hopper_path, tmp_path):
    grey = cv2.cvtColor(cv2.imread(str(hopper_path)), cv2.COLOR_BGR2GRAY)
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), grey)
    frame = frame_with(build_portrait(path), jawOpen=0.8).astype(int)
    assert np.ptp(frame, axis=2).max() <= 2


def test_a_sepia_print_has_a_sepia_mouth_and_a_colour_photograph_keeps_its_red(hopper, hopper_path):
    pixels = pixels_of(hopper_path)
    assert picture_tone(pixels, hopper.landmarks_px).amount == 0
    level = pixels @ np.array([0.299, 0.587, 0.114])
    sepia = np.clip(level[..., None] * (1.07, 1.0, 0.85), 0, 255).astype(np.uint8)
    tone = picture_tone(sepia, hopper.landmarks_px)
    red, green, blue = tone.applied(np.array([[0.6, 0.2, 0.2]]))[0]
    assert tone.amount == 1 and red / green == pytest.approx(1.07, abs=0.06) and blue / green == pytest.approx(0.85, abs=0.06)


def test_the_seam_moves_onto_the_dark_line_between_closed_lips(hopper, hopper_path):
    points, pixels = hopper.landmarks_px.copy(), pixels_of(hopper_path)
    points[list(INNER_LIP_UPPER + INNER_LIP_LOWER), 1] += 0.03 * hopper.units_per_metre * 0.063
    found = refine_lip_line(pixels, points)
    middle = [n for n in INNER_LIP_UPPER[3:8]]
    before, after = (np.abs(where[middle, 1] - hopper.landmarks_px[middle, 1]).mean() for where in (points, found))
    assert after < 0.5 * before and lips_touch(found)


def test_a_strip_of_lip_that_the_detector_gave_to_the_teeth_is_given_back(hopper, hopper_path):
    points, pixels = hopper.landmarks_px.copy(), pixels_of(hopper_path)
    pd = 0.063 * hopper.units_per_metre
    lower, upper = list(INNER_LIP_LOWER[1:-1]), list(INNER_LIP_UPPER[1:-1])
    points[lower, 1] += 0.16 * pd
    points[[n for n in (146, 91, 181, 84, 17, 314, 405, 321, 375)], 1] += 0.2 * pd
    cv2.fillPoly(pixels, [np.rint(points[[*INNER_LIP_LOWER, *INNER_LIP_UPPER[::-1]], :2]).astype(np.int32)], (240, 238, 230))
    outer_lower = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291]
    lip = np.rint(points[[*outer_lower, *INNER_LIP_LOWER[::-1]], :2]).astype(np.int32)
    cv2.fillPoly(pixels, [lip], (170, 60, 70))
    wrong = points.copy()
    wrong[lower, 1] += 0.05 * pd
    found = refine_lip_line(pixels, wrong)
    assert np.abs(found[lower[2:-2], 1] - points[lower[2:-2], 1]).max() < 0.03 * pd
    assert np.abs(found[upper, 1] - wrong[upper, 1]).max() < 0.03 * pd


def test_the_path_of_least_cost_is_found():
    cost = np.array([[5.0, 1.0, 5.0], [1.0, 5.0, 5.0], [5.0, 1.0, 5.0]])
    free, stiff = np.zeros((3, 3)), 100.0 * (1 - np.eye(3))
    assert smoothest_path(cost, free).tolist() == [1, 0, 1]
    assert smoothest_path(cost, stiff).tolist() == [1, 1, 1]


def test_a_dark_red_line_between_lips_is_made_paler_and_no_redder():
    line, lip = np.array([[94.0, 35.0, 34.0]]), np.array([[214.0, 188.0, 173.0]])
    made = line * limited(lip / line, 1.0)
    assert np.allclose((limited(lip / line, 1.0) - 1) / (lip / line - 1), 1.2 / (188 / 35 - 1), rtol=0.01), "all channels go alike far"
    assert (made > line).all() and made[0, 0] / made[0, 1] < 94 / 35
    assert np.allclose(limited(np.array([[0.5, 1.4, 2.0], [0.1, 0.9, 3.4]]), 1 / 2.2), [[0.5, 1.4, 2.0], [1 - 0.5 * 1.2 / 2.2, 0.95, 2.2]], atol=0.01)


def test_the_shadow_between_closed_lips_leaves_the_lower_one_as_they_part(hopper):
    seam = LipSeam(hopper)
    face = hopper.parts["face"]
    opened = face.vertices + 0.5 * face.dense_deltas()[CHANNEL_INDEX["jawOpen"]]
    at_rest, parted = seam.factor(torch.from_numpy(np.stack([face.vertices, opened])))
    assert np.allclose(at_rest, 1)
    assert parted[seam.rim.tolist().index(LOWER_LIP_MIDDLE)].mean() > 1.05
    assert (parted[seam.rim.tolist().index(UPPER_LIP_MIDDLE)] == 1).all()


def test_rest_stays_the_picture_with_the_mouth_that_is_in_it(astronaut, astronaut_path):
    frame, picture = frame_with(astronaut), pixels_of(astronaut_path)
    error = mouth_window(astronaut, frame).astype(float) - mouth_window(astronaut, picture)
    assert 10 * np.log10(255 ** 2 / max((error ** 2).mean(), 1e-6)) > 45


def opened_mouth(hopper, hopper_path, teeth, by):
    """The photograph and its landmarks with lips parted by `by` pupil distances, and `teeth` (R, G, B) between them."""
    points, pixels = hopper.landmarks_px.copy(), pixels_of(hopper_path)
    lower, outer = list(INNER_LIP_LOWER[1:-1]), list(OUTER_LIP_LOWER[1:-1])
    points[lower, 1] += by * hopper.units_per_metre * 0.063
    points[outer, 1] += by * hopper.units_per_metre * 0.063
    cv2.fillPoly(pixels, [np.rint(points[[*INNER_LIP_LOWER, *INNER_LIP_UPPER[::-1]], :2]).astype(np.int32)], teeth)
    return points, pixels


def test_lips_that_are_clearly_apart_stay_apart_though_what_is_between_has_their_colour(hopper, hopper_path):
    lip = pixels_of(hopper_path)[tuple(np.rint(hopper.landmarks_px[17, 1::-1]).astype(int))].tolist()
    points, pixels = opened_mouth(hopper, hopper_path, lip, by=0.06)
    assert not lips_touch(refine_lip_line(pixels, points))


@pytest.mark.parametrize("turn_deg", [(-14, 0), (0, 0), (14, 0), (0, 8)], ids=["down", "as it is", "up", "tilted beside its mouth"])
def test_upper_teeth_are_seen_below_the_lip_however_the_head_is_taken_to_be_turned(hopper, turn_deg):
    """Looking down by so much, the asset's would be hidden; beside a mouth that is not level, half of a level row of them."""
    points = hopper.landmarks_px - hopper.landmarks_px.mean(axis=0)
    pitch, roll = np.radians(turn_deg)
    fit = fit_face(points @ np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]]))
    mouth = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    lips = [*INNER_LIP_UPPER, *INNER_LIP_LOWER]
    middle = fit.surface[lips, :2].mean(axis=0)
    fit.surface[lips, :2] = (fit.surface[lips, :2] - middle) @ mouth.T + middle
    lip = fit.surface[list(INNER_LIP_UPPER)]
    seam = head_asset()["landmark_rest"][UPPER_LIP_MIDDLE].astype(np.float64)
    row = fit.surface[UPPER_LIP_MIDDLE] + fit.turn(front_of(full_teeth("teeth_upper")) - seam) @ mouth_tilt(fit).T
    row = row + shown_below_lip(fit, row, lip)
    assert abs(shown_below_lip(fit, row, lip)).max() < 1e-6, "it is where it should be"
    across = np.array([fit.down[1], -fit.down[0]])
    order = np.argsort(lip[:, :2] @ across)
    below = row[:, :2] @ fit.down - np.interp(row[:, :2] @ across, *(lip[order, :2] @ axis for axis in (across, fit.down)))
    beside = (row - fit.surface[UPPER_LIP_MIDDLE])[:, :2] @ across / (fit.scale * MM)
    for side in (-1, 1):
        half = below[(side * beside > 2) & (side * beside < 14)] / (fit.scale * MM)
        assert 0.5 < half.max() < 5, "both halves of the row are seen"


def test_teeth_stand_closer_than_the_assets_and_gums_stay():
    asset, full = mouth_asset()["teeth_upper/vertices"], full_teeth("teeth_upper")
    moved = np.abs(full - asset).max(axis=1)
    assert 0.0002 < moved.max() < 0.01 and (moved == 0).mean() > 0.2
    assert np.abs(full[:, 1] - asset[:, 1]).max() < 1e-6


def test_a_risen_upper_lip_leaves_no_line_of_itself_on_the_pictures_teeth(astronaut):
    seam, teeth = LipSeam(astronaut), astronaut.parts["teeth_source"]
    face = astronaut.parts["face"]
    raised = face.vertices + 0.8 * sum(face.dense_deltas()[CHANNEL_INDEX[f"mouthUpperUp{side}"]] for side in ("Left", "Right"))
    placed, faces = (torch.from_numpy(np.stack(known)) for known in ((teeth.vertices, teeth.vertices), (face.vertices, raised)))
    at_rest, uv = seam.uncovered(torch.from_numpy(teeth.uv), placed, faces).numpy()
    assert np.allclose(at_rest, teeth.uv, atol=1e-6)
    count = len(lips_of(seam.rim.tolist())[UPPER_LIP_MIDDLE])
    middle = count // 2
    assert np.allclose(uv[2 * count + middle], teeth.uv[count + middle], atol=1e-6)
    assert np.array_equal(np.delete(uv, slice(2 * count, 3 * count), axis=0), np.delete(teeth.uv, slice(2 * count, 3 * count), axis=0))


def test_a_fallen_lower_lip_leaves_no_line_of_itself_under_the_pictures_teeth(hopper, hopper_path):
    points, pixels = opened_mouth(hopper, hopper_path, (235, 232, 225), by=0.12)
    fit = fit_face(points)
    upper, lower = (fit.surface[list(lip)] for lip in (INNER_LIP_UPPER, INNER_LIP_LOWER))
    strip_of_lip = 0.02 * fit.pupil_distance
    above, lower = lower - np.array([0, strip_of_lip, 0]), lower + np.array([0, EDGE_WIDTH * fit.pupil_distance, 0])
    assert lip_left(pixels, fit, upper, lower)[3:8].max() < 0.15
    cv2.fillPoly(pixels, [np.rint(np.concatenate([above, lower[::-1]])[:, :2]).astype(np.int32)], (90, 60, 62))
    left = lip_left(pixels, fit, upper, lower) * np.linalg.norm(lower - upper, axis=1)
    assert (left[4:7] > 0.7 * strip_of_lip).all()


def test_what_parted_lips_show_stays_while_they_move_if_it_is_teeth_and_goes_if_it_is_shadow(astronaut):
    face, teeth = astronaut.parts["face"], astronaut.parts["teeth_source"]
    opened = face.vertices + 0.4 * face.dense_deltas()[CHANNEL_INDEX["jawOpen"]]
    shadowed = dataclasses.replace(astronaut, images={**astronaut.images, "person": shadow_between_lips(astronaut)})
    rows = len(teeth.vertices) // len(lips_of(astronaut.apertures["mouth"].tolist())[LOWER_LIP_MIDDLE])
    middle = np.s_[len(teeth.vertices) // rows * UPPER_LIP_ROW + len(teeth.vertices) // rows // 2]
    for portrait, kept in ((astronaut, 1.0), (shadowed, 0.0)):
        seam = LipSeam(portrait)
        placed, faces = (torch.from_numpy(np.stack(known)) for known in ((teeth.vertices, teeth.vertices), (face.vertices, opened)))
        at_rest, parted = seam.left_behind(torch.from_numpy(teeth.colour), placed, faces).numpy()
        assert at_rest[middle, 3] == pytest.approx(1.0), "at rest it is the picture's"
        assert parted[middle, 3] == pytest.approx(kept)


def shadow_between_lips(portrait):
    """The person's picture with a dark red between the lips."""
    picture = portrait.images["person"].copy()
    between = portrait.parts["face"].vertices[portrait.apertures["mouth"], :2]
    cv2.fillPoly(picture, [np.rint(between).astype(np.int32)], (60, 32, 30, 255))
    return picture


@pytest.mark.parametrize("light", [(1.0, 1.25, 1.4), (0.6, 0.4, 0.3)])
def test_modelled_teeth_have_the_light_of_those_that_the_picture_shows(hopper, hopper_path, light):
    teeth = np.rint(255 * np.array(light) * ivory_of(hopper.parts["teeth_upper"])).tolist()
    points, pixels = opened_mouth(hopper, hopper_path, teeth, by=0.12)
    fit = fit_face(points)
    upper, lower = (fit.surface[list(lip)] for lip in (INNER_LIP_UPPER, INNER_LIP_LOWER))
    parts = {**hopper.parts, "teeth_source": shown_teeth(pixels, fit, upper, lower)}
    lit = lit_like_shown(parts, pixels, 1.0)
    assert np.abs(255 * ivory_of(lit["teeth_upper"]) - teeth).max() < 12
    gain = lit["teeth_lower"].colour[:, :3].sum(axis=0) / parts["teeth_lower"].colour[:, :3].sum(axis=0)
    assert np.allclose(gain, light, rtol=0.1), "the lower ones, and gums, alike"
    assert lit_like_shown(parts, pixels, 0.0) == {} and lit_like_shown(hopper.parts, pixels, 1.0) == {}


def test_the_depth_of_an_open_mouth_is_dark_and_no_black_hole(hopper):
    opened = frame_with(hopper, jawOpen=0.6)
    cavity = hopper.parts["cavity"].colour[:, :3]
    deep = cavity[cavity.mean(axis=1) <= np.percentile(cavity.mean(axis=1), 25)]
    assert 6 < 255 * deep.max(axis=1).min() and 255 * deep.max() < 40
    mouth = mouth_window(hopper, opened)
    darkest = np.percentile(mouth.max(axis=2), 1)
    assert 8 < darkest < 0.35 * np.median(mouth.max(axis=2))
