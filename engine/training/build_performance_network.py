"""The performance network: a flow-matching transformer over windows of head, brows and blinks, and its training.

Each token sees the noisy movement, what the mouth does, and the end of the
window before (as given, masked out elsewhere); time enters through the layers' scales and shifts. Conditional flow matching
after Lipman et al. (2023, "Flow matching for generative modeling"), adaptive layer norms after Peebles & Xie (2023); the mouth
is forgotten now and then, so that it can be guided by (Ho & Salimans 2022). What runs it is motion/network.py.
"""

from __future__ import annotations

import logging
import time

import numpy as np
import torch
from torch import nn

from ..motion.network import HEADS, KNOWN, LAYERS, MOVES, PATCH, SPEAKS, UNITS, WIDTH, WINDOW
from .build_performance_data import RATE_HZ, Shot

logger = logging.getLogger(__name__)

MIRRORED = np.array([-1.0, 1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0])
BLINK_SPREAD = 1.5
"""A blink is a bump of this standard deviation, frames, that peaks at 1 where the lids start down."""

BATCH, LEARNING_RATE, WARM_UP = 48, 6e-4, 200
FORGET_SPEECH, FORGET_PAST, SIMULATED_SHARE = 0.12, 0.35, 0.25
AVERAGING = 0.998


class Performer(nn.Module):
    """(B, T, MOVES) noisy movement, (B,) time, conditions -> (B, T, MOVES) velocity."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(PATCH * (2 * MOVES + 1 + SPEAKS + 1), WIDTH)
        self.place = nn.Parameter(0.02 * torch.randn(WINDOW // PATCH, WIDTH))
        self.when = nn.Sequential(nn.Linear(32, WIDTH), nn.SiLU())
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.leave = nn.Linear(WIDTH, PATCH * MOVES)
        nn.init.zeros_(self.leave.weight)

    def forward(self, noisy, moment, speech, known, is_known, simulated):
        """speech (B, T, SPEAKS); known (B, T, MOVES) and is_known (B, T, 1): frames given; simulated (B, 1, 1)."""
        batch, frames, _ = noisy.shape
        columns = [noisy, known * is_known, is_known, speech, simulated.expand(batch, frames, 1)]
        tokens = self.enter(torch.cat(columns, dim=-1).reshape(batch, frames // PATCH, -1)) + self.place
        angles = moment[:, None] * torch.exp(torch.linspace(0.0, 5.0, 16))
        when = self.when(torch.cat([angles.sin(), angles.cos()], dim=-1))
        for layer in self.layers:
            tokens = layer(tokens, when)
        tokens = nn.functional.layer_norm(tokens, (WIDTH,))
        return self.leave(tokens).reshape(batch, frames, MOVES)


class Layer(nn.Module):
    """Attention and a two-layer perceptron, each behind a norm that time scales and shifts."""

    def __init__(self) -> None:
        super().__init__()
        self.adapt = nn.Linear(WIDTH, 4 * WIDTH)
        self.mix = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.wide = nn.Linear(WIDTH, 3 * WIDTH)
        self.narrow = nn.Linear(3 * WIDTH, WIDTH)
        for last in (self.adapt, self.out, self.narrow):
            nn.init.normal_(last.weight, std=0.01)

    def forward(self, tokens, when):
        """(B, N, WIDTH) -> the same."""
        batch, count, _ = tokens.shape
        scale_a, shift_a, scale_b, shift_b = self.adapt(when)[:, None].chunk(4, dim=-1)
        normed = nn.functional.layer_norm(tokens, (WIDTH,)) * (1 + scale_a) + shift_a
        query, key, value = self.mix(normed).reshape(batch, count, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(batch, count, WIDTH)
        tokens = tokens + self.out(mixed)
        normed = nn.functional.layer_norm(tokens, (WIDTH,)) * (1 + scale_b) + shift_b
        return tokens + self.narrow(nn.functional.gelu(self.wide(normed)))


def movement(shot: Shot) -> np.ndarray:
    """(T, MOVES) float32 of a shot in UNITS."""
    frames = np.arange(len(shot.opening))
    bumps = [np.exp(-0.5 * ((frames - start * RATE_HZ) / BLINK_SPREAD) ** 2) for start in shot.blinks_s]
    blinks = np.max(bumps, axis=0) if bumps else np.zeros(len(frames))
    return (np.column_stack([shot.rotation_deg, shot.translation_m, shot.brows, blinks]) / UNITS).astype(np.float32)


def mouth(shot: Shot) -> np.ndarray:
    """(T, SPEAKS) float32: opening and speaking."""
    return np.column_stack([shot.opening, shot.speaking]).astype(np.float32)


Curves = list[tuple[np.ndarray, np.ndarray]]


def _windows(rng: np.random.Generator, curves: Curves, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(count, WINDOW, ...) movement, mouth, and how much each frame counts; mirrored, faster or slower, cut at random."""
    lengths = np.array([len(moves) for moves, _ in curves], float)
    moves_out, mouth_out = np.zeros((count, WINDOW, MOVES), np.float32), np.zeros((count, WINDOW, SPEAKS), np.float32)
    counts = np.zeros((count, WINDOW, 1), np.float32)
    for row, number in enumerate(rng.choice(len(curves), count, p=lengths / lengths.sum())):
        moves, speech = curves[number]
        pace = rng.uniform(0.92, 1.1)
        start = rng.uniform(0.0, max(len(moves) - 1 - WINDOW * pace, 0.0))
        at = start + pace * np.arange(WINDOW)
        at = at[at <= len(moves) - 1]
        for source, target in ((moves, moves_out), (speech, mouth_out)):
            target[row, : len(at)] = np.stack([np.interp(at, np.arange(len(source)), c) for c in source.T], axis=1)
        counts[row, : len(at)] = 1.0
        if rng.random() < 0.5:
            moves_out[row] *= MIRRORED
    return moves_out, mouth_out, counts


def train(real: Curves, simulated: Curves, watched: Curves, seconds: float, seed: int) -> Performer:
    """Train for `seconds` of wall time; returns the running average of the weights. `watched` is only reported."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network, average = Performer(), Performer()
    average.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.02)
    began, step, running = time.monotonic(), 0, 0.0
    while (spent := (time.monotonic() - began) / seconds) < 1.0:
        rate = LEARNING_RATE * min((step + 1) / WARM_UP, 1.0) * (0.03 + 0.97 * (0.5 + 0.5 * np.cos(np.pi * spent)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss = _loss(network, rng, real, simulated)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            for kept, new in zip(average.parameters(), network.parameters()):
                kept.lerp_(new, 1.0 - min(AVERAGING, step / (step + 20.0)))
        step, value = step + 1, float(loss.detach())
        running = running + 0.01 * (value - running) if step > 1 else value
        if step % 250 == 0:
            logger.info("step %d, %d %% of the time: training %.4f, held out %.4f", step, 100 * spent, running,
                        _watch(average, watched))
    return average.eval()


def _loss(network: Performer, rng: np.random.Generator, real: Curves, simulated: Curves, batch: int = BATCH) -> torch.Tensor:
    made = round(SIMULATED_SHARE * batch) if simulated else 0
    parts = [_windows(rng, real, batch - made)] + ([_windows(rng, simulated, made)] if made else [])
    moves, speech, counts = (torch.from_numpy(np.concatenate(piece)) for piece in zip(*parts))
    origin = torch.from_numpy((np.arange(batch) >= batch - made).astype(np.float32))[:, None, None]
    given = torch.zeros(batch, WINDOW, 1)
    given[torch.from_numpy(rng.random(batch) >= FORGET_PAST), :KNOWN] = 1.0
    speech = torch.where(torch.from_numpy(rng.random((batch, 1, 1)) < FORGET_SPEECH), torch.full_like(speech, -1.0), speech)
    moment = torch.sigmoid(torch.from_numpy(rng.standard_normal(batch).astype(np.float32)))
    noise = torch.from_numpy(rng.standard_normal(moves.shape).astype(np.float32))
    noisy = (1 - moment[:, None, None]) * noise + moment[:, None, None] * moves
    velocity = network(noisy, moment, speech, moves, given, origin)
    weight = counts * (1.0 - given)
    return (weight * (velocity - (moves - noise)) ** 2).sum() / (weight.sum() * MOVES)


def _watch(network: Performer, watched: Curves) -> float:
    with torch.no_grad():
        return float(_loss(network, np.random.default_rng(7), watched, [], 96))
