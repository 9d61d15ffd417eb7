"""What rendering must give: the source picture at rest, and exactly the motion that the curves ask for."""

import dataclasses
import subprocess
import sys
import tracemalloc

import cv2
import numpy as np
import pytest
import torch

from soliloquy.engine.errors import Cancelled, InputError
from soliloquy.engine.motion.clip import CHANNEL_INDEX, MotionClip
from soliloquy.engine.portrait.detect import detect_faces
from soliloquy.engine.portrait.picture import read_picture
from soliloquy.engine.render.chin import ChinShadow
from soliloquy.engine.render.light import FaceLight
from soliloquy.engine.render.pose import Poser
from soliloquy.engine.render.raster import EVERYWHERE, shade
from soliloquy.engine.render.render import render
from soliloquy.engine.render.surface import vertex_normals


def posed(**settings) -> MotionClip:
    """One frame. Keys: ARKit channels, or rotation, gaze, nearer."""
    clip = MotionClip.neutral(1)
    clip.head_rotation_deg[0] = settings.pop("rotation", (0, 0, 0))
    clip.gaze_deg[0] = settings.pop("gaze", (0, 0))
    clip.head_translation_m[0, 2] = settings.pop("nearer", 0)
    for name, value in settings.items():
        clip.channels[0, CHANNEL_INDEX[name]] = value
    return clip


def frame_of(portrait, **settings) -> np.ndarray:
    return next(render(portrait, posed(**settings)))


def psnr(a, b) -> float:
    return 10 * np.log10(255 ** 2 / max(((a.astype(float) - b) ** 2).mean(), 1e-9))


def pupil_distance(portrait) -> float:
    return portrait.units_per_metre * 0.063


def region(portrait, frame, landmarks, margin=0.15) -> np.ndarray:
    points = portrait.landmarks_px[landmarks, :2]
    pad = margin * pupil_distance(portrait)
    (left, top), (right, bottom) = (points.min(0) - pad).astype(int), (points.max(0) + pad).astype(int)
    return frame[top:bottom, left:right].astype(float)


@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_the_rest_pose_is_the_source_picture(name, request):
    portrait, path = request.getfixturevalue(name), request.getfixturevalue(f"{name}_path")
    assert psnr(frame_of(portrait), read_picture(path)[..., :3]) >= 45


def test_the_background_does_not_move(hopper, hopper_path):
    source = read_picture(hopper_path)[..., :3]
    far = cv2.dilate((hopper.images["person"][..., 3] > 0).astype(np.uint8), np.ones((61, 61))) == 0
    frame = frame_of(hopper, rotation=(12, -8, 10), jawOpen=0.8)
    assert far.mean() > 0.02 and psnr(frame[far], source[far]) >= 45


def test_a_turned_head_is_detected_as_turned(hopper):
    upright = detect_faces(frame_of(hopper))[0]
    for axis, rotation in enumerate([(14, 0, 0), (0, 12, 0), (0, 0, 12)]):
        face = detect_faces(frame_of(hopper, rotation=rotation))[0]
        eyes, eyes_before = face[263, :2] - face[33, :2], upright[263, :2] - upright[33, :2]
        nose = (face[1] - (face[33] + face[263]) / 2)[:2] / np.linalg.norm(eyes_before)
        nose_before = (upright[1] - (upright[33] + upright[263]) / 2)[:2] / np.linalg.norm(eyes_before)
        moved = nose - nose_before
        if axis == 0:
            assert moved[0] > 0.05, "yaw > 0 turns the nose to the picture's right"
        if axis == 1:
            assert moved[1] < -0.05, "pitch > 0 looks up"
        if axis == 2:
            angle = np.degrees(np.arctan2(*eyes[::-1]) - np.arctan2(*eyes_before[::-1]))
            assert angle == pytest.approx(-12, abs=1.5), "roll > 0 turns counter-clockwise"


@pytest.mark.parametrize("distance", [0.75, 1.3])
def test_head_distance_scales_the_face(hopper, distance):
    """Read between the eyes' middles: a single corner of a small eye behind glasses is read to a pixel or two only. Shoulders that
    come nearer with the head lead the detector by another 1.5 %, with the same eyes in the same places."""
    hopper = dataclasses.replace(hopper, settings={"shoulders": 0.0})

    def between_the_eyes(frame):
        points = detect_faces(frame)[0][:, :2]
        return np.linalg.norm((points[263] + points[362]) / 2 - (points[33] + points[133]) / 2)
    ratio = between_the_eyes(frame_of(hopper, nearer=1 - distance)) / between_the_eyes(frame_of(hopper))
    assert ratio == pytest.approx(1 / distance, rel=0.03)


def test_a_blink_hides_the_iris(astronaut):
    iris = np.rint(astronaut.landmarks_px[[468, 473], :2]).astype(int)
    radius = max(1, int(0.02 * pupil_distance(astronaut)))
    opened, closed = frame_of(astronaut), frame_of(astronaut, eyeBlinkLeft=1, eyeBlinkRight=1)
    for x, y in iris:
        patch = (slice(y - radius, y + radius + 1), slice(x - radius, x + radius + 1))
        assert closed[patch].mean() > opened[patch].mean() + 20


def test_one_eye_blinks_alone(hopper):
    rest, wink = frame_of(hopper), frame_of(hopper, eyeBlinkLeft=1)
    left = np.abs(region(hopper, wink, [362, 263]) - region(hopper, rest, [362, 263])).mean()
    right = np.abs(region(hopper, wink, [133, 33]) - region(hopper, rest, [133, 33])).mean()
    assert left > 3 and right < 0.05


def darkness_centre(portrait, frame) -> np.ndarray:
    """Where the dark of both irises lies, pixels: the mean of the two eyes."""
    centres = []
    for rim in ("eye_left", "eye_right"):
        points = portrait.parts["face"].vertices[portrait.apertures[rim], :2]
        hole = np.zeros(frame.shape[:2], np.float32)
        cv2.fillPoly(hole, [np.rint(points).astype(np.int32)], 1.0)
        dark = hole * np.clip(120 - frame.mean(axis=2), 0, None) ** 2
        rows, columns = np.mgrid[:frame.shape[0], :frame.shape[1]]
        centres.append([(columns * dark).sum() / dark.sum(), (rows * dark).sum() / dark.sum()])
    return np.mean(centres, axis=0)


@pytest.mark.parametrize("gaze, axis, sign", [((20, 0), 0, 1), ((-20, 0), 0, -1), ((0, -15), 1, 1), ((0, 15), 1, -1)])
def test_eyes_look_where_they_are_told(astronaut, gaze, axis, sign):
    before, after = (darkness_centre(astronaut, frame_of(astronaut, gaze=g)) for g in ((0, 0), gaze))
    assert sign * (after - before)[axis] > 0.01 * pupil_distance(astronaut)


def test_an_open_jaw_shows_the_inside_of_the_mouth_and_a_sealed_one_does_not(hopper):
    lips = [13, 14]
    rest = region(hopper, frame_of(hopper), lips, 0.08)
    opened = region(hopper, frame_of(hopper, jawOpen=0.6), lips, 0.08)
    sealed = region(hopper, frame_of(hopper, jawOpen=0.6, mouthClose=0.6), lips, 0.08)
    assert opened.min() < 60 and (opened.mean(axis=2) < 0.6 * rest.mean()).mean() > 0.1
    dark_at_rest, dark_sealed = ((window.mean(axis=2) < 0.5 * rest.mean()).mean() for window in (rest, sealed))
    assert dark_sealed < dark_at_rest + 0.02


def test_the_upper_teeth_are_fixed_to_the_skull(astronaut):
    poser = Poser(astronaut)
    rest, = poser.pose(posed(), 0, 1)
    moved, = poser.pose(posed(jawOpen=1.0, mouthSmileLeft=1.0), 0, 1)
    assert np.array_equal(rest.vertices["teeth_upper"], moved.vertices["teeth_upper"])
    assert np.abs(rest.vertices["teeth_lower"] - moved.vertices["teeth_lower"]).max() > 0.1 * pupil_distance(astronaut)


def test_alpha_frames_composite_without_fringes(hopper):
    cut = next(render(hopper, posed(rotation=(8, 0, 0)), alpha=True)).astype(float)
    assert cut.shape[2] == 4 and 0 < (cut[..., 3] == 255).mean() < 1 and (cut[..., 3] == 0).any()
    share = cut[..., 3:] / 255
    whole = frame_of(hopper, rotation=(8, 0, 0)).astype(float)
    over = cut[..., :3] * share + hopper.images["plate"] * (1 - share)
    assert psnr(over, whole) >= 38, "the picture's own edge stays where the body rests"
    no_halo = hopper.images["halo"][..., 3] == 0
    assert psnr(over[no_halo], whole[no_halo]) >= 50


@pytest.mark.parametrize("size", [(128, 128), (333, 217), (1024, 1024)])
def test_frames_have_the_size_asked_for(astronaut, astronaut_path, size):
    frame = next(render(astronaut, MotionClip.neutral(1), size=size))
    assert frame.shape == (size[1], size[0], 3)
    if size[0] == size[1]:
        flags = cv2.INTER_AREA if size[0] < 512 else cv2.INTER_LINEAR
        assert psnr(frame, cv2.resize(read_picture(astronaut_path)[..., :3], size, interpolation=flags)) > 30


def test_an_impossible_size_is_refused(astronaut):
    with pytest.raises(InputError, match="9000"):
        next(render(astronaut, MotionClip.neutral(1), size=(9000, 10)))


def test_frames_are_the_same_every_time(hopper):
    settings = dict(rotation=(5, -3, 2), jawOpen=0.4, eyeBlinkLeft=0.5, gaze=(6, 2))
    assert np.array_equal(frame_of(hopper, **settings), frame_of(hopper, **settings))


def test_a_slowly_drifting_face_keeps_its_sharpness(astronaut):
    clip = MotionClip.neutral(8)
    clip.head_rotation_deg[:, :2] = np.linspace((0, 0), (0.6, 0.4), 8)
    low, high = astronaut.landmarks_px[:, :2].min(axis=0).astype(int), astronaut.landmarks_px[:, :2].max(axis=0).astype(int)
    sharpness = []
    for frame in render(astronaut, clip):
        grey = cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.8)
        sharpness.append(cv2.Laplacian(grey, cv2.CV_32F)[low[1]:high[1], low[0]:high[0]].std())
    assert np.ptp(sharpness) < 0.05 * sharpness[0]


def test_memory_does_not_grow_with_the_clip(hopper):
    def peak(frames: int) -> int:
        tracemalloc.start()
        for _ in render(hopper, MotionClip.neutral(frames), size=(128, 128)):
            pass
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(8)
    assert peak(160) < 1.3 * peak(40)


def test_rendering_stops_when_told(hopper):
    def stop(stage, done, total):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        list(render(hopper, MotionClip.neutral(40), size=(128, 128), progress=stop))


def with_face_painted(portrait, brightness) -> object:
    """The portrait with its person painted grey: brightness (V,) 0..255 at each vertex of the face, spread by nearness."""

    import scipy.interpolate

    face, person = portrait.parts["face"], portrait.images["person"].copy()
    rows, columns = np.mgrid[:person.shape[0], :person.shape[1]]
    grey = scipy.interpolate.NearestNDInterpolator(face.vertices[:, :2], brightness)(columns, rows)
    person[..., :3] = np.clip(grey, 0, 255)[..., None].astype(np.uint8)
    return dataclasses.replace(portrait, images=portrait.images | {"person": person})


def test_light_from_the_side_stays_on_its_side_when_the_head_turns(hopper):
    face = hopper.parts["face"]
    normals = vertex_normals(face.vertices, face.triangles)
    lit = FaceLight(with_face_painted(hopper, 120 + 80 * normals[:, 0]))
    assert lit.is_on
    far_cheek = 50  # the subject's right, the picture's left
    turned = Poser(hopper).pose_together(posed(rotation=(15, 0, 0)), 0, 1)
    factor = lit.factor(turned.vertices["face"], turned.channels)[0]
    assert factor[far_cheek] > 1.03, "turned towards the light on the picture's right, the other cheek grows brighter"
    assert np.allclose(lit.factor(torch.from_numpy(face.vertices)[None], turned.channels), 1.0, atol=1e-5)
    assert factor.min() > 0.7 and factor.max() < 1.35


@pytest.mark.parametrize("spread", [0, 25])
def test_flat_art_is_not_shaded(hopper, spread):
    paint = np.random.default_rng(0).normal(140, spread, len(hopper.parts["face"].vertices))
    flat = FaceLight(with_face_painted(hopper, paint))
    turned = Poser(hopper).pose_together(posed(rotation=(15, 5, 0)), 0, 1)
    assert (flat.factor(turned.vertices["face"], turned.channels) - 1).abs().max() < 0.01


def test_the_chins_shadow_goes_with_the_jaw_and_needs_light_from_above(hopper):
    person, face = (torch.from_numpy(hopper.parts[name].vertices)[None] for name in ("person", "face"))
    dropped = face + torch.tensor((0, 0.3 * pupil_distance(hopper), 0))
    shadow, none = ChinShadow(hopper, 1.0), ChinShadow(hopper, 0.0)
    assert np.allclose(shadow.factor(person, face), 1) and np.allclose(none.factor(person, dropped), 1)
    below = person[0, shadow.neck, 1] > hopper.landmarks_px[152, 1] + 0.3 * pupil_distance(hopper)
    factor = shadow.factor(person, dropped)[0]
    assert factor[below].min() < 0.9, "the neck that the chin comes near grows darker"
    assert factor.min() >= 0.75 and factor.max() <= 1.2


@pytest.mark.parametrize("alpha", [False, True])
def test_a_frame_drawn_in_bands_is_the_frame(astronaut, monkeypatch, alpha):
    """Rows across eyes, mouth, folds and the person's edge, where what is beside a row decides what it shows."""
    clip = MotionClip.neutral(2)
    clip.channels[1, CHANNEL_INDEX["jawOpen"]] = 0.5
    clip.head_rotation_deg[1] = (18.0, 5.0, 4.0)
    at_once = list(render(astronaut, clip, size=(240, 250), alpha=alpha))
    monkeypatch.setattr("soliloquy.engine.render.drawing.BAND_PX", 240 * 7)
    for whole, banded in zip(at_once, render(astronaut, clip, size=(240, 250), alpha=alpha), strict=True):
        assert np.array_equal(whole, banded)


_FRAMES_OF_4K = """
import sys
from soliloquy.engine.measure.speed import peak_memory_bytes
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.portrait.portrait import Portrait
from soliloquy.engine.render.render import render
for _ in render(Portrait.load(sys.argv[1]), MotionClip.neutral(8), size=(4096, 4096)):
    pass
print(peak_memory_bytes())
"""


@pytest.mark.slow
def test_frames_of_4k_are_made_in_bounded_memory(astronaut, tmp_path):
    astronaut.save(tmp_path / "a.portrait")
    done = subprocess.run([sys.executable, "-c", _FRAMES_OF_4K, str(tmp_path / "a.portrait")], capture_output=True, text=True, check=True)
    assert int(done.stdout.splitlines()[-1]) < 1.0e9


@pytest.mark.parametrize("behind, alpha, brightness", [(1.0, 1.0, 150), (0.5, 0.5, 100), (0.25, 0.5, 100), (0.0, 0.5, 100)],
                         ids=["before another surface", "before its own soft edge", "before a softer one", "before nothing"])
def test_a_face_puts_its_soft_edge_in_place_of_the_persons_and_is_no_hole_in_what_else_is_there(behind, alpha, brightness):
    """A texel of 200 that is half opaque, over a surface of 100: at rest the matte counts once, turned over a cheek the cheek is behind it."""
    frame = np.array([[[100 * behind, 100 * behind, 100 * behind, behind]]], np.float32)
    texture = np.full((2, 2, 4), (200, 200, 200, 128), np.uint8)
    triangles, corners, white = np.array([[0, 1, 2]], np.int32), np.zeros((3, 2), np.float32), np.ones((3, 4), np.float32)
    shade(triangles, corners, white, texture, np.zeros((1, 1), np.int32), np.full((1, 1, 2), 0.3, np.float32), EVERYWHERE, True, frame)
    assert frame[0, 0, 3] == pytest.approx(alpha, abs=0.01) and frame[0, 0, 0] == pytest.approx(brightness, abs=1)
