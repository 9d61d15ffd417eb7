"""Coughs and hums: sounds that stand alone, told by their onsets, their voice and what the phone network makes of them.

No network was taught them. But of a cough it thinks many things at once, stops and hisses among them; and what it takes for the
notes of laughter, one alone and low, is a hum. The limits were set looking at the recordings that docs/models.md names.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from .decode import SAMPLE_RATE_HZ
from .heard import LABELS, label_chances
from .rows import Track
from .sounds import LAUGHTER
from .speech import HEARD_HOP_S, HOP_S, SILENCE

BELOW_LOUD_DB, OVER_FLOOR_DB, LEAST_RANGE_DB = 30.0, 10.0, 15.0
"""What is so much softer than the loud passages, or no further over the room, lies between sounds; a room that never falls
silent has sounds down to the last of these below its loud passages."""
SHORTEST_S, APART_S = 0.08, 0.11
"""A sound is at least as long as the first; two that lie closer than the second are one."""

ONSET_DB, ONSET_RISE_S, ONSETS_APART_S = 12.0, 0.05, 0.12
"""An onset: so much louder within so little time."""
LOUD_PART_DB, VOICED_PART_DB = 15.0, 20.0
"""The part of a sound that is this near its loudest moment is what is looked at."""

COUGH_S, COUGH_ONSETS = (0.15, 0.80), 2
"""A cough is a burst of air and, after a fifth to a third of a second, what follows it: the voice, or the next burst."""
NEXT_COUGH_S, COUGH_BURST_DB = 0.35, 28.0
"""Two sounds so near each other, both begun this suddenly, belong to one fit of coughing."""
COUGH_PERIODIC, COUGH_NOISY, NOISY_BELOW = 0.72, 0.20, 0.60
"""Mean periodicity of the loud part at most, and the share of it whose periodicity lies below the third at least: air, with or
without voice. Speech is periodic by .8 - .9 there, but for shouts."""
COUGH_ENTROPY, NEXT_ENTROPY, COUGH_CONSONANTS, COUGH_SILENT = 2.4, 2.0, 0.2, 0.05
"""The network is unsure (mean entropy over its classes, nats; the second is enough right after a cough), hears stops and hisses, and is sure that it is a voice at all:
of drums and splashes it gives more to silence."""

HUM_S, HUM_VOICED, HUM_LOW, HUM_LAUGHED, HUM_ENTROPY = (0.24, 2.5), 0.65, 0.60, 0.05, 1.8
"""One long voiced sound, most of it below LOW_BANDS, with this chance of laughter and so unsure a network: of an "oh" it is surer."""
LOW_BANDS = 8
"""Mel bands below about 650 Hz."""

_PERIOD_WINDOW = 640
_SHORTEST_PERIOD, _LONGEST_PERIOD = 26, 247
_CONSONANTS = [LABELS.index(name) for name in "P T K B D G CH JH S Z SH ZH F V TH DH".split()]
_SILENT, _LAUGHED = LABELS.index(SILENCE), LABELS.index(LAUGHTER)
_WINDOW = np.hanning(_PERIOD_WINDOW)


@dataclass(frozen=True)
class Sound:
    """A sound between two silences: hops from `first` up to `end`; onsets: how many; rise_db: the steepest of them."""

    first: int
    end: int
    onsets: int
    rise_db: float

    @property
    def length_s(self) -> float:
        """Seconds."""
        return (self.end - self.first) * HOP_S


@dataclass(frozen=True)
class Outburst:
    """A cough or a hum, in seconds."""

    start_s: float
    end_s: float


def sounds_of(levels_db: np.ndarray) -> list[Sound]:
    """What stands between silences, by (N,) loudness per HOP_S."""
    floor_db, loud_db = np.percentile(levels_db, (5, 95))
    limit_db = max(loud_db - BELOW_LOUD_DB, min(floor_db + OVER_FLOOR_DB, loud_db - LEAST_RANGE_DB))
    sounding = uniform_filter1d(levels_db.astype(float), 3) > limit_db
    spans: list[list[int]] = []
    for first, end in np.flatnonzero(np.diff(np.concatenate([[0], sounding.astype(int), [0]]))).reshape(-1, 2):
        if spans and (first - spans[-1][1]) * HOP_S < APART_S:
            spans[-1][1] = int(end)
        else:
            spans.append([int(first), int(end)])
    return [_sound(levels_db, first, end) for first, end in spans if (end - first) * HOP_S >= SHORTEST_S - 1e-9]


def _sound(levels_db: np.ndarray, first: int, end: int) -> Sound:
    before = max(first - round(SHORTEST_S / HOP_S), 0)
    quiet_db = levels_db[before : first + 1].min() if first else -70.0
    levels = np.concatenate([np.full(round(SHORTEST_S / HOP_S), quiet_db), levels_db[first:end]])
    reach, apart = round(ONSET_RISE_S / HOP_S), round(ONSETS_APART_S / HOP_S)
    rises = levels[reach:] - levels[:-reach]
    found, place = [], 0
    while place < len(rises):
        if rises[place] < ONSET_DB:
            place += 1
            continue
        steepest = place + int(np.argmax(rises[place : place + reach + 1]))
        found.append(float(rises[steepest]))
        place = steepest + apart
    return Sound(first, end, len(found), max(found, default=0.0))


def coughs(sounds: list[Sound], levels_db: np.ndarray, samples: Track, posteriors: Track) -> list[Outburst]:
    """Fits of coughing among `sounds`. samples: at 16 kHz; posteriors: of the phone network, per HOP_S like levels_db."""
    found: list[Outburst] = []
    for number, sound in enumerate(sounds):
        start_s, end_s = sound.first * HOP_S, sound.end * HOP_S
        goes_on = bool(found) and start_s - found[-1].end_s < NEXT_COUGH_S
        if not COUGH_S[0] <= sound.length_s <= COUGH_S[1] or not (goes_on or _onsets_around(sounds, number) >= COUGH_ONSETS):
            continue
        rows = _loud_rows(sound, levels_db, posteriors)
        chances = label_chances(rows).mean(axis=0)
        unsure = chances[_CONSONANTS].sum() >= COUGH_CONSONANTS and chances[_SILENT] < COUGH_SILENT
        unsure = unsure and _entropy(rows) >= (NEXT_ENTROPY if goes_on else COUGH_ENTROPY)
        if unsure and _breathy(sound, levels_db, samples):
            found.append(Outburst(found.pop().start_s if goes_on else start_s, end_s))
    return found


def _onsets_around(sounds: list[Sound], number: int) -> int:
    """Onsets of a sound and of the sudden short ones beside it."""
    sound, count = sounds[number], sounds[number].onsets
    for other in sounds[max(number - 1, 0) : number] + sounds[number + 1 : number + 2]:
        gap_s = max(sound.first - other.end, other.first - sound.end) * HOP_S
        if gap_s < NEXT_COUGH_S and other.rise_db >= COUGH_BURST_DB and other.length_s < COUGH_S[1]:
            count += other.onsets
    return count


def _breathy(sound: Sound, levels_db: np.ndarray, samples: Track) -> bool:
    """Whether the loud part of a sound is more air than voice."""
    levels = levels_db[sound.first : sound.end]
    periodic = periodicity(samples, sound.first, sound.end)[levels > levels.max() - LOUD_PART_DB]
    return periodic.mean() < COUGH_PERIODIC and np.mean(periodic < NOISY_BELOW) > COUGH_NOISY


def periodicity(samples: Track, first: int, end: int) -> np.ndarray:
    """(end - first,) highest normalised autocorrelation of 40 ms around each hop, 65 - 600 Hz (Boersma 1993)."""
    hop, half = round(HOP_S * SAMPLE_RATE_HZ), _PERIOD_WINDOW // 2
    start, stop = first * hop - half, (end - 1) * hop + half
    inside = np.asarray(samples[max(start, 0) : min(stop, len(samples))], float)
    padded = np.pad(inside, (max(-start, 0), max(stop - len(samples), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _PERIOD_WINDOW)[::hop][: end - first]
    correlation = _autocorrelation((frames - frames.mean(axis=1, keepdims=True)) * _WINDOW)
    normalised = correlation / (correlation[:, :1] + 1e-9) * _autocorrelation(_WINDOW)[0] / _autocorrelation(_WINDOW)
    return normalised[:, _SHORTEST_PERIOD:_LONGEST_PERIOD].max(axis=1)


def _autocorrelation(frames: np.ndarray) -> np.ndarray:
    power = np.abs(np.fft.rfft(frames, 2 * _PERIOD_WINDOW, axis=-1)) ** 2
    return np.fft.irfft(power, axis=-1)[..., : _PERIOD_WINDOW // 2]


def hums(sounds: list[Sound], levels_db: np.ndarray, f0_hz: np.ndarray, power: Track, posteriors: Track) -> list[Outburst]:
    """Long low voiced sounds with one onset. f0_hz: per HOP_S, 0 unvoiced; power: mel power per HEARD_HOP_S."""
    found = []
    for sound in sounds:
        if sound.onsets > 1 or not HUM_S[0] <= sound.length_s <= HUM_S[1]:
            continue
        levels = levels_db[sound.first : sound.end]
        voiced = np.mean(f0_hz[sound.first : sound.end][levels > levels.max() - VOICED_PART_DB] > 0)
        rows = _loud_rows(sound, levels_db, posteriors)
        unsure = _entropy(rows) >= HUM_ENTROPY and label_chances(rows)[:, _LAUGHED].mean() >= HUM_LAUGHED
        if voiced < HUM_VOICED or not unsure:
            continue
        finer = round(HEARD_HOP_S / HOP_S)
        spectra = np.asarray(power[sound.first // finer : sound.end // finer + 1], float)
        low = float(np.mean(spectra[:, :LOW_BANDS].sum(axis=1) / (spectra.sum(axis=1) + 1e-12)))
        if low >= HUM_LOW:
            found.append(Outburst(sound.first * HOP_S, sound.end * HOP_S))
    return found


def _loud_rows(sound: Sound, levels_db: np.ndarray, posteriors: Track) -> np.ndarray:
    """(K, classes) posteriors where a sound is within VOICED_PART_DB of its loudest."""
    rows = np.asarray(posteriors[sound.first : sound.end], np.float32)
    levels = levels_db[sound.first : sound.first + len(rows)]
    return rows[levels > levels.max() - VOICED_PART_DB]


def _entropy(rows: np.ndarray) -> float:
    """Mean entropy of (K, classes) posteriors, nats."""
    return float(-(rows * np.log(rows + 1e-4)).sum(axis=1).mean())
