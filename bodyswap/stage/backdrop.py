"""What stands behind a performer: a painted studio, or any picture; and shadows on its floor.

It does not know performers, only the balls their shadows are made of.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from bodyswap.frames import RGB
from bodyswap.stage.camera import Camera
from bodyswap.stage.mocap import Floats64
from bodyswap.stage.raycast import Floats32

_SHADOW_PX_PER_M = 56
_SHADOW_HALF_M = 4.5


@dataclass(frozen=True, kw_only=True)
class Studio:
    """A floor at y = 0 and a wall at x = `wall_x`, which meet in a curve of paint.

    `picture` stands in for the painting where given; shadows still fall on the floor it shows.
    """

    wall: tuple[float, float, float] = (0.62, 0.66, 0.7)
    floor: tuple[float, float, float] = (0.5, 0.46, 0.42)
    board_m: float = 0.42
    wall_x: float = -2.6
    picture: RGB | None = None

    def paint(self, camera: Camera, width: int, height: int) -> Floats32:
        """The empty set, (H, W, 3) in [0, 1]."""
        if self.picture is not None:
            resized = cv2.resize(self.picture, (width, height), interpolation=cv2.INTER_AREA)
            return np.asarray(resized / 255, np.float32)
        rays, floor_t = _floor_depth(camera, width, height)
        place = np.array(camera.position) + rays * np.minimum(floor_t, 50)[:, None]
        is_wall = (floor_t > 50) | (place[:, 0] < self.wall_x)
        boards = np.abs(place[:, 2] / self.board_m % 1 - 0.5) > 0.485
        tone = 0.92 + 0.06 * np.sin(np.floor(place[:, 2] / self.board_m) * 2.4)
        lit = 1.06 - 0.055 * np.hypot(place[:, 0], place[:, 2])
        floor = np.array(self.floor) * (tone * np.where(boards, 0.82, 1) * lit)[:, None]
        sky = np.linspace(1.06, 0.86, height).repeat(width)
        across = 1 - 0.12 * np.abs(np.linspace(-1, 1, width))[None].repeat(height, 0).ravel()
        wall = np.array(self.wall) * (sky * across)[:, None]
        depth_to_wall = np.clip((place[:, 0] - self.wall_x) / 0.5, 0, 1)[:, None]
        painted = np.where(is_wall[:, None], wall, wall + (floor - wall) * depth_to_wall)
        return np.clip(painted, 0, 1).reshape(height, width, 3).astype(np.float32)


class FloorShadow:
    """Darkens the floor where the light does not reach it; one per camera and picture size."""

    def __init__(self, camera: Camera, width: int, height: int, *, depth: float = 0.55) -> None:
        rays, floor_t = _floor_depth(camera, width, height)
        place = np.array(camera.position) + rays * np.minimum(floor_t, 50)[:, None]
        far = (floor_t > 50).reshape(height, width)
        to_map = (place + _SHADOW_HALF_M) * _SHADOW_PX_PER_M
        self._map_x = np.where(far, -9, to_map[:, 0].reshape(height, width)).astype(np.float32)
        self._map_y = to_map[:, 2].reshape(height, width).astype(np.float32)
        self._depth = depth

    def shade(self, cones: list[tuple[Floats64, Floats64]], light_3: Floats64) -> Floats32:
        """Brightness left on each pixel, (H, W): `cones` are pairs of balls (x, y, z, radius)."""
        size = int(2 * _SHADOW_HALF_M * _SHADOW_PX_PER_M)
        shadow = np.zeros((size, size), np.float32)
        for pair in cones:
            outline = np.concatenate([_ball_outline(ball, light_3) for ball in pair])
            pixels = ((outline + _SHADOW_HALF_M) * _SHADOW_PX_PER_M * 16).astype(np.int32)
            hull = cv2.convexHull(pixels)
            cv2.fillConvexPoly(shadow, hull, 1.0, lineType=cv2.LINE_AA, shift=4)
        soft = cv2.GaussianBlur(shadow, (0, 0), 2.2)
        cast_HW = cv2.remap(soft, self._map_x, self._map_y, cv2.INTER_LINEAR, borderValue=0)
        return np.asarray(1 - self._depth * cast_HW, np.float32)


def _ball_outline(ball_4: Floats64, light_3: Floats64) -> Floats64:
    """The outline, (16, 2) in floor x and z, of a ball's shadow from a light far away."""
    drop = ball_4[1] / light_3[1]
    centre = ball_4[[0, 2]] - light_3[[0, 2]] * drop
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    way = light_3[[0, 2]] / max(float(np.hypot(*light_3[[0, 2]])), 1e-6)
    circle = np.stack([np.cos(angle) / light_3[1], np.sin(angle)], axis=1) * ball_4[3]
    turn = np.array([[way[0], way[1]], [-way[1], way[0]]])
    return np.asarray(centre + circle @ turn, np.float64)


def _floor_depth(camera: Camera, width: int, height: int) -> tuple[Floats64, Floats64]:
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    rays = camera.rays(x.ravel(), y.ravel(), width, height)
    down = np.where(rays[:, 1] < -1e-6, rays[:, 1], -1e-9)
    return rays, -camera.position[1] / down
