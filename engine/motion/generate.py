"""`generate_motion`: a `Speech` and a `Direction` become a `MotionClip`. Same seed, same clip; another seed, another take."""

from __future__ import annotations

import hashlib
import math
from fractions import Fraction

import numpy as np

from ...common.channels import own_of
from ..audio.speech import Speech
from ..errors import InputError
from ..progress import Progress, silent
from . import blinks, brows, gaze, head, moods, network
from .articulation import RATE_HZ, articulate
from .clip import ARKIT_CHANNELS, CHANNEL_INDEX, EYE_LOOK_COLUMNS, MotionClip, eye_look_from_gaze
from .constraints import constrain, raise_jaw_for_tip
from .course import gaze_course, number_course
from .direction import NOMINAL_DISTANCE_M, Direction
from .lips import corrected
from .prosody import Prosody, read_prosody
from .reactions import add_reactions, hummed, react
from .streams import stream
from .timeline import exposed
from .together import lips_together
from .tongue import tongue_curves
from .visemes import channel_columns

GENERATOR = "soliloquy articulation + performance simulator, version 6"
SLOWEST_FPS, FASTEST_FPS = Fraction(1), Fraction(240)
BREATH_JAW = 0.06
BREATH_RISE_M = 0.002
EYES_HOLD_FROM = 0.25
"""Below this `gaze` amount the eyes also stop countering the head, fading out to 0: they stay where `gaze_yaw` and `gaze_pitch`
put them in the head."""
EYES_TURN_S, HEAD_TURNS_S, LEANING_S = 0.04, 0.40, 0.5
"""How long eyes, head and body take to follow a target or a distance that jumps: eyes a saccade, the head later and slower."""
_STAGE = "motion"


def generate_motion(
    speech: Speech, direction: Direction, *, seed: int, fps: Fraction, progress: Progress = silent
) -> MotionClip:
    """The performance of `speech` under `direction`: ceil(duration * fps) frames, frame n at n / fps seconds.

    Deterministic in all of its arguments.
    Raises InputError for an impossible frame rate or seed, FormatError for a damaged speech.
    """
    fps = Fraction(fps)
    if not SLOWEST_FPS <= fps <= FASTEST_FPS:
        raise InputError(
            f"A frame rate of {float(fps):g} is out of range; use {SLOWEST_FPS} to {FASTEST_FPS} frames per second."
        )
    if seed < 0:
        raise InputError(f"The seed must be 0 or more, not {seed}.")
    speech.check(speech.source or "speech")
    frames = math.ceil(Fraction(speech.duration_s).limit_denominator(10**6) * fps)
    frame_times_s = np.arange(frames) * float(1 / fps)
    grid_s = np.arange(math.ceil(speech.duration_s * RATE_HZ) + 2) / RATE_HZ
    prosody = read_prosody(speech, tuple((span.start_s, span.end_s) for span in direction.listening))
    take = _take(seed, speech)
    progress(_STAGE, 0, 3)
    reactions = react(speech, frame_times_s, take)
    channels = np.zeros((frames, len(ARKIT_CHANNELS)))
    spoken = corrected(articulate(speech, grid_s), speech, grid_s)
    seal = _speak(channels, spoken, speech, direction, prosody, grid_s, frame_times_s)
    own, raises = _performers(spoken, speech, direction, prosody, grid_s, take)
    _express(channels, direction, raises, grid_s, frame_times_s, seal, take)
    add_reactions(channels, reactions, seal, direction.jaw, direction.lips, direction.reactions)
    channels[:, CHANNEL_INDEX["mouthClose"]] = seal * channels[:, CHANNEL_INDEX["jawOpen"]]
    own_channels = _own_channels(channels, speech, direction, frame_times_s)
    progress(_STAGE, 1, 3)
    shifts = gaze.plan_shifts(prosody, take, direction.aversion_rate if direction.aversion else 0.0)
    rotation_deg, translation_m = _move_head(own, direction, prosody, shifts, grid_s, frame_times_s, take)
    size = direction.head * direction.reactions
    rotation_deg, translation_m = rotation_deg + size * reactions.rotation_deg, translation_m + size * reactions.translation_m
    progress(_STAGE, 2, 3)
    gaze_deg = _look(channels, direction, prosody, shifts, rotation_deg, frame_times_s, take, float(1 / fps))
    clip = MotionClip(
        fps,
        np.clip(channels, 0.0, 1.0).astype(np.float32),
        rotation_deg.astype(np.float32),
        translation_m.astype(np.float32),
        gaze_deg.astype(np.float32),
        _provenance(speech, direction, seed),
        own_channels.astype(np.float32),
    )
    clip.channels[:, EYE_LOOK_COLUMNS] = eye_look_from_gaze(clip.gaze_deg)
    np.minimum(clip.channel("mouthClose"), clip.channel("jawOpen"), out=clip.channel("mouthClose"))
    progress(_STAGE, 3, 3)
    return clip


def _take(seed: int, speech: Speech) -> int:
    """The seed of every random stream: the person's seed and the recording, so that two lines never share their blinks."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{speech.source_sha256}".encode()).digest()[:8], "big")


def _performers(
    spoken: dict[str, np.ndarray], speech: Speech, direction: Direction, prosody: Prosody, grid_s: np.ndarray, take: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The head's own movement ((T, 3) degrees) and the brows' channels ((T,) each) at `grid_s`, by the generator asked for."""
    energy = _energy(direction, grid_s)
    if direction.generator == "simulator":
        turned = head.head_rotation(prosody, grid_s, take, np.sqrt(energy), direction.head_pace)
        return turned, brows.brow_curves(prosody, grid_s, take, energy)
    slow_s = np.arange(math.ceil(speech.duration_s * network.RATE_HZ) + 2) / network.RATE_HZ
    shut = {name: _read(curve, grid_s, slow_s) for name, curve in spoken.items()}
    constrain(shut, speech.phones, slow_s)
    rotation, height = network.head_and_brows(network.mouth_of(shut, prosody.speaking(slow_s)), take)
    motion = _read(rotation, slow_s, grid_s)
    motion[:, head.PITCH] -= head.listener_nods(prosody, grid_s, stream(take, "listener nods"))
    return head.within_reach(motion, np.sqrt(energy)), brows.raised_to(_read(height, slow_s, grid_s), energy)


def _speak(
    channels: np.ndarray,
    spoken: dict[str, np.ndarray],
    speech: Speech,
    direction: Direction,
    prosody: Prosody,
    grid_s: np.ndarray,
    times_s: np.ndarray,
) -> np.ndarray:
    """Write the speaking mouth into `channels`; returns the seal gate (T,)."""
    effort = 0.75 + 0.25 * _energy(direction, times_s)
    curves = {name: effort * exposed(curve, grid_s, times_s) for name, curve in spoken.items()}
    curves["jawOpen"] += BREATH_JAW * direction.breath * head.breath(prosody, times_s)
    curves["jawOpen"] = raise_jaw_for_tip(curves["jawOpen"], speech.phones, times_s)
    seal = constrain(curves, [*speech.phones, *hummed(speech)], times_s)
    for name, curve in curves.items():
        amount = direction.jaw if name in ("jawOpen", "jawForward", "mouthClose") else direction.lips
        for column in channel_columns(name):
            channels[:, column] += curve * amount
    return seal


def _own_channels(channels: np.ndarray, speech: Speech, direction: Direction, times_s: np.ndarray) -> np.ndarray:
    """(T, 3) OWN_CHANNELS; puts the tongue between the teeth in `channels`. Whatever else seals the lips, they meet."""
    tongue, out = tongue_curves(speech.phones, channels[:, CHANNEL_INDEX["jawOpen"]], times_s)
    column = CHANNEL_INDEX["tongueOut"]
    channels[:, column] = np.maximum(channels[:, column], direction.lips * out)
    together = lips_together([*speech.phones, *hummed(speech)], times_s)
    own = np.clip(direction.lips * np.column_stack([tongue, together]), 0.0, 1.0)
    return np.maximum(own, own_of(channels))


def _express(
    channels: np.ndarray,
    direction: Direction,
    raises: dict[str, np.ndarray],
    grid_s: np.ndarray,
    times_s: np.ndarray,
    seal: np.ndarray,
    take: int,
) -> None:
    """Add the mood and the brows' `raises`."""
    offsets = moods.mood_offsets(direction.mood_keys(), times_s, take)
    moods.add_mood(channels, {name: curve * direction.expression for name, curve in offsets.items()}, seal)
    for name, curve in raises.items():
        for column in channel_columns(name):
            channels[:, column] += direction.brows * _read(curve, grid_s, times_s)


def _move_head(
    own: np.ndarray,
    direction: Direction,
    prosody: Prosody,
    shifts: list[gaze.Shift],
    grid_s: np.ndarray,
    times_s: np.ndarray,
    take: int,
) -> tuple[np.ndarray, np.ndarray]:
    """(T, 3) rotation in degrees and (T, 3) translation in metres."""
    own = own + direction.gaze * gaze.head_follow(shifts, grid_s)
    inhaled = head.breath(prosody, grid_s) * direction.breath
    own[:, head.PITCH] += head.INHALE_PITCH_DEG * inhaled
    posture = np.tile([direction.head_yaw, direction.head_pitch, direction.head_roll], (len(grid_s), 1))
    posture[:, :2] += direction.head_follows_gaze * _target(direction, grid_s, HEAD_TURNS_S, gaze.HEAD_LAG_S + HEAD_TURNS_S / 2)
    rotation = direction.head * own + posture
    sway = direction.head * head.head_sway(grid_s, take)
    sway[:, 1] += direction.head * BREATH_RISE_M * inhaled
    sway[:, 2] += NOMINAL_DISTANCE_M * (1.0 - _distance(direction, grid_s))
    return _read(rotation, grid_s, times_s), _read(sway, grid_s, times_s)


def _look(
    channels: np.ndarray,
    direction: Direction,
    prosody: Prosody,
    shifts: list[gaze.Shift],
    rotation_deg: np.ndarray,
    times_s: np.ndarray,
    take: int,
    frame_s: float,
) -> np.ndarray:
    """(T, 2, 2) gaze; adds the blinks to `channels`."""
    lids = blinks.plan_blinks(prosody, shifts, take, direction.blink_rate * direction.blinks, frame_s)
    closure = blinks.lid_curve(lids, times_s)
    for column in channel_columns("eyeBlink"):
        channels[:, column] = channels[:, column] + closure * (1.0 - channels[:, column])
    target = _target(direction, times_s, EYES_TURN_S)
    looking = target + direction.gaze * gaze.shift_curve(shifts, times_s)
    eyes = gaze.eyes_in_head(looking, rotation_deg, NOMINAL_DISTANCE_M * _distance(direction, times_s), NOMINAL_DISTANCE_M)
    dip = direction.gaze * closure[:, None] * blinks.DIP_DEG
    eyes[:, 0] += dip * (-1.0, 1.0)
    eyes[:, 1] += dip
    alive = min(direction.gaze / EYES_HOLD_FROM, 1.0)
    held = (1.0 - direction.head_follows_gaze) * target
    return eyes * alive + held[:, None] * (1.0 - alive)


def _energy(direction: Direction, times_s: np.ndarray) -> np.ndarray:
    return number_course(direction.energy_over_time, direction.energy, times_s, moods.BLEND_S)


def _distance(direction: Direction, times_s: np.ndarray) -> np.ndarray:
    return number_course(direction.distance_over_time, direction.distance, times_s, LEANING_S)


def _target(direction: Direction, times_s: np.ndarray, soften_s: float, late_s: float = 0.0) -> np.ndarray:
    """(T, 2) where the look is sent."""
    return gaze_course(direction.gaze_over_time, (direction.gaze_yaw, direction.gaze_pitch), times_s, soften_s, late_s)


def _read(curve: np.ndarray, grid_s: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """`curve` ((N,) or (N, k) at `grid_s`) at `times_s`."""
    if curve.ndim == 1:
        return np.interp(times_s, grid_s, curve)
    return np.stack([np.interp(times_s, grid_s, column) for column in curve.T], axis=1)


def _provenance(speech: Speech, direction: Direction, seed: int) -> dict:
    return {
        "generator": GENERATOR,
        "seed": seed,
        "direction": direction.as_record(),
        "audio": {"name": speech.source, "sha256": speech.source_sha256, "aligner": speech.aligner},
    }
