"""Rows 6 and 8: do the lips say what the sound says, when it says it? Frames of a performance, rendered and looked at."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..audio.speech import Phone, Speech
from ..motion.clip import MotionClip
from ..motion.visemes import LABIODENTALS, SEALS, VISEMES
from ..portrait.topology import INNER_LIP_LOWER, INNER_LIP_UPPER, SURFACE_LANDMARKS
from ..render.pose import Poser
from .bench import Bench
from .figures import Figure, not_applicable
from .lips_apart import lip_gap_iod
from .reference import FPS
from .rows_face import clip_of_frames, frames_between, spread
from .signals import lag_of
from .teeth import TEETH_LEVELS, changed, toothless

MOST_LABIODENTALS = 6
CONTACT_IOD = 0.02
"""The lower lip touches the upper teeth when no more than this lies between them (1.3 mm)."""

NEAR_MIDDLE_IOD = 0.13
"""The incisors: what lies this close to the middle of the mouth."""

TIMING_S = 2.4
LARGEST_LAG_S = 0.14
EXPECTED_SMOOTHING_S = 0.035
_STEP_S = 0.01


def labiodentals(bench: Bench, speech: Speech, clip: MotionClip) -> list[Figure]:
    """Row 6: in F and V, what lies between the lower lip and the upper teeth; where no teeth show, between the lips."""
    sounds = spread([phone for phone in speech.phones if phone.label in LABIODENTALS], MOST_LABIODENTALS)
    frames = [held for sound in sounds if (held := _held_frame(clip, sound)) is not None]
    if not frames:
        return not_applicable(("labiodental",), "the recording has no F or V with a frame of its own")
    part = clip_of_frames(clip, np.array(frames))
    gaps = teeth_to_lip_iod(bench, part)
    note = f"{len(gaps)} sounds, open between lip and teeth by {np.median(gaps):.3f} (median), {gaps.max():.3f} (most)"
    return [Figure("labiodental", 100.0 * float(np.mean(gaps <= CONTACT_IOD)), note)]


def _held_frame(clip: MotionClip, sound: Phone) -> int | None:
    """The frame within the sound in which the curves raise the lower lip most."""
    frames = frames_between(clip, sound.start_s, sound.end_s)
    return int(frames[np.argmax(clip.channel("mouthRollLower")[frames] - clip.channel("jawOpen")[frames])]) if len(frames) else None


def teeth_to_lip_iod(bench: Bench, clip: MotionClip) -> np.ndarray:
    """(T,) height of what is neither tooth nor lip in the middle of the mouth, over the distance of the eyes: in the median of its
    columns, because in a mouth that is not level no row of pixels shows teeth from one side to the other.

    Teeth are the pixels that change when the upper teeth are taken out; the lips' inner rims are the posed geometry's.
    """
    shown = bench.frames(clip, stage="measure: F and V")
    without = bench.frames(clip, stage="measure: F and V", portrait=toothless(bench.portrait))
    unit, gaps = bench.eye_distance_px, []
    for frame, bare, posed in zip(shown, without, Poser(bench.portrait).pose(clip, 0, len(clip))):
        rims = bench.to_frame(posed.vertices["face"][:, :2])
        middle = rims[list(INNER_LIP_LOWER[4:7]), 0].mean()
        across = np.arange(max(round(middle - NEAR_MIDDLE_IOD * unit), 0), round(middle + NEAR_MIDDLE_IOD * unit) + 1)
        upper, lower = (height_at(across, rims[list(rim)]) for rim in (INNER_LIP_UPPER, INNER_LIP_LOWER))
        gaps.append(np.median(lower - np.maximum(lowest_row(changed(frame, bare, TEETH_LEVELS)[:, across]), upper)) / unit)
    return np.maximum(gaps, 0.0)


def height_at(across: np.ndarray, line: np.ndarray) -> np.ndarray:
    """(N,) y of a line (K, 2) from one corner of the mouth to the other, at x `across` (N,)."""
    order = np.argsort(line[:, 0])
    return np.interp(across, line[order, 0], line[order, 1])


def lowest_row(mask: np.ndarray) -> np.ndarray:
    """(W,) the lowest row in each column of a mask (H, W) in which it is set; 0 where it is nowhere."""
    rows = np.arange(len(mask))[:, None]
    return (rows * mask).max(axis=0)


def timing(bench: Bench, speech: Speech, clip: MotionClip) -> list[Figure]:
    """Row 8: how much later than the sounds the lips move: the shift at which the gap seen in the frames fits best to the
    opening that the phones ask for. Positive is late."""
    keys = ("timing", "timing_detected", "timing_fit")
    start_s = _busiest(speech, min(TIMING_S, clip.duration_s))
    frames = frames_between(clip, start_s, start_s + TIMING_S)
    expected_s, expected = expected_opening(speech)
    if len(frames) < 20 or np.ptp(expected) < 0.1:
        return not_applicable(keys, "too little speech")
    part, stage, frames_s = clip_of_frames(clip, frames), "measure: timing", frames / float(clip.fps)
    gaps = lip_gap_iod(bench, part, stage=stage), bench.observe(part, stage=stage).lip_gap_iod
    (lag_s, fit), (detected_s, _) = (lag_of(gap, frames_s, expected, expected_s, LARGEST_LAG_S) for gap in gaps)
    note = f"{len(frames)} frames from {start_s:.1f} s"
    return [Figure(key, value, note) for key, value in zip(keys, (1000.0 * lag_s, 1000.0 * detected_s, fit))]


def expected_opening(speech: Speech) -> tuple[np.ndarray, np.ndarray]:
    """(N,) seconds and how open the jaw is meant to be then: the targets of the sounds, nothing anticipated, smoothed as no mouth
    moves at once."""
    jaws = {label: 0.0 if label in SEALS else shapes[0].shape.get("jawOpen", 0.0) for label, shapes in VISEMES.items()}
    times_s = np.arange(0.0, speech.duration_s, _STEP_S)
    opening = np.zeros(len(times_s))
    for phone in speech.phones:
        if jaw := jaws.get(phone.label):
            opening[slice(*np.searchsorted(times_s, (phone.start_s, phone.end_s)))] = jaw
    return times_s, gaussian_filter1d(opening, EXPECTED_SMOOTHING_S / _STEP_S)


def _busiest(speech: Speech, length_s: float) -> float:
    """Where the stretch of `length_s` begins whose expected opening varies most."""
    times_s, opening = expected_opening(speech)
    width = max(int(length_s / _STEP_S), 2)
    starts = range(0, max(len(opening) - width, 1), 20)
    return float(times_s[max(starts, key=lambda start: opening[start : start + width].std())])
