"""A performance on film: colour, exact joints, matte and depth of a performer doing a motion.

It does not know files. The same motion, camera and backdrop with another performer is the exact
truth of a motion transfer from the first to the second.
Shape letters: N frames, H rows, W columns, K joints of COCO-17, P points, S samples (pixels of a
picture twice as fine, which makes the matte soft).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from bodyswap.frames import RGB, Matte
from bodyswap.skeleton import Floats
from bodyswap.stage.backdrop import FloorShadow, Studio
from bodyswap.stage.body import Part, Performer, contact_points
from bodyswap.stage.camera import Camera
from bodyswap.stage.cloth import dye
from bodyswap.stage.kinematics import Bones, Proportions, lifted, pose_bones
from bodyswap.stage.mocap import Floats64, Motion
from bodyswap.stage.raycast import NOTHING, Floats32, cast

_FINER = 2
_STANDING_CLEARANCE_M = -0.02
"""Where the captured body's soles are when it stands: a little below its floor."""
_HIDDEN_M = 0.03
"""A joint further than this under its own part's surface is behind something else."""


@dataclass(frozen=True, kw_only=True)
class Light:
    """A far lamp in direction `towards`, and the light of the room."""

    towards: tuple[float, float, float] = (0.45, 0.85, 0.35)
    lamp: float = 0.75
    room: float = 0.42

    @property
    def unit_3(self) -> Floats64:
        towards = np.array(self.towards)
        return np.asarray(towards / np.linalg.norm(towards), np.float64)


@dataclass(frozen=True, kw_only=True)
class Shot:
    """How a performance is filmed."""

    camera: Camera = field(default_factory=Camera)
    width: int = 512
    height: int = 512
    studio: Studio = field(default_factory=Studio)
    light: Light = field(default_factory=Light)


@dataclass(frozen=True, kw_only=True)
class StageFrame:
    """One frame and its truth. `depth_HW` is in metres, infinite where nobody stands."""

    rgb_HW3: RGB
    matte_HW: Matte
    depth_HW: Floats32
    keypoints_K2: Floats
    visible_K: Floats


@dataclass(frozen=True, kw_only=True)
class Performance:
    """Every frame of a performance. `visible_NK` is 1 for joints in frame and not hidden."""

    rgb_NHW3: RGB
    keypoints_NK2: Floats
    visible_NK: Floats
    matte_NHW: Matte
    depth_NHW: Floats32


def render_performance(performer: Performer, motion: Motion, shot: Shot) -> Performance:
    """Film the whole of `motion`, one frame for each of its instants."""
    frames = list(film(performer, motion, shot))
    return Performance(
        rgb_NHW3=np.stack([frame.rgb_HW3 for frame in frames]),
        keypoints_NK2=np.stack([frame.keypoints_K2 for frame in frames]),
        visible_NK=np.stack([frame.visible_K for frame in frames]),
        matte_NHW=np.stack([frame.matte_HW for frame in frames]),
        depth_NHW=np.stack([frame.depth_HW for frame in frames]),
    )


def film(performer: Performer, motion: Motion, shot: Shot) -> Iterator[StageFrame]:
    """Film `motion` frame by frame."""
    parts = performer.parts()
    bones = stand(performer, motion)
    empty = shot.studio.paint(shot.camera, shot.width, shot.height)
    shadow = FloorShadow(shot.camera, shot.width, shot.height)
    for instant in range(len(bones)):
        take = Take(performer, parts, bones, instant, shot)
        picture = expose([take], empty, shadow)
        keypoints_K2, visible_K = take.joints(picture.fine_depth)
        yield StageFrame(
            rgb_HW3=picture.rgb_HW3,
            matte_HW=picture.mattes[0],
            depth_HW=picture.depth_HW,
            keypoints_K2=keypoints_K2,
            visible_K=visible_K,
        )


def empty_set(shot: Shot) -> RGB:
    """The clean plate: the same camera with nobody before it."""
    return _to_8_bit(shot.studio.paint(shot.camera, shot.width, shot.height))


def stand(performer: Performer, motion: Motion) -> Bones:
    """The performer's bones, as far off the floor as the captured body was."""
    captured = pose_bones(motion, Proportions())
    bones = pose_bones(motion, performer.proportions)
    reference = Performer(name="captured", outfit=performer.outfit)
    clearance = captured.lowest_y(*contact_points(reference.parts()))
    height = bones.lowest_y(*contact_points(performer.parts()))
    wanted = np.maximum(clearance - _STANDING_CLEARANCE_M, 0) * performer.proportions.legs
    return lifted(bones, wanted - height)


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """One picture of everybody before the camera: who is nearer hides who is farther.

    `mattes` has what each person shows; `fine_depth` is `depth_HW` at twice the resolution.
    """

    rgb_HW3: RGB
    mattes: tuple[Matte, ...]
    depth_HW: Floats32
    fine_depth: Floats32


def expose(takes: Sequence["Take"], empty_HW3: Floats32, shadow: FloorShadow) -> Exposure:
    """Everybody at one instant, over the empty set and in each other's way."""
    shot = takes[0].shot
    depth, colour = takes[0].depth, takes[0].colour
    owner = np.zeros(depth.shape, np.int8)
    for index, take in enumerate(takes[1:], start=1):
        nearer = take.depth < depth
        depth, owner = np.where(nearer, take.depth, depth), np.where(nearer, index, owner)
        colour = np.where(nearer[:, :, None], take.colour, colour)
    cover = np.isfinite(depth).astype(np.float32)
    matte = _coarser(cover, shot)
    people = _coarser(colour * cover[:, :, None], shot)
    balls = [pair for take in takes for pair in take.balls()]
    behind = empty_HW3 * shadow.shade(balls, shot.light.unit_3)[:, :, None]
    return Exposure(
        rgb_HW3=_to_8_bit(people + behind * (1 - matte[:, :, None])),
        mattes=tuple(_coarser(cover * (owner == index), shot) for index in range(len(takes))),
        depth_HW=depth[::_FINER, ::_FINER].copy(),
        fine_depth=depth,
    )


class Take:
    """One performer at one instant, as the camera sees them alone: `depth` and `colour`."""

    def __init__(
        self, performer: Performer, parts: tuple[Part, ...], bones: Bones, instant: int, shot: Shot
    ) -> None:
        self._performer, self._parts, self.shot = performer, parts, shot
        self._rotation = bones.rotation_TJ33[instant]
        self._origin = bones.origin_TJ3[instant]
        wide, high = shot.width * _FINER, shot.height * _FINER
        self.depth = np.full((high, wide), NOTHING, np.float32)
        self.colour = np.zeros((high, wide, 3), np.float32)
        for part in self._parts:
            self._draw(part)

    def balls(self) -> list[tuple[Floats64, Floats64]]:
        """Every part's end balls, each (x, y, z, radius), for shadows."""
        return [self._balls(part) for part in self._parts]

    def _draw(self, part: Part) -> None:
        rows, columns = self._window(part)
        y, x = np.mgrid[rows, columns].astype(np.float64)
        if not y.size:
            return
        wide, high = self.shot.width * _FINER, self.shot.height * _FINER
        rays = self.shot.camera.rays(x.ravel(), y.ravel(), wide, high)
        turn = self._rotation[part.joint]
        start = (np.array(self.shot.camera.position) - self._origin[part.joint]) @ turn
        hits = cast(part, start, (rays @ turn).astype(np.float32))
        depth = self.depth[rows, columns]
        nearer = (hits.depth_R.reshape(depth.shape) < depth).ravel()
        if not nearer.any():
            return
        window = nearer.reshape(depth.shape)
        depth[window] = hits.depth_R[nearer]
        lit = self._lit(part, hits.normal_R3[nearer], hits.local_R3[nearer], rays[nearer], turn)
        self.colour[rows, columns][window] = lit

    def _lit(
        self, part: Part, normal_P3: Floats32, local_P3: Floats32, rays_P3: Floats64, turn: Floats64
    ) -> Floats32:
        light = self.shot.light
        normal = normal_P3 @ turn.T.astype(np.float32)
        view = -rays_P3 / np.linalg.norm(rays_P3, axis=1, keepdims=True)
        facing = normal @ light.unit_3.astype(np.float32)
        wrapped = np.maximum((facing + 0.25) / 1.25, 0)
        sky = 0.72 + 0.28 * normal[:, 1]
        half = light.unit_3 + view
        half /= np.linalg.norm(half, axis=1, keepdims=True)
        shine = part.cloth.gloss * np.maximum(np.einsum("ij,ij->i", normal, half), 0) ** 24
        edge = 0.8 + 0.2 * np.clip(np.einsum("ij,ij->i", normal, view), 0, 1)
        bright = (light.lamp * wrapped + light.room * sky) * edge
        lit = dye(part.cloth, local_P3) * bright[:, None] + shine[:, None]
        return np.asarray(lit, np.float32)

    def _window(self, part: Part) -> tuple[slice, slice]:
        """Rows and columns of the fine picture that can show the part."""
        wide, high = self.shot.width * _FINER, self.shot.height * _FINER
        balls = np.array(self._balls(part))
        centre, depth = self.shot.camera.project(balls[:, :3], wide, high)
        nearest = np.maximum(depth - balls[:, 3], 0.05)
        reach = (balls[:, 3] / nearest * self.shot.camera.focal_px(high) * 1.12 + 2)[:, None]
        low = np.floor((centre - reach).min(axis=0)).astype(int)
        top = np.ceil((centre + reach).max(axis=0)).astype(int) + 1
        x0, y0 = np.clip(low, 0, [wide, high])
        x1, y1 = np.clip(top, 0, [wide, high])
        return slice(y0, y1), slice(x0, x1)

    def _balls(self, part: Part) -> tuple[Floats64, Floats64]:
        """The part's end balls in the world, each (x, y, z, radius)."""
        turn, origin = self._rotation[part.joint], self._origin[part.joint]
        widest = max(part.squash)
        ends = ((part.a, part.radius_a), (part.b, part.radius_b))
        first, last = (
            np.append(turn @ np.array(point) + origin, radius * widest) for point, radius in ends
        )
        return first, last

    def joints(self, fine_depth: Floats32) -> tuple[Floats, Floats]:
        """Joints in pixels (K, 2), and which (K) are in frame and not behind what is nearer."""
        points = np.stack(
            [
                self._rotation[joint] @ np.array(point) + self._origin[joint]
                for joint, point in self._performer.joint_points()
            ]
        )
        shot = self.shot
        pixels, depth = shot.camera.project(points, shot.width, shot.height)
        inside = np.all((pixels >= 0) & (pixels <= [shot.width - 1, shot.height - 1]), axis=1)
        fine = np.clip(np.round(pixels * _FINER), 0, [shot.width * _FINER - 1] * 2).astype(int)
        surface = fine_depth[np.minimum(fine[:, 1], shot.height * _FINER - 1), fine[:, 0]]
        under = self._under_m()
        visible = inside & (surface > depth - under - _HIDDEN_M)
        return pixels.astype(np.float32), visible.astype(np.float32)

    def _under_m(self) -> Floats64:
        """How deep each joint lies under its own part's surface: face points not at all."""
        bulk = self._performer.proportions.bulk
        face = [0.0] * 5
        body = [0.07, 0.07, 0.05, 0.05, 0.04, 0.04, 0.13, 0.13, 0.07, 0.07, 0.055, 0.055]
        return np.array(face + [depth * bulk for depth in body])


def _coarser(fine: Floats32, shot: Shot) -> Floats32:
    resized = cv2.resize(fine, (shot.width, shot.height), interpolation=cv2.INTER_AREA)
    return resized.astype(np.float32)


def _to_8_bit(picture_HW3: Floats32) -> RGB:
    return np.asarray(np.clip(picture_HW3 * 255 + 0.5, 0, 255), np.uint8)
