"""`analyse_speech`: a recording (and its text, if known) becomes a `Speech`."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np

from ..files import sha256_of
from ..progress import Progress, silent
from .breaths import mark_breaths
from .decode import SAMPLE_RATE_HZ, open_audio
from .ear import hear_spectra
from .events import find_events, with_sounds_of
from .features import energy_db, f0_hz
from .mel import MEL_BANDS, mel_blocks
from .outbursts import coughs, hums, sounds_of
from .phone_stream import recording_blocks
from .phones import find_phones
from .rows import Rows
from .sounds import CLASSES
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

    channel: the only one that is listened to, from 0; otherwise all are mixed. Without text the phones come from what the phone
    network hears and the English words recognised. Samples, spectra and posteriors lie in temporary files (300 MB an hour): memory
    holds the result and one stretch of the recording at a time. Raises AudioError when the recording cannot be used, OutputError when
    the disk is full.
    """
    path = Path(path)
    with contextlib.ExitStack() as files:
        samples = files.enter_context(open_audio(path, channel=channel, progress=progress))
        levels_db = energy_db(samples)
        pitch_hz = f0_hz(samples, levels_db, progress=progress)
        power = files.enter_context(Rows.of(mel_blocks(samples), np.float32, MEL_BANDS))
        heard = hear_spectra(power, progress=progress)
        rows = recording_blocks(samples, power, progress=progress)
        posteriors = files.enter_context(Rows.of(rows, np.float16, len(CLASSES)))
        found = find_phones(samples, posteriors, levels_db, text, language, progress=progress)
        phones = mark_breaths(found.phones, levels_db, pitch_hz, power)
        sounds = sounds_of(levels_db)
        hummed = hums(sounds, levels_db, pitch_hz, power, posteriors)
        coughed = coughs(sounds, levels_db, samples, posteriors)
        events = find_events(phones, found.words, levels_db, pitch_hz, power, coughed, hummed)
        duration_s = len(samples) / SAMPLE_RATE_HZ
    speech = Speech(
        duration_s=duration_s,
        phones=with_sounds_of(phones, found.words, events, hummed),
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
