"""How many threads the tensors may have while frames are drawn."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def tensors_on_one_thread() -> Iterator[None]:
    """Frames are drawn by a pool that has every core. Further threads of torch's would compete with it, and OpenMP's wait for one
    another by spinning: measured on 2 busy cores, posing 96 frames took 6 s with two threads and 0.15 s with one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
