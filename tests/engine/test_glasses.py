"""Glasses are found where there are some, and stay still while the face behind them moves."""

import cv2
import numpy as np
import pytest
from soliloquy.engine.motion.clip import CHANNEL_INDEX, MotionClip
from soliloquy.engine.portrait.glasses import find_glasses
from soliloquy.engine.portrait.picture import read_picture
from soliloquy.engine.render.render import render

RIMS = {"thick, black": ((25, 20, 18), 0.07), "thin, steel": ((60, 60, 70), 0.025), "gold": ((190, 150, 70), 0.03)}


def pixels_of(path) -> np.ndarray:
    return np.ascontiguousarray(read_picture(path)[..., :3])


def wearing(image: np.ndarray, points: np.ndarray, colour, thickness: float) -> tuple[np.ndarray, np.ndarray]:
    """The picture with round glasses drawn on it, and where they are (H, W) bool."""
    worn = image.copy()
    right, left = points[[33, 133], :2].mean(0), points[[362, 263], :2].mean(0)
    apart = float(np.linalg.norm(left - right))
    across, width = (left - right) / apart, max(1, int(thickness * apart))

    def at(place):
        return tuple(int(v) for v in place)

    for eye, outwards in ((right, -across), (left, across)):
        centre = eye + (0, 0.06 * apart)
        cv2.ellipse(worn, at(centre), (int(0.4 * apart), int(0.3 * apart)), 0, 0, 360, colour, width, cv2.LINE_AA)
        cv2.line(worn, at(eye + 0.4 * apart * outwards), at(eye + 0.9 * apart * outwards), colour, width, cv2.LINE_AA)
    cv2.line(worn, at(right + 0.4 * apart * across), at(left - 0.4 * apart * across), colour, width, cv2.LINE_AA)
    return worn, np.abs(worn.astype(int) - image).max(axis=2) > 40


def test_glasses_in_a_photograph_are_found(hopper_path, hopper):
    held = find_glasses(pixels_of(hopper_path), hopper.landmarks_px)
    assert held is not None and held.shape == hopper.size[::-1]
    bridge = hopper.landmarks_px[168, :2].astype(int)
    assert held[bridge[1] - 8:bridge[1] + 9, bridge[0]].max() > 0.8
    assert held[hopper.landmarks_px[152, 1].astype(int), bridge[0]] == 0, "nobody wears them on the chin"


def test_a_bare_face_wears_none(astronaut_path, astronaut):
    assert find_glasses(pixels_of(astronaut_path), astronaut.landmarks_px) is None


@pytest.mark.parametrize("kind", RIMS)
def test_drawn_glasses_are_found_where_they_are(astronaut_path, astronaut, kind):
    image, frame = wearing(pixels_of(astronaut_path), astronaut.landmarks_px, *RIMS[kind])
    held = find_glasses(image, astronaut.landmarks_px)
    assert held is not None
    brows = cv2.convexHull(astronaut.landmarks_px[[70, 63, 105, 66, 107, 336, 296, 334, 293, 300], :2].astype(np.int32))
    cv2.fillConvexPoly(masked := frame.astype(np.uint8), brows, 0)
    assert held[masked > 0].mean() > 0.6


def test_they_can_be_denied_and_insisted_on(hopper_path, hopper, astronaut_path, astronaut):
    assert find_glasses(pixels_of(hopper_path), hopper.landmarks_px, wanted="off") is None
    image, _ = wearing(pixels_of(astronaut_path), astronaut.landmarks_px, (150, 130, 120), 0.02)
    assert find_glasses(image, astronaut.landmarks_px, wanted="on") is not None


def test_the_frame_keeps_still_while_brows_lids_and_cheeks_move(hopper_path, hopper):
    held = find_glasses(pixels_of(hopper_path), hopper.landmarks_px)
    face = hopper.parts["face"]
    places = face.vertices[:, :2].astype(np.float32)
    under = cv2.remap(held, places[:, 0].copy(), places[:, 1].copy(), cv2.INTER_LINEAR).ravel() > 0.95
    moved = np.linalg.norm(face.dense_deltas(), axis=2)
    assert under.sum() > 20 and moved[:, under].max() < 0.06 * moved.max()
    blink = moved[CHANNEL_INDEX["eyeBlinkLeft"]]
    assert blink[hopper.apertures["eye_left"]].max() > 0.05 * hopper.units_per_metre * 0.063, "lids close behind the lenses"


def test_lids_close_behind_the_frame_and_what_it_reflects(hopper):
    layer, part = hopper.images["glasses"], hopper.parts["glasses"]
    corner = part.vertices[0, :2] + 0.5 - part.uv[0] * layer.shape[1::-1]
    clip = MotionClip.neutral(2)
    clip.channels[1, [CHANNEL_INDEX["eyeBlinkLeft"], CHANNEL_INDEX["eyeBlinkRight"]]] = 0.7
    rest, blink = (frame[round(corner[1]):, round(corner[0]):][:layer.shape[0], :layer.shape[1]].astype(int) for frame in render(hopper, clip))
    worn = cv2.erode((layer[..., 3] > 250).astype(np.uint8), np.ones((3, 3))) > 0
    assert worn.sum() > 300 and len(part.delta_index) == 0, "only the head moves it"
    assert np.abs(blink - rest)[worn].max() < 12
    assert np.abs(blink - rest)[~worn].max() > 60, "the eyes have closed"


def test_the_half_of_a_rim_that_is_hardly_seen_keeps_still_like_the_other(astronaut, astronaut_path):
    image, points = pixels_of(astronaut_path), astronaut.landmarks_px
    worn, rims = wearing(image, points, *RIMS["thick, black"])
    left, apart = points[[362, 263], :2].mean(0), np.linalg.norm(points[[362, 263], :2].mean(0) - points[[33, 133], :2].mean(0))
    rows, columns = np.mgrid[:image.shape[0], :image.shape[1]]
    faint = rims & (columns > left[0] + 0.05 * apart) & (rows > left[1] + 0.2 * apart)
    around = cv2.dilate(faint.astype(np.uint8), np.ones((5, 5))) > 0
    held = find_glasses(np.where(around[..., None], image, worn), points)
    assert faint.sum() > 20 and held[faint].mean() > 0.85
