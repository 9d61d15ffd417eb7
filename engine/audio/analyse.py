"""`analyse_speech`: a recording (and its text, if known) becomes a `Speech`."""

from __future__ import annotations

import os
from pathlib import Path

from ..files import sha256_of
from ..progress import Progress, silent
from .breaths import mark_breaths
from .decode import SAMPLE_RATE_HZ, read_audio
from .ear import hear_spectra
from .events import find_events, laughed
from .features import energy_db, f0_hz
from .mel import mel_power
from .phone_stream import hear_recording
from .phones import find_phones
from .speech import Speech


def analyse_speech(
    path: str | os.PathLike,
    text: str | None = None,
    *,
    language: str = "",
    channel: int | None = None,
    progress: Progress = silent,
) -> Speech:
    """Phones, pauses, events, loudness and pitch of a recording; words too when its `text` is given and fits.

    channel: the only one that is listened to, from 0; otherwise all are mixed. Without text the phones come from English word recognition, or from a language-free phone loop where English does not
    fit. Memory: the samples (230 MB an hour), their spectra (30 MB) and little else. Raises AudioError when the recording cannot be used.
    """
    path = Path(path)
    samples = read_audio(path, channel=channel, progress=progress)
    levels_db = energy_db(samples)
    progress("pitch", 0, 1)
    pitch_hz = f0_hz(samples, levels_db)
    progress("lips", 0, 1)
    power = mel_power(samples)
    heard = hear_spectra(power)
    posteriors = hear_recording(samples, power, progress=progress)
    found = find_phones(samples, posteriors, levels_db, text, language, progress=progress)
    duration_s = len(samples) / SAMPLE_RATE_HZ
    del samples  # by far the largest of all
    phones = mark_breaths(found.phones, levels_db, pitch_hz, power)
    events = find_events(phones, found.words, levels_db, pitch_hz, power)
    speech = Speech(
        duration_s=duration_s,
        phones=laughed(phones, events),
        words=found.words,
        energy_db=levels_db,
        f0_hz=pitch_hz,
        source=path.name,
        source_sha256=sha256_of(path),
        aligner=found.aligner,
        notes=found.notes,
        heard=heard,
        events=events,
    )
    speech.check(str(path))
    return speech
