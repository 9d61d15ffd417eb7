"""Six portraits in five poses as they were when somebody last looked at them: a change in any has to be looked at, too.

SOLILOQUY_NEW_GOLDEN=1 writes the pictures that differ anew. Two portraits come with dependencies; the paintings and the photograph of
1870 are in the public domain and lie beside the repository, so that their tests are skipped where they are missing.
"""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from soliloquy.engine.motion.clip import CHANNEL_INDEX, MotionClip
from soliloquy.engine.portrait.build import build_portrait
from soliloquy.engine.render.render import render

GOLDEN = Path(__file__).parent / "golden"
SHARED = Path(__file__).parents[3] / "shared" / "portraits"
PAINTED = {"mona_lisa": "pd_painting_mona_lisa.jpg", "pearl_earring": "pd_painting_pearl_earring.jpg",
           "renoir_samary": "pd_painting_renoir_samary.jpg", "frederick_douglass": "pd_photo_frederick_douglass.jpg"}
POSES = ("rest", "blink", "gaze", "open mouth", "head turn")
CROP_PX, FRAME_PX = 192, 640
BLOCK_PX = 6
MOST_DIFFERENT = 11.0
"""Mean difference of the worst block, of 255 levels. JPEG and another machine's arithmetic stay at half of it at the most; a
lid, a tooth or a lip that is missing or a pixel off is far above."""


def five_poses() -> MotionClip:
    clip = MotionClip.neutral(len(POSES))
    for channel in ("eyeBlinkLeft", "eyeBlinkRight"):
        clip.channels[1, CHANNEL_INDEX[channel]] = 1.0
    clip.gaze_deg[2] = (16, 4)
    clip.channels[3, CHANNEL_INDEX["jawOpen"]] = 0.5
    clip.head_rotation_deg[4] = (12, -5, 4)
    return clip


def face_crops(portrait) -> list[np.ndarray]:
    """The five poses, each (CROP_PX, CROP_PX, 3) uint8 around the face at rest."""
    width, height = portrait.size
    scale = min(1.0, FRAME_PX / max(width, height))
    frames = render(portrait, five_poses(), size=(round(width * scale), round(height * scale)))
    points = portrait.landmarks_px[:, :2] * scale
    low, high = points.min(axis=0), points.max(axis=0)
    zoom = CROP_PX / (1.15 * float((high - low).max()))
    corner = (low + high) / 2 * zoom - CROP_PX / 2
    matrix = np.array([[zoom, 0, -corner[0]], [0, zoom, -corner[1]]])
    flags = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    size = (CROP_PX, CROP_PX)
    return [cv2.warpAffine(frame, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE) for frame in frames]


def worst_block(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference of the block of pixels in which two pictures differ most."""
    difference = np.abs(one.astype(float) - other).mean(axis=2)
    blocks = difference.reshape(CROP_PX // BLOCK_PX, BLOCK_PX, CROP_PX // BLOCK_PX, BLOCK_PX)
    return float(blocks.mean(axis=(1, 3)).max())


def made_anew(name: str, pose: str) -> Path:
    """A pose that changed on purpose lies beside its strip: the repository keeps every picture that ever was, and a strip is five."""
    return GOLDEN / f"{name}_{pose.replace(' ', '_')}.jpg"


def golden_crops(name: str) -> list[np.ndarray]:
    strip = np.split(cv2.imread(str(GOLDEN / f"{name}.jpg")), len(POSES), axis=1)
    crops = [cv2.imread(str(path)) if (path := made_anew(name, pose)).exists() else crop for pose, crop in zip(POSES, strip)]
    return [cv2.cvtColor(crop, cv2.COLOR_BGR2RGB) for crop in crops]


def check(name: str, portrait) -> None:
    for pose, now, before in zip(POSES, face_crops(portrait), golden_crops(name)):
        different = worst_block(now, before)
        if different >= MOST_DIFFERENT and os.environ.get("SOLILOQUY_NEW_GOLDEN"):
            cv2.imwrite(str(made_anew(name, pose)), cv2.cvtColor(now, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
        assert different < MOST_DIFFERENT, f"{name} looks different: {pose}"


@pytest.mark.parametrize("name", ["astronaut", "hopper"])
def test_faces_look_as_they_did(name, request):
    check(name, request.getfixturevalue(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", PAINTED)
def test_paintings_look_as_they_did(name):
    picture = SHARED / PAINTED[name]
    if not picture.is_file():
        pytest.skip(f"{picture.name} is not beside the repository")
    check(name, build_portrait(picture))


@pytest.mark.parametrize("name", ["astronaut", "hopper", *PAINTED])
def test_each_pose_is_told_from_rest(name):
    """The tolerance would not let one pose pass for another."""
    rest, *moved = golden_crops(name)
    for pose, crop in zip(POSES[1:], moved):
        assert worst_block(rest, crop) > 1.2 * MOST_DIFFERENT, pose
