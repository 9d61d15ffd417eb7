"""What was said when: phones of a whole recording, and words when its text is known and fits."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..progress import Progress, silent
from .closures import with_heard_closures
from .decode import SAMPLE_RATE_HZ
from .follow import WINDOW_S, follow_text, placed_words, text_fit
from .rows import Track
from .speech import HOP_S, Phone, Word
from .tongues import ENGLISH, possible_languages, pronouncer, words_of

ALIGNED = "phone network, forced alignment"
BETTER_THAN_ENGLISH = 0.1
"""Another language than the script's likeliest is chosen when its sounds fit better by this (mean log chance)."""
MOST_WORDS = 150
"""Words of a text from which its language is told."""


@dataclass
class FoundPhones:
    """Phones covering the whole recording, words where they are known, how they were found, remarks for the person."""

    phones: list[Phone]
    words: list[Word] = field(default_factory=list)
    aligner: str = ""
    notes: list[str] = field(default_factory=list)


def find_phones(
    samples: Track,
    posteriors: Track,
    levels_db: np.ndarray,
    text: str | None = None,
    language: str = "",
    *,
    progress: Progress = silent,
) -> FoundPhones:
    """Phones (and words, with `text`) of (N,) samples, their posteriors (phone_stream) and loudness, both per HOP_S.

    English is understood and aligned by pocketsphinx, which knows its words; everything else by the phone network. Without words,
    closures that only the network heard are put in (closures.py).
    language: an espeak-ng code ("de", "pt-br", "cmn") of the text; "" finds it by script and fit. Raises InputError.
    """
    from .sphinx_phones import sphinx_phones

    duration_s = len(samples) / SAMPLE_RATE_HZ
    choices = (language,) if language else possible_languages(text or "")
    english = any(choice.split("-")[0] == ENGLISH for choice in choices)
    found = sphinx_phones(samples, levels_db, text if english else None, posteriors, progress=progress)
    if not found.words:
        found.phones = with_heard_closures(found.phones, posteriors)
    if not text or not text.strip() or found.words or choices == (ENGLISH,):
        return found
    chosen = choices[0] if len(choices) == 1 else spoken_language(posteriors, text, choices)
    followed = follow_text(posteriors, levels_db, duration_s, words_of(text, chosen), pronouncer(chosen))
    if not followed.words:
        return FoundPhones(found.phones, [], found.aligner, found.notes or followed.notes)
    return FoundPhones(followed.phones, followed.words, f"{ALIGNED} ({chosen})", followed.notes)


def spoken_language(posteriors: Track, text: str, choices: tuple[str, ...]) -> str:
    """The one of the languages `choices` whose sounds, as the text spells them, fit the beginning of the recording best."""
    beginning = posteriors[: round(WINDOW_S / HOP_S)]
    fits: dict[str, float] = {}
    for choice in choices:
        pronounce = pronouncer(choice)
        words = [(word, sounds) for word in words_of(text, choice)[:MOST_WORDS] if (sounds := pronounce(word))]
        placed = placed_words(beginning, words, whole=len(posteriors) == len(beginning))
        fits[choice] = text_fit(beginning[: placed[-1].last] if placed else beginning, placed)
    first = choices[0]
    return max(fits, key=lambda choice: fits[choice] + (BETTER_THAN_ENGLISH if choice == first else 0.0))
