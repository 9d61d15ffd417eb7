"""Portraits that the tests share: public-domain pictures that come with dependencies, taken apart once per run."""

from pathlib import Path

import pytest

from soliloquy.engine.portrait.build import build_portrait
from soliloquy.engine.portrait.portrait import Portrait


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
