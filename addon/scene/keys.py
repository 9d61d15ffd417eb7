"""F-curves read at given frames, and rewritten in part: many keys at a time, without touching the others."""

from __future__ import annotations

import bpy
import numpy as np

from ..compat import LINEAR, SELECTABLE

FREE, AUTO_CLAMPED = 0, 4
"""Values of a handle's type for `foreach_set`."""

_FIELDS = {"co": (np.float32, 2), "handle_left": (np.float32, 2), "handle_right": (np.float32, 2), "interpolation": (np.int32, 1),
           "easing": (np.int32, 1), "handle_left_type": (np.int32, 1), "handle_right_type": (np.int32, 1),
           **{part: (np.bool_, 1) for part in SELECTABLE}}
"""What makes a key, as `foreach_get` has it: type, numbers per key."""


def sampled(curve: bpy.types.FCurve, frames: np.ndarray) -> np.ndarray:
    """(T,) float64 values of the curve at `frames` (T,) float32."""
    points = curve.keyframe_points
    if len(points) == len(frames) and not curve.modifiers:  # as we write it: one key per sample
        coordinates = np.empty((len(points), 2), np.float32)
        points.foreach_get("co", coordinates.ravel())
        if (coordinates[:, 0] == frames).all():
            return coordinates[:, 1].astype(np.float64)
    return np.array([curve.evaluate(float(frame)) for frame in frames])


def replace_samples(curve: bpy.types.FCurve, frames: np.ndarray, values: np.ndarray, changed: np.ndarray) -> None:
    """Key the `changed` (T,) samples with `values` (T,), linear. Keys elsewhere keep value, handles and interpolation; where a new
    key would cut into the course between two of them, that course is keyed at every sample, so that it stays."""
    kept = _keys_of(curve)
    now = np.where(changed, values, sampled(curve, frames))
    near = np.clip(np.searchsorted(frames, kept["co"][:, 0]), 1, len(frames) - 1)
    near -= np.abs(kept["co"][:, 0] - frames[near - 1]) < np.abs(kept["co"][:, 0] - frames[near])
    outside = ~changed[near] | (kept["co"][:, 0] < frames[0]) | (kept["co"][:, 0] > frames[-1])
    kept = {name: array[outside] for name, array in kept.items()}
    has_key = np.isin(frames, kept["co"][:, 0])
    fresh = _with_cut_courses(changed, has_key)
    _write(curve, kept, frames[fresh], now[fresh])


def _with_cut_courses(changed: np.ndarray, has_key: np.ndarray) -> np.ndarray:
    """(T,) bool: `changed`, and on both sides of every run of it the samples up to the next one that has a key."""
    fresh = changed.copy()
    for step in (1, -1):
        open_course = False
        for index in range(len(changed))[::step]:
            if changed[index]:
                open_course = True
            elif has_key[index]:
                open_course = False
            elif open_course:
                fresh[index] = True
    return fresh


def _keys_of(curve: bpy.types.FCurve) -> dict[str, np.ndarray]:
    points, found = curve.keyframe_points, {}
    for name, (kind, width) in _FIELDS.items():
        flat = np.empty(len(points) * width, kind)
        points.foreach_get(name, flat)
        found[name] = flat.reshape(-1, width) if width > 1 else flat
    return found


def _write(curve: bpy.types.FCurve, kept: dict[str, np.ndarray], frames: np.ndarray, values: np.ndarray) -> None:
    fresh_co = np.stack([frames, values], axis=1).astype(np.float32)
    fresh = {"co": fresh_co, "handle_left": fresh_co, "handle_right": fresh_co,
             "interpolation": np.full(len(frames), LINEAR, np.int32), "easing": np.zeros(len(frames), np.int32),
             "handle_left_type": np.full(len(frames), AUTO_CLAMPED, np.int32),
             "handle_right_type": np.full(len(frames), AUTO_CLAMPED, np.int32),
             **{part: np.zeros(len(frames), np.bool_) for part in SELECTABLE}}
    order = np.argsort(np.concatenate([kept["co"][:, 0], frames]), kind="stable")
    _freeze_handles(kept, order, everywhere=curve.auto_smoothing == "CONT_ACCEL")
    points = curve.keyframe_points
    points.clear()
    points.add(len(order))
    for name, (kind, _) in _FIELDS.items():
        points.foreach_set(name, np.ascontiguousarray(np.concatenate([kept[name], fresh[name]])[order], kind).ravel())
    curve.update()


def _freeze_handles(kept: dict[str, np.ndarray], order: np.ndarray, *, everywhere: bool) -> None:
    """Handles that Blender shapes after a key's neighbours stay as they are where a neighbour is new, on both sides of the key.

    order: the kept keys, then the fresh ones, in time. everywhere: with continuous acceleration every key shapes every other.
    """
    count = len(kept["co"])
    is_kept = order < count
    beside = np.zeros(len(order), bool)
    beside[1:] |= ~is_kept[:-1]
    beside[:-1] |= ~is_kept[1:]
    frozen = order[is_kept & (beside | everywhere)]
    for side in ("handle_left_type", "handle_right_type"):
        kept[side][frozen] = FREE
