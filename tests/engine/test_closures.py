"""Closures of the lips that only the phone network heard come in where nobody gave a text, and nowhere else."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from soliloquy.engine.audio.closures import with_heard_closures
from soliloquy.engine.audio.sounds import CLASS_INDEX, CLASSES
from soliloquy.engine.audio.speech import HOP_S, SILENCE, Phone

PHONES = [Phone(SILENCE, 0.0, 0.3), Phone("AA", 0.3, 0.5), Phone("T", 0.5, 0.56), Phone("IY", 0.56, 0.8), Phone("F", 0.8, 0.9),
          Phone("AE", 0.9, 1.1), Phone("M", 1.1, 1.2), Phone("AA", 1.2, 1.4), Phone(SILENCE, 1.4, 2.0)]


def chances(sound: str, start_s: float, end_s: float, chance: float = 0.8) -> np.ndarray:
    """Posteriors of "a" throughout, but for `sound` between two times."""
    rows = np.zeros((201, len(CLASSES)), np.float16)
    rows[:, CLASS_INDEX["a"]] = 1.0
    span = slice(round(start_s / HOP_S), round(end_s / HOP_S))
    rows[span] *= 1.0 - chance
    rows[span, CLASS_INDEX[sound]] = chance
    return rows


@pytest.mark.parametrize("start_s, end_s", [(0.49, 0.55), (0.5, 0.52), (0.31, 0.38), (0.27, 0.33), (0.0, 0.03), (1.97, 2.0)])
def test_a_closure_that_was_missed_is_put_in_its_place(start_s, end_s):
    found = with_heard_closures(PHONES, chances("b", start_s, end_s))
    (closure,) = [phone for phone in found if phone.label == "B"]
    assert closure.start_s <= start_s + 0.015 and closure.end_s >= end_s - 0.015 and closure.end_s - closure.start_s >= 0.025
    assert all(before.end_s == after.start_s for before, after in pairwise(found)), "still without a gap"
    assert (found[0].start_s, found[-1].end_s) == (0.0, 2.0) and all(p.end_s - p.start_s >= 0.01 for p in found)


@pytest.mark.parametrize(
    "sound, start_s, chance", [("p", 1.12, 0.9), ("m", 1.22, 0.9), ("p", 0.4, 0.45), ("t", 0.4, 0.9), ("b", 0.82, 0.9)]
)
def test_known_closures_doubtful_ones_and_lips_on_teeth_stay(sound, start_s, chance):
    """An m that is there already, one next to it, a guess, another sound, and a lip that touches the teeth."""
    assert with_heard_closures(PHONES, chances(sound, start_s, start_s + 0.05, chance)) == PHONES
