"""Talking heads to learn from and to be compared with: `head68` as curves (docs/models.md says what it is).

Per uncut shot: head pose, the brows' height and the blinks of a man who addresses the camera, and what his mouth does. There
is no sound; the opening of the mouth and the pauses in it stand in for speech, as they can be read off the articulation
model's curves when there is sound.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_closing, binary_opening, gaussian_filter1d, median_filter, percentile_filter
from scipy.signal import find_peaks

from ..audio.speech import HOP_S, SILENCE, Phone, Speech
from ..audio.weights import ASSETS
from ..measure.signals import rotations_from_angles
from ..motion.brows import RAISE
from ..motion.clip import ARKIT_CHANNELS
from .build_performance_pose import solve_pose

RATE_HZ = 25
HELD_OUT = ("points_11", "points_12")
PUPILS_M = 0.063
SHORTEST_SHOT_S = 2.0

REPEATED_STEP, MOVING_STEP = 0.015, 0.03
"""A frame that moves less than the first (inter-ocular distances) while its neighbours move more than the second repeats the
frame before: the recordings were brought to 25 frames a second from another rate."""
CUT_SURPRISE, CUT_TIMES = 0.07, 2.0
"""A cut: this far from where both neighbours' speed leads, and so many times as fast as the frames around."""

BLINK_CLOSURE = 0.35
BLINK_LEAD_S = 0.06
"""Blinks are read at their deepest; lids start down this much before."""
_MOUTH_OPEN, _PAUSE_S = 0.12, 0.3


@dataclass(frozen=True)
class Shot:
    """One uncut stretch at RATE_HZ: rotation_deg (T, 3) and translation_m (T, 3) around the shot's median, brows (T,) in the
    simulator's raises, blinks_s (starts), opening (T,) 0 shut .. 1 wide, speaking (T,) 0 or 1."""

    recording: str
    rotation_deg: np.ndarray
    translation_m: np.ndarray
    brows: np.ndarray
    blinks_s: np.ndarray
    opening: np.ndarray
    speaking: np.ndarray

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.opening) / RATE_HZ


def read_shots(path: Path) -> list[Shot]:
    """Every shot of `head68.npz` of SHORTEST_SHOT_S and more."""
    with np.load(path) as data:
        steps = np.concatenate([data["first_px"].astype(np.int32), data["step_px"].astype(np.int32)])
        names, offsets = [str(name) for name in data["clip"]], data["frame_offset"]
    points = np.cumsum(steps, axis=0).astype(np.float64)
    found: list[tuple[str, np.ndarray, np.ndarray]] = []
    for name, first, last in zip(names, offsets, offsets[1:]):
        found += [(name, *shot) for shot in _cut(points[first:last])]
    poses, _ = solve_pose([shot for _, shot, _ in found], [trusted for _, _, trusted in found])
    mouths = {name: np.percentile(np.concatenate([_gap(p, q) for (n, p, _), q in zip(found, poses) if n == name]), 90)
              for name in names}
    return [_shot(name, shot, pose, mouths[name]) for (name, shot, _), pose in zip(found, poses)]


def _cut(points: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """(T, 68, 2) of a recording -> its shots, each with which of its frames are no repeats."""
    distance = np.median(np.linalg.norm(points[:, 36:42].mean(axis=1) - points[:, 42:48].mean(axis=1), axis=1))
    step = _speed(np.diff(points, axis=0)) / distance
    repeated = np.concatenate([[False], (step < REPEATED_STEP) & (median_filter(step, 9) > MOVING_STEP)])
    kept = np.flatnonzero(~repeated)
    moves = np.diff(points[kept], axis=0) / np.diff(kept)[:, None, None]
    around = np.pad(moves, ((1, 1), (0, 0), (0, 0)), mode="edge")
    surprise = np.minimum(_speed(moves - around[:-2]), _speed(moves - around[2:])) / distance
    speed = _speed(moves) / distance
    padded = np.pad(speed, 2)
    others = np.max([padded[:-4], padded[1:-3], padded[3:-1], padded[4:]], axis=0)
    cut = (surprise > CUT_SURPRISE) & (speed > CUT_TIMES * np.maximum(others, 0.02))
    borders = [0, *kept[1:][cut], len(points)]
    spans = [slice(*pair) for pair in zip(borders, borders[1:]) if pair[1] - pair[0] >= SHORTEST_SHOT_S * RATE_HZ]
    return [(points[span], ~repeated[span]) for span in spans]


def _speed(moves: np.ndarray) -> np.ndarray:
    return np.median(np.linalg.norm(moves, axis=-1), axis=-1)


def _shot(name: str, points: np.ndarray, pose: np.ndarray, wide: float) -> Shot:
    scale = np.exp(pose[:, 3])
    metres = PUPILS_M / np.median(scale)
    place = np.column_stack([pose[:, 4:] * metres, (scale / np.median(scale) - 1.0)])
    opening = np.clip(_gap(points, pose) / wide, 0.0, 2.0)
    active = gaussian_filter1d((opening > _MOUTH_OPEN).astype(float), 2.0) > 0.5
    speaking = binary_opening(binary_closing(np.pad(active, 10), np.ones(round(_PAUSE_S * RATE_HZ))), np.ones(4))[10:-10]
    return Shot(name, pose[:, :3] - np.median(pose[:, :3], axis=0), place - np.median(place, axis=0),
                _brows(points, pose), _blinks(points), opening, speaking.astype(float))


def _in_head(points: np.ndarray, pose: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """(T, points, 2): where landmarks of known `depth` ((points,), inter-ocular distances) lie in the face, right and up."""
    rotation = rotations_from_angles(pose[:, :3])
    seen = (points * (1.0, -1.0) - pose[:, None, 4:]) / np.exp(pose[:, 3])[:, None, None]
    seen = seen - rotation[:, None, :2, 2] * depth[:, None]
    return np.einsum("tij,tkj->tki", np.linalg.inv(rotation[:, :2, :2]), seen)


def _gap(points: np.ndarray, pose: np.ndarray) -> np.ndarray:
    inner = _in_head(points[:, [62, 66]], pose, np.full(2, 0.45))
    return np.maximum(inner[:, 0, 1] - inner[:, 1, 1], 0.0)


def _brows(points: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """(T,) height of the brows over their usual one (of 20 s around), in raises of the simulator."""
    height = _in_head(points[:, 17:27], pose, np.full(10, 0.22))[:, :, 1].mean(axis=1)
    usual = gaussian_filter1d(percentile_filter(height, 35, min(20 * RATE_HZ, len(height)), mode="nearest"), 2.0 * RATE_HZ)
    return gaussian_filter1d(height - usual, 1.0) / _raise_height()


@functools.cache
def _raise_height() -> float:
    """How far one raise of the simulator lifts the brows of the head asset, inter-ocular distances."""
    with np.load(ASSETS / "head.npz") as head:
        brows = [70, 63, 105, 66, 107, 336, 296, 334, 293, 300]
        rest = head["landmark_rest"]
        distance = np.linalg.norm(rest[[33, 133]].mean(axis=0) - rest[[362, 263]].mean(axis=0))
        lift = {name: head["landmark_deltas"][ARKIT_CHANNELS.index(name), brows, 1].mean() / distance for name in RAISE}
    return float(sum(value * lift[name] for name, value in RAISE.items()))


def _blinks(points: np.ndarray) -> np.ndarray:
    """Starts of the blinks of a shot, seconds."""
    def apart(one: int, other: int) -> np.ndarray:
        return np.linalg.norm(points[:, one] - points[:, other], axis=1)

    lids = ((37, 41, 36, 39), (38, 40, 36, 39), (43, 47, 42, 45), (44, 46, 42, 45))
    heights = [apart(upper, lower) / apart(inner, outer) for upper, lower, inner, outer in lids]
    ratio = np.mean(heights, axis=0)
    usual = median_filter(ratio, min(2 * RATE_HZ + 1, len(ratio) // 2 * 2 - 1), mode="nearest")
    peaks, _ = find_peaks(1.0 - ratio / usual, height=BLINK_CLOSURE, prominence=0.6 * BLINK_CLOSURE, distance=8)
    return np.maximum(peaks / RATE_HZ - BLINK_LEAD_S, 0.0)


def speech_of(shot: Shot) -> Speech:
    """A stand-in for what was said: an open vowel around every opening of the mouth, a closure between, silence in pauses."""
    smooth = gaussian_filter1d(shot.opening, 1.0)
    vowels, _ = find_peaks(smooth, prominence=0.15)
    dips = [*(first + int(np.argmin(smooth[first:last])) for first, last in zip(vowels, vowels[1:]))]
    silent = np.concatenate([[1], shot.speaking < 0.5, [1]]).astype(bool)
    label = np.where(silent[1:-1], 0, np.where(np.isin(np.arange(len(smooth)), [d for d in dips]), 1, 2))
    for dip in dips:
        label[max(dip - 1, 0) : dip + 1] = np.where(label[max(dip - 1, 0) : dip + 1] == 0, 0, 1)
    borders = [0, *(np.flatnonzero(np.diff(label)) + 1), len(label)]
    names = (SILENCE, "D", "AA")
    phones = [Phone(names[label[first]], first / RATE_HZ, last / RATE_HZ) for first, last in zip(borders, borders[1:])]
    clock = np.arange(int(shot.duration_s / HOP_S)) * HOP_S * RATE_HZ
    level = np.interp(clock, np.arange(len(smooth)), np.where(silent[1:-1], -80.0, -35.0 + 15.0 * np.minimum(smooth, 1.5)))
    return Speech(shot.duration_s, phones, [], level.astype(np.float32), np.zeros(len(clock), np.float32),
                  source=shot.recording, source_sha256="")
