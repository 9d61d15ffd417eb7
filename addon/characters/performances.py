"""Reads a performance wherever it comes from: a folder of `animate`, a clip of ours, a Live Link Face CSV."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...common.live_link import read_recording
from ...common.visemes import TimedPhone
from ..errors import FileError
from ..scene.clip_file import ClipData, read_clip

LARGEST_SPEECH_BYTES = 256 << 20
MOST_PHONES = 1_000_000


@dataclass(frozen=True)
class CharacterPerformance:
    """name: for actions; phones: what is said when, empty when nobody knows."""

    name: str
    clip: ClipData
    phones: tuple[TimedPhone, ...]


def load_performance(path: Path) -> CharacterPerformance:
    """Read `path`: a folder with motion.json, a motion.json, or a .csv. Raises FileError.

    A speech.json beside motion.json gives the phones.
    """
    if path.suffix.lower() == ".csv":
        return CharacterPerformance(path.stem, _from_csv(path), ())
    clip_path = path / "motion.json" if path.is_dir() else path
    clip = read_clip(clip_path)
    if not len(clip):
        raise FileError(f"{clip_path} holds no frames.")
    speech = clip_path.with_name("speech.json")
    name = clip_path.parent.name if clip_path.name == "motion.json" else clip_path.stem
    return CharacterPerformance(name, clip, read_phones(speech) if speech.is_file() else ())


def read_phones(path: Path) -> tuple[TimedPhone, ...]:
    """The phones of a speech.json. Raises FileError."""
    try:
        if path.stat().st_size > LARGEST_SPEECH_BYTES:
            raise ValueError("it is too large")
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["format"] != "soliloquy-speech":
            raise ValueError("it is no speech of ours")
        phones = tuple((str(phone["label"]), float(phone["start_s"]), float(phone["end_s"])) for phone in record["phones"])
        if len(phones) > MOST_PHONES or not all(0 <= start <= end < np.inf for _, start, end in phones):
            raise ValueError("its times cannot be")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path} is not a readable speech file ({error}). Delete it to go by the curves alone.") from error
    return phones


def _from_csv(path: Path) -> ClipData:
    try:
        recording = read_recording(path)
    except ValueError as error:
        raise FileError(str(error)) from error
    return ClipData(recording.fps, recording.channels, recording.head_rotation_deg,
                    np.zeros((len(recording.channels), 3), np.float32), recording.gaze_deg)
