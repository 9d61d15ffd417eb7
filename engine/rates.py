"""Frame rates as exact fractions: reading what a person writes."""

from __future__ import annotations

from fractions import Fraction

from ..common.rates import nearest_standard_rate
from .errors import InputError

SLOWEST_FPS, FASTEST_FPS = Fraction(1), Fraction(240)


def parse_rate(text: str | int | float | Fraction) -> Fraction:
    """Frames per second from "25", "24000/1001", "23.976" or a number; 23.976, 29.97 and 59.94 mean n * 1000/1001 exactly.

    Raises InputError for anything that is not a rate from 1 to 240.
    """
    try:
        rate = Fraction(str(text).strip())
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(f"{text!r} is not a frame rate. Write frames per second as 25, 29.97 or 24000/1001.") from error
    if not SLOWEST_FPS <= rate <= FASTEST_FPS:
        raise InputError(f"A frame rate of {text} is outside {SLOWEST_FPS} to {FASTEST_FPS} frames per second.")
    return rate if "/" in str(text) else nearest_standard_rate(float(rate), within=3e-4) or rate
