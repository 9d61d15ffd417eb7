"""The moments of a recording that a face reacts to: phrases, stressed sounds, rises of the voice, breaths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ..audio.speech import HOP_S, Speech
from .timeline import place
from .visemes import VOWELS

PHRASE_PAUSE_S = 0.15
LONG_PAUSE_S = 0.6
ACCENT_RISE_SEMITONES = 2.0
ACCENT_SCORE = 0.25
"""Mean of the z-scores of loudness, log length and pitch from which a vowel counts as stressed."""
ACCENT_APART_S = 0.25
BREATH_PAUSE_S = 0.35
SOFT_EDGE_S = 0.2


@dataclass(frozen=True)
class Accent:
    """A stressed syllable: when its vowel starts and ends, and how much it stands out (about 0..2)."""

    start_s: float
    end_s: float
    strength: float


@dataclass(frozen=True)
class Prosody:
    """phrases, pauses, audible breaths, listening to others: (start_s, end_s); accents; rises_s: peaks of the voice's pitch."""

    duration_s: float
    phrases: list[tuple[float, float]]
    pauses: list[tuple[float, float]]
    accents: list[Accent]
    rises_s: list[float]
    breaths: tuple[tuple[float, float], ...] = ()
    listening: tuple[tuple[float, float], ...] = ()

    def listens(self, time_s: float) -> bool:
        """Whether somebody else speaks at `time_s` and this one listens."""
        return any(start_s <= time_s < end_s for start_s, end_s in self.listening)

    def speaking(self, times_s: np.ndarray) -> np.ndarray:
        """(T,) 1 within phrases, 0 in pauses, with edges SOFT_EDGE_S long."""
        active = np.zeros(len(times_s))
        for start_s, end_s in self.phrases:
            place(
                active,
                times_s,
                start_s - SOFT_EDGE_S,
                end_s + SOFT_EDGE_S,
                lambda t: np.clip(np.minimum(t - start_s, end_s - t) / SOFT_EDGE_S + 1.0, 0.0, 1.0),
                np.maximum,
            )
        return active


def read_prosody(speech: Speech, listening: tuple[tuple[float, float], ...] = ()) -> Prosody:
    """Find phrases, accents and pitch rises in a `Speech`; `listening`: (start_s, end_s) in which somebody else speaks."""
    pauses = speech.pauses(PHRASE_PAUSE_S)
    borders = [0.0, *(time for pause in pauses for time in pause), speech.duration_s]
    phrases = [(start, end) for start, end in zip(borders[::2], borders[1::2]) if end - start > 0.05]
    breaths = tuple((phone.start_s, phone.end_s) for phone in speech.phones if phone.label == "BREATH")
    return Prosody(speech.duration_s, phrases, pauses, _accents(speech), _rises(speech), breaths, listening)


def _accents(speech: Speech) -> list[Accent]:
    """Vowels that are louder, longer and higher than the recording's usual one, none within ACCENT_APART_S of a stronger."""
    vowels = [phone for phone in speech.phones if phone.label in VOWELS]
    if len(vowels) < 3:
        return []
    pitch = _semitones(speech)
    rows = []
    for vowel in vowels:
        span = slice(round(vowel.start_s / HOP_S), max(round(vowel.end_s / HOP_S), round(vowel.start_s / HOP_S) + 1))
        rows.append(
            (
                speech.energy_db[span].max(initial=-100.0),
                np.log(vowel.end_s - vowel.start_s + 0.01),
                pitch[span].max(initial=0.0),
            )
        )
    table = np.array(rows)
    spread = np.maximum(table.std(axis=0), 1e-6)
    scores = ((table - table.mean(axis=0)) / spread).mean(axis=1)
    starts = np.array([vowel.start_s for vowel in vowels])
    free = scores >= ACCENT_SCORE
    accents: list[Accent] = []
    for number in np.argsort(-scores):
        if free[number]:
            vowel = vowels[number]
            accents.append(Accent(vowel.start_s, vowel.end_s, float(min(scores[number], 2.0))))
            first, last = np.searchsorted(starts, (vowel.start_s - ACCENT_APART_S, vowel.start_s + ACCENT_APART_S))
            free[first:last] = False
    return sorted(accents, key=lambda accent: accent.start_s)


def _semitones(speech: Speech) -> np.ndarray:
    """Pitch above the speaker's median in semitones, 0 where unvoiced, smoothed over 60 ms."""
    voiced = speech.f0_hz > 0
    if not voiced.any():
        return np.zeros(len(speech.f0_hz))
    semitones = np.where(voiced, 12.0 * np.log2(np.maximum(speech.f0_hz, 1.0) / np.median(speech.f0_hz[voiced])), 0.0)
    return gaussian_filter1d(np.clip(semitones, -12.0, 12.0), 3.0)


def _rises(speech: Speech) -> list[float]:
    """Times of pitch peaks that stand at least ACCENT_RISE_SEMITONES above their surroundings."""
    peaks, _ = find_peaks(_semitones(speech), prominence=ACCENT_RISE_SEMITONES, height=1.0, distance=round(0.3 / HOP_S))
    return [float(peak * HOP_S) for peak in peaks]
