"""pocketsphinx' acoustic model fitted to one recording: a linear map a stream moves all its means to this voice and room.

Maximum likelihood linear regression of the means (Leggetter and Woodland 1995), without words: what the phone network
hears says to which phone's Gaussians a frame belongs.
"""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from .acoustic_model import CEPSTRA, STREAMS, AcousticModel, streams_of

PRIOR_FRAMES = 50.0
"""Frames as the model expects them keep short recordings near it (100 and more: worse on GRID's three seconds)."""
LEAST_SURE = 0.5
"""Frames of which no phone is likelier than this teach nothing."""
NOT_SPOKEN = ("SIL", "+NSN+", "+SPN+")
"""Phones of the model that are no speech; their Gaussians stay where they are."""
_TINY = 1e-30


class Regression:
    """Gathers frames, then tells the maps; `original` is the model before any fitting, `current` assigns frames to Gaussians."""

    def __init__(self, original: AcousticModel, current: AcousticModel) -> None:
        self._original, self._current = original, current
        self._counts = np.zeros(original.means.shape[:3])
        self._sums = np.zeros(original.means.shape)

    def add(self, cepstra: np.ndarray, chances: np.ndarray) -> None:
        """(T, CEPSTRA) of a chunk and (T, phones of the model) how likely each is, a row more or less."""
        count = min(len(cepstra), len(chances))
        if not count:
            return
        streams, likeliest = streams_of(cepstra)[:count].astype(np.float32), chances[:count].argmax(axis=1)
        sure = chances[:count].max(axis=1)
        for phone in self._spoken():
            frames = np.flatnonzero((likeliest == phone) & (sure > LEAST_SURE))
            if len(frames):
                self.add_phone(phone, streams[frames], sure[frames])

    def add_phone(self, phone: int, streams: np.ndarray, sure: np.ndarray) -> None:
        """Share (T, STREAMS, CEPSTRA) frames of a phone, (T,) sure, out among the Gaussians its best senone weighs."""
        best = self._current.owned[phone][self._current.scores(streams, phone).argmax(axis=1)]
        for stream in range(STREAMS):
            weights = np.log(self._current.weights[stream][:, best].T + _TINY)
            shares = softmax(weights + self._current.densities(streams, phone, stream), axis=1) * sure[:, None]
            self._counts[phone, stream] += shares.sum(axis=0)
            self._sums[phone, stream] += shares.T @ streams[:, stream]

    def maps(self) -> np.ndarray:
        """(STREAMS, CEPSTRA, 1 + CEPSTRA): new mean = map @ (1, mean)."""
        counts, sums = self._counts + self._prior(), self._sums + self._prior()[..., None] * self._original.means
        maps = np.empty((STREAMS, CEPSTRA, 1 + CEPSTRA))
        for stream in range(STREAMS):
            means = _extended(self._original.means[:, stream].reshape(-1, CEPSTRA).astype(np.float64))
            count, total = counts[:, stream].reshape(-1), sums[:, stream].reshape(-1, CEPSTRA)
            precision = 1.0 / self._original.variances[:, stream].reshape(-1, CEPSTRA).astype(np.float64)
            for row in range(CEPSTRA):
                squares = (means * (count * precision[:, row])[:, None]).T @ means
                maps[stream, row] = np.linalg.solve(squares, means.T @ (total[:, row] * precision[:, row]))
        return maps

    def _spoken(self) -> list[int]:
        return [number for number, name in enumerate(self._original.phones) if name not in NOT_SPOKEN]

    def _prior(self) -> np.ndarray:
        """PRIOR_FRAMES as the model expects them: as many of every phone, its Gaussians as its senones weigh them."""
        prior, spoken = np.zeros_like(self._counts), self._spoken()
        for phone in spoken:
            shares = self._original.weights[:, :, self._original.owned[phone]].mean(axis=2)
            prior[phone] = PRIOR_FRAMES / len(spoken) * shares / shares.sum(axis=1, keepdims=True)
        return prior


def _extended(means: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ones((*means.shape[:-1], 1)), means], axis=-1)


def fitted(model: AcousticModel, maps: np.ndarray) -> AcousticModel:
    """The model with its spoken phones' means moved by (STREAMS, CEPSTRA, 1 + CEPSTRA) `maps`."""
    means = np.einsum("psgi,soi->psgo", _extended(model.means), maps)
    still = [number for number, name in enumerate(model.phones) if name in NOT_SPOKEN]
    means[still] = model.means[still]
    return model.moved(means)
