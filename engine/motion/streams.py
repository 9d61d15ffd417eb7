"""Independent random streams from one seed, one per part of the face: stilling one part never changes another's luck."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """The generator of the part called `name`; the same seed and name always give the same numbers."""
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(name.encode())]))
