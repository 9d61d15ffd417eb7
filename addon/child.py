"""A child process whose output lines arrive without ever blocking Blender."""

from __future__ import annotations

import collections
import contextlib
import os
import queue
import subprocess
import threading

LOG_LINES_KEPT = 400
SECONDS_TO_END = 2.0
"""What a process gets to end by itself, and again after it was told to, before it is killed."""


class ChildProcess:
    """Runs `command` (a list, no shell). `lines()` returns what it has written to standard output since the last call."""

    def __init__(self, command: list[str], *, environment: dict[str, str] | None = None) -> None:
        """environment: variables beyond Blender's own. Raises OSError when the program cannot be started."""
        self._lines: queue.Queue[str] = queue.Queue()
        self._log: collections.deque[str] = collections.deque(maxlen=LOG_LINES_KEPT)
        self._ending: threading.Thread | None = None
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
            errors="replace", bufsize=1, env={**os.environ, **(environment or {})},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0))
        outputs = ((self._process.stdout, self._lines.put), (self._process.stderr, self._log.append))
        self._readers = [threading.Thread(target=self._read, args=output, daemon=True) for output in outputs]
        for reader in self._readers:
            reader.start()

    def send(self, text: str) -> None:
        """Write to its standard input. When it is gone already, its exit status and its log say why."""
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(text)
            self._process.stdin.flush()

    def lines(self, wait_s: float = 0.0) -> list[str]:
        """Lines that have arrived; waits up to `wait_s` for the first one."""
        found = []
        try:
            found.append(self._lines.get(timeout=wait_s) if wait_s else self._lines.get_nowait())
            while True:
                found.append(self._lines.get_nowait())
        except queue.Empty:
            return found

    @property
    def exit_status(self) -> int | None:
        """None while it runs or while lines are still to be read."""
        if any(reader.is_alive() for reader in self._readers) or not self._lines.empty():
            return None
        return self._process.poll()

    @property
    def log(self) -> str:
        """The last lines of standard error."""
        return "\n".join(self._log)

    def end(self, *, patience_s: float = SECONDS_TO_END) -> None:
        """Close its standard input and see that it ends: by itself within `patience_s`, else because it is told to.

        Returns at once; a thread does the waiting. Safe to call twice.
        """
        if self._ending is None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            self._ending = threading.Thread(target=self._see_off, args=(patience_s,), daemon=True)
            self._ending.start()

    def wait_ended(self, timeout_s: float | None = None) -> None:
        """After `end`: wait until it is gone and all it said was read, at most `timeout_s`."""
        self._ending.join(timeout_s)

    def _see_off(self, patience_s: float) -> None:
        for insist in (lambda: None, self._process.terminate, self._process.kill):
            insist()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience_s if patience_s > 0 else 0.001)
                break
            patience_s = SECONDS_TO_END
        for reader in self._readers:
            reader.join(SECONDS_TO_END)
        for stream in (self._process.stdout, self._process.stderr):
            stream.close()

    @staticmethod
    def _read(stream, put) -> None:
        with contextlib.suppress(ValueError):  # closed by `_see_off` while a grandchild holds the other end
            for line in stream:
                put(line.rstrip("\n"))
