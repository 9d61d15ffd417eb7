"""What the worker can be asked for: one function per command, in `TASKS`. Each takes the request and a `Progress`, and returns
the values of the result event. The verbs' modules are imported by the functions that need them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .care_tasks import clear_cache, installation
from .edit_tasks import converse, export, regenerate, render, update
from .errors import InputError
from .progress import Progress
from .stage_tasks import landmarks, portrait, say
from .trust_tasks import seal, verify


def carry_out(request: dict, progress: Progress) -> dict:
    """Do what `request` asks; returns the values of its result event. Raises SoliloquyError."""
    task = TASKS.get(request["command"])
    if task is None:
        raise InputError(f"Unknown command {request['command']!r}. Known: {', '.join(sorted({*TASKS, 'cancel'}))}.")
    return task(request, progress)


def ping(_request: dict, _progress: Progress) -> dict:
    """Answer with what runs here."""
    from .versions import versions
    return {"versions": versions()}


def animate(request: dict, progress: Progress) -> dict:
    """`job`, the fields of jobs.Job, becomes a folder."""
    from .jobs import Job
    record = request.get("job")
    if not isinstance(record, dict):
        raise InputError("A request to animate needs a job.")
    job = Job.from_record(record)
    progress("start", 0, 1)
    from .animate import run_animate
    from .stages import check_writable
    check_writable(job.out)
    return {"out": str(job.out), "report": run_animate(job, progress)}


def doctor(request: dict, progress: Progress) -> dict:
    """What is installed; with `fetch` or `from`, get the models first."""
    from .doctor import examine
    from .models import install_models
    folder = _path(request, "from") if request.get("from") else None
    if request.get("fetch") or folder:
        install_models(folder=folder, network=bool(request.get("fetch")), progress=progress)
    return examine().as_json()


def _path(request: dict, key: str) -> Path:
    if not isinstance(request.get(key), str):
        raise InputError(f"A request to {request['command']} needs a {key}.")
    return Path(request[key])


TASKS: dict[str, Callable[[dict, Progress], dict]] = {
    "animate": animate, "clear_cache": clear_cache, "converse": converse, "doctor": doctor, "export": export,
    "installation": installation, "landmarks": landmarks, "ping": ping, "portrait": portrait, "regenerate": regenerate,
    "render": render, "say": say, "seal": seal, "update": update, "verify": verify}
