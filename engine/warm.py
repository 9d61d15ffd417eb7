"""Compile ahead: the matting, the rasteriser and the search for phones are compiled at their first use, a minute and more that setup should spend."""

from __future__ import annotations

from .motion.clip import CHANNEL_INDEX, MotionClip
from .progress import Progress


def compile_ahead(progress: Progress) -> None:
    """Take one small picture through portrait and renderer, so that everything compiled is on disk. Raises ModelError.

    The picture is Grace Hopper's (US Navy, public domain), which matplotlib ships.
    """
    import matplotlib.cbook
    import numpy as np

    from .audio.viterbi import free_path, text_path
    from .portrait.build import build_portrait
    from .render.render import render

    progress("compile", 0, 2)
    portrait = build_portrait(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    progress("compile", 1, 2)
    clip = MotionClip.neutral(2)
    clip.head_rotation_deg[1] = (15, 5, 0)
    clip.channels[1, [CHANNEL_INDEX[name] for name in ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")]] = 1.0
    chances = np.full((16, 2), 0.5)
    free_path(chances)
    text_path(chances, np.zeros(2, bool), np.full(2, 3))
    for alpha in (False, True):
        for _ in render(portrait, clip, size=(128, 128), alpha=alpha):
            pass
    progress("compile", 2, 2)
