"""The phone network as a stream: samples go in as they arrive, posteriors of the sounds come out 10 ms by 10 ms.

    stream = PhoneStream()
    for chunk in microphone:                  # (n,) float32 at 16 kHz, any n
        rows = stream.push(chunk)             # (k, len(CLASSES)) probabilities of the next k frames, k >= 0
    rows = stream.finish()                    # the frames still in flight

Row n of all rows ever returned belongs to the moment n * HOP_S on the clock of the samples pushed. It comes out once the
samples up to LOOK_AHEAD_S after that moment are there, and not later: nothing else is waited for. `push` and one big `push`
give the same numbers. A recording is understood by the same class (`hear_phones`), so live and offline cannot drift apart.

Input: mel spectra every 10 ms against a slowly moving mean of each band, in which loud frames count more; that takes out level,
microphone and room. Two frames at a time go through a stack of causal convolutions (training/build_phones.py).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

import numpy as np
import soxr
from scipy.signal import lfilter
from scipy.special import softmax

from ..progress import Progress, silent
from .decode import SAMPLE_RATE_HZ
from .mel import MEL_BANDS, WINDOW_SAMPLES, power_of
from .rows import BLOCK_ROWS, Track, blocks_of
from .sounds import CLASSES
from .speech import HOP_S
from .weights import Layer, gelu, shipped_weights, taps_of

WEIGHTS = "phones.safetensors"
WEIGHTS_SHA256 = "2d133dcd9d39705f0fc21879d2d5e2aa26cefb785013b291272648ae3d141644"
LAYERS: tuple[Layer, ...] = ((2, 2, 1), (2, 0, 1), (2, 0, 2), (2, 0, 4), (2, 0, 1), (2, 0, 2), (2, 0, 4), (2, 0, 8))
"""In steps of 20 ms: reads 1 s back and 40 ms ahead."""

HOP = round(HOP_S * SAMPLE_RATE_HZ)
STEP = 2
"""Frames the network takes in, and answers, at a time."""

LOOK_AHEAD_S = (STEP - 1 + STEP * LAYERS[0][1]) * HOP_S + WINDOW_SAMPLES / 2 / SAMPLE_RATE_HZ
"""66 ms: the second frame of the step, the steps the first layer reads ahead, half a spectrum's window."""

FEATURES = MEL_BANDS + 1
MEAN_S = 6.0
"""Time constant of the mean that is taken out of every band."""
LOUD_WEIGHT = 0.35
"""A frame counts in that mean with its power to this exponent: 30 dB louder, eleven times as much."""
PEAK_FALL_DB = 0.02
"""The loudest recent level sinks by this much a frame: 2 dB a second."""

OTHER_PACES = (0.9, 1.12)
"""A recording is heard slower and deeper, and faster and higher, as well: another mouth that says the same."""

_RANGE_DB = 80.0
_UNIT_DB = 10.0
_TINY = 1e-10


class Leveller:
    """The features of consecutive frames; keeps what it has heard, so that level and microphone cancel out."""

    def __init__(self) -> None:
        self._decay = float(np.exp(-HOP_S / MEAN_S))
        self._sums = np.zeros((1, MEL_BANDS + 1))
        self._peak_db = -np.inf

    def primed(self, power: Track) -> Leveller:
        """Start as if frames like (T, MEL_BANDS) `power` had just been heard (of a recording that is at hand as a whole)."""
        total, levels = np.zeros(MEL_BANDS + 1), []
        for _, block in blocks_of(power):
            weight = _weight(block)
            total += np.column_stack([_decibels(block) * weight, weight]).sum(axis=0)
            levels.append(_level_db(block))
        self._sums = total[None] / len(power) / (1.0 - self._decay)
        self._peak_db = float(np.percentile(np.concatenate(levels), 95))
        return self

    def __call__(self, power: np.ndarray) -> np.ndarray:
        """(T, MEL_BANDS) mel power of the next T frames -> (T, FEATURES) float32."""
        decibels, weight, level_db = _decibels(power), _weight(power), _level_db(power)
        fallen = np.arange(1, len(power) + 1) * PEAK_FALL_DB
        peak_db = np.maximum(np.maximum.accumulate(level_db + fallen), self._peak_db) - fallen
        added = np.column_stack([decibels * weight, weight])
        sums, _ = lfilter([1.0], [1.0, -self._decay], added, axis=0, zi=self._decay * self._sums)
        self._sums, self._peak_db = sums[-1:], float(peak_db[-1])
        above = np.maximum(decibels, peak_db[:, None] - _RANGE_DB) - sums[:, :-1] / sums[:, -1:]
        return np.column_stack([above, level_db - peak_db + _RANGE_DB / 4]).astype(np.float32) / np.float32(_UNIT_DB)


def _decibels(power: np.ndarray) -> np.ndarray:
    return 10.0 * np.log10(power + np.float32(_TINY))


def _level_db(power: np.ndarray) -> np.ndarray:
    return 10.0 * np.log10(power.sum(axis=1, dtype=np.float64) + _TINY)


def _weight(power: np.ndarray) -> np.ndarray:
    return (power.sum(axis=1, dtype=np.float64)[:, None] + _TINY) ** LOUD_WEIGHT


class PhoneStream:
    """Posteriors of the sounds, as the samples arrive. One stream per voice; not shared between threads."""

    def __init__(self, leveller: Leveller | None = None) -> None:
        self._layers = _Layers(shipped_weights(WEIGHTS, WEIGHTS_SHA256))
        self._leveller = leveller or Leveller()
        self._samples = np.zeros(WINDOW_SAMPLES // 2, np.float32)
        self._pushed = self._framed = self._given = 0
        self._waiting = np.zeros((0, FEATURES), np.float32)

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Take (n,) float32 samples at 16 kHz; return (k, len(CLASSES)) float32 probabilities of the frames now decided."""
        self._pushed += len(samples)
        return self._advance(np.asarray(samples, np.float32))

    def finish(self) -> np.ndarray:
        """The last frames, with silence after the end: in all there are pushed // 160 + 1 of them."""
        wanted = self._pushed // HOP + 1
        rows = self._advance(np.zeros(WINDOW_SAMPLES + HOP * STEP * (LAYERS[0][1] + 2), np.float32))
        self._given -= len(rows)
        return rows[: wanted - self._given]

    def _advance(self, samples: np.ndarray) -> np.ndarray:
        self._samples = np.concatenate([self._samples, samples])
        count = max((len(self._samples) - WINDOW_SAMPLES) // HOP + 1, 0)
        if count:
            windows = np.lib.stride_tricks.sliding_window_view(self._samples, WINDOW_SAMPLES)[: count * HOP : HOP]
            self._waiting = np.concatenate([self._waiting, self._leveller(power_of(windows))])
            self._samples = self._samples[count * HOP :]
        steps = len(self._waiting) // STEP
        if not steps:
            return np.zeros((0, len(CLASSES)), np.float32)
        paired = self._waiting[: steps * STEP].reshape(steps, STEP * FEATURES)
        self._waiting = self._waiting[steps * STEP :]
        rows = softmax(self._layers(paired).reshape(-1, len(CLASSES)), axis=1)
        self._given += len(rows)
        return rows


class _Layers:
    """The convolutions of `weights.run_stack`, fed piece by piece: each layer remembers the frames its next output needs."""

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        self._taps = [taps_of(weights[f"phones.{number}.weight"]) for number in range(len(LAYERS))]
        self._biases = [weights[f"phones.{number}.bias"] for number in range(len(LAYERS))]
        self._out, self._out_bias = taps_of(weights["phones.out.weight"])[0], weights["phones.out.bias"]
        self._memory = [
            np.zeros(((past + ahead) * step, taps.shape[1]), np.float32)
            for (past, ahead, step), taps in zip(LAYERS, self._taps)
        ]
        self._early = LAYERS[0][1]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(T, inputs) -> (up to T, outputs): the first outputs come when the frames they look ahead to are there."""
        x = gelu(self._convolved(0, x))
        early = min(self._early, len(x))
        self._early -= early
        x = x[early:]
        for number in range(1, len(LAYERS)):
            x = x + gelu(self._convolved(number, x))
        return x @ self._out + self._out_bias

    def _convolved(self, number: int, x: np.ndarray) -> np.ndarray:
        """As many outputs as inputs, each as late as the layer looks ahead."""
        step = LAYERS[number][2]
        joined = np.concatenate([self._memory[number], x])
        self._memory[number] = joined[len(x) :]
        pieces = (joined[tap * step : tap * step + len(x)] @ matrix for tap, matrix in enumerate(self._taps[number]))
        return sum(pieces) + self._biases[number]


def hear_recording(samples: Track, power: Track, *, progress: Progress = silent) -> np.ndarray:
    """As `hear_phones`, at three paces, averaged: of people's frames .3 - 2.9 points more are right (docs/models.md)."""
    return np.concatenate([*recording_blocks(samples, power, progress=progress)])


def hear_phones(samples: Track, power: Track, *, progress: Progress = silent) -> np.ndarray:
    """(N,) samples at 16 kHz -> (N // 160 + 1, len(CLASSES)) float16 probabilities, one row per HOP_S.

    power: (T, MEL_BANDS) mel power of the whole recording at any frame rate: what the stream would know after a while.
    """
    return np.concatenate([*recording_blocks(samples, power, (1.0,), progress=progress)])


def recording_blocks(
    samples: Track, power: Track, paces: tuple[float, ...] = (1.0, *OTHER_PACES), *, progress: Progress = silent
) -> Iterator[np.ndarray]:
    """The rows of a recording, block by block: the mean of what is heard at the `paces`, of which the first is 1."""
    leveller = Leveller().primed(power)
    hearers = [_PacedStream(pace, leveller) for pace in paces]
    given = 0
    for start, part in blocks_of(samples, BLOCK_ROWS * HOP):
        progress("phones", start, len(samples))
        for hearer in hearers:
            hearer.push(part, last=start + len(part) == len(samples))
        stop = min(hearer.reach(given, hearers[0].heard) for hearer in hearers)
        rows = hearers[0].rows(given, stop)
        for hearer in hearers[1:]:
            rows += hearer.rows(given, stop)
        yield rows / np.float16(len(paces))
        given = stop


class _PacedStream:
    """A stream that hears a recording slower or faster, and answers by the frames of the recording."""

    def __init__(self, pace: float, leveller: Leveller) -> None:
        self._pace, self._stream = pace, PhoneStream(copy.copy(leveller))
        self._resampler = soxr.ResampleStream(SAMPLE_RATE_HZ * pace, SAMPLE_RATE_HZ, 1) if pace != 1.0 else None
        self._kept = np.zeros((0, len(CLASSES)), np.float16)
        self._dropped, self._ended = 0, False

    @property
    def heard(self) -> int:
        """Frames heard so far, of the stream's own."""
        return self._dropped + len(self._kept)

    def push(self, samples: np.ndarray, *, last: bool) -> None:
        """Hear (n,) samples of the recording; `last`: they are its end."""
        paced = self._resampler.resample_chunk(samples, last=last) if self._resampler else samples
        heard = [self._stream.push(paced), *([self._stream.finish()] if last else [])]
        self._kept = np.concatenate([self._kept, *(rows.astype(np.float16) for rows in heard)])
        self._ended = last

    def reach(self, first: int, stop: int) -> int:
        """Up to which of the recording's frames `first` to `stop` it has heard; all when it has ended."""
        return stop if self._ended else first + int(np.searchsorted(self._place(first, stop), self.heard))

    def rows(self, first: int, stop: int) -> np.ndarray:
        """(stop - first, len(CLASSES)) float16 of the recording's frames; those before `first` will not be asked for again."""
        rows = self._kept[np.minimum(self._place(first, stop), self.heard - 1) - self._dropped]
        passed = int(self._place(stop, stop + 1)[0]) - 1 - self._dropped
        passed = int(np.clip(passed, 0, len(self._kept) - 1))
        self._kept, self._dropped = self._kept[passed:], self._dropped + passed
        return rows

    def _place(self, first: int, stop: int) -> np.ndarray:
        """The stream's frames that are nearest to frames `first` to `stop` of the recording."""
        return np.rint(np.arange(first, stop) / self._pace).astype(int)
