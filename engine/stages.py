"""How a command obtains what it works on: nouns from files, from the cache, or made now.

The verbs' modules are imported by the functions that need them, so that a command loads only its own libraries, and nothing
at all for what the cache knows already.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .cache import cached, code_fingerprint
from .errors import AudioError, FormatError, ImageError, InputError
from .files import output_error, sha256_of
from .progress import Progress, silent
from .provenance.consent import Rights, settled_rights
from .provenance.policy import Policy

if TYPE_CHECKING:
    from .audio.speech import Speech
    from .motion.direction import Direction
    from .motion.turns import Turn
    from .portrait.portrait import Portrait


def directed(name: str, settings: dict[str, str]) -> Direction:
    """The direction called `name` ("" for the default one) with `settings` changed. Raises InputError."""
    from .motion.direction import Direction, load_direction
    direction = load_direction(name) if name else Direction()
    return direction.with_settings(settings) if settings else direction


def obtain_portrait(path: Path, *, face: int | None = None, landmarks: Path | None = None, changes: Sequence[str] = (),
                    progress: Progress = silent) -> tuple[Portrait, bool]:
    """The portrait of a picture, from the cache when it was built before, or a `.portrait` file; and whether it was cached.

    changes: portrait settings, KEY=VALUE. Raises InputError when one of them asks for the picture and there is only the file.
    """
    from .portrait.portrait import Portrait
    from .portrait.settings import PortraitSettings
    if path.suffix.lower() == ".portrait":
        portrait = Portrait.load(path)
        kept = PortraitSettings.of(portrait)
        settings = kept.changed(changes)
        if kept.needs_building(settings):
            raise InputError(f"Of the settings of {path.name} only light and teeth can be changed in the file; for the others build it "
                             "again from its picture.")
        portrait.settings = settings.record()
        return portrait, False
    if not path.is_file():
        raise ImageError(f"There is no picture at {path}.")
    settings = PortraitSettings().changed(changes)
    corrected = sha256_of(landmarks) if landmarks and landmarks.is_file() else ""
    parts = {"sha256": sha256_of(path), "face": face or 0, "landmarks": corrected, "settings": settings.record(),
             "code": code_fingerprint("portrait", "assets")}

    def build() -> Portrait:
        from .portrait.build import build_portrait
        return build_portrait(path, face=face, landmarks=landmarks, settings=settings, progress=progress)
    return cached("portrait", parts, ".portrait", Portrait.load, build)


def cleared_rights(path: Path, asked: Rights | None, policy: Policy) -> Rights:
    """The rights a picture or `.portrait` may be animated on; to be called before any work. Raises NoRightsError."""
    from .portrait.portrait import Portrait
    kept = Portrait.load(path).provenance.get("rights") if path.suffix.lower() == ".portrait" and not asked else None
    return settled_rights(asked, kept, policy)


def obtain_speech(path: Path, text: str, *, corrections: Path | None = None, side: str = "",
                  progress: Progress = silent) -> tuple[Speech, bool]:
    """The speech of a recording, from the cache when it was analysed before, or a speech JSON; and whether it was cached.
    side: "left" or "right", the only channel of a stereo recording that is listened to.

    corrections: a `.TextGrid` whose tiers replace what was found, or a speech.json that is used as it is. text: tags in it
    ("[happy]") are not spoken. Raises InputError for a tag that nobody knows.
    """
    from .audio.speech import Speech
    from .motion.tags import read_tags
    text, _ = read_tags(text)
    if path.suffix.lower() == ".json":
        return _corrected(Speech.load(path), corrections), False
    if not path.is_file():
        raise AudioError(f"There is no recording at {path}.")
    parts = {"sha256": sha256_of(path), "text": text, "code": code_fingerprint("audio", "assets")}

    def analyse() -> Speech:
        from .audio.analyse import analyse_speech
        return analyse_speech(path, text or None, progress=progress)
    speech, known = cached("speech", parts, ".json", Speech.load, analyse)
    return _corrected(speech, corrections), known


def side_of(path: Path, cues: Path | None, speaker: str) -> str:
    """"left" or "right" when `speaker` names a channel of a recording rather than somebody in the cues; else ""."""
    from .audio.sides import SIDES
    return speaker.lower() if not cues and speaker.lower() in SIDES and path.suffix.lower() != ".json" else ""


def scripted(direction: Direction, speech: Speech, text: str, *, cues: Path | None = None, speaker: str = "",
             recording: Path | None = None) -> tuple[Direction, Speech]:
    """The direction with what the tags in `text` say, and of a recording of several people the part of `speaker`.

    cues: who speaks when (motion/turns.py). recording: of a stereo recording with a speaker to each channel, "left" and "right" are
    speakers without cues. Raises InputError when only one of `cues` and `speaker` is given, for a speaker whom the cues do not name,
    and for tags without times; AudioError when both channels carry the same.
    """
    from .motion.tags import read_tags, with_tags
    from .motion.turns import part_of, read_turns
    side = side_of(recording, cues, speaker) if recording else ""
    if not side and bool(cues) != bool(speaker):
        raise InputError("--cues and --speaker belong together: who speaks when, and which of them is to be performed.")
    plain, tags = read_tags(text)
    direction = with_tags(direction, tags, plain, speech.words)
    if cues:
        speech, listening = part_of(speech, read_turns(cues), speaker)
        direction = replace(direction, listening=listening)
    elif side:
        speech, listening = part_of(speech, _side_turns(recording, speech.duration_s), side)
        direction = replace(direction, listening=listening)
    return direction, speech


def _side_turns(recording: Path, duration_s: float) -> list[Turn]:
    """Who speaks when in a stereo recording with a speaker to each channel."""
    from .audio.sides import SIDES, side_levels, speaking_side
    from .motion.listening import floor_of
    from .motion.turns import Turn
    turns = [floor_of(side, speaks, duration_s) for side, speaks in zip(SIDES, speaking_side(side_levels(recording)))]
    return [Turn(side, 0.0, 0.0) for side in SIDES] + [turn for own in turns for turn in own]


def _corrected(speech: Speech, corrections: Path | None) -> Speech:
    """`speech` with what a hand has put right. Raises FormatError, also when the file belongs to another recording."""
    from .audio.speech import Speech
    from .audio.textgrid import corrected_by, read_textgrid
    if corrections is None:
        return speech
    if corrections.suffix.lower() != ".json":
        return corrected_by(speech, read_textgrid(corrections))
    kept = Speech.load(corrections)
    if kept.source_sha256 and speech.source_sha256 and kept.source_sha256 != speech.source_sha256:
        raise FormatError(f"{corrections} belongs to another recording ({kept.source or 'unnamed'}).")
    return kept


def check_writable(folder: Path) -> None:
    """Raise OutputError now rather than after the work when `folder` cannot be made or written into."""
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise output_error(folder, NotADirectoryError(20, "a file is in the way", str(nearest)))
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise output_error(folder, PermissionError(13, "permission denied", str(nearest)))
