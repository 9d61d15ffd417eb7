"""Viseme weights over time, for game engines and avatars whose mouths are made of visemes rather than of ARKit's channels.

JSON: the set, its names, the rate, one row of weights per frame, and the same as a list of events, the strongest viseme from when
to when. CSV: a row per frame, the time in seconds first. Which by the suffix of the file.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np

from ...common.visemes import VisemeSet, weights_from_channels, weights_from_phones
from ..audio.speech import Speech
from ..files import whole_file
from ..motion.clip import ARKIT_CHANNELS, MotionClip

FORMAT_VERSION = 1
DECIMALS = 4


def write_visemes(clip: MotionClip, path: str | os.PathLike, speech: Speech | None, visemes: VisemeSet) -> None:
    """Write the weights of `visemes` at the clip's rate, as CSV when `path` says so, else as JSON. Raises OutputError.

    speech: who knows what is said when gets exact visemes; without it they are read off the clip's mouth.
    """
    weights = viseme_weights(clip, speech, visemes)
    with whole_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        if Path(path).suffix.lower() == ".csv":
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["time_s", *visemes.names])
            for frame, row in enumerate(weights):
                rows.writerow([f"{float(frame / clip.fps):.6f}", *(f"{value:.{DECIMALS}f}" for value in row)])
        else:
            json.dump(_record(clip, speech, visemes, weights), file, ensure_ascii=False)


def viseme_weights(clip: MotionClip, speech: Speech | None, visemes: VisemeSet) -> np.ndarray:
    """(T, V) shares of the visemes at the clip's frames, each row adding up to 1."""
    if speech is None:
        return weights_from_channels(clip.channels, ARKIT_CHANNELS, visemes)
    times_s = np.arange(len(clip)) / float(clip.fps)
    return weights_from_phones([(phone.label, phone.start_s, phone.end_s) for phone in speech.phones], times_s, visemes)


def _record(clip: MotionClip, speech: Speech | None, visemes: VisemeSet, weights: np.ndarray) -> dict:
    return {
        "format": "soliloquy-visemes",
        "format_version": FORMAT_VERSION,
        "set": visemes.key,
        "visemes": list(visemes.names),
        "fps": f"{clip.fps.numerator}/{clip.fps.denominator}",
        "frames": len(clip),
        "from": "curves" if speech is None else "phones",
        "weights": [[round(float(value), DECIMALS) for value in row] for row in weights],
        "events": _events(clip, visemes, weights),
    }


def _events(clip: MotionClip, visemes: VisemeSet, weights: np.ndarray) -> list[dict]:
    """The strongest viseme, from when to when."""
    strongest = weights.argmax(axis=1)
    starts = [0, *(np.flatnonzero(np.diff(strongest)) + 1).tolist()]
    return [{"viseme": visemes.names[strongest[start]], "start_s": round(float(start / clip.fps), 6),
             "end_s": round(float(end / clip.fps), 6)} for start, end in zip(starts, [*starts[1:], len(weights)])]
