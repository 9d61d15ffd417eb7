"""The engine as a child process: JSON requests on stdin, JSON events on stdout, one a line. Nothing listens on a port.

Request:  {"id": "1", "command": "animate", "job": {...}}             job: the fields of jobs.Job
          {"id": "2", "command": "doctor", "fetch": false, "from": null}
          {"id": "5", "command": "verify" or "seal", "job": {...}}    jobs as `trust_tasks.py` has them
          {"id": "3", "command": "cancel", "cancel": "1"}             stops request 1, running or waiting
          {"id": "4", "command": "ping"}
Events:   {"id", "event": "progress", "stage", "done", "total"}
          {"id", "event": "result", ...}                              ends the request
          {"id", "event": "error", "code", "message"}                 ends the request

Requests are carried out in order. When stdin closes, what was asked for is finished and the process ends with 0. When nobody reads
the events any more, or on SIGTERM, the work stops and what is half written is removed. Whatever libraries print goes to stderr: file
descriptor 1 is kept for events before anything else is imported.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import sys
import threading
import time
from typing import IO

from .console import LEAST_INTERVAL_S, start_logging, unexpected
from .errors import Cancelled, InputError, SoliloquyError
from .tasks import carry_out

LARGEST_REQUEST_CHARACTERS = 1 << 20


class Unheard(BaseException):
    """Nobody reads the events any more. Not an Exception: nothing on the way may take it for a failure of its own."""


class Events:
    """The one writer of events; safe to use from both threads."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, **record: object) -> None:
        """Write one event. Raises Unheard when the one who asked is gone."""
        with self._lock:
            try:
                self._stream.write(json.dumps(record, ensure_ascii=False) + "\n")
                self._stream.flush()
            except (OSError, ValueError) as error:
                raise Unheard from error


class Reporter:
    """The `Progress` of one request: sends events, raises Cancelled once the request was cancelled."""

    def __init__(self, events: Events, request: str, cancelled: set[str]) -> None:
        self._events, self._request, self._cancelled = events, request, cancelled
        self._stage, self._last_sent = "", 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._request in self._cancelled:
            raise Cancelled("Stopped; what was finished is kept.")
        now = time.monotonic()
        if stage == self._stage and now - self._last_sent < LEAST_INTERVAL_S and done < total:
            return
        self._stage, self._last_sent = stage, now
        self._events.send(id=self._request, event="progress", stage=stage, done=done, total=total)


def main() -> int:
    """Serve until stdin closes; returns the exit code."""
    signal.signal(signal.SIGTERM, _stop)
    events = Events(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    start_logging(verbose=False)
    cancelled: set[str] = set()
    requests: queue.Queue[dict | None] = queue.Queue()
    threading.Thread(target=_read, args=(sys.stdin, requests, cancelled, events), daemon=True).start()
    try:
        while (request := requests.get()) is not None:
            _serve(request, Reporter(events, request["id"], cancelled), events)
    except Unheard:
        logging.getLogger(__name__).warning("the one who asked is gone; stopped")
        return Cancelled.exit_code
    return 0


def _stop(number: int, _frame: object) -> None:
    """End as an exception does, so that whatever is being written is cleaned up; a second signal does not disturb that."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _read(stream: IO[str], requests: queue.Queue, cancelled: set[str], events: Events) -> None:
    """Queue requests until the stream ends; cancelling takes effect at once, from this thread."""
    while line := stream.readline(LARGEST_REQUEST_CHARACTERS):
        if not line.strip():
            continue
        try:
            request = json.loads(line)
            request = {**request, "id": str(request["id"]), "command": str(request["command"])}
        except (ValueError, KeyError, TypeError):
            events.send(id=None, event="error", code=InputError.code, message="A request is a JSON object with id and command.")
            continue
        if request["command"] == "cancel":
            cancelled.add(str(request.get("cancel")))
            events.send(id=request["id"], event="result")
        else:
            requests.put(request)
    requests.put(None)


def _serve(request: dict, reporter: Reporter, events: Events) -> None:
    try:
        events.send(id=request["id"], event="result", **carry_out(request, reporter))
    except SoliloquyError as error:
        events.send(id=request["id"], event="error", code=error.code, message=str(error))
    except Exception as error:
        told = unexpected(error)
        events.send(id=request["id"], event="error", code=told.code, message=str(told))
