"""Rows 6 to 8: do the lips say what the sound says, when it says it? Frames of a performance, rendered and looked at."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..audio.speech import Phone, Speech
from ..motion.clip import MotionClip
from ..motion.visemes import LABIODENTALS, SEALS, VISEMES
from ..portrait.portrait import Portrait
from ..portrait.topology import INNER_LIP_LOWER, INNER_LIP_UPPER, SURFACE_LANDMARKS
from ..render.pose import Poser
from .bench import Bench
from .figures import Figure, not_applicable
from .lips_apart import lip_gap_iod
from .mouth_motion import speaking_ways_iod
from .reference import FPS
from .rows_face import clip_of_frames, frames_between, spread
from .rows_performance import LIP_CHANNELS
from .signals import lag_of
from .teeth import TEETH_LEVELS, changed, toothless
from .viseme_table import PLACES, about_mean, lip_change, side_turned_to, told_apart, viseme_table

MOST_LABIODENTALS = 6
CONTACT_IOD = 0.02
"""The lower lip touches the upper teeth when no more than this lies between them (1.3 mm)."""

NEAR_MIDDLE_IOD = 0.13
"""The incisors: what lies this close to the middle of the mouth."""

GROUPS = {"p b m": "P B M", "f v": "F V", "open": "AA AE AH AY AW", "spread": "IY IH EY EH", "round": "UW OW UH W AO OY",
          "hush": "SH ZH CH JH", "hiss": "S Z T D N"}
FRAMES_PER_GROUP = 30
LEAST_PER_GROUP, LEAST_GROUPS = 4, 4
LEAST_FROM_CURVES = 0.4
"""Curves that tell sounds apart less than this have nothing to keep; a share of it would flatter."""
READINGS = {"seen": "followed", "lips": "lips", "drawn": "drawn", "curves": "curves"}
KEPT = {"seen": 25, "lips": 12, "drawn": 24, "curves": 20}
"""What row 7 reads sounds from, and the principal components that the discriminants see of it; settled on the table alone, each
portrait of it told by the others (docs/measures.md)."""

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


def visemes(bench: Bench, speech: Speech, clip: MotionClip) -> list[Figure]:
    """Row 7: groups of sounds told apart from the motion of the rendered mouth's pixels, as a share of how well the curves tell them
    apart, by linear discriminants that learned from other portraits and other voices; the same of the detector's outline, and of the
    lips as drawn, without a picture."""
    keys = ("visemes", "visemes_detected", "visemes_drawn")
    chosen = group_frames(speech, clip)
    if len(set(chosen.values())) < LEAST_GROUPS:
        return not_applicable(keys, "the recording has too few different sounds")
    part, labels = clip_of_frames(clip, np.array(sorted(chosen))), np.array([chosen[frame] for frame in sorted(chosen)])
    asked, found = spoken_features(bench, part)
    if found.mean() < 0.5:
        return [Figure(key, float("nan"), "too little of the face could be followed") for key in keys]
    table = viseme_table().without(bench.portrait.provenance.get("source_sha256", ""))
    turned = side_turned_to(bench.neutral.landmarks_px[0])
    told = {reading: told_apart(*table.lesson(name), about_mean(asked[name], name, turned), labels[found], KEPT[reading])
            for reading, name in READINGS.items()}
    note = (f"{100 * told['seen']:.0f} % from pixels, {100 * told['lips']:.0f} % from the outline, "
            f"{100 * told['drawn']:.0f} % as drawn, {100 * told['curves']:.0f} % from the curves, {len(set(labels))} groups, {found.sum()} frames")
    if told["curves"] < LEAST_FROM_CURVES:
        return not_applicable(keys, f"its curves tell only {100 * told['curves']:.0f} % of the sounds")
    return [Figure(key, 100.0 * told[name] / told["curves"], note) for key, name in zip(keys, ("seen", "lips", "drawn"))]


def spoken_features(bench: Bench, clip: MotionClip) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The features of viseme_table.FEATURES, (F, D) each, of the F frames of `clip` whose mouth could be followed, and which (T,)."""
    frames = list(bench.frames(clip, stage="measure: visemes"))
    landmarks = bench.observe_frames(frames, clip.head_translation_m[:, 2]).landmarks_px
    followed = followed_mouth(bench, frames, landmarks)
    found = np.isfinite(followed).all(axis=1)
    if not found.any():
        return {}, found
    return {"followed": followed[found], "lips": lip_change(landmarks[found], bench.neutral.landmarks_px[0], 2),
            "drawn": drawn_lips(bench.portrait, clip)[found], "curves": clip.channels[found][:, LIP_CHANNELS].astype(float)}, found


def followed_mouth(bench: Bench, frames: list[np.ndarray], landmarks_px: np.ndarray) -> np.ndarray:
    """(T, 146) how far the mouth's skin is from its mean place; NaN in frames where it could not be followed.

    landmarks_px: (T, 478, 3) of the frames, as the detector has them.
    """
    rest = bench.neutral.landmarks_px[0]
    if not np.isfinite(rest).all():
        return np.full((len(frames), 2 * len(PLACES)), np.nan)
    return speaking_ways_iod(bench.neutral_frame, rest, frames, landmarks_px).reshape(len(frames), -1)


def drawn_lips(portrait: Portrait, clip: MotionClip) -> np.ndarray:
    """(T, 80) change of the lips' posed vertices against the rest pose, as the camera would see it."""
    rest = portrait.parts["face"].vertices[:SURFACE_LANDMARKS]
    posed = Poser(portrait).pose(clip, 0, len(clip))
    return lip_change(np.array([frame.vertices["face"][:SURFACE_LANDMARKS] for frame in posed]), rest, 2)


def group_frames(speech: Speech, clip: MotionClip, least: int = LEAST_PER_GROUP, most: int = FRAMES_PER_GROUP) -> dict[int, str]:
    """Frame in the middle of a sound -> the sound's group, at most so many of each group spread over the recording; none of a group
    that has fewer than `least`."""
    chosen: dict[int, str] = {}
    for group, labels in GROUPS.items():
        middles = [(phone.start_s + phone.end_s) / 2.0 for phone in speech.phones if phone.label in labels.split()]
        frames = spread(sorted({min(round(s * float(clip.fps)), len(clip) - 1) for s in middles} - set(chosen)), most)
        if len(frames) >= least:
            chosen |= dict.fromkeys(frames, group)
    return chosen


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
