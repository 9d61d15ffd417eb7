"""What a person or a machine sees while the command line works: progress with rate and ETA, events, one-line errors."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from .errors import Cancelled, SoliloquyError

logger = logging.getLogger(__name__)

LEAST_INTERVAL_S = 0.1
"""Progress lines and events come no more often than this, but for the first and last of a stage."""

UNEXPECTED_EXIT_CODE = 1


class Console:
    """Progress and outcome of one command, on stderr for people, as JSON lines on stdout for machines."""

    def __init__(self, *, json_events: bool) -> None:
        self.json_events = json_events
        self._stage = ""
        self._stage_started = 0.0
        self._last_shown = 0.0
        self._line_open = False

    def progress(self, stage: str, done: int, total: int) -> None:
        """The `Progress` of this command."""
        now = time.monotonic()
        if stage != self._stage:
            self._close_line()
            self._stage, self._stage_started, self._last_shown = stage, now, 0.0
        if now - self._last_shown < LEAST_INTERVAL_S and done and done != total:
            return
        self._last_shown = now
        if self.json_events:
            self.event(event="progress", stage=stage, done=done, total=total)
        else:
            self._show(progress_line(stage, done, total, now - self._stage_started), finished=done == total)

    def _show(self, line: str, *, finished: bool) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{line}\x1b[K")
            self._line_open = True
            if finished:
                self._close_line()
        elif finished:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def _close_line(self) -> None:
        if self._line_open:
            sys.stderr.write("\n")
            self._line_open = False

    def event(self, **record: object) -> None:
        """Write one JSON line on stdout."""
        sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    def result(self, text: str, **record: object) -> None:
        """What came out: `text` for people, `record` for machines."""
        self._close_line()
        if self.json_events:
            self.event(event="result", **record)
        else:
            sys.stdout.write(text.rstrip("\n") + "\n")

    def error(self, error: SoliloquyError) -> None:
        """One line for people on stderr, an error event for machines."""
        self._close_line()
        if self.json_events:
            self.event(event="error", code=error.code, message=str(error))
        else:
            sys.stderr.write(f"soliloquy: {error}\n")


def progress_line(stage: str, done: int, total: int, elapsed_s: float) -> str:
    """One line such as "render   120/300   40 %   11.2/s   16 s left"; without share and ETA when `total` is 0, not known."""
    if not total:
        return f"{stage:<10} {done:>6}"
    line = f"{stage:<10} {done:>6}/{total:<6} {100 * done // total:>3} %"
    if elapsed_s < 0.5 or not done:
        return line
    rate = done / elapsed_s
    line += f"   {rate:.1f}/s"
    return line + (f"   {elapsed_s:.1f} s" if done >= total else f"   {(total - done) / rate:.0f} s left")


def log_path() -> Path:
    """The file that tracebacks and library messages go to."""
    return Path(platformdirs.user_log_dir("soliloquy", appauthor=False)) / "soliloquy.log"


def start_logging(*, verbose: bool) -> None:
    """Send log records to the log file (1 MiB, three kept), and with `verbose` to stderr too."""
    root = logging.getLogger("soliloquy")
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    if not root.handlers:
        with contextlib.suppress(OSError):  # a home that cannot be written must not stop the work
            log_path().parent.mkdir(parents=True, exist_ok=True)
            file = logging.handlers.RotatingFileHandler(log_path(), maxBytes=1 << 20, backupCount=2, encoding="utf-8", delay=True)
            file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
            root.addHandler(file)
    if verbose:
        root.addHandler(logging.StreamHandler(sys.stderr))


def unexpected(error: Exception) -> SoliloquyError:
    """The error a person sees for one we did not foresee; the traceback goes to the log."""
    logger.error("unexpected error", exc_info=error)
    told = SoliloquyError(f"Something went wrong inside the program ({type(error).__name__}: {error}). "
                          f"Please report it with the end of {log_path()}.")
    told.code = "internal"
    return told


@contextlib.contextmanager
def library_chatter_to_log(*, verbose: bool) -> Iterator[None]:
    """Send what native libraries write to file descriptor 2 into the log file; our own lines still reach the screen."""
    screen = sys.stderr
    handler = next((h for h in logging.getLogger("soliloquy").handlers if isinstance(h, logging.FileHandler)), None)
    if verbose or handler is None or screen is not sys.__stderr__:
        yield
        return
    screen.flush()
    kept = os.dup(2)
    try:
        with open(log_path(), "ab") as log:
            os.dup2(log.fileno(), 2)
        sys.stderr = os.fdopen(os.dup(kept), "w", encoding="utf-8", errors="replace", buffering=1)
        yield
    finally:
        sys.stderr.close()
        sys.stderr = screen
        os.dup2(kept, 2)
        os.close(kept)


@contextlib.contextmanager
def command(*, json_events: bool, verbose: bool) -> Iterator[Console]:
    """Run a command's body: errors become one line (or event) and an exit status, Ctrl-C becomes 130."""
    start_logging(verbose=verbose)
    console = Console(json_events=json_events)
    try:
        with library_chatter_to_log(verbose=verbose):
            yield console
    except KeyboardInterrupt:
        cancelled = Cancelled("Stopped; what was finished is kept.")
        console.error(cancelled)
        sys.exit(cancelled.exit_code)
    except SoliloquyError as error:
        logger.info("command failed", exc_info=error)
        console.error(error)
        if verbose and not json_events:
            sys.stderr.write(f"The traceback is in {log_path()}\n")
        sys.exit(error.exit_code)
    except Exception as error:
        console.error(unexpected(error))
        sys.exit(UNEXPECTED_EXIT_CODE)
