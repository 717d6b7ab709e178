"""Looks at people through boxes, turned where somebody may lie or stand on their hands.

It does not know who is followed or searched for, nor what a frame's neighbours show.

Networks know standing people best. A first look goes through the box that was guessed; where it is
not sure, three more go at quarter turns and the surest is kept; the last look goes closely, through
the box of what was found. Turning every look as the torso is turned was tried and did worse: who
crouches or crawls has an upright head and legs below a level torso.

Shape letters: N frames, M people (over all frames), K joints, 2 = x and y, 4 = a box (pixels).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB
from bodyswap.keypoints.boxes import SURE, pose_box
from bodyswap.keypoints.estimator import PoseEstimator, Poses
from bodyswap.skeleton import Floats, Skeleton

DOUBTFUL_SCORE = 0.6
"""A look's mean joint confidence below which the person may be turned otherwise."""
QUARTER_TURNS = (np.pi / 2, np.pi, -np.pi / 2)
_LEAST_JOINTS = 8
_CLEARLY_SURER = 0.03
_NOT_MUCH_LESS_SURE = 0.1


@dataclass(frozen=True, kw_only=True)
class Aims:
    """Where to look: the box somebody would fill if they stood, and their turn about its centre.

    Turns are in radians, clockwise in the picture.
    """

    box_M4: Floats
    turn_M: Floats

    def __len__(self) -> int:
        return len(self.turn_M)

    def at(self, chosen_M: npt.NDArray[np.generic]) -> "Aims":
        """The aims that an index or a mask picks."""
        return Aims(box_M4=self.box_M4[chosen_M], turn_M=self.turn_M[chosen_M])

    @classmethod
    def joined(cls, parts: "list[Aims]") -> "Aims":
        return cls(
            box_M4=np.concatenate([part.box_M4 for part in parts]).reshape(-1, 4),
            turn_M=np.concatenate([part.turn_M for part in parts]),
        )


NOWHERE = Aims(box_M4=np.zeros((0, 4), np.float32), turn_M=np.zeros(0, np.float32))


def look(
    rgb_NHW3: RGB, frame_M: npt.NDArray[np.int64], aims: Aims, estimator: PoseEstimator
) -> Poses:
    """The pose at each aim."""
    return estimator.estimate(rgb_NHW3, frame_M, aims.box_M4, aims.turn_M)


def look_around(
    rgb_NHW3: RGB, frame_M: npt.NDArray[np.int64], guess: Aims, estimator: PoseEstimator
) -> Poses:
    """The pose at each aim or, where that is doubtful, at the quarter turn that makes it surest."""
    poses = look(rgb_NHW3, frame_M, guess, estimator)
    doubtful_M = np.flatnonzero(pose_scores(poses, estimator.skeleton) < DOUBTFUL_SCORE)
    if not len(doubtful_M):
        return poses
    wide = guess.at(doubtful_M)
    square_M4 = _squares(wide.box_M4)
    turned = Aims.joined([Aims(box_M4=square_M4, turn_M=wide.turn_M + by) for by in QUARTER_TURNS])
    turned = Aims(box_M4=turned.box_M4, turn_M=turned.turn_M.astype(np.float32))
    others = look(rgb_NHW3, np.tile(frame_M[doubtful_M], len(QUARTER_TURNS)), turned, estimator)
    score_TM = pose_scores(others, estimator.skeleton).reshape(len(QUARTER_TURNS), -1)
    best_M = score_TM.argmax(axis=0) * len(doubtful_M) + np.arange(len(doubtful_M))
    is_surer_M = (
        score_TM.max(axis=0) > pose_scores(poses, estimator.skeleton)[doubtful_M] + _CLEARLY_SURER
    )
    return _replaced(poses, doubtful_M[is_surer_M], chosen(others, best_M[is_surer_M]))


def look_again(
    rgb_NHW3: RGB, frame_M: npt.NDArray[np.int64], poses: Poses, estimator: PoseEstimator
) -> Poses:
    """Each pose anew, closely and through its own box, unless that is less sure."""
    aims = aims_at(poses)
    closer = estimator.estimate(rgb_NHW3, frame_M, aims.box_M4, aims.turn_M, closely=True)
    is_kept_M = (
        pose_scores(closer, estimator.skeleton)
        >= pose_scores(poses, estimator.skeleton) - _NOT_MUCH_LESS_SURE
    )
    return _replaced(poses, np.flatnonzero(is_kept_M), chosen(closer, is_kept_M))


def aims_at(poses: Poses) -> Aims:
    """Where to look for people who were last seen in these poses: upright, for all they do."""
    pairs = zip(poses.keypoints_MK2, poses.confidence_MK, strict=True)
    boxes = [pose_box(*pair) for pair in pairs]
    return Aims(
        box_M4=np.array(boxes, np.float32).reshape(-1, 4), turn_M=np.zeros(len(boxes), np.float32)
    )


def pose_scores(poses: Poses, skeleton: Skeleton) -> Floats:
    """Mean confidence of each pose's body; 0 where too few of it is certain to be a person.

    Faces, hands and feet do not count: where they are too small to see, the person is still there.
    """
    body_MK = poses.confidence_MK[:, list(skeleton.body)]
    enough_M = (body_MK >= SURE).sum(axis=1) >= _LEAST_JOINTS
    return np.asarray(body_MK.mean(axis=1) * enough_M, dtype=np.float32)


def chosen(poses: Poses, index: npt.NDArray[np.generic]) -> Poses:
    """The poses that an index or a mask picks."""
    return Poses(keypoints_MK2=poses.keypoints_MK2[index], confidence_MK=poses.confidence_MK[index])


def _squares(box_M4: Floats) -> Floats:
    """Boxes that hold theirs at any quarter turn."""
    centre_M2 = (box_M4[:, :2] + box_M4[:, 2:]) / 2
    half_M1 = (box_M4[:, 2:] - box_M4[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([centre_M2 - half_M1, centre_M2 + half_M1], axis=1)


def _replaced(poses: Poses, index: npt.NDArray[np.int64], by: Poses) -> Poses:
    keypoints_MK2, confidence_MK = poses.keypoints_MK2.copy(), poses.confidence_MK.copy()
    keypoints_MK2[index], confidence_MK[index] = by.keypoints_MK2, by.confidence_MK
    return Poses(keypoints_MK2=keypoints_MK2, confidence_MK=confidence_MK)
