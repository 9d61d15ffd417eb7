"""Laughter and breaths as they are heard: the rules of `audio.events` over the last seconds, again and again.

A laugh is one from its third note on, half a second in; it then takes hold of the face and lets go when the notes end. Sighs and
coughs are left out: what they are is known only by what follows them.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from ..audio.events import laughs
from ..audio.heard import runs_of
from ..audio.speech import HEARD_HOP_S, HOP_S, SILENCE, Phone
from ..motion.clip import ARKIT_CHANNELS
from ..motion.reactions import AROUND_S, LAUGH_JAW, LAUGHING, NOTES_APART_S, Reactions
from ..motion.visemes import channel_columns
from .ear import Heard
from .events import Glide

WINDOW_HOPS, EVERY_HOPS = round(3.0 / HEARD_HOP_S), round(0.1 / HEARD_HOP_S)
"""How much is looked at, and how often."""
GOES_ON_S = 0.45
"""A laugh whose last note is no further away than two notes is still going on."""
SURE = 0.5
BREATH_HOPS = round(0.1 / HEARD_HOP_S)
"""So long a breath is none that belongs to a sound."""
ROOM = 1.15
"""Live pitch and level are those of 64 and 32 ms: notes seem a little longer than offline."""
NOTE_RISE_DB = 8.0
_KINDS = (SILENCE, "BREATH", "LAUGH", "AH")
_SILENT, _BREATH, _LAUGHED, _SAID = range(len(_KINDS))
_FINER = round(HEARD_HOP_S / HOP_S)


class LiveReactions:
    """Hop by hop: how much of a laugh there is, and what begins."""

    def __init__(self) -> None:
        self._hops: deque[tuple[float, float, int, np.ndarray]] = deque(maxlen=WINDOW_HOPS)
        self._since_check = self._breath_hops = 0
        self._until_s, self._lowest_db, self._last_note_s = -np.inf, 0.0, -np.inf
        self._face = Glide(1)
        self.breath_begins = self.note_begins = False

    def step(self, time_s: float, heard: Heard, says: bool, pitch_hz: float) -> float:
        """0..1 how far the face laughs after one further hop. breath_begins, note_begins: what did in it."""
        breathes = heard.audible and heard.breath > SURE
        kind = _LAUGHED if heard.laughter > SURE else _BREATH if breathes else _SAID if says else _SILENT
        self._hops.append((heard.level_db, pitch_hz, kind, heard.power))
        self._breath_hops = self._breath_hops + 1 if kind == _BREATH else 0
        self.breath_begins = self._breath_hops == BREATH_HOPS
        self._since_check += 1
        if self._since_check >= EVERY_HOPS:
            self._since_check = 0
            if self._laughs():
                self._until_s = time_s + EVERY_HOPS * HEARD_HOP_S
        laughing = time_s <= self._until_s
        self.note_begins = laughing and self._note(time_s, heard.level_db)
        if laughing != (self._face.goal[0] > 0.5):
            self._face.go(time_s, (2.0 if laughing else 3.0) * AROUND_S, np.array([float(laughing)]))
        return float(np.clip(self._face.at(np.array([time_s]))[0, 0], 0.0, 1.0))

    def _laughs(self) -> bool:
        """Whether a laugh reaches to the end of the window."""
        levels_db, pitches_hz, kinds, power = zip(*self._hops)
        end_s = len(kinds) * HEARD_HOP_S
        phones = [Phone(_KINDS[kind], first * HEARD_HOP_S, last * HEARD_HOP_S) for kind, first, last in runs_of(np.array(kinds))]
        fine = (np.repeat(np.asarray(track, float), _FINER) for track in (levels_db, pitches_hz))
        return any(event.end_s > end_s - GOES_ON_S for event in laughs(phones, *fine, np.array(power), 0.0, ROOM))

    def _note(self, time_s: float, level_db: float) -> bool:
        """Whether the voice has just come up from between two notes."""
        self._lowest_db = min(self._lowest_db, level_db)
        if level_db - self._lowest_db < NOTE_RISE_DB or time_s - self._last_note_s < 0.6 * NOTES_APART_S[0]:
            return False
        self._lowest_db, self._last_note_s = level_db, time_s
        return True


def laughing_face(amount: float) -> Reactions:
    """What a laugh of `amount` (0..1) does to one frame, for `motion.reactions.add_reactions`."""
    made = Reactions(np.zeros((1, len(ARKIT_CHANNELS))), np.zeros((1, 3)), np.zeros((1, 3)), np.zeros(1))
    for name, value in {**LAUGHING, "jawOpen": LAUGH_JAW}.items():
        made.channels[:, channel_columns(name)] = value * amount
    return made
