"""What the lips and the jaw do for each sound: ARPAbet -> ARKit targets, with how strongly each sound insists on them.

Starting points: the viseme shapes of JALI (Edwards, Landreth, Fiume, Singh 2016, table 1) and the ARKit mappings in common
use with them; sizes set by eye and against tracked speakers. A hush flares the lips off closed teeth, a u or w purses them before a dark
hole: lipreaders keep the two apart (Fisher 1968, "Confusions among visually perceived consonants"). "L+R" channels are written without their side.
"""

from __future__ import annotations

from dataclasses import dataclass

from .clip import CHANNEL_INDEX

JAW, PROTRUSION, LIPS, TONGUE = "jaw", "protrusion", "lips", "tongue"

GROUP_CHANNELS: dict[str, tuple[str, ...]] = {
    JAW: ("jawOpen",),
    PROTRUSION: ("mouthFunnel", "mouthPucker", "jawForward"),
    LIPS: ("mouthLowerDown", "mouthUpperUp", "mouthStretch", "mouthSmile", "mouthRollLower", "mouthRollUpper", "mouthPress"),
    TONGUE: ("tongueOut",),
}
"""Channels that move together: they share the strength and the pace of their dominance."""

SHAPE_CHANNELS: tuple[str, ...] = tuple(name for names in GROUP_CHANNELS.values() for name in names)
GROUP_OF: dict[str, str] = {name: group for group, names in GROUP_CHANNELS.items() for name in names}


@dataclass(frozen=True)
class Viseme:
    """Targets of one sound (channel -> 0..1, absent = 0) and its dominance per group (0 lets the neighbours decide)."""

    shape: dict[str, float]
    jaw: float = 0.5
    protrusion: float = 0.5
    lips: float = 0.5

    def dominance(self, group: str) -> float:
        """How strongly the sound insists on its targets in `group`, 0..1."""
        return {JAW: self.jaw, PROTRUSION: self.protrusion, LIPS: self.lips, TONGUE: 1.0}[group]


def _vowel(
    jaw: float,
    lower: float = 0.0,
    upper: float = 0.0,
    stretch: float = 0.0,
    funnel: float = 0.0,
    pucker: float = 0.0,
    forward: float = 0.0,
) -> Viseme:
    shape = {
        "jawOpen": jaw,
        "mouthLowerDown": lower,
        "mouthUpperUp": upper,
        "mouthStretch": stretch,
        "mouthFunnel": funnel,
        "mouthPucker": pucker,
        "jawForward": forward,
    }
    rounded = funnel + pucker > 0.2
    return Viseme(shape, jaw=1.0, protrusion=1.0 if rounded else 0.55, lips=0.9)


def _consonant(jaw: float, jaw_dominance: float, protrusion: float, lips: float, **shape: float) -> Viseme:
    return Viseme({"jawOpen": jaw, **shape}, jaw=jaw_dominance, protrusion=protrusion, lips=lips)


_OPEN = _vowel(0.60, lower=0.18, upper=0.10)
_FRONT_OPEN = _vowel(0.56, lower=0.26, upper=0.16, stretch=0.16)
_MID = _vowel(0.40, lower=0.18, upper=0.10)
_FRONT_MID = _vowel(0.42, lower=0.24, upper=0.13, stretch=0.16)
_HIGH_LAX = _vowel(0.26, lower=0.20, upper=0.10, stretch=0.16)
_HIGH_FRONT = _vowel(0.18, lower=0.24, upper=0.10, stretch=0.30)
_BACK_ROUND = _vowel(0.48, lower=0.06, funnel=0.42, pucker=0.22, forward=0.12)
_MID_ROUND = _vowel(0.36, funnel=0.45, pucker=0.42, forward=0.15)
_HIGH_ROUND = _vowel(0.17, funnel=0.24, pucker=0.85, forward=0.20)
_MID_FRONT_ROUND = _vowel(0.30, funnel=0.38, pucker=0.44, forward=0.12)
_HIGH_ROUND_LAX = _vowel(0.24, lower=0.06, funnel=0.32, pucker=0.36, forward=0.10)

_SEALED = _consonant(0.10, 0.55, 0.0, 0.9)
_LABIODENTAL = _consonant(0.07, 0.8, 0.1, 1.0, mouthUpperUp=0.16)
_DENTAL = _consonant(0.15, 0.6, 0.1, 0.35, tongueOut=0.35, mouthLowerDown=0.18, mouthUpperUp=0.08)
_HISS = _consonant(0.06, 0.95, 0.15, 0.8, mouthLowerDown=0.34, mouthUpperUp=0.14, mouthStretch=0.16)
_HUSH = _consonant(0.09, 0.9, 0.9, 0.8, mouthFunnel=0.50, mouthPucker=0.20, mouthLowerDown=0.30, mouthUpperUp=0.24)
_TIP = _consonant(0.11, 0.5, 0.05, 0.15, mouthLowerDown=0.14)
_LATERAL = _consonant(0.20, 0.45, 0.05, 0.15, mouthLowerDown=0.14)
_BACK = _consonant(0.20, 0.35, 0.03, 0.08)
_RHOTIC = _consonant(0.17, 0.6, 0.7, 0.5, mouthFunnel=0.22, mouthPucker=0.36)
_GLIDE_ROUND = _consonant(0.11, 0.8, 1.0, 0.8, mouthFunnel=0.18, mouthPucker=0.85)
_GLIDE_FRONT = _consonant(0.14, 0.7, 0.4, 0.6, mouthStretch=0.26, mouthLowerDown=0.18)

VISEMES: dict[str, tuple[Viseme, ...]] = {
    "AA": (_OPEN,),
    "AE": (_FRONT_OPEN,),
    "AH": (_MID,),
    "EH": (_FRONT_MID,),
    "IH": (_HIGH_LAX,),
    "IY": (_HIGH_FRONT,),
    "AO": (_BACK_ROUND,),
    "UH": (_HIGH_ROUND_LAX,),
    "UW": (_HIGH_ROUND,),
    "UE": (_HIGH_ROUND,),
    "OE": (_MID_FRONT_ROUND,),
    "ER": (_vowel(0.24, funnel=0.26, pucker=0.34),),
    "AY": (_OPEN, _HIGH_LAX),
    "AW": (_OPEN, _HIGH_ROUND_LAX),
    "EY": (_FRONT_MID, _HIGH_FRONT),
    "OW": (_MID_ROUND, _HIGH_ROUND),
    "OY": (_BACK_ROUND, _HIGH_LAX),
    "P": (_SEALED,),
    "B": (_SEALED,),
    "M": (_SEALED,),
    "F": (_LABIODENTAL,),
    "V": (_LABIODENTAL,),
    "TH": (_DENTAL,),
    "DH": (_DENTAL,),
    "S": (_HISS,),
    "Z": (_HISS,),
    "SH": (_HUSH,),
    "ZH": (_HUSH,),
    "CH": (_HUSH,),
    "JH": (_HUSH,),
    "T": (_TIP,),
    "D": (_TIP,),
    "N": (_TIP,),
    "L": (_LATERAL,),
    "K": (_BACK,),
    "G": (_BACK,),
    "NG": (_BACK,),
    "R": (_RHOTIC,),
    "W": (_GLIDE_ROUND,),
    "Y": (_GLIDE_FRONT,),
    "HH": (_BACK,),
}
"""Every speech label of a `Speech`; diphthongs pass through two targets. HH takes the shape of the vowel after it."""

VOWELS = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW UE OE".split())
SEALS = frozenset("PBM")
LABIODENTALS = frozenset("FV")
SIBILANTS = frozenset("S Z SH ZH CH JH".split())
OBSTRUENTS = frozenset("P B T D K G F V TH DH S Z SH ZH CH JH".split())


def channel_columns(name: str) -> tuple[int, ...]:
    """Columns of `MotionClip.channels` for a name with or without its side: "mouthSmile" -> left and right."""
    if name in CHANNEL_INDEX:
        return (CHANNEL_INDEX[name],)
    return CHANNEL_INDEX[f"{name}Left"], CHANNEL_INDEX[f"{name}Right"]
