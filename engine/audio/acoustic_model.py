"""pocketsphinx' acoustic model (Gaussian mixtures, US English, in its wheel), computed here: its means can move.

Each phone has a codebook of Gaussians in each of three streams (cepstra, their changes, the changes of these); each
senone, a third of a phone among certain neighbours, weighs the Gaussians of its phone's codebook ("phonetically tied",
ptm_mgau.c). Scores agree with pocketsphinx' own to a tenth where a senone fits; far off, pocketsphinx cuts them.
"""

from __future__ import annotations

import dataclasses
import functools
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .sphinx import CEPSTRA, model_file

STREAMS = 3
SCORE_NATS = 1024 * float(np.log(1.0001))
"""Weights are kept in steps of 2 ** 10 of a logarithm to the base 1.0001."""
_LEAST_VARIANCE = 1e-4
_TINY = 1e-30
_BLOCK_FRAMES = 200
"""Frames scored together: the densities of one codebook and stream fit the processor's cache."""


def streams_of(cepstra: np.ndarray) -> np.ndarray:
    """(T, CEPSTRA) cepstra of a chunk -> (T, STREAMS, CEPSTRA): less their mean, changes, changes of these (feat.c)."""
    level = cepstra - cepstra.mean(axis=0)
    padded = np.concatenate([level[:1]] * 3 + [level] + [level[-1:]] * 3)

    def moved(by: int) -> np.ndarray:
        return padded[3 + by : 3 + by + len(level)]

    changes = moved(2) - moved(-2)
    return np.stack([level, changes, (moved(3) - moved(-1)) - (moved(1) - moved(-3))], axis=1)


@dataclass(frozen=True)
class AcousticModel:
    """phones: names. means, variances: (phones, STREAMS, Gaussians, CEPSTRA). weights: (STREAMS, Gaussians, senones).
    owned: the senones of each phone; in_context: those of them that know their neighbours, where there are any."""

    phones: tuple[str, ...]
    means: np.ndarray
    variances: np.ndarray
    weights: np.ndarray
    owned: Sequence[np.ndarray]
    in_context: Sequence[np.ndarray]

    def moved(self, means: np.ndarray) -> AcousticModel:
        """The same with other means."""
        return dataclasses.replace(self, means=means.astype(np.float32))

    def densities(self, streams: np.ndarray, phone: int, stream: int) -> np.ndarray:
        """(T, STREAMS, CEPSTRA) -> (T, Gaussians) log densities in one codebook."""
        means, precisions = self.means[phone, stream], 0.5 / self.variances[phone, stream]
        fixed = -0.5 * np.log(2 * np.pi * self.variances[phone, stream]).sum(axis=1) - (means**2 * precisions).sum(axis=1)
        x = streams[:, stream]
        return x @ (2 * means * precisions).T - (x * x) @ precisions.T + fixed

    def scores(self, streams: np.ndarray, phone: int) -> np.ndarray:
        """(T, senones the phone owns) log likelihoods."""
        total = np.float32(0.0)
        for stream in range(STREAMS):
            densities = self.densities(streams, phone, stream)
            highest = densities.max(axis=1, keepdims=True)
            weighed = np.exp(densities - highest) @ self.weights[stream][:, self.owned[phone]]
            total = total + np.log(weighed + np.float32(_TINY)) + highest
        return total

    def nearness(self, cepstra: np.ndarray) -> np.ndarray:
        """(T, CEPSTRA) of a chunk -> (T, phones) float32: log likelihood of each phone's best senone, 0 the best of all."""
        best = np.zeros((len(cepstra), len(self.phones)), np.float32)
        if not len(cepstra):
            return best
        streams = streams_of(cepstra).astype(np.float32)
        for first in range(0, len(streams), _BLOCK_FRAMES):
            block = slice(first, first + _BLOCK_FRAMES)
            highest = np.full((len(streams[block]), 1), -np.inf, np.float32)
            for phone, wanted in enumerate(self.in_context):
                scores = self.scores(streams[block], phone)
                highest = np.maximum(highest, scores.max(axis=1, keepdims=True))
                best[block, phone] = scores[:, np.searchsorted(self.owned[phone], wanted)].max(axis=1)
            best[block] -= highest
        return best


@functools.cache
def english_model() -> AcousticModel:
    """The model in pocketsphinx' wheel, as it was trained."""
    folder = model_file("en-us")
    phones, alone, owner = read_model_definition(folder / "mdef")
    owned = [np.flatnonzero(owner == phone) for phone in range(len(phones))]
    in_context = [own[own >= alone] if (own >= alone).any() else own for own in owned]
    means, variances = _read_gaussians(folder / "means"), _read_gaussians(folder / "variances")
    variances = np.maximum(variances, np.float32(_LEAST_VARIANCE))
    return AcousticModel(phones, means, variances, _read_weights(folder / "sendump"), owned, in_context)


def _read_gaussians(path: Path) -> np.ndarray:
    """(phones, streams, Gaussians, numbers) of a file of Sphinx 3: a header in words, byte order, four counts, floats."""
    data = path.read_bytes()
    position = data.index(b"endhdr\n") + len(b"endhdr\n") + 4
    phones, streams, gaussians, *lengths = struct.unpack_from("<6i", data, position)
    numbers = np.frombuffer(data, "<f4", phones * sum(lengths) * gaussians, position + 28)
    return numbers.reshape(phones, streams, gaussians, -1)


def _read_weights(path: Path) -> np.ndarray:
    """(STREAMS, Gaussians, senones) float32 of a "sendump": strings, two counts, a byte for minus the log of a weight."""
    data = path.read_bytes()
    position, length = 0, -1
    while length:
        (length,) = struct.unpack_from("<i", data, position)
        position += 4 + length
    gaussians, senones = struct.unpack_from("<2i", data, position)
    steps = np.frombuffer(data, np.uint8, STREAMS * gaussians * senones, position + 8)
    return np.exp(np.float32(-SCORE_NATS) * steps.reshape(STREAMS, gaussians, senones))


def read_model_definition(path: Path) -> tuple[tuple[str, ...], int, np.ndarray]:
    """Names of the phones; the number of senones that know no neighbours (the first ones); (S,) whose phone each senone is.

    The file (sphinxbase, bin_mdef.h): "BMDF", version, length of a description and that; ten counts; the phones' names,
    ended by zeros, padded to four bytes; a tree of contexts, 8 bytes a node; 12 bytes a phone (sequence of senones,
    transitions, place and context); the number of what follows: the sequences.
    """
    data = path.read_bytes()
    position = 12 + struct.unpack_from("<i", data, 8)[0]
    plain, phones, states, alone, senones, _, sequences, _, nodes, _ = struct.unpack_from("<10i", data, position)
    names, start = [], position + 40
    position = start
    for _ in range(plain):
        end = data.index(b"\0", position)
        names.append(data[position:end].decode())
        position = end + 1
    position = start + -(-(position - start) // 4) * 4 + 8 * nodes
    sequence = np.frombuffer(data, "<i4", 3 * phones, position).reshape(phones, 3)[:, 0]
    middle = np.frombuffer(data, np.uint8, 12 * phones, position).reshape(phones, 12)[:, 9].astype(np.int64)
    middle[:plain] = np.arange(plain)
    parts = np.frombuffer(data, "<u2", sequences * states, position + 12 * phones + 4).reshape(sequences, states)
    owner = np.empty(senones, np.int64)
    owner[parts[sequence].ravel()] = np.repeat(middle, states)
    return tuple(names), alone, owner
