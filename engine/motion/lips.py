"""The learned correction of the mouth: how far the lips part and spread, from the rule's curves and what the ear heard.

The rule (articulation.py) knows which sound comes when; real lips undershoot, anticipate and overlap in ways that a small
network reads off the sound and the rule together (training/build_lips.py, docs/models.md). It works in what a viewer sees -
the gap between the inner lips and the distance of the mouth's corners, as the head asset projects them - and the difference
from the rule goes back to the channels that open and spread the mouth. The constraints are imposed after it, as ever.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from ..audio.speech import HEARD_HOP_S, SILENCE, Phone, Speech
from ..audio.weights import ASSETS, Layer, run_stack, shipped_weights
from .clip import ARKIT_CHANNELS
from .constraints import constrain, gate
from .visemes import LABIODENTALS, SIBILANTS, channel_columns

WEIGHTS = "lips.safetensors"
WEIGHTS_SHA256 = "d6f718c2f5c2dd82700d2c57fb45b0a6dfd06a24bb42c9a28cc70f6fcb9e3566"
FUSION_LAYERS: tuple[Layer, ...] = ((1, 1, 1), (1, 1, 1), (1, 1, 2), (2, 0, 3))
"""Reads 160 ms back and 80 ms ahead."""

GAP_UNIT, WIDTH_UNIT = 0.25, 0.045
"""What the network calls 1, in inter-ocular distances: a speaker's gap in wide vowels, the standard deviation of width."""

LIFE_SIZE = (1.1, 1.3)
"""What is learned by least squares is smaller than life by its own uncertainty; this gives gap and width back their spread."""

SOUND_CLASSES = (
    "AA AE AH AY AW",
    "EH EY",
    "IH IY Y",
    "AO OW OY",
    "UH UW W UE OE",
    "ER R",
    "P B M",
    "F V",
    "S Z",
    "SH ZH CH JH",
    "TH DH",
    "T D N L",
    "K G NG HH",
)
_CLASS_OF = {label: number for number, labels in enumerate(SOUND_CLASSES) for label in labels.split()}
_RULE_CHANNELS = ("jawOpen", "mouthFunnel", "mouthPucker", "mouthLowerDown", "mouthUpperUp", "mouthStretch")
_SEAL, _SOUNDING = 2 + len(_RULE_CHANNELS), 2 + len(_RULE_CHANNELS) + 3
FEATURES = _SOUNDING + 1 + len(SOUND_CLASSES)

_OPENING_SHARES = {"jawOpen": 1.0, "mouthLowerDown": 0.35, "mouthUpperUp": 0.2}
_ONSET_S = 0.12
_MOST_SPREAD, _MOST_PUCKER = 0.35, 0.4
_NARROWER, _NARROWER_SEALED = -0.10, -0.045
"""Bounds of a change of width in inter-ocular distances: pressed lips spread; pucker takes back two thirds at most."""
_ROUNDING_KEPT = 0.75
"""However wide the lips are heard, this share of a sound's rounding stays."""


def rule_features(curves: dict[str, np.ndarray], phones: list[Phone], times_s: np.ndarray) -> np.ndarray:
    """(T, FEATURES) float32: gap and width of the constrained rule, its curves, gates, speaking, class of sound."""
    shut = dict(curves)
    seal = constrain(shut, phones, times_s)
    columns = [np.maximum(seen_gap(shut), 0.0) / GAP_UNIT, seen_width(shut) / WIDTH_UNIT]
    columns += [curves[name] for name in _RULE_CHANNELS]
    columns += [seal, gate(phones, LABIODENTALS, times_s, held=0.85), gate(phones, SIBILANTS, times_s, held=0.85)]
    classes = np.zeros((len(times_s), len(SOUND_CLASSES)))
    for phone in phones:
        if phone.label in _CLASS_OF:
            span = slice(*np.searchsorted(times_s, (phone.start_s, phone.end_s)))
            classes[span, _CLASS_OF[phone.label]] = 1.0
    return np.column_stack([*columns, sounding(phones, times_s), classes]).astype(np.float32)


def sounding(phones: list[Phone], times_s: np.ndarray) -> np.ndarray:
    """(T,) 1 inside every phone that is neither silence nor breath (laughter and noise count: the mouth takes part)."""
    inside = np.zeros(len(times_s))
    for phone in phones:
        if phone.label not in (SILENCE, "BREATH"):
            inside[slice(*np.searchsorted(times_s, (phone.start_s, phone.end_s)))] = 1.0
    return inside


def seen_gap(curves: dict[str, np.ndarray]) -> np.ndarray:
    """(T,) signed gap between the middles of the inner lips in inter-ocular distances, as the rig moves them."""
    return _project(curves, 0)


def seen_width(curves: dict[str, np.ndarray]) -> np.ndarray:
    """(T,) change of the distance between the mouth's corners in inter-ocular distances."""
    return _project(curves, 1)


def corrected(curves: dict[str, np.ndarray], speech: Speech, times_s: np.ndarray) -> dict[str, np.ndarray]:
    """`curves` of `articulate` at `times_s`, opened and spread as the network says; unchanged where nobody listened."""
    if speech.heard is None:
        return curves
    slow_s = np.arange(len(speech.heard)) * HEARD_HOP_S
    slow = {name: np.interp(slow_s, times_s, curve) for name, curve in curves.items()}
    features = rule_features(slow, speech.phones, slow_s)
    target = predict(features, speech.heard)
    target = np.column_stack([np.maximum(target[:, 0], 0.0), target[:, 1]]) * LIFE_SIZE
    change = (target - features[:, :2]) * (GAP_UNIT, WIDTH_UNIT)
    reach = maximum_filter1d(features[:, _SOUNDING], 2 * round(_ONSET_S / HEARD_HOP_S) + 1)
    change *= gaussian_filter1d(reach, 0.03 / HEARD_HOP_S)[:, None]
    change[:, 1] = within_reach(change[:, 1], features[:, _SEAL])
    gap, width = (np.interp(times_s, slow_s, column) for column in change.T)
    return spread(opened(curves, gap), width)


def predict(features: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """(T, 2) gap and width in units of GAP_UNIT and WIDTH_UNIT from (T, FEATURES) and (T, HEARD_TRACKS)."""
    weights = shipped_weights(WEIGHTS, WEIGHTS_SHA256)
    return features[:, :2] + run_stack(np.concatenate([features, heard], axis=1), weights, "fusion", FUSION_LAYERS)


def within_reach(width: np.ndarray, seal: np.ndarray) -> np.ndarray:
    """(T,) change of width that lips can follow, sealed (`seal`, 0..1) ones less."""
    return np.maximum(width, _NARROWER * (1.0 - seal) + _NARROWER_SEALED * seal)


def opened(curves: dict[str, np.ndarray], change: np.ndarray) -> dict[str, np.ndarray]:
    """Part the lips by `change` more: jaw first, lips with it; closing scales what opens, so that nothing inverts."""
    effect = {name: _coefficients()[name][0] for name in _OPENING_SHARES}
    added = np.maximum(change, 0.0) / sum(share * effect[name] for name, share in _OPENING_SHARES.items())
    open_by = sum(curves[name] * effect[name] for name in _OPENING_SHARES)
    kept = np.clip(1.0 + np.minimum(change, 0.0) / np.maximum(open_by, 1e-6), 0.0, 1.0)
    return {**curves, **{name: curves[name] * kept + share * added for name, share in _OPENING_SHARES.items()}}


def spread(curves: dict[str, np.ndarray], change: np.ndarray) -> dict[str, np.ndarray]:
    """Draw the corners apart by `change`: less rounding before more stretch; together: less stretch before more pucker."""
    effect = {name: values[1] for name, values in _coefficients().items()}
    rounded = -sum(curves[name] * effect[name] for name in ("mouthFunnel", "mouthPucker"))
    unrounded = np.minimum(np.maximum(change, 0.0), (1.0 - _ROUNDING_KEPT) * rounded)
    stretched = curves["mouthStretch"] * effect["mouthStretch"]
    relaxed = np.minimum(np.maximum(-change, 0.0), stretched)
    stretch = np.minimum((np.maximum(change, 0.0) - unrounded) / effect["mouthStretch"], _MOST_SPREAD)
    pucker = np.minimum((np.maximum(-change, 0.0) - relaxed) / -effect["mouthPucker"], _MOST_PUCKER)
    rounding_kept = 1.0 - unrounded / np.maximum(rounded, 1e-6)
    return {
        **curves,
        "mouthFunnel": curves["mouthFunnel"] * rounding_kept,
        "mouthPucker": curves["mouthPucker"] * rounding_kept + pucker,
        "mouthStretch": curves["mouthStretch"] * (1.0 - relaxed / np.maximum(stretched, 1e-6)) + stretch,
    }


def _project(curves: dict[str, np.ndarray], axis: int) -> np.ndarray:
    effect = _coefficients()
    return sum(curve * effect[name][axis] for name, curve in curves.items())


@functools.cache
def _coefficients() -> dict[str, tuple[float, float]]:
    """Channel (sides together) -> what 1 of it adds to the gap and to the width, read off the head asset."""
    with np.load(ASSETS / "head.npz") as head:
        rest, deltas = head["landmark_rest"], head["landmark_deltas"]
    distance = np.linalg.norm(rest[[_RIGHT_EYE]].mean(axis=1) - rest[[_LEFT_EYE]].mean(axis=1))
    gap = (deltas[:, _UPPER_LIP, 1] - deltas[:, _LOWER_LIP, 1]) / distance
    width = (deltas[:, _LEFT_CORNER, 0] - deltas[:, _RIGHT_CORNER, 0]) / distance
    names = {name.removesuffix("Left").removesuffix("Right") for name in ARKIT_CHANNELS} | set(ARKIT_CHANNELS)
    sides = {name: _columns(name) for name in names}
    return {name: (float(gap[list(c)].sum()), float(width[list(c)].sum())) for name, c in sides.items() if c}


def _columns(name: str) -> tuple[int, ...]:
    try:
        return channel_columns(name)
    except KeyError:
        return ()


_UPPER_LIP, _LOWER_LIP, _RIGHT_CORNER, _LEFT_CORNER = 13, 14, 61, 291
_RIGHT_EYE, _LEFT_EYE = (33, 133), (263, 362)
"""MediaPipe's landmark numbers; right and left are the subject's."""
