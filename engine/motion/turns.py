"""Who speaks when, in a recording of several: cue files (RTTM, JSON) read, and one person's part of the recording.

RTTM is what diarisation programs write (NIST Rich Transcription):
`SPEAKER file channel start length <NA> <NA> name <NA> <NA>`.
JSON: a list of {"speaker": "A", "start_s": 0.0, "end_s": 2.5}.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..audio.speech import HEARD_HOP_S, HOP_S, SILENCE, Phone, Speech
from ..errors import FormatError, InputError
from .course import HearingSpan
from .direction import nearest_hint

LARGEST_BYTES = 16 * 2**20
SILENT_DB = -80.0
SHORTEST_S = 0.02


@dataclass(frozen=True)
class Turn:
    """`speaker` speaks from `start_s` to `end_s`; turns may overlap."""

    speaker: str
    start_s: float
    end_s: float


def read_turns(path: Path) -> list[Turn]:
    """The turns of a cue file (.rttm or .json) in time order. Raises FormatError naming the line or entry, or InputError."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InputError(f"{path} is larger than a cue file can be ({LARGEST_BYTES >> 20} MiB).")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} is not text ({error}).") from error
    turns = _from_json(text, path) if path.suffix.lower() == ".json" else _from_rttm(text, path)
    if not turns:
        raise FormatError(f"{path} names no speaker.")
    return sorted(turns, key=lambda turn: turn.start_s)


def _from_rttm(text: str, path: Path) -> list[Turn]:
    turns = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        try:
            start_s, length_s = float(fields[3]), float(fields[4])
            turns.append(_turn(fields[7], start_s, start_s + length_s))
        except (IndexError, ValueError):
            raise FormatError(f"{path}, line {number}: not a SPEAKER line of RTTM.") from None
    return turns


def _from_json(text: str, path: Path) -> list[Turn]:
    try:
        entries = json.loads(text)
        if not isinstance(entries, list):
            raise ValueError("not a list")
        return [_turn(str(entry["speaker"]), float(entry["start_s"]), float(entry["end_s"])) for entry in entries]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(f'{path} must be a list of {{"speaker", "start_s", "end_s"}} ({error}).') from error


def _turn(speaker: str, start_s: float, end_s: float) -> Turn:
    if not (math.isfinite(start_s) and math.isfinite(end_s) and 0.0 <= start_s <= end_s):
        raise ValueError("times must be finite and in order")
    return Turn(speaker, start_s, end_s)


def part_of(speech: Speech, turns: Sequence[Turn], speaker: str) -> tuple[Speech, tuple[HearingSpan, ...]]:
    """The recording as `speaker` performs it: silent while only others speak; and when that is, for `Direction.listening`.

    Raises InputError for a speaker the cues do not name.
    """
    names = sorted({turn.speaker for turn in turns})
    if speaker not in names:
        raise InputError(f"No speaker {speaker!r} in the cues{nearest_hint(speaker, names)}. Speakers: {', '.join(names)}.")
    own = _merged([turn for turn in turns if turn.speaker == speaker], speech.duration_s)
    others = _merged([turn for turn in turns if turn.speaker != speaker], speech.duration_s)
    return _silenced(speech, own), tuple(HearingSpan(*span) for span in _without(others, own))


Spans = list[tuple[float, float]]


def _merged(turns: Sequence[Turn], duration_s: float) -> Spans:
    spans: Spans = []
    for turn in sorted(turns, key=lambda turn: turn.start_s):
        start_s, end_s = turn.start_s, min(turn.end_s, duration_s)
        if end_s <= start_s:
            continue
        if spans and start_s <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end_s))
        else:
            spans.append((start_s, end_s))
    return spans


def _without(spans: Spans, taken: Spans) -> Spans:
    """What of `spans` lies outside `taken`; scraps of SHORTEST_S and less are dropped."""
    left: Spans = []
    for start_s, end_s in spans:
        for first_s, last_s in taken:
            if last_s <= start_s or first_s >= end_s:
                continue
            left.append((start_s, first_s))
            start_s = last_s
        left.append((start_s, end_s))
    return [(round(start_s, 6), round(end_s, 6)) for start_s, end_s in left if end_s - start_s > SHORTEST_S]


def _silenced(speech: Speech, own: Spans) -> Speech:
    """`speech` with everything outside `own` silent: phones, words, events, loudness, pitch and what was heard."""
    levels_db, pitch_hz = speech.energy_db.copy(), speech.f0_hz.copy()
    quiet = ~_inside(own, len(levels_db), HOP_S)
    levels_db[quiet] = SILENT_DB
    pitch_hz[~_inside(own, len(pitch_hz), HOP_S)] = 0.0
    heard = speech.heard
    if heard is not None:
        heard = heard * _inside(own, len(heard), HEARD_HOP_S)[:, None]
    kept = [entry for entry in speech.words if _covers(own, entry.start_s, entry.end_s)]
    events = [entry for entry in speech.events if _covers(own, entry.start_s, entry.end_s)]
    return dataclasses.replace(speech, phones=_phones(speech.phones, own, speech.duration_s), words=kept, events=events,
                               energy_db=levels_db, f0_hz=pitch_hz, heard=heard)


def _inside(spans: Spans, count: int, hop_s: float) -> np.ndarray:
    inside = np.zeros(count, bool)
    for start_s, end_s in spans:
        inside[round(start_s / hop_s) : round(end_s / hop_s) + 1] = True
    return inside


def _covers(spans: Spans, start_s: float, end_s: float) -> bool:
    """Whether most of a stretch lies inside the spans."""
    covered = sum(max(min(end_s, last_s) - max(start_s, first_s), 0.0) for first_s, last_s in spans)
    return covered > 0.5 * (end_s - start_s)


def _phones(phones: Sequence[Phone], own: Spans, duration_s: float) -> list[Phone]:
    """The phones that are mostly the speaker's own, silence between them, gapless."""
    made: list[Phone] = []
    for phone in phones:
        label = phone.label if _covers(own, phone.start_s, phone.end_s) else SILENCE
        if made and made[-1].label == SILENCE and label == SILENCE:
            made[-1] = Phone(SILENCE, made[-1].start_s, phone.end_s)
        else:
            made.append(Phone(label, phone.start_s, phone.end_s))
    return made or [Phone(SILENCE, 0.0, duration_s)]
