"""A clip as plain NumPy arrays, for scripts and training code."""

from __future__ import annotations

import os

import numpy as np

from ..files import whole_file
from ...common.channels import OWN_CHANNELS
from ..motion.clip import ARKIT_CHANNELS, MotionClip


def write_arrays(clip: MotionClip, path: str | os.PathLike) -> None:
    """Write one .npz: channels (T, 52), channel_names, head_rotation_deg, head_translation_m, gaze_deg, own (T, 3), own_names,
    fps (2,) as integers.

    Raises OutputError.
    """
    with whole_file(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, channels=clip.channels, channel_names=np.array(ARKIT_CHANNELS),
                            head_rotation_deg=clip.head_rotation_deg, head_translation_m=clip.head_translation_m,
                            gaze_deg=clip.gaze_deg, own=clip.own, own_names=np.array(OWN_CHANNELS),
                            fps=np.array([clip.fps.numerator, clip.fps.denominator]))
