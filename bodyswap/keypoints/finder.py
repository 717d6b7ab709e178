"""Finds people in a frame with nothing but a pose estimator: look everywhere, keep what holds up.

It does not know time. Windows of several sizes go through the estimator in one batch; where one
shows enough certain joints, the window is fitted to them and looked through again. Doubles are
dropped only then: a window that cuts somebody in half may be surer of its half at first. Where that
finds nobody, turned windows are tried for somebody who lies or is upside down, and smaller ones.

Shape letters: M sightings, K joints, H rows, W columns, 3 = red, green, blue, 2 = x and y,
4 = x0, y0, x1, y1 (frame pixels).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB
from bodyswap.keypoints.boxes import distinct_people
from bodyswap.keypoints.estimator import PoseEstimator, Poses
from bodyswap.keypoints.looks import QUARTER_TURNS, Aims, aims_at, chosen, look, pose_scores
from bodyswap.skeleton import Floats, Skeleton

LEAST_SCORE = 0.45
"""A sighting's mean joint confidence below which it is nobody."""
_PROMISING_SCORE = 0.2
_MOST_PROMISING = 12
WINDOW_HEIGHTS = (1.05, 0.72, 0.48)
_TURNED_HEIGHTS = (1.05, 0.72)
_SMALL_HEIGHTS = (0.32,)
_STEP_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class Sightings:
    """People seen in one frame, the most certain first."""

    aims: Aims
    score_M: Floats


def find_people(rgb_HW3: RGB, estimator: PoseEstimator, *, thoroughly: bool = True) -> Sightings:
    """Everybody in the frame who is at least about a third of its height.

    Where there is nobody, also who lies, is upside down, or is a fifth of its height: but only
    where it is searched thoroughly, at three times the cost.
    """
    height, width = rgb_HW3.shape[:2]
    upright_M4 = search_windows(height, width, estimator.aspect)
    found = _refined(rgb_HW3, _standing(upright_M4), estimator)
    if len(found.score_M) or not thoroughly:
        return found
    turned_M4 = search_windows(height, width, estimator.aspect, _TURNED_HEIGHTS)
    small_M4 = search_windows(height, width, estimator.aspect, _SMALL_HEIGHTS)
    windows = [
        Aims(box_M4=turned_M4, turn_M=np.full(len(turned_M4), turn, np.float32))
        for turn in QUARTER_TURNS
    ]
    return _refined(rgb_HW3, Aims.joined([*windows, _standing(small_M4)]), estimator)


def search_windows(
    height: int, width: int, aspect: float, shares: tuple[float, ...] = WINDOW_HEIGHTS
) -> Floats:
    """Boxes as high as those shares of a frame, all over it, half a width from each to the next."""
    rows: list[list[float]] = []
    for share in shares:
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


def _standing(box_M4: Floats) -> Aims:
    return Aims(box_M4=box_M4, turn_M=np.zeros(len(box_M4), np.float32))


def _refined(rgb_HW3: RGB, windows: Aims, estimator: PoseEstimator) -> Sightings:
    """Who is seen through the windows, and still when looked at closely."""
    poses = _look(rgb_HW3, windows, estimator)
    score_M = pose_scores(poses, estimator.skeleton)
    promising_M = np.argsort(-score_M, kind="stable")[:_MOST_PROMISING]
    poses = chosen(poses, promising_M[score_M[promising_M] >= _PROMISING_SCORE])
    poses = _look(rgb_HW3, aims_at(poses), estimator)
    poses = chosen(poses, _distinct(poses, estimator.skeleton))
    poses = _look(rgb_HW3, aims_at(poses), estimator)
    poses = chosen(poses, pose_scores(poses, estimator.skeleton) >= LEAST_SCORE)
    poses = chosen(poses, _distinct(poses, estimator.skeleton))
    score_M = pose_scores(poses, estimator.skeleton)
    return Sightings(aims=aims_at(poses), score_M=score_M)


def _look(rgb_HW3: RGB, aims: Aims, estimator: PoseEstimator) -> Poses:
    return look(rgb_HW3[None], np.zeros(len(aims), np.int64), aims, estimator)


def _distinct(poses: Poses, skeleton: Skeleton) -> npt.NDArray[np.int64]:
    return distinct_people(poses.keypoints_MK2, poses.confidence_MK, pose_scores(poses, skeleton))
