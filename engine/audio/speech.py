"""The noun `Speech`: what was said when, how loud and how high. JSON on disk, meant to be edited by hand."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError
from ..files import whole_file

FORMAT_VERSION = 1
HOP_S = 0.01
"""Spacing of the energy and pitch tracks, seconds."""

HEARD_HOP_S = 0.02
HEARD_TRACKS = 4
"""Spacing of what the ear heard, seconds, and how many numbers it gives at a time: the first is how far the lips part, the
second how far they spread, the others its own."""

SILENCE = "SIL"
"""Phone label of silence; other non-speech labels are BREATH, LAUGH and NOISE."""

EVENT_LABELS = ("BREATH", "LAUGH", "COUGH", "SIGH", "HUM")
"""What a voice does besides speaking: an audible breath in, laughter, a cough or cleared throat, a breath let out, an "mm" or "um"."""


@dataclass(frozen=True, slots=True)
class Phone:
    """One sound: ARPAbet label without stress digits (`AA` ... `ZH`, or SIL, BREATH, LAUGH, NOISE), start and end in seconds."""

    label: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the transcript with its start and end in seconds."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something besides speech: a label of EVENT_LABELS, start and end in seconds, how strong it is, 0..1."""

    label: str
    start_s: float
    end_s: float
    strength: float = 0.5


@dataclass
class Speech:
    """A recording, understood.

    phones: contiguous, sorted, covering 0 .. duration_s.
    events: sorted; what else the voice does, *over* the phones: under a LAUGH lie LAUGH phones or laughed words, under a HUM
        an M or AH, under BREATH, SIGH and COUGH phones of label BREATH or NOISE.
    words: empty when no transcript is known.
    energy_db: (N,) RMS level in dB re full scale, one value per HOP_S, frame n centred on n * HOP_S.
    f0_hz: (N,) fundamental frequency, 0 where unvoiced.
    heard: (M, 4) what the sound alone says about the lips (ear.py), one row per HEARD_HOP_S, -1..1; None when nobody
        listened (speech written by hand or by an earlier version): the mouth then follows the phones alone.
    notes: remarks for the person (for example words of the transcript that were not found in the sound).
    """

    duration_s: float
    phones: list[Phone]
    words: list[Word]
    energy_db: np.ndarray
    f0_hz: np.ndarray
    source: str = ""
    source_sha256: str = ""
    aligner: str = ""
    notes: list[str] = field(default_factory=list)
    heard: np.ndarray | None = None
    events: list[Event] = field(default_factory=list)

    def pauses(self, shortest_s: float = 0.15) -> list[tuple[float, float]]:
        """(start_s, end_s) of every run of non-speech phones at least `shortest_s` long."""
        runs: list[list[float]] = []
        for phone in self.phones:
            if phone.label not in (SILENCE, "BREATH", "NOISE"):
                continue
            if runs and abs(runs[-1][1] - phone.start_s) < 1e-6:
                runs[-1][1] = phone.end_s
            else:
                runs.append([phone.start_s, phone.end_s])
        return [(start, end) for start, end in runs if end - start >= shortest_s]

    def save(self, path: str | os.PathLike) -> None:
        """Write the JSON file, whole or not at all. Raises OutputError."""
        record = {
            "format": "soliloquy-speech",
            "format_version": FORMAT_VERSION,
            "duration_s": round(self.duration_s, 6),
            "source": self.source,
            "source_sha256": self.source_sha256,
            "aligner": self.aligner,
            "notes": self.notes,
            "words": _Written(self.words, asdict),
            "phones": _Written(self.phones, asdict),
            "events": _Written(self.events, asdict),
            "hop_s": HOP_S,
            "energy_db": _Written(self.energy_db, lambda value: round(float(value), 2)),
            "f0_hz": _Written(self.f0_hz, lambda value: round(float(value), 1)),
        }
        if self.heard is not None:
            record["heard"] = [_Written(track, lambda value: round(float(value), 2)) for track in self.heard.T]
        with whole_file(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
            json.dump(record, file, ensure_ascii=False, indent=1)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Speech:
        """Read a file written by `save` (or edited since). Raises FormatError."""
        try:
            record = json.loads(Path(path).read_text(encoding="utf-8"))
            if record["format"] != "soliloquy-speech" or record["format_version"] > FORMAT_VERSION:
                raise FormatError(f"{path} is not a speech file this version can read.")
            speech = cls(
                duration_s=float(record["duration_s"]),
                phones=[Phone(str(p["label"]), float(p["start_s"]), float(p["end_s"])) for p in record["phones"]],
                words=[Word(str(w["text"]), float(w["start_s"]), float(w["end_s"])) for w in record.get("words", [])],
                energy_db=np.asarray(record["energy_db"], np.float32),
                f0_hz=np.asarray(record["f0_hz"], np.float32),
                source=str(record.get("source", "")),
                source_sha256=str(record.get("source_sha256", "")),
                aligner=str(record.get("aligner", "")),
                notes=[str(note) for note in record.get("notes", [])],
                heard=_heard(record.get("heard")),
                events=[_event(event) for event in record.get("events", [])],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FormatError(f"{path} is not a readable speech file ({error}).") from error
        speech.check(str(path))
        return speech

    def check(self, name: str = "speech") -> None:
        """Raise FormatError unless times are finite, ordered and inside the recording."""
        if not math.isfinite(self.duration_s) or self.duration_s <= 0:
            raise FormatError(f"{name}: duration_s must be a positive number of seconds.")
        for before, after in zip(self.phones, self.phones[1:]):
            if after.start_s < before.end_s - 1e-4:
                raise FormatError(f"{name}: phone {after.label} at {after.start_s:.3f} s overlaps the one before it.")
        for phone in self.phones:
            if not (0 <= phone.start_s <= phone.end_s <= self.duration_s + 1e-3):
                raise FormatError(f"{name}: phone {phone.label} at {phone.start_s:.3f} s lies outside the recording.")
        for event in self.events:
            if event.label not in EVENT_LABELS or not (0 <= event.start_s <= event.end_s <= self.duration_s + 1e-3):
                raise FormatError(f"{name}: event {event.label} at {event.start_s:.3f} s is unknown or outside the recording.")


class _Written(list):
    """A long list of which JSON is made entry by entry: all entries of an hour at once would take ten times what they are made of."""

    def __init__(self, values: Sequence | np.ndarray, entry: Callable[[Any], Any]) -> None:
        super().__init__()
        self._values, self._entry = values, entry

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator:
        return map(self._entry, self._values)


def _event(record: dict) -> Event:
    strength = min(max(float(record.get("strength", 0.5)), 0.0), 1.0)
    return Event(str(record["label"]), float(record["start_s"]), float(record["end_s"]), strength)


def _heard(tracks: list | None) -> np.ndarray | None:
    """(M, 4) from four lists of M numbers. Raises ValueError for anything else."""
    if tracks is None:
        return None
    heard = np.asarray(tracks, np.float32).T
    if heard.ndim != 2 or heard.shape[1] != HEARD_TRACKS or not np.isfinite(heard).all():
        raise ValueError(f"heard must be {HEARD_TRACKS} lists of the same length")
    return heard
