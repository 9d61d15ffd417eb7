"""Loudness and pitch over time, one value per HOP_S: what the phone decoder does not say but the performance needs."""

from __future__ import annotations

import librosa
import numpy as np
from scipy.signal import medfilt

from ..progress import Progress, silent
from .chunks import quiet_threshold_db
from .decode import SAMPLE_RATE_HZ
from .frames import framed
from .rows import Track
from .speech import HOP_S

HOP = round(HOP_S * SAMPLE_RATE_HZ)
ENERGY_WINDOW = 2 * HOP
ENERGY_FLOOR_DB = -100.0
PITCH_FRAME = 1024
PITCH_LOWEST_HZ = 65.0
PITCH_HIGHEST_HZ = 600.0
PERIODIC_ENOUGH = 0.45
"""Normalised autocorrelation at the pitch period from which a frame counts as voiced (Boersma 1993 uses 0.45)."""
_BLOCK_HOPS = 1500


def energy_db(samples: Track) -> np.ndarray:
    """(N,) samples -> (N // HOP + 1,) RMS level in dB re full scale in 20 ms windows centred on n * HOP_S."""
    levels = np.empty(len(samples) // HOP + 1, np.float32)
    for first, _, frames in framed(samples, HOP, ENERGY_WINDOW, _BLOCK_HOPS):
        power = np.mean(np.square(frames, dtype=np.float32), axis=1)
        levels[first : first + len(frames)] = 10.0 * np.log10(power + 10.0 ** (ENERGY_FLOOR_DB / 10.0))
    return levels


def f0_hz(samples: Track, levels_db: np.ndarray, *, progress: Progress = silent) -> np.ndarray:
    """(N,) fundamental frequency per HOP_S, 0 where unvoiced. Period by YIN (de Cheveigne & Kawahara 2002, librosa).

    Voicing is decided by the normalised autocorrelation at that period and by the level; a period at the edge of the search
    range is hum or hiss, not voice. librosa's pyin would decide voicing better at sixty times the cost.
    """
    pitch = np.zeros(len(levels_db), np.float32)
    audible_db = quiet_threshold_db(levels_db)
    for first, block, frames in framed(samples, HOP, PITCH_FRAME, _BLOCK_HOPS):
        progress("pitch", first, len(levels_db))
        span = slice(first, first + len(frames))
        period_hz = librosa.yin(
            block,
            fmin=PITCH_LOWEST_HZ,
            fmax=PITCH_HIGHEST_HZ,
            sr=SAMPLE_RATE_HZ,
            frame_length=PITCH_FRAME,
            hop_length=HOP,
            center=False,
        )[: len(frames)]
        inside = (period_hz > 1.03 * PITCH_LOWEST_HZ) & (period_hz < 0.97 * PITCH_HIGHEST_HZ)
        voiced = inside & (_periodicity(frames, period_hz) > PERIODIC_ENOUGH) & (levels_db[span] > audible_db)
        pitch[span] = np.where(voiced, period_hz, 0.0)
    return _without_specks(pitch)


def _periodicity(frames: np.ndarray, period_hz: np.ndarray) -> np.ndarray:
    """Normalised correlation of each frame's first half with itself one period later, -1..1."""
    half = PITCH_FRAME // 2
    lag = np.clip(np.round(SAMPLE_RATE_HZ / period_hz).astype(int), 1, half)
    columns = np.arange(half)
    rows = np.arange(len(frames))[:, None]
    now, later = frames[:, :half], frames[rows, columns + lag[:, None]]
    power = np.sqrt((now**2).sum(axis=1) * (later**2).sum(axis=1))
    return (now * later).sum(axis=1) / np.maximum(power, 1e-9)


def _without_specks(pitch: np.ndarray) -> np.ndarray:
    """Drop voiced runs shorter than 30 ms and octave slips of single frames (median over 50 ms)."""
    if len(pitch) < 5:
        return pitch
    smooth = medfilt(pitch, 5).astype(np.float32)
    return np.where(pitch > 0, smooth, 0.0).astype(np.float32)
