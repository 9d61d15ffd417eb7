"""Frames from a graphics card, one after another: a batch is drawn there while those of the one before come over and are used."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from ...errors import SoliloquyError
from ...motion.clip import MotionClip
from ..pose import Poser
from ..stage import Stage
from .drawing import Easel

logger = logging.getLogger(__name__)

PIXELS_AT_ONCE, MOST_FRAMES = 1 << 26, 128
"""No more are drawn together: by then the few hundred steps of a batch are long beside what it costs to ask for them."""
BYTES_PER_PIXEL = 512
"""Of memory while a batch is drawn; measured on the processor: 340 to 400."""

Fetch = Callable[[], np.ndarray]
"""Waits until frames have come over, and gives them."""


class Batches:
    """A clip drawn where it is posed, in batches as large as the memory there allows."""

    def __init__(self, stage: Stage, poser: Poser, clip: MotionClip):
        self.stage, self.poser, self.clip, device = stage, poser, clip, poser.home
        self.easel = Easel(stage, device)
        room = torch.cuda.mem_get_info(device)[0] // BYTES_PER_PIXEL if device.type == "cuda" else PIXELS_AT_ONCE
        self.at_once = max(1, min(MOST_FRAMES, min(room, PIXELS_AT_ONCE) // (stage.size[0] * stage.size[1])))
        self.crossing = torch.cuda.Stream(device) if device.type == "cuda" else None

    def frames(self) -> Iterator[np.ndarray]:
        """Every frame of the clip, (height, width, 3 or 4) uint8. Raises SoliloquyError when the card cannot hold one frame."""
        total, step = len(self.clip), self.at_once
        with ThreadPoolExecutor(1) as drawer:
            ahead: deque = deque()
            try:
                for start in range(0, total, step):
                    ahead.append(drawer.submit(self._drawn, start, min(start + step, total)))
                    while len(ahead) > 1 or (ahead and start + step >= total):
                        for fetch in ahead.popleft().result():
                            yield from fetch()
            finally:
                drawer.shutdown(wait=False, cancel_futures=True)

    def _drawn(self, start: int, stop: int) -> list[Fetch]:
        """Frames start..stop - 1 on their way, in smaller batches once the card's memory did not suffice."""
        coming: list[Fetch] = []
        while start < stop:
            upto = min(start + self.at_once, stop)
            try:
                dressed = self.stage.dress(self.poser.pose_together(self.clip, start, upto))
                coming.append(self.bring(self.easel.draw(dressed)))
            except torch.OutOfMemoryError:
                self._take_fewer(upto - start)
                continue
            start = upto
        return coming

    def _take_fewer(self, too_many: int) -> None:
        """Draw half as many frames at once from now on. Raises SoliloquyError when that was one."""
        torch.cuda.empty_cache()
        width, height = self.stage.size
        if too_many == 1:
            raise SoliloquyError(f"The graphics card has not enough memory for a frame of {width} x {height}. "
                                 "Choose a smaller size, or the device cpu.")
        self.at_once = too_many // 2
        logger.info("no memory on the card for %d frames of %d x %d; taking %d at once", too_many, width, height, self.at_once)

    def bring(self, drawn: torch.Tensor) -> Fetch:
        """Start bringing frames (B, h, w, 3 or 4) uint8 from the device, beside what it does next."""
        if self.crossing is None:
            return drawn.numpy
        here = torch.empty(drawn.shape, dtype=torch.uint8, pin_memory=True)
        self.crossing.wait_stream(torch.cuda.current_stream(drawn.device))
        with torch.cuda.stream(self.crossing):
            here.copy_(drawn, non_blocking=True)
            drawn.record_stream(self.crossing)
            arrived = self.crossing.record_event()

        def fetch() -> np.ndarray:
            arrived.synchronize()
            return here.numpy()

        return fetch
