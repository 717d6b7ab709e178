"""Forward kinematics: a motion on a body of given proportions, its feet where they belong.

It does not know what the body looks like.
Shape letters: T instants, J joints of `mocap.JOINTS`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from bodyswap.stage.mocap import JOINTS, Floats64, Motion

_PARENTS = (-1, 0, 1, 0, 3, 4, 1, 6, 0, 8, 9, 1, 11)


@dataclass(frozen=True, kw_only=True)
class Proportions:
    """Each a factor on the captured body, which stands about 1.7 m tall."""

    legs: float = 1.0
    arms: float = 1.0
    torso: float = 1.0
    shoulders: float = 1.0
    hips: float = 1.0
    head: float = 1.0
    bulk: float = 1.0

    def joint_offsets(self) -> Floats64:
        """Each joint's place in its parent's frame, (J, 3) metres: pybullet's humanoid's."""
        torso, legs, arms = self.torso, self.legs, self.arms
        hip, shoulder = 0.0849 * self.hips, 0.1831 * self.shoulders
        side = {
            sign: [
                (0.0, 0.0, sign * hip),
                (0.0, -0.4215 * legs, 0.0),
                (0.0, -0.4099 * legs, 0.0),
                (-0.0240, 0.2435 * torso, sign * shoulder),
                (0.0, -0.2748 * arms, 0.0),
            ]
            for sign in (1, -1)
        }
        spine = [(0.0, 0.0, 0.0), (0.0, 0.2362 * torso, 0.0), (0.0, 0.2239 * torso, 0.0)]
        return np.array([*spine, *side[1], *side[-1]])


@dataclass(frozen=True, kw_only=True)
class Bones:
    """Where every joint's frame is, over time: rotation to the world, and origin."""

    rotation_TJ33: Floats64
    origin_TJ3: Floats64

    def __len__(self) -> int:
        return len(self.origin_TJ3)

    def lowest_y(self, soles_S3: Floats64, joints: tuple[int, ...], radius: Floats64) -> Floats64:
        """Height (T) of the lowest of points in the frames of `joints`, each `radius` thick."""
        heights = [
            self.origin_TJ3[:, joint, 1] + self.rotation_TJ33[:, joint, 1] @ point - thick
            for point, joint, thick in zip(soles_S3, joints, radius, strict=True)
        ]
        return np.asarray(np.min(heights, axis=0), np.float64)


def pose_bones(motion: Motion, proportions: Proportions) -> Bones:
    """The bones of a body doing `motion`; strides and heights go with the length of its legs."""
    offsets = proportions.joint_offsets()
    count = len(motion)
    rotation = np.empty((count, len(JOINTS), 3, 3))
    origin = np.empty((count, len(JOINTS), 3))
    for joint, parent in enumerate(_PARENTS):
        local = Rotation.from_quat(motion.rotation_TJ4[:, joint]).as_matrix()
        if parent < 0:
            rotation[:, joint], origin[:, joint] = local, motion.root_T3 * proportions.legs
        else:
            rotation[:, joint] = rotation[:, parent] @ local
            origin[:, joint] = origin[:, parent] + rotation[:, parent] @ offsets[joint]
    return Bones(rotation_TJ33=rotation, origin_TJ3=origin)


def lifted(bones: Bones, rise_T: Floats64) -> Bones:
    """The same bones, each instant moved up by `rise_T` metres."""
    return Bones(
        rotation_TJ33=bones.rotation_TJ33,
        origin_TJ3=bones.origin_TJ3 + rise_T[:, None, None] * np.array([0.0, 1.0, 0.0]),
    )
