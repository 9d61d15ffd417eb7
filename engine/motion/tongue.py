"""Phones -> what the tongue does: tip at the upper teeth for l n t d, between the teeth for th, low and back in open vowels.

ARPAbet labels stand for the sounds of every language here (audio/sounds.py maps the classes of IPA to them): a rolled r is
D, a velar fricative K, a palatal n N, and the tongue does for them what it does for those. Sounds made with the lips alone
leave it to their neighbours (Oehman 1966, "Coarticulation in VCV utterances").
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..audio.speech import Phone
from .constraints import gate
from .visemes import VISEMES, VOWELS

TIP_CONTACT = frozenset("T D N L".split())
BETWEEN_TEETH = frozenset("TH DH".split())
CONTACT, CONTACT_PER_JAW = 0.52, 0.9
"""tongueUp at which the tip touches the ridge behind the upper teeth with the jaw shut, and how much more of it per jawOpen: the
jaw takes the tongue down with it (read off the asset, portrait/tongue.py)."""
BETWEEN, BETWEEN_LIFT = 0.34, 0.12
"""tongueOut and tongueUp with the tip between the teeth."""
NEAR_CONTACT = {"S": 0.3, "Z": 0.3, "SH": 0.34, "ZH": 0.34, "CH": 0.42, "JH": 0.42, "R": 0.4, "ER": 0.34, "Y": 0.1}
"""tongueUp of sounds whose tip or blade comes near the ridge and leaves a gap."""
LOWERED = {"AA": 1.0, "AO": 0.85, "AE": 0.7, "AH": 0.5, "EH": 0.4, "OW": 0.6, "UH": 0.4, "UW": 0.35, "ER": 0.35, "IH": 0.1, "W": 0.4,
           "K": 0.3, "G": 0.3, "NG": 0.3, "R": 0.35, "OE": 0.3}
"""tongueBack. The body is as low as a vowel is open, and drawn back in back vowels (Jones 1918, the cardinal vowels; a
French u, UE, has the tongue of IY, eu, OE, that of a rather close EH); for k and g it is the back that rises, which draws the tip off."""
GLIDES = {"AY": ("AA", "IH"), "AW": ("AA", "UH"), "EY": ("EH", "IY"), "OW": ("OW", "UW"), "OY": ("AO", "IH")}
GLIDE_SHARE = 0.6
"""Of a diphthong, its first half's."""
LOW_FROM_JAW, LOW_PER_JAW, LOW_MOST = 0.15, 1.6, 0.7
"""Where nobody knows the sound, a tongue goes down with an open jaw: tongueBack = LOW_PER_JAW (jawOpen - LOW_FROM_JAW)."""


def tongue_curves(phones: list[Phone], jaw: np.ndarray, times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T, 2) tongueUp, tongueBack and (T,) tongueOut, 0..1, of `phones` at `times_s` (T,). jaw: (T,) jawOpen there."""
    sounds = list(_single_sounds(phones))
    contact, between = gate(sounds, TIP_CONTACT, times_s, held=0.85), gate(sounds, BETWEEN_TEETH, times_s, held=0.85)
    near = _highest(sounds, NEAR_CONTACT, times_s)
    up = np.maximum(contact * (CONTACT + CONTACT_PER_JAW * jaw), near * (1 - contact))
    up = np.clip(up * (1 - between) + BETWEEN_LIFT * between, 0, 1)
    back = _highest(sounds, LOWERED, times_s) * (1 - np.maximum(contact, between))
    return np.stack([up, back], axis=1), BETWEEN * between


def tongue_of_jaw(jaw: np.ndarray) -> np.ndarray:
    """(T, 2) tongueUp, tongueBack where only jawOpen (T,) is known: live, and in other people's captures."""
    tongue = np.zeros((len(jaw), 2))
    tongue[:, 1] = np.clip(LOW_PER_JAW * (jaw - LOW_FROM_JAW), 0, LOW_MOST)
    return tongue


def _highest(phones: list[Phone], amounts: dict[str, float], times_s: np.ndarray) -> np.ndarray:
    """(T,) the largest of what the sounds at hand ask for, each with its approach and release."""
    curve = np.zeros(len(times_s))
    for amount in set(amounts.values()):
        labels = {label for label, value in amounts.items() if value == amount}
        curve = np.maximum(curve, amount * gate(phones, labels, times_s, held=1.0))
    return curve


def _single_sounds(phones: list[Phone]) -> Iterator[Phone]:
    """The phones, diphthongs as their halves and an h as the vowel after it."""
    for number, phone in enumerate(phones):
        if phone.label in GLIDES:
            first, second = GLIDES[phone.label]
            middle_s = phone.start_s + GLIDE_SHARE * (phone.end_s - phone.start_s)
            yield from (Phone(first, phone.start_s, middle_s), Phone(second, middle_s, phone.end_s))
        elif phone.label == "HH" and number + 1 < len(phones) and phones[number + 1].label in VOWELS:
            after = phones[number + 1].label
            yield Phone(GLIDES.get(after, (after,))[0], phone.start_s, phone.end_s)
        elif phone.label in VISEMES:
            yield phone
