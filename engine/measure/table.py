"""The scoreboard as text: one table for each subject, or one line for each when there are many. Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from .figures import MISS, NOT_APPLICABLE, PASS, TARGETS, Figure

if TYPE_CHECKING:
    from .board import Score

MANY = 4
"""From this many pictures on, they share one table."""


def scoreboard(scores: Sequence[Score]) -> str:
    """Every score. A `*` marks a value that misses its target; `n/a` one that does not apply."""
    measured = [score for score in scores if score.figures]
    faces = [score for score in measured if any(figure.target.short for figure in score.figures)]
    parts = []
    if len(faces) >= MANY:
        parts += [picture_table(faces), figure_table(faces)]
        measured = [score for score in measured if score not in faces]
    parts += [subject_table(score) for score in measured]
    failures = [f"{score.name}: not measured. {score.failure}" for score in scores if score.failure]
    return "\n\n".join(parts + failures) + "\n"


def subject_table(score: Score) -> str:
    """One line for each figure of one subject, then the count."""
    lines = [["#", "figure", "target", "value", "", "noise", "people", "remark"]]
    for figure in score.figures:
        target = figure.target
        lines.append([str(target.row), target.name, f"{target.text} {target.unit}".strip(), shown(figure), figure.status,
                      "" if figure.noise is None else f"{figure.noise:.{target.digits}f}", target.real, figure.note])
    statuses = [figure.status for figure in score.figures]
    counts = ", ".join(f"{statuses.count(status)} {word}"
                       for status, word in ((PASS, "pass"), (MISS, "miss"), (NOT_APPLICABLE, "not applicable")))
    timing = f", {score.renders} frames rendered in {score.seconds:.0f} s" if score.renders else ""
    return f"{score.name}: {counts}{timing}\n\n{_markdown(lines)}"


def picture_table(scores: Sequence[Score]) -> str:
    """One line for each subject, one column for each figure that has a short name."""
    keys = [key for key, target in TARGETS.items()
            if target.short and any(figure.key == key for score in scores for figure in score.figures)]
    lines = [["picture", *(TARGETS[key].short for key in keys), "pass"]]
    for score in scores:
        by_key = {figure.key: figure for figure in score.figures}
        cells = [_cell(by_key[key]) if key in by_key else "" for key in keys]
        lines.append([score.name, *cells, _count(score.figures)])
    by_figure = [[figure for score in scores for figure in score.figures if figure.key == key] for key in keys]
    lines.append(["pass", *map(_count, by_figure), _count([figure for score in scores for figure in score.figures])])
    return _markdown(lines)


def figure_table(scores: Sequence[Score]) -> str:
    """One line for each figure: how many subjects pass, and how far the values reach."""
    lines = [["#", "figure", "column", "target", "pass", "median", "range", "noise"]]
    for key, target in TARGETS.items():
        figures = [figure for score in scores for figure in score.figures if figure.key == key]
        values = [figure.value for figure in figures if figure.value is not None and math.isfinite(figure.value)]
        noises = [figure.noise for figure in figures if figure.noise is not None]
        if not figures:
            continue
        number = f".{target.digits}f"
        lines.append([str(target.row), target.name, target.short, f"{target.text} {target.unit}".strip(),
                      _count(figures) if target.bounded else "", f"{median(values):{number}}" if values else "",
                      f"{min(values):{number}} .. {max(values):{number}}" if values else "",
                      f"{median(noises):{number}}" if noises else ""])
    return _markdown(lines)


def shown(figure: Figure) -> str:
    """The value with the figure's decimals; `unread` when it was asked for and nothing could be read."""
    if figure.value is None:
        return ""
    return f"{figure.value:.{figure.target.digits}f}" if math.isfinite(figure.value) else "unread"


def _cell(figure: Figure) -> str:
    if figure.status == NOT_APPLICABLE:
        return "n/a"
    return shown(figure).replace("unread", "?") + "*" * (figure.status == MISS)


def _count(figures: Sequence[Figure]) -> str:
    """`passed/asked`, over the figures that apply and have a target."""
    statuses = [figure.status for figure in figures]
    asked = statuses.count(PASS) + statuses.count(MISS)
    return f"{statuses.count(PASS)}/{asked}" if asked else ""


def _markdown(lines: list[list[str]]) -> str:
    """Lines of cells as a Markdown table whose columns also line up in a terminal."""
    cells = [[cell.replace("|", "/") for cell in line] for line in lines]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    printed = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in cells]
    printed.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(printed)
