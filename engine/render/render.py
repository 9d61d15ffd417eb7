"""`render`: a portrait and a clip become frames, one after another, without ever holding them all."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..device import chosen_device, draws
from ..motion.clip import MotionClip
from ..portrait.portrait import Portrait
from ..progress import Progress, silent
from .batched.stream import Batches
from .drawing import draw
from .pose import Poser
from .stage import Stage
from .threads import tensors_on_one_thread

BATCH = 8
"""Frames posed together."""


def render(portrait: Portrait, clip: MotionClip, *, size: tuple[int, int] | None = None, alpha: bool = False,
           progress: Progress = silent) -> Iterator[np.ndarray]:
    """Yield every frame of `clip` as (height, width, 3) uint8 RGB, or with `alpha` (height, width, 4) straight RGBA.

    size: (width, height) of the frames, default the picture's own; the whole picture is fitted inside, centred, at its own
    proportions, and its plate's border continued. Drawn on the chosen device (device.py). Raises InputError, and SoliloquyError
    when a graphics card cannot hold a frame; `progress` may raise Cancelled.
    """
    poser, total = Poser(portrait, chosen_device()), len(clip)
    stage = Stage(portrait, size, alpha, poser.home)
    frames = Batches(stage, poser, clip).frames() if draws(poser.device) else _drawn_here(stage, poser, clip)
    with contextlib.closing(frames):
        for done, frame in enumerate(frames, 1):
            progress("render", done, total)
            yield frame


def _drawn_here(stage: Stage, poser: Poser, clip: MotionClip) -> Iterator[np.ndarray]:
    """Frames drawn on the processor, one to a thread."""
    total, workers = len(clip), max(1, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool, tensors_on_one_thread():
        waiting: deque = deque()
        try:
            for start in range(0, total, BATCH):
                for dressed in stage.dress(poser.pose_together(clip, start, min(start + BATCH, total))).frames():
                    waiting.append(pool.submit(draw, stage, dressed))
                while waiting and (len(waiting) > BATCH or start + BATCH >= total):
                    yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # whoever stops us does not wait for frames that nobody will see
