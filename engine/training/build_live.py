"""Build engine/assets/live.safetensors: lips from sound with 40 ms of look-ahead, for `soliloquy live`; score it.

Run during development only, after build_lips (whose WORK folder it shares):

    python -m soliloquy.engine.training.build_live DATA WORK           trains, writes the asset, scores it
    python -m soliloquy.engine.training.build_live DATA WORK --score   scores what is shipped, streamed chunk by chunk

The offline mouth may look up the phones and 180 ms of future; live it hears 56 ms ahead at most. So one network says
everything from the sound: gap, width, whether the lips are sealed (p b m), whether the lip touches the teeth (f v), whether
anything is said. Same recordings, same disguises, same held-out speakers as build_lips.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.signal import resample_poly
from torch import nn
from torch.nn import functional

from ..audio.decode import SAMPLE_RATE_HZ
from ..audio.mel import MEL_BANDS, RANGE_DB, ground_of, mel_power, normalised
from ..audio.speech import HEARD_HOP_S, Phone, Speech
from ..audio.weights import to_safetensors
from ..live import ear
from ..live.mouth import LiveMouth, mouth_curves
from ..motion.lips import seen_gap, seen_width, sounding
from ..motion.visemes import LABIODENTALS, SEALS
from .build_lips_data import HELD_OUT, PACES, TRAINING, VALIDATION_EVERY, Clip, clips_of, understood
from .build_lips import agreement, ship
from .build_lips_network import CORPUS_WEIGHT, SEGMENT_FRAMES, Scale, Stack, correlation, disguised

logger = logging.getLogger(__name__)

EPOCHS = 24
SEED = 0
BATCH = 16
LEARNING_RATE = 3e-3
LEVEL_JITTER, BAND_JITTER = 0.3, 0.15
"""What is taken out of a running signal is an estimate: in training it errs by this much, in units of 10 dB."""

CLOSURE_WEIGHT, SAID_WEIGHT = 0.35, 0.1
POSITIVE_WEIGHT = torch.tensor([4.0, 6.0, 1.0])
"""Closures are rare; a missed one costs more than one too many."""


@dataclass
class Example:
    """A clip at one pace per HEARD_HOP_S: mel power (T, 40), tracked gap and width (T, 2), and sealed, touching, speaking
    (T, 3) with their weight: 0 for closures whose times nobody knows. rules: nothing, in the place where `Scale` looks for it."""

    corpus: str
    name: str
    mel: np.ndarray
    lips: np.ndarray
    gates: np.ndarray
    gate_weight: np.ndarray
    rules: list[np.ndarray]

    @property
    def speaking(self) -> np.ndarray:
        """(T,) bool."""
        return self.gates[:, 2] > 0


def main() -> None:
    """Command line: DATA, WORK, --score, --epochs, --seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--score", action="store_true", help="only score the shipped network")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=SEED)
    wishes = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    if not wishes.score:
        build(wishes.data, wishes.work, wishes.epochs, wishes.seed)
    score(wishes.data, wishes.work)


def build(data: Path, work: Path, epochs: int, seed: int) -> None:
    """Train on TRAINING and write the asset, with its hash into engine/live/ear.py."""


    examples = [e for corpus in TRAINING for clip in clips_of(data, corpus) for e in examples_of(clip, work)]
    names = sorted({example.name for example in examples if example.corpus.startswith("grid")})
    watched = set(names[::VALIDATION_EVERY])
    network = train([example for example in examples if example.name not in watched], epochs, seed)
    tensors = {**network.tensors(ear.PREFIX), ear.USUAL: usual_spectrum(examples)}
    ship(ear, to_safetensors(tensors, {"source": "engine/training/build_live.py", "seed": str(seed)}))


def usual_spectrum(examples: list[Example]) -> np.ndarray:
    """(MEL_BANDS,) mean spectrum of speech in dB against its loud passages: what a running signal starts from."""
    shapes = []
    for example in examples:
        ground = ground_of(example.mel)
        shapes.append(ground.mean_db - (ground.floor_db + RANGE_DB))
    return np.mean(shapes, axis=0).astype(np.float32)


def examples_of(clip: Clip, work: Path) -> list[Example]:
    """A clip as training examples, one per pace."""
    phones = understood(clip, work)[0].phones
    return [_example(clip, phones, pace) for pace in PACES]


def _example(clip: Clip, phones: list[Phone], pace: float) -> Example:
    mel = mel_power(resample_poly(clip.samples, *PACES[pace]).astype(np.float32))
    times_s = np.arange(len(mel)) * HEARD_HOP_S * pace
    frames_s = np.arange(len(clip.lips)) / clip.fps
    lips = np.column_stack([np.interp(times_s, frames_s, track) for track in clip.lips.T]).astype(np.float32)
    gates = np.column_stack([_inside(phones, SEALS, times_s), _inside(phones, LABIODENTALS, times_s), sounding(phones, times_s)])
    known = np.array([clip.text is not None, clip.text is not None, True], np.float32)
    weight = np.tile(known, (len(times_s), 1))
    return Example(clip.corpus, clip.name, mel, lips, gates.astype(np.float32), weight, [np.zeros((len(mel), 2))])


def _inside(phones: list[Phone], labels: frozenset[str], times_s: np.ndarray) -> np.ndarray:
    """(T,) 1 in the first 70 % of every phone of `labels`: where the lips are held, not where they part again."""
    inside = np.zeros(len(times_s))
    for phone in phones:
        if phone.label in labels:
            held_s = phone.start_s + 0.7 * (phone.end_s - phone.start_s)
            inside[slice(*np.searchsorted(times_s, (phone.start_s - HEARD_HOP_S / 2, held_s)))] = 1.0
    return inside


def train(examples: list[Example], epochs: int, seed: int) -> Stack:
    """A network fitted to `examples`. Same examples and seed, same network."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    corpora = {example.corpus for example in examples}
    scales = {corpus: Scale([e for e in examples if e.corpus == corpus]) for corpus in corpora}
    lips = {id(example): scales[example.corpus](example.lips) for example in examples}
    places = [(e, start) for e in examples for start in range(0, max(len(e.mel) - SEGMENT_FRAMES // 2, 1), SEGMENT_FRAMES)]
    network = Stack(MEL_BANDS, ear.WIDTH, ear.OUTPUTS, ear.LAYERS)
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.02)
    steps = len(places) // len(PACES) // BATCH  # an epoch sees every place about once, at one of its paces
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, epochs * steps, pct_start=0.15)
    for epoch in range(epochs):
        network.train()
        order, total = rng.permutation(len(places)), 0.0
        for first in range(0, steps * BATCH, BATCH):
            rows = [_segment(*places[place], lips, rng) for place in order[first : first + BATCH]]
            loss = _loss(network, *(torch.from_numpy(np.stack(column).astype(np.float32)) for column in zip(*rows)))
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += loss.item()
        logger.info("epoch %d: loss %.4f", epoch, total / steps)
    return network.eval()


def _segment(example: Example, start: int, lips: dict[int, np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    start = max(min(start + int(rng.integers(-40, 40)), len(example.mel) - SEGMENT_FRAMES), 0)
    span = slice(start, start + SEGMENT_FRAMES)
    mel = normalised(disguised(example.mel[span], rng))
    mel = mel + rng.normal(0.0, LEVEL_JITTER) + np.cumsum(rng.normal(0.0, BAND_JITTER, MEL_BANDS)) * 0.3
    missing = SEGMENT_FRAMES - len(mel)
    parts = (mel, lips[id(example)][span], example.gates[span], example.gate_weight[span])
    share = np.float32(CORPUS_WEIGHT[example.corpus])
    return (*(np.pad(part, ((0, missing), (0, 0))) for part in parts), share)


def _loss(
    network: Stack, mel: torch.Tensor, lips: torch.Tensor, gates: torch.Tensor, weight: torch.Tensor, share: torch.Tensor
) -> torch.Tensor:
    """Squared error and missing correlation of gap and width, cross entropy of the gates. share: (B,) of the corpus."""

    out = network(mel.mT).mT
    speaking = gates[:, :, 2]
    scale = torch.tensor([1.0, ear.WIDTH_SCALE])
    seen = out[:, :, :2] * scale
    counts = (0.4 + 0.6 * speaking[:, :, None]) * torch.tensor([1.0, 0.25]) * share[:, None, None]
    loss = 2.0 * ((seen - lips) ** 2 * counts).mean()
    for axis, importance in ((0, 1.0), (1, 0.5)):
        loss = loss + 0.5 * importance * ((1.0 - correlation(seen[:, :, axis], lips[:, :, axis], speaking)) * share).mean()
    entropy = functional.binary_cross_entropy_with_logits(out[:, :, 2:], gates, weight, reduction="none", pos_weight=POSITIVE_WEIGHT)
    return loss + (entropy * torch.tensor([CLOSURE_WEIGHT, CLOSURE_WEIGHT, SAID_WEIGHT])).mean()


def score(data: Path, work: Path) -> None:
    """Print how the live mouth, streamed in chunks of 10 ms and with all its gates, agrees with held-out lips."""
    print("set          gap r   at ms  width r  at ms   sealed   sealed elsewhere")
    for corpus in HELD_OUT:
        clips = clips_of(data, corpus)
        speeches = [understood(clip, work)[0] for clip in clips]
        tracks = [streamed(clip.samples) for clip in clips]
        (gap, gap_ms), (width, width_ms) = (agreement(clips, [t[:, axis] for t in tracks], speeches, axis) for axis in (0, 1))
        closures = [_closures(speech, t[:, 2]) for speech, t in zip(speeches, tracks)]
        sealed = np.concatenate([found for found, _ in closures])
        print(f"{corpus:12s} {gap:.3f} {gap_ms:+7d}  {width:.3f} {width_ms:+8d}   {np.mean(sealed):.2f} of {len(sealed):<4d}"
              f"{np.mean([elsewhere for _, elsewhere in closures]):.3f} of the time")


def streamed(samples: np.ndarray) -> np.ndarray:
    """(T, 3) gap, width and seal of the live mouth at SCORE_FPS, 10 ms of (N,) samples at a time, with a second of quiet before."""
    ear_now, mouth, rows = ear.LiveEar(), LiveMouth(), []
    quiet = np.random.default_rng(0).normal(0.0, 1e-4, SAMPLE_RATE_HZ).astype(np.float32)
    after = np.zeros(ear.LOOK_AHEAD_SAMPLES, np.float32)
    for chunk in np.array_split(np.concatenate([quiet, samples, after]), (len(quiet) + len(samples)) // 160):
        rows += [mouth.step(heard) for heard in ear_now.push(chunk)]
    curves, seal = mouth_curves(np.array(rows[round(1.0 / HEARD_HOP_S) :]), 1.0, np.zeros(len(rows) - round(1.0 / HEARD_HOP_S)))
    return np.column_stack([np.maximum(seen_gap(curves), 0.0), seen_width(curves), seal])


def _closures(speech: Speech, seal: np.ndarray) -> tuple[list[bool], float]:
    """For every p b m, whether the seal shuts within 40 ms of it; and the share of the rest in which it is shut."""
    shut, found, near = seal > 0.9, [], np.zeros(len(seal), bool)
    for phone in speech.phones:
        if phone.label in SEALS:
            span = slice(int(max(phone.start_s - 0.04, 0.0) / HEARD_HOP_S), int((phone.end_s + 0.04) / HEARD_HOP_S) + 2)
            found.append(bool(shut[span].any()))
            near[span] = True
    return found, float(shut[~near].mean())


if __name__ == "__main__":
    main()
