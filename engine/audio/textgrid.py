"""Praat's TextGrid: words, phones and events of a `Speech` as tiers, and hand-corrected tiers back into it.

A TextGrid is a row of free-standing strings, numbers and flags; what stands between them only helps the eye, which makes the
long and the short text format one (Praat manual, "TextGrid file formats"). Read that way here: praatio's reader looks for the
helping words, so that a label which contains one cuts the file, and a damaged file ends early without a word.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import FormatError
from ..files import whole_file
from .sounds import LABEL_OF, class_of
from .speech import EVENT_LABELS, SILENCE, Event, Phone, Speech, Word

LARGEST_BYTES = 32 << 20
MOST_TIERS = 64
MOST_INTERVALS = 1_000_000
LENGTH_TOLERANCE_S = 0.1
"""A TextGrid may differ this much in length from the recording it corrects."""

CORRECTED = "corrected by hand"

_TOKEN = re.compile(
    r"""![^\n]*                                                            # a comment
      | (?<!\S)"(?P<text>(?:[^"]|"")*)"(?!\S)
      | (?<!\S)(?P<flag><\w+>)(?!\S)
      | (?<!\S)(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?!\S)""",
    re.VERBOSE,
)
_SILENCES = frozenset(("", "sil", "[sil]", "<sil>", "sp", "pau", "#", "_", "<p:>", "<eps>"))
_NOISES = frozenset(("spn", "[spn]", "nsn", "noise", "<unk>", "[unk]"))
_LABELS = frozenset(LABEL_OF.values()) | {"NOISE"}
_WORDS_NAMES, _PHONES_NAMES, _EVENTS_NAMES = ("words", "word"), ("phones", "phone", "segments", "phonemes"), ("events",)


@dataclass(frozen=True)
class Tier:
    """An interval tier: its name and (start_s, end_s, text) of its intervals in order."""

    name: str
    intervals: list[tuple[float, float, str]]


def read_textgrid(path: str | os.PathLike) -> list[Tier]:
    """The interval tiers of a TextGrid in Praat's long or short text format, UTF-8 or UTF-16. Raises FormatError."""
    text = _text_of(Path(path))
    try:
        return list(_tiers(_tokens(text)))
    except (StopIteration, RuntimeError, ValueError, TypeError) as error:
        raise FormatError(f"{path} is not a whole TextGrid: {error or 'it ends too early'}. Save it again from Praat.") from error


def write_textgrid(path: str | os.PathLike, tiers: list[Tier], duration_s: float, *, short: bool = False) -> None:
    """Write `tiers`, gaps filled with empty intervals, as UTF-8 text, whole or not at all. Raises OutputError."""
    lines = _short_lines(tiers, duration_s) if short else _long_lines(tiers, duration_s)
    with whole_file(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def tiers_of(speech: Speech) -> list[Tier]:
    """The tiers `words`, `phones` and `events` (neighbours that overlap are cut) of a speech; silences are empty intervals."""
    phones = [(p.start_s, p.end_s, "" if p.label == SILENCE else p.label) for p in speech.phones]
    words = [(w.start_s, w.end_s, w.text) for w in speech.words]
    events = [(e.start_s, e.end_s, e.label) for e in speech.events]
    return [Tier("words", _apart(words)), Tier("phones", _apart(phones)), Tier("events", _apart(events))]


def corrected_by(speech: Speech, tiers: list[Tier]) -> Speech:
    """`speech` with the words, phones and events of `tiers` (those that are there) in place of its own.

    Phones may be ARPAbet (stress digits are dropped) or IPA; empty, "sil", "sp" are silence. Raises FormatError.
    """
    found = {name: tier for name in ("words", "phones", "events") if (tier := _named(tiers, name))}
    if not found:
        raise FormatError("The TextGrid has no tier named words, phones or events; rename the tier that holds them.")
    last_s = max((tier.intervals[-1][1] for tier in found.values() if tier.intervals), default=0.0)
    if last_s > speech.duration_s + LENGTH_TOLERANCE_S:
        raise FormatError(
            f"The TextGrid lasts {last_s:.2f} s, the recording {speech.duration_s:.2f} s: it belongs to another recording."
        )
    made = replace(speech, notes=[*(note for note in speech.notes if note != CORRECTED), CORRECTED])
    if "words" in found:
        made.words = [Word(text.strip(), *times) for *times, text in _inside(found["words"], speech) if not _is_silence(text)]
    if "phones" in found:
        made.phones = _cover([Phone(phone_label(text), *times) for *times, text in _inside(found["phones"], speech)], speech)
    if "events" in found:
        made.events = [_event(*interval) for interval in _inside(found["events"], speech) if interval[2].strip()]
    made.check("TextGrid")
    return made


def phone_label(text: str) -> str:
    """The `Phone` label of a TextGrid label: "AH0" -> "AH", "ʃ" -> "SH", "" -> "SIL". Raises FormatError."""
    bare = text.strip()
    if _is_silence(bare):
        return SILENCE
    if bare.lower() in _NOISES:
        return "NOISE"
    label = bare.upper().rstrip("012")
    if label in _LABELS:
        return label
    known = class_of(bare.strip("ˈˌː")) or class_of(bare[0])
    if known is None:
        raise FormatError(f"The phone {bare!r} is neither ARPAbet nor IPA; use for example AH, SH or ʃ.")
    return LABEL_OF[known]


def _is_silence(text: str) -> bool:
    return text.strip().lower() in _SILENCES


def _named(tiers: list[Tier], kind: str) -> Tier | None:
    names = {"words": _WORDS_NAMES, "phones": _PHONES_NAMES, "events": _EVENTS_NAMES}[kind]
    return next((tier for tier in tiers if tier.name.strip().lower() in names), None)


def _inside(tier: Tier, speech: Speech) -> list[tuple[float, float, str]]:
    """The intervals cut to the recording."""
    cut = ((max(start_s, 0.0), min(end_s, speech.duration_s), text) for start_s, end_s, text in tier.intervals)
    return [interval for interval in cut if interval[1] > interval[0]]


def _cover(phones: list[Phone], speech: Speech) -> list[Phone]:
    """Gaps become silence."""
    covered, last_s = [], 0.0
    for phone in [*phones, Phone(SILENCE, speech.duration_s, speech.duration_s)]:
        if phone.start_s > last_s + 1e-4:
            covered.append(Phone(SILENCE, last_s, phone.start_s))
        if phone.end_s > phone.start_s:
            covered.append(phone)
        last_s = max(last_s, phone.end_s)
    return covered


def _event(start_s: float, end_s: float, text: str) -> Event:
    label = text.strip().upper()
    if label not in EVENT_LABELS:
        raise FormatError(f"The event {text.strip()!r} at {start_s:.2f} s is unknown; use one of {', '.join(EVENT_LABELS)}.")
    return Event(label, start_s, end_s)


def _apart(intervals: list[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    """In order, none beginning before the one before it ends."""
    apart, last_s = [], 0.0
    for start_s, end_s, text in sorted(intervals):
        start_s = max(start_s, last_s)
        if end_s > start_s:
            apart.append((start_s, end_s, text))
            last_s = end_s
    return apart


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise FormatError(f"{path} is larger than {LARGEST_BYTES >> 20} MiB; a TextGrid of two hours takes less.")
        data = path.read_bytes()
        encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        return data.decode(encoding)
    except OSError as error:
        raise FormatError(f"{path} cannot be opened: {error.strerror}.") from error
    except UnicodeError as error:
        raise FormatError(f"{path} is neither UTF-8 nor UTF-16 text; a binary TextGrid must be saved as text in Praat.") from error


def _tokens(text: str) -> Iterator[str | float]:
    """Strings (flags keep their brackets) and numbers."""
    for match in _TOKEN.finditer(text):
        if match["number"] is not None:
            yield float(match["number"])
        elif match["flag"] is not None:
            yield match["flag"]
        elif match["text"] is not None:
            yield match["text"].replace('""', '"')


def _tiers(tokens: Iterator[str | float]) -> Iterator[Tier]:
    if (next(tokens), next(tokens)) != ("ooTextFile", "TextGrid"):
        raise ValueError("it does not begin as one")
    _number(tokens), _number(tokens)
    if next(tokens) != "<exists>":
        raise ValueError("it has no tiers")
    left = MOST_INTERVALS
    for _ in range(_count(tokens, MOST_TIERS)):
        kind, name = _string(tokens), _string(tokens)
        _number(tokens), _number(tokens)
        count = _count(tokens, left)
        left -= count
        if kind == "IntervalTier":
            yield Tier(name, _ordered(name, [(_number(tokens), _number(tokens), _string(tokens)) for _ in range(count)]))
        elif kind == "TextTier":
            for _ in range(count):
                _number(tokens), _string(tokens)
        else:
            raise ValueError(f"{kind[:40]!r} is no kind of tier")


def _ordered(name: str, intervals: list[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    for (_, before_s, _), (start_s, end_s, _) in zip([(0.0, 0.0, ""), *intervals], intervals):
        if not before_s - 1e-6 <= start_s <= end_s:
            raise ValueError(f"the tier {name[:40]!r} goes back in time at {start_s:g} s")
    return intervals


def _number(tokens: Iterator[str | float]) -> float:
    token = next(tokens)
    if not isinstance(token, float):
        raise ValueError(f"a number is missing before {token[:40]!r}")
    return token


def _string(tokens: Iterator[str | float]) -> str:
    token = next(tokens)
    if not isinstance(token, str):
        raise ValueError(f"a text is missing before {token:g}")
    return token


def _count(tokens: Iterator[str | float], most: int) -> int:
    count = _number(tokens)
    if not 0 <= count <= most or count != int(count):
        raise ValueError(f"{count:g} entries are impossible")
    return int(count)


def _filled(tier: Tier, duration_s: float) -> list[tuple[float, float, str]]:
    """Without gaps, as Praat wants a tier."""
    filled, last_s = [], 0.0
    for start_s, end_s, text in [*tier.intervals, (duration_s, duration_s, "")]:
        if start_s > last_s + 1e-6:
            filled.append((last_s, start_s, ""))
        if end_s > start_s:
            filled.append((start_s, end_s, text))
        last_s = max(last_s, end_s)
    return filled


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _short_lines(tiers: list[Tier], duration_s: float) -> Iterator[str]:
    yield from ('File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", f"{duration_s:.6f}", "<exists>", str(len(tiers)))
    for tier in tiers:
        intervals = _filled(tier, duration_s)
        yield from ('"IntervalTier"', _quoted(tier.name), "0", f"{duration_s:.6f}", str(len(intervals)))
        for start_s, end_s, text in intervals:
            yield from (f"{start_s:.6f}", f"{end_s:.6f}", _quoted(text))


def _long_lines(tiers: list[Tier], duration_s: float) -> Iterator[str]:
    yield from ('File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {duration_s:.6f}")
    yield from ("tiers? <exists>", f"size = {len(tiers)}", "item []:")
    for number, tier in enumerate(tiers, 1):
        intervals = _filled(tier, duration_s)
        yield from (f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_quoted(tier.name)}")
        yield from ("        xmin = 0", f"        xmax = {duration_s:.6f}", f"        intervals: size = {len(intervals)}")
        for count, (start_s, end_s, text) in enumerate(intervals, 1):
            yield f"        intervals [{count}]:"
            yield from (f"            xmin = {start_s:.6f}", f"            xmax = {end_s:.6f}", f"            text = {_quoted(text)}")
