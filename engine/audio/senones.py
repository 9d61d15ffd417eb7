"""A second ear: what pocketsphinx' acoustic model hears, frame by frame, without any words.

That model (Gaussian mixtures, US English, in pocketsphinx' wheel) was trained on far more people than our phone
network and errs elsewhere. Its best fitting senone (a third of a phone among certain neighbours) says how near each
frame comes to each phone. Taken as it is: a network that learned to read it from our talkers did worse on people it
had not heard (docs/models.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.special import log_softmax

from .acoustic_model import english_model
from .adaptation import NOT_SPOKEN, Regression, fitted
from .sounds import ARPABET_OF, BREATH, LAUGHTER, LOOKS_OF_LABEL
from .speech import SILENCE
from .sphinx import CepstraReader

LABELS: tuple[str, ...] = tuple(dict.fromkeys(ARPABET_OF.values()))
"""The labels of the phones the network finds: classes whose lips look alike share one."""

SECOND_WEIGHT = 0.5
"""Likelihoods of the model count to this power: it takes neighbouring frames for independent."""
LEAST_ALIKE, FULLY_ALIKE = 0.3, 0.45
"""Share of the spoken frames in which both ears hear sounds that look alike: below the first the second ear counts for
nothing, above the second in full. People in quiet .4 - .6, noise at 10 dB .36, music at 5 dB .33."""
FIT_ROUNDS = 2
"""The second time the model that the first fitted says which frames are whose."""
_SMOOTH_FRAMES = 3
_FLOOR = -12.0
_SPOKEN = 0.5

_LOOKS = np.array([LOOKS_OF_LABEL.get(label, -1) for label in LABELS])


class SecondEar:
    """Hears one chunk after another, after it has been fitted to the recording."""

    def __init__(self) -> None:
        self._reader, self._model = CepstraReader(), english_model()

    def nearness(self, pcm: bytes) -> np.ndarray:
        """16-bit PCM at 16 kHz -> (T, phones of the model) float32, a row per 10 ms: log likelihood of each phone's best
        senone, 0 the best of all."""
        nearness = self._model.nearness(self._reader.cepstra(pcm))
        return uniform_filter1d(nearness, _SMOOTH_FRAMES, axis=0) if len(nearness) else nearness

    def fit(self, chunks: Sequence[tuple[bytes, np.ndarray]]) -> np.ndarray:
        """Fit the model to a recording's voice and room by chunks of it: PCM and (T, len(LABELS)) chances of the first ear.

        Returns the maps (adaptation.py), which fit the word recogniser's model as well.
        """
        heard = [(self._reader.cepstra(pcm), _by_phone(chances, self._model.phones)) for pcm, chances in chunks]
        for _ in range(FIT_ROUNDS):
            regression = Regression(english_model(), self._model)
            for cepstra, chances in heard:
                regression.add(cepstra, chances)
            maps = regression.maps()
            self._model = fitted(english_model(), maps)
        return maps



def _by_phone(chances: np.ndarray, phones: tuple[str, ...]) -> np.ndarray:
    """(T, len(LABELS)) -> (T, len(phones)): the chances of the labels the model has phones for; of the others nothing."""
    return np.stack([chances[:, LABELS.index(name)] if name in LABELS else np.zeros(len(chances)) for name in phones], axis=1)


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
    names = english_model().phones
    chances = log_softmax(weight * nearness, axis=1)
    silent = chances[:, [name in NOT_SPOKEN for name in names]].max(axis=1)
    columns = {SILENCE: silent, BREATH: silent - weight, LAUGHTER: silent - weight}
    columns |= {name: chances[:, number] for number, name in enumerate(names) if name not in NOT_SPOKEN}
    return np.maximum(np.stack([columns[label] for label in LABELS], axis=1), _FLOOR)
