"""Picture space (pixels, x right, y down, z towards the camera) and the rig's own space (metres, x right, z up, y away from
the camera). The rig stands on its origin: the middle of the picture's lower edge, in the plane of the eyes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .portrait_file import PortraitData

SENSOR_WIDTH_MM = 36.0


@dataclass(frozen=True)
class RigSpace:
    """The way from one portrait's pixels to metres."""

    portrait: PortraitData

    def points(self, picture: np.ndarray) -> np.ndarray:
        """(N, 3) picture space -> (N, 3) float32 metres."""
        width, height = self.portrait.size
        return self.vectors(np.asarray(picture, np.float64) - (width / 2, height, 0))

    def vectors(self, picture: np.ndarray) -> np.ndarray:
        """(N, 3) differences in picture space -> (N, 3) float32 metres."""
        x, y, z = np.moveaxis(np.asarray(picture, np.float64), -1, 0)
        return (np.stack((x, -z, -y), axis=-1) / self.portrait.units_per_metre).astype(np.float32)

    def camera_position(self) -> np.ndarray:
        """(3,) the pinhole, metres."""
        x, y = self.portrait.camera_centre
        return self.points(np.array([[x, y, self.portrait.camera_distance]]))[0]

    def camera_lens(self) -> tuple[float, float, float]:
        """(focal length mm, shift x, shift y) of a camera looking along +y with a horizontal sensor of SENSOR_WIDTH_MM:
        it shows exactly the picture's rectangle in the plane z = 0. Shifts are in picture widths, as Blender wants them."""
        width, height = self.portrait.size
        x, y = self.portrait.camera_centre
        return SENSOR_WIDTH_MM * self.portrait.camera_distance / width, (width / 2 - x) / width, (y - height / 2) / width

    def backdrop(self, depth: float) -> np.ndarray:
        """(4, 3) metres: the picture's rectangle moved back along the lines of sight to z = -depth pixels; corners in the
        order of the rows and columns of `uv` (0, 1), (1, 1), (1, 0), (0, 0), counter-clockwise for the camera."""
        width, height = self.portrait.size
        corners = np.array([[0, height], [width, height], [width, 0], [0, 0]], np.float64)
        scale = (self.portrait.camera_distance + depth) / self.portrait.camera_distance
        centre = np.asarray(self.portrait.camera_centre)
        moved = centre + (corners - centre) * scale
        return self.points(np.column_stack((moved, np.full(4, -depth))))
