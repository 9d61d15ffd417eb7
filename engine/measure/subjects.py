"""What can be measured: a picture, a `.portrait`, or the folder that `soliloquy animate` wrote."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..audio.speech import Speech
from ..errors import InputError
from ..motion.clip import MotionClip
from ..portrait.build import build_portrait
from ..portrait.picture import read_picture
from ..portrait.portrait import Portrait
from ..progress import Progress, silent


@dataclass
class Subject:
    """One thing to measure.

    source: the picture (H, W, 3|4) where it is at hand; speech, take: the recording and performance of an `animate` folder;
    build_s: seconds it took to build the portrait, NaN when it came ready.
    """

    name: str
    portrait: Portrait
    source: np.ndarray | None = None
    speech: Speech | None = None
    take: MotionClip | None = None
    build_s: float = field(default=float("nan"))


def read_subject(path: str | os.PathLike, *, progress: Progress = silent) -> Subject:
    """Load or build what `path` names. Raises InputError, ImageError, NoFaceError, FormatError."""
    path = Path(path)
    if path.is_dir():
        return _read_folder(path)
    if not path.exists():
        raise InputError(f"There is nothing at {path}. Give a picture, a .portrait or a folder of `soliloquy animate`.")
    if path.suffix == ".portrait":
        return Subject(path.name, Portrait.load(path))
    source = read_picture(path)
    start = time.perf_counter()
    portrait = build_portrait(path, progress=progress)
    return Subject(path.name, portrait, source, build_s=time.perf_counter() - start)


def _read_folder(folder: Path) -> Subject:
    needed = ("portrait.portrait", "motion.json", "speech.json")
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder} is not a folder written by `soliloquy animate`: {', '.join(missing)} missing.")
    portrait = Portrait.load(folder / "portrait.portrait")
    return Subject(folder.name, portrait, None, Speech.load(folder / "speech.json"), MotionClip.load(folder / "motion.json"))
