"""What lids must do: hide nothing at rest, hide the eye when they close, and follow the gaze up and down."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from soliloquy.engine.motion.clip import (
    CHANNEL_INDEX,
    EYE_LOOK_COLUMNS,
    MotionClip,
    eye_look_from_gaze,
)
from soliloquy.engine.portrait.detect import settle_lids
from soliloquy.engine.portrait.fit import fit_face
from soliloquy.engine.portrait.lid_grain import RING, lid_grain
from soliloquy.engine.portrait.lid_skin import lit_skin
from soliloquy.engine.portrait.lids import LASH_ROWS, SKIN_ROWS, STRIP_ROWS, build_lid
from soliloquy.engine.portrait.picture import read_picture
from soliloquy.engine.portrait.topology import LID_LOWER, LID_UPPER
from soliloquy.engine.render.pose import Poser
from soliloquy.engine.render.render import render


def clip_of(blink=0.0, gaze=(0.0, 0.0), **channels) -> MotionClip:
    clip = MotionClip.neutral(1)
    clip.gaze_deg[0] = gaze
    clip.channels[:, list(EYE_LOOK_COLUMNS)] = eye_look_from_gaze(clip.gaze_deg)
    for name, value in (channels | {"eyeBlinkLeft": blink, "eyeBlinkRight": blink}).items():
        clip.channels[0, CHANNEL_INDEX[name]] = value
    return clip


def posed(portrait, **settings):
    frame, = Poser(portrait).pose(clip_of(**settings), 0, 1)
    return frame.vertices


def opening(portrait, vertices, side) -> float:
    """Between the middles of both lids, in pupil distances."""
    upper, lower = (vertices["face"][lid[side][4], 1] for lid in (LID_UPPER, LID_LOWER))
    return float(lower - upper) / (portrait.units_per_metre * 0.063)


def grids(portrait, vertices, side) -> list[np.ndarray]:
    """Strip, skin and lashes of a lid, each (rows, columns, 3)."""
    lid = vertices[f"lid_{side}"].reshape(STRIP_ROWS + SKIN_ROWS + LASH_ROWS, -1, 3)
    return np.split(lid, [STRIP_ROWS, STRIP_ROWS + SKIN_ROWS])


@pytest.mark.parametrize("side", ["left", "right"])
def test_only_the_strip_has_height_at_rest_and_it_shows_the_picture(hopper, side):
    strip, skin, lashes = grids(hopper, {f"lid_{side}": hopper.parts[f"lid_{side}"].vertices}, side)
    assert np.ptp(skin, axis=0).max() == 0 and np.ptp(lashes, axis=0).max() == 0
    texture, part = hopper.images[f"lid_{side}"], hopper.parts[f"lid_{side}"]
    texels = (part.uv[: strip[..., 0].size] * texture.shape[1::-1] - 0.5).astype(np.float32)
    seen = cv2.remap(texture[..., :3], texels[:, 0], texels[:, 1], cv2.INTER_LINEAR)
    places = strip.reshape(-1, 3).astype(np.float32)
    expected = cv2.remap(hopper.images["person"][..., :3], places[:, 0], places[:, 1], cv2.INTER_LINEAR)
    assert np.abs(seen.astype(int) - expected).max() <= 2


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_blink_carries_the_lashes_down_unstretched_and_unrolls_skin(hopper, side):
    pd = hopper.units_per_metre * 0.063
    resting, closing = (grids(hopper, posed(hopper, blink=b), side) for b in (0.0, 0.9))
    middle = resting[0].shape[1] // 2
    strip_heights = [np.ptp(grid[0][:, middle, 1]) for grid in (resting, closing)]
    assert strip_heights[1] == pytest.approx(strip_heights[0], rel=0.1)
    assert np.ptp(closing[1][:, middle, 1]) > 0.08 * pd
    assert 0.02 * pd < np.ptp(closing[2][:, middle, 1]) < 0.1 * pd


@pytest.mark.parametrize("meanwhile", [{}, {"gaze": (0, -20)}, {"gaze": (0, 15)}, {"eyeSquintLeft": 1.0, "eyeSquintRight": 1.0},
                                       {"eyeWideLeft": 1.0, "eyeWideRight": 1.0}])
def test_a_blink_closes_what_is_open_and_no_more(astronaut, meanwhile):
    for side in ("left", "right"):
        shut = opening(astronaut, posed(astronaut, blink=1.0, **meanwhile), side)
        assert -0.045 < shut < 0.0, meanwhile


def test_upper_lids_follow_the_gaze(astronaut):
    edge = LID_UPPER["left"][4]
    heights = [-posed(astronaut, gaze=(0, pitch))["face"][edge, 1] for pitch in (-20, 0, 15)]
    steps = np.diff(heights) / (astronaut.units_per_metre * 0.063)
    assert (steps > 0.01).all(), "down, level, up"
    looking_down = posed(astronaut, gaze=(0, -20))
    assert opening(astronaut, looking_down, "left") > 0.4 * opening(astronaut, posed(astronaut), "left"), "it does not close"


def test_a_lid_closes_over_skin_not_over_an_eye(astronaut):
    """Shut, the opening has the skin's colour in its upper part and a dark line of lashes at the lower lid."""
    frame = next(render(astronaut, clip_of(blink=1.0))).astype(float)
    x = int(astronaut.landmarks_px[159, 0])
    top, bottom = (int(astronaut.landmarks_px[n, 1]) for n in (159, 145))
    skin = frame[bottom + 8:bottom + 14, x - 2:x + 3].mean()
    assert frame[top - 1:top + 2, x - 2:x + 3].mean() > 0.6 * skin
    assert frame[bottom - 2:bottom + 4, x - 2:x + 3].min(axis=0).mean() < 0.6 * skin


def test_a_lid_with_eye_shadow_keeps_its_colour_and_one_in_the_shade_is_lit_from_below():
    fit = SimpleNamespace(pupil_distance=200.0, down=np.array([0.0, 1.0]))
    edge, lower = (np.column_stack([np.linspace(40, 120, 9), np.full(9, height), np.zeros(9)]) for height in (60.0, 90.0))

    def closed(above, below):
        image = np.full((160, 160, 3), below, np.uint8)
        image[:75] = above
        return lit_skin(image, fit, edge, lower, 80, True).mean(axis=0)

    skin, shaded, painted = np.array([200, 160, 140]), np.array([100, 80, 70]), np.array([140, 60, 90])
    assert shaded.mean() * 1.2 < closed(shaded, skin).mean() < skin.mean()
    assert np.abs(closed(painted, skin) - painted).max() < 2


def test_a_lid_below_a_red_fold_has_the_hue_of_the_skin_in_the_light():
    """Painters draw rims and folds red, over more than half of what is near the eye: so were the closed lids."""
    fit = SimpleNamespace(pupil_distance=300.0, down=np.array([0.0, 1.0]))
    edge, lower = (np.column_stack([np.linspace(40, 120, 9), np.full(9, height), np.zeros(9)]) for height in (100.0, 130.0))
    image = np.full((200, 160, 3), (150, 120, 90), np.uint8)
    image[80:97] = 110, 50, 45
    red, green, _ = lit_skin(image, fit, edge, lower, 80, True).mean(axis=0)
    assert red / green < 1.4


def white_along_the_lid(image: np.ndarray, portrait, side: str, height: float) -> np.ndarray:
    """The picture with the white of the eye reaching so far (pupil distances) over the upper lid's edge."""
    edge = grids(portrait, {f"lid_{side}": portrait.parts[f"lid_{side}"].vertices}, side)[0][-1, :, :2]
    painted = image.copy()
    reach = max(1, round(2 * height * portrait.units_per_metre * 0.063))
    cv2.polylines(painted, [np.rint(edge * 16).astype(np.int32)], False, (250, 250, 245), reach, shift=4)
    return painted


@pytest.mark.parametrize("side", ["left", "right"])
def test_white_that_a_lid_carries_down_is_covered_when_it_closes(hopper, hopper_path, side):
    """Where the detector's lid line cuts through the white, a bright line stayed on the closed lid."""
    image = np.ascontiguousarray(read_picture(hopper_path)[..., :3])
    fit, rim = fit_face(hopper.landmarks_px), hopper.apertures[f"eye_{side}"]
    covered = []
    for picture in (image, white_along_the_lid(image, hopper, side, 0.012)):
        part, _ = build_lid(picture, fit, hopper.parts["face"], rim, side)
        blink = part.vertices + part.dense_deltas()[CHANNEL_INDEX[f"eyeBlink{side.capitalize()}"]]
        assert np.array_equal(part.vertices, hopper.parts[f"lid_{side}"].vertices), "at rest nothing is covered"
        strip, skin, _ = (grid[:, 8:-8] for grid in grids(hopper, {f"lid_{side}": blink}, side))
        above_edge = np.linalg.norm((skin[-1] - strip[-1])[:, :2], axis=1) / np.linalg.norm((strip[0] - strip[-1])[:, :2], axis=1)
        covered.append((above_edge < 0.1) & (skin[-1, :, 2] > strip[-1, :, 2]))
    assert covered[1].mean() > 0.8 > 0.4 > covered[0].mean()


def skin_with_grain(deviation: float) -> np.ndarray:
    """(300, 300, 3) uint8 of one colour with the grain of film."""
    grain = cv2.GaussianBlur(np.random.default_rng(5).normal(size=(300, 300)), (0, 0), 0.8)
    return np.clip(130 + deviation * grain[..., None] / grain.std(), 0, 255).astype(np.uint8).repeat(3, axis=2)


def fine_deviation(grey: np.ndarray) -> float:
    return float((grey - cv2.GaussianBlur(grey, (0, 0), 4)).std())


@pytest.mark.parametrize("deviation", [0.0, 6.0, 18.0])
def test_new_skin_has_the_grain_of_the_skin_around_it_and_no_line_or_mole_of_where_it_is_from(deviation):
    image = skin_with_grain(deviation)
    surface = np.zeros((468, 3))
    surface[[280, 50, 1], :2] = (230, 190), (70, 190), (150, 200)
    fit = SimpleNamespace(pupil_distance=150.0, down=np.array([0.0, 1.0]), surface=surface)
    lower = np.column_stack([np.linspace(180, 250, 40), np.full(40, 90.0)])
    around = [lower + (0, way * share * 150) for way, share in ((-1, 0.3), (1, RING[0]), (1, RING[1]))]
    around = [around[0], np.concatenate(around[1:])]
    cv2.line(image, (150, 120), (280, 122), (40, 40, 40), 2)
    cv2.circle(image, (230, 190), 5, (20, 20, 20), -1)
    grain = lid_grain(image, fit, "left", around, np.array([215.0, 90.0]), (40, 70)).mean(axis=2)
    assert fine_deviation(grain) == pytest.approx(fine_deviation(skin_with_grain(deviation)[..., 0].astype(float)), rel=0.25, abs=1.0)
    assert np.abs(grain).max() <= 5 * deviation + 2


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_blink_takes_what_the_lids_soft_edges_show_of_the_eye_behind_the_lower_lid(astronaut, side):
    """Else it hangs out below the lashes, black under a dark iris."""
    face, rim = astronaut.parts["face"], astronaut.apertures[f"eye_{side}"]
    beside = face.triangles[np.isin(face.triangles, rim).any(axis=1)]
    soft = np.setdiff1d(beside[face.colour[beside, 3] == 0], rim)
    assert len(soft) == len(rim)
    shut = posed(astronaut, blink=1.0)["face"]
    assert shut[soft, 2].max() < shut[list(LID_LOWER[side]), 2].min()
    assert np.allclose(posed(astronaut)["face"][soft], face.vertices[soft], atol=1e-3)


def test_white_left_outside_the_lids_is_found(hopper_path):
    image = np.full((400, 400, 3), (190, 140, 120), np.uint8)
    face = np.zeros((478, 3), np.float32)
    for side, middle in (("right", 120), ("left", 280)):
        outer, inner = (middle - 40, middle + 40) if side == "right" else (middle + 40, middle - 40)
        across = np.linspace(outer, inner, 9)
        rise = 16 * np.sin(np.linspace(0, np.pi, 9))
        face[list(LID_UPPER[side]), :2] = np.stack([across, 200 - rise], 1)
        face[list(LID_LOWER[side]), :2] = np.stack([across, 200 + rise], 1)
        iris = (468, 469, 470, 471, 472) if side == "right" else (473, 474, 475, 476, 477)
        face[list(iris), :2] = np.array([(0, 0), (12, 0), (0, -12), (-12, 0), (0, 12)]) + (middle, 200)
        cv2.ellipse(image, (middle, 200), (44, 21), 0, 0, 360, (235, 235, 235), -1)
        cv2.circle(image, (middle, 200), 12, (50, 30, 20), -1)
    settled = settle_lids(image, face)
    lifted = face[159, 1] - settled[159, 1]
    assert 2 < lifted < 8, "the white ends five pixels above the detector's line"
    assert np.array_equal(settled[[33, 133, 263, 362]], face[[33, 133, 263, 362]])
    photograph = np.ascontiguousarray(read_picture(hopper_path)[..., :3])
    assert np.array_equal(settle_lids(np.full_like(photograph, 128), face), face)
