"""How far the lids are shut, by how much of the eyeballs still shows: no lid is detected in any frame.

A detector's lid landmarks do not follow dark, shadowed or painted eyes: it read blinks that everybody sees as a third of a
closure or none. Here the clip is rendered again with the eyeballs painted otherwise: white where they are dark, black where
they are light. Pixels that then differ show the eye, the more the more of it they show; lids that let it through count as
open by as much. And a person must be able to see that the eye has gone: where it was, half of the pixels must look otherwise
than with the eye open, or the lid is as dark as the eye and nobody sees a blink.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from ..motion.clip import MotionClip
from ..portrait.portrait import Portrait
from .bench import Bench

OF_THE_EYE = ("eye_left", "iris_left", "glint_left", "eye_right", "iris_right", "glint_right")

SURELY_EYE_LEVELS = 64
"""From this difference on a pixel shows nothing but the eye: half of the least that painting it otherwise makes, for the
lid's shadow lies on it."""

LOOKS_OTHERWISE_LEVELS = 12
"""A pixel looks otherwise when any colour differs by more than this many of 255 levels."""

SEEN_TO_GO = 0.5
"""Share of the eye's pixels that must look otherwise for a closure to be seen as a whole."""


def lid_closure(bench: Bench, clip: MotionClip, open_frames: np.ndarray, frames: list[np.ndarray]) -> np.ndarray:
    """(T,) 0 .. 1: how far the eyes of each frame are seen to be shut.

    frames: T pictures (H, W, 3) uint8 of `clip`; open_frames: (T,) number of the frame in which the head and the eyes are
    turned alike and the eyes are open.
    """
    painted = bench.frames(clip, stage="measure: lids", portrait=painted_otherwise(bench.portrait))
    shown = [eye_shown(frame, control) for frame, control in zip(frames, painted)]
    return np.array([seen_closure(frames[now], shown[now], frames[rest], shown[rest]) for now, rest in enumerate(open_frames)])


def painted_otherwise(portrait: Portrait) -> Portrait:
    """The same portrait with eyeballs that are white where they were dark and black where they were light."""
    images = dict(portrait.images)
    for name in set(OF_THE_EYE) & set(images):
        texture = images[name].copy()
        texture[..., :3] = np.where(texture[..., :3].mean(axis=2, keepdims=True) < 128, 255, 0)
        images[name] = texture
    return dataclasses.replace(portrait, images=images)


def eye_shown(frame: np.ndarray, control: np.ndarray) -> np.ndarray:
    """(H, W) 0 .. 1: how much of each pixel shows an eyeball, from the same frame with the eyeballs painted otherwise."""
    return np.minimum(cv2.absdiff(frame, control).max(axis=2) / np.float32(SURELY_EYE_LEVELS), 1.0)


def seen_closure(frame: np.ndarray, shown: np.ndarray, open_frame: np.ndarray, open_shown: np.ndarray) -> float:
    """0 .. 1: the share of the open eyes that has gone, as far as it is seen to have; NaN where open eyes show no eyeball.

    frame, open_frame: (H, W, 3); shown, open_shown: (H, W), see `eye_shown`.
    """
    eye = open_shown > 0.5
    if not eye.any():
        return float("nan")
    gone = 1.0 - float(shown.sum() / open_shown.sum())
    otherwise = float((cv2.absdiff(frame, open_frame).max(axis=2)[eye] > LOOKS_OTHERWISE_LEVELS).mean())
    return float(np.clip(min(gone, otherwise / SEEN_TO_GO), 0.0, 1.0))
