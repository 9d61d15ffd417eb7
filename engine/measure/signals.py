"""Arithmetic of the scoreboard: rotations, regression, spectra, events, image distance. No image and no model in here."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy import signal, stats

SHORTEST_SPECTRUM_S = 8.0
"""A shorter curve says little about its share below 1 Hz."""


def rotations_from_angles(angles_deg: np.ndarray) -> np.ndarray:
    """(T, 3) yaw, pitch, roll in MotionClip's convention, R = Ry(yaw) Rx(-pitch) Rz(roll) -> (T, 3, 3)."""
    yaw, pitch, roll = np.radians(np.asarray(angles_deg, np.float64)).T
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def stacked(*rows: tuple) -> np.ndarray:
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    about_y = stacked((np.cos(yaw), zero, np.sin(yaw)), (zero, one, zero), (-np.sin(yaw), zero, np.cos(yaw)))
    about_x = stacked((one, zero, zero), (zero, np.cos(pitch), np.sin(pitch)), (zero, -np.sin(pitch), np.cos(pitch)))
    about_z = stacked((np.cos(roll), -np.sin(roll), zero), (np.sin(roll), np.cos(roll), zero), (zero, zero, one))
    return about_y @ about_x @ about_z


def angles_from_rotations(rotations: np.ndarray) -> np.ndarray:
    """(..., 3, 3) -> (..., 3) yaw, pitch, roll in degrees; the inverse of `rotations_from_angles` for |pitch| < 90."""
    yaw = np.arctan2(rotations[..., 0, 2], rotations[..., 2, 2])
    pitch = np.arcsin(np.clip(rotations[..., 1, 2], -1.0, 1.0))
    roll = np.arctan2(rotations[..., 1, 0], rotations[..., 1, 1])
    return np.degrees(np.stack([yaw, pitch, roll], axis=-1))


def geodesic_deg(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(..., 3, 3) x 2 -> (...) angle of the rotation between them, degrees."""
    trace = np.einsum("...ij,...ij->...", first, second)
    return np.degrees(np.arccos(np.clip((trace - 1.0) / 2.0, -1.0, 1.0)))


@dataclass(frozen=True)
class Line:
    """measured = slope * commanded + offset, with Pearson's r (0 when either side does not vary)."""

    slope: float
    offset: float
    correlation: float


def regress(commanded: np.ndarray, measured: np.ndarray) -> Line:
    """Least squares line through the pairs whose measurement is finite. A measurement that never varies has r = 0."""
    commanded, measured = np.asarray(commanded, np.float64), np.asarray(measured, np.float64)
    kept = np.isfinite(commanded) & np.isfinite(measured)
    commanded, measured = commanded[kept], measured[kept]
    if len(commanded) < 3 or np.ptp(commanded) < 1e-9:
        return Line(float("nan"), float("nan"), float("nan"))
    slope, offset = np.polyfit(commanded, measured, 1)
    varies = np.ptp(measured) > 1e-9
    return Line(float(slope), float(offset), float(np.corrcoef(commanded, measured)[0, 1]) if varies else 0.0)


def band_shares(curve: np.ndarray, rate_hz: float, edges_hz: tuple[float, ...]) -> np.ndarray:
    """Share of a curve's variance in each band between consecutive edges, mean removed.

    curve: (T,) or (T, D), D curves whose energies add. The periodogram is taken over the whole curve with a Hann window,
    so that slow drift stays below the first edge; the returned shares are relative to all energy above 0 Hz.
    """
    curve = np.asarray(curve, np.float64).reshape(len(curve), -1)
    frequency, density = signal.periodogram(curve, fs=rate_hz, window="hann", detrend="constant", axis=0)
    energy = density.sum(axis=1)
    energy[0] = 0.0
    total = energy.sum()
    if total <= 1e-12:
        return np.full(len(edges_hz) - 1, np.nan)
    bands = [(frequency >= low) & (frequency < high) for low, high in zip(edges_hz, edges_hz[1:])]
    return np.array([energy[band].sum() / total for band in bands])


def resample(curve: np.ndarray, fps: Fraction, rate_hz: float) -> np.ndarray:
    """(T, ...) at `fps` -> the same span at `rate_hz`, linear between frames."""
    seconds = np.arange(len(curve)) / float(fps)
    wanted = np.arange(int(np.floor(seconds[-1] * rate_hz + 1e-6)) + 1) / rate_hz
    flat = np.asarray(curve, np.float64).reshape(len(curve), -1)
    columns = [np.interp(wanted, seconds, column) for column in flat.T]
    return np.stack(columns, axis=1).reshape((len(wanted),) + curve.shape[1:])


@dataclass(frozen=True)
class Event:
    """A run of a curve above a threshold: time of its peak and its width at half the peak's height, seconds."""

    peak_s: float
    width_s: float


def events_above(curve: np.ndarray, seconds: np.ndarray, threshold: float) -> list[Event]:
    """Every run of `curve` (T,) that reaches `threshold`, with its full width at half maximum, crossings interpolated.

    Two runs count as one unless the curve falls below half the threshold between them. NaN counts as 0.
    """
    curve = np.nan_to_num(np.asarray(curve, np.float64))
    active = curve >= 0.5 * threshold
    starts = np.flatnonzero(active & ~np.r_[False, active[:-1]])
    stops = np.flatnonzero(active & ~np.r_[active[1:], False])
    events = []
    for start, stop in zip(starts, stops):
        peak = start + int(np.argmax(curve[start:stop + 1]))
        if curve[peak] >= threshold:
            left, right = (_crossing(curve, seconds, peak, step, 0.5 * curve[peak]) for step in (-1, 1))
            events.append(Event(float(seconds[peak]), right - left))
    return events


def _crossing(curve: np.ndarray, seconds: np.ndarray, peak: int, step: int, level: float) -> float:
    """When the curve crosses `level` walking from `peak` in direction `step`; the end of the curve if it never does."""
    here = peak
    while 0 <= here + step < len(curve):
        there = here + step
        if curve[there] < level:
            share = (curve[here] - level) / (curve[here] - curve[there])
            return float(seconds[here] + share * (seconds[there] - seconds[here]))
        here = there
    return float(seconds[here])


def match_events(truth_s: list[float], found_s: list[float], tolerance_s: float) -> tuple[float, float]:
    """(precision, recall) of found times; each truth matches at most one, nearest first. NaN without found or truth."""
    pairs = sorted((abs(t - f), i, j) for i, t in enumerate(truth_s) for j, f in enumerate(found_s))
    used_truth: set[int] = set()
    used_found: set[int] = set()
    for gap, i, j in pairs:
        if gap <= tolerance_s and i not in used_truth and j not in used_found:
            used_truth.add(i)
            used_found.add(j)
    precision = len(used_found) / len(found_s) if found_s else float("nan")
    recall = len(used_truth) / len(truth_s) if truth_s else float("nan")
    return precision, recall


def log_normal_probability(intervals_s: np.ndarray) -> float:
    """Shapiro-Wilk p that the logarithms of the intervals are normal; NaN under 8 of them."""
    intervals_s = np.asarray(intervals_s, np.float64)
    if len(intervals_s) < 8 or np.ptp(intervals_s) < 1e-9:
        return float("nan")
    return float(stats.shapiro(np.log(intervals_s)).pvalue)


def diversity(takes: np.ndarray) -> float:
    """Standard deviation between takes over standard deviation in time.

    takes: (S, T, D). For every instant and dimension the variance over the S takes (the mean over pairs of half the squared
    difference), averaged; divided by the variance in time, averaged; square root. Takes that never move give NaN.
    """
    between = np.var(takes, axis=0, ddof=1).mean()
    within = np.var(takes, axis=1, ddof=1).mean()
    return float(np.sqrt(between / within)) if within > 1e-12 else float("nan")


def psnr_db(first: np.ndarray, second: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio of two uint8 pictures (H, W, 3), over `mask` (H, W) when given; at most 99 dB."""
    difference = first.astype(np.float64) - second.astype(np.float64)
    error = float(np.mean(np.square(difference if mask is None else difference[mask])))
    return 99.0 if error < 1e-5 else float(min(99.0, 10.0 * np.log10(255.0 ** 2 / error)))


def lag_of(curve: np.ndarray, curve_s: np.ndarray, reference: np.ndarray, reference_s: np.ndarray,
           largest_s: float) -> tuple[float, float]:
    """(seconds by which `curve` comes after `reference`, Pearson's r there), within +-largest_s, between samples by a parabola.

    curve: (T,) at curve_s; NaN is left out. reference: (N,) at reference_s, read between its samples.
    """
    known = np.isfinite(curve)
    if known.sum() < 10 or np.ptp(curve[known]) < 1e-9:
        return float("nan"), float("nan")
    lags = np.arange(-largest_s, largest_s + 1e-9, 0.01)
    fits = np.array([np.corrcoef(curve[known], np.interp(curve_s[known] - lag, reference_s, reference))[0, 1] for lag in lags])
    best = int(np.argmax(fits))
    if best in (0, len(lags) - 1):
        return float(lags[best]), float(fits[best])
    before, here, after = fits[best - 1 : best + 2]
    shift = 0.5 * (before - after) / min(before - 2.0 * here + after, -1e-12)
    return float(lags[best] + shift * 0.01), float(here)
