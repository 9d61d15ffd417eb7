"""Mel spectra, at 50 Hz made independent of level, microphone and room tone: what the learned ear hears."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import librosa
import numpy as np

from .decode import SAMPLE_RATE_HZ
from .frames import framed
from .rows import BLOCK_ROWS, Track, blocks_of
from .speech import HEARD_HOP_S

MEL_BANDS = 40
LOWEST_HZ, HIGHEST_HZ = 80.0, 7600.0

HEARD_HOP = round(HEARD_HOP_S * SAMPLE_RATE_HZ)
WINDOW_SAMPLES = 512
RANGE_DB = 70.0
SPEECH_BELOW_LOUD = 1e-3
_TINY = 1e-10


def mel_power(samples: Track, hop: int = HEARD_HOP) -> np.ndarray:
    """(N,) samples -> (N // hop + 1, MEL_BANDS) float32 power, frame n centred on sample n * hop, 32 ms Hann windows."""
    return np.concatenate([*mel_blocks(samples, hop)])


def mel_blocks(samples: Track, hop: int = HEARD_HOP) -> Iterator[np.ndarray]:
    """`mel_power`, block by block."""
    for _, _, windows in framed(samples, hop, WINDOW_SAMPLES, BLOCK_ROWS):
        yield power_of(windows)


def power_of(windows: np.ndarray) -> np.ndarray:
    """(T, WINDOW_SAMPLES) samples -> (T, MEL_BANDS) float32 power."""
    spectra = np.abs(np.fft.rfft(windows * _window(), axis=1)) ** 2
    return (spectra @ _bands().T).astype(np.float32)


@dataclass(frozen=True)
class Ground:
    """What is taken out of a recording: floor_db, under which everything is silence; mean_db (40,) of its loud frames."""

    floor_db: float
    mean_db: np.ndarray


def ground_of(power: Track) -> Ground:
    """The ground of a recording with (T, MEL_BANDS) mel power."""
    level = np.concatenate([block.sum(axis=1) for _, block in blocks_of(power)])
    loud = float(np.percentile(level, 95)) + _TINY
    floor_db = 10.0 * float(np.log10(loud)) - RANGE_DB
    speech = level >= loud * SPEECH_BELOW_LOUD
    total = np.zeros(MEL_BANDS)
    for first, block in blocks_of(power):
        total += decibels(block[speech[first : first + len(block)]], floor_db).sum(axis=0, dtype=np.float64)
    return Ground(floor_db, (total / max(speech.sum(), 1)).astype(np.float32))


def normalised(power: np.ndarray, ground: Ground | None = None) -> np.ndarray:
    """(T, MEL_BANDS) power -> float32 in units of 10 dB about the mean of the loud frames, band by band.

    The mean takes out level, equaliser and microphone; everything 70 dB below the loud passages is one floor.
    ground: of the whole recording when `power` is a part of it.
    """
    ground = ground or ground_of(power)
    return ((decibels(power, ground.floor_db) - ground.mean_db) / 10.0).astype(np.float32)


def decibels(power: np.ndarray, floor_db: float) -> np.ndarray:
    """Power in dB, nothing below `floor_db`."""
    return np.maximum(10.0 * np.log10(power + np.float32(_TINY)), np.float32(floor_db))


@functools.cache
def _window() -> np.ndarray:
    return np.hanning(WINDOW_SAMPLES + 1)[:WINDOW_SAMPLES].astype(np.float32)


@functools.cache
def _bands() -> np.ndarray:
    return librosa.filters.mel(sr=SAMPLE_RATE_HZ, n_fft=WINDOW_SAMPLES, n_mels=MEL_BANDS, fmin=LOWEST_HZ, fmax=HIGHEST_HZ)
