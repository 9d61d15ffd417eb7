"""The loop of `soliloquy live`: sound in, motion out, and how late it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..audio.decode import SAMPLE_RATE_HZ
from .performance import Frame, LivePerformance
from .sources import Chunk

LONGEST_LATENCY_MS = 5000


class Sink(Protocol):
    """Takes frames one by one."""

    def send(self, frame: Frame) -> None: ...


@dataclass
class Lateness:
    """How long after the sound of its moment each frame went out, in whole milliseconds; memory does not grow."""

    counts: np.ndarray = field(default_factory=lambda: np.zeros(LONGEST_LATENCY_MS + 1, np.int64))

    def note(self, seconds: float) -> None:
        self.counts[int(np.clip(np.ceil(1000.0 * seconds), 0, LONGEST_LATENCY_MS))] += 1

    def percentile_ms(self, share: float) -> int:
        """The latency that this share (0..1) of the frames does not exceed; 0 without frames."""
        total = int(self.counts.sum())
        return int(np.searchsorted(np.cumsum(self.counts), share * total)) if total else 0


@dataclass
class Report:
    """What a live performance was like. audio_s: length on the audio's clock, gaps included."""

    frames: int = 0
    concealed: int = 0
    gaps: int = 0
    audio_s: float = 0.0
    lateness: Lateness = field(default_factory=Lateness)

    def as_record(self) -> dict:
        """Plain JSON values."""
        late = {f"p{round(100 * share)}": self.lateness.percentile_ms(share) for share in (0.5, 0.95, 0.99, 1.0)}
        late = late if self.lateness.counts.any() else None  # faster than real time nothing is late
        return {"frames": self.frames, "audio_s": round(self.audio_s, 3), "gaps": self.gaps, "concealed_frames": self.concealed,
                "latency_ms": late}

    def text(self) -> str:
        """One line for people."""
        late = self.lateness
        told = (f" out {late.percentile_ms(0.5)} ms (median), {late.percentile_ms(0.95)} ms (95 %), {late.percentile_ms(1.0)} ms "
                "(worst) after their sound;") if late.counts.any() else ""
        return f"{self.frames} frames for {self.audio_s:.1f} s of sound;{told} {self.gaps} gaps, {self.concealed} frames concealed."


def perform(performance: LivePerformance, source: Iterable[Chunk], sink: Sink, report: Report, *,
            paced: bool = True, tick: Callable[[], None] = lambda: None) -> None:
    """Pass everything of `source` through `performance` to `sink`, and keep `report` as it goes.

    A frame's latency counts from when the sample of its own moment existed, not from when its chunk was complete.
    tick: called once per chunk; may raise Cancelled. paced: whether the source keeps real time (else latency says nothing).
    """
    def send(frames: Iterable[Frame], sample_zero_s: float) -> None:
        for frame in frames:
            sink.send(frame)
            report.frames += 1
            report.concealed += frame.concealed
            if paced:
                report.lateness.note(time.perf_counter() - sample_zero_s - frame.time_s)

    for chunk in source:
        tick()
        report.gaps += chunk.lost > 0
        sample_zero_s = chunk.due_s - performance.audio_s - (len(chunk.samples) + chunk.lost) / SAMPLE_RATE_HZ
        send(performance.push(chunk.samples, lost=chunk.lost), sample_zero_s)
        report.audio_s = performance.audio_s
    paced = False  # what is left over comes out without waiting for sound that never comes
    send(performance.finish(), 0.0)
