"""Reads the TOML files in `presets/` and those that people share: bounded, versioned, errors in one line."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

LARGEST_FILE_BYTES = 1 << 20

PRESETS = Path(__file__).resolve().parent.parent / "presets"


def read_toml(path: str | os.PathLike, *, format_version: int) -> dict:
    """The record in `path`. Raises ValueError, with the path and what to do, for everything that is not a readable TOML file
    of version `format_version`."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
        if len(data) > LARGEST_FILE_BYTES:
            raise ValueError(f"{path} is larger than any file of settings.")
        record = tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid TOML: {error}.") from error
    if record.get("format_version") != format_version:
        raise ValueError(f"{path}: format_version must be {format_version}, it is {record.get('format_version', 'missing')}.")
    return record


def toml_text(record: dict) -> str:
    """`record` as TOML: plain values first, then lists of tables. Values: text, bool, int, float, lists of those, and lists of
    flat dicts, which become arrays of tables."""
    tables = {key: value for key, value in record.items()
              if isinstance(value, list) and value and all(isinstance(item, dict) for item in value)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in record.items() if key not in tables]
    for name, rows in tables.items():
        for row in rows:
            lines += ["", f"[[{_key(name)}]]", *(f"{_key(key)} = {_value(value)}" for key, value in row.items())]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else _value(name)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    escaped = "".join(_ESCAPES.get(letter) or (f"\\u{ord(letter):04x}" if ord(letter) < 32 or ord(letter) == 127 else letter)
                      for letter in str(value))
    return f'"{escaped}"'


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
