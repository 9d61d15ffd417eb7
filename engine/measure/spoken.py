"""Frames of performances that show known sounds: what row 7 tells apart, and what its discriminants are taught with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..audio.speech import Speech
from ..motion.clip import MotionClip
from .rows_face import clip_of_frames, spread

GROUPS = {"p b m": "P B M", "f v": "F V", "open": "AA AE AH AY AW", "spread": "IY IH EY EH", "round": "UW OW UH W AO OY",
          "hush": "SH ZH CH JH", "hiss": "S Z T D N"}


@dataclass(frozen=True)
class Spoken:
    """Frames in the middle of known sounds. clip: T frames; groups: (T,) names out of GROUPS."""

    clip: MotionClip
    groups: np.ndarray

    @classmethod
    def of_performance(cls, speech: Speech, clip: MotionClip) -> Spoken:
        """All frames of a performed recording that show a group's sound."""
        shown: dict[int, str] = {}
        for group, labels in GROUPS.items():
            for phone in speech.phones:
                if phone.label in labels.split():
                    middle_s = (phone.start_s + phone.end_s) / 2.0
                    shown.setdefault(min(round(middle_s * float(clip.fps)), len(clip) - 1), group)
        frames = np.array(sorted(shown), int)
        return cls(clip_of_frames(clip, frames), np.array([shown[frame] for frame in frames], str))

    def frames(self, chosen: np.ndarray) -> Spoken:
        """The chosen frames, by index or mask."""
        return Spoken(clip_of_frames(self.clip, chosen), self.groups[chosen])

    def of_each_group(self, least: int, most: int) -> Spoken:
        """At most so many frames of each group, evenly spread; none of a group that has fewer than `least`."""
        kept: list[int] = []
        for group in GROUPS:
            places = np.flatnonzero(self.groups == group).tolist()
            kept += spread(places, most) if len(places) >= least else []
        return self.frames(np.array(sorted(kept), int))


def one_after_the_other(spoken: Sequence[Spoken]) -> Spoken:
    """The frames of all of them."""
    clips, names = [part.clip for part in spoken], ("channels", "head_rotation_deg", "head_translation_m", "gaze_deg")
    arrays = [np.concatenate([getattr(clip, name) for clip in clips]) for name in names]
    own = np.concatenate([clip.own for clip in clips])
    return Spoken(MotionClip(clips[0].fps, *arrays, own=own), np.concatenate([part.groups for part in spoken]))
