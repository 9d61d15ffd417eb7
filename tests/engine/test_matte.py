"""The person's matte and the clean plate behind: exactness where it is promised, real pictures where it is judged."""

import cv2
import numpy as np
import pytest
import skimage.data

from soliloquy.engine import models
from soliloquy.engine.errors import Cancelled, InputError, ModelError
from soliloquy.engine.portrait import matte as matting
from soliloquy.engine.portrait import silhouette
from soliloquy.engine.portrait.plate import split_layers


@pytest.fixture(scope="module")
def astronaut() -> tuple[np.ndarray, np.ndarray]:
    """A photograph (512, 512, 3) with one person, and her landmarks (478, 3) in pixels."""
    for name in ("face_landmarker", "selfie_segmentation"):
        try:
            models.model_path(name)
        except ModelError as error:
            pytest.skip(f"model {name} is not installed: {error}")
    from mediapipe import Image, ImageFormat
    from mediapipe.tasks.python import BaseOptions, vision

    image = skimage.data.astronaut()
    weights = BaseOptions(model_asset_path=str(models.model_path("face_landmarker")))
    options = vision.FaceLandmarkerOptions(base_options=weights)
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        found = landmarker.detect(Image(image_format=ImageFormat.SRGB, data=image)).face_landmarks[0]
    return image, np.array([[p.x * 512, p.y * 512, p.z * 512] for p in found], np.float32)


@pytest.fixture(scope="module")
def astronaut_matte(astronaut) -> np.ndarray:
    return matting.person_matte(*astronaut)


@pytest.fixture
def soft_disc() -> np.ndarray:
    """A matte with a soft edge some ten pixels wide, (180, 200) float32."""
    rows, columns = np.mgrid[0:180, 0:200]
    return np.clip((60 - np.hypot(rows - 95, columns - 100)) / 10 + 0.5, 0, 1).astype(np.float32)


def over(person: np.ndarray, plate: np.ndarray) -> np.ndarray:
    alpha = person[..., 3:].astype(np.float64) / 255
    return alpha * person[..., :3] + (1 - alpha) * plate


def psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * np.log10(255 ** 2 / max(np.mean((a.astype(np.float64) - b) ** 2), 1e-12))


def oval_mask(landmarks_px: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    face = silhouette.Face.from_landmarks(landmarks_px)
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(face.oval).astype(np.int32)], 1)
    return mask > 0


# --- The matte -------------------------------------------------------------------------------------------------------------

def test_matte_separates_person_from_background(astronaut, astronaut_matte):
    image, landmarks_px = astronaut
    assert astronaut_matte.dtype == np.float32 and astronaut_matte.shape == image.shape[:2]
    assert astronaut_matte.min() == 0 and astronaut_matte.max() == 1
    assert (astronaut_matte[oval_mask(landmarks_px, image.shape[:2])] == 1).all()
    assert astronaut_matte[45, 190] > 0.9 and astronaut_matte[60, 180] > 0.9        # hair
    assert astronaut_matte[350, 200] == 1                                            # the suit
    assert (astronaut_matte[20:200, 360:440] == 0).all()                             # the shuttle
    assert (astronaut_matte[20:200, 10:60] == 0).all()                               # the flag


def test_head_is_solid_but_for_its_edge(astronaut, astronaut_matte):
    _, landmarks_px = astronaut
    face = silhouette.Face.from_landmarks(landmarks_px)
    head = astronaut_matte[:int(landmarks_px[152, 1])]
    surely_inside = cv2.distanceTransform((head > 0.5).astype(np.uint8), cv2.DIST_L2, 5) > 0.5 * face.iod
    surely_outside = cv2.distanceTransform((head < 0.5).astype(np.uint8), cv2.DIST_L2, 5) > 0.5 * face.iod
    assert (head[surely_inside] == 1).all() and (head[surely_outside] == 0).all()
    soft = (astronaut_matte > 0) & (astronaut_matte < 1)
    assert 0 < soft.mean() < 0.06


def test_matte_is_one_island_and_deterministic(astronaut, astronaut_matte):
    count, _ = cv2.connectedComponents((astronaut_matte > 0).astype(np.uint8), connectivity=8)
    assert count == 2
    assert np.array_equal(matting.person_matte(*astronaut), astronaut_matte)


def test_matte_edge_follows_a_larger_picture(astronaut, astronaut_matte):
    image, landmarks_px = astronaut
    large = cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    matte = matting.person_matte(large, landmarks_px * 3)
    assert matte.shape == (1536, 1536)
    assert np.abs(cv2.resize(matte, (512, 512), interpolation=cv2.INTER_AREA) - astronaut_matte).mean() < 0.01


def test_small_face_in_a_large_picture_is_found_alone(astronaut):
    image, landmarks_px = astronaut
    small = cv2.resize(image, (128, 128), interpolation=cv2.INTER_AREA)
    generator = np.random.default_rng(1)
    scene = generator.integers(110, 130, (1400, 1800, 3), dtype=np.uint8)
    scene[1200:1328, 300:428] = small
    scene[1200:1328, 1300:1428] = small
    matte = matting.person_matte(scene, landmarks_px / 4 + (300, 1200, 0))
    assert matte[1200:1328, 300:428].mean() > 0.3
    assert (matte[:1150] == 0).all() and (matte[:, 700:] == 0).all()


def test_touching_people_are_told_apart_by_the_other_face(astronaut):
    image, landmarks_px = astronaut
    pair = np.hstack([image, image[:, ::-1]])
    other = landmarks_px * (-1, 1, 1) + (1023, 0, 0)
    matte = matting.person_matte(pair, landmarks_px, others_px=[other])
    assert (matte[oval_mask(landmarks_px, pair.shape[:2])] == 1).all()
    assert (matte[oval_mask(other, pair.shape[:2])] == 0).all()


def test_without_help_of_the_network_a_bust_is_cut_out(astronaut, monkeypatch):
    image, landmarks_px = astronaut
    monkeypatch.setattr(silhouette, "is_plausible", lambda *_: False)
    matte = matting.person_matte(image, landmarks_px)
    assert (matte[oval_mask(landmarks_px, image.shape[:2])] == 1).all()
    assert matte[45, 190] > 0.9 and matte[350, 200] == 1
    assert matte[20:200, 360:440].mean() < 0.02


def test_matting_recovers_a_known_edge():
    """Two smooth colours under a known soft edge, solved from a trimap that hides the edge."""
    rows, columns = np.mgrid[0:120, 0:120].astype(np.float64)
    truth = np.clip((35 - np.hypot(rows - 60, columns - 60)) / 8 + 0.5, 0, 1)
    front = np.dstack([0.7 + 0.001 * rows, 0.5 + 0 * rows, 0.3 + 0.001 * columns])
    behind = np.dstack([0.1 + 0.001 * columns, 0.3 + 0 * rows, 0.6 + 0.001 * rows])
    pixels = truth[..., None] * front + (1 - truth[..., None]) * behind
    inside = cv2.erode((truth >= 1).astype(np.uint8), np.ones((7, 7))) > 0
    outside = cv2.erode((truth <= 0).astype(np.uint8), np.ones((7, 7))) > 0
    known = np.where(inside, 1.0, np.where(outside, 0.0, 0.5))
    solved = matting.solve_alpha(pixels, known, np.full_like(known, 0.5), np.zeros_like(known))
    assert np.abs(solved - truth)[known == 0.5].mean() < 0.02
    assert np.array_equal(solved[known != 0.5], truth[known != 0.5])


def test_a_cancelled_job_stops(astronaut):
    def stop(stage: str, done: int, total: int) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        matting.person_matte(*astronaut, progress=stop)


def test_a_face_outside_the_picture_is_refused(astronaut):
    image, landmarks_px = astronaut
    with pytest.raises(InputError, match="outside the picture"):
        matting.person_matte(image, landmarks_px + 2000)


# --- The layers ------------------------------------------------------------------------------------------------------------

def test_layers_give_the_picture_back(astronaut, astronaut_matte):
    image, _ = astronaut
    person, plate, halo = split_layers(image, astronaut_matte)
    assert person.dtype == plate.dtype == np.uint8 and person.shape == (512, 512, 4) and plate.shape == (512, 512, 3)
    assert psnr_db(over(person, over(halo, plate)), image) > 55
    untouched = (person[..., 3] == 0) & (halo[..., 3] == 0)
    assert untouched.mean() > 0.2 and np.array_equal(plate[untouched], image[untouched])
    assert np.array_equal(person[person[..., 3] == 255][:, :3], image[person[..., 3] == 255])
    assert np.abs(person[..., 3] / 255 - astronaut_matte).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("seed", [0, 1])
def test_layers_give_any_picture_back(seed, soft_disc):
    noise = np.random.default_rng(seed).integers(0, 256, (180, 200, 3), dtype=np.uint8)
    person, plate, halo = split_layers(noise, soft_disc)
    assert np.abs(over(person, over(halo, plate)) - noise).max() <= 1


def test_an_outline_just_outside_the_matte_does_not_stay_in_the_plate(soft_disc):
    """A sharpening halo: a bright line along the silhouette, on the background's side of the matte."""
    distance = cv2.distanceTransform((soft_disc <= 0).astype(np.uint8), cv2.DIST_L2, 5)
    picture = np.full((180, 200, 3), 100, np.uint8)
    picture[soft_disc > 0.5] = 30
    picture[(distance > 0) & (distance <= 1.5)] = 220
    _, plate, _ = split_layers(picture, soft_disc)
    assert plate.max() < 160


def test_plate_shows_no_ghost_of_the_person(soft_disc):
    """A dark disc before a bright ramp: the plate must be the ramp, also where the disc was."""
    ramp = np.repeat(np.linspace(150, 220, 200)[None, :, None], 180, axis=0) * np.ones(3)
    picture = np.round(soft_disc[..., None] * 20 + (1 - soft_disc[..., None]) * ramp).astype(np.uint8)
    _, plate, _ = split_layers(picture, soft_disc)
    error = np.abs(plate.astype(float) - ramp)
    near = (soft_disc > 0) & (cv2.distanceTransform((soft_disc > 0).astype(np.uint8), cv2.DIST_L2, 5) < 15)
    assert error[near].mean() < 4 and np.quantile(error[near], 0.99) < 20
    assert error[soft_disc > 0].mean() < 12


def test_plate_keeps_the_grain_behind_the_edge(soft_disc):
    generator = np.random.default_rng(3)
    grain = generator.normal(128, 12, (180, 200, 1)) * np.ones(3)
    picture = np.clip(np.where(soft_disc[..., None] > 0, 40, grain), 0, 255).astype(np.uint8)
    _, plate, _ = split_layers(picture, soft_disc)
    depth = cv2.distanceTransform((soft_disc > 0).astype(np.uint8), cv2.DIST_L2, 5)
    behind_edge = (soft_disc == 1) & (depth < 25)
    outside = soft_disc == 0
    assert 0.7 < plate[behind_edge].astype(float).std() / picture[outside].astype(float).std() < 1.3


def test_what_stands_out_beside_the_person_is_not_seen_again_behind(astronaut, astronaut_matte):
    """Letters at her hair's edge: a plate that continued the background by its mirror image would show them reversed."""
    image, _ = astronaut
    written = image.copy()
    cv2.putText(written, "EXIT", (272, 70), cv2.FONT_HERSHEY_DUPLEX, 1.1, (20, 20, 60), 3)
    cv2.putText(written, "TAXI", (272, 110), cv2.FONT_HERSHEY_DUPLEX, 1.1, (20, 20, 60), 3)
    beside = np.abs(written.astype(int) - image).max(axis=2) > 60
    behind = astronaut_matte > 0.99
    written[behind] = image[behind]
    plates = [split_layers(picture, astronaut_matte)[1].astype(int) for picture in (image, written)]
    seen = np.abs(plates[0] - plates[1]).max(axis=2)
    assert (beside & ~behind).sum() > 500 and (seen[beside & (astronaut_matte == 0)] > 60).mean() > 0.5, "they stay where they are"
    assert np.quantile(seen[behind & (np.indices(behind.shape)[0] < 140)], 0.999) < 70, "and behind her there is a smudge at the most"


def test_a_plain_texture_goes_on_behind_the_edge(soft_disc):
    """Coarser than grain, and faint, as canvas and plaster have it."""
    generator = np.random.default_rng(4)
    plaster = 128 + 40 * cv2.GaussianBlur(generator.normal(0, 1, (180, 200)), (0, 0), 2.0)
    picture = np.where(soft_disc[..., None] > 0, 40, plaster[..., None] * np.ones(3)).astype(np.uint8)
    _, plate, _ = split_layers(picture, soft_disc)
    depth = cv2.distanceTransform((soft_disc > 0).astype(np.uint8), cv2.DIST_L2, 5)
    behind = (depth > 2) & (depth < 7)
    assert 0.5 < plate[behind].astype(float).std() / picture[soft_disc == 0].astype(float).std() < 1.4


def test_alpha_is_compact_where_nothing_tells_person_and_background_apart():
    veil = np.repeat(np.clip((np.arange(200) - 60) / 80, 0, 1)[None], 120, axis=0)
    grey = np.full((120, 200, 3), 90, np.uint8)
    grey[:, :2], grey[:, -2:] = 0, 255
    decided = matting.decide(veil, grey, 100.0)
    assert ((decided > 0.05) & (decided < 0.95)).sum(axis=1).max() < 10
    assert abs(float(decided[60].sum()) - float(veil[60].sum())) < 4, "the edge stays in the middle of the veil"


def test_what_is_mirrored_into_the_plate_never_comes_from_the_pictures_border(soft_disc):
    """A picture with a black frame, as scans have: no black behind the person."""
    picture = np.full((180, 200, 3), 170, np.uint8)
    picture[:2], picture[-2:], picture[:, :2], picture[:, -2:] = 0, 0, 0, 0
    wide = cv2.resize(soft_disc, (200, 180))
    wide[110:] = np.maximum(wide[110:], 1.0)
    _, plate, _ = split_layers(picture, wide)
    assert plate[40:105, 60:140].min() > 120


def test_layers_of_empty_and_full_mattes(soft_disc):
    picture = np.full((180, 200, 3), 77, np.uint8)
    person, plate, _ = split_layers(picture, np.zeros_like(soft_disc))
    assert not person[..., 3].any() and np.array_equal(plate, picture)
    person, plate, _ = split_layers(picture, np.ones_like(soft_disc))
    assert (person[..., 3] == 255).all() and np.array_equal(person[..., :3], picture)


def test_a_small_person_in_a_big_picture_leaves_the_rest_of_it_alone(soft_disc):
    rows, columns = np.mgrid[0:1500, 0:2400]
    picture = np.dstack([columns * 0.1, rows * 0.1, 0 * rows + 128]).astype(np.uint8)
    matte = np.zeros(picture.shape[:2], np.float32)
    matte[1200:1380, 2000:2200] = soft_disc
    picture[matte > 0] = (250, 30, 30)
    person, plate, _ = split_layers(picture, matte)
    far = cv2.dilate((matte > 0).astype(np.uint8), np.ones((21, 21))) == 0
    assert np.array_equal(plate[far], picture[far])
    smooth = np.dstack([columns * 0.1, rows * 0.1, 0 * rows + 128])
    assert np.abs(plate.astype(float) - smooth).max() < 12, "no blotch and no rest of the person"
    assert np.array_equal(person[1290, 2100], (250, 30, 30, 255))
