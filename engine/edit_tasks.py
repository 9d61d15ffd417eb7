"""What the worker can be asked for once a performance exists: perform a part of it again, render what changed. See tasks.py."""

from __future__ import annotations

from pathlib import Path

from .errors import InputError
from .progress import Progress


def update(request: dict, progress: Progress) -> dict:
    """`job`: {folder, clip, generated?, tolerance?}. Renders in `folder` what differs from the clip file `clip`."""
    job = _job(request)
    from .motion.clip import MotionClip
    from .update import update_folder
    return update_folder(_needed(job, "folder"), MotionClip.load(_needed(job, "clip")), tolerance=_number(job, "tolerance", 1.0),
                         generated=_file(job, "generated"), progress=progress)


def regenerate(request: dict, progress: Progress) -> dict:
    """`job`: {folder, clip?, generated?, spans?: [[start_s, end_s or null]], regions?: [...], seed?, direction?, settings?,
    blend_s?, tolerance?}. Writes the take into the folder's TAKES; what the folder shows stays."""
    job = _job(request)
    from .audio.speech import Speech
    from .folder import PerformanceFolder
    from .motion.clip import MotionClip
    from .retake import retake
    made = PerformanceFolder.read(_needed(job, "folder"))
    clip, generated = _file(job, "clip"), _file(job, "generated")
    again = retake(MotionClip.load(clip) if clip else made.shown(), MotionClip.load(generated) if generated else made.generated(),
                   Speech.load(made.speech), direction=_direction(job), seed=_whole(job, "seed"), spans=_spans(job),
                   regions=_names(job, "regions"), blend_s=_number(job, "blend_s", None), tolerance=_number(job, "tolerance", 1.0),
                   progress=progress)
    take = made.next_take()
    baseline = again.save(take)
    return {"clip": str(take), "generated": str(baseline), "kept": again.kept}


def render(request: dict, progress: Progress) -> dict:
    """`job`: {folder, clip, out, size?, formats?, alpha?}. Draws the clip file with the folder's portrait and voice into `out`."""
    job = _job(request)
    from .folder import PerformanceFolder
    from .jobs import Job
    from .motion.clip import MotionClip
    from .update import render_elsewhere
    made, clip = PerformanceFolder.read(_needed(job, "folder")), MotionClip.load(_needed(job, "clip"))
    asked = {key: job[key] for key in ("size", "formats", "alpha") if key in job}
    wanted = Job.from_record({"portrait": str(made.portrait), "audio": str(made.speech), "out": str(_needed(job, "out")), **asked})
    return {"out": str(wanted.out), "files": render_elsewhere(made, clip, wanted, progress)}


def converse(request: dict, progress: Progress) -> dict:
    """`job`: {tracks, length_s?, speakers: [{name, job, lines: [{audio, start_s, skip_s?, length_s?, text?}], sees: {name: [yaw,
    pitch]}}]}; `job` has the fields of jobs.Job but for the recording. Every speaker becomes a folder."""
    job = _job(request)
    from .converse import Line, Speaker, run_conversation
    tracks, length_s = _needed(job, "tracks"), _number(job, "length_s", None)
    try:
        speakers = [Speaker(str(one["name"]), dict(one["job"]),
                            tuple(Line(**{**line, "audio": Path(line["audio"])}) for line in one.get("lines", [])),
                            {str(name): (float(yaw), float(pitch)) for name, (yaw, pitch) in one.get("sees", {}).items()})
                    for one in job["speakers"]]
        outs = {speaker.name: str(speaker.job["out"]) for speaker in speakers}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"The job's speakers cannot be read ({error}).") from error
    run_conversation(speakers, length_s, tracks, progress)
    return {"folders": outs}


def export(request: dict, _progress: Progress) -> dict:
    """`job`: {clip, out, format}. Writes the clip file in another program's format."""
    job = _job(request)
    from .export import export_clip, speech_beside
    from .motion.clip import MotionClip
    clip, out = _needed(job, "clip"), _needed(job, "out")
    folder = _file(job, "folder")
    speech = speech_beside(folder / "motion.json") if folder else None
    export_clip(MotionClip.load(clip), out, to=str(job.get("format") or out.suffix.lstrip(".").lower()), speech=speech)
    return {"out": str(out)}


def _job(request: dict) -> dict:
    if not isinstance(request.get("job"), dict):
        raise InputError(f"A request to {request['command']} needs a job.")
    return request["job"]


def _file(job: dict, key: str) -> Path | None:
    if job.get(key) is not None and not isinstance(job[key], str):
        raise InputError(f"The job's {key!r} cannot be {job[key]!r}.")
    return Path(job[key]) if job.get(key) else None


def _needed(job: dict, key: str) -> Path:
    path = _file(job, key)
    if path is None:
        raise InputError(f"The job does not say {key!r}.")
    return path


def _number(job: dict, key: str, default: float | None) -> float | None:
    value = job.get(key, default)
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e6):
        raise InputError(f"The job's {key!r} cannot be {value!r}.")
    return value


def _whole(job: dict, key: str) -> int | None:
    value = _number(job, key, None)
    return None if value is None else int(value)


def _names(job: dict, key: str) -> tuple[str, ...]:
    names = job.get(key, ["all"])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"The job's {key!r} must be a list of names.")
    return tuple(names)


def _spans(job: dict) -> list:
    """The spans of the job, the whole when it names none. Raises InputError."""
    from .motion.edit import WHOLE, Span
    spans = job.get("spans")
    if not spans:
        return [WHOLE]
    try:
        return [Span.parse(f"{float(start)}:{'' if end is None else float(end)}") for start, end in spans]
    except (TypeError, ValueError):
        raise InputError(f"The job's 'spans' cannot be {spans!r}; write [[start_s, end_s], ...].") from None


def _direction(job: dict):
    """The job's direction; None, the clip's own, when it names none."""
    if job.get("direction") is None and not job.get("settings"):
        return None
    from .stages import directed
    settings = job.get("settings") or {}
    if not isinstance(settings, dict) or not isinstance(job.get("direction") or "", str):
        raise InputError("The job's direction is a name, its settings a table.")
    return directed(job.get("direction") or "", {str(key): str(value) for key, value in settings.items()})
