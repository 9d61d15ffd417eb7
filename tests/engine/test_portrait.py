"""What taking a picture apart must give: geometry that fits the face, contact where lids and lips meet, a file that lasts."""

import json
import zipfile

import cv2
import numpy as np
import pytest

from soliloquy.common.channels import RIG_CHANNELS
from soliloquy.engine.errors import FormatError, NoFaceError
from soliloquy.engine.motion.clip import CHANNEL_INDEX
from soliloquy.engine.portrait.build import build_portrait
from soliloquy.engine.portrait.detect import detect_faces
from soliloquy.engine.portrait.fit import FACE_HEIGHT, fit_face, head_asset
from soliloquy.engine.portrait.mesh import loop_subdivide, rim_loops
from soliloquy.engine.portrait.picture import read_picture
from soliloquy.engine.portrait.portrait import PART_NAMES, Portrait
from soliloquy.engine.portrait.topology import (INNER_LIP_LOWER, INNER_LIP_UPPER, LANDMARKS, LID_LOWER, LID_UPPER)


@pytest.fixture(scope="module")
def hopper_fit(hopper):
    return fit_face(hopper.landmarks_px)


def pixels_of(path):
    return np.ascontiguousarray(read_picture(path)[..., :3])


def test_one_face_is_found_with_all_its_landmarks(astronaut_path):
    faces = detect_faces(pixels_of(astronaut_path))
    assert len(faces) == 1 and faces[0].shape == (LANDMARKS, 3)


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_a_face_in_a_turned_picture_is_found_where_it_is(astronaut_path, quarter):
    image = pixels_of(astronaut_path)
    upright = detect_faces(image)[0][1, :2]
    turned = detect_faces(np.ascontiguousarray(np.rot90(image, quarter)))[0][1, :2]
    height, width = image.shape[:2]
    expected = {1: (upright[1], width - 1 - upright[0]), 2: (width - 1 - upright[0], height - 1 - upright[1]),
                3: (height - 1 - upright[1], upright[0])}[quarter]
    assert np.hypot(*(turned - expected)) < 6


def test_a_small_face_in_a_big_picture_is_found(astronaut_path):
    small = cv2.resize(pixels_of(astronaut_path), (300, 300), interpolation=cv2.INTER_AREA)
    image = np.full((1800, 2600, 3), 90, np.uint8)
    image[1400:1700, 2200:2500] = small
    nose = detect_faces(image)[0][1, :2]
    assert 2200 < nose[0] < 2500 and 1400 < nose[1] < 1700


def test_of_several_faces_the_largest_is_taken_and_others_can_be_chosen(astronaut_path, tmp_path):
    face = pixels_of(astronaut_path)
    image = np.full((512, 900, 3), 120, np.uint8)
    image[:, :512] = face
    image[100:400, 560:860] = cv2.resize(face, (300, 300), interpolation=cv2.INTER_AREA)
    path = tmp_path / "two.png"
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert build_portrait(path).landmarks_px[1, 0] < 512
    assert build_portrait(path, face=1).landmarks_px[1, 0] > 560
    with pytest.raises(NoFaceError, match="2 face"):
        build_portrait(path, face=2)


def test_a_picture_without_a_face_says_so(tmp_path):
    path = tmp_path / "grass.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8))
    with pytest.raises(NoFaceError, match="grass.png"):
        build_portrait(path)


def test_landmarks_corrected_by_hand_are_followed(hopper_path, hopper, tmp_path):
    moved = hopper.landmarks_px + (7.0, 0.0, 0.0)
    path = tmp_path / "points.json"
    path.write_text(json.dumps({"landmarks_px": moved.tolist()}))
    corrected = build_portrait(hopper_path, landmarks=path)
    shift = corrected.parts["face"].vertices[:, 0] - hopper.parts["face"].vertices[:, 0]
    assert np.allclose(shift, 7.0, atol=0.01)


@pytest.mark.parametrize("text", ["", "[]", '{"landmarks_px": [[1, 2, 3]]}', '{"landmarks_px": "no"}'])
def test_a_damaged_landmark_file_is_refused(hopper_path, tmp_path, text):
    path = tmp_path / "points.json"
    path.write_text(text)
    with pytest.raises(FormatError, match="points.json"):
        build_portrait(hopper_path, landmarks=path)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_full_blink_brings_the_upper_lid_to_the_lower_one(hopper_fit, side):
    delta = hopper_fit.deltas[CHANNEL_INDEX[f"eyeBlink{side.capitalize()}"]]
    upper = (hopper_fit.surface + delta)[list(LID_UPPER[side])]
    lower = (hopper_fit.surface + delta)[list(LID_LOWER[side])]
    gap = (lower - upper)[:, :2] @ hopper_fit.down / hopper_fit.pupil_distance
    assert gap.max() < 0.002, "white would show"
    assert gap.min() > -0.04, "the lid would swallow the cheek"


@pytest.mark.parametrize("jaw", [0.2, 0.6, 1.0])
def test_mouth_close_seals_what_jaw_open_opened(hopper_fit, jaw):
    moved = hopper_fit.surface + jaw * (hopper_fit.deltas[CHANNEL_INDEX["jawOpen"]] + hopper_fit.deltas[CHANNEL_INDEX["mouthClose"]])
    gap = (moved[list(INNER_LIP_LOWER)] - moved[list(INNER_LIP_UPPER)])[:, :2] @ hopper_fit.down / hopper_fit.pupil_distance
    assert gap.max() < 0.002


def test_jaw_open_opens_the_mouth_as_far_as_a_jaw_does(hopper_fit):
    moved = hopper_fit.surface + hopper_fit.deltas[CHANNEL_INDEX["jawOpen"]]
    gap = (moved[14] - moved[13])[:2] @ hopper_fit.down / hopper_fit.pupil_distance
    assert 0.3 < gap < 0.9, "20 to 55 mm at a pupil distance of 63 mm"


def test_lips_that_smile_open_come_together_and_seal_in_a_p(astronaut):
    fit = fit_face(astronaut.landmarks_px)
    together = fit.surface + fit.deltas[RIG_CHANNELS.index("lipsTogether")]
    sealed = together + 0.4 * fit.deltas[CHANNEL_INDEX["mouthRollLower"]] + 0.5 * fit.deltas[CHANNEL_INDEX["mouthRollUpper"]]
    gaps = [(points[14] - points[13])[:2] @ fit.down / fit.pupil_distance for points in (fit.surface, together, sealed)]
    assert gaps[0] > 0.05 and gaps[1] == pytest.approx(0.0, abs=0.005) and gaps[2] < 0.0


def test_lips_that_are_closed_have_nothing_to_bring_together(hopper_fit):
    assert np.abs(hopper_fit.deltas[RIG_CHANNELS.index("lipsTogether")]).max() < 1e-9


def test_a_smile_can_only_be_added_where_there_is_none(astronaut):
    free, smiling = fit_face(astronaut.landmarks_px), fit_face(astronaut.landmarks_px, {"mouthSmileLeft": 0.75})
    reach = [np.abs(f.deltas[CHANNEL_INDEX["mouthSmileLeft"]]).max() for f in (free, smiling)]
    assert reach[1] == pytest.approx(0.25 * reach[0])
    assert astronaut.rest["mouthSmileLeft"] > 0.4


def test_closed_lips_have_one_seam(hopper_fit):
    assert np.array_equal(hopper_fit.surface[13], hopper_fit.surface[14])
    assert 0.9 < np.linalg.norm(hopper_fit.surface[152] - hopper_fit.surface[10]) / (FACE_HEIGHT * hopper_fit.pupil_distance) < 1.3


def test_left_channels_move_the_subjects_left(hopper_fit):
    for name in ("eyeBlink", "mouthSmile", "browOuterUp"):
        left = np.abs(hopper_fit.deltas[CHANNEL_INDEX[f"{name}Left"]]).sum(axis=1)
        middle = (hopper_fit.surface[:, 0] * left).sum() / left.sum()
        assert middle > hopper_fit.surface[1, 0], "the subject's left is the picture's right"


def test_the_face_has_one_outline_and_three_holes():
    triangles = head_asset()["face_triangles"].astype(int)
    assert len(rim_loops(triangles)) == 4
    finer, matrix = loop_subdivide(triangles, 468)
    assert len(finer) == 4 * len(triangles) and np.allclose(matrix.sum(axis=1), 1)
    assert len(rim_loops(finer)) == 4


def test_every_part_is_well_formed(astronaut):
    assert set(astronaut.parts) <= set(PART_NAMES) and {"person", "face", "teeth_upper"} <= set(astronaut.parts)
    for name, part in astronaut.parts.items():
        count = len(part.vertices)
        assert part.triangles.min() >= 0 and part.triangles.max() < count, name
        assert part.uv.shape == (count, 2) and part.colour.shape == (count, 4) and part.head_weight.shape == (count,), name
        assert np.isfinite(part.vertices).all() and np.isfinite(part.delta_offset).all(), name
        assert not part.texture or part.texture in astronaut.images, name


@pytest.mark.parametrize("name", ["person", "face", "eye_left", "eye_right", "iris_left", "iris_right", "teeth_source"])
def test_surfaces_face_the_camera(astronaut, name):
    part = astronaut.parts[name]
    a, b, c = (part.vertices[part.triangles[:, k]] for k in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    assert -area.sum() > 0.98 * np.abs(area).sum(), "counter-clockwise as seen, in a picture whose y points down"


def test_the_shoulders_stay_and_the_head_turns(hopper):
    person = hopper.parts["person"]
    chin = hopper.landmarks_px[152, 1]
    assert person.head_weight[person.vertices[:, 1] < chin - 20].min() > 0.95
    assert person.head_weight[person.vertices[:, 1] > chin + 2 * hopper.units_per_metre * 0.063].max() < 0.01


def test_a_saved_portrait_comes_back_as_it_was(astronaut, tmp_path):
    path = tmp_path / "a.portrait"
    astronaut.save(path)
    again = Portrait.load(path)
    assert again.size == astronaut.size and again.rest == astronaut.rest and again.provenance == astronaut.provenance
    for name, part in astronaut.parts.items():
        assert np.array_equal(part.vertices, again.parts[name].vertices)
        assert np.array_equal(part.dense_deltas(), again.parts[name].dense_deltas())
    for name, image in astronaut.images.items():
        assert np.array_equal(image, again.images[name])
    assert all(np.array_equal(rim, again.apertures[name]) for name, rim in astronaut.apertures.items())


def test_a_damaged_portrait_file_is_refused(astronaut, tmp_path):
    path = tmp_path / "a.portrait"
    astronaut.save(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(FormatError, match="a.portrait"):
        Portrait.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("portrait.json", '{"format": "soliloquy-portrait", "format_version": 99}')
    with pytest.raises(FormatError):
        Portrait.load(path)


def test_a_person_cut_by_the_frame_goes_on_beyond_it(hopper):
    person = hopper.parts["person"]
    below = person.vertices[:, 1] > hopper.size[1]
    assert below.any(), "the shoulders are cut by the bottom of the picture"
    assert not (person.vertices[:, 1] < -1).any() or (hopper.images["person"][0, :, 3] > 127).any()
    assert person.uv.min() >= 0 and person.uv.max() <= 1
    outermost = person.vertices[:, 1] > person.vertices[:, 1].max() - 1
    assert person.colour[below, 3].min() >= 0 and person.colour[outermost, 3].max() < 0.1
