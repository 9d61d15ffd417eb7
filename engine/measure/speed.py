"""Row 18: how fast and in how much memory, in a process of its own that does nothing else.

`python -m soliloquy.engine.measure.speed PORTRAIT CLIP FOLDER` loads, renders, encodes, and prints JSON.
"""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ..errors import SoliloquyError
from ..motion.clip import MotionClip
from ..portrait.portrait import Portrait
from .figures import Figure

SIZE_PX = 512
"""Long side of the frames."""

FRAMES = 60


@dataclass(frozen=True)
class Preparation:
    """What comes before rendering: seconds to build the portrait (NaN when it came ready), to analyse the reference
    recording and to generate its motion, and the recording's length in frames."""

    build_s: float
    analyse_s: float
    motion_s: float
    frames: int


def speed(portrait: Portrait, clip: MotionClip, preparation: Preparation) -> list[Figure]:
    """Render and encode FRAMES frames of `clip` at 512 in a fresh process. Raises SoliloquyError when that process fails."""
    with tempfile.TemporaryDirectory() as folder:
        portrait_path, clip_path = Path(folder) / "subject.portrait", Path(folder) / "subject.json"
        portrait.save(portrait_path)
        clip.sliced(0, FRAMES).save(clip_path)
        command = [sys.executable, "-P", "-m", __name__, str(portrait_path), str(clip_path), folder]
        child = subprocess.run(command, capture_output=True, text=True, check=False)
    if child.returncode:
        lines = child.stderr.strip().splitlines()
        raise SoliloquyError(f"The speed run failed: {lines[-1] if lines else f'exit status {child.returncode}'}")
    timing = json.loads(child.stdout.splitlines()[-1])
    frame_s = timing["render_s"] + timing["write_s"]
    total_s = preparation.analyse_s + preparation.motion_s + timing["first_frame_s"] + (preparation.frames - 1) * frame_s
    built = "ready" if math.isnan(preparation.build_s) else f"built in {preparation.build_s:.1f} s, not counted"
    stages = (f"render {1.0 / timing['render_s']:.1f} fps, encode {1.0 / timing['write_s']:.0f} fps, analysis "
              f"{preparation.analyse_s:.1f} s and motion {preparation.motion_s:.1f} s for {preparation.frames} frames, "
              f"portrait {built}")
    return [Figure("speed_end_to_end", preparation.frames / total_s, stages),
            Figure("speed_first_frame", 1000.0 * timing["first_frame_s"], f"after loading in {timing['load_s']:.1f} s"),
            Figure("speed_memory", timing["peak_bytes"] / 2 ** 20, hardware())]


def hardware() -> str:
    """The processor and how many cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = [line for line in information.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].split(":", 1)[1].strip() if lines else name
    return f"{cores} cores of {name}"


def peak_memory_bytes() -> int:
    """Largest resident size of this process so far; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if status.is_file():  # Linux: getrusage would include what the parent held before it started us
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 0


def time_rendering(portrait_path: Path, clip_path: Path, folder: Path) -> dict[str, float]:
    """Seconds to load, to the first frame, and per further frame for rendering and encoding; peak memory in bytes."""
    from ..render.render import render
    from ..render.write import VideoSink

    start = time.perf_counter()
    portrait, clip = Portrait.load(portrait_path), MotionClip.load(clip_path)
    loaded = time.perf_counter()
    scale = SIZE_PX / max(portrait.size)
    size = (round(portrait.size[0] * scale), round(portrait.size[1] * scale))
    render_s = write_s = first_s = 0.0
    with VideoSink(folder / "speed.mp4", size=size, fps=clip.fps, frames=len(clip)) as sink:
        before = loaded
        for number, frame in enumerate(render(portrait, clip, size=size)):
            rendered = time.perf_counter()
            sink.write(frame)
            written = time.perf_counter()
            if number == 0:
                first_s = rendered - before
            else:
                render_s += rendered - before
                write_s += written - rendered
            before = written
        closing = time.perf_counter()
    write_s += time.perf_counter() - closing
    further = max(1, len(clip) - 1)
    return {"load_s": loaded - start, "first_frame_s": first_s, "render_s": render_s / further, "write_s": write_s / further,
            "peak_bytes": peak_memory_bytes()}


if __name__ == "__main__":
    print(json.dumps(time_rendering(*(Path(argument) for argument in sys.argv[1:4]))))
