"""Long work in Blender in turns, so that the window is drawn in between.

A task is a generator. It yields None where the window may be drawn; words, which do so too and say what is done from here on; or a
function without arguments that needs nothing of Blender (bpy is not for threads): that runs in a thread, and its result comes back
from the yield.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")
Task = Generator[Callable[[], Any] | str | None, Any, Result]

TURN_S = 0.02
"""A turn ends at the first yield after this; single steps may take longer."""
SHARE_OF_DRAWING = 0.5
"""Where drawing the window takes longer than two turns (no GPU, a heavy scene), turns are this long in proportion: drawing after
every small step would make the work many times longer."""
LONGEST_TURN_S = 0.04
"""But never longer, so that a click is answered within 50 ms of ours, however long the drawing itself takes."""


def finish_at_once(task: Task[Result]) -> Result:
    """Run a task to its end, functions and all, in this thread."""
    answer = None
    try:
        while True:
            wanted = task.send(answer)
            answer = wanted() if callable(wanted) else None
    except StopIteration as end:
        return end.value


class Turns:
    """Runs a task a turn at a time."""

    def __init__(self, task: Task[Result]) -> None:
        self._task = task
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="soliloquy")
        self._waiting: Future | None = None
        self._ended_s = time.perf_counter()
        self.done = False
        self.doing = ""
        self.result: Result | None = None

    def take(self) -> None:
        """One turn; `done` and `result` are set when it was the last. Raises what the task raises."""
        now_s = time.perf_counter()
        try:
            self._work(now_s + min(max(TURN_S, SHARE_OF_DRAWING * (now_s - self._ended_s)), LONGEST_TURN_S))
        finally:
            self._ended_s = time.perf_counter()

    def _work(self, until_s: float) -> None:
        while not self.done and time.perf_counter() < until_s:
            answer = None
            if self._waiting is not None:
                if not self._waiting.done():
                    return
                answer, self._waiting = self._waiting.result(), None
            try:
                wanted = self._task.send(answer)
            except StopIteration as end:
                self.done, self.result = True, end.value
                self._thread.shutdown(wait=False)
                return
            if isinstance(wanted, str):
                self.doing = wanted
            elif wanted is not None:
                self._waiting = self._thread.submit(wanted)

    def stop(self) -> None:
        """Give the task up: its `finally` and `with` blocks run."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._task.close()
        self.done = True
