"""Trained weights: safetensors files read and written with NumPy alone, and the convolutions they are for.

The format (github.com/huggingface/safetensors): an 8-byte little-endian header length, a JSON header that gives each
tensor's type, shape and byte range, then the bytes. Nothing in it can run code, and nothing else is needed to read it.
"""

from __future__ import annotations

import functools
import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.special import erf

from ..errors import FormatError

ASSETS = Path(__file__).resolve().parents[1] / "assets"
BLOCK_FRAMES = 4000
_TYPES = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}

Layer = tuple[int, int, int]
"""(past, ahead, dilation) of a convolution: how many frames it reads before and after its own, in steps of dilation."""


@functools.cache
def shipped_weights(name: str, sha256: str) -> dict[str, np.ndarray]:
    """The float32 tensors of engine/assets/`name`. Raises FormatError when it is not the file the code was made for."""
    path = ASSETS / name
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise FormatError(f"{path} is missing or damaged; install Soliloquy again.")
    return from_safetensors(data, str(path))


def from_safetensors(data: bytes, name: str = "weights") -> dict[str, np.ndarray]:
    """Tensors of a safetensors file as float32. Raises FormatError."""
    try:
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
        header.pop("__metadata__", None)
        body = memoryview(data)[8 + length :]
        return {key: _tensor(body, entry) for key, entry in header.items()}
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"{name} is not a readable safetensors file ({error}).") from error


def _tensor(body: memoryview, entry: Mapping) -> np.ndarray:
    start, end = entry["data_offsets"]
    return np.frombuffer(body[start:end], _TYPES[entry["dtype"]]).reshape(entry["shape"]).astype(np.float32)


def to_safetensors(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """A safetensors file with the tensors as float16, in the order of their names: same tensors, same bytes."""
    header, body = {"__metadata__": dict(sorted(metadata.items()))}, b""
    for name in sorted(tensors):
        data = np.ascontiguousarray(tensors[name], "<f2").tobytes()
        span = [len(body), len(body) + len(data)]
        header[name] = {"dtype": "F16", "shape": list(tensors[name].shape), "data_offsets": span}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def convolve(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, layer: Layer) -> np.ndarray:
    """(T, inputs) -> (T, outputs): torch's Conv1d weight (outputs, inputs, past + 1 + ahead) over frames, zeros outside."""
    past, ahead, dilation = layer
    padded = np.pad(x, ((past * dilation, ahead * dilation), (0, 0)))
    pieces = (padded[tap * dilation : tap * dilation + len(x)] @ matrix for tap, matrix in enumerate(taps_of(weight)))
    return sum(pieces) + bias


def taps_of(weight: np.ndarray) -> np.ndarray:
    """Conv1d weight (outputs, inputs, taps) as one matrix per tap (taps, inputs, outputs), laid out so that BLAS takes it as it is."""
    return np.ascontiguousarray(weight.transpose(2, 1, 0))


def run_stack(x: np.ndarray, weights: Mapping[str, np.ndarray], prefix: str, layers: tuple[Layer, ...]) -> np.ndarray:
    """A stack of residual convolutions ((T, inputs) -> (T, outputs)): first layer, residual layers, a frame's readout.

    Long tracks go through it in blocks, with the frames beside them that their outputs depend on.
    """
    past, ahead = (sum(layer[way] * layer[2] for layer in layers) for way in (0, 1))
    if len(x) <= BLOCK_FRAMES:
        return _run_block(x, weights, prefix, layers)
    blocks = []
    for first in range(0, len(x), BLOCK_FRAMES):
        start = max(first - past, 0)
        block = _run_block(x[start : first + BLOCK_FRAMES + ahead], weights, prefix, layers)
        blocks.append(block[first - start : first - start + BLOCK_FRAMES])
    return np.concatenate(blocks)


def _run_block(x: np.ndarray, weights: Mapping[str, np.ndarray], prefix: str, layers: tuple[Layer, ...]) -> np.ndarray:
    x = gelu(convolve(x, weights[f"{prefix}.0.weight"], weights[f"{prefix}.0.bias"], layers[0]))
    for number, layer in enumerate(layers[1:], 1):
        x = x + gelu(convolve(x, weights[f"{prefix}.{number}.weight"], weights[f"{prefix}.{number}.bias"], layer))
    return convolve(x, weights[f"{prefix}.out.weight"], weights[f"{prefix}.out.bias"], (0, 0, 1))


def gelu(x: np.ndarray) -> np.ndarray:
    """Gaussian error linear unit (Hendrycks & Gimpel 2016)."""
    return (0.5 * x * (1.0 + erf(x * np.float32(0.70710678)))).astype(np.float32)
