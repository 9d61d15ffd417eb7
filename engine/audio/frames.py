"""Short overlapping windows over a long recording, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .rows import Track


def framed(samples: Track, hop: int, width: int, most: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield (first frame, padded samples, their (n, width) windows), at most `most` frames at a time.

    Frame n is centred on sample n * hop; there are len(samples) // hop + 1 of them, zeros outside the recording.
    """
    count = len(samples) // hop + 1
    for first in range(0, count, most):
        frames = min(most, count - first)
        start = first * hop - width // 2
        stop = start + (frames - 1) * hop + width
        inside = samples[max(start, 0) : min(stop, len(samples))]
        padded = np.pad(inside, (max(-start, 0), stop - max(start, 0) - len(inside)))
        yield first, padded, np.lib.stride_tricks.sliding_window_view(padded, width)[::hop]
