"""The phone network in torch: the residual convolutions that `audio.phone_stream` runs in NumPy, and their training."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..audio.phone_stream import FEATURES, LAYERS, STEP, Leveller
from ..audio.sounds import CLASSES, SILENT
from .build_phones_data import FIRST_GROUP, GROUP_OF_CLASS, GROUPS, UNKNOWN, VISEME_GROUPS, VISEME_OF_CLASS, VISEME_OF_GROUP, Frames
from .build_phones_disguise import Disguises

logger = logging.getLogger(__name__)

WIDTH = 256
SEGMENT = 300
BATCH = 10
LEARNING_RATE = 2.5e-3
CHANNEL_DROPOUT = 0.05
LABEL_SMOOTHING = 0.05
VISEME_WEIGHT = 0.6
SILENCE_WEIGHT = 0.5
PRIMED_SHARE = 0.6
"""Of the segments this share is heard by a leveller that knows the recording already; the others begin a stream."""

SHARES = {"kokoro": 0.40, "hibari": 0.10, "flite": 0.12, "espeak": 0.20, "joe": 0.06, "grid_s1": 0.12}
"""How often each talker is heard. GRID is one man and 51 words, but a man."""


class PhoneNetwork(nn.Module):
    """Residual convolutions as `audio.phone_stream` runs them, normalised while they learn (Ioffe & Szegedy 2015); 1.1 million numbers."""

    def __init__(self) -> None:
        super().__init__()
        sizes = [FEATURES * STEP] + [WIDTH] * (len(LAYERS) - 1)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(size, WIDTH, past + 1 + ahead, dilation=dilation) for size, (past, ahead, dilation) in zip(sizes, LAYERS)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(WIDTH, momentum=0.02) for _ in LAYERS)
        self.dropout = nn.Dropout1d(CHANNEL_DROPOUT)
        self.out = nn.Conv1d(WIDTH, len(CLASSES) * STEP, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, FEATURES * STEP, T) -> (B, classes * STEP, T) before softmax."""
        for number, ((past, ahead, dilation), convolution, norm) in enumerate(zip(LAYERS, self.convolutions, self.norms)):
            y = functional.gelu(norm(convolution(functional.pad(x, (past * dilation, ahead * dilation)))))
            x = x + self.dropout(y) if number else y
        return self.out(x)

    def tensors(self) -> dict[str, np.ndarray]:
        """The weights under the names `phone_stream` looks for, each normalisation folded into its convolution."""
        named = {"phones.out.weight": self.out.weight, "phones.out.bias": self.out.bias}
        for number, (convolution, norm) in enumerate(zip(self.convolutions, self.norms)):
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            named[f"phones.{number}.weight"] = convolution.weight * scale[:, None, None]
            named[f"phones.{number}.bias"] = (convolution.bias - norm.running_mean) * scale + norm.bias
        return {name: tensor.detach().numpy() for name, tensor in named.items()}


class Batches:
    """Segments of 3 s from all talkers, each disguised anew."""

    def __init__(self, corpora: list[Frames], seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._corpora = [corpus for corpus in corpora if corpus.talker in SHARES]
        shares = np.array([SHARES[corpus.talker] for corpus in self._corpora])
        self._shares = shares / shares.sum()
        self._disguises = Disguises(self._rng)

    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (B, FEATURES * STEP, SEGMENT / STEP) and labels (B, SEGMENT)."""
        rows = [self._row() for _ in range(BATCH)]
        features = np.stack([row[0] for row in rows]).reshape(BATCH, SEGMENT // STEP, STEP * FEATURES)
        return torch.from_numpy(features).mT, torch.from_numpy(np.stack([row[1] for row in rows]).astype(np.int64))

    def _row(self) -> tuple[np.ndarray, np.ndarray]:
        power, labels = self._disguises.timed(*self._segment(2 * SEGMENT), SEGMENT)
        power, labels = self._disguises(power, labels, self._segment(SEGMENT)[0])
        leveller = Leveller()
        if self._rng.random() < PRIMED_SHARE:
            leveller.primed(power)
        return leveller(power), labels

    def _segment(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        corpus = self._corpora[self._rng.choice(len(self._corpora), p=self._shares)]
        start = int(self._rng.choice(corpus.starts)) + int(self._rng.integers(-SEGMENT // 2, SEGMENT // 2))
        span = slice(max(min(start, len(corpus.labels) - count), 0), None)
        decibels = corpus.decibels[span][:count].astype(np.float32)
        return 10.0 ** (decibels / 10.0), corpus.labels[span][:count]


def train(
    corpora: list[Frames], minutes: float, seed: int, watch: Callable[[PhoneNetwork, int], None], start: PhoneNetwork | None = None
) -> PhoneNetwork:
    """A network trained for `minutes` of this machine's time (the learning rate's schedule follows the clock)."""
    torch.manual_seed(seed)
    batches, stack = Batches(corpora, seed), start or PhoneNetwork()
    optimiser = torch.optim.AdamW(stack.parameters(), LEARNING_RATE, weight_decay=0.01)
    average = torch.optim.swa_utils.AveragedModel(
        stack, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998), use_buffers=True
    )
    began_s, spent, number, running = time.monotonic(), 0.0, 0, 0.0
    while (spent := (time.monotonic() - began_s) / (60.0 * minutes)) < 1.0:
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * min(number / 150 + 0.02, 1.0) * (0.5 + 0.5 * np.cos(np.pi * spent))
        stack.train()
        features, labels = batches.batch()
        optimiser.zero_grad()
        loss = loss_of(stack(features), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(stack.parameters(), 1.0)
        optimiser.step()
        average.update_parameters(stack)
        number, running = number + 1, running + loss.item()
        if number % 300 == 0:
            logger.info("%4.0f %% of the time, %d batches: loss %.3f", 100 * spent, number, running / 300)
            running = 0.0
        if number % 900 == 0:
            watch(average.module.eval(), number)
    return average.module.eval()


_GROUP = torch.from_numpy(np.eye(len(GROUPS), dtype=np.float32)[GROUP_OF_CLASS])
_VISEME = torch.from_numpy(np.eye(len(VISEME_GROUPS) + 1, dtype=np.float32)[VISEME_OF_CLASS])


def loss_of(output: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross entropy of the class (or, where only an ARPAbet label is known, of all its classes) and of the viseme."""
    logits = output.mT.reshape(-1, len(CLASSES))
    labels = labels.reshape(-1)
    known, exact = labels != UNKNOWN, labels < FIRST_GROUP
    chances = functional.log_softmax(logits, dim=1)
    grouped = labels - FIRST_GROUP
    viseme = torch.where(
        exact, torch.from_numpy(VISEME_OF_CLASS)[labels.clamp(max=len(CLASSES) - 1)], torch.from_numpy(VISEME_OF_GROUP)[grouped.clamp(0, len(GROUPS) - 1)]
    )
    own = functional.cross_entropy(logits, labels.clamp(max=len(CLASSES) - 1), reduction="none", label_smoothing=LABEL_SMOOTHING)
    probabilities = chances.exp()
    alike = -torch.log((probabilities @ _GROUP).gather(1, grouped.clamp(0, len(GROUPS) - 1)[:, None])[:, 0] + 1e-6)
    seen = -torch.log((probabilities @ _VISEME).gather(1, viseme[:, None])[:, 0] + 1e-6)
    weight = torch.where(labels == SILENT, SILENCE_WEIGHT, 1.0) * known
    return ((torch.where(exact, own, alike) + VISEME_WEIGHT * seen) * weight).sum() / weight.sum()
