"""Takes blended into one another: a new take of a whole clip, of a span of time, or of some regions of the face only.

Outside of what was asked for nothing changes, not a bit. At the seams value and velocity are those of both takes (the blend's
weight has no slope at its ends), and what a person made by hand stays as it is, with seams of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.spatial.transform import Rotation

from ..errors import InputError
from .clip import ARKIT_CHANNELS, EYE_LOOK_COLUMNS, MotionClip, eye_look_from_gaze
from .timeline import minimum_jerk

ROTATION, TRANSLATION, GAZE, OWN = slice(52, 55), slice(55, 58), slice(58, 62), slice(62, 65)
"""Where a clip's other curves stand behind the 52 channels in `curves`."""
CURVES = 65

_PREFIXES = {
    "lips": ("mouth", "tongue"),
    "jaw": ("jaw", "mouthClose"),
    "cheeks": ("cheek", "nose"),
    "brows": ("brow",),
    "lids": ("eyeSquint", "eyeWide"),
    "blinks": ("eyeBlink",),
    "gaze": ("eyeLook",),
}
_MORE = {"gaze": GAZE, "head": slice(52, 58), "lips": OWN}

_TOGETHER = {
    "mouth": ("lips", "jaw"),
    "eyes": ("gaze", "blinks", "lids"),
    "mood": ("lips", "cheeks", "brows", "lids"),
    "face": ("lips", "jaw", "cheeks", "brows", "lids", "blinks"),
}
"""Regions by the names of several. What a mood moves in the face cannot be told from what else moves there: it goes together."""

BLEND_S = {
    "lips": 0.12, "jaw": 0.12, "cheeks": 0.4, "brows": 0.3, "lids": 0.3, "blinks": 0.12, "gaze": 0.06, "head": 0.5,
}
"""How long each region takes from one take to the other: a head changes course slowly, an eye within a saccade of 15 degrees
(21 ms + 2.2 ms per degree, Bahill, Clark & Stark 1975), a mouth within a sound."""

CHANNEL_TOLERANCE, ANGLE_TOLERANCE_DEG, LENGTH_TOLERANCE_M = 1e-4, 2e-3, 2e-6
"""Less than this is no difference: below it no pixel of a portrait 2,000 pixels high changes by a grey level."""
TOLERANCES = np.repeat([CHANNEL_TOLERANCE, ANGLE_TOLERANCE_DEG, LENGTH_TOLERANCE_M, ANGLE_TOLERANCE_DEG, CHANNEL_TOLERANCE],
                       [52, 3, 3, 4, 3])
"""(CURVES,)"""


@dataclass(frozen=True)
class Span:
    """From `start_s` to `end_s`, both included. The blends lie inside: outside nothing changes."""

    start_s: float
    end_s: float

    @classmethod
    def parse(cls, text: str) -> Span:
        """From "2.0:3.5"; an end left out is the clip's own (":3.5", "2:"). Raises InputError."""
        start, colon, end = text.partition(":")
        try:
            span = cls(float(start or 0.0), float(end or np.inf))
        except ValueError:
            span = None
        if span is None or not colon or not 0 <= span.start_s < span.end_s:
            raise InputError(f"A span of {text!r} is not understood. Write its start and end in seconds, for example 2.0:3.5.")
        return span


WHOLE = Span(0.0, np.inf)


def region_columns(names: Iterable[str]) -> dict[str, np.ndarray]:
    """Region -> (K,) columns of `curves` that belong to it. "all" and the names of several are resolved.

    Raises InputError for a name that is none.
    """
    wanted: dict[str, None] = {}
    for name in names:
        if name not in (*REGIONS, *_TOGETHER, "all"):
            raise InputError(f"There is no region {name!r} of the face. Regions: {', '.join((*REGIONS, *_TOGETHER, 'all'))}.")
        wanted |= dict.fromkeys(REGIONS if name == "all" else _TOGETHER.get(name, (name,)))
    if not wanted:
        raise InputError(f"Name at least one region of the face: {', '.join((*REGIONS, *_TOGETHER, 'all'))}.")
    return {name: REGIONS[name] for name in wanted}


def _columns(region: str) -> np.ndarray:
    found = [column for column, channel in enumerate(ARKIT_CHANNELS)
             if channel.startswith(_PREFIXES.get(region, ())) and not (region == "lips" and channel == "mouthClose")]
    return np.array([*found, *np.arange(CURVES)[_MORE.get(region, slice(0))]])


REGIONS: dict[str, np.ndarray] = {name: _columns(name) for name in BLEND_S}
"""Every curve belongs to exactly one. mouthClose goes with the jaw, whose opening it cancels."""


def curves(clip: MotionClip) -> np.ndarray:
    """(T, CURVES) float32: channels, head rotation, head translation, gaze (left yaw, pitch, right yaw, pitch), own."""
    return np.concatenate([clip.channels, clip.head_rotation_deg, clip.head_translation_m, clip.gaze_deg.reshape(-1, 4),
                           clip.own], axis=1, dtype=np.float32)


def with_curves(clip: MotionClip, values: np.ndarray, provenance: Mapping | None = None) -> MotionClip:
    """`clip` with the curves `values` (T, CURVES)."""
    values = np.asarray(values, np.float32)
    return MotionClip(clip.fps, values[:, :52].copy(), values[:, ROTATION].copy(), values[:, TRANSLATION].copy(),
                      values[:, GAZE].reshape(-1, 2, 2).copy(), dict(clip.provenance if provenance is None else provenance),
                      values[:, OWN].copy())


def differs(one: MotionClip, other: MotionClip, tolerance: float = 1.0) -> np.ndarray:
    """(T, CURVES) bool: where two clips of the same frames differ by more than `tolerance` times what is nothing (TOLERANCES).

    Raises InputError when they have other frames.
    """
    if len(one) != len(other) or one.fps != other.fps:
        raise InputError(f"Two takes must have the same frames; these have {len(one)} at {one.fps} and {len(other)} at {other.fps}.")
    return np.abs(curves(one) - curves(other)) > tolerance * TOLERANCES


def runs(frames: np.ndarray) -> list[tuple[int, int]]:
    """[first, end) of every run of True in (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], frames, [False]]).astype(np.int8)))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def merge_takes(old: MotionClip, fresh: MotionClip, *, spans: Sequence[Span] = (WHOLE,), regions: Iterable[str] = ("all",),
                hand_made: np.ndarray | None = None, blend_s: float | None = None, eyes_hold: float = 1.0) -> MotionClip:
    """`old` with `fresh` in `spans` and `regions`, C1-continuous at every seam, bit-identical everywhere else.

    hand_made: (T, CURVES) bool, values of `old` to keep. blend_s: length of the seams for all regions, instead of BLEND_S.
    eyes_hold: where the head moves differently than before, how far (0..1) eyes that are kept turn against it, so that they look
    where they looked, and likewise eyes of the fresh take on a head that is kept; the lids (eyeLook) follow.
    Raises InputError when the takes have other frames or a region is unknown.
    """
    differs(old, fresh)
    free = _freedom(old, hand_made, blend_s)
    weights = free * span_weights(old, spans=spans, regions=regions, blend_s=blend_s)
    before, new = curves(old).astype(np.float64), curves(fresh).astype(np.float64)
    made = _mix(before, new, weights)
    head = made[:, ROTATION]
    kept_look = looking_on(before[:, GAZE], before[:, ROTATION], head, eyes_hold * free[:, GAZE])
    fresh_look = looking_on(new[:, GAZE], new[:, ROTATION], head, np.full((len(new), 4), eyes_hold))
    made[:, GAZE] = _mix(kept_look, fresh_look, weights[:, GAZE])
    touched = weights > 0
    touched[:, GAZE] |= made[:, GAZE] != before[:, GAZE]
    lids = free[:, EYE_LOOK_COLUMNS] * np.repeat(touched[:, GAZE].reshape(-1, 2, 2).any(axis=2), 4, axis=1)
    made[:, EYE_LOOK_COLUMNS] = _mix(before[:, EYE_LOOK_COLUMNS], _following_lids(before, new, made, weights), lids)
    touched[:, EYE_LOOK_COLUMNS] = lids > 0
    result = curves(old)
    result[touched] = made.astype(np.float32)[touched]
    return with_curves(old, result)


def with_lids_following(clip: MotionClip, generated: MotionClip) -> MotionClip:
    """`clip`, where eyes were turned by hand since `generated` and their eyeLook channels were not: the lids go with the eyes."""
    changed, values = differs(clip, generated), curves(clip)
    turned = np.repeat(changed[:, GAZE].reshape(-1, 2, 2).any(axis=2), 4, axis=1)
    follow = turned & ~changed[:, EYE_LOOK_COLUMNS]
    before = curves(generated).astype(np.float64)
    lids = _following_lids(before, before, values.astype(np.float64), np.zeros(values.shape))
    values[:, EYE_LOOK_COLUMNS] = np.where(follow, lids, values[:, EYE_LOOK_COLUMNS])
    return with_curves(clip, values)


def span_weights(clip: MotionClip, *, spans: Sequence[Span], regions: Iterable[str], blend_s: float | None = None) -> np.ndarray:
    """(T, CURVES) float64: share of the fresh take in every value, 0..1; see `merge_takes`."""
    times_s = np.arange(len(clip)) / float(clip.fps)
    weights = np.zeros((len(clip), CURVES))
    for region, columns in region_columns(regions).items():
        seam_s = BLEND_S[region] if blend_s is None else blend_s
        for span in spans:
            weights[:, columns] = np.maximum(weights[:, columns], _span_weight(times_s, span, seam_s)[:, None])
    return weights


def _freedom(clip: MotionClip, hand_made: np.ndarray | None, blend_s: float | None) -> np.ndarray:
    """(T, CURVES) 0 where a value was made by hand, 1 a seam away from it."""
    free = np.ones((len(clip), CURVES))
    if hand_made is None:
        return free
    for region, columns in REGIONS.items():
        for column in columns[hand_made[:, columns].any(axis=0)]:
            away_s = distance_transform_edt(~hand_made[:, column]) / float(clip.fps)
            free[:, column] = _rise(away_s, BLEND_S[region] if blend_s is None else blend_s)
    return free


def _span_weight(times_s: np.ndarray, span: Span, seam_s: float) -> np.ndarray:
    """(T,) 0 outside the span, 1 in it, rising and falling inside; no seam where the span reaches the clip's own ends."""
    end_s = times_s[-1] if len(times_s) else 0.0
    from_start, to_end = span.start_s <= 0, span.end_s >= end_s
    length_s = min(span.end_s, end_s) - max(span.start_s, 0.0)
    seam_s = min(seam_s, max(length_s, 0.0) / (1 if from_start or to_end else 2))
    weight = np.where((times_s >= span.start_s) & (times_s <= span.end_s), 1.0, 0.0)
    if not from_start:
        weight *= _rise(times_s - span.start_s, seam_s)
    if not to_end:
        weight *= _rise(span.end_s - times_s, seam_s)
    return weight


def _rise(since_s: np.ndarray, length_s: float) -> np.ndarray:
    """From 0 at 0 to 1 at `length_s`, without slope at both ends."""
    return minimum_jerk(since_s / length_s) if length_s > 0 else (since_s > 0).astype(np.float64)


def looking_on(gaze_deg: np.ndarray, head_deg: np.ndarray, moved_deg: np.ndarray, hold: np.ndarray) -> np.ndarray:
    """(T, 4) gaze in a head at `moved_deg` that looks where `gaze_deg` looked in a head at `head_deg`; by `hold` (T, 4), 0..1."""
    looking = gaze_deg.copy()
    moved = (head_deg != moved_deg).any(axis=1)
    if not moved.any():
        return looking
    turn = _rotation(moved_deg[moved]).inv() * _rotation(head_deg[moved])
    for eye in (slice(0, 2), slice(2, 4)):
        x, y, z = turn.apply(_ahead(gaze_deg[moved, eye])).T
        held = np.degrees(np.stack([np.arctan2(x, z), np.arcsin(np.clip(y, -1, 1))], axis=1))
        looking[moved, eye] += hold[moved, eye] * (held - gaze_deg[moved, eye])
    return looking


def _rotation(head_deg: np.ndarray) -> Rotation:
    """`MotionClip`'s Ry(yaw) Rx(-pitch) Rz(roll)."""
    return Rotation.from_euler("YXZ", head_deg * (1, -1, 1), degrees=True)


def _ahead(gaze_deg: np.ndarray) -> np.ndarray:
    """(T, 3) unit vectors of yaw and pitch (T, 2)."""
    yaw, pitch = np.radians(gaze_deg).T
    return np.stack([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=1)


def _following_lids(before: np.ndarray, new: np.ndarray, made: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(T, 8) eyeLook values of the gaze in `made`, with what each take's own differ by from its gaze."""
    own, news = (take[:, EYE_LOOK_COLUMNS] - _eye_look(take) for take in (before, new))
    return np.clip(_eye_look(made) + _mix(own, news, weights[:, EYE_LOOK_COLUMNS]), 0, 1)


def _eye_look(values: np.ndarray) -> np.ndarray:
    return eye_look_from_gaze(values[:, GAZE].reshape(-1, 2, 2)).astype(np.float64)


def _mix(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    """`other` to the given share; where that is all of it, to the bit."""
    return np.where(share == 1, other, one + share * (other - one))
