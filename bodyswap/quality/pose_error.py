"""How far the pose that a render shows is from the pose that its reference shows.

Both are estimates, by the same network, of what can be seen. It does not know how they were made.
Shape letters: N frames, K joints, 2 = x and y in pixels.
"""

from dataclasses import dataclass

import numpy as np

from bodyswap.errors import UsageError
from bodyswap.keypoints.body_size import torso_px
from bodyswap.people import Mask, PoseSequence
from bodyswap.skeleton import Floats

_TORSOS = 3.0
"""A person is about three times as tall as their shoulder is from the opposite hip."""


@dataclass(frozen=True, kw_only=True)
class PoseError:
    """One frame's. Of the joints seen in the reference, how far off and how many are lost.

    `pose_error_percent` is the mean distance of the joints seen in both, in percent of the
    person's height; None where there is none. `joints_lost_percent` are not seen in the render.
    """

    pose_error_percent: float | None
    joints_lost_percent: float


def pose_errors(found: PoseSequence | None, truth: PoseSequence) -> list[PoseError | None]:
    """Each frame's error; None in frames where the truth shows nobody.

    `found`, in the same pixels, is None where nobody was found in all the render.

    Raises:
        UsageError: the sequences differ in length or skeleton.
    """
    if found is None:
        lost = PoseError(pose_error_percent=None, joints_lost_percent=100.0)
        return [lost if presence else None for presence in truth.presence_N.tolist()]
    if len(found) != len(truth) or found.skeleton != truth.skeleton:
        raise UsageError(
            f"cannot compare {len(found)} poses of {found.skeleton.name} with {len(truth)} of"
            f" {truth.skeleton.name}; pose both with the same model"
        )
    percent = 100 / person_height_px(truth)
    away_NK = np.linalg.norm(found.keypoints_NK2 - truth.keypoints_NK2, axis=2) * percent
    wanted_NK, got_NK = truth.confidence_NK > 0, found.confidence_NK > 0
    return [
        _error(away_NK[frame], wanted_NK[frame], got_NK[frame]) if wanted_NK[frame].any() else None
        for frame in range(len(truth))
    ]


def person_height_px(poses: PoseSequence) -> float:
    """How tall the person would stand in the picture, over the whole shot."""
    return _TORSOS * torso_px(poses)


def _error(away_K: Floats, wanted_K: Mask, got_K: Mask) -> PoseError:
    both_K = wanted_K & got_K
    return PoseError(
        pose_error_percent=float(away_K[both_K].mean()) if both_K.any() else None,
        joints_lost_percent=float(100 * (1 - both_K.sum() / wanted_K.sum())),
    )
