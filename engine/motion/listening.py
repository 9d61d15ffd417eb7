"""Who is listened to, where a listener looks, and the nods: a conversation as one of its people lives it.

Blinks, holds of the look and small nods while listening are the generator's (`Direction.listening`). Here is what depends on the
others: the look goes to who speaks, and nods come where a speaker pauses (Yngve 1970; Ward & Tsukahara 2000: some 0.7 s after the
voice has dropped; Hadar, Steiner & Rose 1985: 2 to 3 nods of 2 to 3 Hz, falling off).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from ..audio.speech import HOP_S, Speech
from .clip import EYE_LOOK_COLUMNS, MotionClip, eye_look_from_gaze
from .course import GazeKey
from .edit import GAZE, ROTATION, curves, looking_on, runs, with_curves
from .head import PITCH
from .prosody import read_prosody
from .streams import stream
from .timeline import bump, place
from .turns import Turn

LEAST_LEVEL_DB, FLOOR_BELOW_DB = -60.0, 35.0
"""What is louder than this, and no more than so much softer than the loudest, is the speaker's own sound and not the room's."""
TURN_GAP_S = 0.7
"""Somebody who goes on after a shorter pause has kept the floor."""
SHORTEST_TURN_S = 0.35
"""A shorter sound ("mm") takes nobody's look away."""
REACTION_S, REACTION_SPREAD_S = 0.32, 0.08
"""After a turn has begun, the look leaves for who speaks: about a saccade's latency and the time it takes to notice."""
JUMP_S = 0.01
"""Two gaze keys so far apart are a jump; the generator makes a saccade and a slower turn of the head of it."""

PAUSE_S = 0.3
"""Pauses from this on invite a nod."""
NOD_SHARE = 0.55
NODS_APART_S = 2.2
NOD_DELAY_S, NOD_S = 0.25, 0.38
NOD_DEG = 3.2
FALLOFF = 0.65


def turns_of(speaker: str, speech: Speech) -> list[Turn]:
    """When `speaker` has the floor, by the loudness of a recording of that person alone: whoever laughs or hums has it too."""
    levels_db = speech.energy_db
    if not len(levels_db):
        return []
    loud = levels_db > max(LEAST_LEVEL_DB, float(np.percentile(levels_db, 98)) - FLOOR_BELOW_DB)
    return floor_of(speaker, loud, speech.duration_s)


def floor_of(speaker: str, speaks: np.ndarray, duration_s: float) -> list[Turn]:
    """The turns of `speaker`, who `speaks` ((N,) bool per HOP_S) with short pauses in between."""
    turns: list[Turn] = []
    for first, end in runs(speaks):
        start_s, end_s = first * HOP_S, min(end * HOP_S, duration_s)
        if turns and start_s - turns[-1].end_s < TURN_GAP_S:
            turns[-1] = Turn(speaker, turns[-1].start_s, end_s)
        else:
            turns.append(Turn(speaker, start_s, end_s))
    return turns


def look_keys(me: str, turns: Sequence[Turn], sees: Mapping[str, tuple[float, float]], seed: int) -> tuple[GazeKey, ...]:
    """Where `me` looks over time, for `Direction.gaze_over_time`: at who speaks; when nobody else does, still at the last who did.

    sees: other -> (yaw, pitch) in degrees, from where `me` sits. The first look goes to who will speak first.
    """
    rng = stream(seed, f"looks {me}")
    heard = [turn for turn in sorted(turns, key=lambda turn: turn.start_s)
             if turn.speaker != me and turn.speaker in sees and turn.end_s - turn.start_s >= SHORTEST_TURN_S]
    if not heard:
        return ()
    keys = [GazeKey(0.0, *sees[heard[0].speaker])]
    for before, turn in pairwise(heard):
        if turn.speaker != before.speaker:
            time_s = turn.start_s + max(0.15, rng.normal(REACTION_S, REACTION_SPREAD_S))
            if time_s > keys[-1].time_s:
                keys += [GazeKey(time_s, *sees[before.speaker]), GazeKey(time_s + JUMP_S, *sees[turn.speaker])]
    return tuple(keys)


def nod_cues(me: str, turns: Sequence[Turn], speeches: Mapping[str, Speech]) -> list[float]:
    """Times of the pauses of the others that `me`, silent then, may answer with a nod."""
    own = [turn for turn in turns if turn.speaker == me]
    cues = []
    for speaker, speech in speeches.items():
        if speaker == me:
            continue
        floor = [turn for turn in turns if turn.speaker == speaker]
        ends = [start_s for start_s, end_s in read_prosody(speech).pauses if end_s - start_s >= PAUSE_S and start_s > 0.1]
        ends += [turn.end_s for turn in floor]
        cues += [time_s for time_s in ends if any(turn.start_s < time_s <= turn.end_s + 0.05 for turn in floor)]
    busy = [(turn.start_s - 0.3, turn.end_s + 0.3) for turn in own]
    return sorted(time_s for time_s in set(cues) if not any(start_s <= time_s <= end_s for start_s, end_s in busy))


def nodding(clip: MotionClip, cues_s: Sequence[float], *, amount: float = 1.0, seed: int = 0) -> MotionClip:
    """`clip` with nods after about half of `cues_s`, by `amount` times their size; the eyes go on looking where they look."""
    times_s = np.arange(len(clip)) / float(clip.fps)
    down = np.zeros(len(clip))
    rng, last_s = stream(seed, "answering nods"), -np.inf
    for cue_s in cues_s:
        wanted, size, count, delay_s = rng.random(), rng.lognormal(-0.05, 0.3), rng.integers(1, 4), rng.uniform(0.0, 0.3)
        if wanted >= NOD_SHARE or cue_s - last_s < NODS_APART_S:
            continue
        last_s = cue_s
        for number in range(count):
            centre_s, depth = cue_s + NOD_DELAY_S + delay_s + (number + 0.5) * NOD_S, NOD_DEG * size * FALLOFF**number
            place(down, times_s, centre_s - NOD_S / 2, centre_s + NOD_S / 2, lambda t: depth * bump((t - centre_s) / NOD_S))
    if amount <= 0 or not down.any():
        return clip
    values = curves(clip).astype(np.float64)
    before = values[:, ROTATION].copy()
    values[:, ROTATION.start + PITCH] -= amount * down
    values[:, GAZE] = looking_on(values[:, GAZE], before, values[:, ROTATION], np.ones((len(clip), 4)))
    turned = (before != values[:, ROTATION]).any(axis=1)
    lids = eye_look_from_gaze(values[:, GAZE].reshape(-1, 2, 2))
    values[:, EYE_LOOK_COLUMNS] = np.where(turned[:, None], lids, values[:, EYE_LOOK_COLUMNS])
    return with_curves(clip, values)
