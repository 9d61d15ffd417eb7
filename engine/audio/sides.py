"""Two people in one stereo recording, one to a channel: who speaks when, by which channel is the louder one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter1d

from ..errors import AudioError
from .decode import open_audio
from .features import energy_db
from .speech import HOP_S

SIDES = ("left", "right")
"""Names of the speakers, in the order of the channels."""

FLOOR_BELOW_DB, LEAST_LEVEL_DB = 35.0, -60.0
"""What is no more than so much softer than a channel's loudest passages, and louder than this, may be speech."""
BLEED_DB = 6.0
"""One microphone hears the other speaker too: whoever is softer than the other by more than this is silent."""
SMOOTH_S = 0.1
SAME_DB = 3.0
"""Two channels that never differ by more carry one and the same recording."""


def side_levels(path: Path) -> np.ndarray:
    """(2, N) loudness of the channels of a stereo recording in dB, per HOP_S. Raises AudioError when they carry the same."""
    tracks = [_levels(path, number) for number in range(len(SIDES))]
    count = min(map(len, tracks))
    levels_db = np.stack([uniform_filter1d(track[:count].astype(np.float64), round(SMOOTH_S / HOP_S)) for track in tracks])
    apart_db = np.abs(np.diff(np.maximum(levels_db, LEAST_LEVEL_DB), axis=0))
    if np.percentile(apart_db, 95) <= SAME_DB:
        raise AudioError(
            f"Both channels of {path} carry the same sound: it is not one speaker to a channel. Say who speaks when with --cues."
        )
    return levels_db


def _levels(path: Path, channel: int) -> np.ndarray:
    with open_audio(path, channel=channel) as samples:
        return energy_db(samples)


def speaking_side(levels_db: np.ndarray) -> np.ndarray:
    """(2, N) bool: whether the speaker of each channel speaks, from (2, N) `side_levels`; both may."""
    floors_db = np.maximum(np.percentile(levels_db, 98, axis=1, keepdims=True) - FLOOR_BELOW_DB, LEAST_LEVEL_DB)
    return (levels_db > floors_db) & (levels_db > levels_db[::-1] - BLEED_DB)
