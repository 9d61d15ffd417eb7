"""Build engine/assets/visemes.npz: lips of portraits in known sounds, from which row 7's discriminants learn.

Development time only. PORTRAITS: a folder of pictures in the public domain; VOICES: recordings in the public domain or under CC BY,
each with what is said in a .txt beside it where that is known. Every portrait speaks sounds of all the voices, each portrait others
of them; none speaks with the bundled voice, which the scoreboard tests with.

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
from ..measure.rows_visemes import spoken_features
from ..measure.spoken import Spoken, one_after_the_other
from ..measure.viseme_table import ASSET, FEATURES, in_steps, side_turned_to
from ..motion.direction import load_direction
from ..motion.generate import generate_motion
from ..portrait.build import build_portrait
from ..render.render import render

FRAMES_PER_GROUP = 20
"""Of each group of sounds, in each portrait."""


def spoken_by(voice: Path) -> Spoken:
    """All frames of a recording that show a group's sound."""
    text = voice.with_suffix(".txt")
    speech = analyse_speech(voice, text.read_text(encoding="utf-8") if text.exists() else None)
    return Spoken.of_performance(speech, generate_motion(speech, load_direction(), seed=0, fps=FPS))


def share(spoken: Spoken, number: int) -> Spoken:
    """What the portrait of that number says: of every group FRAMES_PER_GROUP frames or so, spread over all voices, other frames
    than the portraits before it, as long as there are others."""
    kept = np.zeros(len(spoken.groups), bool)
    for group in set(spoken.groups):
        places = np.flatnonzero(spoken.groups == group)
        every = max(len(places) // FRAMES_PER_GROUP, 1)
        kept[places[number % every :: every]] = True
    return spoken.frames(kept)


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
    spoken, tables = one_after_the_other([spoken_by(voice) for voice in voices]), []
    with FaceDetector() as detector:
        for number, path in enumerate(portraits):
            said = share(spoken, number)
            bench = Bench(build_portrait(path), detector, render=render)
            tables.append(rows_of(bench, said, sha256_of(path)))
    table = joined(tables)
    return {name: table[name] for name in ("source", "group", "turned")} | in_steps({name: table[name] for name in FEATURES})


if __name__ == "__main__":
    pictures = sorted(path for path in Path(sys.argv[1]).iterdir() if path.suffix in (".jpg", ".png", ".webp"))
    np.savez_compressed(ASSET, **build(pictures, [Path(argument) for argument in sys.argv[2:]]))
