"""Installs the engine into an environment of its own, in child processes: never into Blender's Python."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from . import paths
from .child import ChildProcess
from .engine_client import INSTALLED_MARK, MODELS_VARIABLE, Progress
from .errors import AddonError

PACKAGES = "packages"
GOT_PACKAGE = re.compile(r"(Downloading|Using cached|Processing) .+\.(whl|tar\.gz|zip)"
                         r"( \((?P<size>[\d.]+) (?P<unit>[kMG]B)\))?$")
"""What pip says of each package it has; not of the metadata it looks at before."""
MEGABYTES = {"kB": 1e-3, "MB": 1.0, "GB": 1e3}
DISTRIBUTIONS = "lib/python*/site-packages/*.dist-info", "Lib/site-packages/*.dist-info"
"""What an unpacked package leaves in an environment, elsewhere and on Windows."""


@dataclass(frozen=True)
class Step:
    """One command of the installation and how it is named to the person."""

    name: str
    command: list[str]


class PackageCount:
    """Understands what pip says: how many of the packages it has, how much that was, and when it unpacks them."""

    def __init__(self, requirements: str) -> None:
        """requirements: text of a file that names every package, one a line."""
        lines = (line.partition(";")[0].strip() for line in requirements.splitlines())
        self._total = sum(1 for line in lines if line and not line.startswith("#"))
        self._done, self._megabytes, self._unpacking = 0, 0.0, False

    def hear(self, line: str) -> None:
        """One line of pip's."""
        self._unpacking |= line.startswith("Installing collected packages")
        if got := GOT_PACKAGE.match(line.strip()):
            self._done += 1
            if got["size"]:
                self._megabytes += float(got["size"]) * MEGABYTES[got["unit"]]

    def progress(self, environment: Path) -> Progress:
        """Packages fetched, or packages unpacked in `environment`; a new stage, so that the time left is told for each."""
        if self._unpacking:
            return Progress("unpacking packages", min(_unpacked(environment), self._total), self._total)
        size = f": {self._megabytes:.0f} MB" if self._megabytes else ""
        return Progress(f"{PACKAGES}{size}", min(self._done, self._total), self._total)


def _unpacked(environment: Path) -> int:
    """How many packages lie in the environment."""
    return len({path.name for pattern in DISTRIBUTIONS for path in environment.glob(pattern)})


def install_steps(home: Path, *, base_python: str, wheels: Path | None) -> list[Step]:
    """The commands that make the engine in `home`. wheels: a folder of wheels and models to use instead of the network."""
    python = str(paths.venv_python(home / "venv"))
    source = ["--no-index", "--find-links", str(wheels)] if wheels else []
    models = ["--from", str(wheels)] if wheels else ["--fetch"]
    return [
        Step("environment", [base_python, "-m", "venv", "--clear", str(home / "venv")]),
        Step(PACKAGES, [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
                        "--progress-bar", "off", *source, "--requirement", str(paths.REQUIREMENTS)]),
        Step("models", [python, "-I", str(paths.BOOTSTRAP), "doctor", *models]),
    ]


class InstallJob:
    """The steps one after another, with the same face as `EngineJob`."""

    def __init__(self, *, base_python: str = "", wheels: Path | None = None) -> None:
        """Raises AddonError when there is no folder to install into or the first step does not start."""
        home = paths.engine_folder()
        if home is None:
            raise AddonError("The engine can be installed only when Soliloquy runs as a Blender extension.")
        self._home = home
        self._steps = install_steps(home, base_python=base_python or sys.executable, wheels=wheels)
        self._log, self._said, self._packages = "", "", PackageCount(paths.REQUIREMENTS.read_text(encoding="utf-8"))
        self.result: dict | None = None
        remove_engine()
        home.mkdir(parents=True, exist_ok=True)
        self._child = self._start()

    def poll(self, wait_s: float = 0.0) -> list[Progress]:
        """What happened since the last call; `result` is set at the end. Raises AddonError when a step fails."""
        status = self._child.exit_status
        for line in self._child.lines(wait_s):
            self._log += line + "\n"
            self._said = line.strip() or self._said
            self._packages.hear(line)
        if status == 0:
            self._child.end()
            self._steps.pop(0)
            if self._steps:
                self._child = self._start()
            else:
                record = {"requirements": paths.REQUIREMENTS.read_text(encoding="utf-8")}
                (self._home / INSTALLED_MARK).write_text(json.dumps(record), encoding="utf-8")
                self.result = {}
        elif status is not None:
            raise AddonError(f"Installing the engine failed ({self._steps[0].name}): {self._last_error()}", details=self.log)
        return [self._progress()]

    def _progress(self) -> Progress:
        if not self._steps:
            return Progress("done", 1, 1)
        if self._steps[0].name == PACKAGES:
            return self._packages.progress(self._home / "venv")
        return Progress(f"{self._steps[0].name}: {self._said[:60]}", 0, 0)

    @property
    def log(self) -> str:
        return f"{self._log}\n{self._child.log}"

    def end(self) -> None:
        """Stop, and leave nothing half-installed."""
        self._child.end(patience_s=0)
        if self.result is None:
            self._child.wait_ended()
            remove_engine()

    def _start(self) -> ChildProcess:
        command = self._steps[0].command
        try:
            return ChildProcess(command, environment={MODELS_VARIABLE: str(self._home / "models")})
        except OSError as error:
            raise AddonError(f"{command[0]} does not start: {error.strerror}. Choose another in the preferences.") from error

    def _last_error(self) -> str:
        said = [line for line in self._child.log.splitlines() if line.strip()]
        lines = said or self._log.splitlines() or ["no reason given"]
        errors = [line for line in lines if line.startswith("ERROR")]
        return (errors or lines)[-1].removeprefix("ERROR: ")


def remove_engine() -> None:
    """Delete the engine's folder; its mark goes first, so that a half-deleted engine is never taken for a whole one."""
    home = paths.engine_folder()
    if home is not None and home.is_dir():
        (home / INSTALLED_MARK).unlink(missing_ok=True)
        shutil.rmtree(home)
