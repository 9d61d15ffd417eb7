"""The two lip networks in torch, trained together: the ear (sound -> tracks), the fusion (rule + tracks -> gap, width).

`motion.lips.predict` and `audio.ear.hear` run the same layers in NumPy.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import librosa
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..audio.ear import LAYERS as EAR_LAYERS
from ..audio.mel import HIGHEST_HZ, LOWEST_HZ, MEL_BANDS, normalised
from ..audio.speech import HEARD_TRACKS
from ..audio.weights import Layer
from ..motion.lips import FEATURES, FUSION_LAYERS
from .build_lips_data import Example

logger = logging.getLogger(__name__)

EAR_WIDTH, FUSION_WIDTH = 64, 48
WIDTH_TRACK_SCALE = 2.0
"""The ear's second track is the width divided by this, so that it stays inside -1..1."""

SEGMENT_FRAMES = 150
BATCH = 16
LEARNING_RATE = 3e-3
CHANNEL_DROPOUT = 0.15
EAR_NOISE = 0.15
"""Noise on the ear's tracks: it errs more on a new voice than on the training one; the fusion must not trust it blindly."""
NO_RULE_SHARE = 0.1
CORPUS_WEIGHT = {"grid_s1": 1.0, "facegood": 0.35}
"""FACEGOOD's curves are cleaned by hand and stylised; more weight costs held-out GRID speakers more than it gives."""
SILENCE_WEIGHT = 0.4
WIDTH_WEIGHT = 0.25
CORRELATION_WEIGHT = 0.5


class Stack(nn.Module):
    """Residual convolutions as `audio.weights.run_stack` runs them."""

    def __init__(self, inputs: int, width: int, outputs: int, layers: tuple[Layer, ...]) -> None:
        super().__init__()
        self.layers = layers
        sizes = [inputs] + [width] * (len(layers) - 1)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(size, width, past + 1 + ahead, dilation=dilation)
            for size, (past, ahead, dilation) in zip(sizes, layers)
        )
        self.out = nn.Conv1d(width, outputs, 1)
        self.dropout = nn.Dropout1d(CHANNEL_DROPOUT)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for number, ((past, ahead, dilation), convolution) in enumerate(zip(self.layers, self.convolutions)):
            y = functional.gelu(convolution(functional.pad(x, (past * dilation, ahead * dilation))))
            x = x + self.dropout(y) if number else y
        return self.out(x)

    def tensors(self, prefix: str) -> dict[str, np.ndarray]:
        """The weights under the names `run_stack` looks for."""
        named = {str(number): layer for number, layer in enumerate(self.convolutions)} | {"out": self.out}
        return {
            f"{prefix}.{name}.{key}": tensor.numpy()
            for name, layer in named.items()
            for key, tensor in layer.state_dict().items()
        }


class Lips(nn.Module):
    """The ear and the fusion; the fusion starts as the rule itself."""

    def __init__(self) -> None:
        super().__init__()
        self.ear = Stack(MEL_BANDS, EAR_WIDTH, HEARD_TRACKS, EAR_LAYERS)
        self.fusion = Stack(FEATURES + HEARD_TRACKS, FUSION_WIDTH, 2, FUSION_LAYERS)
        nn.init.zeros_(self.fusion.out.weight)
        nn.init.zeros_(self.fusion.out.bias)

    def forward(self, mel: torch.Tensor, rule: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 40, T) and (B, F, T) -> the ear's tracks before tanh (B, 4, T), gap and width (B, 2, T)."""
        heard = self.ear(mel)
        tracks = torch.tanh(heard)
        if self.training:
            tracks = tracks + EAR_NOISE * torch.randn_like(tracks)
        return heard, rule[:, :2] + self.fusion(torch.cat([rule, tracks], dim=1))


class Scale:
    """A speaker's gap and width in the network's units: 0 closed, 1 wide vowels; width about the rule's own mean."""

    def __init__(self, examples: list[Example]) -> None:
        lips = np.concatenate([example.lips for example in examples])
        rule = np.concatenate([example.rules[0] for example in examples])
        speaking = np.concatenate([example.speaking for example in examples])
        self.closed = np.percentile(lips[:, 0], 3)
        self.open = np.percentile(lips[speaking, 0], 95)
        self.spread = lips[speaking, 1].std()
        self.middle = lips[speaking, 1].mean() - self.spread * rule[speaking, 1].mean()

    def __call__(self, lips: np.ndarray) -> np.ndarray:
        gap = np.maximum((lips[:, 0] - self.closed) / (self.open - self.closed), 0.0)
        width = np.clip((lips[:, 1] - self.middle) / self.spread, -4.0, 4.0)
        return np.column_stack([gap, width]).astype(np.float32)


def train(examples: list[Example], epochs: int, seed: int, watch: Callable[[Lips, int], None]) -> Lips:
    """Networks fitted to `examples`; `watch` is called after every epoch. Same examples and seed, same networks."""
    torch.manual_seed(seed)
    batches = _Batches(examples, np.random.default_rng(seed))
    network = Lips()
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, epochs * len(batches), pct_start=0.15)
    for epoch in range(epochs):
        network.train()
        for batch in batches.epoch():
            optimiser.zero_grad()
            _loss(network, *batch).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
        network.eval()
        watch(network, epoch)
    return network


def _loss(
    network: Lips, mel: torch.Tensor, rule: torch.Tensor, lips: torch.Tensor, speaking: torch.Tensor, share: torch.Tensor
) -> torch.Tensor:
    """Squared error and missing correlation of both networks' gap and width; silence counts less. share: (B,)."""
    heard, seen = network(mel, rule)
    opinion = heard[:, :2] * torch.tensor([1.0, WIDTH_TRACK_SCALE])[:, None]
    weight = (SILENCE_WEIGHT + (1.0 - SILENCE_WEIGHT) * speaking[:, None]) * torch.tensor([1.0, WIDTH_WEIGHT])[:, None]
    weight = weight * share[:, None, None]
    loss = torch.zeros(())
    for output in (opinion, seen):
        loss = loss + 2.0 * ((output - lips) ** 2 * weight).mean()
        for channel, importance in ((0, 1.0), (1, 0.5)):
            missing = 1.0 - correlation(output[:, channel], lips[:, channel], speaking)
            loss = loss + CORRELATION_WEIGHT * importance * (missing * share).mean()
    return loss


def correlation(first: torch.Tensor, second: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(B,) correlation over the frames of `mask`."""
    count = mask.sum(dim=1, keepdim=True) + 1e-3
    first = (first - (first * mask).sum(dim=1, keepdim=True) / count) * mask
    second = (second - (second * mask).sum(dim=1, keepdim=True) / count) * mask
    return (first * second).sum(dim=1) / torch.sqrt((first**2).sum(dim=1) * (second**2).sum(dim=1) + 1e-3)


class _Batches:
    """Segments of 3 s, each time at another pace, with or without the text's phones, and through other ears."""

    def __init__(self, examples: list[Example], rng: np.random.Generator) -> None:
        self._rng = rng
        corpora = {example.corpus for example in examples}
        scales = {corpus: Scale([e for e in examples if e.corpus == corpus]) for corpus in corpora}
        self._takes: dict[tuple[str, str], list[tuple[Example, np.ndarray]]] = {}
        for example in examples:
            takes = self._takes.setdefault((example.corpus, example.name), [])
            takes.append((example, scales[example.corpus](example.lips)))
        self._places = [
            (key, start / len(takes[0][0].mel))
            for key, takes in self._takes.items()
            for start in range(0, max(len(takes[0][0].mel) - SEGMENT_FRAMES // 2, 1), SEGMENT_FRAMES)
        ]

    def __len__(self) -> int:
        return len(self._places) // BATCH

    def epoch(self):
        """Yield tensors mel (B, 40, T), rule (B, F, T), lips (B, 2, T), speaking (B, T), weight of the segment (B,)."""
        order = self._rng.permutation(len(self._places))
        for first in range(0, len(self) * BATCH, BATCH):
            rows = [self._segment(*self._places[place]) for place in order[first : first + BATCH]]
            mel, rule, lips, speaking, share = (torch.from_numpy(np.stack(c).astype(np.float32)) for c in zip(*rows))
            yield mel.mT, rule.mT, lips.mT, speaking, share

    def _segment(self, key: tuple[str, str], position: float) -> tuple[np.ndarray, ...]:
        takes = self._takes[key]
        example, lips = takes[self._rng.integers(len(takes))]
        start = int(position * len(example.mel)) + int(self._rng.integers(-40, 40)) * (len(example.mel) > 2 * SEGMENT_FRAMES)
        start = max(min(start, len(example.mel) - SEGMENT_FRAMES), 0)
        span = slice(start, start + SEGMENT_FRAMES)
        missing = SEGMENT_FRAMES - len(example.mel[span])
        mel = normalised(disguised(example.mel[span], self._rng))
        rule = example.rules[self._rng.integers(len(example.rules))][span]
        if self._rng.random() < NO_RULE_SHARE:
            rule = np.zeros_like(rule)
        parts = (mel, rule, lips[span], example.speaking[span, None])
        mel, rule, lips, speaking = (np.pad(part, ((0, missing), (0, 0))) for part in parts)
        return mel, rule, lips, speaking[:, 0], np.float32(CORPUS_WEIGHT[example.corpus])


_CENTRES_HZ = librosa.mel_frequencies(MEL_BANDS + 2, fmin=LOWEST_HZ, fmax=HIGHEST_HZ)[1:-1]


def disguised(power: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T, 40) mel power of another vocal tract, in noise, in a room, over a telephone: each of them some of the time."""
    frames, bands = power.shape
    level = np.percentile(power.sum(axis=1), 95)
    if rng.random() < 0.8:  # vocal tract length perturbation (Jaitly & Hinton 2013)
        at = np.interp(_CENTRES_HZ * np.exp(rng.uniform(-0.18, 0.18)), _CENTRES_HZ, np.arange(bands))
        below = at.astype(int)
        power = power[:, below] * (1.0 - (at - below)) + power[:, np.minimum(below + 1, bands - 1)] * (at - below)
    if rng.random() < 0.5:
        colour = np.exp(np.cumsum(rng.normal(0.0, 0.4, bands)))
        loudness = level * 10.0 ** (-rng.uniform(5.0, 35.0) / 10.0)
        power = power + loudness * colour / colour.sum() * rng.exponential(1.0, (frames, bands))
    if rng.random() < 0.2:
        power = power * np.where(np.arange(bands) < rng.integers(26, 38), 1.0, 1e-6)
    if rng.random() < 0.5:
        power = power * np.exp(0.35 * np.cumsum(rng.normal(0.0, 0.25, bands)))
    if rng.random() < 0.3:
        tail = np.exp(-np.arange(25) * 0.02 / rng.uniform(0.03, 0.12))
        echo = np.apply_along_axis(lambda band: np.convolve(band, tail / tail.sum())[:frames], 0, power)
        share = rng.uniform(0.1, 0.5)
        power = (1.0 - share) * power + share * echo
    return power
