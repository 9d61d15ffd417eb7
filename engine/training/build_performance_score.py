"""How far generated heads, brows and blinks are from filmed ones: distances between distributions, channel by channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.signal import butter, find_peaks, sosfiltfilt, welch
from scipy.stats import wasserstein_distance

from ..measure.signals import band_shares
from .build_performance_data import RATE_HZ, Shot

SMOOTH_HZ = 5.0
"""Both sides are smoothed to this before they are compared: above it the landmarks of the footage tremble."""
WINDOW = 200
"""Frames of a window of the spectra: 8 s."""
SPECTRUM_HZ = (0.2, 5.0)
RAISE = 0.8
"""Height of a quick movement of the brows that counts, in the simulator's raises."""
NAMES = ("yaw", "pitch", "roll")


def comparison(real: Sequence[Shot], groups: Mapping[str, Sequence[Shot]]) -> str:
    """A Markdown table: what, and for each group its distance from `real`; then the figures of rows 10 and 11."""
    lines = [["distance from the held-out recordings", *groups], ["---"] * (1 + len(groups))]
    for name, measure in distances().items():
        lines.append([name, *(f"{measure(real, shots):.3g}" for shots in groups.values())])
    lines += [[], ["figure", "held-out recordings", *groups], ["---"] * (2 + len(groups))]
    for name, figure in figures().items():
        lines.append([name, *(f"{figure(shots):.3g}" for shots in (real, *groups.values()))])
    return "\n".join("| " + " | ".join(line) + " |" if line else "" for line in lines)


Measure = Callable[[Sequence[Shot], Sequence[Shot]], float]


def distances() -> dict[str, Measure]:
    """Name -> distance of two groups of shots. Wasserstein: how far, on average, one distribution has to be moved to become
    the other, in units of the first's standard deviation, so that channels can be compared with each other."""
    made: dict[str, Measure] = {}
    for axis, name in enumerate(NAMES):
        made[f"{name}: position"] = _moved(lambda shot, axis=axis: _curves(shot)[:, axis])
        made[f"{name}: speed"] = _moved(lambda shot, axis=axis: np.diff(_curves(shot)[:, axis]))
        made[f"{name}: acceleration"] = _moved(lambda shot, axis=axis: np.diff(_curves(shot)[:, axis], 2))
        made[f"{name}: spectrum (dB)"] = lambda real, shots, axis=axis: _spectra(real, shots, axis)
    made["rotation: Frechet distance of 1 s windows"] = _frechet
    made["brows: position"] = _moved(lambda shot: _smooth(shot.brows))
    made["brows: speed"] = _moved(lambda shot: np.diff(_smooth(shot.brows)))
    made["blinks: logarithms of the intervals"] = _moved(lambda shot: np.log(np.maximum(np.diff(shot.blinks_s), 0.1)))
    made["blinks: rate (difference per minute)"] = lambda real, shots: abs(_blink_rate(real) - _blink_rate(shots))
    made["movement in speech / in pauses (difference of logarithms)"] = lambda real, shots: abs(
        np.log(_speech_coupling(shots) / _speech_coupling(real)))
    made["mouth and head: correlation of their speeds (difference)"] = lambda real, shots: abs(
        _mouth_coupling(shots) - _mouth_coupling(real))
    return made


def figures() -> dict[str, Callable[[Sequence[Shot]], float]]:
    """Name -> figure of one group: rows 10, 11 and 15 of docs/measures.md, and the brows' raises."""
    return {
        "standard deviation of yaw, deg": lambda shots: _spread(shots, 0),
        "of pitch": lambda shots: _spread(shots, 1),
        "of roll": lambda shots: _spread(shots, 2),
        "change of angle per frame, deg": _change,
        "share below 1 Hz, %": lambda shots: _share(shots, 0),
        "1-2 Hz": lambda shots: _share(shots, 1),
        "2-5 Hz": lambda shots: _share(shots, 2),
        "blinks per minute": _blink_rate,
        "variation of the blink intervals": _interval_variation,
        "quick raises of the brows per minute": _raise_rate,
        "movement in speech / in pauses": _speech_coupling,
        "mouth and head: correlation of their speeds": _mouth_coupling,
    }


def _smooth(curve: np.ndarray) -> np.ndarray:
    return sosfiltfilt(butter(4, SMOOTH_HZ, fs=RATE_HZ, output="sos"), curve, axis=0)


def _curves(shot: Shot) -> np.ndarray:
    """(T, 3) rotation around its mean. Translation is left out: footage tells the eyes' path, a clip that of the neck."""
    curves = _smooth(shot.rotation_deg)
    return curves - curves.mean(axis=0)


def _joined(shots: Sequence[Shot], of: Callable[[Shot], np.ndarray]) -> np.ndarray:
    return np.concatenate([of(shot) for shot in shots])


def _moved(of: Callable[[Shot], np.ndarray]) -> Measure:
    def distance(real: Sequence[Shot], shots: Sequence[Shot]) -> float:
        truth = _joined(real, of)
        return float(wasserstein_distance(truth, _joined(shots, of)) / truth.std())
    return distance


def _spectra(real: Sequence[Shot], shots: Sequence[Shot], axis: int) -> float:
    """Mean difference of the spectra in decibels over SPECTRUM_HZ, in eight steps of a geometric scale."""
    edges = np.geomspace(*SPECTRUM_HZ, 9)
    levels = []
    for group in (real, shots):
        spectra = [welch(_curves(shot)[:, axis], RATE_HZ, nperseg=min(WINDOW, len(shot.opening))) for shot in group]
        frequency = spectra[0][0]
        power = np.mean([np.interp(frequency, f, p) for f, p in spectra], axis=0)
        levels.append([10.0 * np.log10(power[(frequency >= low) & (frequency <= high)].mean() + 1e-15)
                       for low, high in zip(edges, edges[1:])])
    return float(np.nanmean(np.abs(np.subtract(*levels))))


def _frechet(real: Sequence[Shot], shots: Sequence[Shot]) -> float:
    """Frechet distance between Gaussians fitted to second-long pieces of rotation (every fifth frame) and their change."""
    mean, covariance = zip(*(_gaussian(group) for group in (real, shots)))
    values, vectors = np.linalg.eigh(covariance[0])
    root = vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ covariance[1] @ root), 0.0)).sum()
    squared = np.sum((mean[0] - mean[1]) ** 2) + np.trace(covariance[0]) + np.trace(covariance[1]) - 2.0 * cross
    return float(np.sqrt(max(squared, 0.0)))


def _gaussian(shots: Sequence[Shot]) -> tuple[np.ndarray, np.ndarray]:
    pieces = _joined(shots, lambda s: np.stack([_curves(s)[n : n + RATE_HZ : 5].ravel()
                                                for n in range(0, len(s.opening) - RATE_HZ, 5)]))
    return pieces.mean(axis=0), np.cov(pieces.T)


def _spread(shots: Sequence[Shot], axis: int) -> float:
    return float(_joined(shots, lambda shot: _curves(shot)[:, axis]).std())


def _change(shots: Sequence[Shot]) -> float:
    return float(np.mean(np.abs(_joined(shots, lambda shot: np.diff(_curves(shot), axis=0)))))


def _share(shots: Sequence[Shot], band: int) -> float:
    long = [shot for shot in shots if shot.duration_s >= 8.0]
    shares = [band_shares(_curves(shot), RATE_HZ, (0.0, 1.0, 2.0, 5.0)) for shot in long]
    return float(100.0 * np.average(shares, axis=0, weights=[shot.duration_s for shot in long])[band])


def _minutes(shots: Sequence[Shot]) -> float:
    return sum(shot.duration_s for shot in shots) / 60.0


def _blink_rate(shots: Sequence[Shot]) -> float:
    return sum(len(shot.blinks_s) for shot in shots) / _minutes(shots)


def _interval_variation(shots: Sequence[Shot]) -> float:
    intervals = _joined(shots, lambda shot: np.diff(shot.blinks_s))
    return float(intervals.std() / intervals.mean())


def _raise_rate(shots: Sequence[Shot]) -> float:
    quick = [find_peaks(_smooth(shot.brows), prominence=RAISE, width=(None, RATE_HZ))[0] for shot in shots]
    return sum(map(len, quick)) / _minutes(shots)


def _head_speed(shot: Shot) -> np.ndarray:
    return np.linalg.norm(np.diff(_curves(shot), axis=0), axis=1)


def _speech_coupling(shots: Sequence[Shot]) -> float:
    speed, speaking = _joined(shots, _head_speed), _joined(shots, lambda shot: shot.speaking[1:]) > 0.5
    return float(speed[speaking].mean() / speed[~speaking].mean())


def _mouth_coupling(shots: Sequence[Shot]) -> float:
    window = np.ones(RATE_HZ) / RATE_HZ
    mouths = _joined(shots, lambda shot: np.convolve(np.abs(np.diff(shot.opening)), window, "same"))
    heads = _joined(shots, lambda shot: np.convolve(_head_speed(shot), window, "same"))
    return float(np.corrcoef(mouths, heads)[0, 1])
