"""Build engine/assets/visemes.npz: lips of portraits in known sounds, from which row 7's discriminants learn.

Development time only. PORTRAITS: a folder of pictures in the public domain; VOICES: recordings in the public domain or under CC BY,
each with what is said in a .txt beside it where that is known. Every portrait speaks sounds of all the voices, each portrait others
of them; none speaks with the bundled voice, which the scoreboard tests with.

    python -m soliloquy.engine.training.build_visemes PORTRAITS_FOLDER VOICE...
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..audio.analyse import analyse_speech
from ..files import sha256_of
from ..measure.bench import Bench
from ..measure.detectors import FaceDetector
from ..measure.reference import FPS
from ..measure.rows_face import clip_of_frames
from ..measure.rows_speech import group_frames, spoken_features
from ..measure.viseme_table import ASSET, FEATURES, in_steps, side_turned_to
from ..motion.clip import MotionClip
from ..motion.direction import load_direction
from ..motion.generate import generate_motion
from ..portrait.build import build_portrait
from ..render.render import render

FRAMES_PER_GROUP = 20
"""Of each group of sounds, in each portrait."""


@dataclass(frozen=True)
class Spoken:
    """Frames in the middle of known sounds, of one voice. clip: T frames; groups: (T,) the sounds' groups."""

    clip: MotionClip
    groups: np.ndarray

    @classmethod
    def by(cls, voice: Path) -> Spoken:
        """All frames of a recording that show a group's sound."""
        text = voice.with_suffix(".txt")
        speech = analyse_speech(voice, text.read_text(encoding="utf-8") if text.exists() else None)
        clip = generate_motion(speech, load_direction(), seed=0, fps=FPS)
        chosen = group_frames(speech, clip, least=1, most=len(clip))
        return cls(clip, np.array([chosen.get(frame, "") for frame in range(len(clip))])).of(np.array(sorted(chosen)))

    def of(self, frames: np.ndarray) -> Spoken:
        """The chosen frames."""
        return Spoken(clip_of_frames(self.clip, frames), self.groups[frames])

    def share(self, number: int) -> Spoken:
        """What the portrait of that number says: of every group FRAMES_PER_GROUP frames or so, spread over all voices, other frames
        than the portraits before it, as long as there are others."""
        kept = np.zeros(len(self.groups), bool)
        for group in set(self.groups):
            places = np.flatnonzero(self.groups == group)
            every = max(len(places) // FRAMES_PER_GROUP, 1)
            kept[places[number % every :: every]] = True
        return self.of(np.flatnonzero(kept))


def one_after_the_other(spoken: list[Spoken]) -> Spoken:
    """All voices' frames."""
    clips, names = [voice.clip for voice in spoken], ("channels", "head_rotation_deg", "head_translation_m", "gaze_deg")
    arrays = [np.concatenate([getattr(clip, name) for clip in clips]) for name in names]
    own = np.concatenate([clip.own for clip in clips])
    return Spoken(MotionClip(FPS, *arrays, own=own), np.concatenate([voice.groups for voice in spoken]))


def rows_of(bench: Bench, said: Spoken, source: str) -> dict[str, np.ndarray]:
    """The table's rows of one portrait that says `said`."""
    features, found = spoken_features(bench, said.clip)
    turned = np.full(found.sum(), side_turned_to(bench.neutral.landmarks_px[0]), np.int8)
    return {"source": np.full(found.sum(), source), "group": said.groups[found], "turned": turned} | features


def joined(tables: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The rows of all of them, one below the other."""
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def build(portraits: list[Path], voices: list[Path]) -> dict[str, np.ndarray]:
    """All arrays of the table."""
    spoken, tables = one_after_the_other([Spoken.by(voice) for voice in voices]), []
    with FaceDetector() as detector:
        for number, path in enumerate(portraits):
            said = spoken.share(number)
            bench = Bench(build_portrait(path), detector, render=render)
            tables.append(rows_of(bench, said, sha256_of(path)))
    table = joined(tables)
    return {name: table[name] for name in ("source", "group", "turned")} | in_steps({name: table[name] for name in FEATURES})


if __name__ == "__main__":
    pictures = sorted(path for path in Path(sys.argv[1]).iterdir() if path.suffix in (".jpg", ".png", ".webp"))
    np.savez_compressed(ASSET, **build(pictures, [Path(argument) for argument in sys.argv[2:]]))
