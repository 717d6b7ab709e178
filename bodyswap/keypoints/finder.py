"""Finds people in a frame with nothing but a pose estimator: look everywhere, keep what holds up.

It does not know time. Windows of several sizes go through the estimator in one batch; where one
shows enough certain joints, the window is fitted to them and looked through again. Doubles are
dropped only then: a window that cuts somebody in half may be surer of its half at first.

Shape letters: M sightings, K joints, H rows, W columns, 3 = red, green, blue, 2 = x and y,
4 = x0, y0, x1, y1 (frame pixels).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB
from bodyswap.keypoints.boxes import SURE, distinct_people, pose_box
from bodyswap.keypoints.estimator import PoseEstimator, Poses
from bodyswap.skeleton import Floats, Skeleton

LEAST_SCORE = 0.45
"""A sighting's mean joint confidence below which it is nobody."""
_PROMISING_SCORE = 0.2
_MOST_PROMISING = 12
_WINDOW_HEIGHTS = (1.05, 0.72, 0.48)
_STEP_SHARE = 0.5
_LEAST_JOINTS = 8


@dataclass(frozen=True, kw_only=True)
class Sightings:
    """People seen in one frame, the most certain first."""

    box_M4: Floats
    score_M: Floats


def find_people(rgb_HW3: RGB, estimator: PoseEstimator) -> Sightings:
    """Everybody in the frame who is at least about a third of its height."""
    frame_1HW3 = rgb_HW3[None]
    box_M4 = search_windows(rgb_HW3.shape[0], rgb_HW3.shape[1], estimator.aspect)
    poses = _look(frame_1HW3, box_M4, estimator)
    score_M = pose_scores(poses, estimator.skeleton)
    promising_M = np.argsort(-score_M, kind="stable")[:_MOST_PROMISING]
    poses = _chosen(poses, promising_M[score_M[promising_M] >= _PROMISING_SCORE])
    poses = _look(frame_1HW3, _boxes(poses), estimator)
    poses = _chosen(poses, distinct_people(*_parts(poses), pose_scores(poses, estimator.skeleton)))
    poses = _look(frame_1HW3, _boxes(poses), estimator)
    score_M = pose_scores(poses, estimator.skeleton)
    poses, score_M = _chosen(poses, score_M >= LEAST_SCORE), score_M[score_M >= LEAST_SCORE]
    kept_M = distinct_people(*_parts(poses), score_M)
    return Sightings(box_M4=_boxes(_chosen(poses, kept_M)), score_M=score_M[kept_M])


def pose_scores(poses: Poses, skeleton: Skeleton) -> Floats:
    """Mean confidence of each pose's body; 0 where too few of it is certain to be a person.

    Faces, hands and feet do not count: where they are too small to see, the person is still there.
    """
    body_MK = poses.confidence_MK[:, list(skeleton.body)]
    enough_M = (body_MK >= SURE).sum(axis=1) >= _LEAST_JOINTS
    return np.asarray(body_MK.mean(axis=1) * enough_M, dtype=np.float32)


def search_windows(height: int, width: int, aspect: float) -> Floats:
    """Boxes of several sizes all over a frame, each sharing half its width with the next."""
    rows: list[list[float]] = []
    for share in _WINDOW_HEIGHTS:
        high = share * height
        wide = high * aspect
        for y in _centres(height, high):
            rows.extend(
                [x - wide / 2, y - high / 2, x + wide / 2, y + high / 2]
                for x in _centres(width, wide)
            )
    return np.array(rows, dtype=np.float32)


def _centres(length: int, window: float) -> npt.NDArray[np.float64]:
    """Where windows stand along a side: evenly, the outermost flush with the frame."""
    if window >= length:
        return np.array([length / 2])
    count = int(np.ceil((length - window) / (window * _STEP_SHARE))) + 1
    return np.linspace(window / 2, length - window / 2, count)


def _look(frame_1HW3: RGB, box_M4: Floats, estimator: PoseEstimator) -> Poses:
    return estimator.estimate(frame_1HW3, np.zeros(len(box_M4), np.int64), box_M4)


def _boxes(poses: Poses) -> Floats:
    boxes = [pose_box(*pose) for pose in zip(*_parts(poses), strict=True)]
    return np.array(boxes, dtype=np.float32).reshape(-1, 4)


def _parts(poses: Poses) -> tuple[Floats, Floats]:
    return poses.keypoints_MK2, poses.confidence_MK


def _chosen(poses: Poses, index: npt.NDArray[np.generic]) -> Poses:
    return Poses(keypoints_MK2=poses.keypoints_MK2[index], confidence_MK=poses.confidence_MK[index])
