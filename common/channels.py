"""The vocabulary of channel names, spelled here, once."""

from __future__ import annotations

import numpy as np

ARKIT_CHANNELS: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft", "eyeWideLeft",
    "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight", "eyeSquintRight", "eyeWideRight",
    "jawForward", "jawRight", "jawLeft", "jawOpen",
    "mouthClose", "mouthFunnel", "mouthPucker", "mouthRight", "mouthLeft",
    "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)
"""Apple's 52 ARKit blendshapes in the column order of Live Link Face. Left and right are the subject's."""

OWN_CHANNELS: tuple[str, ...] = ("tongueUp", "tongueBack", "lipsTogether")
"""What ARKit has no name for: the tip raised behind the upper teeth (l, n, t, d); the whole tongue low and drawn back (open vowels),
between the teeth and out of the mouth being ARKit's tongueOut; and lips that stand apart in the picture brought together, from where
they speak like any others. On a portrait whose lips are closed the last does nothing."""

TOGETHER = OWN_CHANNELS.index("lipsTogether")
SEALED_ROLL = 0.5
"""mouthRollUpper at a sealed p, b or m (engine/motion/constraints.py)."""

RIG_CHANNELS: tuple[str, ...] = ARKIT_CHANNELS + OWN_CHANNELS
"""Everything a portrait's parts can follow, in the order of their `delta_channel`."""

EYE_LOOK_FULL_DEG = {"up": 25.0, "down": 30.0, "in": 30.0, "out": 30.0}
"""Eye rotation at which an eyeLook channel reads 1."""


def own_of(channels: np.ndarray, tongue: np.ndarray | None = None) -> np.ndarray:
    """(T, 3) OWN_CHANNELS of a performance that has only ARKit's channels (T, 52), and perhaps a tongue (T, 2): lips come together
    as far as the upper one rolls in, which it does in no sound but p, b and m."""
    own = np.zeros((len(channels), len(OWN_CHANNELS)), np.float32)
    if tongue is not None:
        own[:, :TOGETHER] = tongue
    own[:, TOGETHER] = np.clip(channels[:, ARKIT_CHANNELS.index("mouthRollUpper")] / SEALED_ROLL, 0.0, 1.0)
    return own
