"""The mouth while it listens: hops of the live ear become curves, sealed where it hears closures, shut where nothing is said."""

from __future__ import annotations

import numpy as np

from ..audio.speech import HEARD_HOP_S
from ..motion.constraints import impose
from ..motion.lips import GAP_UNIT, LIFE_SIZE, WIDTH_UNIT, opened, seen_width, spread, within_reach
from ..motion.together import HELD_S, RETURN_S
from ..motion.visemes import SHAPE_CHANNELS
from .ear import Heard

TRACKS = ("gap", "width", "seal", "touch")
"""What a hop says to the frames around it: opening and spread in inter-ocular distances, gates 0..1."""

SEAL_GATE, TOUCH_GATE = (0.2, 0.5), (0.3, 0.7)
"""Probability of p b m, and of f v, from which the lips begin to close, and from which they are shut."""

SAID = 0.4
OPENS_S, CLOSES_S = 0.04, 0.14
"""The mouth may open this soon after something is said, and comes to rest this long after the last sound."""

COMES_TOGETHER_S = 0.08
"""Lips that are apart in the picture come together this fast when speech begins, for it is heard no earlier; they part as they do
offline (motion/together.py)."""

SEAL_RELEASE_S = 0.04
"""Shorter than offline: the closure is heard 10 - 20 ms late."""


class LiveMouth:
    """Turns `Heard` hops into TRACKS, with the memory that opening and closing need."""

    def __init__(self) -> None:
        self.speaking, self.together = 0.0, 0.0
        self._seal, self._silent_s = 0.0, 0.0

    def step(self, heard: Heard) -> np.ndarray:
        """(4,) TRACKS of one further hop."""
        says = heard.audible and heard.said > SAID
        change = HEARD_HOP_S / OPENS_S if says else -HEARD_HOP_S / CLOSES_S
        self.speaking = float(np.clip(self.speaking + change, 0.0, 1.0))
        active = self.speaking * self.speaking * (3.0 - 2.0 * self.speaking)
        self._silent_s = 0.0 if says else self._silent_s + HEARD_HOP_S
        way = HEARD_HOP_S / COMES_TOGETHER_S if says else -HEARD_HOP_S / RETURN_S if self._silent_s > HELD_S else 0.0
        self.together = float(np.clip(self.together + way, 0.0, 1.0))
        self._seal = max(_gate(heard.sealed, SEAL_GATE), self._seal - HEARD_HOP_S / SEAL_RELEASE_S)
        seal = self._seal * active
        touch = _gate(heard.touching, TOUCH_GATE) * (1.0 - self._seal) * active
        gap = heard.gap * LIFE_SIZE[0] * GAP_UNIT * active
        return np.array([gap, heard.width * LIFE_SIZE[1] * WIDTH_UNIT * active, seal, touch])


def _gate(probability: float, limits: tuple[float, float]) -> float:
    opens, shuts = limits
    x = float(np.clip((probability - opens) / (shuts - opens), 0.0, 1.0))
    return x * x * (3.0 - 2.0 * x)


def mouth_curves(tracks: np.ndarray, effort: float, breath: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """(T, 4) TRACKS -> channel -> (T,) curves, and the seal (T,). breath: (T,) jaw opening of an inhalation."""
    gap, width, seal, touch = tracks.T
    rest = {name: np.zeros(len(tracks)) for name in SHAPE_CHANNELS}
    curves = opened(rest, gap)
    shut = dict(curves)
    impose(shut, seal, touch, np.zeros(len(tracks)))  # an opening jaw draws the corners in by itself, pressing spreads them
    curves = {name: effort * c for name, c in spread(curves, within_reach(width - seen_width(shut), seal)).items()}
    curves["jawOpen"] = curves["jawOpen"] + breath
    impose(curves, seal, touch, np.zeros(len(tracks)))
    return curves, seal
