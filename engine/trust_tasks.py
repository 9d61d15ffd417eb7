"""What the worker can be asked for about files that exist: what one is, and to hand credentials on to a final. See
tasks.py."""

from __future__ import annotations

from pathlib import Path

from .errors import InputError
from .progress import Progress


def verify(request: dict, progress: Progress) -> dict:
    """`job`: {path}. What the file or folder is: status, verdict, findings, as `soliloquy verify --json`."""
    from .provenance.verify import as_record
    from .provenance.verify import verify as examine
    return as_record(examine(_path(_job(request), "path"), progress=progress))


def seal(request: dict, progress: Progress) -> dict:
    """`job`: {final, frames?: [names], sources?: [files and folders], stated?: [{name, sha256, rights}]}. Signs `final`."""
    from .provenance.final import seal_final
    job = _job(request)
    return seal_final(
        _path(job, "final"),
        [Path(source) for source in _list(job, "sources", str)],
        stated=_list(job, "stated", dict),
        names=_list(job, "frames", str),
        progress=progress,
    )


def _job(request: dict) -> dict:
    if not isinstance(request.get("job"), dict):
        raise InputError(f"A request to {request['command']} needs a job.")
    return request["job"]


def _path(job: dict, key: str) -> Path:
    if not isinstance(job.get(key), str):
        raise InputError(f"The job does not say {key!r}.")
    return Path(job[key])


def _list(job: dict, key: str, kind: type) -> list:
    entries = job.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, kind) for entry in entries):
        raise InputError(f"The job's {key!r} cannot be {str(entries)[:80]!r}.")
    return entries
