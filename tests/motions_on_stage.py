"""Stage motions as pose sequences, without filming them."""

from fractions import Fraction
from math import pi

import numpy as np

from bodyswap.people import PoseSequence
from bodyswap.retarget import measure_stance
from bodyswap.skeleton import COCO_17
from bodyswap.stage.body import Performer
from bodyswap.stage.camera import Camera
from bodyswap.stage.mocap import load_motion, motion_names
from bodyswap.stage.puppet import puppet
from bodyswap.stance import StanceStatistics
from bodyswap.timing import FrameRange


def stage_poses(
    performer: Performer, motion: str, *, size: int, yaw: float = 0.3, rate: int = 30
) -> PoseSequence:
    """The performer's exact joints doing `motion`, at `rate` frames a second, all trusted."""
    turned = load_motion(motion).turned(yaw).at_rate(Fraction(rate))
    return trusted_poses(puppet(performer, turned).seen_by(Camera(), size, size))


def subject_stance(performer: Performer, *, size: int = 256) -> StanceStatistics:
    """What the performer's card would say: measured over all motions from four sides."""
    films = [
        stage_poses(performer, motion, size=size, yaw=yaw).keypoints_NK2
        for motion in motion_names()
        for yaw in (0.0, pi / 2, pi, 3 * pi / 2)
    ]
    return measure_stance(trusted_poses(np.concatenate(films)), width=size, height=size)


def trusted_poses(keypoints_NK2: np.ndarray) -> PoseSequence:
    """Keypoints as a pose sequence from frame 0 on, every joint certain."""
    return PoseSequence(
        skeleton=COCO_17,
        frames=FrameRange(start=0, stop=len(keypoints_NK2)),
        keypoints_NK2=keypoints_NK2.astype(np.float32),
        confidence_NK=np.ones(keypoints_NK2.shape[:2], np.float32),
    )
