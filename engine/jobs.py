"""The noun `Job`: one portrait, one recording, the direction and what is wanted. `run_animate` carries it out.

A job on disk is TOML (or JSON) with the field names below; its paths are relative to the file. A batch is a list, `[[jobs]]`.
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from .errors import InputError
from .provenance.consent import Rights
from .rates import parse_rate

FORMATS = ("mp4", "mov", "png")
"""Frames as H.264 with AAC, ProRes 4444 with alpha, numbered PNG files."""

DEFAULT_FPS = Fraction(25)
_PATHS = ("portrait", "audio", "out", "speech", "landmarks", "cues")


@dataclass(frozen=True)
class Job:
    """What `soliloquy animate` is asked for.

    portrait: a picture, or a `.portrait` file. audio: a recording, or a video with sound. out: the folder to write.
    text: what is said, when known. speech: a .TextGrid or speech.json corrected by hand.
    cues, speaker: of a recording of several people, who speaks when (.rttm or .json) and which of them is performed. direction: name of a preset or a
    TOML file, "" for the default; settings: keys of the direction with other values ("mood": "happy"). seed: another seed is another take. fps: frames per second.
    size: "source", the longer side in pixels ("512"), or "1920x1080". formats: of FORMATS. alpha: leave the background
    out. face: which face, counted from 0 by size. landmarks: JSON file with corrected points. rights: on what basis the person may be
    animated; may be left out when the `.portrait` or the studio's policy says it.
    """

    portrait: Path
    audio: Path
    out: Path
    text: str = ""
    speech: Path | None = None
    cues: Path | None = None
    speaker: str = ""
    direction: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    seed: int = 0
    fps: Fraction = DEFAULT_FPS
    size: str = "source"
    formats: tuple[str, ...] = ("mp4",)
    alpha: bool = False
    face: int | None = None
    landmarks: Path | None = None
    rights: Rights | None = None

    def __post_init__(self) -> None:
        """Raises InputError for a format, size or frame rate that cannot be."""
        unknown = [name for name in self.formats if name not in FORMATS]
        if unknown or not self.formats:
            raise InputError(f"Unknown output format {', '.join(unknown) or '(none)'}. Known: {', '.join(FORMATS)}.")
        parse_size(self.size, (512, 512))
        parse_rate(self.fps)

    @classmethod
    def from_record(cls, record: dict, *, base: Path = Path()) -> Job:
        """A job from plain values, paths relative to `base`. Raises InputError for unknown or missing keys and wrong types."""
        known = {item.name for item in dataclasses.fields(cls)}
        unknown = sorted(set(record) - known)
        if unknown:
            raise InputError(f"Unknown key {unknown[0]!r} in the job. Known: {', '.join(sorted(known))}.")
        missing = [name for name in ("portrait", "audio", "out") if not record.get(name)]
        if missing:
            raise InputError(f"The job does not say {missing[0]!r}.")
        values = {name: value for name, value in record.items() if value is not None}
        for name in _PATHS:
            if name in values:
                values[name] = base / _typed(name, values[name], str)
        for name, kind in (("text", str), ("speaker", str), ("direction", str), ("size", str), ("seed", int),
                           ("alpha", bool), ("face", int)):
            if name in values:
                values[name] = _typed(name, values[name], kind)
        if "fps" in values:
            values["fps"] = parse_rate(values["fps"])
        if "settings" in values:
            values["settings"] = {str(key): _setting(value) for key, value in _typed("settings", values["settings"], dict).items()}
        if "formats" in values:
            values["formats"] = tuple(str(name) for name in _typed("formats", values["formats"], (list, tuple)))
        if "rights" in values:
            values["rights"] = Rights.from_record(values["rights"])
        return cls(**values)

    def to_record(self) -> dict:
        """Plain JSON values, as `from_record` reads them."""
        record = dataclasses.asdict(self)
        for name in _PATHS:
            record[name] = str(record[name]) if record[name] is not None else None
        record["rights"] = self.rights.to_record() if self.rights else None
        return record | {"fps": f"{self.fps.numerator}/{self.fps.denominator}", "formats": list(self.formats)}


def _typed(name: str, value: object, kind: type | tuple[type, ...]) -> object:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InputError(f"The job's {name!r} cannot be {value!r}.")
    return value


def _setting(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_jobs(path: Path) -> list[Job]:
    """The job or jobs (`[[jobs]]`) in a TOML or JSON file. Raises InputError."""
    try:
        text = path.read_text(encoding="utf-8")
        record = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is not a readable job file ({error}).") from error
    entries = record.get("jobs", [record]) if isinstance(record, dict) else record
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"{path} must hold one job, or a list of them called jobs.")
    return [Job.from_record(entry, base=path.parent) for entry in entries]


LARGEST_UNASKED_PX = 4096
"""Frames of larger pictures are made this long unless a size is given: at 8K a frame takes seconds and gigabytes."""


def parse_size(text: str, source: tuple[int, int]) -> tuple[int, int]:
    """(width, height) meant by "source", a longer side such as "512", or "1920x1080". Raises InputError.

    "source" is the picture's own size, for pictures up to LARGEST_UNASKED_PX.
    """
    if text == "source":
        return source if max(source) <= LARGEST_UNASKED_PX else parse_size(str(LARGEST_UNASKED_PX), source)
    numbers = text.lower().split("x")
    if len(numbers) > 2 or not all(number.strip().isdecimal() for number in numbers):
        raise InputError(f"A size of {text!r} is not understood. Write source, 512 (the longer side) or 1920x1080.")
    sides = [int(number) for number in numbers]
    if not all(16 <= side <= 8192 for side in sides):
        raise InputError(f"A size of {text} cannot be made; each side must have 16 to 8192 pixels.")
    if len(sides) == 2:
        return sides[0], sides[1]
    longer = max(source)
    return tuple(max(16, round(side * sides[0] / longer)) for side in source)
