"""The moments of a voice as they come: where phrases begin and end, which sounds are stressed, where the pitch rises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..audio.decode import SAMPLE_RATE_HZ
from ..audio.features import PERIODIC_ENOUGH, PITCH_FRAME, PITCH_HIGHEST_HZ, PITCH_LOWEST_HZ
from ..audio.speech import HEARD_HOP_S
from ..motion.prosody import ACCENT_RISE_SEMITONES, PHRASE_PAUSE_S
from .spectra import HOP_SAMPLES

ONSET_S = 0.04
"""Something must be said for this long to begin a phrase, so that a click does not."""

ACCENT_OVER_MEAN = 0.7
ACCENT_APART_S = 0.45
"""A hop is stressed when it is this many standard deviations louder than speech has been, and the last one is a while ago."""

MEMORY_S = 8.0
RISE_APART_S = 0.6


@dataclass(frozen=True)
class Moments:
    """What happened in one hop. pause_s: length of the pause so far (0 while speaking); onset_after_s: length of the pause that
    ended here, else None; stress: size of a stressed sound that begins here (0..2), else 0; rise: the pitch has just risen."""

    pause_s: float = 0.0
    began_pause: bool = False
    onset_after_s: float | None = None
    stress: float = 0.0
    rise: bool = False


class MomentFinder:
    """Reads one hop after the other; remembers how loud and how high the voice has been."""

    def __init__(self) -> None:
        self._silent_s, self._said_s, self._paused = 1.0, 0.0, True
        self._level, self._pitch = _Running(-12.0, 5.0), _Running(0.0, 3.0)
        self._since_accent_s = self._since_rise_s = 1.0
        self._voiced_hops = 0

    def step(self, said: bool, level_db: float, f0_hz: float) -> Moments:
        """One further hop: whether something is said, how loud (dB against the loud passages), how high (0 = unvoiced)."""
        self._since_accent_s += HEARD_HOP_S
        self._since_rise_s += HEARD_HOP_S
        if not said:
            self._silent_s, self._said_s, self._voiced_hops = self._silent_s + HEARD_HOP_S, 0.0, 0
            begins = not self._paused and self._silent_s >= PHRASE_PAUSE_S
            self._paused |= begins
            return Moments(pause_s=self._silent_s, began_pause=begins)
        self._said_s += HEARD_HOP_S
        onset = self._silent_s if self._paused and self._said_s >= ONSET_S else None
        if onset is not None:
            self._paused = False
        if not self._paused:
            self._silent_s = 0.0
        return Moments(onset_after_s=onset, stress=self._stress(level_db), rise=self._rise(f0_hz))

    def _stress(self, level_db: float) -> float:
        score = self._level.score(level_db)
        self._level.take(level_db)
        if score < ACCENT_OVER_MEAN or self._since_accent_s < ACCENT_APART_S:
            return 0.0
        self._since_accent_s = 0.0
        return min(score, 2.0)

    def _rise(self, f0_hz: float) -> bool:
        if f0_hz <= 0.0:
            self._voiced_hops = 0
            return False
        semitones = 12.0 * float(np.log2(f0_hz / 100.0))
        above = semitones - self._pitch.mean if self._pitch.count > 20 else 0.0
        self._pitch.take(semitones)
        self._voiced_hops = self._voiced_hops + 1 if above >= ACCENT_RISE_SEMITONES else 0
        if self._voiced_hops < 2 or self._since_rise_s < RISE_APART_S:
            return False
        self._since_rise_s = 0.0
        return True


class _Running:
    """Mean and spread of the last MEMORY_S of a quantity."""

    def __init__(self, mean: float, spread: float) -> None:
        self.mean, self._variance, self.count = mean, spread**2, 0

    def take(self, value: float) -> None:
        self.count += 1
        share = max(HEARD_HOP_S / MEMORY_S, 1.0 / (self.count + 25.0))
        self._variance += share * ((value - self.mean) ** 2 - self._variance)
        self.mean += share * (value - self.mean)

    def score(self, value: float) -> float:
        return (value - self.mean) / max(self._variance**0.5, 1.0)


class RunningPitch:
    """Fundamental frequency per hop from the peak of the normalised autocorrelation of the last 64 ms (Boersma 1993)."""

    def __init__(self) -> None:
        self._rest = np.zeros(PITCH_FRAME, np.float32)
        self._due = HOP_SAMPLES

    def push(self, samples: np.ndarray) -> list[float]:
        """(N,) further samples -> Hz of each hop that ended in them, 0 where unvoiced."""
        found = []
        while len(samples) >= self._due:
            self._rest = np.concatenate([self._rest, samples[: self._due]])[-PITCH_FRAME:]
            samples, self._due = samples[self._due :], HOP_SAMPLES
            found.append(_pitch_of(self._rest))
        self._rest = np.concatenate([self._rest, samples])[-PITCH_FRAME:]
        self._due -= len(samples)
        return found


_LAGS = slice(int(SAMPLE_RATE_HZ / PITCH_HIGHEST_HZ), int(SAMPLE_RATE_HZ / PITCH_LOWEST_HZ))
_WINDOW = np.hanning(PITCH_FRAME).astype(np.float32)


def _autocorrelation(frame: np.ndarray) -> np.ndarray:
    power = np.abs(np.fft.rfft(frame, 2 * PITCH_FRAME)) ** 2
    return np.fft.irfft(power)[: PITCH_FRAME // 2]


_WINDOW_CORRELATION = _autocorrelation(_WINDOW)


def _pitch_of(frame: np.ndarray) -> float:
    correlation = _autocorrelation((frame - frame.mean()) * _WINDOW)
    if correlation[0] < 1e-6:
        return 0.0
    periodic = correlation / correlation[0] * _WINDOW_CORRELATION[0] / _WINDOW_CORRELATION
    lag = _LAGS.start + int(np.argmax(periodic[_LAGS]))
    return SAMPLE_RATE_HZ / lag if periodic[lag] > PERIODIC_ENOUGH else 0.0
