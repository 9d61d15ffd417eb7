"""What a frame's making is spent on: posing, dressing, drawing and bringing over, each alone and all together as `render` runs them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..device import chosen_device, devices, draws
from ..motion.clip import MotionClip
from ..portrait.portrait import Portrait

if TYPE_CHECKING:
    import torch

    from ..render.pose import Poser
    from ..render.stage import Stage

FRAMES_DRAWN_HERE, FRAMES_DRAWN_THERE = 16, 1024
"""Frames that are timed: drawn on the processor, and on a device that draws many at once."""


@dataclass(frozen=True)
class FrameStages:
    """Frames a second without encoding. alone: by stage, on one thread, each waiting for the one before; together: as `render` gives
    them, overlapping and, on the processor, on every core. device: which; detail: what it is, as its driver calls it."""

    device: str
    detail: str
    alone: dict[str, float]
    together: float

    def text(self) -> str:
        """For people, with the share of the time that each stage takes."""
        whole_s = sum(1 / fps for fps in self.alone.values())
        shares = ", ".join(f"{stage} {fps:.0f} ({100 / fps / whole_s:.0f} %)" for stage, fps in self.alone.items())
        where = f"{self.device} ({self.detail})" if self.detail else self.device
        return f"not encoded, on {where}: {self.together:.1f} a second; stages one after another: {shares}"


def time_stages(portrait: Portrait, size: tuple[int, int], clip: Callable[[int], MotionClip]) -> FrameStages:
    """Time frames of `size` of clips with so many frames, on the chosen device. Raises InputError when that cannot be used."""
    from ..render.pose import Poser
    from ..render.render import render
    from ..render.stage import Stage

    poser = Poser(portrait, chosen_device())
    frames = FRAMES_DRAWN_THERE if draws(poser.device) else FRAMES_DRAWN_HERE
    alone = _time_alone(*_stages(Stage(portrait, size, False, poser.home), poser, clip(frames)), frames, poser.home)
    start = 0.0
    for number, _ in enumerate(render(portrait, clip(2 * frames), size=size), 1):
        start = time.perf_counter() if number == frames else start
    together = frames / (time.perf_counter() - start)
    detail = next(state.detail for state in devices() if state.name == poser.device.type)
    return FrameStages(poser.device.type, detail, alone, together)


def _stages(stage: Stage, poser: Poser, clip: MotionClip) -> tuple[int, dict[str, Callable]]:
    """How many frames are made at once, and the stages, each made from the one before, the first from the number of a frame."""
    from ..render.batched.stream import Batches
    from ..render.drawing import draw
    from ..render.render import BATCH

    if draws(poser.device):
        batches = Batches(stage, poser, clip)
        at_once = min(batches.at_once, len(clip))
        rest = {"draw": batches.easel.draw, "transfer": lambda drawn: batches.bring(drawn)()}
    else:
        at_once = min(BATCH, len(clip))
        rest = {"draw": lambda dressed: [draw(stage, frame) for frame in dressed.frames()]}
    return at_once, {"pose": lambda start: poser.pose_together(clip, start, start + at_once), "dress": stage.dress} | rest


def _time_alone(at_once: int, stages: dict[str, Callable], frames: int, device: torch.device) -> dict[str, float]:
    """Frames a second of each stage, the first batch not counted."""
    spent_s = dict.fromkeys(stages, 0.0)
    starts = range(0, frames - at_once + 1, at_once)
    for batch, made in enumerate([0, *starts]):
        for name, step in stages.items():
            before = time.perf_counter()
            made = step(made)
            _finish(device)
            spent_s[name] += time.perf_counter() - before if batch else 0.0
    return {name: len(starts) * at_once / seconds for name, seconds in spent_s.items()}


def _finish(device: torch.device) -> None:
    """Wait until the device has done what it was asked for."""
    if device.type == "cuda":
        import torch

        torch.cuda.synchronize(device)
