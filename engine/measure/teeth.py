"""Row 16: upper teeth that belong to the skull, show when the mouth opens, and have a colour this face could have."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from ..portrait.portrait import Portrait
from ..portrait.topology import FACE_OVAL
from .batteries import lip_battery
from .bench import Bench
from .figures import Figure, not_applicable
from .rows_face import clip_of_frames
from .rows_identity import filled, lab

UPPER_TEETH = ("teeth_upper", "teeth_source")
"""The modelled ones, and those that the picture itself shows."""

OPEN_GAP_IOD = 0.06
VISIBLE_IOD2 = 0.004
"""Teeth are visible when they cover this many square inter-ocular distances: 16 square millimetres."""

TEETH_LEVELS = 10
"""A pixel shows a tooth when taking the teeth out changes any of its colours by more than this many of 255 levels."""

MOST_SHIFT_PX = 5
FINE = 4


def teeth(bench: Bench) -> list[Figure]:
    """Row 16: open mouths with and without the upper teeth."""
    keys = ("teeth_rigid", "teeth_visible", "teeth_colour")
    if not set(UPPER_TEETH) & set(bench.portrait.parts):
        return not_applicable(keys, "the portrait has no upper teeth")
    battery = lip_battery()
    clip = clip_of_frames(battery.clip, battery.open_frames[:2])
    shown = list(bench.frames(clip, stage="measure: teeth"))
    without = bench.frames(clip, stage="measure: teeth", portrait=toothless(bench.portrait))
    masks = [changed(frame, bare, TEETH_LEVELS) for frame, bare in zip(shown, without)]
    areas = np.array([mask.sum() for mask in masks]) / bench.eye_distance_px**2
    wide = bench.observe_frames(shown, [0.0] * len(shown)).lip_gap_iod > OPEN_GAP_IOD
    if not wide.any():
        return [Figure(key, float("nan"), "no mouth opens wide enough") for key in keys]
    visible = Figure(keys[1], 100.0 * float(np.mean(areas[wide] >= VISIBLE_IOD2)), f"{areas[wide].max():.3f} square eye distances")
    if areas.min() < VISIBLE_IOD2:
        return [Figure(keys[0], None, "the teeth do not show"), visible, Figure(keys[2], None, "the teeth do not show")]
    shift = shift_px(*shown, masks[0] & masks[1])
    return [Figure(keys[0], 100.0 * shift / bench.eye_distance_px, "between two openings of the jaw"), visible,
            _colour(bench, shown[0], masks[0])]


def toothless(portrait: Portrait) -> Portrait:
    """The same portrait without its upper teeth."""
    parts = dict(portrait.parts)
    for name in set(UPPER_TEETH) & set(parts):
        colour = parts[name].colour.copy()
        colour[:, 3] = 0.0
        parts[name] = dataclasses.replace(parts[name], colour=colour)
    return dataclasses.replace(portrait, parts=parts)


def changed(first: np.ndarray, second: np.ndarray, levels: int) -> np.ndarray:
    """(H, W) bool: where any colour differs by more than `levels`."""
    return np.abs(first.astype(np.int16) - second).max(axis=2) > levels


def shift_px(first: np.ndarray, second: np.ndarray, region: np.ndarray) -> float:
    """How far what `region` shows moved from one frame to the other: the shift of the least squared difference, to 1 / FINE pixel."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    inside = np.s_[max(rows[0] - MOST_SHIFT_PX, 0) : rows[-1] + MOST_SHIFT_PX + 1, max(columns[0] - MOST_SHIFT_PX, 0) : columns[-1] + MOST_SHIFT_PX + 1]
    before, after = (cv2.resize(cv2.cvtColor(frame[inside], cv2.COLOR_RGB2GRAY), None, fx=FINE, fy=FINE, interpolation=cv2.INTER_CUBIC)
                     for frame in (first, second))
    mask = cv2.resize(region[inside].astype(np.uint8), None, fx=FINE, fy=FINE, interpolation=cv2.INTER_NEAREST)
    edge = MOST_SHIFT_PX * FINE
    wide = cv2.copyMakeBorder(after, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    cost = cv2.matchTemplate(wide, before, cv2.TM_SQDIFF, mask=mask)
    y, x = np.unravel_index(int(np.argmin(cost)), cost.shape)
    return float(np.hypot(x - edge, y - edge)) / FINE


def _colour(bench: Bench, frame: np.ndarray, mask: np.ndarray) -> Figure:
    """How far the teeth's colour lies outside the range of the portrait's own face (Lab, lightness and the strongest chroma)."""
    points = bench.rest_landmarks
    face = lab(bench.neutral_frame)[filled(points[list(FACE_OVAL), :2], frame.shape[:2])]
    colour = np.median(lab(frame)[mask], axis=0)
    low, high = np.percentile(face[:, 0], (2, 99.5))
    chroma = np.percentile(np.hypot(face[:, 1], face[:, 2]), 95)
    outside = max(low - colour[0], colour[0] - high, 0.0) + max(np.hypot(*colour[1:]) - chroma, 0.0)
    return Figure("teeth_colour", float(outside), f"lightness {colour[0]:.0f} in a face of {low:.0f} to {high:.0f}")
