"""A second ear: what pocketsphinx' acoustic model hears, frame by frame, without any words.

That model (Gaussian mixtures, US English, in pocketsphinx' wheel) was trained on far more people than our phone
network and errs elsewhere. Its best fitting senone (a third of a phone among certain neighbours) says how near each
frame comes to each phone. Taken as it is: a network that learned to read it from our talkers did worse on people it
had not heard (docs/models.md).
"""

from __future__ import annotations

import functools
import struct
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.special import log_softmax

from .sounds import ARPABET_OF, BREATH, LAUGHTER, LOOKS_OF_LABEL
from .speech import SILENCE
from .sphinx import SCORE_NATS, SenoneScorer, model_file

LABELS: tuple[str, ...] = tuple(dict.fromkeys(ARPABET_OF.values()))
"""The labels of the phones the network finds: classes whose lips look alike share one."""

SECOND_WEIGHT = 0.5
"""Likelihoods of the model count to this power: it takes neighbouring frames for independent."""
LEAST_ALIKE, FULLY_ALIKE = 0.3, 0.45
"""Share of the spoken frames in which both ears hear sounds that look alike: below the first the second ear counts for
nothing, above the second in full. People in quiet .4 - .6, noise at 10 dB .36, music at 5 dB .33."""
_SMOOTH_FRAMES = 3
_FLOOR = -12.0
_SPOKEN = 0.5

_LOOKS = np.array([LOOKS_OF_LABEL.get(label, -1) for label in LABELS])


class SecondEar:
    """Hears one chunk after another."""

    def __init__(self) -> None:
        self._scorer = SenoneScorer()

    def nearness(self, pcm: bytes) -> np.ndarray:
        """16-bit PCM at 16 kHz -> (T, phones of the model) float32, a row per 10 ms: log likelihood of each phone's best
        senone, 0 the best of all."""
        names, order, starts = _phones_of_senones()
        best = [np.minimum.reduceat(scores[:, order], starts, axis=1) for scores in self._scorer.scores(pcm)]
        if not best:
            return np.zeros((0, len(names)), np.float32)
        return uniform_filter1d(np.concatenate(best) * np.float32(-SCORE_NATS), _SMOOTH_FRAMES, axis=0)


def second_opinion(nearness: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Logarithms to be added to those of the first ear's (T, len(LABELS)) chances; none where the two agree too little."""
    count = min(len(nearness), len(chances))
    opinion = np.zeros(chances.shape, np.float32)
    whole = _log_chances(nearness[:count], SECOND_WEIGHT)
    spoken = chances[:count, LABELS.index(SILENCE)] < _SPOKEN
    if spoken.any():
        looks = _LOOKS[whole[spoken].argmax(axis=1)], _LOOKS[chances[:count][spoken].argmax(axis=1)]
        trusted = np.clip((np.mean(looks[0] == looks[1]) - LEAST_ALIKE) / (FULLY_ALIKE - LEAST_ALIKE), 0.0, 1.0)
        opinion[:count] = _log_chances(nearness[:count], trusted * SECOND_WEIGHT)
    return opinion


def _log_chances(nearness: np.ndarray, weight: float) -> np.ndarray:
    """(T, len(LABELS)) log chances. What the model has no phone for is judged as silence, a little less likely."""
    names, _, _ = _phones_of_senones()
    chances = log_softmax(weight * nearness, axis=1)
    silent = chances[:, [name in _NOT_SPOKEN for name in names]].max(axis=1)
    columns = {SILENCE: silent, BREATH: silent - weight, LAUGHTER: silent - weight}
    columns |= {name: chances[:, number] for number, name in enumerate(names) if name not in _NOT_SPOKEN}
    return np.maximum(np.stack([columns[label] for label in LABELS], axis=1), _FLOOR)


_NOT_SPOKEN = ("SIL", "+NSN+", "+SPN+")


@functools.cache
def _phones_of_senones() -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Names of the model's phones; its senones sorted by phone, those that know their neighbours where there are any;
    where each phone's begin."""
    names, alone, owner = read_model_definition(model_file("en-us") / "mdef")
    in_context = np.arange(len(owner)) >= alone
    used = np.flatnonzero(in_context | ~np.isin(owner, owner[in_context]))
    order = used[np.argsort(owner[used], kind="stable")]
    return names, order, np.searchsorted(owner[order], np.arange(len(names)))


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
