"""The recording every portrait speaks when it is measured without one of its own, and takes of a recording."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile

from ..audio.analyse import analyse_speech
from ..audio.say import say
from ..audio.speech import Speech
from ..motion.clip import MotionClip
from ..motion.direction import Direction, load_direction
from ..motion.generate import generate_motion
from ..progress import Progress, silent
from .spoken import Spoken, one_after_the_other

SENTENCES = (
    "My brother Bob bought a big brown map of Panama before he came home.",
    "Please put the paper lamp on top of my piano, and move the empty box behind the bamboo.",
    "I thought about it all night, and I am sorry. Five of the families never found out what had happened to the farm.",
    "What a marvellous morning! People were already walking along the harbour, talking and laughing.",
    "We should probably begin. Maybe nobody will ask how much it cost.",
)
"""Rich in P B M and open vowels, some F and V; the text of the reference recording, spoken by the bundled voice."""

MORE_SENTENCES = (
    "She chose fresh cheese and a large dish of sugar from the church shop, which George and Jane should share.",
    "Joshua just wished to watch the short show; the judge on the stage had much change to show each child.",
    "Five very brave wolves found food for you, and moved over a few rough roofs to view the new blue room.",
)
"""Rich in hushes, F and V and round vowels, of which SENTENCES have too few for row 7; spoken for that row alone."""

PAUSE_S = 0.6
SEEDS = 8
FPS = Fraction(25)


@dataclass(frozen=True)
class Reference:
    """The reference recording, understood, and its takes.

    sounds: frames that show known sounds, of the first take and of MORE_SENTENCES; analyse_s, motion_s: what the analysis and one take cost.
    """

    speech: Speech
    takes: list[MotionClip]
    sounds: Spoken
    analyse_s: float
    motion_s: float


def reference(*, progress: Progress = silent) -> Reference:
    """Speak, analyse and perform the reference text with the default direction and SEEDS seeds."""
    progress("measure: reference recording", 0, 2)
    speech, analyse_s = understood(SENTENCES)
    progress("measure: reference recording", 1, 2)
    more, _ = understood(MORE_SENTENCES)
    start = time.perf_counter()
    performances = takes(speech, load_direction(), progress=progress)
    motion_s = (time.perf_counter() - start) / len(performances)
    performed = generate_motion(more, load_direction(), seed=0, fps=FPS)
    sounds = one_after_the_other([Spoken.of_performance(speech, performances[0]), Spoken.of_performance(more, performed)])
    return Reference(speech, performances, sounds, analyse_s, motion_s)


def understood(sentences: Sequence[str]) -> tuple[Speech, float]:
    """The sentences as the bundled voice speaks them, analysed with their text, and the seconds that the analysis took."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reference.wav"
        speak(sentences, path)
        start = time.perf_counter()
        return analyse_speech(path, " ".join(sentences)), time.perf_counter() - start


def speak(sentences: Sequence[str], path: Path) -> None:
    """Write a recording of the sentences with silences of PAUSE_S between them."""
    pieces: list[np.ndarray] = []
    for number, sentence in enumerate(sentences):
        piece = path.with_name(f"{path.stem}-{number}.wav")
        say(sentence, piece)
        samples, rate = soundfile.read(piece, dtype="float32")
        pieces += [samples, np.zeros(round(PAUSE_S * rate), np.float32)]
    soundfile.write(path, np.concatenate(pieces), rate, subtype="PCM_16")


def takes(speech: Speech, direction: Direction, *, progress: Progress = silent) -> list[MotionClip]:
    """SEEDS performances of one recording that differ in the seed only."""
    performances = []
    for seed in range(SEEDS):
        progress("measure: takes", seed, SEEDS)
        performances.append(generate_motion(speech, direction, seed=seed, fps=FPS))
    return performances


def direction_of(clip: MotionClip) -> Direction:
    """The direction a generated clip was made with; the default one when it does not say (a capture, another program)."""
    record = clip.provenance.get("direction")
    return Direction().with_settings(record) if isinstance(record, dict) else load_direction()
