"""Build engine/assets/ear.safetensors and lips.safetensors, and score the mouth on speakers they have never seen.

Run during development only:

    python -m soliloquy.engine.training.build_lips DATA WORK           trains, writes the assets, scores them
    python -m soliloquy.engine.training.build_lips DATA WORK --score   scores what is shipped

DATA is the folder with `faces/` and `facegood/` (docs/models.md says what and under which terms); WORK keeps the recordings'
analysis between runs (the first run spends a quarter of an hour of processor time on it; training takes two minutes).
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from ..audio import ear
from ..audio.mel import normalised
from ..audio.speech import Speech
from ..audio.weights import ASSETS, to_safetensors
from ..files import whole_file
from ..motion import lips
from ..motion.clip import ARKIT_CHANNELS, MotionClip
from ..motion.direction import Direction
from ..motion.generate import generate_motion
from .build_lips_data import (
    FACEGOOD_SCORED_S, HELD_OUT, PACES, TRAINING, VALIDATION_EVERY, Clip, Example, all_examples, clips_of, understood)
from .build_lips_network import Lips, train

logger = logging.getLogger(__name__)

EPOCHS = 12
SEED = 0
SCORE_FPS = Fraction(50)
LARGEST_LAG = 2
"""Frames of SCORE_FPS by which curve and video may be shifted against each other: 40 ms either way (issue 4)."""


def main() -> None:
    """Command line: DATA, WORK, --score, --jobs, --epochs, --seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--score", action="store_true", help="only score the shipped networks")
    parser.add_argument("--jobs", type=int, default=1, help="processes for the analysis of the recordings")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=SEED)
    wishes = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    wishes.work.mkdir(parents=True, exist_ok=True)
    if not wishes.score:
        build(wishes.data, wishes.work, wishes.jobs, wishes.epochs, wishes.seed)
    score(wishes.data, wishes.work)


def build(data: Path, work: Path, jobs: int, epochs: int, seed: int) -> None:
    """Train on TRAINING and write both assets, with their hashes into the code that loads them."""
    examples = all_examples(data, work, TRAINING, tuple(PACES), jobs)
    names = sorted({example.name for example in examples if example.corpus.startswith("grid")})
    watched = set(names[::VALIDATION_EVERY])
    plain = [e for e in examples if e.name in watched][:: len(PACES)]
    network = train(
        [example for example in examples if example.name not in watched],
        epochs,
        seed,
        lambda trained, epoch: logger.info("epoch %d: same speaker, unseen clips: r = %.3f", epoch, _watch(trained, plain)),
    )
    for module, prefix, stack in ((ear, "ear", network.ear), (lips, "fusion", network.fusion)):
        ship(module, to_safetensors(stack.tensors(prefix), {"source": "engine/training/build_lips.py", "seed": str(seed)}))


def _watch(network: Lips, examples: list[Example]) -> float:
    """Median correlation of the gap, sound only."""
    found = []
    with torch.no_grad():
        for example in examples:
            mel, rule = (torch.from_numpy(x.T[None]) for x in (normalised(example.mel), example.rules[-1]))
            gap = network(mel, rule)[1][0, 0].numpy()
            found.append(np.corrcoef(gap[example.speaking], example.lips[example.speaking, 0])[0, 1])
    return float(np.median(found))


def ship(module, data: bytes) -> None:
    with whole_file(ASSETS / module.WEIGHTS) as temporary:
        temporary.write_bytes(data)
    source = Path(module.__file__)
    digest = hashlib.sha256(data).hexdigest()
    text = re.sub(r'WEIGHTS_SHA256 = "\w*"', f'WEIGHTS_SHA256 = "{digest}"', source.read_text(encoding="utf-8"))
    with whole_file(source) as temporary:
        temporary.write_text(text, encoding="utf-8")
    module.WEIGHTS_SHA256 = digest
    logger.info("%s: %d bytes", module.WEIGHTS, len(data))


def score(data: Path, work: Path) -> None:
    """Print, for every held-out set: the rule and the learned mouth, with the text's phones and from sound alone."""
    print("set          phones  mouth    gap r   at ms  width r  at ms   gap p95")
    for corpus in HELD_OUT:
        clips = clips_of(data, corpus)
        speeches = [understood(clip, work) for clip in clips]
        for number, phones in ((0, "text"), (-1, "sound")) if clips[0].text else ((-1, "sound"),):
            for mouth in ("rule", "learned"):
                heard = [ear.hear(clip.samples) if mouth == "learned" else None for clip in clips]
                seen = [shown(rows[number], sound) for rows, sound in zip(speeches, heard)]
                masks = [rows[0] for rows in speeches]
                gap, gap_ms = agreement(clips, [g for g, _ in seen], masks, 0)
                width, width_ms = agreement(clips, [w for _, w in seen], masks, 1)
                size = np.mean([np.percentile(g, 95) for g, _ in seen])
                print(f"{corpus:12s} {phones:7s} {mouth:8s} {gap:.3f} {gap_ms:+7d}  {width:.3f} {width_ms:+8d}   {size:.3f}")


def shown(speech: Speech, heard: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Gap (not below 0: lips do not pass through each other) and width of the finished clip, constraints and all."""
    speech.heard = heard
    clip: MotionClip = generate_motion(speech, Direction(), seed=1, fps=SCORE_FPS)
    curves = {name: clip.channels[:, number].astype(np.float64) for number, name in enumerate(ARKIT_CHANNELS)}
    return np.maximum(lips.seen_gap(curves), 0.0), lips.seen_width(curves)


def agreement(clips: list[Clip], curves: list[np.ndarray], speeches: list[Speech], axis: int) -> tuple[float, int]:
    """Median over clips of the correlation with the tracked lips in speech, at the lag (one for all clips) where it is best.

    The lag is what the curve must be moved later by, in milliseconds: positive when it leads the video.
    """
    rows = [row for clip, curve, speech in zip(clips, curves, speeches) for row in _correlations(clip, curve, speech, axis)]
    medians = np.nanmedian(np.array(rows), axis=0)
    best = int(np.argmax(medians))
    return float(medians[best]), round((best - LARGEST_LAG) * 1000 / float(SCORE_FPS))


def _correlations(clip: Clip, curve: np.ndarray, speech: Speech, axis: int) -> list[list[float]]:
    times_s = np.arange(len(curve)) / float(SCORE_FPS)
    tracked = np.interp(times_s, np.arange(len(clip.lips)) / clip.fps, clip.lips[:, axis])
    speaking = lips.sounding(speech.phones, times_s) > 0
    speaking[:LARGEST_LAG] = speaking[-LARGEST_LAG:] = False
    piece = round(FACEGOOD_SCORED_S * float(SCORE_FPS)) if clip.corpus == "facegood" else len(curve)
    return [
        [_correlation(np.roll(curve, lag), tracked, speaking, slice(start, start + piece)) for lag in _LAGS]
        for start in range(0, len(curve) - piece + 1, piece)
    ]


_LAGS = range(-LARGEST_LAG, LARGEST_LAG + 1)


def _correlation(curve: np.ndarray, tracked: np.ndarray, speaking: np.ndarray, span: slice) -> float:
    inside = speaking[span]
    if inside.sum() < 10 or tracked[span][inside].std() < 1e-4 or curve[span][inside].std() < 1e-6:
        return float("nan")
    return float(np.corrcoef(curve[span][inside], tracked[span][inside])[0, 1])


if __name__ == "__main__":
    main()
