"""Writes the files of settings that people keep and share: directions, mappings."""

from __future__ import annotations

import contextlib
from pathlib import Path

from ..common.data_files import toml_text
from .errors import AddonError


def write_record(path: Path, record: dict) -> None:
    """Write a TOML file, whole or not at all. Raises AddonError."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(toml_text(record), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise AddonError(f"Cannot write {path}: {error.strerror}.", code="bad_output") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
