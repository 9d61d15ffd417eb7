"""Build engine/assets/visemes.npz: lips of portraits in known sounds, from which row 7's discriminants learn.

Development time only. PORTRAITS: a folder of public-domain pictures; VOICES: recordings in the public domain or under CC BY. The
portraits take the voices in turn; none speaks with the bundled voice, which the scoreboard tests with.

    python -m soliloquy.engine.training.build_visemes PORTRAITS_FOLDER VOICE...
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from ..audio.analyse import analyse_speech
from ..files import sha256_of
from ..measure.bench import Bench
from ..measure.detectors import FaceDetector
from ..measure.reference import FPS
from ..measure.rows_face import clip_of_frames
from ..measure.rows_performance import LIP_CHANNELS
from ..measure.rows_speech import drawn_lips, followed_mouth, group_frames
from ..measure.viseme_table import ASSET, FEATURES, in_steps, lip_change
from ..motion.clip import MotionClip
from ..motion.direction import load_direction
from ..motion.generate import generate_motion
from ..portrait.build import build_portrait
from ..render.render import render


def rows_of(bench: Bench, clip: MotionClip, groups: np.ndarray, source: str) -> dict[str, np.ndarray]:
    """The table's rows of one portrait: `clip` holds one frame for each of `groups`."""
    frames = list(bench.frames(clip))
    landmarks = bench.observe_frames(frames, clip.head_translation_m[:, 2]).landmarks_px
    followed = followed_mouth(bench, frames, landmarks)
    found = np.isfinite(followed).all(axis=1)
    return {"source": np.full(found.sum(), source), "group": groups[found], "followed": followed[found],
            "lips": lip_change(landmarks[found], bench.neutral.landmarks_px[0], 2), "drawn": drawn_lips(bench.portrait, clip)[found],
            "curves": clip.channels[found][:, LIP_CHANNELS]}


def joined(tables: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The rows of all portraits, one below the other."""
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def build(portraits: list[Path], voices: list[Path]) -> dict[str, np.ndarray]:
    """All arrays of the table."""
    spoken = []
    for voice in voices:
        speech = analyse_speech(voice)
        clip = generate_motion(speech, load_direction(), seed=0, fps=FPS)
        chosen = group_frames(speech, clip, least=1)
        frames = np.array(sorted(chosen))
        spoken.append((clip_of_frames(clip, frames), np.array([chosen[frame] for frame in frames])))
    with FaceDetector() as detector:
        table = joined([rows_of(Bench(build_portrait(path), detector, render=render), *spoken[number % len(spoken)], sha256_of(path))
                        for number, path in enumerate(portraits)])
    return {name: table[name] for name in ("source", "group")} | in_steps({name: table[name] for name in FEATURES})


if __name__ == "__main__":
    pictures = sorted(path for path in Path(sys.argv[1]).iterdir() if path.suffix in (".jpg", ".png", ".webp"))
    np.savez_compressed(ASSET, **build(pictures, [Path(argument) for argument in sys.argv[2:]]))
