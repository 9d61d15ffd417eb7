"""Frame rates that people use, as exact fractions."""

from __future__ import annotations

from fractions import Fraction

STANDARD_RATES: tuple[Fraction, ...] = tuple(
    Fraction(whole * 1000, divisor) for whole in (24, 30, 48, 60, 120) for divisor in (1000, 1001)
) + (Fraction(25), Fraction(50), Fraction(100), Fraction(12), Fraction(15))
"""Film, video (SMPTE ST 12-1 rates and their 1000/1001 forms) and capture rates."""


def nearest_standard_rate(rate_fps: float, *, within: float) -> Fraction | None:
    """The standard rate nearest to a measured one when it differs by no more than the fraction `within`, else None."""
    nearest = min(STANDARD_RATES, key=lambda rate: abs(float(rate) - rate_fps))
    return nearest if abs(float(nearest) - rate_fps) <= within * rate_fps else None
