"""Picture space and the rig's own space.

Picture space is where a portrait's vertices lie: x, y is where the camera sees the point in the picture (pixels, y down,
pixel centres at whole numbers), z is its depth (pixels, towards the camera, 0 at the eyes). The rig's space is metres, x
right, z up, y away from the camera; it stands on its origin, the middle of the picture's lower edge in the plane of the eyes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .portrait_file import PortraitData

SENSOR_WIDTH_MM = 36.0
PUPIL_DISTANCE_M = 0.063
"""What `units_per_metre` is scaled by (engine/portrait/fit.py)."""


@dataclass(frozen=True)
class RigSpace:
    """The way from one portrait's pixels to metres."""

    portrait: PortraitData

    def points(self, picture: np.ndarray, behind_m: float = 0.0) -> np.ndarray:
        """(N, 3) picture space -> (N, 3) float32 metres.

        behind_m: move the points this far back along the lines of sight: the camera sees them where it saw them before.
        """
        seen = np.asarray(picture, np.float64)
        distance = self.portrait.camera_distance
        push = 1 + behind_m * self.portrait.units_per_metre / distance
        away = (distance - seen[:, 2:]) * push
        space = np.concatenate(((seen[:, :2] - self.portrait.camera_centre) * away / distance, distance - away), axis=1)
        width, height = self.portrait.size
        space -= ((width - 1) / 2 - self.portrait.camera_centre[0], height - 0.5 - self.portrait.camera_centre[1], 0)
        x, y, z = space.T
        return (np.stack((x, -z, -y), axis=1) / self.portrait.units_per_metre).astype(np.float32)

    def camera_position(self) -> np.ndarray:
        """(3,) the pinhole, metres."""
        width, height = self.portrait.size
        x, y = self.portrait.camera_centre
        position = (x - (width - 1) / 2, -self.portrait.camera_distance, height - 0.5 - y)
        return np.array(position) / self.portrait.units_per_metre

    def camera_lens(self) -> tuple[float, float, float]:
        """(focal length mm, shift x, shift y) of a camera looking along +y with a horizontal sensor of SENSOR_WIDTH_MM:
        it shows exactly the picture's rectangle in the plane z = 0. Shifts are in picture widths, as Blender wants them."""
        width, height = self.portrait.size
        x, y = self.portrait.camera_centre
        return (SENSOR_WIDTH_MM * self.portrait.camera_distance / width, ((width - 1) / 2 - x) / width,
                (y - (height - 1) / 2) / width)
