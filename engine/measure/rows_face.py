"""Rows 2, 3 and 5: does the rendered face do what the curves say? Each function renders a battery and returns its figures."""

from __future__ import annotations

import cv2
import numpy as np

from ..audio.speech import Phone, Speech
from ..motion.clip import MotionClip
from .batteries import DISTANCES, BlinkBattery, blink_battery, distance_battery, hidden_iris_battery, lip_battery
from .bench import Bench
from .detectors import EYE_CORNERS, EYE_OUTLINES
from .figures import Figure, not_applicable
from .lids_shut import LOOKS_OTHERWISE_LEVELS, lid_closure
from .lips_apart import lip_gap_iod
from .signals import Event, events_above, match_events

CLOSURE_COUNTS = 0.85
"""Share of the open eyes that must have gone for them to count as closed: of 29 portraits a half blink hides .65 to .76, a
look down .26 to .43."""

DETECTED_CLOSURE_COUNTS = 0.6
"""The same of the detector's lids, 1 - openness / openness at rest."""

BLINK_TOLERANCE_S = 0.08

BILABIALS = ("P", "B", "M")
OPEN_VOWELS = ("AA", "AE", "AO", "AW", "AY")
SEAL_GAP_IOD = 0.012
SEAL_WINDOW_S = 0.04
MOST_BILABIALS, FRAMES_PER_BILABIAL, MOST_VOWELS = 12, 3, 6
SHORTEST_VOWEL_S = 0.08


def head_distance(bench: Bench) -> list[Figure]:
    """Row 2: growth of the inter-ocular distance against the commanded distance from the camera."""
    distance_m = bench.portrait.camera_distance / bench.portrait.units_per_metre
    seen = bench.observe(distance_battery(distance_m), stage="measure: distance")
    ratio = seen.inter_ocular_px[1:] / seen.inter_ocular_px[0]
    error = 100.0 * np.abs(ratio * np.array(DISTANCES) - 1.0)
    worst = f"worst {np.nanmax(error):.1f} % at {DISTANCES[int(np.nanargmax(error))]:g}" if np.isfinite(error).any() else ""
    note = "; ".join(filter(None, (worst, _unseen_note(seen.seen_share))))
    return [Figure("distance_error", _mean(error), note, 100.0 * bench.noise.inter_ocular_share)]


def blinks(bench: Bench) -> list[Figure]:
    """Row 3: closures of both eyes found where they were commanded, their width, and whether lids hide the eye entirely."""
    battery = blink_battery()
    frames = list(bench.frames(battery.clip, stage="measure: blinks"))
    closure = lid_closure(bench, battery.clip, battery.open_frames, frames)
    events, precision, recall = _blinks_found(battery, closure, CLOSURE_COUNTS)
    width = 1000.0 * float(np.median([event.width_s for event in events])) if events else float("nan")
    deepest = f"deepest closure {np.nanmax(closure):.2f}" if np.isfinite(closure).any() else "no eye seen"
    openness = bench.observe_frames(frames, battery.clip.head_translation_m[:, 2]).eye_openness.mean(axis=1)
    detected = 1.0 - openness / float(bench.neutral.eye_openness.mean())
    _, detected_precision, detected_recall = _blinks_found(battery, detected, DETECTED_CLOSURE_COUNTS)
    note = "no face seen"
    if np.isfinite(detected).any():
        note = f"deepest closure {np.nanmax(detected):.2f}, noise {bench.noise.eye_openness_share:.2f}"
    return [Figure("blink_precision", precision, deepest), Figure("blink_recall", recall), Figure("blink_width", width),
            Figure("blink_precision_detected", detected_precision, note), Figure("blink_recall_detected", detected_recall),
            hidden_iris(bench)]


def _blinks_found(battery: BlinkBattery, closure: np.ndarray, counts: float) -> tuple[list[Event], float, float]:
    """Runs of `closure` (T,) that reach `counts`, and their precision and recall."""
    events = events_above(closure, np.arange(len(closure)) / float(battery.clip.fps), counts)
    return events, *match_events(battery.peaks_s, [event.peak_s for event in events], BLINK_TOLERANCE_S)


def hidden_iris(bench: Bench) -> Figure:
    """Part of row 3: with the lids shut, turning the eyes must change nothing. Without a detector."""
    left, right, left_shut, right_shut = bench.frames(hidden_iris_battery(), stage="measure: closed eyes")
    region = eye_region(bench.rest_landmarks, left.shape[:2])
    open_share, shut_share = (_changed(first, second, region) for first, second in ((left, right), (left_shut, right_shut)))
    if open_share < 0.01:
        return Figure("iris_visible", float("nan"), "the eyes do not move when open, so nothing can be said of closed ones")
    return Figure("iris_visible", 100.0 * shut_share / open_share, "pixels that moving eyes change, lids shut against open")


def eye_region(landmarks_px: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) bool: both eye openings and a seventh of their width around them."""
    mask = np.zeros(shape, np.uint8)
    for outline, corners in zip(EYE_OUTLINES, EYE_CORNERS):
        width = float(np.linalg.norm(landmarks_px[corners[0], :2] - landmarks_px[corners[1], :2]))
        cv2.fillPoly(mask, [np.round(landmarks_px[list(outline), :2]).astype(np.int32)], 1)
        margin = max(1, round(width / 7.0))
        mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1)))
    return mask.astype(bool)


def _changed(first: np.ndarray, second: np.ndarray, region: np.ndarray) -> float:
    difference = np.abs(first.astype(np.int16) - second.astype(np.int16)).max(axis=2)
    return float((difference[region] > LOOKS_OTHERWISE_LEVELS).mean())


def lips_posed(bench: Bench) -> list[Figure]:
    """Row 5 on posed shapes: sealed mouths seal, open mouths open."""
    battery = lip_battery()
    gap = lip_gap_iod(bench, battery.clip, stage="measure: lips")
    detected = bench.observe(battery.clip, stage="measure: lips").lip_gap_iod
    noise = bench.noise.lip_gap_iod
    sealed, sealed_detected = (seen[battery.sealed_frames] for seen in (gap, detected))
    return [Figure("lip_seal_canonical", _sealed_share(sealed), f"widest gap {np.max(sealed):.3f}"),
            Figure("lip_seal_canonical_detected", _sealed_share(sealed_detected),
                   f"widest gap {np.max(sealed_detected):.3f}, at rest {bench.neutral.lip_gap_iod[0]:.3f}, noise {noise:.3f}"),
            Figure("lip_open_canonical", float(np.min(gap[battery.open_frames])), noise=noise)]


def lips_speaking(bench: Bench, speech: Speech, clip: MotionClip) -> list[Figure]:
    """Row 5 on speech: every P B M seals within 40 ms of the sound, open vowels open."""
    groups = [_closure_frames(clip, phone) for phone in spread(phones(speech, BILABIALS, 0.0), MOST_BILABIALS)]
    vowels = [_opening_frame(clip, phone) for phone in spread(phones(speech, OPEN_VOWELS, SHORTEST_VOWEL_S), MOST_VOWELS)]
    frames = np.array(sorted({frame for group in groups for frame in group} | set(vowels)), int)
    if not len(frames):
        return not_applicable(("lip_seal", "lip_seal_detected", "lip_open"), "the recording has neither P B M nor open vowels")
    part, stage = clip_of_frames(clip, frames), "measure: lips in speech"
    gap = dict(zip(frames, lip_gap_iod(bench, part, stage=stage)))
    detected = dict(zip(frames, bench.observe(part, stage=stage).lip_gap_iod))
    return [_seal_figure("lip_seal", groups, gap), _seal_figure("lip_seal_detected", groups, detected),
            _opening_figure(vowels, gap, bench.noise.lip_gap_iod)]


def _seal_figure(key: str, groups: list[list[int]], gap: dict[int, float]) -> Figure:
    """Share of the sounds in whose frames the lips meet; a sound without a frame in which a face was seen is not sealed."""
    if not groups:
        return Figure(key, None, "the recording has no P B M")
    closest = np.array([np.nanmin([gap[frame] for frame in group] + [np.inf]) for group in groups])
    return Figure(key, _sealed_share(closest), f"{len(closest)} closures, widest {np.max(closest):.3f}")


def _sealed_share(gaps_iod: np.ndarray) -> float:
    return 100.0 * float(np.mean(gaps_iod <= SEAL_GAP_IOD))


def _opening_figure(vowels: list[int], gap: dict[int, float], noise: float) -> Figure:
    if not vowels:
        return Figure("lip_open", None, "the recording has no open vowel of 80 ms")
    widest = np.array([gap[frame] for frame in vowels])
    return Figure("lip_open", float(np.median(widest)), f"{len(widest)} vowels, smallest {np.min(widest):.3f}", noise)


def clip_of_frames(clip: MotionClip, frames: np.ndarray) -> MotionClip:
    """The chosen frames of `clip`, one after the other."""
    return MotionClip(clip.fps, clip.channels[frames], clip.head_rotation_deg[frames], clip.head_translation_m[frames],
                      clip.gaze_deg[frames], dict(clip.provenance), own=clip.own[frames])


def phones(speech: Speech, labels: tuple[str, ...], shortest_s: float) -> list[Phone]:
    return [phone for phone in speech.phones if phone.label in labels and phone.end_s - phone.start_s >= shortest_s]


def spread(items: list, most: int) -> list:
    """At most `most` items, evenly spread over the list."""
    if len(items) <= most:
        return items
    return [items[index] for index in np.linspace(0, len(items) - 1, most).round().astype(int)]


def frames_between(clip: MotionClip, start_s: float, end_s: float) -> np.ndarray:
    """Indices of the frames whose time lies in the span."""
    first = int(np.ceil(start_s * float(clip.fps) - 1e-6))
    last = int(np.floor(end_s * float(clip.fps) + 1e-6))
    return np.arange(max(0, first), min(len(clip) - 1, last) + 1)


def _closure_frames(clip: MotionClip, phone: Phone) -> list[int]:
    """The FRAMES_PER_BILABIAL frames near the sound in which the curves close the mouth most; the best of them is what
    counts, so that leaving the others out can only make the score worse."""
    window = frames_between(clip, phone.start_s - SEAL_WINDOW_S, phone.end_s + SEAL_WINDOW_S)
    order = np.argsort(_opening(clip)[window], kind="stable")
    return [int(frame) for frame in window[order[:FRAMES_PER_BILABIAL]]]


def _opening_frame(clip: MotionClip, phone: Phone) -> int:
    window = frames_between(clip, phone.start_s, phone.end_s)
    if not len(window):
        return min(len(clip) - 1, round((phone.start_s + phone.end_s) / 2.0 * float(clip.fps)))
    return int(window[np.argmax(_opening(clip)[window])])


def _opening(clip: MotionClip) -> np.ndarray:
    """(T,) what the curves say about the gap between the lips: jaw less closure, less pressing and rolling in."""
    close = clip.channel("mouthClose") + 0.1 * (clip.channel("mouthPressLeft") + clip.channel("mouthRollLower"))
    return clip.channel("jawOpen") - close


def _mean(values: np.ndarray) -> float:
    """Mean over the frames in which a face was seen; NaN when that is less than half of them."""
    return float(np.nanmean(values)) if np.isfinite(values).mean() > 0.5 else float("nan")


def _unseen_note(seen_share: float) -> str:
    return "" if seen_share == 1.0 else f"no face seen in {100.0 * (1.0 - seen_share):.0f} % of the frames"
