"""Modelled teeth in the light of those that the picture shows: beside teeth in the shade of a lip, or in a flash, they must not
look like another person's."""

from __future__ import annotations

import dataclasses

import numpy as np

from .mouth import CLEAR_ROW, MM, SHOWN_ROWS, UPPER_LIP_ROW, full_teeth, mouth_asset
from .portrait import Part
from .tone import LUMA
from .window import values_at

TEETH = ("teeth_upper", "teeth_lower")
MIDDLE = (0.25, 0.75)
"""Shares of the mouth's width between which its own teeth are looked at."""
ACROSS = np.linspace(0.1, 0.9, 17)
"""Shares of the way from the upper lip to where the lower one begins at which they are."""
BRIGHTEST = (70, 95)
"""Teeth are the brightest of what is seen there but for highlights: between these percentiles of brightness."""
FRONT_MM, LEAST_IVORY = 3.0, 0.8
"""So deep behind the foremost, and with at least so much green to red, the asset's front teeth are in full light; gums are redder."""
GAIN_LIMITS = (0.2, 1.5)
"""Modelled teeth become at most so much darker and brighter."""


def lit_like_shown(parts: dict[str, Part], picture: np.ndarray, shown: float) -> dict[str, Part]:
    """The modelled rows of teeth among `parts` with the brightness and hue that the picture's own teeth have.

    picture: (H, W, 3+) uint8 sRGB; shown: 0..1, how surely what it shows between its lips are teeth. Nothing where it shows none.
    """
    if not shown or "teeth_source" not in parts:
        return {}
    gain = np.clip(shown_colour(parts["teeth_source"], picture) / ivory_of(parts["teeth_upper"]), *GAIN_LIMITS) ** shown
    return {name: dataclasses.replace(parts[name], colour=np.clip(parts[name].colour * np.float32([*gain, 1.0]), 0, 1))
            for name in TEETH}


def shown_colour(source: Part, picture: np.ndarray) -> np.ndarray:
    """(3,) colour 0..1 of the picture's own teeth, whose part is `source`."""
    rows = source.vertices[:, :2].reshape(SHOWN_ROWS, -1, 2)
    middle = slice(*(round(share * rows.shape[1]) for share in MIDDLE))
    upper, clear = rows[UPPER_LIP_ROW, middle], rows[CLEAR_ROW, middle]
    seen = values_at(picture[..., :3], upper + ACROSS[:, None, None] * (clear - upper)).reshape(-1, 3) / 255
    brightness = seen @ LUMA
    low, high = np.percentile(brightness, BRIGHTEST)
    return seen[(brightness >= low) & (brightness <= high)].mean(axis=0)


def ivory_of(teeth: Part) -> np.ndarray:
    """(3,) colour 0..1 of the modelled upper front teeth."""
    depth, albedo = full_teeth("teeth_upper")[:, 2], mouth_asset()["teeth_upper/colour"]
    ivory = (depth >= depth.max() - FRONT_MM * MM) & (albedo[:, 1] >= LEAST_IVORY * albedo[:, 0])
    return np.median(teeth.colour[ivory, :3], axis=0).astype(np.float64)
