"""How long work reports: a callable (stage, done, total), which may raise `Cancelled` to stop the work."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives `done` of `total` units of `stage`. Raising `errors.Cancelled` from it stops the work."""

    def __call__(self, stage: str, done: int, total: int) -> None: ...


def silent(stage: str, done: int, total: int) -> None:
    """The progress report nobody listens to."""
