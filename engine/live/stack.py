"""A stack of convolutions run on frames as they come: `audio.weights.run_stack` without the end of the recording."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..audio.weights import Layer, gelu


def look_ahead(layers: tuple[Layer, ...]) -> int:
    """Frames by which the output of a stack comes later than its input."""
    return sum(ahead * dilation for _, ahead, dilation in layers)


class RunningStack:
    """Gives what `run_stack` gives for the whole recording, each frame as soon as the frames it looks at are there."""

    def __init__(self, weights: Mapping[str, np.ndarray], prefix: str, layers: tuple[Layer, ...]) -> None:
        self._layers = [_RunningLayer(weights[f"{prefix}.{n}.weight"], weights[f"{prefix}.{n}.bias"], layer, residual=n > 0)
                        for n, layer in enumerate(layers)]
        self._out = weights[f"{prefix}.out.weight"][:, :, 0].T, weights[f"{prefix}.out.bias"]

    def push(self, x: np.ndarray) -> np.ndarray:
        """(k, inputs) further frames -> (j, outputs): as many frames, once the look-ahead is filled."""
        for layer in self._layers:
            x = layer.push(x)
        return x @ self._out[0] + self._out[1]


class _RunningLayer:
    """One convolution with the frames it still needs; before the first frame there are zeros, as offline."""

    def __init__(self, weight: np.ndarray, bias: np.ndarray, layer: Layer, *, residual: bool) -> None:
        past, ahead, dilation = layer
        self._matrix, self._bias, self._residual = weight.transpose(2, 1, 0).reshape(-1, len(weight)), bias, residual
        self._taps = dilation * np.arange(past + ahead + 1)
        self._before = past * dilation
        self._kept = np.zeros((self._before, weight.shape[1]), np.float32)

    def push(self, x: np.ndarray) -> np.ndarray:
        self._kept = np.concatenate([self._kept, x])
        count = max(len(self._kept) - int(self._taps[-1]), 0)
        here = self._kept[self._before : self._before + count]
        read = self._kept[np.arange(count)[:, None] + self._taps].reshape(count, len(self._matrix))
        y = gelu(read @ self._matrix + self._bias)
        self._kept = self._kept[count:]
        return here + y if self._residual else y
