"""What lips cannot get wrong, imposed last and at the output frames: p b m seal, f v touch, sibilants keep the jaw up.

A viewer forgives a vague vowel and no open-lipped p. So the closures are not blended with anything: each opens and shuts a
gate of its own, evaluated at the frame times, and the frame nearest its centre always shows it in full.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from ...common.channels import SEALED_ROLL
from ..audio.speech import Phone
from .timeline import exposure_s
from .visemes import LABIODENTALS, SEALS, SIBILANTS

APPROACH_S = 0.08
"""Lips take about this long from open to sealed (Loefqvist & Gracco 1997: 60-90 ms)."""
RELEASE_S = 0.07
QUICKEST_S = 0.02
"""Between a v and the p after it there is no more time than this: neither lip waits for the other."""
SIBILANT_JAW = 0.12
LABIODENTAL_JAW = 0.08
TIPS = frozenset("TD")
TIP_JAW = 0.22
"""The tip of the tongue presses against the ridge behind the teeth from a jaw that is up, hardly less than for an s (Keating,
Lindblom, Lubker & Kreiman 1994, "Variability in jaw height for segments in English and Swedish VCVs"). Set on real lips: at .18 and at
.28, and with n as well, they are followed less well."""
WHOLE_TIP_S, TIP_SHARES = 0.08, 4
"""A shorter one moves the jaw by the square of its share of that only, in so many steps."""
SEALED_JAW = 0.15
"""The jaw rises for p b m, but not as far as for an s: what remains open behind the lips."""

_SEAL_SHAPE = {"mouthPress": 0.34, "mouthRollLower": 0.4, "mouthRollUpper": SEALED_ROLL}
"""mouthRollUpper is high in nothing but a seal: by it, performances that know ARKit's channels alone say that lips meet (`own_of`)."""

_LABIODENTAL_SHAPE = {"mouthRollLower": 0.60, "mouthUpperUp": 0.28, "mouthShrugLower": 0.20}
_OPENERS = ("mouthLowerDown", "mouthUpperUp", "mouthStretch", "mouthFunnel", "tongueOut")


def gate(
    phones: list[Phone], labels: Collection[str], times_s: np.ndarray, held: float = 0.7, rivals: Collection[str] = ()
) -> np.ndarray:
    """(T,) 0..1: shut (1) during the first `held` part of every phone in `labels`, with smooth approach and release.

    A long one (a hum, a held m) opens no sooner than RELEASE_S before its end. rivals: sounds that shut otherwise; next to one
    the approach begins after its middle, and the release ends before.

    Every frame has the mean over its time; the one nearest the middle of the held part is shut whatever the frame rate.
    """
    shut, moments_s = np.zeros(len(times_s)), exposure_s(times_s)
    for number, phone in enumerate(phones):
        if phone.label not in labels or not len(times_s):
            continue
        end_s = max(phone.start_s + held * (phone.end_s - phone.start_s), phone.end_s - RELEASE_S)
        approach_s = min([APPROACH_S, *(phone.start_s - m for m in _middles(phones[max(number - 1, 0) : number], rivals))])
        release_s = min([RELEASE_S, *(m - end_s for m in _middles(phones[number + 1 : number + 2], rivals))])
        approach_s, release_s = max(approach_s, QUICKEST_S), max(release_s, QUICKEST_S)
        first = max(np.searchsorted(times_s, phone.start_s - approach_s) - 1, 0)
        last = np.searchsorted(times_s, end_s + release_s) + 1
        span = times_s[first:last, None] + moments_s
        outside = np.maximum((phone.start_s - span) / approach_s, 0.0) + np.maximum((span - end_s) / release_s, 0.0)
        closing = (0.5 + 0.5 * np.cos(np.pi * np.clip(outside, 0.0, 1.0))).mean(axis=1)
        shut[first:last] = np.maximum(shut[first:last], closing)
        shut[_nearest(times_s, (phone.start_s + end_s) / 2)] = 1.0
    return shut


def _middles(phones: Iterable[Phone], labels: Collection[str]) -> list[float]:
    """Middles of those of `phones` that are in `labels`, seconds."""
    return [(phone.start_s + phone.end_s) / 2 for phone in phones if phone.label in labels]


def _nearest(times_s: np.ndarray, time_s: float) -> int:
    """Index of the frame nearest to `time_s`."""
    after = min(int(np.searchsorted(times_s, time_s)), len(times_s) - 1)
    return after - 1 if after and time_s - times_s[after - 1] < times_s[after] - time_s else after


def constrain(curves: dict[str, np.ndarray], phones: list[Phone], times_s: np.ndarray) -> np.ndarray:
    """Impose the constraints on `curves` (channel -> (T,) at `times_s`) in place; returns the seal gate, (T,) 0..1.

    Where a p comes within its approach or release of a v, the frame that is the v's own has lips apart: half a seal gives way.
    """
    seal = gate(phones, SEALS, times_s, rivals=LABIODENTALS)
    touch = gate(phones, LABIODENTALS, times_s, held=0.85)
    seal *= 1.0 - touch * (1.0 - seal)
    touch *= 1.0 - seal
    impose(curves, seal, touch, gate(phones, SIBILANTS, times_s, held=0.85))
    return seal


def raise_jaw_for_tip(jaw: np.ndarray, phones: list[Phone], times_s: np.ndarray) -> np.ndarray:
    """jawOpen ((T,) at `times_s`), no wider than TIP_JAW in t and d, which otherwise borrow the vowels' jaw beside them."""
    shares: dict[int, list[Phone]] = {}
    for phone in phones:
        if phone.label in TIPS:
            share = np.ceil(TIP_SHARES * min((phone.end_s - phone.start_s) / WHOLE_TIP_S, 1.0))
            shares.setdefault(int(share), []).append(phone)
    raised = np.zeros(len(times_s))
    for share, tips in shares.items():
        raised = np.maximum(raised, (share / TIP_SHARES) ** 2 * gate(tips, TIPS, times_s))
    return jaw - raised * np.maximum(jaw - TIP_JAW, 0.0)


def impose(curves: dict[str, np.ndarray], seal: np.ndarray, touch: np.ndarray, hiss: np.ndarray) -> None:
    """Seal, touch and narrow `curves` (channel -> (T,)) in place where the gates ((T,) 0..1) say so, whoever found them.

    Afterwards mouthClose equals jawOpen wherever lips are sealed and exceeds it nowhere.
    """
    jaw = curves["jawOpen"]
    jaw = jaw - hiss * np.maximum(jaw - SIBILANT_JAW, 0.0)
    jaw = jaw - seal * np.maximum(jaw - SEALED_JAW, 0.0)
    jaw = jaw - touch * np.maximum(jaw - LABIODENTAL_JAW, 0.0)
    curves["jawOpen"] = np.maximum(jaw, 0.0)
    for name in _OPENERS:
        curves[name] = curves[name] * (1.0 - np.maximum(seal, touch))
    for shape, amount in ((_SEAL_SHAPE, seal), (_LABIODENTAL_SHAPE, touch)):
        for name, value in shape.items():
            before = curves.get(name, np.zeros(len(seal)))
            curves[name] = before * (1.0 - amount) + value * amount
    curves["mouthClose"] = seal * curves["jawOpen"]
