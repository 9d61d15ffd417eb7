"""Phones -> lip and jaw curves: dominance functions, jaw and lips apart, sized by loudness. Constraints follow elsewhere.

Blending after Cohen & Massaro (1993), "Modeling coarticulation in synthetic visual speech": every sound pulls each channel
towards its target with a weight that falls off exponentially in time; what is shown is the weighted mean. Sounds made with
the tongue alone have almost no weight on the lips and so borrow their neighbours'. The jaw and lip split and its dependence on
loudness follow JALI (Edwards et al. 2016).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..audio.speech import HOP_S, Phone, Speech
from .visemes import (
    GROUP_CHANNELS,
    GROUP_OF,
    JAW,
    LIPS,
    OBSTRUENTS,
    PROTRUSION,
    SHAPE_CHANNELS,
    TONGUE,
    VISEMES,
    VOWELS,
    Viseme,
)

RATE_HZ = 100
"""Internal sampling of every curve, before it is read out at the clip's frame rate."""

LEAD_S = {JAW: 0.12, PROTRUSION: 0.12, LIPS: 0.12, TONGUE: 0.06}
"""How long before a sound its shape begins to show (JALI: 120 ms, 150 ms for protrusion); weights fall to 5 % over it."""
LAG_S = {JAW: 0.12, PROTRUSION: 0.12, LIPS: 0.12, TONGUE: 0.06}

SHORT_OBSTRUENT_S = 0.08
"""An obstruent shorter than this moves the jaw in proportion to its length only."""

LONGEST_SHARED_S = 0.25
"""Spoken sounds are shorter than this; what is longer is held."""

SMOOTHING_S = 0.018
_FALL = 3.0
_REACH = 2.2
_LOUDNESS_PER_DB = 0.022
_LOUDNESS_RANGE = (0.65, 1.25)
_REST_DOMINANCE = 1.0
_SHORT_REST_S = 0.25


@dataclass(frozen=True)
class _Pull:
    """One target on the timeline: full weight between from_s and to_s, falling off outside."""

    viseme: Viseme
    from_s: float
    to_s: float
    size: float
    jaw_weight: float


def articulate(speech: Speech, times_s: np.ndarray) -> dict[str, np.ndarray]:
    """Unconstrained curves of SHAPE_CHANNELS at `times_s` ((T,), spaced 1 / RATE_HZ), each (T,) and 0 at rest."""
    curves = {name: np.zeros(len(times_s)) for name in SHAPE_CHANNELS}
    weights = {group: np.full(len(times_s), 1e-3) for group in GROUP_CHANNELS}
    for pull in _pulls(speech):
        for group, names in GROUP_CHANNELS.items():
            strength = pull.viseme.dominance(group) * (pull.jaw_weight if group == JAW else 1.0)
            if strength <= 0.0:
                continue
            first = np.searchsorted(times_s, pull.from_s - _REACH * LEAD_S[group])
            last = np.searchsorted(times_s, pull.to_s + _REACH * LAG_S[group])
            weight = strength * _dominance(times_s[first:last], pull, group)
            weights[group][first:last] += weight
            for name in names:
                if target := pull.viseme.shape.get(name, 0.0):
                    curves[name][first:last] += weight * target * pull.size
    sigma = SMOOTHING_S * RATE_HZ
    return {
        name: gaussian_filter1d(curve / weights[GROUP_OF[name]], sigma, mode="nearest") for name, curve in curves.items()
    }


def _dominance(times_s: np.ndarray, pull: _Pull, group: str) -> np.ndarray:
    """Weight 1 inside the pull's core, exp(-_FALL) one lead (lag) time before (after) it."""
    before = np.maximum(pull.from_s - times_s, 0.0) / LEAD_S[group]
    after = np.maximum(times_s - pull.to_s, 0.0) / LAG_S[group]
    return np.exp(-_FALL * (before + after))


def _pulls(speech: Speech) -> Iterator[_Pull]:
    """The targets of every phone, in time order; silences pull towards rest."""
    sizes = _sizes(speech)
    for number, phone in enumerate(speech.phones):
        visemes = VISEMES.get(phone.label)
        if visemes is None:
            yield _rest(phone)
            continue
        if phone.label == "HH" and number + 1 < len(speech.phones) and speech.phones[number + 1].label in VOWELS:
            visemes = VISEMES[speech.phones[number + 1].label][:1]
        length_s = phone.end_s - phone.start_s
        jaw_weight = min(length_s / SHORT_OBSTRUENT_S, 1.0) if phone.label in OBSTRUENTS else 1.0
        for part, (from_s, to_s) in zip(visemes, _cores(phone.start_s, phone.end_s, len(visemes))):
            yield _Pull(part, from_s, to_s, sizes[number], jaw_weight)


def _cores(start_s: float, end_s: float, targets: int) -> list[tuple[float, float]]:
    """When each target of a sound is fully there. The ways in and out take a share of a sound up to LONGEST_SHARED_S long and no
    longer in a held one: who sings a vowel keeps the mouth open, and moves to a diphthong's second half at its end."""
    length_s = end_s - start_s
    shared_s = min(length_s, LONGEST_SHARED_S)
    if targets == 1:
        return [(start_s + 0.3 * shared_s, end_s - 0.35 * shared_s)]
    return [(start_s + 0.25 * shared_s, end_s - 0.55 * shared_s), (end_s - 0.2 * shared_s, end_s - 0.1 * shared_s)]


def _rest(phone: Phone) -> _Pull:
    """The pull of a silence: full in a long one, from a lag after its start to a lead before its end; weak in a short one."""
    length_s = phone.end_s - phone.start_s
    margin_s = min(0.1, 0.35 * length_s)
    weight = _REST_DOMINANCE * min(length_s / _SHORT_REST_S, 1.0) ** 2
    return _Pull(
        Viseme({}, jaw=weight, protrusion=weight, lips=weight), phone.start_s + margin_s, phone.end_s - margin_s, 1.0, 1.0
    )


def _sizes(speech: Speech) -> np.ndarray:
    """(phones,) size of each sound's movement: how loud it is against the recording's own middle, within bounds."""
    levels = np.array([_level_db(speech, phone) for phone in speech.phones])
    vowels = np.array([phone.label in VOWELS for phone in speech.phones], bool)
    middle = np.median(levels[vowels]) if vowels.any() else 0.0
    return np.where(vowels, np.clip(1.0 + _LOUDNESS_PER_DB * (levels - middle), *_LOUDNESS_RANGE), 1.0)


def _level_db(speech: Speech, phone: Phone) -> float:
    span = speech.energy_db[round(phone.start_s / HOP_S) : max(round(phone.end_s / HOP_S), round(phone.start_s / HOP_S) + 1)]
    return float(span.max()) if len(span) else -100.0
