"""A pinhole camera on the stage.

It does not know what stands before it. World axes: x towards the default camera, y up, metres;
pixels: x right, y down, the centre of the top-left pixel is 0, 0.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bodyswap.stage.mocap import Floats64


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Stands at `position`, looks at `target`; `view_angle_deg` spans the picture's height."""

    position: tuple[float, float, float] = (5.7, 1.15, 0.0)
    target: tuple[float, float, float] = (0.0, 0.95, 0.0)
    view_angle_deg: float = 33.0

    @cached_property
    def axes_33(self) -> Floats64:
        """Rows: the picture's right, its down, and the way the camera looks, in the world."""
        forward = np.subtract(self.target, self.position)
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 1.0, 0.0))
        right = right / np.linalg.norm(right)
        return np.stack([right, np.cross(forward, right), forward])

    def focal_px(self, height: int) -> float:
        return float(height / 2 / np.tan(np.radians(self.view_angle_deg) / 2))

    def project(self, points_P3: Floats64, width: int, height: int) -> tuple[Floats64, Floats64]:
        """Pixels (P, 2) and depths (P), in metres along the view, of points of the world."""
        seen = (points_P3 - np.array(self.position)) @ self.axes_33.T
        depth = np.maximum(seen[:, 2], 1e-3)
        centre = np.array([(width - 1) / 2, (height - 1) / 2])
        return seen[:, :2] / depth[:, None] * self.focal_px(height) + centre, depth

    def rays(self, x_P: Floats64, y_P: Floats64, width: int, height: int) -> Floats64:
        """Directions (P, 3) through pixels, of unit length along the view: t is then the depth."""
        focal = self.focal_px(height)
        flat = np.stack(
            [
                (x_P - (width - 1) / 2) / focal,
                (y_P - (height - 1) / 2) / focal,
                np.ones_like(x_P),
            ],
            axis=1,
        )
        return flat @ self.axes_33
