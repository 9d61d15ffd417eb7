"""Head pose over time from 68 landmarks: scaled orthography, one face shape per person, smooth between cuts.

Frame by frame such a fit trembles by several degrees, because a landmark detector does. So a whole shot is solved at once:
the residuals of the landmarks that do not move with speech, and a penalty on angular and linear acceleration that expects
about what heads do (Gauss-Newton; the normal equations are banded, so a shot of minutes costs milliseconds).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solveh_banded

from ..audio.weights import ASSETS
from ..measure.signals import rotations_from_angles

RIGID = (27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45)
"""iBUG numbers of the landmarks on bone: bridge, tip and base of the nose, corners of the eyes."""
_RIGID_ON_ASSET = (168, 197, 195, 4, 98, 2, 327, 33, 133, 362, 263)
"""The same places in MediaPipe's numbering, in which the head asset has its landmarks."""
_EYES = (7, 8, 9, 10)
"""Which of RIGID are the corners of the eyes."""

LANDMARK_NOISE = 0.012
"""Scatter of one landmark coordinate in inter-ocular distances: 1.2 px at 110 px, read off second differences."""
EXPECTED_ACCELERATION = np.array([0.9, 0.9, 0.7, 0.003, 0.012, 0.012])
"""Second differences per frame at 25 fps that are taken as life: yaw, pitch, roll in degrees; log scale; x, y in
inter-ocular distances."""
SHAPE_STIFFNESS = 0.05
"""How far (inter-ocular distances) a person's landmarks may lie from the asset's; keeps the depth of the nose, which the
pictures alone do not tell."""
_ROUNDS, _STEPS = 3, 4
_ROBUST = 3.0
_BEND = (1.0, -2.0, 1.0)


def asset_shape() -> np.ndarray:
    """(len(RIGID), 3) the landmarks on the head asset: inter-ocular distance 1, origin between the eyes, x right, y up, z out."""
    with np.load(ASSETS / "head.npz") as head:
        points = head["landmark_rest"][list(_RIGID_ON_ASSET)].astype(np.float64)
    eyes = points[list(_EYES)]
    points -= eyes.mean(axis=0)
    return points / np.linalg.norm(points[7:9].mean(axis=0) - points[9:11].mean(axis=0))


def solve_pose(shots: list[np.ndarray], trusted: list[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Pose of every frame of one person's `shots` (each (T, 68, 2), x right and y down, any unit) and the person's shape.

    trusted: per shot (T,) whether the frame was really seen; others are bridged.

    Returns per shot (T, 6): yaw, pitch, roll in degrees (MotionClip's convention), log scale (of an inter-ocular distance in
    the shot's unit), x and y (up) of the point between the eyes in the shot's unit; and (len(RIGID), 3).
    """
    shape = asset_shape()
    seen = [shot[:, RIGID] * (1.0, -1.0) for shot in shots]
    poses = [_first_guess(points) for points in seen]
    for round_number in range(_ROUNDS):
        poses = [_refine(*shot, shape) for shot in zip(seen, trusted, poses)]
        if round_number < _ROUNDS - 1:
            kept = np.concatenate(trusted)
            shape = _fit_shape(np.concatenate(seen)[kept], np.concatenate(poses)[kept])
    return poses, shape


def _first_guess(points: np.ndarray) -> np.ndarray:
    eyes = points[:, list(_EYES)]
    across = eyes[:, 2:].mean(axis=1) - eyes[:, :2].mean(axis=1)
    roll = np.degrees(np.arctan2(across[:, 1], across[:, 0]))
    zero = np.zeros(len(points))
    return np.column_stack([zero, zero, roll, np.log(np.linalg.norm(across, axis=1)), eyes.mean(axis=1)])


def _refine(points: np.ndarray, trusted: np.ndarray, pose: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Gauss-Newton over a whole shot: landmarks within their noise, second differences within EXPECTED_ACCELERATION."""
    for _ in range(_STEPS):
        scale = np.exp(pose[:, 3])
        error = ((points - _project(pose, shape)) / scale[:, None, None]).reshape(len(points), -1) / LANDMARK_NOISE
        jacobian = _jacobian(pose, shape) / scale[:, None, None] / LANDMARK_NOISE
        weight = trusted[:, None] / np.sqrt(1.0 + (error / _ROBUST) ** 2)
        normal = np.einsum("tki,tk,tkj->tij", jacobian, weight, jacobian)
        gradient = np.einsum("tki,tk,tk->ti", jacobian, weight, error)
        pose = pose + _solve_smooth(normal, gradient, pose, np.median(scale))
    return pose


def _solve_smooth(normal: np.ndarray, gradient: np.ndarray, pose: np.ndarray, scale: float) -> np.ndarray:
    """The step (T, 6) that minimises the linearised residuals plus the acceleration of pose + step."""
    count, size = gradient.shape
    stiffness = 1.0 / (EXPECTED_ACCELERATION * (1.0, 1.0, 1.0, 1.0, scale, scale)) ** 2
    band = np.zeros((2 * size + 1, count * size))
    for row in range(size):
        for column in range(row, size):
            band[2 * size - (column - row), column::size] += normal[:, row, column]
    for one, first in enumerate(_BEND):
        for other, second in enumerate(_BEND[one:], one):
            diagonal = band[2 * size - (other - one) * size].reshape(count, size)
            diagonal[other : max(count - 2, 0) + other] += stiffness * first * second
    acceleration = np.zeros_like(pose)
    if count > 2:
        bend = (pose[2:] - 2.0 * pose[1:-1] + pose[:-2]) * stiffness
        acceleration[:-2] += bend
        acceleration[1:-1] -= 2.0 * bend
        acceleration[2:] += bend
    band[2 * size] += 1e-9
    return solveh_banded(band, (gradient - acceleration).ravel()).reshape(count, size)


def _project(pose: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """(T, points, 2) where the landmarks of `shape` appear."""
    turned = np.einsum("tij,kj->tki", rotations_from_angles(pose[:, :3])[:, :2], shape)
    return np.exp(pose[:, 3])[:, None, None] * turned + pose[:, None, 4:]


def _jacobian(pose: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """(T, 2 * points, 6) derivative of `_project`; the angles' by central differences of 0.1 degrees."""
    columns = []
    for number in range(3):
        change = np.zeros(6)
        change[number] = 0.05
        columns.append((_project(pose + change, shape) - _project(pose - change, shape)) / 0.1)
    columns.append(_project(pose, shape) - pose[:, None, 4:])
    ones = np.ones((len(pose), len(shape)))
    columns += [np.stack([ones, 0 * ones], axis=-1), np.stack([0 * ones, ones], axis=-1)]
    return np.stack([column.reshape(len(pose), -1) for column in columns], axis=-1)


def _fit_shape(points: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """The person's landmarks given the poses, held to the asset's by SHAPE_STIFFNESS."""
    flat = rotations_from_angles(pose[:, :3])[:, :2]
    seen = (points - pose[:, None, 4:]) / np.exp(pose[:, 3])[:, None, None]
    normal = np.einsum("tij,tik->jk", flat, flat) / LANDMARK_NOISE**2
    prior = np.eye(3) * len(points) * 0.02 / SHAPE_STIFFNESS**2
    right = np.einsum("tij,tki->kj", flat, seen) / LANDMARK_NOISE**2
    shape = np.linalg.solve(normal + prior, (right + asset_shape() @ prior).T).T
    return shape - shape[list(_EYES)].mean(axis=0)
