"""Files written whole or not at all, and content hashes."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from .errors import OutputError


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`; renamed to `path` when the block succeeds, removed when it fails.

    The temporary name keeps the suffix, so that encoders which look at it still work.
    Raises OutputError when the folder cannot be written or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        with contextlib.suppress(NotADirectoryError):  # the parent is a file: nothing was made, and that is reported already
            temporary.unlink(missing_ok=True)


def output_error(path: Path, error: OSError) -> OutputError:
    """The one-line explanation of an OSError met while writing `path`."""
    if error.errno == errno.ENOSPC:
        return OutputError(f"The disk is full; {path} was not written. Free some space or choose another folder.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
        return OutputError(f"Cannot write {path}: {error.strerror}. Choose a folder you may write to.")
    return OutputError(f"Cannot write {path}: {error.strerror or error}.")


def sha256_of(path: str | os.PathLike) -> str:
    """Hex SHA-256 of a file, read in bounded pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
