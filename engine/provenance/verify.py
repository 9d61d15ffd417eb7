"""`soliloquy verify`: what a file is, what it was made from, whether its credentials hold, whether the mark is there, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np

from ..errors import ImageError
from ..files import sha256_of
from ..portrait.picture import read_picture
from ..progress import Progress, silent
from .credentials import SIDECAR_SUFFIX
from .mark import Reading, read_mark
from .policy import BASES, Policy, load_policy
from .reading import SIGNERS, Credentials, read_credentials

INTACT, ALTERED, NO_CREDENTIALS, UNREADABLE = 0, 1, 2, 3
"""Exit statuses of `soliloquy verify`."""

VERDICTS = {INTACT: "intact", ALTERED: "altered or forged", NO_CREDENTIALS: "no credentials", UNREADABLE: "unreadable"}

_GRAVITY = (INTACT, NO_CREDENTIALS, UNREADABLE, ALTERED)

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")

FRAMES_READ = 12
"""Frames of a clip that the mark is looked for in, together."""

LARGEST_SIDE_PX = 8192
MOST_NAMED = 5


@dataclass(frozen=True)
class Finding:
    """What was found out about one file or frame sequence. status: one of the exit statuses; told: for people, line by line."""

    path: Path
    status: int
    told: tuple[str, ...]
    credentials: Credentials | None = None
    mark: str | None = None
    problems: tuple[str, ...] = field(default_factory=tuple)

    def as_json(self) -> dict:
        """Plain JSON values."""
        return {"path": str(self.path), "status": self.status, "verdict": VERDICTS[self.status], "mark": self.mark,
                "problems": list(self.problems), "told": list(self.told),
                "credentials": asdict(self.credentials) | {"frames": len(self.credentials.frames)} if self.credentials else None}

    def text(self) -> str:
        """For people."""
        return "\n".join([f"{self.path}: {VERDICTS[self.status]}", *(f"  {line}" for line in self.told)])


def verify(path: Path, *, progress: Progress = silent) -> list[Finding]:
    """Examine a file, or every picture, video and frame sequence in a folder."""
    policy = load_policy()
    subjects = list(_subjects(path))
    if not subjects:
        return [_unreadable(path, "There is nothing here that could be checked: no picture, video or frames.")]
    findings = []
    for count, subject in enumerate(subjects):
        progress("verify", count, len(subjects))
        findings.append(_examine_frames(subject, policy) if subject.is_dir() else _examine_file(subject, policy))
    progress("verify", len(subjects), len(subjects))
    return findings


def overall(findings: list[Finding]) -> int:
    """The gravest status."""
    return max((finding.status for finding in findings), key=_GRAVITY.index)


def as_record(findings: list[Finding]) -> dict:
    """Plain JSON values for machines: the gravest status, its name, and every finding."""
    status = overall(findings)
    return {"status": status, "verdict": VERDICTS[status], "findings": [finding.as_json() for finding in findings]}


def _subjects(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    if _numbered_frames(path):
        yield path
        return
    for entry in sorted(path.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.suffix.lower() in IMAGE_SUFFIXES + VIDEO_SUFFIXES or (entry.is_dir() and _numbered_frames(entry)):
            yield entry
        elif entry.suffix == SIDECAR_SUFFIX and not entry.with_suffix("").exists():
            yield entry


def _numbered_frames(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.suffix.lower() == ".png" and entry.stem.isdigit())


def _unreadable(path: Path, why: str) -> Finding:
    return Finding(path, UNREADABLE, (why,), problems=(why,))


def _examine_file(path: Path, policy: Policy) -> Finding:
    if not path.is_file():
        return _unreadable(path, "There is no such file.")
    credentials = read_credentials(path, policy)
    try:
        pictures = frames_of_video(path) if path.suffix.lower() in VIDEO_SUFFIXES else [read_picture(path)]
    except ImageError as error:
        if credentials is None or not credentials.issuer:
            return _unreadable(path, str(error))
        pictures = []
    reading = read_mark(pictures) if pictures else None
    return _finding(path, credentials, reading, [] if pictures else ["no picture in it can be decoded"], policy)


def _examine_frames(folder: Path, policy: Policy) -> Finding:
    """A frame sequence with `FOLDER.c2pa` beside it."""
    frames, sidecar = _numbered_frames(folder), folder.with_name(folder.name + SIDECAR_SUFFIX)
    credentials = read_credentials(frames[0], policy, sidecar=sidecar) if sidecar.is_file() else None
    wrong = _wrong_frames(frames, credentials.frames) if credentials else []
    chosen = [frames[int(place)] for place in np.linspace(0, len(frames) - 1, min(FRAMES_READ, len(frames)))]
    pictures = []
    for frame in chosen:
        try:
            pictures.append(read_picture(frame))
        except ImageError as error:
            wrong.append(str(error))
    pictures = [picture for picture in pictures if picture.shape[:2] == pictures[0].shape[:2]]
    if not pictures and credentials is None:
        return _unreadable(folder, wrong[0])
    return _finding(folder, credentials, read_mark(pictures) if pictures else None, wrong, policy)


def _wrong_frames(frames: list[Path], signed: dict[str, str]) -> list[str]:
    there = {frame.name: frame for frame in frames}
    groups = {
        "changed": [name for name, digest in signed.items() if name in there and sha256_of(there[name]) != digest],
        "missing": [name for name in signed if name not in there],
        "added": [name for name in there if name not in signed],
    }
    return [f"{len(names)} of {len(signed)} frames {kind}: {', '.join(names[:MOST_NAMED])}{' ...' if len(names) > MOST_NAMED else ''}"
            for kind, names in groups.items() if names]


def frames_of_video(path: Path) -> list[np.ndarray]:
    """Up to FRAMES_READ frames spread over a video, (H, W, 3) RGB. Raises ImageError."""
    capture = cv2.VideoCapture(str(path))
    try:
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if not capture.isOpened() or count < 1 or not 0 < max(width, height) <= LARGEST_SIDE_PX:
            raise ImageError(f"{path} is not a video that can be read.")
        frames = []
        for place in dict.fromkeys(np.linspace(0, count - 1, FRAMES_READ).astype(int).tolist()):
            capture.set(cv2.CAP_PROP_POS_FRAMES, place)
            read, frame = capture.read()
            if read:
                frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    finally:
        capture.release()
    if not frames:
        raise ImageError(f"{path} holds no frame that can be read.")
    return frames


def _finding(path: Path, credentials: Credentials | None, reading: Reading | None, wrong: list[str], policy: Policy) -> Finding:
    mark = f"{reading.number:08x}" if reading and reading.number is not None else None
    problems = [*(credentials.problems if credentials else ()), *wrong, *_contradictions(credentials, mark, policy)]
    told = [*_about_credentials(credentials, mark), *(f"Problem: {problem}." for problem in problems), _about_mark(credentials, mark)]
    if credentials is None:
        status = UNREADABLE if wrong and reading is None else NO_CREDENTIALS
    else:
        status = ALTERED if problems else INTACT
    return Finding(path, status, tuple(told), credentials, mark, tuple(problems))


def _contradictions(credentials: Credentials | None, mark: str | None, policy: Policy) -> Iterator[str]:
    """What does not fit together although each part may be sound by itself."""
    if credentials is None:
        return
    promised = credentials.claimed.get("mark", {}).get("number")
    if mark and promised and mark != promised:
        yield f"the mark in the picture is {mark}, the credentials speak of {promised}: these credentials belong to other pictures"
    if credentials.holds and credentials.signer == "unknown" and (policy.certificate or policy.trusted):
        yield "the signature is sound, but made with a key that the policy does not trust: anybody could have written these credentials"


def _about_credentials(credentials: Credentials | None, mark: str | None) -> Iterator[str]:
    if credentials is None:
        if mark:
            yield "It was made with Soliloquy: the mark is in the picture. Its credentials were taken off, or lost in editing."
        else:
            yield "It carries no Content Credentials and no mark of Soliloquy. That says nothing about whether it is real."
        return
    what = "a moving picture made from a portrait, in part by trained algorithms" if credentials.claimed else \
        ", ".join(credentials.source_types) or "of a kind its credentials do not name"
    yield f"By its credentials, made with {credentials.made_with or 'an unnamed program'}: {what}."
    if inputs := credentials.claimed.get("inputs"):
        yield "Made from: " + ", ".join(f"{role} (SHA-256 {entry.get('sha256', '?')[:16]}...)" for role, entry in inputs.items()) + "."
    if rights := credentials.claimed.get("rights"):
        yield "Basis: " + _about_rights(rights)
    if credentials.holds:
        yield f"The signature holds, made with {SIGNERS[credentials.signer]} ({credentials.issuer or 'no name'})."


def _about_rights(rights: dict) -> str:
    said = [f"{rights.get('basis')} ({BASES.get(str(rights.get('basis')), 'unknown')})"]
    said += [f"{label} {rights[name]}" for name, label in (("statement", "stated:"), ("subject", "shown:"), ("scope", "for:"),
                                                           ("expires", "until")) if rights.get(name)]
    return "; ".join(said) + "."


def _about_mark(credentials: Credentials | None, mark: str | None) -> str:
    if mark:
        return f"The mark is there: number {mark}."
    off = credentials.claimed.get("mark", {}).get("off") if credentials else None
    if off:
        return f"It was made without the mark: {off}."
    return "No mark was found" + (", although one was put in." if credentials and credentials.claimed.get("mark") else ".")
