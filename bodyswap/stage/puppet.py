"""A performance without pixels: where every joint is, in the world and in a camera's picture.

It does not know what the performer looks like; `render` films the same motion.
Shape letters: N frames, K joints of COCO-17, 3 = metres on the stage, 2 = pixels.
"""

from dataclasses import dataclass

import numpy as np

from bodyswap.skeleton import Floats
from bodyswap.stage.body import Performer
from bodyswap.stage.camera import Camera
from bodyswap.stage.mocap import Floats64, Motion
from bodyswap.stage.render import stand


@dataclass(frozen=True, kw_only=True)
class Puppet:
    """A performer's joints doing a motion."""

    joints_NK3: Floats64

    def seen_by(self, camera: Camera, width: int, height: int) -> Floats:
        """The joints in the camera's picture, (N, K, 2) pixels."""
        count, joints, _ = self.joints_NK3.shape
        pixels, _ = camera.project(self.joints_NK3.reshape(-1, 3), width, height)
        return pixels.reshape(count, joints, 2).astype(np.float32)


def puppet(performer: Performer, motion: Motion) -> Puppet:
    """The performer doing `motion`, at each of its instants."""
    bones = stand(performer, motion)
    joints = [
        bones.rotation_TJ33[:, joint] @ np.array(point) + bones.origin_TJ3[:, joint]
        for joint, point in performer.joint_points()
    ]
    return Puppet(joints_NK3=np.stack(joints, axis=1))
