"""Frame rates as exact fractions: reading what a person writes and recognising what a clock measured."""

from __future__ import annotations

from fractions import Fraction

from .errors import InputError

SLOWEST_FPS, FASTEST_FPS = Fraction(1), Fraction(240)

STANDARD_RATES: tuple[Fraction, ...] = tuple(
    Fraction(whole * 1000, divisor) for whole in (24, 30, 48, 60, 120) for divisor in (1000, 1001)
) + (Fraction(25), Fraction(50), Fraction(100), Fraction(12), Fraction(15))
"""Film, video (SMPTE ST 12-1 rates and their 1000/1001 forms) and capture rates."""


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


def nearest_standard_rate(rate_fps: float, *, within: float) -> Fraction | None:
    """The standard rate nearest to a measured one when it differs by no more than the fraction `within`, else None."""
    nearest = min(STANDARD_RATES, key=lambda rate: abs(float(rate) - rate_fps))
    return nearest if abs(float(nearest) - rate_fps) <= within * rate_fps else None
