"""Long tracks in temporary files: an hour of samples, spectra or posteriors is read piece by piece and never held as a whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import DTypeLike

from ..files import output_error

BLOCK_ROWS = 3000
"""Rows of spectra or posteriors that are looked at together: half a minute to a minute."""


class Rows:
    """Rows of one type and shape, appended in order; slices of it are arrays of their own, read from the temporary file.

    Whatever reads a long track by slices and `len` takes one of these as well as an array. Not shared between threads.
    """

    def __init__(self, dtype: DTypeLike, *shape: int) -> None:
        """shape: of one row; nothing for a track of single numbers. Raises OutputError when no temporary file can be made."""
        self._empty = np.empty((0, *shape), dtype)
        self._row_bytes = self._empty.dtype.itemsize * int(np.prod(shape))
        self._count = 0
        try:
            self._file = tempfile.TemporaryFile(prefix="soliloquy-")
        except OSError as error:
            raise output_error(Path(tempfile.gettempdir()), error) from error

    @classmethod
    def of(cls, blocks: Iterable[np.ndarray], dtype: DTypeLike, *shape: int) -> Self:
        """All rows of `blocks`, in order. Raises OutputError when the disk is full; leaves nothing behind when `blocks` fails."""
        rows = cls(dtype, *shape)
        try:
            for block in blocks:
                rows.append(block)
        except BaseException:
            rows.close()
            raise
        return rows

    def append(self, rows: np.ndarray) -> None:
        """Put (n, *shape) rows at the end. Raises OutputError when the disk is full."""
        whole = np.ascontiguousarray(rows, self._empty.dtype)
        try:
            self._file.seek(self._count * self._row_bytes)
            self._file.write(whole.data)
        except OSError as error:
            raise output_error(Path(tempfile.gettempdir()), error) from error
        self._count += len(whole)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, span: slice) -> np.ndarray:
        """Rows `start:stop` as a new array; no other step than 1."""
        start, stop, step = span.indices(self._count)
        if step != 1:
            raise ValueError("rows are read one after another")
        rows = np.empty((max(stop - start, 0), *self._empty.shape[1:]), self._empty.dtype)
        self._file.seek(start * self._row_bytes)
        self._file.readinto(rows.reshape(-1).view(np.uint8))
        return rows

    def close(self) -> None:
        """Give the temporary file back."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


Track = np.ndarray | Rows
"""What is read by slices only: in memory, or in a temporary file."""


def blocks_of(rows: Track, most: int = BLOCK_ROWS) -> Iterator[tuple[int, np.ndarray]]:
    """(number of the first row, rows) of consecutive blocks of at most `most` rows."""
    for first in range(0, len(rows), most):
        yield first, rows[first : first + most]
