"""Results kept between runs, by content: the same picture or recording is not taken apart twice.

A key is made of the input's SHA-256, the settings that matter and a fingerprint of the code and assets that make the result, so that
a new version never serves what an old one made. The cache is bounded; the least recently used entries go first. It may be
deleted at any time, and a cache that cannot be written costs time, never the result.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import platformdirs

from .errors import FormatError, OutputError
from .progress import Progress, silent

logger = logging.getLogger(__name__)

FOLDER_VARIABLE = "SOLILOQUY_CACHE"
"""Environment variable that names the cache folder."""

LARGEST_BYTES = {"portrait": 2 << 30, "speech": 256 << 20}
"""What each kind of result may take on disk."""

DECIDING_SUFFIXES = (".py", ".npz", ".json", ".toml", ".dict", ".safetensors")
"""Files of the engine on which results depend: code, tables and weights."""

OWN_NAME = re.compile(r"\.?[0-9a-f]{64}(\.[0-9a-f]{8})?\.(portrait|json)")
"""Names of entries, and of entries that are being written (see `files.whole_file`)."""

Noun = TypeVar("Noun")


def cache_folder() -> Path:
    """SOLILOQUY_CACHE, or the person's cache folder for this program."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("soliloquy", appauthor=False)) / "results"


@functools.cache
def code_fingerprint(*rooms: str) -> str:
    """Hex hash of the sources and assets of the named rooms of the engine ("audio", "portrait", "assets")."""
    digest = hashlib.sha256()
    for room in rooms:
        for file in sorted((Path(__file__).parent / room).iterdir()):
            if file.suffix in DECIDING_SUFFIXES:
                digest.update(file.name.encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def cached(kind: str, parts: dict, suffix: str, load: Callable[[Path], Noun], make: Callable[[], Noun]) -> tuple[Noun, bool]:
    """The result that `parts` (plain JSON values) stand for, and whether it came from the cache.

    kind: a key of LARGEST_BYTES. The noun must have a `save(path)` method that writes whole files.
    """
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    path = cache_folder() / kind / f"{key}{suffix}"
    if path.is_file():
        try:
            found = load(path)
            os.utime(path)
            return found, True
        except (FormatError, OSError) as error:
            logger.warning("cache entry %s is not usable: %s", path.name, error)
    made = make()
    try:
        made.save(path)
        _drop_oldest(path.parent, LARGEST_BYTES[kind], keep=path)
        return load(path), False  # as every later run will see it: files round some numbers
    except (OutputError, OSError) as error:
        logger.warning("result not cached: %s", error)
        return made, False


def cache_usage() -> tuple[int, int]:
    """(how many results are kept, how many bytes they take)."""
    sizes = [file.stat().st_size for file in _entries()]
    return len(sizes), sum(sizes)


def clear_cache(progress: Progress = silent) -> tuple[int, int]:
    """Delete every result that is kept; returns how many there were, and their bytes. Whatever else lies in the folder stays.

    Raises OutputError when one cannot be deleted.
    """
    entries = list(_entries())
    freed = 0
    for number, file in enumerate(entries):
        progress("clear", number, len(entries))
        try:
            size = file.stat().st_size
            file.unlink()
        except FileNotFoundError:
            continue  # another process dropped it meanwhile
        except OSError as error:
            raise OutputError(f"Cannot delete {file}: {error.strerror or error}.") from error
        freed += size
    for kind in LARGEST_BYTES:
        with contextlib.suppress(OSError):  # there is something else in it, or it was never made
            (cache_folder() / kind).rmdir()
    return len(entries), freed


def _entries() -> Iterator[Path]:
    """The files this cache has written, and those it had half written when it was killed."""
    for kind in LARGEST_BYTES:
        folder = cache_folder() / kind
        if folder.is_dir() and not folder.is_symlink():
            yield from _own_files(folder)


def _own_files(folder: Path) -> list[Path]:
    """Known by their names: the folder is the person's choice, and may hold other things."""
    return [file for file in folder.iterdir() if OWN_NAME.fullmatch(file.name) and file.is_file() and not file.is_symlink()]


def _drop_oldest(folder: Path, limit_bytes: int, *, keep: Path) -> None:
    entries = sorted(_own_files(folder), key=lambda file: file.stat().st_mtime)
    total = sum(file.stat().st_size for file in entries)
    for file in entries:
        if total <= limit_bytes:
            return
        if file != keep:
            total -= file.stat().st_size
            file.unlink(missing_ok=True)
