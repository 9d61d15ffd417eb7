"""Where the eyes look: on the target, away for a moment and back, in saccades; steady in space while the head moves.

Holds and aversions after Lee, Badler & Badler (2002, "Eyes alive": talking mode); saccade duration 21 ms + 2.2 ms per degree
(Bahill, Clark & Stark 1975); amplitudes exponential, nearly all below 15 degrees, cardinal directions twice as likely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .prosody import LONG_PAUSE_S, Prosody
from .streams import stream
from .timeline import steps

HOLD_S, AVERSION_S = 3.1, 0.9
LISTENING_HOLD_S, LISTENING_AVERSION_S = 7.9, 0.43
"""Listeners look longer and away more briefly (Lee et al. 2002, listening mode)."""
SHORTEST_HOLD_S = 0.4
AVERSION_MEAN_DEG, AVERSION_LONGEST_DEG = 6.0, 15.0
FIXATION_S = 0.75
FIXATION_SPREAD_DEG = np.array([1.1, 0.8])
"""Small saccades while looking at someone: from eye to eye and to the mouth."""

HEAD_FOLLOWS_FROM_DEG = 6.0
HEAD_SHARE = 0.3
HEAD_LAG_S, HEAD_TURN_S = 0.09, 0.45
"""The head takes part in wide aversions, 50-140 ms after the eyes."""

HALF_PUPIL_DISTANCE_M = 0.0315
_EIGHT_WAYS = np.arange(8) * 45.0
_WAY_WEIGHTS = np.array([2.0, 1.0] * 4) / 12.0


@dataclass(frozen=True)
class Shift:
    """A saccade at `time_s` to `yaw_deg`, `pitch_deg` off the target; `aversion` when the look leaves the target."""

    time_s: float
    yaw_deg: float
    pitch_deg: float
    aversion: bool


def plan_shifts(prosody: Prosody, seed: int, aversion: float = 1.0) -> list[Shift]:
    """Saccades of a take, in time order. aversion: how often the look leaves the target (0 never, 1 as in conversation)."""
    rng = stream(seed, "gaze")
    shifts: list[Shift] = []
    time_s = 0.0
    while time_s < prosody.duration_s:
        listens = prosody.listens(time_s)
        hold_s = max(rng.gamma(2.0, (LISTENING_HOLD_S if listens else HOLD_S) / 2.0), SHORTEST_HOLD_S)
        until_s = max(_towards_onset(prosody, time_s + hold_s, rng), time_s + SHORTEST_HOLD_S)
        shifts += _fixations(rng, time_s, until_s)
        time_s = until_s
        away_s = max(rng.gamma(3.0, (LISTENING_AVERSION_S if prosody.listens(time_s) else AVERSION_S) / 3.0), 0.25)
        yaw, pitch = aversion_goal(rng)
        if rng.random() < aversion:
            shifts.append(Shift(time_s, yaw, pitch, True))
            time_s += away_s
    return [shift for shift in shifts if shift.time_s < prosody.duration_s]


def aversion_goal(rng: np.random.Generator) -> np.ndarray:
    """(2,) yaw, pitch off the target in degrees, where the next look away goes."""
    size = min(2.0 + rng.exponential(AVERSION_MEAN_DEG - 2.0), AVERSION_LONGEST_DEG)
    way = np.radians(rng.choice(_EIGHT_WAYS, p=_WAY_WEIGHTS) + rng.normal(0.0, 8.0))
    return size * np.array([np.cos(way), 0.7 * np.sin(way)])


def saccade_s(size_deg: float) -> float:
    """How long a saccade takes: the main sequence."""
    return 0.021 + 0.0022 * size_deg


def _fixations(rng: np.random.Generator, from_s: float, to_s: float) -> list[Shift]:
    """Small saccades around the target between two times, the first of them back to the target itself."""
    shifts, time_s = [Shift(from_s, 0.0, 0.0, False)], from_s
    while (time_s := time_s + max(rng.gamma(2.5, FIXATION_S / 2.5), 0.2)) < to_s - 0.2:
        yaw, pitch = rng.standard_normal(2) * FIXATION_SPREAD_DEG
        shifts.append(Shift(time_s, float(yaw), float(pitch), False))
    return shifts


def _towards_onset(prosody: Prosody, time_s: float, rng: np.random.Generator) -> float:
    """Aversions like to begin where a speaker plans: just before a phrase that follows a long pause, if one is near."""
    near = [end - 0.3 for start, end in prosody.pauses if end - start >= LONG_PAUSE_S and abs(end - 0.3 - time_s) < 0.8]
    return near[0] if near and rng.random() < 0.6 else time_s


def shift_curve(shifts: list[Shift], times_s: np.ndarray) -> np.ndarray:
    """(T, 2) yaw, pitch off the target in degrees: steps as long as the main sequence has them."""
    positions = np.array([[0.0, 0.0], *((shift.yaw_deg, shift.pitch_deg) for shift in shifts)])
    moves = np.diff(positions, axis=0)
    changes = [(shift.time_s, saccade_s(float(np.linalg.norm(move))), move) for shift, move in zip(shifts, moves)]
    return steps(times_s, changes, 2)


def head_follow(shifts: list[Shift], times_s: np.ndarray) -> np.ndarray:
    """(T, 3) degrees by which the head joins wide aversions and comes back."""
    joined = [shift.aversion and np.hypot(shift.yaw_deg, shift.pitch_deg) >= HEAD_FOLLOWS_FROM_DEG for shift in shifts]
    positions = np.array(
        [
            [0.0, 0.0, 0.0],
            *((HEAD_SHARE * s.yaw_deg * wide, HEAD_SHARE * s.pitch_deg * wide, 0.0) for s, wide in zip(shifts, joined)),
        ]
    )
    moves = np.diff(positions, axis=0)
    return steps(times_s, [(s.time_s + HEAD_LAG_S, HEAD_TURN_S, move) for s, move in zip(shifts, moves) if move.any()], 3)


def eyes_in_head(
    direction_deg: np.ndarray, head_deg: np.ndarray, distance_m: np.ndarray, rest_distance_m: float
) -> np.ndarray:
    """(T, 2, 2) rotation of each eye in the head that looks along `direction_deg` ((T, 2) yaw, pitch in space).

    head_deg (T, 3) turns the head; the eyes turn back by as much (vestibulo-ocular reflex, gain 1). Vergence is counted
    against the rest pose, in which the eyes look at something `rest_distance_m` away.
    """
    looking = _direction(direction_deg[:, 0], direction_deg[:, 1])
    in_head = np.einsum("tji,tj->ti", _rotations(head_deg), looking)
    yaw = np.degrees(np.arctan2(in_head[:, 0], in_head[:, 2]))
    pitch = np.degrees(np.arcsin(np.clip(in_head[:, 1], -1.0, 1.0)))
    inward = np.degrees(np.arctan(HALF_PUPIL_DISTANCE_M / distance_m) - np.arctan(HALF_PUPIL_DISTANCE_M / rest_distance_m))
    left, right = np.stack([yaw - inward, pitch], axis=1), np.stack([yaw + inward, pitch], axis=1)
    return np.stack([left, right], axis=1)


def _direction(yaw_deg: np.ndarray, pitch_deg: np.ndarray) -> np.ndarray:
    yaw, pitch = np.radians(yaw_deg), np.radians(pitch_deg)
    return np.stack([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=1)


def _rotations(head_deg: np.ndarray) -> np.ndarray:
    """(T, 3, 3) matrices of `MotionClip`'s convention: Ry(yaw) Rx(-pitch) Rz(roll)."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(np.radians(head_deg)).T, np.sin(np.radians(head_deg)).T
    one, nil = np.ones(len(head_deg)), np.zeros(len(head_deg))
    about_y = np.array([[cy, nil, sy], [nil, one, nil], [-sy, nil, cy]])
    about_x = np.array([[one, nil, nil], [nil, cp, sp], [nil, -sp, cp]])
    about_z = np.array([[cr, -sr, nil], [sr, cr, nil], [nil, nil, one]])
    return np.einsum("ijt,jkt,klt->til", about_y, about_x, about_z)
