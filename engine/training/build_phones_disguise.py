"""The same frames in other rooms, through other wires, with other sounds around them; sung, breathed and laughed."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from ..audio.mel import MEL_BANDS, mel_power
from ..audio.phone_stream import HOP
from ..audio.sounds import CLASS_INDEX, SILENT, VOWEL_CLASSES
from ..audio.speech import HOP_S
from .build_lips_network import disguised
from .build_phones_data import FIRST_GROUP, GROUPS, UNKNOWN

_VOWELS = np.isin(
    np.arange(256),
    [CLASS_INDEX[name] for name in VOWEL_CLASSES]
    + [FIRST_GROUP + GROUPS.index(name) for name in "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()],
)
CLEAN_SHARE, HARD_CLEAN_SHARE = 0.35, 0.12
"""Of the segments this share is heard as it was recorded, at another level: at first, and when the network knows clean voices."""

_TELEPHONE = slice(5, 29)
"""The mel bands between 300 and 3400 Hz."""


def music_sound(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """(N,) samples at 16 kHz of made-up music: changing chords of plucked and held tones, a beat."""
    rate, beat_s = 16000, float(rng.uniform(0.3, 0.7))
    sound = np.zeros(int(rate * (seconds + 2 * beat_s)), np.float32)
    clock = np.arange(int(rate * 2 * beat_s)) / rate
    for start in range(0, int(seconds * rate), int(beat_s * rate)):
        root = 55.0 * 2 ** (rng.integers(0, 12) / 12)
        for step in rng.choice([0, 3, 4, 7, 10, 12, 16, 19, 24], size=int(rng.integers(2, 5)), replace=False):
            pitch = 2 * root * 2 ** (step / 12)
            harmonics = np.arange(1, int(min(7000 / pitch, 20)) + 1)[:, None]
            tone = (np.sin(2 * np.pi * pitch * harmonics * clock) * harmonics ** -float(rng.uniform(0.8, 2.0))).sum(axis=0)
            sound[start : start + len(clock)] += tone * np.exp(-clock / rng.uniform(0.05, 1.0))
        if rng.random() < 0.7:
            hit = rng.standard_normal(len(clock)) * np.exp(-clock / rng.uniform(0.01, 0.08)) * rng.uniform(0.2, 1.5)
            sound[start : start + len(clock)] += hit
    return 0.05 * sound[: int(seconds * rate)]


class Disguises:
    """Draws another appearance of a segment every time it is asked."""

    def __init__(self, rng: np.random.Generator, music_s: float = 240.0) -> None:
        self._rng, self.hard = rng, False
        self._music = np.concatenate([mel_power(music_sound(rng, 12.0), HOP) for _ in range(int(music_s / 12.0))])

    def timed(self, power: np.ndarray, labels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """`count` frames of a longer segment at another pace; sometimes with its vowels held as in singing."""
        pace = np.full(len(power), self._rng.uniform(0.8, 1.3) if self._rng.random() < 0.4 else 1.0)
        if self._rng.random() < 0.1:
            pace[_VOWELS[labels]] = 1.0 / self._rng.uniform(1.5, 4.0)
        at = np.interp(np.arange(count), np.concatenate([[0.0], np.cumsum(1.0 / pace)[:-1]]), np.arange(len(power)))
        below = at.astype(int)
        share = (at - below)[:, None].astype(np.float32)
        above = np.minimum(below + 1, len(power) - 1)
        return power[below] * (1.0 - share) + power[above] * share, labels[np.minimum(np.rint(at).astype(int), len(labels) - 1)]

    def __call__(self, power: np.ndarray, labels: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(T, 40) power and (T,) labels of a segment; other: a segment of somebody else, for babble. New arrays come back."""
        power, labels = self._breathed(power, labels)
        power = self._in_company(power, other)
        return (self._worn(power) if self.hard else power).astype(np.float32), labels

    def _in_company(self, power: np.ndarray, other: np.ndarray) -> np.ndarray:
        rng = self._rng
        if rng.random() < (HARD_CLEAN_SHARE if self.hard else CLEAN_SHARE):
            return power * 10.0 ** (rng.uniform(-25.0, 15.0) / 10.0)
        power = disguised(power, rng)
        loud = np.percentile(power.sum(axis=1), 95) + 1e-9
        if rng.random() < 0.2:
            start = int(rng.integers(len(self._music) - len(power)))
            power = power + self._at(self._music[start : start + len(power)], loud, rng.uniform(-2.0, 20.0))
        if rng.random() < 0.12:
            power = power + self._at(other, loud, rng.uniform(6.0, 22.0))
        if rng.random() < 0.3:
            power = self._in_a_room(power)
        if rng.random() < 0.15:
            power = self._over_the_telephone(power, loud)
        if rng.random() < 0.15:
            power = self._effort(power)
        if rng.random() < 0.05:  # level steps: somebody turns the gain, or turns the head
            power[int(rng.integers(len(power))) :] *= 10.0 ** (rng.uniform(-15.0, 15.0) / 10.0)
        power = power * 10.0 ** (rng.uniform(-25.0, 15.0) / 10.0)
        return self._with_holes(power)

    def _worn(self, power: np.ndarray) -> np.ndarray:
        """What real recordings have and made voices lack: a floor of noise, missing bands and moments, unsteady levels."""
        rng = self._rng
        if rng.random() < 0.6:
            loud = np.percentile(power.sum(axis=1), 95) + 1e-12
            colour = np.exp(np.cumsum(rng.normal(-0.05, 0.3, MEL_BANDS)))
            floor = loud * 10.0 ** (-rng.uniform(12.0, 32.0) / 10.0) * colour / colour.sum()
            power = power + floor * rng.gamma(2.0, 0.5, power.shape)
        if rng.random() < 0.35:
            first = int(rng.integers(MEL_BANDS))
            power[:, first : first + int(rng.integers(2, 9))] *= 10.0 ** -rng.uniform(0.5, 3.0)
        if rng.random() < 0.3:
            first = int(rng.integers(len(power)))
            power[first : first + int(rng.integers(2, 9))] *= 10.0 ** -rng.uniform(0.5, 3.0)
        if rng.random() < 0.3:
            power = power * 10.0 ** rng.normal(0.0, 0.15, power.shape)
        return power

    def _breathed(self, power: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Breath in the middle of a long pause: swelling noise 15 - 35 dB under the voice, formants of an open mouth."""
        rng = self._rng
        pauses = np.flatnonzero(np.convolve(labels == SILENT, np.ones(30), mode="valid") == 30)
        if not len(pauses) or rng.random() < 0.5:
            return power, labels
        count = int(rng.integers(15, min(80, len(labels) - int(pauses[0]))))
        start = int(rng.choice(pauses))
        while count > 12 and (labels[start : start + count] != SILENT).any():
            count -= 4
        span = slice(start, start + count)
        count = len(labels[span])
        colour = np.exp(gaussian_filter1d(rng.normal(0.0, 2.5, MEL_BANDS), 3.0) - np.linspace(0.0, rng.uniform(-1.0, 2.0), MEL_BANDS))
        noise = np.hanning(count + 2)[1:-1, None] ** 1.5 * colour / colour.sum() * rng.gamma(4.0, 0.25, (count, MEL_BANDS))
        loud = np.percentile(power.sum(axis=1), 95)
        power, labels = power.copy(), labels.copy()
        power[span] += loud * 10.0 ** (-rng.uniform(15.0, 35.0) / 10.0) * 3.0 * noise
        middle = slice(start + count // 6, start + count - count // 6)
        labels[span] = UNKNOWN
        labels[middle] = CLASS_INDEX["breath"]
        return power, labels

    @staticmethod
    def _at(sound: np.ndarray, loud: float, below_db: float) -> np.ndarray:
        """`sound` that many dB below the loud frames of the voice."""
        return sound * (loud * 10.0 ** (-below_db / 10.0) / (np.percentile(sound.sum(axis=1), 90) + 1e-9))

    def _in_a_room(self, power: np.ndarray) -> np.ndarray:
        """The energy of late reverberation dies by 60 dB in 0.2 - 1 s; 12 dB weaker to 3 dB stronger than the direct sound."""
        decay = 10.0 ** (-6.0 * HOP_S / self._rng.uniform(0.2, 1.0))
        tail = lfilter([0.0, 1.0 - decay], [1.0, -decay], power, axis=0)
        return power + 10.0 ** (self._rng.uniform(-12.0, 3.0) / 10.0) * tail * self._rng.gamma(6.0, 1 / 6.0, power.shape)

    def _over_the_telephone(self, power: np.ndarray, loud: float) -> np.ndarray:
        passed = np.full(MEL_BANDS, 1e-6)
        passed[_TELEPHONE] = 1.0
        hiss = loud * 10.0 ** (-self._rng.uniform(25.0, 50.0) / 10.0) / MEL_BANDS
        return (power + hiss * self._rng.exponential(1.0, power.shape)) * passed

    def _effort(self, power: np.ndarray) -> np.ndarray:
        """Shouting lifts the spectrum's slope by some dB an octave, soft speech lowers it."""
        tilt = self._rng.uniform(-8.0, 12.0) * np.linspace(-1.0, 1.0, MEL_BANDS)
        return power * 10.0 ** (tilt / 10.0)

    def _with_holes(self, power: np.ndarray) -> np.ndarray:
        """SpecAugment (Park et al. 2019), small: a band or a moment is missing."""
        rng = self._rng
        if rng.random() < 0.2:
            first = int(rng.integers(MEL_BANDS - 5))
            power[:, first : first + int(rng.integers(1, 5))] *= 1e-3
        if rng.random() < 0.1:
            first = int(rng.integers(len(power)))
            power[first : first + int(rng.integers(1, 6))] *= 1e-4
        return power
