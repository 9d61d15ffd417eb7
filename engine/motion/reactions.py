"""What a face does besides speaking when the voice does: laughter, coughs, sighs, hums.

Laughter: notes of 75 ms every 210-218 ms, each quieter than the one before (Provine & Yong 1991, "Laughter: a stereotyped
human vocalization"); where single notes can be heard, the jaw goes with those. The shoulders have no curve of their own in a
`MotionClip`: they are told through the head they carry (up and down, a nod).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ..audio.speech import HOP_S, Event, Phone, Speech
from .clip import CHANNEL_INDEX
from .head import PITCH
from .streams import stream
from .timeline import bump, minimum_jerk, place
from .visemes import VOWELS, channel_columns

NOTE_S = 0.075
NOTES_APART_S = (0.210, 0.218)
NOTE_FADE = 0.86
"""Each note has this share of the one before."""
AROUND_S = 0.25
"""A face begins to laugh, and ends, this much around the sound."""
_NOTE_MOVES_S = 0.17
_NOTE_PROMINENCE_DB, _COUGH_PROMINENCE_DB = 3.0, 6.0
_CLOSEST_NOTES_S, _COUGH_AFTER_S = 0.14, 0.1
"""Closer peaks of the voice are one note; a cough of which no burst stands out comes this long after its event begins."""

LAUGHING = {"mouthSmile": 0.62, "cheekSquint": 0.60, "eyeSquint": 0.50, "mouthUpperUp": 0.22, "mouthLowerDown": 0.16,
            "mouthStretch": 0.12, "browOuterUp": 0.08}
LAUGH_JAW, LAUGH_NOTE_JAW = 0.14, 0.26
LAUGH_RAISE_DEG, LAUGH_NOTE_DEG, LAUGH_NOTE_M = 4.0, 1.8, 0.004

COUGHING = {"eyeSquint": 0.55, "browDown": 0.30, "mouthFunnel": 0.18, "cheekSquint": 0.25}
COUGH_LIDS, COUGH_JAW, COUGH_DEG, COUGH_FORWARD_M, COUGH_S, COUGHS_APART_S = 0.85, 0.38, 6.0, 0.008, 0.32, 0.28

SIGHING = {"browInnerUp": 0.20, "mouthFunnel": 0.10, "mouthFrown": 0.08}
SIGH_JAW, SIGH_DEG, SIGH_M = 0.13, 3.0, 0.005
SIGH_LIFT_M, SIGH_LIFT_S = 0.003, 0.7
"""The breath drawn before it lifts the shoulders by so much, for this long, until the sigh has begun."""

HUMMING = {"browInnerUp": 0.08}
HUM_NOD_DEG = 1.8
_MOUTH = ("mouth", "jaw")


@dataclass
class Reactions:
    """channels (T, 52) on top of what is there (jawOpen: at least this much), rotation_deg and translation_m (T, 3)."""

    channels: np.ndarray
    rotation_deg: np.ndarray
    translation_m: np.ndarray
    times_s: np.ndarray

    def add(self, shape: dict[str, float], from_s: float, to_s: float, curve: Callable[[np.ndarray], np.ndarray]) -> None:
        """Raise the channels of `shape` along `curve` (0 outside of the two times)."""
        for name, value in shape.items():
            for column in channel_columns(name):
                place(self.channels[:, column], self.times_s, from_s, to_s, lambda t: value * curve(t), np.maximum)


def react(speech: Speech, times_s: np.ndarray, seed: int) -> Reactions:
    """The movements that go with the events of `speech`, at `times_s` ((T,) evenly spaced)."""
    count = len(times_s)
    made = Reactions(np.zeros((count, 52)), np.zeros((count, 3)), np.zeros((count, 3)), times_s)
    for number, event in enumerate(events_of(speech)):
        if performer := _PERFORMERS.get(event.label):
            performer(made, event, speech, stream(seed, f"reaction {number}"))
    return made


def events_of(speech: Speech) -> list[Event]:
    """The events of a speech; laughter that is only marked among the phones counts too."""
    laughs = [event for event in speech.events if event.label == "LAUGH"]
    marked = [Event("LAUGH", phone.start_s, phone.end_s) for phone in speech.phones if phone.label == "LAUGH"]
    more = [event for event in marked if not any(l.start_s < event.end_s and event.start_s < l.end_s for l in laughs)]
    return sorted([*speech.events, *more], key=lambda event: event.start_s)


def hummed(speech: Speech) -> list[Phone]:
    """Hums as closed lips: an M over every hum in which no vowel was heard."""
    open_mouths = [(phone.start_s, phone.end_s) for phone in speech.phones if phone.label in VOWELS]
    return [Phone("M", event.start_s, event.end_s) for event in speech.events if event.label == "HUM"
            and not any(start_s < event.end_s and event.start_s < end_s for start_s, end_s in open_mouths)]


def add_reactions(channels: np.ndarray, made: Reactions, seal: np.ndarray, jaw: float, lips: float, size: float) -> None:
    """Add to (T, 52) `channels` in place, `size` times as large; sealed lips (`seal`, 0..1) stay sealed, and the amounts of
    jaw and lips hold here too."""
    jaw_column = CHANNEL_INDEX["jawOpen"]
    for name, column in CHANNEL_INDEX.items():
        curve = size * made.channels[:, column]
        if column == jaw_column:
            channels[:, column] = np.maximum(channels[:, column], jaw * curve * (1.0 - seal))
        elif name.startswith(_MOUTH):
            channels[:, column] += lips * curve * (1.0 - seal)
        elif name.startswith("eyeBlink"):
            channels[:, column] = np.maximum(channels[:, column], np.minimum(curve, 1.0))
        else:
            channels[:, column] += curve


def laugh_notes_s(event: Event, speech: Speech, rng: np.random.Generator) -> np.ndarray:
    """Centres of the notes of a laugh: those that can be heard, or an ordinary laugh's."""
    heard_s = _bursts_s(event, speech, 0.02, _NOTE_PROMINENCE_DB, _CLOSEST_NOTES_S)
    if len(heard_s) >= 3:
        return heard_s
    count = max(int((event.end_s - event.start_s) / np.mean(NOTES_APART_S)), 1)
    return event.start_s + NOTE_S / 2 + np.cumsum([0.0, *rng.uniform(*NOTES_APART_S, count - 1)])


def _bursts_s(event: Event, speech: Speech, smooth_s: float, prominence_db: float, apart_s: float) -> np.ndarray:
    """Times at which the voice is loudest within an event, each standing out and apart from the next."""
    levels = speech.energy_db[round(event.start_s / HOP_S) : round(event.end_s / HOP_S)].astype(float)
    if len(levels) < 3:
        return np.zeros(0)
    peaks, _ = find_peaks(gaussian_filter1d(levels, smooth_s / HOP_S), prominence=prominence_db, distance=round(apart_s / HOP_S))
    return event.start_s + peaks * HOP_S


def _laugh(made: Reactions, event: Event, speech: Speech, rng: np.random.Generator) -> None:
    size = 0.6 + 0.4 * event.strength
    from_s, to_s = event.start_s - AROUND_S, event.end_s + 3.0 * AROUND_S

    def face(t: np.ndarray) -> np.ndarray:
        return size * minimum_jerk((t - from_s) / (2 * AROUND_S)) * minimum_jerk((to_s - t) / (3 * AROUND_S))

    made.add(LAUGHING, from_s, to_s, face)
    made.add({"jawOpen": LAUGH_JAW}, from_s, to_s, face)
    _turn(made, from_s, to_s, lambda t: LAUGH_RAISE_DEG * face(t))
    notes_s = laugh_notes_s(event, speech, rng)
    for number, centre_s in enumerate(notes_s):
        height = size * max(NOTE_FADE**number, 0.25)
        begin_s, end_s = centre_s - _NOTE_MOVES_S / 2, centre_s + _NOTE_MOVES_S / 2

        def note(t: np.ndarray) -> np.ndarray:
            return height * bump((t - centre_s) / _NOTE_MOVES_S)

        column = made.channels[:, CHANNEL_INDEX["jawOpen"]]
        place(column, made.times_s, begin_s, end_s, lambda t: LAUGH_NOTE_JAW * note(t))
        _turn(made, begin_s, end_s, lambda t: -LAUGH_NOTE_DEG * note(t))
        place(made.translation_m[:, 1], made.times_s, begin_s, end_s, lambda t: LAUGH_NOTE_M * note(t))


def _cough(made: Reactions, event: Event, speech: Speech, rng: np.random.Generator) -> None:
    size = 0.6 + 0.4 * event.strength
    heard_s = _bursts_s(event, speech, 0.03, _COUGH_PROMINENCE_DB, COUGHS_APART_S)
    for centre_s in heard_s if len(heard_s) else [event.start_s + _COUGH_AFTER_S]:
        begin_s, end_s = centre_s - 0.4 * COUGH_S, centre_s + 0.8 * COUGH_S

        def burst(t: np.ndarray) -> np.ndarray:
            return size * minimum_jerk((t - begin_s) / (0.4 * COUGH_S)) * minimum_jerk((end_s - t) / (0.8 * COUGH_S))

        made.add({**COUGHING, "jawOpen": COUGH_JAW, "eyeBlink": COUGH_LIDS}, begin_s, end_s, burst)
        _turn(made, begin_s, end_s, lambda t: -COUGH_DEG * burst(t))
        place(made.translation_m[:, 2], made.times_s, begin_s, end_s, lambda t: COUGH_FORWARD_M * burst(t))


def _sigh(made: Reactions, event: Event, speech: Speech, rng: np.random.Generator) -> None:
    from_s, to_s, size = event.start_s - 0.2, event.end_s + 0.5, 0.6 + 0.4 * event.strength

    def sink(t: np.ndarray) -> np.ndarray:
        return size * minimum_jerk((t - from_s) / (0.6 * (to_s - from_s))) * minimum_jerk((to_s - t) / 0.5)

    made.add({**SIGHING, "jawOpen": SIGH_JAW}, from_s, to_s, sink)
    _turn(made, from_s, to_s, lambda t: -SIGH_DEG * sink(t))
    place(made.translation_m[:, 1], made.times_s, from_s, to_s, lambda t: -SIGH_M * sink(t))
    drawn_s = event.start_s + 0.1 - SIGH_LIFT_S / 2
    place(made.translation_m[:, 1], made.times_s, drawn_s - SIGH_LIFT_S / 2, drawn_s + SIGH_LIFT_S / 2,
          lambda t: size * SIGH_LIFT_M * bump((t - drawn_s) / SIGH_LIFT_S))


def _hum(made: Reactions, event: Event, speech: Speech, rng: np.random.Generator) -> None:
    from_s, to_s = event.start_s - 0.1, event.end_s + 0.2
    made.add(HUMMING, from_s, to_s, lambda t: minimum_jerk((t - from_s) / 0.15) * minimum_jerk((to_s - t) / 0.2))
    middle_s = (from_s + to_s) / 2
    _turn(made, from_s, to_s, lambda t: -HUM_NOD_DEG * bump((t - middle_s) / (to_s - from_s)))


def _turn(made: Reactions, from_s: float, to_s: float, degrees: Callable[[np.ndarray], np.ndarray]) -> None:
    place(made.rotation_deg[:, PITCH], made.times_s, from_s, to_s, degrees)


_PERFORMERS = {"LAUGH": _laugh, "COUGH": _cough, "SIGH": _sigh, "HUM": _hum}
