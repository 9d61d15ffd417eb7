"""Tracked lips with their sound, as frames for the lip networks: GRID (one speaker) and FACEGOOD; others held out."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from ..audio.decode import SAMPLE_RATE_HZ, read_audio
from ..audio.features import energy_db, f0_hz
from ..audio.mel import mel_power
from ..audio.phone_stream import hear_recording
from ..audio.phones import find_phones
from ..audio.speech import HEARD_HOP_S, Phone, Speech
from ..motion.articulation import RATE_HZ, articulate
from ..motion.clip import ARKIT_CHANNELS
from ..motion.lips import rule_features, seen_gap, seen_width, sounding

TRAINING = ("grid_s1", "1114_2_01", "1114_2_02", "1114_2_03", "1114_2_04", "1114_2_05", "1114_3_15")
HELD_OUT = ("grid_multi", "grid_s4_hq", "1114_3_16")
VALIDATION_EVERY = 10
"""Every tenth clip of the training GRID speaker watches the training and is not learned from."""

PACES = {1.0: (1, 1), 0.88: (25, 22), 1.12: (25, 28), 1.25: (4, 5)}
"""Playing a recording faster or slower (up, down of the resampling) makes higher and lower voices of other sizes."""

FACEGOOD_FPS = 30.0
FACEGOOD_SCORED_S = 5.0
"""A recording of minutes is scored in pieces as long as this, so that a median over clips means something."""

_UPPER_LIP, _LOWER_LIP, _RIGHT_CORNER, _LEFT_CORNER = 13, 14, 61, 291
_GRID_WORDS = (
    {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    {"b": "blue", "g": "green", "r": "red", "w": "white"},
    {"a": "at", "b": "by", "i": "in", "w": "with"},
    {},
    dict(zip("z123456789", "zero one two three four five six seven eight nine".split())),
    {"a": "again", "n": "now", "p": "please", "s": "soon"},
)
"""GRID's grammar: command, colour, preposition, letter, digit, adverb (Cooke et al. 2006); a clip's name spells it."""


@dataclass
class Clip:
    """A recording with its lips: samples at 16 kHz; gap and width (F, 2) at fps, in the units of their source."""

    corpus: str
    name: str
    samples: np.ndarray
    lips: np.ndarray
    fps: float
    text: str | None


@dataclass
class Example:
    """A clip at one pace, at HEARD_HOP_S: mel power (T, 40), the rule's features (T, F) with the text (if known) and
    without, the tracked gap and width (T, 2), and where there is speech (T,)."""

    corpus: str
    name: str
    mel: np.ndarray
    rules: list[np.ndarray]
    lips: np.ndarray
    speaking: np.ndarray


def clips_of(data: Path, corpus: str) -> list[Clip]:
    """The clips of a GRID set or a FACEGOOD recording of shared/data."""
    return _grid(data, corpus) if corpus.startswith("grid") else [_facegood(data, corpus)]


def _grid(data: Path, corpus: str) -> list[Clip]:
    samples = read_audio(data / "faces" / f"{corpus}.opus")
    with np.load(data / "faces" / f"{corpus}.npz") as table:
        index = list(table["landmark_index"])
        points = table["landmarks"].astype(np.float32) / 4096.0
        names, fps = [str(name) for name in table["clip"]], table["fps"]
        frames, sounds = table["frame_offset"], table["sample_offset"]
    gap = _distance(points, index, _UPPER_LIP, _LOWER_LIP)
    width = _distance(points, index, _RIGHT_CORNER, _LEFT_CORNER)
    lips = np.column_stack([gap, width])
    return [
        Clip(corpus, name, samples[sound:stop], lips[frame:end], float(rate), grid_text(name))
        for name, sound, stop, frame, end, rate in zip(names, sounds, sounds[1:], frames, frames[1:], fps)
    ]


def _distance(points: np.ndarray, index: list[int], first: int, second: int) -> np.ndarray:
    return np.linalg.norm(points[:, index.index(first)] - points[:, index.index(second)], axis=1)


def _facegood(data: Path, corpus: str) -> Clip:
    """FACEGOOD's curves seen through the same rig as ours: which gap and which width they would show."""
    with np.load(data / "facegood" / f"arkit_{corpus}.npz") as table:
        known = {name.lower(): name for name in ARKIT_CHANNELS}
        curves = {known[str(c).lower()]: table["values"][:, n].astype(np.float64) for n, c in enumerate(table["columns"])}
    lips = np.column_stack([seen_gap(curves), seen_width(curves)])
    return Clip("facegood", corpus, read_audio(data / "facegood" / f"{corpus}.opus"), lips, FACEGOOD_FPS, None)


def grid_text(name: str) -> str | None:
    """What is said in a GRID clip: "s26_bgbsza" -> "bin green by s zero again"; None for names that spell no sentence."""
    letters = name.split("_")[-1] if "video" not in name else ""
    if len(letters) != len(_GRID_WORDS):
        return None
    return " ".join(words.get(letter, letter) for words, letter in zip(_GRID_WORDS, letters))


def understood(clip: Clip, work: Path) -> list[Speech]:
    """What the product understands of a clip, with its text (if known) and without; kept in `work` between runs."""
    speeches = []
    for text in [clip.text, None] if clip.text else [None]:
        path = work / f"{clip.corpus}-{clip.name}-{'text' if text else 'sound'}.json"
        if not path.is_file():
            analysed(clip.samples, text).save(path)
        speeches.append(Speech.load(path))
    return speeches


def analysed(samples: np.ndarray, text: str | None) -> Speech:
    """Speech of (N,) samples at 16 kHz as `analyse_speech` makes it of a file, but not listened to."""
    levels_db = energy_db(samples)
    found = find_phones(samples, hear_recording(samples, mel_power(samples)), levels_db, text)
    duration_s = len(samples) / SAMPLE_RATE_HZ
    return Speech(duration_s, found.phones, found.words, levels_db, f0_hz(samples, levels_db), aligner=found.aligner)


def examples_of(clip: Clip, work: Path, paces: tuple[float, ...] = (1.0,)) -> list[Example]:
    """A clip as training examples, one per pace."""
    speeches = understood(clip, work)
    return [_example(clip, [_paced(speech, pace) for speech in speeches], pace) for pace in paces]


def _example(clip: Clip, speeches: list[Speech], pace: float) -> Example:
    mel = mel_power(resample_poly(clip.samples, *PACES[pace]).astype(np.float32))
    rules = [_features(speech) for speech in speeches]
    count = min(len(mel), *map(len, rules))
    times_s = np.arange(count) * HEARD_HOP_S
    frames_s = np.arange(len(clip.lips)) / clip.fps
    lips = np.column_stack([np.interp(times_s * pace, frames_s, track) for track in clip.lips.T]).astype(np.float32)
    speaking = sounding(speeches[0].phones, times_s) > 0
    return Example(clip.corpus, clip.name, mel[:count], [rule[:count] for rule in rules], lips, speaking)


def _features(speech: Speech) -> np.ndarray:
    """The rule's features at HEARD_HOP_S, sampled as `motion.lips.corrected` samples them."""
    fine_s = np.arange(int(np.ceil(speech.duration_s * RATE_HZ)) + 2) / RATE_HZ
    slow_s = np.arange(int(speech.duration_s / HEARD_HOP_S) + 1) * HEARD_HOP_S
    curves = {name: np.interp(slow_s, fine_s, curve) for name, curve in articulate(speech, fine_s).items()}
    return rule_features(curves, speech.phones, slow_s)


def _paced(speech: Speech, pace: float) -> Speech:
    """The same speech `pace` times as fast."""
    count = int(len(speech.energy_db) / pace) + 1
    at = np.minimum((np.arange(count) * pace).astype(int), len(speech.energy_db) - 1)
    phones = [Phone(phone.label, phone.start_s / pace, phone.end_s / pace) for phone in speech.phones]
    return Speech(speech.duration_s / pace, phones, [], speech.energy_db[at], speech.f0_hz[at])


def all_examples(data: Path, work: Path, corpora: tuple[str, ...], paces: tuple[float, ...], jobs: int) -> list[Example]:
    """The examples of several corpora, made in `jobs` processes."""
    clips = [clip for corpus in corpora for clip in clips_of(data, corpus)]
    make = partial(examples_of, work=work, paces=paces)
    if jobs == 1:
        return [example for clip in clips for example in make(clip)]
    with ProcessPoolExecutor(jobs) as pool:
        return [example for examples in pool.map(make, clips, chunksize=4) for example in examples]
