"""What one picture and a long clip cost: building, the frame rate, and memory minute by minute, in processes that do nothing else.

`python -m soliloquy.engine.measure.endurance build PICTURE PORTRAIT`, `... render PORTRAIT SIZE MINUTES` and `... stages PORTRAIT SIZE`
print JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..errors import SoliloquyError
from ..motion.clip import CHANNEL_INDEX, MotionClip
from ..portrait.portrait import Portrait
from ..progress import Progress, silent
from .frame_stages import FrameStages, time_stages
from .speed import hardware, peak_memory_bytes

MIB = 2 ** 20
FPS = Fraction(25)
SWAY_DEG = (12.0, 8.0, 5.0)
SWAY_HZ = (0.31, 0.23, 0.17)
SYLLABLES_HZ, BLINKS_HZ = 4.0, 0.4
POLL_S = 0.2


@dataclass(frozen=True)
class Endurance:
    """What one picture cost. minutes_mib: resident memory after each minute of the clip; peaks are of whole processes; stages: frames
    without encoding, by stage."""

    picture: str
    size: tuple[int, int]
    build_s: float
    build_peak_mib: float
    frame_size: tuple[int, int]
    frames_per_s: float
    minutes_mib: list[float]
    render_peak_mib: float
    stages: FrameStages

    def text(self) -> str:
        """The figures for people."""
        minutes = ", ".join(f"{number} min {memory:.0f}" for number, memory in enumerate(self.minutes_mib, 1))
        return (f"{self.picture}, {self.size[0]} x {self.size[1]}: portrait in {self.build_s:.1f} s, peak {self.build_peak_mib:.0f} MiB\n"
                f"frames of {self.frame_size[0]} x {self.frame_size[1]}, encoded: {self.frames_per_s:.1f} a second, "
                f"peak {self.render_peak_mib:.0f} MiB; resident after {minutes} MiB\n{self.stages.text()}\n{hardware()}")

    def as_json(self) -> dict:
        """Plain JSON values."""
        return {**asdict(self), "size": list(self.size), "frame_size": list(self.frame_size), "hardware": hardware()}


def endure(picture: Path, *, size_px: int = 512, minutes: int = 1, progress: Progress = silent) -> Endurance:
    """Build a portrait of `picture` and render `minutes` of a moving, speaking face, the longer side `size_px`, into a video.

    Raises SoliloquyError when either fails; `progress` may raise Cancelled.
    """
    with tempfile.TemporaryDirectory() as folder:
        portrait = str(Path(folder) / "subject.portrait")
        built = _child(lambda: progress("bench", 0, 3), "build", str(picture), portrait)
        rendered = _child(lambda: progress("bench", 1, 3), "render", portrait, str(size_px), str(minutes))
        stages = _child(lambda: progress("bench", 2, 3), "stages", portrait, str(size_px))
    progress("bench", 3, 3)
    return Endurance(Path(picture).name, tuple(built["size"]), built["build_s"], built["peak_bytes"] / MIB,
                     tuple(rendered["size"]), rendered["frames_per_s"], [bytes_ / MIB for bytes_ in rendered["minutes_bytes"]],
                     rendered["peak_bytes"] / MIB, FrameStages(**stages))


def restless_clip(frames: int) -> MotionClip:
    """A clip in which head, jaw, eyes and lids never rest, and which takes as long to make as to say."""
    clip = MotionClip.neutral(frames, FPS)
    seconds = np.arange(frames)[:, None] / float(FPS)
    clip.head_rotation_deg[:] = np.array(SWAY_DEG) * np.sin(2 * np.pi * np.array(SWAY_HZ) * seconds)
    clip.gaze_deg[:] = 0.5 * clip.head_rotation_deg[:, None, :2]
    clip.channels[:, CHANNEL_INDEX["jawOpen"]] = 0.25 * (1 - np.cos(2 * np.pi * SYLLABLES_HZ * seconds[:, 0]))
    blink = np.clip(8 * np.cos(2 * np.pi * BLINKS_HZ * seconds[:, 0]) - 7, 0, 1)
    for side in ("Left", "Right"):
        clip.channels[:, CHANNEL_INDEX[f"eyeBlink{side}"]] = blink
    return clip


def resident_bytes() -> int:
    """What this process holds in memory now; its peak where the system does not say."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return peak_memory_bytes()
    return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmRSS"))


def time_building(picture: Path, out: Path) -> dict:
    """Build and save a portrait; libraries and networks are loaded within the time, as they are for somebody who waits."""
    start = time.perf_counter()
    from ..portrait.build import build_portrait

    portrait = build_portrait(picture)
    build_s = time.perf_counter() - start
    portrait.save(out)
    return {"size": portrait.size, "build_s": build_s, "peak_bytes": peak_memory_bytes()}


def time_minutes(portrait_path: Path, size_px: int, minutes: int) -> dict:
    """Render and encode so many minutes, and look at the memory after each."""
    from ..render.render import render
    from ..render.write import VideoSink

    portrait = Portrait.load(portrait_path)
    size = _frame_size(portrait, size_px)
    a_minute = int(60 * FPS)
    clip, held = restless_clip(minutes * a_minute), []
    with VideoSink(portrait_path.with_name("endurance.mp4"), size=size, fps=FPS, frames=len(clip)) as sink:
        start = 0.0
        for number, frame in enumerate(render(portrait, clip, size=size)):
            start = start or time.perf_counter()
            sink.write(frame)
            if (number + 1) % a_minute == 0:
                held.append(resident_bytes())
        elapsed = time.perf_counter() - start
    return {"size": size, "frames_per_s": (len(clip) - 1) / elapsed, "minutes_bytes": held, "peak_bytes": peak_memory_bytes()}


def _frame_size(portrait: Portrait, long_side_px: int) -> tuple[int, int]:
    """(width, height) of the portrait's frames."""
    scale = long_side_px / max(portrait.size)
    return max(16, round(portrait.size[0] * scale)), max(16, round(portrait.size[1] * scale))


def _child(still_wanted: Callable[[], None], *arguments: str) -> dict:
    """What a fresh process prints when it does what `arguments` say; ended when `still_wanted` raises Cancelled."""
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as said:
        child = subprocess.Popen([sys.executable, "-P", "-m", __name__, *arguments], stdout=printed, stderr=said)
        try:
            while child.poll() is None:
                still_wanted()
                time.sleep(POLL_S)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        lines = []
        for stream in (printed, said):
            stream.seek(0)
            lines.append(stream.read().decode("utf-8", "replace").strip().splitlines())
    if child.returncode:
        raise SoliloquyError(f"The bench failed to {arguments[0]}: {lines[1][-1] if lines[1] else f'exit status {child.returncode}'}")
    return json.loads(lines[0][-1])


if __name__ == "__main__":
    task, first, second, *rest = sys.argv[1:]
    if task == "build":
        done = time_building(Path(first), Path(second))
    elif task == "render":
        done = time_minutes(Path(first), int(second), int(rest[0]))
    else:
        subject = Portrait.load(Path(first))
        done = asdict(time_stages(subject, _frame_size(subject, int(second)), restless_clip))
    print(json.dumps(done))
