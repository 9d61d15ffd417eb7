"""Compare mouths on held-out faces: ours, the rule alone, the live one, other programs', loudness, and the real lips.

    python -m soliloquy.engine.training.compare_lips DATA WORK [--other NAME=FOLDER ...]

DATA and WORK as for build_lips. FOLDER holds another program's curves, `<set>-<clip>.csv` in Live Link Face format, at any rate.
All are seen through the same rig (motion/lips.py) and judged against the tracked lips of the same clips: correlation in speech,
median over clips, at the best lag (one for all clips) within 40 ms; and, per sound, whether the mouth all but closes at p b m
and comes near it at f v, relative to the clip's own wide openings.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from ..audio import ear
from ..audio.features import energy_db
from ..audio.speech import HOP_S, Speech
from ..export.live_link import read_live_link_csv
from ..motion import lips
from ..motion.clip import ARKIT_CHANNELS
from ..motion.visemes import LABIODENTALS, SEALS
from .build_lips import SCORE_FPS, agreement, shown
from .build_lips_data import Clip, clips_of, understood
from .build_live import streamed

SETS = ("grid_multi", "grid_s4_hq")
SEALED_SHARE, NEAR_SHARE = 0.15, 0.4
"""A gap of this share of the clip's 95th percentile is sealed (near: the lower lip at the teeth leaves a slit)."""

NEAR_S = 0.04

Mouth = Callable[[Clip, list[Speech]], np.ndarray]
"""A clip and what is understood of it (with its text, from sound alone) -> (T, 2) gap and width at SCORE_FPS."""


def main() -> None:
    """Command line: DATA, WORK, --other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--other", action="append", default=[], metavar="NAME=FOLDER")
    wishes = parser.parse_args()
    mouths = dict(OURS)
    for entry in wishes.other:
        name, _, folder = entry.partition("=")
        mouths[name] = _others(Path(folder))
    print("| set | mouth | gap r | lag, ms | width r | lag, ms | p b m sealed | f v near |\n|---|---|---|---|---|---|---|---|")
    for corpus in SETS:
        clips = [clip for clip in clips_of(wishes.data, corpus) if clip.text]
        speeches = [understood(clip, wishes.work) for clip in clips]
        for name, mouth in mouths.items():
            print(_row(corpus, name, clips, speeches, [mouth(clip, speech) for clip, speech in zip(clips, speeches)]), flush=True)


def _row(corpus: str, name: str, clips: list[Clip], speeches: list[list[Speech]], curves: list[np.ndarray]) -> str:
    texts = [speech[0] for speech in speeches]
    cells = [corpus, name]
    for axis in (0, 1):
        fit, lag_ms = agreement(clips, [curve[:, axis] for curve in curves], texts, axis)
        cells += [f"{fit:.2f}", f"{lag_ms:+d}"]
    for labels, share in ((SEALS, SEALED_SHARE), (LABIODENTALS, NEAR_SHARE)):
        cells.append(_share(closed(speech, curve[:, 0], labels, share) for speech, curve in zip(texts, curves)))
    return "| " + " | ".join(cells) + " |"


def _share(found: Iterable[list[bool]]) -> str:
    hits = [hit for hits in found for hit in hits]
    return f"{100 * np.mean(hits):.0f} % of {len(hits)}"


def closed(speech: Speech, gap: np.ndarray, labels: frozenset[str], share: float) -> list[bool]:
    """For every sound of `labels`, whether (T,) `gap` at SCORE_FPS falls to `share` of its 95th percentile within 40 ms of it."""
    limit, rate = share * np.percentile(gap, 95), float(SCORE_FPS)
    spans = [slice(max(int((p.start_s - NEAR_S) * rate), 0), int((p.end_s + NEAR_S) * rate) + 2) for p in speech.phones if p.label in labels]
    return [bool(gap[span].min() <= limit) for span in spans if len(gap[span])]


def _ours(number: int, *, learned: bool) -> Mouth:
    def mouth(clip: Clip, speeches: list[Speech]) -> np.ndarray:
        return np.column_stack(shown(speeches[number], ear.hear(clip.samples) if learned else None))
    return mouth


def _live(clip: Clip, speeches: list[Speech]) -> np.ndarray:
    return _fitting(streamed(clip.samples)[:, :2], speeches[0])


def _loudness(clip: Clip, speeches: list[Speech]) -> np.ndarray:
    levels = energy_db(clip.samples)
    times_s = np.arange(int(np.ceil(speeches[0].duration_s * float(SCORE_FPS)))) / float(SCORE_FPS)
    curve = np.interp(times_s, np.arange(len(levels)) * HOP_S, np.maximum(levels, np.percentile(levels, 95) - 40.0))
    return np.column_stack([curve - curve.min(), curve])


def _real(clip: Clip, speeches: list[Speech]) -> np.ndarray:
    times_s = np.arange(int(np.ceil(speeches[0].duration_s * float(SCORE_FPS)))) / float(SCORE_FPS)
    tracks = np.column_stack([np.interp(times_s, np.arange(len(clip.lips)) / clip.fps, track) for track in clip.lips.T])
    return tracks - [np.percentile(tracks[:, 0], 3), 0.0]


def _others(folder: Path) -> Mouth:
    def mouth(clip: Clip, speeches: list[Speech]) -> np.ndarray:
        made = read_live_link_csv(folder / f"{clip.corpus}-{clip.name}.csv")
        times_s = np.arange(int(np.ceil(speeches[0].duration_s * float(SCORE_FPS)))) / float(SCORE_FPS)
        at_s = np.arange(len(made)) / float(made.fps)
        curves = {name: np.interp(times_s, at_s, made.channels[:, n]) for n, name in enumerate(ARKIT_CHANNELS)}
        return np.column_stack([np.maximum(lips.seen_gap(curves), 0.0), lips.seen_width(curves)])
    return mouth


def _fitting(curve: np.ndarray, speech: Speech) -> np.ndarray:
    """`curve` with as many rows as the speech has frames."""
    count = int(np.ceil(speech.duration_s * float(SCORE_FPS)))
    return np.concatenate([curve, np.repeat(curve[-1:], max(count - len(curve), 0), axis=0)])[:count]


OURS: dict[str, Mouth] = {
    "ours, text": _ours(0, learned=True),
    "ours, sound": _ours(-1, learned=True),
    "ours, live": _live,
    "rule over pocketsphinx, text": _ours(0, learned=False),
    "rule over pocketsphinx, sound": _ours(-1, learned=False),
    "loudness": _loudness,
    "the real lips": _real,
}


if __name__ == "__main__":
    main()
