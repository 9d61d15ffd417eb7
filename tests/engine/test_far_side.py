"""The far side of a face turned away: filled from the near one, in its own light, and only while it is in view."""

import dataclasses

import numpy as np
import pytest
import scipy.spatial
from soliloquy.engine.motion.clip import CHANNEL_INDEX, MotionClip
from soliloquy.engine.portrait.build import assemble
from soliloquy.engine.portrait.far_light import Sheet, gains
from soliloquy.engine.portrait.far_side import counterparts, far_side_part, foreign_share
from soliloquy.engine.portrait.fit import fit_face
from soliloquy.engine.portrait.locks import COMES_INTO_VIEW, coming_into_view
from soliloquy.engine.portrait.mesh import face_subdivision
from soliloquy.engine.portrait.picture import read_picture
from soliloquy.engine.render.pose import Poser, beneath_far_side
from soliloquy.engine.render.raster import rasterise_attributes
from soliloquy.engine.render.render import render
from soliloquy.engine.render.stage import Stage
from soliloquy.engine.render.surface import vertex_normals

AWAY_DEG = 38
NEAR_WING, FAR_WING, NOSE_TIP, FAR_CHEEK = 98, 327, 1, 425


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


@pytest.fixture(scope="module")
def everywhere(image) -> np.ndarray:
    """A matte: the person fills the picture."""
    return np.ones(image.shape[:2], np.float32)


def from_cheek(part, size, points) -> np.ndarray:
    """(F,) which of the fill's vertices show the near cheek, and not the nose."""
    return part.uv[:, 0] * size[0] < points[NEAR_WING, 0]


def hardly_filled(part, size, points) -> np.ndarray:
    """(N, 3) places of the far cheek at the fill's edge, where what the picture shows prevails."""
    return part.vertices[from_cheek(part, size, points) & (part.colour[:, 3] > 0.05) & (part.colour[:, 3] < 0.5)]


def filled_at(part, places: np.ndarray) -> np.ndarray:
    """(N,) alpha of the fill at places of the face."""
    distance, nearest = scipy.spatial.cKDTree(part.vertices).query(places)
    return np.where(distance < 0.5, part.colour[nearest, 3], 0)


def well_seen(fit) -> np.ndarray:
    """(V, 3) places of the face that face the camera and that nothing hides."""
    triangles, matrix = face_subdivision()
    rest = (matrix @ fit.surface).astype(np.float32)
    size = tuple((np.ceil(rest[:, :2].max(axis=0)).astype(int) + 2).tolist())
    depth, _ = rasterise_attributes(rest, triangles, rest[:, 2:], size)
    columns, rows = np.rint(rest[:, :2]).astype(int).T
    nothing_before = depth[rows, columns, 0] < rest[:, 2] + 0.03 * fit.pupil_distance
    return rest[nothing_before & (vertex_normals(rest, triangles)[:, 2] > 0.75)]


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
    nearly_all, part = np.ones(image.shape[:2], np.float32), turned.parts["far_side"]
    places = hardly_filled(part, turned.size, turned_points)
    nearly_all[:, int(np.median(places[:, 0])):] = 0
    cut = far_side_part(image, nearly_all, fit_face(turned_points))
    assert filled_at(cut, places).mean() > 1.2 * filled_at(part, places).mean()


def test_what_the_nose_hides_is_taken_from_its_other_side(turned, turned_points):
    """The far wing, and nothing of the near one."""
    part, pupil_distance = turned.parts["far_side"], turned.units_per_metre * 0.063
    about = lambda name: np.linalg.norm(part.vertices - turned_points[name], axis=1) < 0.12 * pupil_distance  # noqa: E731
    wing = about(FAR_WING) & (part.colour[:, 3] > 0.9)
    assert wing.sum() > 10 and (part.uv[wing, 0] * turned.size[0] < turned_points[NOSE_TIP, 0]).mean() > 0.9
    assert part.colour[about(NEAR_WING), 3].max(initial=0) < 0.1


def test_what_is_well_seen_stays(turned, turned_points):
    """The bridge of the nose and the near side among it."""
    assert (filled_at(turned.parts["far_side"], well_seen(fit_face(turned_points))) > 0.5).mean() < 0.01


def test_it_comes_into_view_as_the_head_turns_back_and_never_at_rest(turned):
    assert shown(turned, 0).max() == 0 and shown(turned, 15).max() == 0, "turned further away"
    assert shown(turned, -20).max() > 0.8
    assert np.quantile(shown(turned, -20), 0.9) > np.quantile(shown(turned, -6), 0.9)


def test_looking_up_or_down_uncovers_nothing(turned):
    """Below a nose that looks up there is more to be seen, but nothing of the far side: its mirrored wing lay beside the own one."""
    clip = MotionClip.neutral(3)
    clip.head_rotation_deg[1:, 1] = 20, -20
    assert all(posed.colour["far_side"][:, 3].max() < 0.05 for posed in Poser(turned).pose(clip, 0, 3))


def test_the_fill_has_the_colours_of_the_far_side(image, turned_points, everywhere):
    """A light from the far side: the fill is brighter than the near cheek it shows, and goes over into what is seen."""
    ramp = np.linspace(0.6, 1.3, image.shape[1])[None, :, None]
    lit = np.broadcast_to(120 * ramp, image.shape).astype(np.uint8)
    part = far_side_part(lit, everywhere, fit_face(turned_points))
    cheek = from_cheek(part, lit.shape[1::-1], turned_points)
    assert np.median(part.colour[cheek & (part.colour[:, 3] > 0.5), :3]) > 1.05
    edge = np.abs(part.colour[:, 3] - 0.5) < 0.4
    along = np.interp(part.vertices[edge, 0], np.arange(lit.shape[1]), lit[0, :, 0])
    taken = np.interp(part.uv[edge, 0] * lit.shape[1], np.arange(lit.shape[1]), lit[0, :, 0])
    assert np.median(np.abs(taken * part.colour[edge, 0] / along - 1)) < 0.03


def test_what_is_hidden_lies_in_the_light_that_the_rest_shows(turned_points):
    """A white face lit from one side, whose far half is not seen: the light is known from the near half."""
    triangles, matrix = face_subdivision()
    sheet, rest = Sheet(matrix, triangles), (matrix @ fit_face(turned_points).surface).astype(np.float32)
    normals = vertex_normals(rest, triangles)
    across = counterparts(sheet.places)
    own = np.repeat(5 + normals @ [[0.3], [0.0], [0.2]], 3, axis=1)
    poor = (normals[:, 2] < 0.4).astype(float)
    hidden = (poor == 1) & (across @ poor < 0.1)
    ratio = np.exp(own - across @ own)[hidden]
    found = gains(own, across @ own, normals.astype(float), poor, across, sheet)[hidden]
    assert hidden.sum() > 500 and np.abs(np.log(ratio)).mean() > 0.1
    assert np.abs(np.log(found / ratio)).mean() < 0.5 * np.abs(np.log(ratio)).mean()


def test_shaded_skin_that_is_made_bright_has_the_hue_of_lit_skin(turned_points):
    """Skin in the shade is redder; the flank of a nose, mirrored and made as bright as its lit one is, was orange."""
    triangles, matrix = face_subdivision()
    sheet, rest = Sheet(matrix, triangles), (matrix @ fit_face(turned_points).surface).astype(np.float32)
    normals = vertex_normals(rest, triangles).astype(float)
    across = counterparts(sheet.places)
    poor = (normals[:, 2] < 0.4).astype(float)
    hidden = (poor == 1) & (across @ poor < 0.1)
    brightness = 5 + 0.6 * np.sign(normals[hidden, 0].mean()) * normals[:, 0]
    own = brightness[:, None] + np.clip(5 - brightness, 0, None)[:, None] * [0.3, 0.0, -0.3]
    other = across @ own
    fill = other + np.log(gains(own, other, normals, poor, across, sheet))
    made_bright = hidden & ((fill - other).mean(axis=1) > 0.3)
    redder = [np.median(colour[made_bright, 0] - colour[made_bright, 2]) for colour in (other, fill)]
    assert made_bright.sum() > 100 and redder[0] > 0.05 and redder[1] < 0.1 * redder[0]


def test_a_face_that_has_given_way_hides_nothing_of_the_fill(turned, astronaut):
    """Along the contour of a nose the face, unseen, stood before the fill of the cheek behind: single pixels of the person showed."""
    whole = dataclasses.replace(turned, images=turned.images | {name: astronaut.images[name] for name in ("plate", "halo")})
    clip = MotionClip.neutral(1)
    clip.head_rotation_deg[0, 0] = -15.0
    frame = next(Stage(whole, None, True).dress(Poser(whole).pose_together(clip, 0, 1)).frames())
    gone = frame.colour["face"][:, 3] == 0
    gone[np.setdiff1d(np.arange(len(gone)), beneath_far_side(whole))] = False
    assert gone.sum() > 50
    assert frame.vertices["face"][gone, 2].max() < frame.vertices["far_side"][:, 2].max() - 0.04 * whole.units_per_metre


def test_hair_that_hangs_over_the_far_cheek_is_not_drawn_out(image, turned, turned_points, everywhere):
    part, pupil_distance = turned.parts["far_side"], turned.units_per_metre * 0.063
    places = hardly_filled(part, turned.size, turned_points)
    hanging = places[np.argmin(np.linalg.norm(places - turned_points[FAR_CHEEK], axis=1)), :2]
    places = places[np.linalg.norm(places[:, :2] - hanging, axis=1) < 0.1 * pupil_distance]
    away = np.linalg.norm(np.stack(np.meshgrid(*map(np.arange, image.shape[1::-1])), axis=-1) - hanging, axis=-1)
    with_hair = np.where((away < 0.15 * pupil_distance)[..., None], image // 6, image)
    hidden = far_side_part(with_hair, everywhere, fit_face(turned_points))
    assert filled_at(hidden, places).mean() > filled_at(part, places).mean() + 0.2


def test_the_soft_end_of_a_lock_of_hair_goes_with_it():
    """Its shade on the skin, too little to be hair by itself, stayed on the cheek as a dark line."""
    triangles, matrix = face_subdivision()
    sheet = Sheet(matrix, triangles)
    lock = sheet.places[np.argmax(sheet.places[:, 0])]
    away = np.linalg.norm(sheet.places - lock, axis=1)
    shade = np.where(away < 0.4, 1.5, np.where(away < 0.45, 0.4, 0.0))
    share = foreign_share(sheet, shade, np.ones(len(away)))
    assert share[(away > 0.41) & (away < 0.45)].min() > 0.5 and share[away > 0.46].max() == 0
    alone = foreign_share(sheet, 0.4 * (away < 0.45), np.ones(len(away)))
    assert alone.max() == 0


def test_a_cheek_comes_out_from_under_a_lock_from_its_inner_end_on():
    """Dissolved into one another cheek and lock were a grey patch, at the turns that a speaking head makes."""
    triangles, matrix = face_subdivision()
    sheet = Sheet(matrix, triangles)
    outwards, aside = np.abs(sheet.places[:, 0]), sheet.places[:, 0] > 0
    low, high = np.quantile(outwards[aside], (0.7, 1.0))
    lock = aside & (outwards > low) & (np.abs(sheet.places[:, 1] - np.median(sheet.places[:, 1])) < 0.3)
    limits = coming_into_view(sheet, lock)
    inner, outer = (lock & (np.abs(outwards - end) < 0.1 * (high - low)) for end in (np.quantile(outwards[lock], (0.02, 0.98))))
    assert limits[inner, 1].max() <= limits[outer, 0].min() and limits.min() >= 0, "the inner end is out before the outer one begins"
    together = [((limits[lock, 0] < turned) & (limits[lock, 1] > turned)).mean() for turned in np.linspace(0.03, 0.17, 8)]
    assert max(together) < 0.6, "never is the whole lock half there"
    assert (coming_into_view(sheet, np.zeros_like(lock)) == COMES_INTO_VIEW).all()
    far = ~aside & (sheet.places[:, 0] < -0.3)
    assert np.allclose(limits[far], COMES_INTO_VIEW), "what is no lock comes as it would without"


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
