"""What the engine says of itself: versions, what its cache holds, which devices and microphones it reaches. It is asked
beside Blender, and never waited for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import bpy

from .engine_client import Engine, EngineJob
from .errors import AddonError

LOOKS_EVERY_S = 0.2
MEGABYTE = 1e6


@dataclass(frozen=True)
class Facts:
    """problem: why nothing is known, "" when something is. why_not: device -> reason, "" for one that can be used."""

    problem: str = ""
    version: str = ""
    cache_folder: str = ""
    cache_files: int = 0
    cache_bytes: int = 0
    why_not: dict[str, str] | None = None
    microphones: tuple[str, ...] = ()
    no_microphone: str = ""

    def cache_line(self) -> str:
        """For the person."""
        size = f"{self.cache_files} results, {self.cache_bytes / MEGABYTE:.0f} MB"
        return size if self.cache_files else "The cache is empty"


class _Asking:
    """The question that is under way, and the last answer. Kept for one engine: another one is asked anew."""

    def __init__(self) -> None:
        self.engine: Engine | None = None
        self.facts: Facts | None = None
        self.job: EngineJob | None = None
        self.waiting: list[str] = []

    def ask(self, engine: Engine, *commands: str) -> None:
        self.stop()
        self.engine, self.facts, self.waiting = engine, None, list(commands)
        bpy.app.timers.register(self.look, first_interval=0.0)

    def look(self) -> float | None:
        """The timer: starts what waits, hears what is said, redraws the preferences at the end."""
        try:
            if self.job is None:
                self.job = EngineJob(self.engine, self.waiting.pop(0), {})
            self.job.poll()
            if self.job.result is None:
                return LOOKS_EVERY_S
            result = self.job.result
        except AddonError as error:
            result, self.waiting = error, []
        self.end_job()
        if self.waiting:
            return 0.0
        self.facts = Facts(problem=str(result)) if isinstance(result, AddonError) else _facts(result)
        for window in bpy.context.window_manager.windows:
            for area in window.screen.areas:
                if area.type in ("PREFERENCES", "VIEW_3D"):
                    area.tag_redraw()
        return None

    def end_job(self) -> None:
        if self.job is not None:
            self.job.end()
        self.job = None

    def stop(self) -> None:
        if bpy.app.timers.is_registered(self.look):
            bpy.app.timers.unregister(self.look)
        self.end_job()
        self.engine = self.facts = None


_asking = _Asking()


def known(engine: Engine) -> Facts | None:
    """What is known of this engine; None while it is being asked, which this starts."""
    engine = replace(engine, device="")  # what it can reach does not depend on what is chosen
    if _asking.engine != engine:
        _asking.ask(engine, "installation")
    return _asking.facts


def heard() -> Facts | None:
    """What was said last, without asking."""
    return _asking.facts


def is_asking() -> bool:
    """Whether an answer is waited for."""
    return _asking.engine is not None and _asking.facts is None


def ask_again(engine: Engine, *first: str) -> None:
    """Ask anew, after it has done the commands `first`."""
    _asking.ask(replace(engine, device=""), *first, "installation")


def _facts(result: dict) -> Facts:
    """From the answer to `installation` (see engine/care_tasks.py)."""
    try:
        versions, cache = result["versions"], result["cache"]
        return Facts(version=f"Engine {versions['soliloquy']}, Python {versions['python']}, PyTorch {versions['torch']}",
                     cache_folder=str(cache["folder"]), cache_files=int(cache["files"]), cache_bytes=int(cache["bytes"]),
                     why_not={str(device["name"]): str(device["why_not"]) for device in result["devices"]},
                     microphones=tuple(map(str, result["microphones"])), no_microphone=str(result["no_microphone"]))
    except (KeyError, TypeError, ValueError):
        return Facts(problem="This engine is of another version. Install it again, or choose another Python.")


def forget() -> None:
    """Stop asking, and forget the answer."""
    _asking.stop()
