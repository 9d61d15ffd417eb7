"""A child process whose output lines arrive without ever blocking Blender."""

from __future__ import annotations

import collections
import os
import queue
import subprocess
import threading

STDERR_LINES_KEPT = 400
SECONDS_TO_END = 2.0
"""What a terminated process gets before it is killed."""


class ChildProcess:
    """Runs `command` (a list, no shell). `lines()` returns what it has written to standard output since the last call."""

    def __init__(self, command: list[str], *, environment: dict[str, str] | None = None, request: str | None = None) -> None:
        """request: text for the child's standard input, which then stays open until the process ends.

        Raises OSError when the program cannot be started.
        """
        self._lines: queue.Queue[str] = queue.Queue()
        self._log: collections.deque[str] = collections.deque(maxlen=STDERR_LINES_KEPT)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
            errors="replace", bufsize=1, env={**os.environ, **(environment or {})},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0))
        self._readers = [threading.Thread(target=self._read, args=(stream, put), daemon=True)
                         for stream, put in ((self._process.stdout, self._lines.put), (self._process.stderr, self._log.append))]
        for reader in self._readers:
            reader.start()
        if request is not None:
            self._send(request)

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

    def end(self) -> None:
        """Ask the process to end, make it end, and close its pipes. Safe to call twice."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for reader in self._readers:
            reader.join(SECONDS_TO_END)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            try:
                stream.close()
            except OSError:
                continue  # the child is gone and its unread request with it

    def _send(self, request: str) -> None:
        try:
            self._process.stdin.write(request)
            self._process.stdin.flush()
        except OSError:
            return  # it ended at once: its exit status and its log say why

    @staticmethod
    def _read(stream, put) -> None:
        for line in stream:
            put(line.rstrip("\n"))
