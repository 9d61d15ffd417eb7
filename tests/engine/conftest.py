"""Portraits that the tests share: public-domain pictures that come with dependencies, taken apart once per run."""

from pathlib import Path

import cv2
import pytest

from soliloquy.engine.measure.detectors import FaceDetector
from soliloquy.engine.motion.clip import MotionClip
from soliloquy.engine.portrait.build import build_portrait
from soliloquy.engine.portrait.portrait import Portrait
from soliloquy.engine.render.render import render


@pytest.fixture(scope="session", autouse=True)
def own_keys_and_no_policy(tmp_path_factory):
    """Tests sign with a key of their own, and no policy of the person who runs them gets in the way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOLILOQUY_KEYS", str(tmp_path_factory.mktemp("keys")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("configuration")))
        patch.delenv("SOLILOQUY_POLICY", raising=False)
        yield


@pytest.fixture(scope="session")
def astronaut_path() -> Path:
    """Eileen Collins, smiling with her teeth shown (NASA, public domain; ships with scikit-image)."""
    import skimage.data

    return Path(skimage.data.__file__).parent / "astronaut.png"


@pytest.fixture(scope="session")
def hopper_path() -> Path:
    """Grace Hopper with glasses and a hat, lips closed (US Navy, public domain; ships with matplotlib)."""
    import matplotlib.cbook

    return Path(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))


@pytest.fixture(scope="session")
def astronaut(astronaut_path) -> Portrait:
    return build_portrait(astronaut_path)


@pytest.fixture(scope="session")
def hopper(hopper_path) -> Portrait:
    return build_portrait(hopper_path)


@pytest.fixture(scope="session")
def three_quarters(hopper, tmp_path_factory) -> Portrait:
    """Made of a frame in which the head is turned to the picture's right as far as it goes: its far side, at the right, is hidden."""
    clip = MotionClip.neutral(1)
    clip.head_rotation_deg[0, 0] = 25
    picture = tmp_path_factory.mktemp("three_quarters") / "picture.png"
    cv2.imwrite(str(picture), next(render(hopper, clip))[..., ::-1])
    return build_portrait(picture)


@pytest.fixture(scope="session")
def detector():
    """Reads faces off pictures as the scoreboard does."""
    with FaceDetector() as detector:
        yield detector
