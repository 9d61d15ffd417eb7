"""Mel spectra at 50 Hz, made independent of level, microphone and room tone: what the learned ear hears."""

from __future__ import annotations

import functools

import librosa
import numpy as np

from .decode import SAMPLE_RATE_HZ
from .speech import HEARD_HOP_S

MEL_BANDS = 40
LOWEST_HZ, HIGHEST_HZ = 80.0, 7600.0

_HOP = round(HEARD_HOP_S * SAMPLE_RATE_HZ)
_WIDTH = 512
_BLOCK_FRAMES = 3000
_RANGE_DB = 70.0
_SPEECH_BELOW_LOUD = 1e-3
_TINY = 1e-10


def mel_power(samples: np.ndarray) -> np.ndarray:
    """(N,) samples -> (N // 320 + 1, MEL_BANDS) float32 power, frame n centred on n * HEARD_HOP_S, 32 ms Hann windows."""
    count = len(samples) // _HOP + 1
    power = np.empty((count, MEL_BANDS), np.float32)
    window, bands = _window(), _bands()
    for first in range(0, count, _BLOCK_FRAMES):
        frames = min(_BLOCK_FRAMES, count - first)
        start = first * _HOP - _WIDTH // 2
        stop = start + (frames - 1) * _HOP + _WIDTH
        inside = samples[max(start, 0) : min(stop, len(samples))]
        padded = np.pad(inside, (max(-start, 0), stop - max(start, 0) - len(inside)))
        pieces = np.lib.stride_tricks.sliding_window_view(padded, _WIDTH)[::_HOP]
        power[first : first + frames] = np.abs(np.fft.rfft(pieces * window, axis=1)) ** 2 @ bands.T
    return power


def normalised(power: np.ndarray) -> np.ndarray:
    """(T, MEL_BANDS) power -> float32 in units of 10 dB about the mean of the loud frames, band by band.

    The mean takes out level, equaliser and microphone; everything 70 dB below the loud passages is one floor.
    """
    level = power.sum(axis=1)
    loud = float(np.percentile(level, 95)) + _TINY
    decibels = np.maximum(10.0 * np.log10(power + _TINY), 10.0 * np.log10(loud) - _RANGE_DB)
    mean = decibels[level >= loud * _SPEECH_BELOW_LOUD].mean(axis=0)
    return ((decibels - mean) / 10.0).astype(np.float32)


@functools.cache
def _window() -> np.ndarray:
    return np.hanning(_WIDTH + 1)[:_WIDTH].astype(np.float32)


@functools.cache
def _bands() -> np.ndarray:
    return librosa.filters.mel(sr=SAMPLE_RATE_HZ, n_fft=_WIDTH, n_mels=MEL_BANDS, fmin=LOWEST_HZ, fmax=HIGHEST_HZ)
