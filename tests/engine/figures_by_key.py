"""Figures of the scoreboard as tests ask for them."""

from __future__ import annotations

from collections.abc import Iterable

from soliloquy.engine.measure.figures import Figure


def by_key(figures: Iterable[Figure]) -> dict[str, Figure]:
    """The figures by what they measure."""
    return {figure.key: figure for figure in figures}
