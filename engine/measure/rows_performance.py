"""Rows 9 to 12: does the performance live as a person's does? Read off the curves of the takes (row 9 off frames)."""

from __future__ import annotations

import numpy as np

from ..audio.speech import Speech
from ..motion.clip import ARKIT_CHANNELS, MotionClip
from .bench import Bench
from .figures import Figure, not_applicable
from .rows_face import clip_of_frames
from .signals import (SHORTEST_SPECTRUM_S, band_shares, diversity, events_above, log_normal_probability, resample)

RATE_HZ = 25.0
"""Rate at which head motion is compared with footage."""

SILENCE_S = 0.3
MOST_SILENT_FRAMES = 20
LIVELY_DEG = 0.5
"""Standard deviation of the head's angles (root of the summed variances) below which a head counts as frozen."""

BLINK_CURVE = 0.35
"""Height of the eyeBlink curve from which it counts as a blink; about half of people's blinks are partial."""

LIP_CHANNELS = tuple(index for index, name in enumerate(ARKIT_CHANNELS) if name.startswith(("jaw", "mouth")))
FASTEST_HZ = 8.0
HEAD_KEYS = ("head_std_yaw", "head_std_pitch", "head_std_roll", "head_change", "head_slow", "head_middle", "head_fast")


def silence(bench: Bench, speech: Speech, clip: MotionClip) -> list[Figure]:
    """Row 9: how far the lip gap wanders in silences, and whether the rest of the face went on living."""
    chosen = silent_frames(speech, clip)
    if len(chosen) < 4:
        return not_applicable(("silence", "silence_alive"), f"the recording has no silence longer than {SILENCE_S:g} s")
    gap = bench.observe(clip_of_frames(clip, chosen), stage="measure: silence").lip_gap_iod
    deviation = float(np.nanmean(np.abs(gap - np.nanmedian(gap)))) if np.isfinite(gap).any() else float("nan")
    spread = float(np.sqrt(np.var(clip.head_rotation_deg, axis=0).sum()))
    blinks = len(blink_events(clip))
    expected = clip.duration_s / 60.0 * 4.0  # people reading aloud with concentration still blink 4.5 times a minute
    alive = spread >= LIVELY_DEG and blinks >= np.floor(expected)
    note = f"head deviates {spread:.1f} deg, {blinks} blinks in {clip.duration_s:.0f} s"
    return [Figure("silence", deviation, f"{len(chosen)} frames", bench.noise.lip_gap_iod),
            Figure("silence_alive", float(alive), note)]


def silent_frames(speech: Speech, clip: MotionClip) -> np.ndarray:
    """At most MOST_SILENT_FRAMES frame indices, evenly spread over the silences longer than SILENCE_S."""
    seconds = np.arange(len(clip)) / float(clip.fps)
    inside = np.zeros(len(clip), bool)
    for start_s, end_s in speech.pauses(SILENCE_S):
        inside |= (seconds >= start_s) & (seconds <= end_s)
    frames = np.flatnonzero(inside)
    if len(frames) <= MOST_SILENT_FRAMES:
        return frames
    return frames[np.linspace(0, len(frames) - 1, MOST_SILENT_FRAMES).round().astype(int)]


def blink_events(clip: MotionClip) -> list:
    """Blinks of the curves (mean of both lids)."""
    curve = (clip.channel("eyeBlinkLeft") + clip.channel("eyeBlinkRight")) / 2.0
    return events_above(curve, np.arange(len(clip)) / float(clip.fps), BLINK_CURVE)


def head_dynamics(takes: list[MotionClip]) -> list[Figure]:
    """Row 10: how much and how fast the head moves; each figure is the mean over the takes."""
    if takes[0].duration_s < 2.0:
        return not_applicable(HEAD_KEYS, "the clip is shorter than 2 s")
    curves = [resample(take.head_rotation_deg, take.fps, RATE_HZ) for take in takes]
    spread = np.mean([curve.std(axis=0) for curve in curves], axis=0)
    change = float(np.mean([np.abs(np.diff(curve, axis=0)).mean() for curve in curves]))
    note = f"{len(takes)} take{'s' * (len(takes) > 1)} of {takes[0].duration_s:.0f} s"
    figures = [Figure(key, float(value), note) for key, value in zip(HEAD_KEYS[:3], spread)]
    figures.append(Figure("head_change", change, note))
    if takes[0].duration_s < SHORTEST_SPECTRUM_S:
        return figures + not_applicable(HEAD_KEYS[4:], f"the clip is shorter than {SHORTEST_SPECTRUM_S:g} s")
    shares = 100.0 * np.mean([band_shares(curve, RATE_HZ, (0.0, 1.0, 2.0, 5.0, RATE_HZ)) for curve in curves], axis=0)
    return figures + [Figure(key, float(value), note) for key, value in zip(HEAD_KEYS[4:], shares[[0, 1, 3]])]


def blink_statistics(takes: list[MotionClip]) -> list[Figure]:
    """Row 11: rate, spread and shape of the intervals between blinks, all takes together."""
    keys = ("blink_rate", "blink_variation", "blink_log_normal")
    minutes = sum(take.duration_s for take in takes) / 60.0
    blinks = [blink_events(take) for take in takes]
    count = sum(map(len, blinks))
    note = f"{count} blinks in {60.0 * minutes:.0f} s"
    if minutes < 0.25:
        return not_applicable(keys, f"{60.0 * minutes:.0f} s of performance are too short for blink statistics")
    rate = Figure(keys[0], count / minutes, note)
    intervals = np.concatenate([np.diff([event.peak_s for event in events]) for events in blinks])
    if len(intervals) < 8:
        return [rate] + not_applicable(keys[1:], f"only {len(intervals)} intervals")
    return [rate, Figure(keys[1], float(intervals.std(ddof=1) / intervals.mean()), f"{len(intervals)} intervals"),
            Figure(keys[2], log_normal_probability(intervals), "Shapiro-Wilk on the logarithms")]


def seed_diversity(takes: list[MotionClip]) -> list[Figure]:
    """Row 12: takes of the same recording with other seeds differ in the head and agree in the lips."""
    keys = ("diversity_head", "diversity_lips")
    if len(takes) < 2:
        return not_applicable(keys, "only one take")
    shortest = min(map(len, takes))
    head = np.stack([take.head_rotation_deg[:shortest] for take in takes]).astype(np.float64)
    lips = np.stack([take.channels[:shortest, LIP_CHANNELS] for take in takes]).astype(np.float64)
    return [Figure(key, diversity(curves), f"{len(takes)} seeds") for key, curves in zip(keys, (head, lips))]


def fast_curves(takes: list[MotionClip]) -> list[Figure]:
    """Row 15, curves: how much of the mouth's and the head's movement is faster than muscles are."""
    rate = float(takes[0].fps)
    if takes[0].duration_s < SHORTEST_SPECTRUM_S or rate < 2.0 * FASTEST_HZ:
        return not_applicable(("curves_fast",), "the clip is too short or too slow to tell")
    parts = {"mouth": lambda take: take.channels[:, LIP_CHANNELS], "head": lambda take: take.head_rotation_deg}
    shares = {name: 100.0 * np.mean([band_shares(part(take), rate, (0.0, FASTEST_HZ, rate))[1] for take in takes])
              for name, part in parts.items()}
    return [Figure("curves_fast", max(shares.values()), ", ".join(f"{name} {share:.2f} %" for name, share in shares.items()))]
