"""Rotation and shape from points that were followed through a turning: structure from motion, without any model of a face.

A rigid body seen from several sides has one shape and one rotation for each side that explain where its points are seen
(Tomasi & Kanade 1992). Here with a perspective camera whose distance is known, by bundle adjustment (Triggs et al. 2000):
Levenberg-Marquardt over all rotations, shifts and points, the points eliminated first (Schur complement), with Huber's
weights against points that were followed wrongly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

HUBER = 0.004
"""Residuals from here on count linearly; in the unit of the points, inter-ocular distances (a quarter of a millimetre)."""

MOST_STEPS, CONVERGED = 60, 1e-7
FIRST_DAMPING, LARGEST_DAMPING, LEAST_DAMPING = 1e-3, 1e6, 1e-9
START_CURVATURE = 0.35
"""The shape the search starts from: a bowl, z = -START_CURVATURE (x^2 + y^2). Any that is not flat does."""


@dataclass(frozen=True)
class Turning:
    """rotation: (T, 3, 3) against frame 0, x right, y up, z to the camera; shape: (N, 3) the points at rest, in the unit of
    what was observed, z = 0 in the plane that is `camera_distance` away; residual: (T, N) distance left, NaN where unseen."""

    rotation: np.ndarray
    shape: np.ndarray
    residual: np.ndarray


def turning(observed: np.ndarray, seen: np.ndarray, camera_distance: float) -> Turning:
    """The rigid motion behind `observed` (T, N, 2), x right and y up about the camera's axis, in units of the plane z = 0.

    seen: (T, N) bool. Frame 0 is the rest pose and must be seen whole. A frame in which nothing is seen has a rotation of NaN.
    """
    middle = observed[0].mean(axis=0)
    height = -START_CURVATURE * ((observed[0] - middle) ** 2).sum(axis=1)
    height -= height.mean()
    away = (camera_distance - height) / camera_distance
    problem = _Problem(observed, seen.astype(np.float64), camera_distance)
    shift = np.zeros((len(observed), 3))
    shift[:, :2] = [np.median((now - observed[0])[kept], axis=0) if kept.any() else (0.0, 0.0)
                    for now, kept in zip(observed, seen)]
    state = (np.tile(np.eye(3), (len(observed), 1, 1)), shift, np.column_stack([observed[0] * away[:, None], height]))
    rotation, _, shape = solved = problem.solve(state, problem.poses_and_points)
    residual = np.where(seen, np.linalg.norm(problem.residual(solved), axis=-1), np.nan)
    return Turning(np.where(seen.any(axis=1)[:, None, None], rotation, np.nan), shape, residual)


def pose_of(observed: np.ndarray, seen: np.ndarray, shape: np.ndarray, camera_distance: float, start: np.ndarray) -> np.ndarray:
    """(3, 3) rotation that takes the points `shape` (N, 3) to where they were `observed` (N, 2), both as in `turning`.

    seen: (N,) bool; start: (3, 3) a rotation not far from it.
    """
    problem = _Problem(observed[None], seen[None].astype(np.float64), camera_distance)
    shift = np.zeros((1, 3))
    posed = shape @ start.T
    shift[0, :2] = np.median((observed - posed[:, :2])[seen], axis=0)
    (rotation,), *_ = problem.solve((start[None], shift, shape), problem.poses)
    return rotation


State = tuple[np.ndarray, np.ndarray, np.ndarray]
"""rotation (T, 3, 3), shift (T, 3), shape (N, 3)."""

Step = Callable[[float], State]
"""Damping -> the state one damped step further."""


class _Problem:
    """The bundle adjustment of one sweep."""

    def __init__(self, observed: np.ndarray, weight: np.ndarray, camera_distance: float) -> None:
        self.observed, self.weight, self.distance = observed, weight, camera_distance

    def solve(self, state: State, steps_from: Callable[[State], Step]) -> State:
        """Levenberg-Marquardt from `state`."""
        damping, cost = FIRST_DAMPING, self._cost(state)
        for _ in range(MOST_STEPS):
            step = steps_from(state)
            while True:
                tried = step(damping)
                tried_cost = self._cost(tried)
                if tried_cost < cost or damping > LARGEST_DAMPING:
                    break
                damping *= 10.0
            if tried_cost >= cost:
                break
            settled = cost - tried_cost < CONVERGED * cost
            state, cost, damping = tried, tried_cost, max(damping / 10.0, LEAST_DAMPING)
            if settled:
                break
        return state

    def poses_and_points(self, state: State) -> Step:
        """Steps of everything but frame 0, which stays where it is."""
        normal = self._normal_equations(state)
        return lambda damping: self._stepped(state, normal, damping)

    def poses(self, state: State) -> Step:
        """Steps of the poses alone; the points stay."""
        rotation, shift, shape = state
        pose, slope, *_ = self._normal_equations(state)
        sizes = np.einsum("tii->ti", pose)

        def step(damping: float) -> State:
            damped = pose + np.einsum("ti,ij->tij", damping * sizes + 1e-9, np.eye(6))
            change = -np.linalg.solve(damped, slope[..., None])[..., 0]
            return _rotation_about(change[:, :3]) @ rotation, shift + change[:, 3:], shape

        return step

    def residual(self, state: State) -> np.ndarray:
        """(T, N, 2) seen there by the model less where it was observed."""
        points = self._posed(state)
        return points[..., :2] * (self.distance / (self.distance - points[..., 2]))[..., None] - self.observed

    def _posed(self, state: State) -> np.ndarray:
        rotation, shift, shape = state
        return np.einsum("tij,nj->tni", rotation, shape) + shift[:, None]

    def _cost(self, state: State) -> float:
        error = np.linalg.norm(self.residual(state), axis=-1)
        return float((self.weight * np.where(error < HUBER, 0.5 * error**2, HUBER * (error - 0.5 * HUBER))).sum())

    def _normal_equations(self, state: State) -> tuple[np.ndarray, ...]:
        """Curvature and slope of the cost: poses (T, 6, 6), (T, 6); points (N, 3, 3), (N, 3); what joins them (T, 6, N, 3)."""
        rotation, shift, _ = state
        points, residual = self._posed(state), self.residual(state)
        away = self.distance - points[..., 2]
        seen = np.zeros((*points.shape[:2], 2, 3))
        seen[..., 0, 0] = seen[..., 1, 1] = self.distance / away
        seen[..., 2] = points[..., :2] * (self.distance / away**2)[..., None]
        about = points - shift[:, None]
        pose = np.concatenate([-seen @ _crossing(about), seen], axis=-1)
        point = np.einsum("tnab,tbc->tnac", seen, rotation)
        error = np.linalg.norm(residual, axis=-1)
        weight = self.weight * np.where(error < HUBER, 1.0, HUBER / np.maximum(error, 1e-12))
        weighted_pose, weighted_point = weight[..., None, None] * pose, weight[..., None, None] * point
        return (np.einsum("tnai,tnaj->tij", weighted_pose, pose), np.einsum("tnai,tna->ti", weighted_pose, residual),
                np.einsum("tnai,tnaj->nij", weighted_point, point), np.einsum("tnai,tna->ni", weighted_point, residual),
                np.einsum("tnai,tnaj->tinj", weighted_pose, point))

    def _stepped(self, state: State, normal: tuple[np.ndarray, ...], damping: float) -> State:
        """One damped step: the points eliminated, the poses solved for, the points put back."""
        pose, pose_slope, point, point_slope, joint = normal
        frames = len(pose)
        sizes = np.trace(point, axis1=1, axis2=2)[:, None, None] / 3.0
        inverse = np.linalg.inv(point + (damping * sizes + 1e-12) * np.eye(3))
        carried = np.einsum("tinj,njk->tink", joint, inverse)
        system = -carried.reshape(6 * frames, -1) @ joint.reshape(6 * frames, -1).T
        for frame in range(frames):
            own = np.s_[6 * frame : 6 * frame + 6]
            system[own, own] += pose[frame] + np.diag(damping * np.diag(pose[frame]) + 1e-9)
        wanted = np.einsum("tink,nk->ti", carried, point_slope) - pose_slope
        step = np.zeros((frames, 6))
        step[1:] = np.linalg.solve(system[6:, 6:], wanted[1:].reshape(-1)).reshape(-1, 6)
        moved = np.einsum("nij,nj->ni", inverse, -point_slope - np.einsum("tinj,ti->nj", joint, step))
        rotation, shift, shape = state
        return _rotation_about(step[:, :3]) @ rotation, shift + step[:, 3:], shape + moved


def _crossing(vectors: np.ndarray) -> np.ndarray:
    """(..., 3) -> (..., 3, 3): the matrix that multiplies as the cross product with the vector does."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    return np.stack([np.stack(row, axis=-1) for row in ((zero, -z, y), (z, zero, -x), (-y, x, zero))], axis=-2)


def _rotation_about(axes_rad: np.ndarray) -> np.ndarray:
    """(T, 3) axis times angle -> (T, 3, 3) (Rodrigues)."""
    angle = np.linalg.norm(axes_rad, axis=-1)[:, None, None]
    unit = _crossing(axes_rad) / np.maximum(angle, 1e-12)
    return np.eye(3) + np.sin(angle) * unit + (1.0 - np.cos(angle)) * unit @ unit
