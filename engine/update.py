"""Renders again what changed and nothing else: a performance's folder is brought up to a clip that somebody has edited.

Frames that show the same as before are kept, to the byte. The new ones are finished beside them and take their places one by one,
each whole; the clip that the folder says it shows is written last, so that an update that was cut off is done again by the next.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from .animate import Stopwatch, render_to
from .errors import FormatError, InputError
from .export import export_clip
from .files import output_error, sha256_of
from .folder import GENERATED, GENERATED_FILE, SHOWN, PerformanceFolder
from .jobs import Job, parse_size
from .measure.rows_performance import blink_statistics, head_dynamics
from .motion.clip import MotionClip
from .motion.edit import curves, differs, runs, with_curves, with_lids_following
from .portrait.portrait import Portrait
from .progress import Progress, silent
from .provenance.credentials import SIDECAR_SUFFIX
from .provenance.policy import load_policy
from .provenance.seal import Seal
from .render.render import render
from .render.write import FRAME_FILE
from .stages import check_writable, cleared_rights

logger = logging.getLogger(__name__)

_WORK_PREFIX = ".update."
"""Of the folder in which new frames wait until all are finished."""


def update_folder(folder: Path, clip: MotionClip, *, generated: Path | None = None, tolerance: float = 1.0,
                  progress: Progress = silent) -> dict:
    """Bring what is rendered in `folder` up to `clip`. Returns {"frames": how many were rendered, "spans": [[first, end), ...]}.

    generated: file in `folder` of what `clip` was before it was edited by hand, kept in mind for the next regeneration; the one that
    was in force when left out.
    tolerance: how many times what counts as no difference (motion/edit.py) counts as none here, for curves that were simplified.
    Raises InputError when the clip has other frames than the folder, FormatError for a damaged folder, OutputError, NoRightsError.
    """
    made = PerformanceFolder.read(folder)
    shown = made.shown()
    clip = with_lids_following(clip, MotionClip.load(generated) if generated else made.generated())
    changed = differs(shown, clip, tolerance).any(axis=1)
    here = _frames_here(made, len(clip))
    if here is not None:
        changed |= ~here
    if not changed.any():
        return {"frames": 0, "spans": []}
    check_writable(folder)
    clip = _unchanged_as_they_were(shown, clip, changed)
    policy = load_policy()
    rights = cleared_rights(made.portrait, None, policy)
    portrait = Portrait.load(made.portrait)
    voice = {"voice": made.voice} if made.voice else {}
    seal = Seal(policy, rights, clip=clip, seed=made.report.get("seed"), inputs=made.input_hashes(), sources=voice,
                number=made.mark_number)
    if here is None:
        changed[:] = True
        render_to(folder, portrait, clip, size=made.size, formats=_video_formats(made), alpha=made.report["settings"]["alpha"],
                  audio=made.voice, watch=Stopwatch(), seal=seal, progress=progress)
    else:
        _render_changed(made, portrait, clip, changed, seal, progress)
    spans = runs(changed)
    _write_clip(made, clip, generated)
    entry = {"frames": int(changed.sum()), "spans": [list(span) for span in spans]}
    made.with_entry("updates", entry, seal=seal.record(),
                    measures=[figure.as_json() for figure in (*head_dynamics([clip]), *blink_statistics([clip]))])
    logger.info("%s: %d of %d frames rendered again", folder, changed.sum(), len(clip))
    return entry


def render_elsewhere(made: PerformanceFolder, clip: MotionClip, wanted: Job, progress: Progress = silent) -> list[str]:
    """Draw `clip` with the portrait and the voice of `made` into the folder, formats and size of `wanted`; returns the names of what
    was written. Raises InputError, OutputError, NoRightsError."""
    check_writable(wanted.out)
    policy = load_policy()
    rights = cleared_rights(made.portrait, None, policy)
    portrait = Portrait.load(made.portrait)
    seal = Seal(policy, rights, clip=clip, inputs=made.input_hashes(), sources={"voice": made.voice} if made.voice else {})
    return render_to(wanted.out, portrait, clip, size=parse_size(wanted.size, portrait.size), formats=wanted.formats,
                     alpha=wanted.alpha, audio=made.voice, watch=Stopwatch(), seal=seal, progress=progress)


def _frames_here(made: PerformanceFolder, count: int) -> np.ndarray | None:
    """(T,) bool: which PNG frames are on disk; None when the performance was rendered to videos only."""
    if made.frames is None:
        if not _video_formats(made):
            raise InputError(f"{made.path} holds no rendered frames that could be updated.")
        return None
    names = {entry.name for entry in os.scandir(made.frames)}
    if any(name not in names for name in (FRAME_FILE.format(number) for number in range(1, count + 1))):
        logger.warning("%s: frames are missing and will be rendered again", made.frames)
    return np.array([FRAME_FILE.format(number) in names for number in range(1, count + 1)], bool)


def _video_formats(made: PerformanceFolder) -> tuple[str, ...]:
    return tuple(name.removeprefix("video.") for name in made.report["outputs"] if name.startswith("video."))


def _unchanged_as_they_were(shown: MotionClip, clip: MotionClip, changed: np.ndarray) -> MotionClip:
    """`clip`, but with the very numbers of frames that are not rendered again: many small changes add up from there."""
    values = np.where(changed[:, None], curves(clip), curves(shown))
    return with_curves(shown, values)


def _render_changed(made: PerformanceFolder, portrait: Portrait, clip: MotionClip, changed: np.ndarray, seal: Seal,
                    progress: Progress) -> None:
    """Render `changed` frames, make the videos of old and new ones, then put everything in its place. Raises OutputError."""
    try:
        for left_over in made.path.glob(f"{_WORK_PREFIX}*"):  # by one that was killed
            shutil.rmtree(left_over)
        work = Path(tempfile.mkdtemp(prefix=_WORK_PREFIX, dir=made.path))
    except OSError as error:
        raise output_error(made.path, error) from error
    try:
        fresh = _fresh_frames(made, portrait, clip, changed, seal, work, progress)
        paths = [fresh.get(name, made.frames / name) for name in map(FRAME_FILE.format, range(1, len(clip) + 1))]
        sidecar = _sign(paths, work, seal, progress)
        for name in _video_formats(made):
            _encode(made, f"video.{name}", paths, clip, seal, progress)
        _put_in_place(made, fresh, sidecar)
    except OSError as error:
        raise output_error(made.frames, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _fresh_frames(made: PerformanceFolder, portrait: Portrait, clip: MotionClip, changed: np.ndarray, seal: Seal, work: Path,
                  progress: Progress) -> dict[str, Path]:
    """Frame's name -> file in `work`, for the changed frames, marked as in a rendering of the whole."""
    numbers = np.flatnonzero(changed)
    drawn = np.unique(np.concatenate([[0], numbers]))  # the mark takes its strength from the clip's first frame
    part = with_curves(clip, curves(clip)[drawn])
    frames = render(portrait, part, size=made.size, alpha=made.report["settings"]["alpha"], progress=progress)
    with seal.png_sink(work / "fresh", signed=False) as sink:
        for number, frame in _in_turn(frames, drawn, int(numbers[-1])):
            marked = seal.mark(frame)
            if changed[number]:
                sink.write(marked)
    return {FRAME_FILE.format(number + 1): work / "fresh" / FRAME_FILE.format(place)
            for place, number in enumerate(numbers, start=1)}


def _in_turn(frames: Iterator[np.ndarray], drawn: np.ndarray, last: int) -> Iterator[tuple[int, np.ndarray]]:
    """(number, frame) of every frame up to `last`, in order, for a seal that counts; one that was not drawn is the first."""
    wanted = set(drawn.tolist())
    first = None
    for number in range(last + 1):
        frame = next(frames) if number in wanted else first
        first = frame if first is None else first
        yield number, frame


def _sign(paths: list[Path], work: Path, seal: Seal, progress: Progress) -> Path | None:
    """The credentials of the whole sequence, in `work`; None when the policy wants none. Raises OutputError."""
    hashes = {}
    for number, path in enumerate(paths, start=1):
        progress("sign", number, len(paths))
        hashes[FRAME_FILE.format(number)] = sha256_of(path)
    first = work / "first"
    first.mkdir()
    shutil.copyfile(paths[0], first / FRAME_FILE.format(1))
    seal.sign_frames(first, work / "frames", hashes)
    sidecar = work / f"frames{SIDECAR_SUFFIX}"
    return sidecar if sidecar.is_file() else None


def _encode(made: PerformanceFolder, name: str, paths: list[Path], clip: MotionClip, seal: Seal, progress: Progress) -> None:
    """The video `name` of the frames in `paths`, which carry their mark already. Raises OutputError."""
    with seal.video_sink(made.path / name, size=made.size, fps=clip.fps, frames=len(paths), audio=made.voice) as sink:
        for number, path in enumerate(paths, start=1):
            progress("encode", number, len(paths))
            sink.write(_read_frame(path, made.size))


def _read_frame(path: Path, size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3|4) uint8 RGB(A) of one of our PNG frames. Raises FormatError when it is none."""
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != 3 or picture.shape[1::-1] != size:
        raise FormatError(f"{path} is not a frame of this performance. Delete it; Update Frames then renders it again.")
    return cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def _put_in_place(made: PerformanceFolder, fresh: dict[str, Path], sidecar: Path | None) -> None:
    for name, path in fresh.items():
        os.replace(path, made.frames / name)
    kept = made.frames.with_name(f"frames{SIDECAR_SUFFIX}")
    if sidecar is None:
        kept.unlink(missing_ok=True)
    else:
        os.replace(sidecar, kept)


def _write_clip(made: PerformanceFolder, clip: MotionClip, generated: Path | None) -> None:
    """Say what the frames show now, and what it was edited from. Raises OutputError."""
    if not (made.path / GENERATED).is_file():
        made.shown().save(made.path / GENERATED)
    if generated is not None and made.inside(str(generated)) is not None:
        clip.provenance[GENERATED_FILE] = generated.resolve().relative_to(made.path.resolve()).as_posix()
    export_clip(clip, made.path / "motion.csv", to="csv")
    clip.save(made.path / SHOWN)
