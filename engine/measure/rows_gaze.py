"""Row 4: do the eyes turn as far as they were told? Read off the pixels of the irises, the detector's irises beside it."""

from __future__ import annotations

import numpy as np

from ..portrait.fit import PUPIL_DISTANCE_M
from ..portrait.portrait import Portrait
from ..render.pose import Poser
from .batteries import GazeBattery, gaze_battery
from .bench import Bench, disturbed_copies
from .detectors import EYE_CORNERS, IRIS_RADIUS_IOD
from .figures import Figure
from .irises import iris_travel_iod
from .signals import regress

FARTHER_EYE_SHARE = 0.9
"""An eye that looks narrower than this share of the other is the farther one of a turned head."""


def gaze(bench: Bench) -> list[Figure]:
    """Row 4: the irises' travel turned into angles by an affine calibration per portrait, fitted on one half of the frames and
    tested on the other, both ways round; it also knows the head's yaw, which shifts the iris against the skin around it."""
    battery = gaze_battery()
    frames = list(bench.frames(battery.clip, stage="measure: gaze"))
    copies = list(disturbed_copies(frames[0]))
    seen = bench.observe_frames([*frames, *copies], [0.0] * (len(frames) + len(copies)))
    travel = iris_travel_iod([*frames, *copies], seen.landmarks_px)
    travel = travel[:, nearer_eyes(seen.landmarks_px[0])].mean(axis=1)
    travel, still = travel[: len(frames)], travel[len(frames) :]
    truth = battery.clip.gaze_deg.mean(axis=1)
    predicted = calibrated(travel, truth, battery.clip.head_rotation_deg[:, 0])
    error = np.linalg.norm(predicted - truth, axis=1)[1:]
    scatter = float(np.nanstd(still, axis=0).mean()) if np.isfinite(still).any() else float("nan")
    moved = np.ptp(np.nan_to_num(travel[battery.sweep]), axis=0)
    unread = int((~np.isfinite(error)).sum())
    note = "" if (moved > 4.0 * scatter).all() else "the irises hardly move"
    note = f"no face seen in {unread} of {len(error)} frames" if unread else note
    value = float(np.nanmean(error)) if unread < len(error) / 2 else float("nan")
    detected = (seen.iris_offset_iod[: len(frames)] - seen.iris_offset_iod[0]).mean(axis=1)
    across, up = gains(travel, truth, battery.sweep)
    return [Figure("gaze_error", value, note, float(np.degrees(np.sqrt(2.0) * scatter / IRIS_RADIUS_IOD))),
            Figure("gaze_gain", across), Figure("gaze_gain_up", up),
            gain_figure("gaze_detected", detected, truth, battery.sweep), drawn_gain(bench.portrait, battery), counter_gain(predicted, battery)]


def nearer_eyes(landmarks_px: np.ndarray) -> np.ndarray:
    """(2,) bool: the eyes (subject's left, right) that are read. A head turned in the picture hides its farther eye when it
    turns on, so that only the one that looks wider is."""
    corners = landmarks_px[np.array(EYE_CORNERS), :2]
    widths = np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1)
    return widths >= FARTHER_EYE_SHARE * widths.max() if np.isfinite(widths).all() else np.ones(2, bool)


def calibrated(travel: np.ndarray, truth: np.ndarray, head_yaw_deg: np.ndarray) -> np.ndarray:
    """(T, 2) angles in degrees from the irises' travel (T, 2): each half of the frames by what the other half teaches."""
    features = np.column_stack([np.ones(len(travel)), travel, head_yaw_deg])
    half = np.arange(len(features)) % 2 == 0
    return np.where(half[:, None], _mapped(features, truth, ~half), _mapped(features, truth, half))


def _mapped(features: np.ndarray, truth: np.ndarray, fit: np.ndarray) -> np.ndarray:
    """(T, 2) angles by the affine map fitted on the frames `fit` whose features are finite."""
    fit = fit & np.isfinite(features).all(axis=1)
    if fit.sum() < 2 * features.shape[1]:
        return np.full((len(features), 2), np.nan)
    weights, *_ = np.linalg.lstsq(features[fit], truth[fit], rcond=None)
    return features @ weights


def gain_figure(key: str, travel: np.ndarray, truth: np.ndarray, sweep: slice) -> Figure:
    """The gain against an eye of human size, which a calibration would forgive; mean of both axes."""
    across, up = gains(travel, truth, sweep)
    return Figure(key, (across + up) / 2.0, f"across {across:.2f}, up {up:.2f}")


def gains(travel: np.ndarray, truth: np.ndarray, sweep: slice) -> tuple[float, float]:
    """Travel (T, 2) in inter-ocular distances per that of a human eye turned by `truth` (T, 2) degrees: across, up."""
    expected = IRIS_RADIUS_IOD * np.sin(np.radians(truth[sweep]))
    asked = truth[sweep] != 0
    across, up = (regress(expected[asked[:, axis], axis], travel[sweep][asked[:, axis], axis]).slope for axis in (0, 1))
    return across, up


def drawn_gain(portrait: Portrait, battery: GazeBattery) -> Figure:
    """How far the irises are drawn to travel, against a human eye's; from their projected vertices, the rim's as the middle's,
    without a detector."""
    posed = Poser(portrait).pose(battery.clip, 0, len(battery.clip))
    centres = np.array([np.mean([frame.vertices[f"iris_{side}"][:, :2].mean(axis=0) for side in ("left", "right")], axis=0)
                        for frame in posed])
    travel_iod = (centres - centres[0]) * (1, -1) / (portrait.units_per_metre * PUPIL_DISTANCE_M)
    return gain_figure("gaze_drawn", travel_iod, battery.clip.gaze_deg.mean(axis=1), battery.sweep)


def counter_gain(predicted_deg: np.ndarray, battery: GazeBattery) -> Figure:
    """Minus the slope of the eyes' measured yaw against the head's, while the clip keeps them on the viewer."""
    line = regress(battery.clip.head_rotation_deg[battery.counter, 0], predicted_deg[battery.counter, 0])
    return Figure("counter_gain", -line.slope)
