"""What credentials claim, made safe to keep and to print: whoever forges a file writes whatever they like into it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

LONGEST_CHARACTERS = 2000
MOST_ENTRIES = 100
MOST_FRAMES = 1_000_000
DEEPEST = 6

_TABLES, _LISTS = ("rights", "inputs", "mark", "aigc"), ("portraits",)


def line(text: object, longest: int = LONGEST_CHARACTERS) -> str:
    """`text` on one line without anything a terminal or a reader could take for more than text (control and direction
    characters)."""
    shown = "".join(" " if character in "\n\r\t" else character for character in str(text)[:longest]
                    if character in "\n\r\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    return shown.strip()


def claims(data: object) -> dict:
    """Our own assertion, in the shape it has when we wrote it: rights, inputs, mark, aigc tables; portraits a list of
    tables; the rest plain. What has another shape is left out."""
    if not isinstance(data, Mapping):
        return {}
    clean = _plain(data, DEEPEST)
    for name in _TABLES:
        if not isinstance(clean.get(name, {}), dict):
            del clean[name]
    clean["inputs"] = {role: entry for role, entry in clean.get("inputs", {}).items() if isinstance(entry, dict)}
    for name in _LISTS:
        clean[name] = (
            [claims(entry) for entry in clean.get(name, []) if isinstance(entry, dict)]
            if isinstance(clean.get(name), list)
            else []
        )
    return {name: value for name, value in clean.items() if value not in ({}, [])}


def frame_hashes(data: object) -> dict[str, str]:
    """File name -> hex SHA-256 of a sidecar's assertion; empty when it is none."""
    entries = data.get("sha256") if isinstance(data, Mapping) else None
    if not isinstance(entries, Mapping) or len(entries) > MOST_FRAMES:
        return {}
    return {line(name, 255): str(digest)[:64] for name, digest in entries.items()}


def _plain(value: object, depth: int) -> object:
    if isinstance(value, Mapping) and depth:
        return {line(key, 80): _plain(entry, depth - 1) for key, entry in list(value.items())[:MOST_ENTRIES]}
    if isinstance(value, list) and depth:
        return [_plain(entry, depth - 1) for entry in value[:MOST_ENTRIES]]
    return value if isinstance(value, (bool, int, float)) or value is None else line(value)
