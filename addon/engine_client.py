"""The add-on's only way to the engine: a child process that takes one JSON request and answers in JSON lines."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import paths
from .child import ChildProcess
from .errors import AddonError, EngineMissing, EngineNotInstalled

PYTHON_VARIABLE = "SOLILOQUY_PYTHON"
MODELS_VARIABLE, CACHE_VARIABLE, DEVICE_VARIABLE = "SOLILOQUY_MODELS", "SOLILOQUY_CACHE", "SOLILOQUY_DEVICE"
INSTALLED, INSTALLED_MARK = "installed", "installed.json"
"""Origin of an engine of our own; what is written into its folder when its installation is complete."""

REQUEST_ID, CANCEL_ID = "1", "2"
CLEANING_UP_S = 10.0
"""What an engine gets to finish the frames it is at and to remove what it had half written; nobody waits for it."""
LAST_WORDS_S = 0.3
"""How long an engine that reported an error is listened to for its log."""


@dataclass(frozen=True)
class Engine:
    """A Python that can run the engine. origin: where it was found, for the person; models: its folder for weights; cache: its
    folder for results it keeps; device: what it poses with. None and "" leave it to the environment Blender was started in."""

    python: Path
    origin: str
    models: Path | None
    cache: Path | None = None
    device: str = ""

    def environment(self) -> dict[str, str]:
        """Variables the child process needs beyond Blender's own."""
        chosen = {MODELS_VARIABLE: self.models, CACHE_VARIABLE: self.cache, DEVICE_VARIABLE: self.device}
        return {name: str(value) for name, value in chosen.items() if value}


@dataclass(frozen=True)
class Progress:
    """`done` of `total` units of `stage`; total 0: not known. What follows a colon in `stage` is a remark."""

    stage: str
    done: int
    total: int


def find_engine(chosen_python: str = "", models_folder: str = "", cache_folder: str = "", device: str = "") -> Engine:
    """The Python from the preferences, else from SOLILOQUY_PYTHON, else the one this extension installed.

    Raises EngineMissing with what to do. Cheap: a few file checks.
    """
    models, cache = (paths.from_blender(folder) if folder else None for folder in (models_folder, cache_folder))
    for named, origin in ((chosen_python, "preferences"), (os.environ.get(PYTHON_VARIABLE, ""), PYTHON_VARIABLE)):
        if named:
            python = paths.from_blender(named)
            if not python.is_file():
                raise EngineMissing(f"The engine's Python {python} (from {origin}) is not there. Choose another one.")
            return Engine(python, origin, models, cache, device)
    home = paths.engine_folder()
    if home is None or not (home / INSTALLED_MARK).is_file():
        raise EngineNotInstalled
    return Engine(paths.venv_python(home / "venv"), INSTALLED, models or home / "models", cache, device)


def made_for_another_version(engine: Engine) -> bool:
    """Whether an engine this extension installed has the packages of another version of it."""
    home = paths.engine_folder()
    if engine.origin != INSTALLED or home is None:
        return False
    try:
        record = json.loads((home / INSTALLED_MARK).read_text(encoding="utf-8"))
        return record["requirements"] != paths.REQUIREMENTS.read_text(encoding="utf-8")
    except (OSError, ValueError, KeyError, TypeError):
        return True


class EngineJob:
    """One request to one engine process."""

    def __init__(self, engine: Engine, command: str, job: dict) -> None:
        """Start the engine and hand it the job. Raises AddonError when it cannot be started."""
        try:
            self._child = ChildProcess([str(engine.python), "-I", str(paths.BOOTSTRAP), "worker"],
                                       environment=engine.environment())
        except OSError as error:
            raise EngineMissing(f"The engine's Python {engine.python} does not start: {error.strerror}.") from error
        self._send({"id": REQUEST_ID, "command": command, "job": job})
        self._stray_lines: list[str] = []
        self.result: dict | None = None

    def poll(self, wait_s: float = 0.0) -> list[Progress]:
        """What was reported since the last call; `result` is set when the job is done.

        Raises AddonError when the engine reports an error or ends without an answer.
        """
        reports = []
        status = self._child.exit_status
        for line in self._child.lines(wait_s):
            event = self._event(line)
            if event.get("event") == "progress":
                reports.append(Progress(str(event["stage"]), int(event["done"]), int(event["total"])))
            elif event.get("event") == "result":
                self.result = event
            elif event.get("event") == "error":
                self._child.end()
                self._child.wait_ended(LAST_WORDS_S)
                raise AddonError(str(event["message"]), code=str(event["code"]), details=self.log)
        if status is not None and self.result is None:
            raise AddonError(f"The engine stopped without an answer ({_ending(status)}). The report has its last words.",
                             details=self.log)
        return reports

    @property
    def log(self) -> str:
        """What the engine wrote besides its answers."""
        return "\n".join([*self._stray_lines, self._child.log])

    def end(self) -> None:
        """Release the engine; one that still works is asked to stop, which removes what it had half written, and made to
        stop when it does not. What it had finished stays on disk. Returns at once."""
        if self.result is None:
            self._send({"id": CANCEL_ID, "command": "cancel", "cancel": REQUEST_ID})
        self._child.end(patience_s=CLEANING_UP_S)

    def _send(self, request: dict) -> None:
        self._child.send(json.dumps(request) + "\n")

    def _event(self, line: str) -> dict:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict) and event.get("id") == REQUEST_ID:
            return event
        self._stray_lines.append(line)
        return {}


def _ending(status: int) -> str:
    """How a process ended, in words; systems other than Windows say with a negative number which signal ended it."""
    return f"exit status {status}" if status >= 0 else f"ended by signal {-status}; systems do so when memory runs out"


def run_job(engine: Engine, command: str, job: dict, on_progress: Callable[[Progress], None]) -> dict:
    """Run a job to its end and return its result: the way of `blender -b` and of scripts. Raises AddonError."""
    work = EngineJob(engine, command, job)
    try:
        while work.result is None:
            for report in work.poll(wait_s=0.1):
                on_progress(report)
        return work.result
    finally:
        work.end()


class TimeLeft:
    """Estimates how long the current stage still takes, from its own pace."""

    def __init__(self) -> None:
        self._stage, self._first_done, self._started_s = "", 0, 0.0

    def update(self, report: Progress) -> float | None:
        """Seconds left in the stage; None until it can be told."""
        now_s, stage = time.monotonic(), report.stage.partition(":")[0]
        if stage != self._stage:
            self._stage, self._first_done, self._started_s = stage, report.done, now_s
        made = report.done - self._first_done
        if made <= 0 or report.total <= 0:
            return None
        return (now_s - self._started_s) / made * max(0, report.total - report.done)
