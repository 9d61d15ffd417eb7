"""`soliloquy verify`: what a file is, what it was made from, whether its credentials hold, whether the mark is there, in
plain words."""

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
from .aigc import read_aigc
from .claims import line
from .credentials import SIDECAR_SUFFIX
from .mark import Reading, read_mark
from .policy import Policy, load_policy
from .reading import Credentials, read_credentials
from .telling import about_aigc, about_credentials, about_mark

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
DEEPEST_FOLDER = 8
"""Folders within folders that are looked into."""


@dataclass(frozen=True)
class Finding:
    """What was found out about one file or frame sequence. status: one of the exit statuses; told: for people, line by line;
    mark: the number in the picture, 8 hex digits; aigc: the metadata field of that name."""

    path: Path
    status: int
    told: tuple[str, ...]
    credentials: Credentials | None = None
    mark: str | None = None
    aigc: dict[str, str] | None = None
    problems: tuple[str, ...] = field(default_factory=tuple)

    def as_json(self) -> dict:
        """Plain JSON values."""
        return {
            "path": str(self.path),
            "status": self.status,
            "verdict": VERDICTS[self.status],
            "mark": self.mark,
            "aigc": self.aigc,
            "problems": list(self.problems),
            "told": list(self.told),
            "credentials": asdict(self.credentials) | {"frames": len(self.credentials.frames)} if self.credentials else None,
        }

    def text(self) -> str:
        """For people."""
        return "\n".join([f"{line(self.path)}: {VERDICTS[self.status]}", *(f"  {line}" for line in self.told)])


def verify(path: Path, *, progress: Progress = silent) -> list[Finding]:
    """Examine a file, or every picture, video and frame sequence in a folder and the folders in it. Raises InputError."""
    policy = load_policy()
    subjects = list(_subjects(path))
    if not subjects:
        return [_unreadable(path, "There is nothing here that could be checked: no picture, video or frames.")]
    findings = []
    for count, subject in enumerate(subjects):
        progress("verify", count, len(subjects))
        findings.append(_examine_frames(subject, policy, progress) if subject.is_dir() else _examine_file(subject, policy))
    progress("verify", len(subjects), len(subjects))
    return findings


def overall(findings: list[Finding]) -> int:
    """The gravest status."""
    return max((finding.status for finding in findings), key=_GRAVITY.index)


def as_record(findings: list[Finding]) -> dict:
    """Plain JSON values for machines: the gravest status, its name, and every finding."""
    status = overall(findings)
    return {"status": status, "verdict": VERDICTS[status], "findings": [finding.as_json() for finding in findings]}


def _subjects(path: Path, deeper: int = DEEPEST_FOLDER) -> Iterator[Path]:
    """What is looked at: a frame sequence as a whole. Hidden files and links to folders are passed over."""
    if not path.is_dir() or is_sequence(path):
        yield path
        return
    for entry in sorted(path.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.suffix.lower() in IMAGE_SUFFIXES + VIDEO_SUFFIXES:
            yield entry
        elif entry.is_dir() and not entry.is_symlink() and deeper:
            yield from _subjects(entry, deeper - 1)
        elif entry.suffix == SIDECAR_SUFFIX and not entry.with_suffix("").exists():
            yield entry


def is_sequence(folder: Path) -> bool:
    """Whether a folder is a sequence of frames: it has credentials beside it, or files called by numbers alone."""
    frames = frames_in(folder)
    return bool(frames) and (_sidecar_of(folder).is_file() or frames[0].stem.isdigit())


def frames_in(folder: Path) -> list[Path]:
    """The numbered pictures of a folder in the order of their numbers; of several sequences the longest."""
    sequences: dict[tuple[str, str], list[Path]] = {}
    for entry in folder.iterdir():
        prefix = entry.stem.rstrip("0123456789")
        if entry.suffix.lower() in IMAGE_SUFFIXES and prefix != entry.stem and not entry.name.startswith("."):
            sequences.setdefault((prefix, entry.suffix), []).append(entry)
    longest = max(sequences.values(), key=len, default=[])
    return sorted(longest, key=lambda entry: (int(entry.stem[len(entry.stem.rstrip("0123456789")):][:18]), entry.name))


def _sidecar_of(folder: Path) -> Path:
    return folder.with_name(folder.name + SIDECAR_SUFFIX)


def _unreadable(path: Path, why: str) -> Finding:
    return Finding(path, UNREADABLE, (why,), problems=(why,))


def _examine_file(path: Path, policy: Policy) -> Finding:
    if not path.is_file():
        return _unreadable(path, "There is no such file.")
    is_video = path.suffix.lower() in VIDEO_SUFFIXES
    try:
        credentials = read_credentials(path, policy)
        pictures = frames_of_video(path) if is_video else [read_picture(path, least_side_px=1)]
    except OSError as error:
        return _unreadable(path, f"It cannot be read ({error.strerror or error}).")
    except ImageError as error:
        if credentials is None or not credentials.issuer:
            return _unreadable(path, str(error))
        pictures = []
    reading = read_mark(pictures) if pictures else None
    wrong = [] if pictures else ["no picture in it can be decoded"]
    return _finding(path, credentials, reading, read_aigc(path, is_video=is_video), wrong, policy)


def _examine_frames(folder: Path, policy: Policy, progress: Progress) -> Finding:
    """A frame sequence with `FOLDER.c2pa` beside it."""
    frames, sidecar = frames_in(folder), _sidecar_of(folder)
    credentials = read_credentials(frames[0], policy, sidecar=sidecar) if sidecar.is_file() else None
    wrong = wrong_frames(frames, credentials.frames, progress) if credentials else []
    chosen = [frames[int(place)] for place in np.linspace(0, len(frames) - 1, min(FRAMES_READ, len(frames)))]
    pictures = []
    for frame in chosen:
        try:
            pictures.append(read_picture(frame, least_side_px=1))
        except ImageError as error:
            wrong.append(str(error))
    pictures = [picture for picture in pictures if picture.shape[:2] == pictures[0].shape[:2]]
    if not pictures and credentials is None:
        return _unreadable(folder, wrong[0])
    reading = read_mark(pictures) if pictures else None
    return _finding(folder, credentials, reading, read_aigc(frames[0], is_video=False), wrong, policy)


def wrong_frames(frames: list[Path], signed: dict[str, str], progress: Progress = silent) -> list[str]:
    """How `frames` differ from those that were `signed` (name -> hex SHA-256), in words."""
    there = {frame.name: frame for frame in frames}
    changed = []
    for count, (name, digest) in enumerate(signed.items()):
        progress("frames", count, len(signed))
        if name in there and sha256_of(there[name]) != digest:
            changed.append(name)
    groups = {"changed": changed, "missing": [name for name in signed if name not in there],
              "added": [name for name in there if name not in signed]}
    return [
        f"{len(names)} of {len(signed)} frames {kind}: {_some(names)}"
        for kind, names in groups.items()
        if names
    ]


def _some(names: list[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (" ..." if len(names) > MOST_NAMED else "")


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


def _finding(
    path: Path,
    credentials: Credentials | None,
    reading: Reading | None,
    aigc: dict[str, str] | None,
    wrong: list[str],
    policy: Policy,
) -> Finding:
    mark = f"{reading.number:08x}" if reading and reading.number is not None else None
    problems = [*(credentials.problems if credentials else ()), *wrong, *_contradictions(credentials, mark, policy)]
    told = [
        *about_credentials(credentials, mark, aigc),
        *(f"Problem: {problem.rstrip('.')}." for problem in problems),
        about_mark(credentials, mark),
        about_aigc(credentials, aigc),
    ]
    if credentials is None:
        status = UNREADABLE if wrong and reading is None else NO_CREDENTIALS
    else:
        status = ALTERED if problems else INTACT
    return Finding(path, status, tuple(line(text) for text in told if text), credentials, mark, aigc, tuple(problems))


def _contradictions(credentials: Credentials | None, mark: str | None, policy: Policy) -> Iterator[str]:
    """What does not fit together although each part may be sound by itself."""
    if credentials is None:
        return
    promised = credentials.claimed.get("mark", {}).get("number")
    if mark and promised and mark != promised:
        yield f"the mark in the picture is {mark}, the credentials speak of {promised}: they belong to other pictures"
    if credentials.holds and credentials.signer == "unknown" and (policy.certificate or policy.trusted):
        yield "the signature is sound, but of a key that the policy does not trust: anybody could have written them"
