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

WIDTH = 320
SEGMENT = 300
BATCH = 16
LEARNING_RATE = 2.5e-3
CHANNEL_DROPOUT, HARD_CHANNEL_DROPOUT = 0.05, 0.1
HARD_FROM = 0.75
"""After this share of the time come worse recordings and more of the people among the talkers: by then the network gets better
at unseen made voices only."""
LABEL_SMOOTHING = 0.05
VISEME_WEIGHT = 0.8
SILENCE_WEIGHT = 0.5
PRIMED_SHARE = 0.6
"""Of the segments this share is heard by a leveller that knows the recording already; the others begin a stream."""

SHARES = {
    "kokoro": 0.45, "hibari": 0.08, "flite": 0.07, "espeak": 0.12, "joe": 0.05, "grid_s1": 0.09, "prompts_en": 0.10, "prompts_es": 0.04,
}  # fmt: skip
HARD_SHARES = {
    "kokoro": 0.40, "hibari": 0.07, "flite": 0.05, "espeak": 0.09, "joe": 0.05, "grid_s1": 0.12, "prompts_en": 0.22, "prompts_es": 0.0,
}  # fmt: skip
"""How often each talker is heard. GRID is one man and 51 words, but a man; the prompts are a woman's."""


class PhoneNetwork(nn.Module):
    """Residual convolutions as `audio.phone_stream` runs them, normalised while they learn (Ioffe & Szegedy 2015); 2.3 million numbers."""

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
        self._shares = self._shared_as(SHARES)
        self._disguises = Disguises(self._rng)

    def harder(self) -> None:
        """From now on worse recordings, and more of the people."""
        self._shares, self._disguises.hard = self._shared_as(HARD_SHARES), True

    def _shared_as(self, shares: dict[str, float]) -> np.ndarray:
        wished = np.array([shares[corpus.talker] for corpus in self._corpora])
        return wished / wished.sum()

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
    """A network trained for `minutes` of this machine's time (the learning rate's schedule follows the clock).

    Its products are taken in bfloat16, which processors that know it do twice as fast.
    """
    torch.manual_seed(seed)
    batches, stack = Batches(corpora, seed), start or PhoneNetwork()
    optimiser = torch.optim.AdamW(stack.parameters(), LEARNING_RATE, weight_decay=0.01)
    average = torch.optim.swa_utils.AveragedModel(
        stack, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.999), use_buffers=True
    )
    began_s, spent, number, running, easy = time.monotonic(), 0.0, 0, 0.0, {}
    while (spent := (time.monotonic() - began_s) / (60.0 * minutes)) < 1.0:
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * min(number / 300 + 0.02, 1.0) * (0.5 + 0.5 * np.cos(np.pi * spent))
        if spent >= HARD_FROM and not easy:
            easy = {name: value.clone() for name, value in average.module.state_dict().items()}
            batches.harder()
            stack.dropout.p = HARD_CHANNEL_DROPOUT
        stack.train()
        features, labels = batches.batch()
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            output = stack(features)
        loss = loss_of(output.float(), labels)
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
    return _between(easy, average.module)


def _between(easy: dict[str, torch.Tensor], hard: PhoneNetwork) -> PhoneNetwork:
    """Halfway from the network of HARD_FROM to the last: good in clean sound as the first, in bad sound as the second."""
    last = hard.state_dict()
    hard.load_state_dict({name: torch.lerp(easy.get(name, value), value, 0.5) if value.is_floating_point() else value
                          for name, value in last.items()})  # fmt: skip
    return hard.eval()


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
