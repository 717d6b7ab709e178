"""The pose stage: everyone in a range of frames, and where their joints are.

It does not know who the performer is (`solve` does), nor how frames were decoded.

People are searched for where a range begins, at every frame whose number is a multiple of
POSE_SEARCH_EVERY, and after the last one was lost; in between each is followed. Frames are taken in
groups that end at multiples of GROUP_FRAMES, and a whole group is looked at twice in one go:
through the box the person had before it, then through the box of the pose found so. A search
replaces the boxes followed, so whatever the range, the same frames are seen the same way from the
first common search on.

Shape letters: N frames of a batch, M people (over all frames), K joints, 2 = x and y, 4 = a box.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from bodyswap.config import POSE_SEARCH_EVERY
from bodyswap.errors import PlateError
from bodyswap.frames import RGB, FrameBatch
from bodyswap.keypoints.appearance import APPEARANCE_VALUES, describe_people
from bodyswap.keypoints.boxes import box_overlap, distinct_people, pose_box
from bodyswap.keypoints.estimator import PoseEstimator, Poses
from bodyswap.keypoints.finder import find_people, pose_scores
from bodyswap.people import Detections
from bodyswap.skeleton import Floats
from bodyswap.timing import FrameRange

GROUP_FRAMES = 8
"""Where nobody is followed, people are searched for at each group's first frame."""
LEAST_SCORE = 0.35
"""A followed person's mean joint confidence below which they are lost."""
_SAME_BOX = 0.3
_LOOSER = 1.12


def estimate_poses(
    batches: Iterable[FrameBatch], frames: FrameRange, estimator: PoseEstimator
) -> Detections:
    """Everyone seen in `frames`, several people in a frame where there are.

    Raises:
        PlateError: the batches do not hold exactly those frames.
    """
    follower = _Follower(estimator)
    expected = frames.start
    for first, rgb_NHW3 in _groups(batches):
        if first != expected:
            raise PlateError(f"frame {expected} was expected, {first} came")
        follower.watch(rgb_NHW3, first)
        expected += len(rgb_NHW3)
    if expected != frames.stop:
        raise PlateError(f"frames {frames} ended early, before frame {expected}")
    return follower.detections(frames)


@dataclass(frozen=True, kw_only=True)
class _Sighting:
    frame: int
    keypoints_K2: Floats
    confidence_K: Floats
    box_4: Floats
    appearance_D: Floats


class _Follower:
    """Carries the boxes of the people being followed from group to group."""

    def __init__(self, estimator: PoseEstimator) -> None:
        self._estimator = estimator
        self._boxes: list[Floats] = []
        self._seen: list[_Sighting] = []

    def watch(self, rgb_NHW3: RGB, first: int) -> None:
        """See everyone in a group of frames."""
        if not self._boxes or first % POSE_SEARCH_EVERY == 0:
            self._search(rgb_NHW3[0])
        done = 0
        while done < len(rgb_NHW3) and self._boxes:
            done += self._follow(rgb_NHW3[done:], first + done)

    def detections(self, frames: FrameRange) -> Detections:
        """Everything seen, as one value."""
        joints = len(self._estimator.skeleton.joints)
        seen = sorted(self._seen, key=lambda sighting: sighting.frame)
        return Detections(
            skeleton=self._estimator.skeleton,
            frames=frames,
            frame_M=np.array([one.frame for one in seen], np.int64),
            keypoints_MK2=_stacked([one.keypoints_K2 for one in seen], (joints, 2)),
            confidence_MK=_stacked([one.confidence_K for one in seen], (joints,)),
            box_M4=_stacked([one.box_4 for one in seen], (4,)),
            appearance_MD=_stacked([one.appearance_D for one in seen], (APPEARANCE_VALUES,)),
        )

    def _search(self, rgb_HW3: RGB) -> None:
        """Start from what is found now; keep following whom the search missed."""
        found = list(find_people(rgb_HW3, self._estimator).box_M4)
        missed = [
            box_4
            for box_4 in self._boxes
            if all(box_overlap(box_4, other_4) < _SAME_BOX for other_4 in found)
        ]
        self._boxes = found + missed

    def _follow(self, rgb_NHW3: RGB, first: int) -> int:
        """Follow everyone through the frames, or until somebody is lost; frames done."""
        count, people = len(rgb_NHW3), len(self._boxes)
        guess_M4 = np.tile(np.stack([_looser(box_4) for box_4 in self._boxes]), (count, 1))
        frame_M = np.repeat(np.arange(count), people)
        first_look = self._estimator.estimate(rgb_NHW3, frame_M, guess_M4)
        box_M4 = _pose_boxes(first_look)
        second_look = self._estimator.estimate(rgb_NHW3, frame_M, box_M4)
        done = self._steady_frames(first_look, count, people)
        for offset in range(done):
            part = slice(offset * people, (offset + 1) * people)
            self._keep(second_look, part, rgb_NHW3[offset], first + offset)
        return done

    def _steady_frames(self, look: Poses, count: int, people: int) -> int:
        """How many frames the guessed boxes served: the next begins from fresh ones."""
        score_NM = pose_scores(look).reshape(count, people)
        lost_N = np.flatnonzero((score_NM < LEAST_SCORE).any(axis=1))
        return max(1, int(lost_N[0])) if len(lost_N) else count

    def _keep(self, look: Poses, part: slice, rgb_HW3: RGB, frame: int) -> None:
        """Record the people of one frame; forget the lost and the doubles."""
        poses = Poses(
            keypoints_MK2=look.keypoints_MK2[part], confidence_MK=look.confidence_MK[part]
        )
        score_M = pose_scores(poses)
        distinct = distinct_people(poses.keypoints_MK2, poses.confidence_MK, score_M)
        looks_MD = describe_people(
            rgb_HW3, poses.keypoints_MK2, poses.confidence_MK, self._estimator.skeleton
        )
        self._boxes = []
        for index in sorted(int(one) for one in distinct):
            if score_M[index] >= LEAST_SCORE:
                keypoints_K2, confidence_K = poses.keypoints_MK2[index], poses.confidence_MK[index]
                box_4 = pose_box(keypoints_K2, confidence_K)
                self._boxes.append(box_4)
                self._seen.append(
                    _Sighting(
                        frame=frame,
                        keypoints_K2=keypoints_K2,
                        confidence_K=confidence_K,
                        box_4=box_4,
                        appearance_D=looks_MD[index],
                    )
                )


def _groups(batches: Iterable[FrameBatch]) -> Iterator[tuple[int, RGB]]:
    """The frames again, cut at multiples of GROUP_FRAMES however they came."""
    waiting: list[RGB] = []
    first = 0
    for batch in batches:
        for offset, rgb_HW3 in enumerate(batch.rgb_NHW3):
            frame = batch.first_index + offset
            if waiting and (frame % GROUP_FRAMES == 0 or frame != first + len(waiting)):
                yield first, np.stack(waiting)
                waiting = []
            if not waiting:
                first = frame
            waiting.append(rgb_HW3)
    if waiting:
        yield first, np.stack(waiting)


def _looser(box_4: Floats) -> Floats:
    """The box with room for how far a person moves in a batch."""
    centre_2, half_2 = (box_4[:2] + box_4[2:]) / 2, (box_4[2:] - box_4[:2]) / 2 * _LOOSER
    return np.concatenate([centre_2 - half_2, centre_2 + half_2]).astype(np.float32)


def _pose_boxes(poses: Poses) -> Floats:
    pairs = zip(poses.keypoints_MK2, poses.confidence_MK, strict=True)
    return np.stack([pose_box(*pair) for pair in pairs]).astype(np.float32)


def _stacked(rows: list[Floats], shape: tuple[int, ...]) -> Floats:
    return np.array(rows, dtype=np.float32).reshape(len(rows), *shape)
