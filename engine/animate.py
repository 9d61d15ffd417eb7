"""The four verbs in a row: a `Job` becomes a folder with frames, curves, and everything they came from."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .audio.speech import Speech
from .export import export_clip
from .files import sha256_of, whole_file
from .jobs import Job, parse_size
from .measure.rows_performance import blink_statistics, head_dynamics
from .motion.clip import MotionClip
from .motion.generate import generate_motion
from .portrait.portrait import Portrait
from .progress import Progress, silent
from .provenance.policy import load_policy
from .provenance.seal import Seal
from .render.render import render
from .render.write import FrameSink
from .stages import cleared_rights, directed, obtain_portrait, obtain_speech, scripted, side_of
from .versions import versions

logger = logging.getLogger(__name__)


class Stopwatch:
    """Seconds spent per stage, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time the block takes to stage `name`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started


def run_animate(job: Job, progress: Progress = silent, *, revise: Callable[[MotionClip], MotionClip] | None = None) -> dict:
    """Carry out `job` and return the report, which is also written to `report.json` in its folder, last of all.
    revise: what is still done to the clip before it is written and rendered.

    The folder holds video.mp4 / video.mov / frames as asked, motion.csv, motion.json and motion.npz, speech.json,
    portrait.portrait and the voice. Nothing is written before portrait, speech and motion have succeeded; every file appears whole.
    Memory does not grow with the length of the recording, but for its phones and curves.
    """
    watch = Stopwatch()
    policy = load_policy()
    rights = cleared_rights(job.portrait, job.rights, policy)
    direction = directed(job.direction, job.settings)
    with watch.stage("portrait"):
        portrait, portrait_cached = obtain_portrait(job.portrait, face=job.face, landmarks=job.landmarks, progress=progress)
        portrait.provenance["rights"] = rights.to_record()
    with watch.stage("speech"):
        speech, speech_cached = obtain_speech(job.audio, job.text, corrections=job.speech,
                                              side=side_of(job.audio, job.cues, job.speaker), progress=progress)
        direction, speech = scripted(direction, speech, job.text, cues=job.cues, speaker=job.speaker, recording=job.audio)
    with watch.stage("motion"):
        clip = generate_motion(speech, direction, seed=job.seed, fps=job.fps, progress=progress)
        clip = revise(clip) if revise else clip
    with watch.stage("files"):
        inputs = {"portrait": _input(job.portrait), "audio": _input(job.audio)}
        seal = Seal(policy, rights, clip=clip, seed=job.seed, sources={"portrait": job.portrait, "voice": job.audio},
                    inputs={"portrait": picture_hash(portrait, job.portrait), "voice": inputs["audio"]["sha256"]})
        voice = write_nouns(job, portrait, speech, clip)
    size = parse_size(job.size, portrait.size)
    made = render_to(job.out, portrait, clip, size=size, formats=job.formats, alpha=job.alpha, audio=job.out / voice,
                     watch=watch, seal=seal, progress=progress)
    report = {
        "format": "soliloquy-report", "format_version": 1,
        "audio": voice, "portrait": "portrait.portrait", "motion": "motion.json", "speech": "speech.json", "outputs": made,
        "inputs": inputs,
        "settings": job.to_record() | {"portrait": job.portrait.name, "audio": job.audio.name, "out": job.out.name},
        "seed": job.seed, "fps": f"{clip.fps.numerator}/{clip.fps.denominator}", "frames": len(clip),
        "rights": rights.to_record(), "seal": seal.record(),
        "duration_s": round(clip.duration_s, 6), "size": list(size), "notes": speech.notes,
        "cached": {"portrait": portrait_cached, "speech": speech_cached},
        "timings_s": {name: round(seconds, 3) for name, seconds in watch.seconds.items()},
        "measures": [figure.as_json() for figure in (*head_dynamics([clip]), *blink_statistics([clip]))],
        "frames_per_second": round(len(clip) / max(sum(watch.seconds.values()), 1e-9), 2),
        "versions": versions(),
    }
    with whole_file(job.out / "report.json") as temporary:
        temporary.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
    return report


def write_nouns(job: Job, portrait: Portrait, speech: Speech, clip: MotionClip) -> str:
    """Write the four nouns into the job's folder; returns the name of the copied voice. Raises OutputError."""
    portrait.save(job.out / "portrait.portrait")
    speech.save(job.out / "speech.json")
    export_clip(clip, job.out / "motion.json", to="json")
    export_clip(clip, job.out / "motion.csv", to="csv")
    voice = job.out / f"voice{job.audio.suffix.lower()}"
    if not (voice.exists() and voice.samefile(job.audio)):
        with whole_file(voice) as temporary:
            shutil.copyfile(job.audio, temporary)
    return voice.name


def render_to(folder: Path, portrait: Portrait, clip: MotionClip, *, size: tuple[int, int], formats: tuple[str, ...],
              alpha: bool, audio: Path | None, watch: Stopwatch, seal: Seal, progress: Progress = silent) -> list[str]:
    """Render `clip` once into every format, marked and signed; returns the names of what was written. Raises OutputError."""
    with contextlib.ExitStack() as stack:
        sinks = [stack.enter_context(sink) for sink in _sinks(folder, clip, size, formats, audio, seal)]
        frames = iter(render(portrait, clip, size=size, alpha=alpha, progress=progress))
        while True:
            with watch.stage("render"):
                frame = next(frames, None)
            if frame is None:
                break
            with watch.stage("mark"):
                frame = seal.mark(frame)
            with watch.stage("write"):
                for sink in sinks:
                    sink.write(frame)
        with watch.stage("write"):
            stack.close()
    seal.write_layers(folder, size)
    return [_output_name(name) for name in formats]


def _output_name(format_name: str) -> str:
    return "frames" if format_name == "png" else f"video.{format_name}"


def _sinks(folder: Path, clip: MotionClip, size: tuple[int, int], formats: tuple[str, ...], audio: Path | None,
           seal: Seal) -> list[contextlib.AbstractContextManager[FrameSink]]:
    return [seal.png_sink(folder / "frames") if name == "png" else
            seal.video_sink(folder / _output_name(name), size=size, fps=clip.fps, frames=len(clip), audio=audio) for name in formats]


def picture_hash(portrait: Portrait, path: Path) -> str:
    """Hex SHA-256 of the picture that `portrait` was built from, or of the file itself when the portrait does not tell."""
    return portrait.provenance.get("source_sha256") or sha256_of(path)


def _input(path: Path) -> dict:
    return {"name": path.name, "sha256": sha256_of(path), "bytes": path.stat().st_size}
