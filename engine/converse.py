"""A scene with several people: each speaks when it is their turn and listens when it is not.

Every speaker has lines on one common time line. What somebody does while others speak depends on them: where they sit, when they
speak, where they pause. Each speaker becomes a performance of the whole length, in a folder of its own.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .animate import run_animate
from .audio.decode import SAMPLE_RATE_HZ as DECODED_RATE_HZ
from .audio.decode import open_audio
from .audio.speech import Speech
from .errors import AudioError, InputError
from .files import whole_file
from .jobs import Job
from .motion.clip import MotionClip
from .motion.course import GazeKey
from .motion.listening import look_keys, nod_cues, nodding, turns_of
from .motion.turns import Turn
from .progress import Progress, silent
from .render.write import ffmpeg_binary
from .stages import check_writable, directed, obtain_speech

SAMPLE_RATE_HZ = 48000
LONGEST_S = 7200.0
FARTHEST_YAW_DEG, FARTHEST_PITCH_DEG = 45.0, 30.0
"""Of `Direction`'s gaze; somebody who sits farther to the side is looked at as far as the eyes go."""
MOST_SPEAKERS = 32


@dataclass(frozen=True)
class Line:
    """A recording that starts at `start_s`; its first `skip_s` are left out, and what comes after `length_s` (None: nothing)."""

    audio: Path
    start_s: float
    skip_s: float = 0.0
    length_s: float | None = None
    text: str = ""


@dataclass(frozen=True)
class Speaker:
    """One person of the scene. job: the fields of `Job` but for the recording; its `out` is this person's folder. lines: may be
    none, for somebody who only listens. sees: other person's name -> (yaw, pitch) of the look to them, degrees."""

    name: str
    job: Mapping
    lines: tuple[Line, ...] = ()
    sees: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def run_conversation(speakers: Sequence[Speaker], duration_s: float | None, tracks: Path, progress: Progress = silent) -> dict[str, dict]:
    """Perform a scene of `duration_s`, until the last line ends when it is None. Returns name -> report of `run_animate`.

    tracks: folder for everybody's lines as one recording each, and for who speaks when. Raises InputError, and what the verbs raise.
    """
    _check_cast(speakers)
    duration_s = _length_s(speakers) if duration_s is None else duration_s
    if not 0 < duration_s <= LONGEST_S:
        raise InputError(f"A scene lasts up to {LONGEST_S / 3600:.0f} hours, not {duration_s:g} s.")
    for speaker in speakers:
        check_writable(Path(str(speaker.job["out"])))
    recordings = {speaker.name: mixed(speaker.lines, duration_s, tracks / f"{number:02d}.wav")
                  for number, speaker in enumerate(speakers, start=1) if speaker.lines}
    everybody = mixed([line for speaker in speakers for line in speaker.lines], duration_s, tracks / "everybody.wav")
    texts = {speaker.name: _text(speaker.lines) for speaker in speakers}
    speeches = {name: obtain_speech(path, texts[name], progress=_named(name, progress))[0] for name, path in recordings.items()}
    turns = [turn for name, speech in speeches.items() for turn in turns_of(name, speech)]
    cues = _write_cues(turns, [speaker.name for speaker in speakers], tracks / "turns.json")
    return {speaker.name: _perform(speaker, recordings.get(speaker.name, everybody), texts[speaker.name], cues, turns, speeches,
                                   _named(speaker.name, progress)) for speaker in speakers}


def mixed(lines: Sequence[Line], duration_s: float, path: Path) -> Path:
    """Write `lines` as one recording of `duration_s`, each in its place. Raises AudioError, OutputError."""
    command = [ffmpeg_binary(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    filters, names = [], []
    for number, line in enumerate(lines):
        if not line.audio.is_file():
            raise AudioError(f"There is no recording at {line.audio}.")
        command += ["-i", f"file:{line.audio}"]
        end = f":end={line.skip_s + line.length_s:.6f}" if line.length_s is not None else ""
        filters.append(f"[{number}:a:0]aresample={SAMPLE_RATE_HZ}:async=1:first_pts=0,atrim=start={line.skip_s:.6f}{end},"
                       f"asetpts=PTS-STARTPTS,adelay={1000 * line.start_s:.3f}:all=1[l{number}]")
        names.append(f"[l{number}]")
    whole = f"apad,atrim=end_sample={round(duration_s * SAMPLE_RATE_HZ)}[all]"
    filters.append(f"{''.join(names)}amix=inputs={len(lines)}:duration=longest:normalize=0,{whole}")
    with whole_file(path) as temporary:
        made = subprocess.run([*command, "-filter_complex", ";".join(filters), "-map", "[all]", "-ac", "1", "-c:a", "pcm_s16le",
                               f"file:{temporary}"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if made.returncode != 0:
            raise AudioError(f"The lines of {path.name} could not be put together: {(made.stderr.strip().splitlines() or ['?'])[-1]}")
    return path


def _perform(speaker: Speaker, recording: Path, text: str, cues: Path, turns: list[Turn], speeches: Mapping[str, Speech],
             progress: Progress) -> dict:
    job = Job.from_record({**speaker.job, "audio": str(recording), "text": text, "cues": str(cues), "speaker": speaker.name})
    sees = {name: (max(-FARTHEST_YAW_DEG, min(FARTHEST_YAW_DEG, yaw)), max(-FARTHEST_PITCH_DEG, min(FARTHEST_PITCH_DEG, pitch)))
            for name, (yaw, pitch) in speaker.sees.items()}
    looks = look_keys(speaker.name, turns, sees, job.seed)
    if looks and "gaze_over_time" not in job.settings:
        job.settings["gaze_over_time"] = _as_text(looks)
    amount = directed(job.direction, job.settings).head
    answers = nod_cues(speaker.name, turns, speeches)

    def answering(clip: MotionClip) -> MotionClip:
        return nodding(clip, answers, amount=amount, seed=job.seed)
    return run_animate(job, progress, revise=answering)


def _as_text(keys: Sequence[GazeKey]) -> str:
    """As `Direction.gaze_over_time` reads it."""
    return ", ".join(f"{key.time_s:.3f}:{key.yaw_deg:.3f}/{key.pitch_deg:.3f}" for key in keys)


def _text(lines: Sequence[Line]) -> str:
    """What is said in all lines; "" unless every line tells: half a transcript is worse than none."""
    return " ".join(line.text.strip() for line in lines) if lines and all(line.text.strip() for line in lines) else ""


def _write_cues(turns: Sequence[Turn], names: Sequence[str], path: Path) -> Path:
    """Who speaks when, as motion/turns.py reads it; who never speaks has a turn without length."""
    spoken = {turn.speaker for turn in turns}
    entries = [{"speaker": turn.speaker, "start_s": round(turn.start_s, 3), "end_s": round(turn.end_s, 3)} for turn in turns]
    entries += [{"speaker": name, "start_s": 0.0, "end_s": 0.0} for name in names if name not in spoken]
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(entries, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def _named(name: str, progress: Progress) -> Progress:
    def report(stage: str, done: int, total: int) -> None:
        progress(f"{name}: {stage}", done, total)
    return report


def _length_s(speakers: Sequence[Speaker]) -> float:
    """When the last line ends. Raises AudioError."""
    ends = []
    for line in (line for speaker in speakers for line in speaker.lines):
        length_s = line.length_s
        if length_s is None:
            with open_audio(line.audio) as samples:
                length_s = len(samples) / DECODED_RATE_HZ - line.skip_s
        ends.append(line.start_s + length_s)
    return max(ends)


def _check_cast(speakers: Sequence[Speaker]) -> None:
    names = [speaker.name for speaker in speakers]
    if not 0 < len(speakers) <= MOST_SPEAKERS or len(set(names)) != len(names) or not all(names):
        raise InputError(f"A scene has 1 to {MOST_SPEAKERS} speakers, each with a name of its own.")
    if not any(speaker.lines for speaker in speakers):
        raise InputError("Nobody in the scene has anything to say: give at least one speaker a recording.")
    for line in (line for speaker in speakers for line in speaker.lines):
        if min(line.start_s, line.skip_s) < 0 or (line.length_s is not None and line.length_s <= 0):
            raise InputError(f"The line {line.audio.name} starts before the scene, or has no length.")
