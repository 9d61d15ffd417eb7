"""Train the performance network and compare it with the simulator, channel by channel, on recordings neither has seen.

Run during development only:

    python -m soliloquy.engine.training.build_performance DATA WORK                trains (MINUTES on one core) and compares
    python -m soliloquy.engine.training.build_performance DATA WORK --score        compares with the network in WORK

DATA is the folder with `head68/` (docs/models.md says what it is and under which terms). What is trained stays in WORK until the
table has been read; the product's is engine/assets/performance.safetensors (its hash stands in motion/network.py).
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from ..audio.weights import from_safetensors, to_safetensors
from ..files import whole_file
from ..measure.rows_performance import BLINK_CURVE
from ..measure.signals import events_above
from ..motion.brows import RAISE
from ..motion.direction import Direction
from ..motion.generate import generate_motion
from ..motion.network import perform
from ..motion.streams import stream
from .build_performance_data import BLINK_LEAD_S, HELD_OUT, RATE_HZ, Shot, read_shots, speech_of
from .build_performance_network import mouth, movement, train
from .build_performance_score import comparison

logger = logging.getLogger(__name__)

MINUTES = 35.0
NETWORK = "performance.safetensors"
SHORTEST_COMPARED_S = 8.0
TAKES = 4
BLINK_BUMP = 0.5

Weights = Mapping[str, np.ndarray]


def main() -> None:
    """Command line: DATA, WORK, --score, --minutes, --seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--score", action="store_true", help="only compare")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--seed", type=int, default=0)
    wishes = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    wishes.work.mkdir(parents=True, exist_ok=True)
    shots = read_shots(wishes.data / "head68" / "head68.npz")
    seen, unseen = ([shot for shot in shots if (shot.recording in HELD_OUT) == held] for held in (False, True))
    if not wishes.score:
        teach(seen, unseen, wishes.work / NETWORK, wishes.minutes, wishes.seed)
    logger.info(compare(seen, unseen, from_safetensors((wishes.work / NETWORK).read_bytes())))


def teach(seen: list[Shot], unseen: list[Shot], path: Path, minutes: float, seed: int) -> None:
    """Train on `seen` and on what the simulator makes of the same mouths; write the network to `path`."""
    made = [simulated(shot, number) for number, shot in enumerate(seen)]
    curves = [[(movement(shot), mouth(shot)) for shot in group] for group in (seen, made, unseen)]
    network = train(*curves, 60.0 * minutes, seed)
    logger.info("%d parameters", sum(p.numel() for p in network.parameters()))
    tensors = {name: value.numpy() for name, value in network.state_dict().items()}
    with whole_file(path) as temporary:
        temporary.write_bytes(to_safetensors(tensors, {"source": "engine/training/build_performance.py"}))


def compare(seen: list[Shot], unseen: list[Shot], weights: Weights) -> str:
    """The table: distances of each generator from the unseen recordings, beside those of the same man's other recordings."""
    long = [shot for shot in unseen if shot.duration_s >= SHORTEST_COMPARED_S]
    others = [shot for shot in seen if shot.duration_s >= SHORTEST_COMPARED_S]
    made = [(simulated(shot, seed), imagined(weights, shot, seed)) for shot in long for seed in range(TAKES)]
    return comparison(long, {"simulator": [pair[0] for pair in made], "network": [pair[1] for pair in made],
                             "same man, other recordings": others})


def simulated(shot: Shot, seed: int) -> Shot:
    """What the simulator does while the mouth of `shot` speaks."""
    clip = generate_motion(speech_of(shot), Direction(distance=1.0), seed=seed, fps=Fraction(RATE_HZ))
    count = len(shot.opening)
    lids = events_above(clip.channel("eyeBlinkLeft"), np.arange(len(clip)) / RATE_HZ, BLINK_CURVE)
    return replace(shot, rotation_deg=clip.head_rotation_deg[:count].astype(float),
                   translation_m=clip.head_translation_m[:count].astype(float),
                   brows=clip.channel("browInnerUp")[:count] / RAISE["browInnerUp"],
                   blinks_s=np.array([max(event.peak_s - BLINK_LEAD_S, 0.0) for event in lids]))


def imagined(weights: Weights, shot: Shot, seed: int) -> Shot:
    """What the network does while the mouth of `shot` speaks."""
    made = perform(weights, mouth(shot), stream(seed, "network"))
    bumps = events_above(made[:, 7], np.arange(len(made)) / RATE_HZ, BLINK_BUMP)
    return replace(shot, rotation_deg=made[:, :3], translation_m=made[:, 3:6], brows=made[:, 6],
                   blinks_s=np.array([event.peak_s for event in bumps]))


if __name__ == "__main__":
    main()
