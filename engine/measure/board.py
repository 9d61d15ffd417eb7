"""The scoreboard: measures pictures, portraits and finished jobs, and holds what came out."""

from __future__ import annotations

import functools
import logging
import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from .. import __version__
from ..errors import Cancelled, InputError, SoliloquyError
from ..progress import Progress, silent
from ..render.render import render
from . import rows_face, rows_gaze, rows_identity, rows_performance, rows_picture, rows_pose, rows_shape, rows_speech, rows_visemes, table
from .bench import Bench
from .detectors import FaceDetector
from .figures import ROWS, Figure
from .known_head import ReaderSlopes, reader_slopes
from .reference import Reference, direction_of, reference, takes
from .speed import Preparation, hardware, speed
from .spoken import Spoken
from .subjects import Subject, read_subject
from .teeth import teeth

logger = logging.getLogger(__name__)

PERFORMANCE_ROWS = (10, 11, 12, 15)
"""Rows about the curves alone; pictures share them, because they share the reference recording."""


@dataclass
class Score:
    """What was measured on one subject. failure: why it could not be measured (then no figures)."""

    name: str
    figures: list[Figure] = field(default_factory=list)
    failure: str = ""
    renders: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict:
        """Plain JSON values."""
        return {"name": self.name, "failure": self.failure, "renders": self.renders, "seconds": round(self.seconds, 1),
                "figures": [figure.as_json() for figure in self.figures]}


@dataclass
class Scoreboard:
    """Everything one run measured."""

    scores: list[Score]
    seconds: float
    reader_slopes: ReaderSlopes | None = None
    """What the readings give on a head of known rotation; None when neither row 1 nor row 4 was asked for."""

    def as_json(self) -> dict:
        """Plain JSON values."""
        return {"format": "soliloquy-measures", "format_version": 1, "soliloquy": __version__, "hardware": hardware(),
                "measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "seconds": round(self.seconds, 1),
                "reader_slopes": self.reader_slopes and asdict(self.reader_slopes),
                "subjects": [score.as_json() for score in self.scores]}

    def text(self) -> str:
        """The tables, for a terminal and for docs/measures.md."""
        text = table.scoreboard(self.scores)
        if slopes := self.reader_slopes:
            read = " and ".join(
                f"{name} {of.yaw:.2f} of its yaw, {of.pitch:.2f} of its pitch, {of.roll:.2f} of its roll, {of.across:.2f} of the "
                f"travel of its irises across and {of.up:.2f} up and down"
                for name, of in (("the pixels give", slopes.pixels), ("the detector", slopes.detector)))
            text += f"\nOn a head whose rotation and gaze are known {read}; read rows 1 and 4 against that.\n"
        return text


def run(paths: Sequence[str | os.PathLike], *, rows: Collection[int] | None = None,
        progress: Progress = silent) -> Scoreboard:
    """Measure every path: a picture, a `.portrait`, or a folder written by `soliloquy animate`.

    rows: which rows of docs/measures.md; all that exist by default. A subject that cannot be measured (no face, damaged
    file) is listed with the reason and the others go on. Raises InputError for an unknown row or an empty list, ModelError
    when the detector is not installed, Cancelled.
    """
    chosen = set(ROWS if rows is None else rows)
    if not paths:
        raise InputError("Nothing to measure. Give a picture, a .portrait or a folder written by `soliloquy animate`.")
    if unknown := sorted(chosen - set(ROWS)):
        raise InputError(f"There is no row {unknown[0]}; the scoreboard has {', '.join(map(str, ROWS))}.")
    start = time.perf_counter()
    spoken = functools.cache(lambda: reference(progress=progress))
    scores, shared_wanted = [], False
    with FaceDetector() as detector:
        for number, path in enumerate(paths):
            progress("measure", number, len(paths))
            score, needs_shared = _score_path(path, chosen, detector, spoken, progress)
            scores.append(score)
            shared_wanted |= needs_shared
        slopes = reader_slopes(detector) if chosen & {1, 4} else None
    if shared_wanted and chosen & set(PERFORMANCE_ROWS):
        scores.append(Score("performance of the reference recording", performance(spoken().takes, spoken().takes, chosen)))
    progress("measure", len(paths), len(paths))
    return Scoreboard(scores, time.perf_counter() - start, slopes)


def _score_path(path: str | os.PathLike, rows: set[int], detector: FaceDetector, spoken: Callable[[], Reference],
                progress: Progress) -> tuple[Score, bool]:
    """The score of one path, and whether the rows about curves are left to the reference recording."""
    start = time.perf_counter()
    score = Score(os.path.basename(os.path.normpath(path)))
    needs_shared = False
    try:
        subject = read_subject(path, progress=progress)
        needs_shared = subject.take is None
        bench = Bench(subject.portrait, detector, render=render, source=subject.source, progress=progress)
        score.figures = measure_subject(subject, bench, rows, spoken)
        score.renders = bench.renders
    except Cancelled:
        raise
    except SoliloquyError as error:
        logger.info("%s was not measured", path, exc_info=error)
        score.failure = str(error)
    score.seconds = time.perf_counter() - start
    return score, needs_shared


def measure_subject(subject: Subject, bench: Bench, rows: Collection[int], spoken: Callable[[], Reference]) -> list[Figure]:
    """All figures of one subject, in the order of the rows. spoken: the reference recording, made when first asked for."""
    speech, take = (subject.speech, subject.take) if subject.take is not None else (None, None)

    def own_or_reference() -> tuple:
        return (speech, take) if take is not None else (spoken().speech, spoken().takes[0])

    measures: dict[int, Callable[[], list[Figure]]] = {
        1: lambda: rows_pose.head_pose(bench),
        2: lambda: rows_face.head_distance(bench),
        3: lambda: rows_face.blinks(bench),
        4: lambda: rows_gaze.gaze(bench),
        5: lambda: rows_face.lips_posed(bench) + rows_face.lips_speaking(bench, *own_or_reference()),
        6: lambda: rows_speech.labiodentals(bench, *own_or_reference()),
        7: lambda: rows_visemes.visemes(bench, spoken().sounds if take is None else Spoken.of_performance(speech, take)),
        8: lambda: rows_speech.timing(bench, *own_or_reference()),
        9: lambda: rows_performance.silence(bench, *own_or_reference()),
        13: lambda: [rows_shape.shape(bench), *rows_identity.identity(bench)],
        14: lambda: rows_picture.background(bench),
        15: lambda: rows_identity.flicker(bench, own_or_reference()[1]),
        16: lambda: teeth(bench),
        17: lambda: rows_picture.rest(bench),
        18: lambda: speed(subject.portrait, spoken().takes[0],
                          Preparation(subject.build_s, spoken().analyse_s, spoken().motion_s, len(spoken().takes[0]))),
    }
    figures = [figure for row, measure in measures.items() if row in rows for figure in measure()]
    if take is not None and set(rows) & set(PERFORMANCE_ROWS):
        other_takes = takes(speech, direction_of(take), progress=bench.progress) if 12 in rows else []
        others = [other for other in other_takes if other.provenance.get("seed") != take.provenance.get("seed")]
        figures += performance([take], [take, *others], rows)
    return sorted(figures, key=lambda figure: figure.target.row)


def performance(judged: list, seeds: list, rows: Collection[int]) -> list[Figure]:
    """Rows 10, 11 and the curves of 15 on the takes `judged`, row 12 on `seeds`."""
    measures = {10: lambda: rows_performance.head_dynamics(judged), 11: lambda: rows_performance.blink_statistics(judged),
                12: lambda: rows_performance.seed_diversity(seeds), 15: lambda: rows_performance.fast_curves(judged)}
    return [figure for row, measure in measures.items() if row in rows for figure in measure()]

