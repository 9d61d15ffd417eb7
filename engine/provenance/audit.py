"""Pinned libraries against known vulnerabilities, without a network: `python -m soliloquy.engine.provenance.audit
ADVISORIES`.

ADVISORIES is a folder or a zip of OSV records as JSON (the OSV schema, 1.7), such as the PyPI ecosystem's `all.zip` that
osv.dev publishes, fetched wherever there is a network. Exit status: 0 none of our pins is affected, 1 some are, 2 nothing
could be read. What `pip-audit` asks a service for, this reads from files.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from .bill import pinned

LARGEST_RECORD_BYTES = 4 << 20


@dataclass(frozen=True)
class Affected:
    """One advisory that applies to one of our pins."""

    library: str
    version: str
    advisory: str
    summary: str


def audit(advisories: Path, pins: dict[str, str]) -> tuple[int, list[Affected]]:
    """How many advisories about PyPI were read, and which apply. pins: version by name."""
    versions = {canonicalize_name(name): version for name, version in pins.items()}
    read, found = 0, []
    for record in _records(advisories):
        about = [entry for entry in record.get("affected", []) if entry.get("package", {}).get("ecosystem") == "PyPI"]
        read += bool(about)
        if record.get("withdrawn"):
            continue
        for entry in about:
            name = canonicalize_name(entry["package"].get("name", ""))
            if name in versions and _applies(entry, versions[name]):
                found.append(Affected(name, versions[name], str(record.get("id")), str(record.get("summary", ""))[:120]))
    return read, found


def _records(advisories: Path) -> Iterator[dict]:
    if advisories.is_dir():
        texts = (
            path.read_bytes() for path in sorted(advisories.rglob("*.json")) if path.stat().st_size <= LARGEST_RECORD_BYTES
        )
        yield from filter(None, map(_parsed, texts))
        return
    with zipfile.ZipFile(advisories) as archive:
        members = (
            member
            for member in archive.infolist()
            if member.filename.endswith(".json") and member.file_size <= LARGEST_RECORD_BYTES
        )
        yield from filter(None, (_parsed(archive.read(member)) for member in members))


def _parsed(text: bytes) -> dict | None:
    try:
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _applies(entry: dict, version: str) -> bool:
    """OSV's rule: listed by name, or inside a range of versions."""
    if version in entry.get("versions", ()):
        return True
    return any(
        _inside(span.get("events", []), Version(version))
        for span in entry.get("ranges", [])
        if span.get("type") == "ECOSYSTEM"
    )


def _inside(events: list[dict], version: Version) -> bool:
    inside = False
    for event in events:
        for kind, text in event.items():
            try:
                limit = Version("0" if text == "0" else text)
            except InvalidVersion:
                continue
            if kind == "introduced" and version >= limit:
                inside = True
            elif (kind == "fixed" and version >= limit) or (kind == "last_affected" and version > limit):
                inside = False
    return inside


def main(arguments: list[str]) -> int:
    """Print what was found; returns the exit status."""
    pins = pinned()
    try:
        read, found = audit(Path(arguments[0]), pins)
    except (IndexError, OSError, zipfile.BadZipFile) as error:
        sys.stderr.write(f"No advisories could be read ({error}). Name a folder or zip of OSV records.\n")
        return 2
    for entry in found:
        sys.stdout.write(f"{entry.library} {entry.version}: {entry.advisory} {entry.summary}\n")
    sys.stdout.write(f"{len(pins)} pinned libraries, {read} advisories read, {len(found)} apply.\n")
    return 1 if found else 0 if read else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
