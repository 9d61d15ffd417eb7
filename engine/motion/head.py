"""How the head moves while its owner speaks: a wandering posture, shifts at pauses, nods on stress, breath.

Sizes and bands after Hadar, Steiner, Grant & Clifford Rose (1983, 1984), Munhall et al. (2004) and the figures measured on
natural talking footage (docs/measures.md, row 10): most of the movement is slower than 1 Hz, some in 1-2 Hz, little above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.ndimage import gaussian_filter1d

from .articulation import RATE_HZ
from .prosody import BREATH_PAUSE_S, LONG_PAUSE_S, Prosody
from .streams import stream
from .timeline import bump, place, steps

YAW, PITCH, ROLL = range(3)

WANDER_DEG = np.array([3.7, 2.9, 2.2])
"""Standard deviation of the slow part (0.1 - 0.9 Hz) per axis."""
SWAY_DEG = np.array([1.62, 1.29, 1.01])
"""Standard deviation of the 0.9 - 2 Hz part per axis while speaking."""
TREMBLE_DEG = np.array([0.50, 0.44, 0.32])
"""Standard deviation of the 2 - 4.5 Hz part per axis while speaking."""

LIMIT_DEG = np.array([24.0, 16.0, 12.0])
STILL_IN_PAUSES = 0.45
"""How fast the head wanders, and how much of the sway and tremble remains, while nothing is said: a filmed speaker moves 1.9
times as fast in speech as in pauses (docs/models.md)."""

LIVELINESS_SPREAD = 0.35
"""Sway and tremble swell and fade over seconds (log-normal): calm stretches and lively ones, not an even shiver."""

NOD_DEG = 2.4
NOD_LEAD_S = 0.10
"""A nod starts this long before the stressed vowel and is lowest near its end."""
SHIFT_DEG = np.array([2.6, 1.5, 1.5])
SHIFT_S, SHIFT_EARLY_S = 0.7, 0.15
"""A shift of posture takes so long and begins this much before the phrase it goes with."""
IDLE_S = 6.0
"""In a silence longer than this the body still shifts about this often."""
LISTENER_NOD_DEG, LISTENER_NOD_S, LISTENER_NODS_APART_S = 3.6, 0.55, 4.5
"""Nods of somebody who listens: one to three in a row, each smaller than the one before (Hadar, Steiner & Clifford Rose 1985)."""
INHALE_PITCH_DEG = 1.2
INHALE_S = 0.45
SWAY_M = np.array([0.004, 0.002, 0.004])


def head_rotation(
    prosody: Prosody, times_s: np.ndarray, seed: int, energy: float | np.ndarray = 1.0, pace: float = 1.0
) -> np.ndarray:
    """(T, 3) yaw, pitch, roll in degrees around the rest pose, at 1 / RATE_HZ spacing. energy: 1 = an ordinary speaker; a
    number or (T,). pace: how fast it wanders, sways and shifts; nods keep to their syllables."""
    rng = stream(seed, "head")
    speaking = prosody.speaking(times_s)[:, None]
    active = STILL_IN_PAUSES + (1.0 - STILL_IN_PAUSES) * gaussian_filter1d(speaking, 0.15 * RATE_HZ, axis=0)
    lively = _band(rng, len(times_s), 0.9 * pace, 2.0 * pace) * SWAY_DEG + _band(rng, len(times_s), 2.0 * pace, 4.5 * pace) * TREMBLE_DEG
    swell = np.exp(LIVELINESS_SPREAD * _band(rng, len(times_s), 0.05, 0.5)[:, :1])
    wander = _at_pace(_band(rng, len(times_s), 0.1 * pace, 0.9 * pace), active[:, 0])
    motion = wander * WANDER_DEG + lively * active * swell
    motion += _posture_shifts(prosody, times_s, stream(seed, "posture"), pace)
    motion[:, PITCH] -= _nods(prosody, times_s, stream(seed, "nods"))
    motion[:, PITCH] -= listener_nods(prosody, times_s, stream(seed, "listener nods"))
    return within_reach(motion, energy)


def within_reach(motion: np.ndarray, energy: float | np.ndarray) -> np.ndarray:
    """(T, 3) degrees, `energy` times as large, bent towards LIMIT_DEG without a corner."""
    return LIMIT_DEG * np.tanh(motion * np.reshape(energy, (-1, 1)) / LIMIT_DEG)


def _at_pace(curve: np.ndarray, pace: np.ndarray) -> np.ndarray:
    """(T, k) `curve` gone through at `pace` ((T,), 1 = as it is) instead of evenly."""
    frames = np.cumsum(pace) - pace[:1]
    return np.stack([np.interp(frames, np.arange(len(curve)), column) for column in curve.T], axis=1)


def breath(prosody: Prosody, times_s: np.ndarray) -> np.ndarray:
    """(T,) 0..1: drawing breath before each phrase that follows a pause, deeper before longer phrases; where a breath can be
    heard, with it instead."""
    depth = np.zeros(len(times_s))
    for centre_s, length_s, size in [*_heard_breaths(prosody), *_supposed_breaths(prosody)]:
        place(
            depth,
            times_s,
            centre_s - length_s / 2,
            centre_s + length_s / 2,
            lambda t: size * bump((t - centre_s) / length_s),
            np.maximum,
        )
    return depth


def _heard_breaths(prosody: Prosody) -> list[tuple[float, float, float]]:
    """(centre, length, size) of the movements that go with audible breaths: the mouth is open while air flows."""
    return [((start_s + end_s) / 2, 1.3 * (end_s - start_s), 1.0) for start_s, end_s in prosody.breaths]


def _supposed_breaths(prosody: Prosody) -> list[tuple[float, float, float]]:
    """(centre, length, size) of breaths that nobody hears: before phrases after a pause long enough for one."""
    pauses = {round(end_s, 2): start_s for start_s, end_s in prosody.pauses}
    found = []
    for start_s, end_s in prosody.phrases:
        from_s = pauses.get(round(start_s, 2), start_s)
        audible = any(from_s <= first_s < start_s for first_s, _ in prosody.breaths)
        if start_s - from_s < BREATH_PAUSE_S or audible:
            continue
        length_s = min(INHALE_S, 0.8 * (start_s - from_s))
        found.append((start_s - 0.55 * length_s, length_s, float(np.clip(0.55 + 0.15 * (end_s - start_s), 0.55, 1.0))))
    return found


def head_sway(times_s: np.ndarray, seed: int) -> np.ndarray:
    """(T, 3) metres: the slow drift of the whole head with the body."""
    return _band(stream(seed, "sway"), len(times_s), 0.05, 0.5) * SWAY_M


def _band(rng: np.random.Generator, count: int, low_hz: float, high_hz: float) -> np.ndarray:
    """(count, 3) Gaussian noise of unit variance per process, confined to a band with soft edges; falls as 1/f inside it.

    Made on a longer stretch than asked for and cut, so that a clip neither starts at zero nor repeats.
    """
    padded = next_fast_len(max(2 * count, 40 * RATE_HZ), real=True)
    frequency = rfftfreq(padded, 1.0 / RATE_HZ)
    with np.errstate(divide="ignore"):
        response = np.where(frequency > 0, np.maximum(frequency, low_hz) ** -1.0, 0.0)
    response *= 1.0 / (1.0 + (frequency / high_hz) ** 10) * (1.0 - 1.0 / (1.0 + (frequency / low_hz) ** 6))
    noise = irfft(rfft(rng.standard_normal((padded, 3)), axis=0) * response[:, None], padded, axis=0)
    expected = np.sqrt(2.0 * np.sum(response**2) / padded)
    return noise[padded // 4 : padded // 4 + count] / expected


def _posture_shifts(prosody: Prosody, times_s: np.ndarray, rng: np.random.Generator, head_pace: float) -> np.ndarray:
    """(T, 3): after pauses the head settles in a new posture; the longer the pause the more surely and the further."""
    changes, posture = [], np.zeros(3)
    for start_s, end_s in _restless(prosody.pauses, rng.spawn(1)[0]):
        long = end_s - start_s >= LONG_PAUSE_S
        moves, pace = rng.random() < (0.9 if long else 0.55), rng.uniform(0.8, 1.3)
        target = rng.standard_normal(3) * SHIFT_DEG * (1.0 if long else 0.6)
        if moves:
            changes.append((max(end_s - SHIFT_EARLY_S, start_s), SHIFT_S * pace / head_pace, target - posture))
            posture = target
    return steps(times_s, changes, 3)


def _restless(pauses: list[tuple[float, float]], rng: np.random.Generator) -> Iterator[tuple[float, float]]:
    """The pauses, long ones cut into stretches after each of which one shifts."""
    for start_s, end_s in pauses:
        while end_s - start_s > 1.5 * IDLE_S:
            idle_s = float(np.clip(rng.gamma(4.0, IDLE_S / 4.0), 2.0, 1.5 * IDLE_S))
            yield start_s, start_s + idle_s
            start_s += idle_s
        yield start_s, end_s


def listener_nods(prosody: Prosody, times_s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T,) degrees downwards while somebody else speaks."""
    nods = np.zeros(len(times_s))

    def add(centre_s: float, length_s: float, size: float) -> None:
        place(nods, times_s, centre_s - length_s / 2, centre_s + length_s / 2, lambda t: size * bump((t - centre_s) / length_s))

    for start_s, end_s in prosody.listening:
        time_s = start_s + rng.gamma(3.0, LISTENER_NODS_APART_S / 6.0)
        while time_s < end_s - LISTENER_NOD_S:
            time_s = nod_as_listener(rng, time_s, add)
    return nods


def nod_as_listener(rng: np.random.Generator, time_s: float, add: Callable[[float, float, float], None]) -> float:
    """`add` (centre, length, degrees) one to three nods from `time_s` on; when the next ones may come."""
    depth = LISTENER_NOD_DEG * rng.lognormal(-0.1, 0.35)
    for number in range(rng.integers(1, 4)):
        add(time_s + (number + 0.5) * LISTENER_NOD_S, LISTENER_NOD_S, depth * 0.7**number)
    return time_s + 3 * LISTENER_NOD_S + rng.gamma(3.0, LISTENER_NODS_APART_S / 3.0)


def _nods(prosody: Prosody, times_s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T,) degrees downwards on about half of the stressed vowels, larger on stronger ones."""
    nods = np.zeros(len(times_s))
    for accent in prosody.accents:
        nodding, size = rng.random() < 0.35 + 0.2 * accent.strength, rng.lognormal(-0.1, 0.4)
        if not nodding:
            continue
        width_s = float(np.clip(2.2 * (accent.end_s - accent.start_s + NOD_LEAD_S), 0.35, 0.9))
        depth = NOD_DEG * size * (0.6 + 0.4 * accent.strength)
        place(
            nods,
            times_s,
            accent.end_s - width_s / 2,
            accent.end_s + width_s / 2,
            lambda t: depth * bump((t - accent.end_s) / width_s),
        )
    return nods
