"""A motion transfer whose truth is known: a driver on the stage, and the subject doing the same.

It does not know how the subject is rendered or scored.
Shape letters: N frames, H rows, W columns, K joints of COCO-17, 3 = red, green, blue, 8-bit.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from bodyswap.errors import UsageError
from bodyswap.people import Mask, PoseSequence
from bodyswap.quality.retarget_error import planted_feet
from bodyswap.skeleton import COCO_17
from bodyswap.stage.body import Performer
from bodyswap.stage.cast import PERFORMERS
from bodyswap.stage.mocap import Motion, load_motion
from bodyswap.stage.puppet import puppet
from bodyswap.stage.render import Performance, Shot, render_performance
from bodyswap.timing import FrameRange, Timeline

Size = tuple[int, int]
"""Width and height in pixels."""
RATE = Fraction(30)
YAW_RAD = 0.3
"""The way motions head: between the directions that stage subjects are trained on."""
HIDDEN_CONFIDENCE = 0.6
"""What a joint behind the body counts: an estimator is less certain of those."""


@dataclass(frozen=True, kw_only=True)
class StageTransfer:
    """A driver filmed doing a motion, and the subject filmed doing it, frame for frame.

    `planted_N2` says when the subject's left and right foot stand still on the floor.
    """

    name: str
    driver: Performance
    truth: Performance
    planted_N2: Mask

    def __len__(self) -> int:
        return len(self.truth.rgb_NHW3)

    @property
    def frames(self) -> FrameRange:
        return FrameRange(start=0, stop=len(self))

    @property
    def timeline(self) -> Timeline:
        return Timeline(pts=tuple(range(len(self))), time_base=1 / RATE, rate=RATE)

    @property
    def driving_poses(self) -> PoseSequence:
        """The driver's exact joints in the plate's pixels."""
        return exact_poses(self.driver)

    @property
    def true_poses(self) -> PoseSequence:
        """The subject's exact joints in the truth's pixels."""
        return exact_poses(self.truth)


def film_transfer(
    driver: Performer, subject: Performer, motion: Motion, *, plate_px: int, subject_size: Size
) -> StageTransfer:
    """Film both with the stage's own camera, the driver in a square picture."""
    width, height = subject_size
    return StageTransfer(
        name=motion.name,
        driver=render_performance(driver, motion, Shot(width=plate_px, height=plate_px)),
        truth=render_performance(subject, motion, Shot(width=width, height=height)),
        planted_N2=planted_feet(puppet(subject, motion).joints_NK3, COCO_17, float(RATE)),
    )


def stage_motion(name: str, count: int) -> Motion:
    """The middle `count` frames of a motion, or all of it where it is shorter."""
    motion = load_motion(name).turned(YAW_RAD).at_rate(RATE)
    first = max(0, (len(motion) - count) // 2)
    part = motion.at(motion.time_T[first : first + count])
    return replace(part, time_T=part.time_T - part.time_T[0])


def stage_performer(name: str) -> Performer:
    """The stage's performer called `name`. Raises UsageError where there is none."""
    if name not in PERFORMERS:
        raise UsageError(
            f"'{name}' is not on the stage, so their truth is not known; known:"
            f" {', '.join(PERFORMERS)}"
        )
    return PERFORMERS[name]


def exact_poses(filmed: Performance) -> PoseSequence:
    """The joints as they are, hidden ones less trusted, those outside the picture not at all."""
    rows, columns = filmed.rgb_NHW3.shape[1:3]
    joints_NK2 = filmed.keypoints_NK2
    in_frame_NK = ((joints_NK2 >= 0) & (joints_NK2 <= (columns - 1, rows - 1))).all(axis=2)
    trust_NK = np.maximum(filmed.visible_NK, np.float32(HIDDEN_CONFIDENCE)) * in_frame_NK
    return PoseSequence(
        skeleton=COCO_17,
        frames=FrameRange(start=0, stop=len(joints_NK2)),
        keypoints_NK2=joints_NK2.astype(np.float32),
        confidence_NK=trust_NK.astype(np.float32),
    )
