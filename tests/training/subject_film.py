"""A tiny film of a coloured stick person, for the tests of training."""

import cv2
import numpy as np

from bodyswap.people import PoseSequence
from bodyswap.skeleton import COCO_17, Skeleton
from bodyswap.stance import StanceStatistics
from bodyswap.timing import FrameRange
from bodyswap.training.config import NetworkSettings, TrainingConfig
from bodyswap.training.footage import SubjectFootage
from tests.whole_people import as_skeleton

SIDE = 64

STANCE = StanceStatistics(
    width=SIDE, height=SIDE, far_ground_y=50, near_ground_y=55, far_height=40, near_height=42
)

TINY = TrainingConfig(
    steps=4,
    batch=2,
    twins=1,
    sequence=4,
    half_size_until=0.0,
    adversarial_from=0.5,
    sample_every=1000,
    precision="fp32",
    networks=NetworkSettings(
        first_channels=4,
        most_channels=16,
        downsamplings=2,
        residual_blocks=1,
        discriminator_channels=4,
    ),
)


def standing_poses(count: int, side: int = SIDE) -> PoseSequence:
    """A person who raises the left arm, centred."""
    x = [32, 33, 31, 34, 30, 38, 26, 42, 22, 44, 20, 36, 28, 37, 27, 38, 26]
    y = [14, 13, 13, 14, 14, 20, 20, 27, 27, 34, 34, 36, 36, 45, 45, 54, 54]
    keypoints = np.stack([x, y], axis=1).astype(np.float32)[None].repeat(count, 0)
    lift = np.linspace(0, 24, count, dtype=np.float32)
    keypoints[:, COCO_17.joint("left_wrist"), 1] -= lift
    return PoseSequence(
        skeleton=COCO_17,
        frames=FrameRange(start=0, stop=count),
        keypoints_NK2=keypoints * np.float32(side / SIDE),
        confidence_NK=np.ones((count, len(COCO_17.joints)), np.float32),
    )


def film(
    count: int = 4, clip_starts: tuple[int, ...] = (0,), skeleton: Skeleton = COCO_17
) -> SubjectFootage:
    """The person in orange before a grey ramp."""
    poses = standing_poses(count)
    ramp = np.linspace(90, 160, SIDE).astype(np.uint8)
    background = np.broadcast_to(ramp[None, :, None], (SIDE, SIDE, 3)).copy()
    mattes = np.stack([_drawn(joints) for joints in poses.keypoints_NK2])
    share = mattes[..., None].astype(np.float32) / 255
    orange = np.array([230, 120, 20], np.float32)
    return SubjectFootage(
        rgb_NHW3=(orange * share + background * (1 - share)).astype(np.uint8),
        poses=poses if skeleton is COCO_17 else as_skeleton(poses, skeleton),
        matte_NHW=mattes,
        background_HW3=background,
        clip_starts=clip_starts,
    )


def _drawn(joints: np.ndarray) -> np.ndarray:
    matte = np.zeros((SIDE, SIDE), np.uint8)
    for a, b in COCO_17.limb_indices:
        start, end = (tuple(round(float(v)) for v in joints[i]) for i in (a, b))
        cv2.line(matte, start, end, 255, 4, cv2.LINE_AA)
    return matte
