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
MOST_WAITING_PX = 1 << 25
"""Fewer, where they have more pixels together than this, but one for each core: as many again may be waiting for whoever takes them."""


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
    batch = min(BATCH, max(workers, MOST_WAITING_PX // (stage.size[0] * stage.size[1])))
    with ThreadPoolExecutor(workers) as pool, tensors_on_one_thread():
        waiting: deque = deque()
        try:
            for start in range(0, total, batch):
                for dressed in stage.dress(poser.pose_together(clip, start, min(start + batch, total))).frames():
                    waiting.append(pool.submit(draw, stage, dressed))
                while waiting and (len(waiting) > batch or start + batch >= total):
                    yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # whoever stops us does not wait for frames that nobody will see
