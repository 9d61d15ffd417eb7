"""Breaths one can hear: stretches of noise in a pause, louder than the room and softer than speech, become BREATH phones."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_closing, uniform_filter1d

from .rows import Track, blocks_of
from .speech import HEARD_HOP_S, HOP_S, SILENCE, Phone

BREATH = "BREATH"
SHORTEST_S, LONGEST_S = 0.15, 1.2
ABOVE_FLOOR_DB, BELOW_SPEECH_DB = 20.0, 12.0
"""Audible breath lies 20-40 dB over a quiet room and 15-35 dB under the loud vowels of the same speaker."""

SOFTEST_BELOW_SPEECH_DB = 45.0
"""Nobody hears what is softer yet: where pauses are digital silence the room itself lies far over the floor."""

RISE_S = 0.06
"""Breath swells; what is loudest at its very start is the tail of something else."""

FLATTEST_VOICE = 0.22
"""Spectral flatness above 500 Hz (geometric over arithmetic mean of the bands): breath .25-.6, voice below .2."""

HISS_SHARE = 0.9
"""A sound with more of its power than this above 1 kHz is an s that the decoder missed."""

AFTER_SPEECH_S = 0.06
"""What begins sooner after a sound is that sound dying away."""

_FROM_500_HZ, _FROM_1_KHZ = 8, 12
_HOLE_FRAMES = 4


def mark_breaths(phones: list[Phone], levels_db: np.ndarray, f0_hz: np.ndarray, power: Track) -> list[Phone]:
    """`phones` with the audible breaths cut out of their silences, and silence where somebody else found a breath nobody hears.

    levels_db, f0_hz: (N,) per HOP_S. power: (T, 40) mel power per HEARD_HOP_S (mel.py). The cover stays gapless.
    """
    breathy = _breathy(levels_db, f0_hz, power)
    marked: list[Phone] = []
    for phone in _only_audible(phones, levels_db):
        marked += _split(phone, breathy, levels_db, bool(marked)) if phone.label == SILENCE else [phone]
    return marked


def _only_audible(phones: list[Phone], levels_db: np.ndarray) -> list[Phone]:
    """`phones` without the BREATH that is too soft to be one; it joins the silences beside it."""
    softest_db, kept = float(np.percentile(levels_db, 95)) - SOFTEST_BELOW_SPEECH_DB, list[Phone]()
    for phone in phones:
        label = phone.label
        if label == BREATH and levels_db[round(phone.start_s / HOP_S) : round(phone.end_s / HOP_S) + 1].max() < softest_db:
            label = SILENCE
        if label == SILENCE and kept and kept[-1].label == SILENCE:
            kept[-1] = Phone(SILENCE, kept[-1].start_s, phone.end_s)
        else:
            kept.append(Phone(label, phone.start_s, phone.end_s))
    return kept


def _breathy(levels_db: np.ndarray, f0_hz: np.ndarray, power: Track) -> np.ndarray:
    """(T,) whether a frame could be breath."""
    step = round(HEARD_HOP_S / HOP_S)
    count = min(len(power), len(levels_db[::step]))
    level = uniform_filter1d(levels_db, 5)[::step][:count]
    voiced = uniform_filter1d((f0_hz > 0).astype(float), 10)[::step][:count] > 0.5
    floor, loud = np.percentile(levels_db, (5, 95))
    flatness, hiss = (np.concatenate(parts)[:count] for parts in zip(*(_noisiness(block) for _, block in blocks_of(power))))
    audible = (level > max(floor + ABOVE_FLOOR_DB, loud - SOFTEST_BELOW_SPEECH_DB)) & (level < loud - BELOW_SPEECH_DB)
    noisy = audible & ~voiced & (uniform_filter1d(flatness, 5) > FLATTEST_VOICE) & (hiss < HISS_SHARE)
    return binary_closing(noisy, np.ones(_HOLE_FRAMES + 1))


def _noisiness(power: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of (T, 40) mel power: flatness above 500 Hz, the share above 1 kHz; (T,) each."""
    noise = power[:, _FROM_500_HZ:] + np.float32(1e-12)
    flatness = np.exp(np.log(noise).mean(axis=1)) / noise.mean(axis=1)
    return flatness, power[:, _FROM_1_KHZ:].sum(axis=1) / (power.sum(axis=1) + 1e-12)


def _split(silence: Phone, breathy: np.ndarray, levels_db: np.ndarray, after_sound: bool) -> list[Phone]:
    """A silence as silence and breaths."""
    first = int(np.ceil((silence.start_s + AFTER_SPEECH_S * after_sound) / HEARD_HOP_S))
    inside = np.concatenate([[False], breathy[first : int(silence.end_s / HEARD_HOP_S)], [False]]).astype(np.int8)
    pieces, left_s = [], silence.start_s
    for start, end in np.flatnonzero(np.diff(inside)).reshape(-1, 2):
        start_s, end_s = round((first + start) * HEARD_HOP_S, 4), round((first + end) * HEARD_HOP_S, 4)
        peak_s = HOP_S * int(np.argmax(levels_db[round(start_s / HOP_S) : round(end_s / HOP_S)]))
        if not SHORTEST_S <= end_s - start_s <= LONGEST_S or peak_s < RISE_S:
            continue
        if start_s > left_s:
            pieces.append(Phone(SILENCE, left_s, start_s))
        pieces.append(Phone(BREATH, start_s, end_s))
        left_s = end_s
    return [*pieces, Phone(SILENCE, left_s, silence.end_s)] if silence.end_s > left_s else pieces
