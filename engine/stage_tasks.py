"""What the worker can be asked for before a performance: a portrait, landmarks to correct, a spoken line. See tasks.py."""

from __future__ import annotations

from pathlib import Path

from .errors import InputError
from .progress import Progress

CORRECTED = "landmarks"
"""Key of a portrait's settings: who placed its landmarks, when it was not the detector."""


def portrait(request: dict, progress: Progress) -> dict:
    """`job`: {picture, out, face?, landmarks?, rights?}. Takes the picture apart into the `.portrait` file `out`.

    landmarks: file with corrected points; the portrait says then that a hand placed them, and keeps them.
    """
    job = _job(request)
    picture, out = _path(job, "picture"), _path(job, "out")
    from .provenance.consent import Rights
    from .provenance.policy import load_policy
    from .stages import check_writable, cleared_rights, obtain_portrait
    rights = cleared_rights(picture, Rights.from_record(job["rights"]), load_policy()) if job.get("rights") else None
    check_writable(out.parent)
    landmarks = _path(job, "landmarks") if job.get("landmarks") else None
    made, _ = obtain_portrait(picture, face=_face(job), landmarks=landmarks, progress=progress)
    if landmarks:
        made.settings[CORRECTED] = "hand"
    if rights:
        made.provenance["rights"] = rights.to_record()
    made.save(out)
    return {"out": str(out), "size": list(made.size)}


def landmarks(request: dict, progress: Progress) -> dict:
    """`job`: {picture, out, face?}. Writes landmarks to correct into the JSON file `out`; `found`: is there a face."""
    job = _job(request)
    picture, out, face = _path(job, "picture"), _path(job, "out"), _face(job)
    progress("face", 0, 1)
    from .portrait.landmarks import find_landmarks, write_landmarks
    from .portrait.picture import read_picture
    from .stages import check_writable
    check_writable(out.parent)
    image = read_picture(picture)
    points, found = find_landmarks(image[..., :3].copy(), face)
    write_landmarks(out, points)
    progress("face", 1, 1)
    return {"out": str(out), "found": found, "size": [image.shape[1], image.shape[0]]}


def say(request: dict, progress: Progress) -> dict:
    """`job`: {text, out, speed?, seed?}. Speaks the text into the WAV file `out`."""
    job = _job(request)
    if not isinstance(job.get("text"), str):
        raise InputError("A request to say needs a text.")
    progress("say", 0, 1)
    from .audio.say import say as speak
    length_s = speak(job["text"], _path(job, "out"), speed=float(job.get("speed", 1.0)), seed=int(job.get("seed", 0)))
    progress("say", 1, 1)
    return {"out": job["out"], "duration_s": length_s}


def _job(request: dict) -> dict:
    if not isinstance(request.get("job"), dict):
        raise InputError(f"A request to {request['command']} needs a job.")
    return request["job"]


def _path(job: dict, key: str) -> Path:
    if not isinstance(job.get(key), str) or not job[key]:
        raise InputError(f"The job does not say {key!r}.")
    return Path(job[key])


def _face(job: dict) -> int | None:
    face = job.get("face")
    if face is not None and (not isinstance(face, int) or isinstance(face, bool) or face < 0):
        raise InputError(f"The job's 'face' cannot be {face!r}.")
    return face
