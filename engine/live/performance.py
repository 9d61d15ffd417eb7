"""A performance without an end: samples in, motion frames out, in the order of time and always on the audio's clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ...common.channels import own_of
from ..audio.decode import SAMPLE_RATE_HZ
from ..audio.speech import HEARD_HOP_S
from ..motion import blinks, moods
from ..motion.clip import ARKIT_CHANNELS, CHANNEL_INDEX, EYE_LOOK_COLUMNS, eye_look_from_gaze
from ..motion.direction import NOMINAL_DISTANCE_M, Direction
from ..motion.gaze import eyes_in_head
from ..motion.generate import BREATH_JAW, BREATH_RISE_M, EYES_HOLD_FROM
from ..motion.head import INHALE_PITCH_DEG, PITCH
from ..motion.reactions import LAUGH_RAISE_DEG, add_reactions
from ..motion.tongue import tongue_of_jaw
from ..motion.visemes import channel_columns
from .brows import LiveBrows
from .course import LiveCourse
from .ear import LOOK_AHEAD_SAMPLES, SILENCE, Heard, LiveEar
from .eyes import LiveBlinks, LiveGaze
from .head import LiveHead
from .moments import MomentFinder, RunningPitch
from .mouth import TRACKS, LiveMouth, mouth_curves
from .reactions import LiveReactions, laughing_face
from .spectra import HOP_SAMPLES

LONGEST_CONCEALED_S = 5.0
"""A longer gap in the sound is not filled to its end: the face rests by then, and the frames inside it are left out."""

_MOUTH, _TURN, _SWAY, _BROWS, _LAUGHTER, _TOGETHER = slice(0, 4), slice(4, 7), slice(7, 10), slice(10, 13), 13, 14
_SEAL = TRACKS.index("seal")
_PITCH_HOPS_EARLY = 1
"""A pitch is that of the 64 ms before its hop ends: hop n of the ear goes with this many hops later."""


@dataclass(frozen=True)
class Frame:
    """Frame `number` of a live performance, at number / fps seconds of the audio's clock.

    channels: (52,) in the order of ARKIT_CHANNELS, 0..1; head_rotation_deg, head_translation_m: (3,); gaze_deg: (2, 2); own:
    (3,), all as in `MotionClip`. concealed: the sound of this moment was lost.
    """

    number: int
    time_s: float
    channels: np.ndarray
    head_rotation_deg: np.ndarray
    head_translation_m: np.ndarray
    gaze_deg: np.ndarray
    own: np.ndarray
    concealed: bool = False


class LivePerformance:
    """The whole face. Same samples and seed, same frames, whatever the sizes of the chunks."""

    def __init__(self, direction: Direction, *, seed: int, fps: Fraction) -> None:
        self.fps, self._direction, self._seed = Fraction(fps), direction, seed
        self._ear, self._pitch, self._mouth = LiveEar(), RunningPitch(), LiveMouth()
        self._moments = MomentFinder()
        self._course, self._reactions = LiveCourse(direction), LiveReactions()
        self._head, self._gaze = LiveHead(seed, direction.head_pace), LiveGaze(seed, direction)
        self._blinks = LiveBlinks(seed, direction.blink_rate * direction.blinks, float(1 / self.fps))
        self._brows = LiveBrows(seed)
        self._pitches: deque[float] = deque()
        self._skipped_pitches = 0
        self._hop = self._pushed = self._number = 0
        self._early, self._until_hop = np.zeros(0, np.float32), LOOK_AHEAD_SAMPLES % HOP_SAMPLES
        self._lost: deque[tuple[int, int]] = deque()
        self._states: deque[np.ndarray] = deque(maxlen=1 + max(2, int(np.ceil(float(1 / self.fps) / HEARD_HOP_S)) + 1))

    @property
    def audio_s(self) -> float:
        """Seconds of sound taken in so far, lost ones included: the audio's clock."""
        return self._pushed / SAMPLE_RATE_HZ

    def push(self, samples: np.ndarray, *, lost: int = 0) -> Iterator[Frame]:
        """The frames that (N,) further float32 samples at 16 kHz make known; `lost` samples are missing before them."""
        if lost:
            yield from self._conceal(lost)
        yield from self._take(np.asarray(samples, np.float32))

    def finish(self) -> Iterator[Frame]:
        """The last frames, as if silence followed."""
        end, last = self._pushed, int(Fraction(self._pushed, SAMPLE_RATE_HZ) * self.fps)
        yield from (frame for frame in self._take(np.zeros(LOOK_AHEAD_SAMPLES + HOP_SAMPLES, np.float32)) if frame.number <= last)
        self._pushed = end

    def _conceal(self, lost: int) -> Iterator[Frame]:
        filled = min(lost, round(LONGEST_CONCEALED_S * SAMPLE_RATE_HZ))
        self._lost.append((self._pushed, self._pushed + lost))
        yield from self._take(np.zeros(filled, np.float32))
        skipped_hops, rest = divmod(lost - filled, HOP_SAMPLES)
        if skipped_hops:
            self._hop += skipped_hops
            self._pushed += skipped_hops * HOP_SAMPLES
            self._number = max(self._number, int(np.ceil(self._hop * Fraction(HOP_SAMPLES, SAMPLE_RATE_HZ) * self.fps)))
            self._states.clear()
        yield from self._take(np.zeros(rest, np.float32))

    def _take(self, samples: np.ndarray) -> Iterator[Frame]:
        self._pushed += len(samples)
        samples = self._whole_hops(samples)
        if not len(samples):
            return
        self._pitches += self._pitch.push(samples)
        while self._skipped_pitches < _PITCH_HOPS_EARLY and self._pitches:
            self._pitches.popleft()
            self._skipped_pitches += 1
        for heard in self._ear.push(samples):
            time_s = self._hop * HEARD_HOP_S
            pitch_hz = self._pitches.popleft() if self._pitches else 0.0
            self._states.append(self._step(time_s, SILENCE if self._is_lost(time_s) else heard, pitch_hz))
            yield from self._frames_until(self._hop)
            self._hop += 1

    def _whole_hops(self, samples: np.ndarray) -> np.ndarray:
        """What is to be heard now: samples wait until they complete a hop, for nothing could be told from them any sooner."""
        waiting = np.concatenate([self._early, samples])
        count = len(waiting) - (len(waiting) - self._until_hop) % HOP_SAMPLES if len(waiting) >= self._until_hop else 0
        self._early = waiting[count:]
        self._until_hop = HOP_SAMPLES if count else self._until_hop
        return waiting[:count]

    def _is_lost(self, time_s: float) -> bool:
        sample = round(time_s * SAMPLE_RATE_HZ)
        while self._lost and sample >= self._lost[0][1] + SAMPLE_RATE_HZ:
            self._lost.popleft()
        return any(start <= sample < stop for start, stop in self._lost)

    def _step(self, time_s: float, heard: Heard, pitch_hz: float) -> np.ndarray:
        """(15,) state of one hop: mouth tracks, wandering of the head, its drift, drift of the brows, laughter, lips together."""
        mouth = self._mouth.step(heard)
        speaking = self._mouth.speaking
        moments = self._moments.step(speaking > 0.5, heard.level_db, pitch_hz)
        laughter = self._reactions.step(time_s, heard, speaking > 0.5, pitch_hz)
        listens = self._course.listens(time_s)
        wandering = self._head.step(time_s, moments, speaking, listens=listens, breathes=self._reactions.breath_begins)
        if self._reactions.note_begins:
            self._head.laugh_note(time_s, self._direction.reactions * laughter)
        shift_deg = self._gaze.step(time_s, moments, listens=listens)
        self._blinks.step(time_s, moments, shift_deg)
        return np.concatenate([mouth, wandering, self._brows.step(time_s, moments), [laughter, self._mouth.together]])

    def _frames_until(self, hop: int) -> Iterator[Frame]:
        """The frames between the hop before and this one."""
        while self._number / self.fps * SAMPLE_RATE_HZ <= hop * HOP_SAMPLES:
            yield self._frame(self._number, float(self._number / self.fps), hop * HEARD_HOP_S)
            self._number += 1

    def _frame(self, number: int, time_s: float, last_s: float) -> Frame:
        state = self._state_at(time_s, last_s)
        times_s, direction = np.array([time_s]), self._direction
        channels = np.zeros((1, len(ARKIT_CHANNELS)))
        breath = self._head.breath(times_s) * direction.breath
        energy = self._course.energy(time_s)
        seal = self._speak(channels, state[None, _MOUTH], breath, energy)
        self._express(channels, state, times_s, seal, energy)
        rotation, translation = self._move(state, breath, times_s, energy)
        eyes = self._look(channels, rotation, times_s)
        channels[:, EYE_LOOK_COLUMNS] = eye_look_from_gaze(eyes)
        close, jaw = CHANNEL_INDEX["mouthClose"], CHANNEL_INDEX["jawOpen"]
        channels[:, close] = np.minimum(channels[:, close], channels[:, jaw])
        channels = np.clip(channels, 0.0, 1.0)
        own = np.column_stack([tongue_of_jaw(channels[:, jaw]), state[_TOGETHER]])
        own = np.maximum(np.clip(direction.lips * own, 0.0, 1.0), own_of(channels))
        return Frame(number, time_s, channels[0], rotation[0], translation, eyes[0], own[0], self._is_lost(time_s))

    def _state_at(self, time_s: float, last_s: float) -> np.ndarray:
        """State between the hops; a closure that fell between two frames shows in the later one."""
        share = np.clip((last_s - time_s) / HEARD_HOP_S, 0.0, 1.0)
        before = self._states[-2] if len(self._states) > 1 else self._states[-1]
        state = self._states[-1] * (1.0 - share) + before * share
        since = int(float(1 / self.fps) / HEARD_HOP_S)
        passed = [s[_SEAL] for s in list(self._states)[-1 - since : -1]]
        state[_SEAL] = max([state[_SEAL], *passed])
        return state

    def _speak(self, channels: np.ndarray, tracks: np.ndarray, breath: np.ndarray, energy: float) -> np.ndarray:
        direction = self._direction
        curves, seal = mouth_curves(tracks, 0.75 + 0.25 * energy, BREATH_JAW * breath)
        for name, curve in curves.items():
            amount = direction.jaw if name in ("jawOpen", "jawForward", "mouthClose") else direction.lips
            for column in channel_columns(name):
                channels[:, column] += curve * amount
        return seal

    def _express(self, channels: np.ndarray, state: np.ndarray, times_s: np.ndarray, seal: np.ndarray, energy: float) -> None:
        """Add mood, laughter and brows."""
        direction = self._direction
        offsets = moods.mood_offsets(direction.mood_keys(), times_s, self._seed)
        moods.add_mood(channels, {name: curve * direction.expression for name, curve in offsets.items()}, seal)
        if state[_LAUGHTER] > 0.0:
            add_reactions(channels, laughing_face(state[_LAUGHTER]), seal, direction.jaw, direction.lips, direction.reactions)
        channels[:, CHANNEL_INDEX["mouthClose"]] = seal * channels[:, CHANNEL_INDEX["jawOpen"]]
        for name, curve in self._brows.curves(state[None, _BROWS], times_s, energy).items():
            for column in channel_columns(name):
                channels[:, column] += direction.brows * curve

    def _move(self, state: np.ndarray, breath: np.ndarray, times_s: np.ndarray, energy: float) -> tuple[np.ndarray, np.ndarray]:
        """(1, 3) rotation in degrees and (3,) translation in metres."""
        direction = self._direction
        own = self._head.rotation(state[None, _TURN].copy(), times_s, energy) + direction.gaze * self._gaze.neck(times_s)
        own[:, PITCH] += INHALE_PITCH_DEG * breath + direction.reactions * LAUGH_RAISE_DEG * state[_LAUGHTER]
        posture = np.array([direction.head_yaw, direction.head_pitch, direction.head_roll])
        posture[:2] += direction.head_follows_gaze * self._course.head_target_deg(float(times_s[0]))
        translation = direction.head * (state[_SWAY] + np.array([0.0, BREATH_RISE_M * float(breath[0]), 0.0]))
        translation[2] += NOMINAL_DISTANCE_M * (1.0 - self._course.distance(float(times_s[0])))
        return direction.head * own + posture, translation

    def _look(self, channels: np.ndarray, rotation_deg: np.ndarray, times_s: np.ndarray) -> np.ndarray:
        """(1, 2, 2) gaze; adds the blinks to `channels`."""
        direction = self._direction
        closure = self._blinks.closure(times_s)
        for column in channel_columns("eyeBlink"):
            channels[:, column] += closure * (1.0 - channels[:, column])
        target = self._course.eyes_target_deg(float(times_s[0]))
        looking = target + direction.gaze * self._gaze.offset(times_s)
        distance_m = np.full(1, NOMINAL_DISTANCE_M * self._course.distance(float(times_s[0])))
        eyes = eyes_in_head(looking, rotation_deg, distance_m, NOMINAL_DISTANCE_M)
        dip = direction.gaze * closure[:, None] * blinks.DIP_DEG
        eyes[:, 0] += dip * (-1.0, 1.0)
        eyes[:, 1] += dip
        alive = min(direction.gaze / EYES_HOLD_FROM, 1.0)
        return eyes * alive + (1.0 - direction.head_follows_gaze) * target * (1.0 - alive)
