"""Row 1: does the head turn as far as it was told? Read off the pixels, and beside it what a face detector takes it for."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import LinearNDInterpolator

from ..portrait.fit import head_asset, similarity
from ..portrait.portrait import Portrait
from ..render.pose import Poser
from .batteries import pose_battery
from .bench import JITTERS, LEAST_POINTS, Bench
from .detectors import FACE_POINTS, Face
from .figures import Figure
from .signals import Line, angles_from_rotations, geodesic_deg, regress, rotations_from_angles
from .structure import Turning

AXES = ("yaw", "pitch", "roll")


def head_pose(bench: Bench) -> list[Figure]:
    """Row 1: commanded head rotation against the one that explains how the picture's own points move."""
    clip = pose_battery()
    angles = clip.head_rotation_deg
    read, seen = bench.pose_turning, bench.pose_seen
    if read is None:
        figures = [Figure(key, float("nan"), "too little of the face could be followed")
                   for key in ("pose_error", *(f"pose_slope_{axis}" for axis in AXES), "pose_correlation")]
    else:
        figures = _figures(angles, read.rotation, bench.portrait)
    perceived = lines(angles, seen.rotation)
    figures += [Figure(f"pose_detected_{axis}", line.slope) for axis, line in zip(AXES[:2], perceived)]
    return figures + [drawn_pose(bench.portrait)] + ([relief_figure(bench, read, seen.landmarks_px[0])] if read else [])


def lines(commanded_deg: np.ndarray, rotation: np.ndarray) -> list[Line]:
    """Measured per commanded yaw, pitch and roll, each over the frames in which it alone was asked for, and the rest pose."""
    measured = angles_from_rotations(rotation)
    swept = [np.flatnonzero((commanded_deg[:, axis] != 0) | (commanded_deg == 0).all(axis=1)) for axis in range(3)]
    return [regress(commanded_deg[frames, axis], measured[frames, axis]) for axis, frames in enumerate(swept)]


def _figures(angles_deg: np.ndarray, rotation: np.ndarray, portrait: Portrait) -> list[Figure]:
    """Error, slopes and correlation of the frames; noise is the scatter of the last JITTERS ones, which show a still face."""
    asked = len(angles_deg)
    error = geodesic_deg(rotations_from_angles(angles_deg[1:]), rotation[1:asked])
    still = rotation[-JITTERS:]
    noise = float(np.nanmean(geodesic_deg(still, np.eye(3)))) if np.isfinite(still).any() else None
    unread = int((~np.isfinite(error)).sum())
    value = float(np.nanmean(error)) if unread < len(error) / 2 else float("nan")
    slopes = lines(angles_deg, rotation[:asked])
    return [Figure("pose_error", value, f"{unread} of {len(error)} frames could not be read" if unread else "", noise),
            *(Figure(f"pose_slope_{axis}", line.slope, noise=None if noise is None else noise / 20.0)
              for axis, line in zip(AXES, slopes)),
            Figure("pose_correlation", min(line.correlation for line in slopes))]


def drawn_pose(portrait: Portrait) -> Figure:
    """How far the rotation of the face's posed vertices is from the commanded one, by geometry; without a picture."""
    clip = pose_battery()
    centre, distance = np.asarray(portrait.camera_centre), portrait.camera_distance
    posed = np.array([frame.vertices["face"] for frame in Poser(portrait).pose(clip, 0, len(clip))], np.float64)
    away = (distance - posed[..., 2:]) / distance
    space = np.concatenate([(posed[..., :2] - centre) * away * (1, -1), posed[..., 2:]], axis=-1)
    even = np.ones(space.shape[1])
    rotation = np.array([similarity(space[0], now, even)[0] for now in space[1:]])
    error = geodesic_deg(rotations_from_angles(clip.head_rotation_deg[1:]), rotation)
    return Figure("pose_drawn", float(error.mean()), f"worst {error.max():.2f}")


def relief_figure(bench: Bench, read: Turning, landmarks_px: np.ndarray) -> Figure:
    """Depth of the face found from its turning over that of the average head at the same places.

    A flat picture that is turned reads the right rotation; this tells it from a head.
    """
    return Figure("pose_relief", relief(read.shape, bench, landmarks_px), "of the average head's")


def relief(shape: np.ndarray, bench: Bench, landmarks_px: np.ndarray) -> float:
    """Slope of the depths of `shape` (N, 3) against those of the average head laid over it."""
    average = head_asset()["landmark_rest"].astype(np.float64)
    average = average / Face(average * (1, -1, 1)).inter_ocular_px
    distance = bench.portrait.camera_distance * bench.scale / bench.eye_distance_px
    seen_at = shape[:, :2] * distance / (distance - shape[:, 2:])
    pixels = seen_at * (1, -1) * bench.eye_distance_px + bench.to_frame(bench.portrait.camera_centre)
    model = LinearNDInterpolator(landmarks_px[:FACE_POINTS, :2], average)(pixels)
    known = np.isfinite(model).all(axis=1)
    if known.sum() < LEAST_POINTS:
        return float("nan")
    rotation, scale, shift = similarity(model[known], shape[known], np.ones(known.sum()))
    back = (shape[known] - shift) @ rotation / scale
    return regress(model[known, 2], back[:, 2]).slope
