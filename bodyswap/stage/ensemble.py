"""Several performers in one shot, each with exact truth: who is nearer hides who is farther.

It does not know files. Alone, a performer is filmed by `render.film`.
Shape letters: N frames, H rows, W columns, K joints of COCO-17.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bodyswap.frames import RGB, Matte
from bodyswap.skeleton import Floats
from bodyswap.stage.backdrop import FloorShadow
from bodyswap.stage.body import Performer
from bodyswap.stage.kinematics import Bones
from bodyswap.stage.mocap import Motion
from bodyswap.stage.raycast import Floats32
from bodyswap.stage.render import Exposure, Shot, Take, expose, stand


@dataclass(frozen=True, kw_only=True)
class Role:
    """A performer, what they do, and how far from there they do it: metres along x and z.

    A motion that ends before the others do stays in its last pose.
    """

    performer: Performer
    motion: Motion
    offset_m: tuple[float, float] = (0.0, 0.0)

    def bones(self) -> Bones:
        """Standing on the floor, in place."""
        bones = stand(self.performer, self.motion)
        x, z = self.offset_m
        return Bones(
            rotation_TJ33=bones.rotation_TJ33, origin_TJ3=bones.origin_TJ3 + np.array([x, 0.0, z])
        )


@dataclass(frozen=True, kw_only=True)
class PersonTruth:
    """One performer in a frame; `matte_HW` and `visible_K` leave out what others hide."""

    matte_HW: Matte
    keypoints_K2: Floats
    visible_K: Floats


@dataclass(frozen=True, kw_only=True)
class EnsembleFrame:
    """One frame of everybody, and the truth of each in the order of the cast."""

    rgb_HW3: RGB
    depth_HW: Floats32
    people: tuple[PersonTruth, ...]


def film_together(cast: Sequence[Role], shot: Shot) -> Iterator[EnsembleFrame]:
    """Film everybody for as long as the longest motion goes on. Raises ValueError for no cast."""
    if not cast:
        raise ValueError("nobody was cast; give at least one role")
    parts = [role.performer.parts() for role in cast]
    bones = [role.bones() for role in cast]
    empty = shot.studio.paint(shot.camera, shot.width, shot.height)
    shadow = FloorShadow(shot.camera, shot.width, shot.height)
    for instant in range(max(len(one) for one in bones)):
        takes = [
            Take(role.performer, of_role, body, min(instant, len(body) - 1), shot)
            for role, of_role, body in zip(cast, parts, bones, strict=True)
        ]
        yield _frame(takes, expose(takes, empty, shadow))


def _frame(takes: Sequence[Take], picture: Exposure) -> EnsembleFrame:
    joints = [take.joints(picture.fine_depth) for take in takes]
    return EnsembleFrame(
        rgb_HW3=picture.rgb_HW3,
        depth_HW=picture.depth_HW,
        people=tuple(
            PersonTruth(matte_HW=matte_HW, keypoints_K2=keypoints_K2, visible_K=visible_K)
            for matte_HW, (keypoints_K2, visible_K) in zip(picture.mattes, joints, strict=True)
        ),
    )
