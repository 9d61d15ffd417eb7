"""What was said when: phones of a recording from the phone network; words too when its text is known and fits."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..progress import Progress, silent
from .follow import Followed, follow_text
from .heard import heard_phones
from .speech import Phone, Word
from .tongues import ENGLISH, possible_languages, pronouncer, words_of

HEARD = "phone network"
ALIGNED = "phone network, forced alignment"
BETTER_THAN_ENGLISH = 0.1
"""Another language written in Latin letters is chosen when its sounds fit better than English ones by this (mean log chance)."""
_STAGE = "phones"


@dataclass
class FoundPhones:
    """Phones covering the whole recording, words where they are known, how they were found, remarks for the person."""

    phones: list[Phone]
    words: list[Word] = field(default_factory=list)
    aligner: str = ""
    notes: list[str] = field(default_factory=list)


def find_phones(
    posteriors: np.ndarray,
    levels_db: np.ndarray,
    duration_s: float,
    text: str | None = None,
    language: str = "",
    *,
    progress: Progress = silent,
) -> FoundPhones:
    """Phones from posteriors ((T, len(CLASSES)), phone_stream) and loudness, both per HOP_S; with `text`, by laying it along them.

    language: an espeak-ng code ("de", "pt-br", "cmn"); "" finds it by script and fit. Raises InputError for an unknown one.
    """
    progress(_STAGE, 0, 1)
    if not text or not text.strip():
        return FoundPhones(heard_phones(posteriors, levels_db, duration_s), aligner=HEARD)
    choices = (language,) if language else possible_languages(text)
    best, chosen = None, choices[0]
    for number, choice in enumerate(choices):
        progress(_STAGE, number, len(choices))
        followed = follow_text(posteriors, levels_db, duration_s, words_of(text, choice), pronouncer(choice))
        if best is None or followed.fit > best.fit + (BETTER_THAN_ENGLISH if chosen == ENGLISH else 0.0):
            best, chosen = followed, choice
        if choice == ENGLISH and _plainly_right(followed):
            break
    progress(_STAGE, 1, 1)
    aligner = f"{ALIGNED} ({chosen})" if best.words else HEARD
    return FoundPhones(best.phones, best.words, aligner, best.notes)


def _plainly_right(followed: Followed) -> bool:
    """Whether no other language need be tried: all of the text was placed."""
    return bool(followed.words) and not followed.notes
