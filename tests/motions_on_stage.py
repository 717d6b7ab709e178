"""Stage motions as pose sequences, without filming them."""

from fractions import Fraction

import numpy as np

from bodyswap.people import PoseSequence
from bodyswap.skeleton import COCO_17
from bodyswap.stage.body import Performer
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, stand
from bodyswap.timing import FrameRange


def stage_poses(
    performer: Performer, motion: str, *, size: int, yaw: float = 0.3, rate: int = 30
) -> PoseSequence:
    """The performer's exact joints doing `motion`, at `rate` frames a second, all trusted."""
    turned = load_motion(motion).turned(yaw).at_rate(Fraction(rate))
    bones, camera = stand(performer, turned), Shot().camera
    joints = performer.joint_points()
    keypoints = np.stack(
        [
            camera.project(
                np.stack(
                    [
                        bones.rotation_TJ33[instant, joint] @ np.array(point)
                        + bones.origin_TJ3[instant, joint]
                        for joint, point in joints
                    ]
                ),
                size,
                size,
            )[0]
            for instant in range(len(bones))
        ]
    ).astype(np.float32)
    return PoseSequence(
        skeleton=COCO_17,
        frames=FrameRange(start=0, stop=len(bones)),
        keypoints_NK2=keypoints,
        confidence_NK=np.ones(keypoints.shape[:2], np.float32),
    )
