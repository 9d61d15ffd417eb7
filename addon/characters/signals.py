"""What a performance offers to a mapping, by name: 52 channels, head, gaze, visemes; and weighted sums of them."""

from __future__ import annotations

import functools
import re

import numpy as np

from ...common.visemes import set_keys, viseme_set, weights_from_channels, weights_from_phones
from ..errors import AddonError
from ..scene.channels import CHANNELS
from .performances import CharacterPerformance

HEAD_SIGNALS = ("head.yaw", "head.pitch", "head.roll")
"""Degrees, signs of `MotionClip`."""
SHIFT_SIGNALS = ("head.x", "head.y", "head.z")
"""Metres: to the picture's right, up, nearer."""
GAZE_SIGNALS = tuple(f"gaze.{side}.{axis}" for side in ("left", "right") for axis in ("yaw", "pitch"))
"""Degrees in the head; left and right are the subject's."""

_TERM = re.compile(r"\s*(?P<sign>[+-]?)\s*(?:(?P<factor>\d+(?:\.\d*)?|\.\d+)\s*\*\s*)?(?P<name>[A-Za-z_][\w.:]*)\s*")


@functools.cache
def signal_names() -> tuple[str, ...]:
    """Everything a mapping's source may name."""
    visemes = (f"{key}:{name}" for key in set_keys() for name in viseme_set(key).names)
    return (*CHANNELS, *HEAD_SIGNALS, *SHIFT_SIGNALS, *GAZE_SIGNALS, *visemes)


def parse_source(text: str) -> list[tuple[float, str]]:
    """"0.5*eyeBlinkLeft + 0.5*eyeBlinkRight" -> [(0.5, "eyeBlinkLeft"), (0.5, "eyeBlinkRight")].

    Raises AddonError for text that is no such sum or names what no performance has.
    """
    terms, at = [], 0
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None or (terms and not match["sign"]):
            break
        factor = float(match["factor"] or 1.0) * (-1 if match["sign"] == "-" else 1)
        if match["name"] not in _known():
            raise AddonError(f"No performance has {match['name']!r}. Sources are channels (jawOpen), head.yaw, gaze.left.yaw, "
                             "visemes (oculus:PP), and sums of them.", code="bad_input")
        terms.append((factor, match["name"]))
        at = match.end()
    if not terms or at < len(text):
        raise AddonError(f"The source {text!r} cannot be read. Write a name, or a sum such as "
                         "0.5*eyeBlinkLeft + 0.5*eyeBlinkRight.", code="bad_input")
    return terms


@functools.cache
def _known() -> frozenset[str]:
    return frozenset(signal_names())


class Signals:
    """The curves of one performance by name; visemes are worked out when first asked for."""

    def __init__(self, performance: CharacterPerformance) -> None:
        self._performance = performance
        self._visemes: dict[str, np.ndarray] = {}

    def __call__(self, source: str) -> np.ndarray:
        """(T,) float64 of a source as `parse_source` reads it. Raises AddonError."""
        return sum(factor * self._signal(name) for factor, name in parse_source(source))

    def _signal(self, name: str) -> np.ndarray:
        clip = self._performance.clip
        if name in CHANNELS:
            return clip.channels[:, CHANNELS.index(name)].astype(np.float64)
        if name in HEAD_SIGNALS:
            return clip.head_rotation_deg[:, HEAD_SIGNALS.index(name)].astype(np.float64)
        if name in SHIFT_SIGNALS:
            return clip.head_translation_m[:, SHIFT_SIGNALS.index(name)].astype(np.float64)
        if name in GAZE_SIGNALS:
            return clip.gaze_deg.reshape(len(clip), 4)[:, GAZE_SIGNALS.index(name)].astype(np.float64)
        key, _, viseme = name.partition(":")
        return self._weights(key)[:, viseme_set(key).index(viseme)].astype(np.float64)

    def _weights(self, key: str) -> np.ndarray:
        """(T, V) from the phones where they are known, else from the curves."""
        if key not in self._visemes:
            clip, phones = self._performance.clip, self._performance.phones
            if phones:
                times_s = np.arange(len(clip)) / float(clip.fps)
                self._visemes[key] = weights_from_phones(phones, times_s, viseme_set(key))
            else:
                self._visemes[key] = weights_from_channels(clip.channels, CHANNELS, viseme_set(key))
        return self._visemes[key]
