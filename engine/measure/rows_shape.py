"""Row 13, shape: is a turning face one rigid face? By where the picture's own points go, whatever a detector thinks of them.

The turning that row 1 finds explains the followed points by one shape and a rotation for each frame. What it cannot explain is
a face that bends; and points that were followed wrongly, which are left in, so that the figure errs upwards.
"""

from __future__ import annotations

import numpy as np

from .batteries import pose_battery
from .bench import JITTERS, Bench
from .figures import Figure
from .rows_identity import LARGEST_ANGLE_DEG
from .structure import Turning


def shape(bench: Bench) -> Figure:
    """Row 13: what a rigid face leaves unexplained in the frames of row 1 up to LARGEST_ANGLE_DEG, across the line of sight."""
    angle_deg = np.abs(pose_battery().head_rotation_deg).max(axis=1)
    asked = np.flatnonzero((angle_deg > 0.0) & (angle_deg <= LARGEST_ANGLE_DEG))
    found = unexplained_iod(bench.pose_turning, asked)
    readable = np.isfinite(found)
    if readable.mean() < 0.5:
        return Figure("identity_shape", float("nan"), "too little of the face could be followed")
    still = unexplained_iod(bench.pose_turning, np.arange(-JITTERS, 0))
    note = f"{readable.sum()} frames up to {LARGEST_ANGLE_DEG:g} degrees, {bench.pose_turning.shape.shape[0]} points"
    return Figure("identity_shape", 100.0 * float(found[readable].mean()), note, 100.0 * float(np.nanmean(still)))


def unexplained_iod(read: Turning | None, frames: np.ndarray) -> np.ndarray:
    """(T,) root mean square distance of the points seen in each of `frames` from where a rigid face would have them, over the
    distance of the eyes; NaN where nothing was found."""
    if read is None:
        return np.full(len(frames), np.nan)
    squares = read.residual[frames] ** 2
    seen = np.isfinite(squares)
    count = seen.sum(axis=1)
    return np.where(count > 0, np.sqrt(np.where(seen, squares, 0.0).sum(axis=1) / np.maximum(count, 1)), np.nan)
