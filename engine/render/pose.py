"""Where every vertex is at every frame: blendshapes, gaze, the head on its neck, and the camera. Batched in torch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ..motion.clip import MotionClip
from ..portrait.portrait import Portrait


def rotation_matrices(yaw_pitch_roll_deg: torch.Tensor) -> torch.Tensor:
    """(B, 3) degrees -> (B, 3, 3) in picture space (y down). See MotionClip for the signs: R = Ry(yaw) Rx(-pitch) Rz(roll)."""
    yaw, pitch, roll = torch.deg2rad(yaw_pitch_roll_deg).unbind(1)
    zero, one = torch.zeros_like(yaw), torch.ones_like(yaw)

    def stack(*rows):
        return torch.stack([torch.stack(row, 1) for row in rows], 1)

    about_y = stack((yaw.cos(), zero, yaw.sin()), (zero, one, zero), (-yaw.sin(), zero, yaw.cos()))
    about_x = stack((one, zero, zero), (zero, pitch.cos(), pitch.sin()), (zero, -pitch.sin(), pitch.cos()))
    about_z = stack((roll.cos(), -roll.sin(), zero), (roll.sin(), roll.cos(), zero), (zero, zero, one))
    flip = torch.tensor([1.0, -1.0, 1.0])
    return flip[:, None] * (about_y @ about_x @ about_z) * flip[None, :]


class Poser:
    """A portrait's parts as tensors, ready to be posed batch after batch."""

    def __init__(self, portrait: Portrait):
        self.pivot = torch.from_numpy(np.array(portrait.neck_pivot, np.float32))
        self.centre = torch.from_numpy(np.array(portrait.camera_centre, np.float32))
        self.distance = float(portrait.camera_distance)
        self.units_per_metre = float(portrait.units_per_metre)
        self.eye_centres = torch.from_numpy(np.array(portrait.eye_centres, np.float32))
        self.parts = {}
        for name, part in portrait.parts.items():
            rest = torch.from_numpy(np.array(part.vertices, np.float32))
            deltas = torch.from_numpy(part.dense_deltas().reshape(52, -1)) if len(part.delta_index) else None
            self.parts[name] = (rest, deltas, torch.from_numpy(np.array(part.head_weight, np.float32)))

    @torch.inference_mode()
    def pose(self, clip: MotionClip, start: int, stop: int) -> Iterator[dict[str, np.ndarray]]:
        """Yield for each frame start..stop-1 the parts' vertices (V, 3) in picture space, as the camera sees them."""
        span = slice(start, stop)
        channels = torch.from_numpy(np.ascontiguousarray(clip.channels[span], np.float32))
        head = rotation_matrices(torch.from_numpy(np.ascontiguousarray(clip.head_rotation_deg[span], np.float32)))
        shift = torch.from_numpy(np.ascontiguousarray(clip.head_translation_m[span], np.float32)) * self.units_per_metre
        shift = shift * torch.tensor([1.0, -1.0, 1.0])
        gaze = torch.from_numpy(np.ascontiguousarray(clip.gaze_deg[span], np.float32))
        posed = {name: self._pose_part(name, channels, head, shift, gaze).numpy() for name in self.parts}
        for frame in range(len(channels)):
            yield {name: vertices[frame] for name, vertices in posed.items()}

    def _pose_part(self, name, channels, head, shift, gaze) -> torch.Tensor:
        rest, deltas, weight = self.parts[name]
        vertices = rest.expand(len(channels), -1, -1)
        if deltas is not None:
            vertices = vertices + (channels @ deltas).view(len(channels), -1, 3)
        if name in ("iris_left", "iris_right"):
            vertices = self._turn_eye(vertices, gaze[:, 0 if name == "iris_left" else 1], self.eye_centres[0 if name == "iris_left" else 1])
        space = self._unproject(vertices)
        pivot = self._unproject(self.pivot[None, None])[0, 0]
        turned = (space - pivot) @ head.transpose(1, 2) + pivot + shift[:, None]
        return self._project(space + weight[None, :, None] * (turned - space))

    @staticmethod
    def _turn_eye(vertices, gaze_deg, centre) -> torch.Tensor:
        turn = rotation_matrices(torch.cat([gaze_deg, torch.zeros(len(gaze_deg), 1)], dim=1))
        return (vertices - centre) @ turn.transpose(1, 2) + centre

    def _unproject(self, vertices: torch.Tensor) -> torch.Tensor:
        """Picture space -> camera space, same unit, origin at the face's centre, z towards the camera."""
        away = (self.distance - vertices[..., 2:]) / self.distance
        return torch.cat([(vertices[..., :2] - self.centre) * away, vertices[..., 2:]], dim=-1)

    def _project(self, space: torch.Tensor) -> torch.Tensor:
        nearest = 0.05 * self.distance
        away = torch.clamp(self.distance - space[..., 2:], min=nearest) / self.distance
        return torch.cat([space[..., :2] / away + self.centre, space[..., 2:]], dim=-1)
