"""Row 7: are sounds told apart by the rendered mouth as they are by the curves? By discriminants that learned from others."""

from __future__ import annotations

import numpy as np

from ..motion.clip import MotionClip
from ..portrait.portrait import Portrait
from ..portrait.topology import SURFACE_LANDMARKS
from ..render.pose import Poser
from .bench import Bench
from .figures import Figure, not_applicable
from .mouth_motion import speaking_ways_iod
from .rows_performance import LIP_CHANNELS
from .spoken import Spoken
from .viseme_table import PLACES, about_mean, lip_change, side_turned_to, told_apart, viseme_table

FRAMES_PER_GROUP = 30
LEAST_PER_GROUP, LEAST_GROUPS = 4, 4
LEAST_FROM_CURVES = 0.4
"""Curves that tell sounds apart less than this have nothing to keep; a share of it would flatter."""
READINGS = {"seen": "followed", "lips": "lips", "drawn": "drawn", "curves": "curves"}
KEPT = {"seen": 25, "lips": 12, "drawn": 24, "curves": 20}
"""What sounds are read from, and the principal components that the discriminants see of it; settled on the table alone, each
portrait of it told by the others (docs/measures.md)."""


def visemes(bench: Bench, spoken: Spoken) -> list[Figure]:
    """Row 7: groups of sounds told apart from the motion of the rendered mouth's pixels, as a share of how well the curves tell them
    apart, by linear discriminants that learned from other portraits and other voices; the same of the detector's outline, and of the
    lips as drawn, without a picture. Only groups that are spoken are told apart: no discriminant answers with another."""
    keys = ("visemes", "visemes_detected", "visemes_drawn")
    chosen = spoken.of_each_group(LEAST_PER_GROUP, FRAMES_PER_GROUP)
    groups = set(chosen.groups)
    if len(groups) < LEAST_GROUPS:
        return not_applicable(keys, "the recording has too few different sounds")
    asked, found = spoken_features(bench, chosen.clip)
    if found.mean() < 0.5:
        return [Figure(key, float("nan"), "too little of the face could be followed") for key in keys]
    table = viseme_table().without(bench.portrait.provenance.get("source_sha256", "")).of_groups(groups)
    turned = side_turned_to(bench.neutral.landmarks_px[0])
    told = {reading: told_apart(*table.lesson(name), about_mean(asked[name], name, turned), chosen.groups[found], KEPT[reading])
            for reading, name in READINGS.items()}
    note = (f"{100 * told['seen']:.0f} % from pixels, {100 * told['lips']:.0f} % from the outline, "
            f"{100 * told['drawn']:.0f} % as drawn, {100 * told['curves']:.0f} % from the curves, {len(groups)} groups, {found.sum()} frames")
    if told["curves"] < LEAST_FROM_CURVES:
        return not_applicable(keys, f"its curves tell only {100 * told['curves']:.0f} % of the sounds")
    return [Figure(key, 100.0 * told[name] / told["curves"], note) for key, name in zip(keys, ("seen", "lips", "drawn"))]


def spoken_features(bench: Bench, clip: MotionClip) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The features of viseme_table.FEATURES, (F, D) each, of the F frames of `clip` whose mouth could be followed, and which (T,)."""
    frames = list(bench.frames(clip, stage="measure: visemes"))
    landmarks = bench.observe_frames(frames, clip.head_translation_m[:, 2]).landmarks_px
    followed = followed_mouth(bench, frames, landmarks)
    found = np.isfinite(followed).all(axis=1)
    if not found.any():
        return {}, found
    return {"followed": followed[found], "lips": lip_change(landmarks[found], bench.neutral.landmarks_px[0], 2),
            "drawn": drawn_lips(bench.portrait, clip)[found], "curves": clip.channels[found][:, LIP_CHANNELS].astype(float)}, found


def followed_mouth(bench: Bench, frames: list[np.ndarray], landmarks_px: np.ndarray) -> np.ndarray:
    """(T, 146) how far the mouth's skin is from its mean place; NaN in frames where it could not be followed.

    landmarks_px: (T, 478, 3) of the frames, as the detector has them.
    """
    rest = bench.neutral.landmarks_px[0]
    if not np.isfinite(rest).all():
        return np.full((len(frames), 2 * len(PLACES)), np.nan)
    return speaking_ways_iod(bench.neutral_frame, rest, frames, landmarks_px).reshape(len(frames), -1)


def drawn_lips(portrait: Portrait, clip: MotionClip) -> np.ndarray:
    """(T, 80) change of the lips' posed vertices against the rest pose, as the camera would see it."""
    rest = portrait.parts["face"].vertices[:SURFACE_LANDMARKS]
    posed = Poser(portrait).pose(clip, 0, len(clip))
    return lip_change(np.array([frame.vertices["face"][:SURFACE_LANDMARKS] for frame in posed]), rest, 2)
