"""The pose stage: everyone in a range of frames, and where their joints are.

It does not know who the performer is (`solve` does), nor how frames were decoded.

People are searched for where a range begins, at every frame whose number is a multiple of
POSE_SEARCH_EVERY, and after the last one was lost; in between each is followed. Frames are taken in
groups that end at multiples of GROUP_FRAMES, and a whole group is looked at twice in one go:
through the box the person had before it, then through the box of the pose found so. Boxes turn with
the person (see `keypoints.looks`), who may be upside down. A search
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
from bodyswap.keypoints.detector import PersonDetector, PoseDrivenDetector
from bodyswap.keypoints.estimator import PoseEstimator, Poses
from bodyswap.keypoints.looks import (
    NOWHERE,
    Aims,
    aims_at,
    chosen,
    look_again,
    look_around,
    pose_scores,
)
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
    batches: Iterable[FrameBatch],
    frames: FrameRange,
    estimator: PoseEstimator,
    detector: PersonDetector | None = None,
) -> Detections:
    """Everyone seen in `frames`, several people in a frame where there are.

    Without a detector the estimator itself searches for people.

    Raises:
        PlateError: the batches do not hold exactly those frames.
    """
    follower = _Follower(estimator, detector or PoseDrivenDetector(estimator))
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
    """Carries where the people being followed are from group to group."""

    def __init__(self, estimator: PoseEstimator, detector: PersonDetector) -> None:
        self._estimator, self._detector = estimator, detector
        self._aims = NOWHERE
        self._seen: list[_Sighting] = []

    def watch(self, rgb_NHW3: RGB, first: int) -> None:
        """See everyone in a group of frames."""
        is_due = first % POSE_SEARCH_EVERY == 0
        if is_due or not len(self._aims):
            self._search(rgb_NHW3[:1], thoroughly=is_due)
        done = 0
        while done < len(rgb_NHW3) and len(self._aims):
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

    def _search(self, rgb_1HW3: RGB, *, thoroughly: bool) -> None:
        """Start from what is found now; keep following whom the search missed."""
        (found,) = self._detector.detect(rgb_1HW3, thoroughly=thoroughly)
        missed_M = [
            all(box_overlap(box_4, other_4) < _SAME_BOX for other_4 in found.aims.box_M4)
            for box_4 in self._aims.box_M4
        ]
        self._aims = Aims.joined([found.aims, self._aims.at(np.array(missed_M, np.bool_))])

    def _follow(self, rgb_NHW3: RGB, first: int) -> int:
        """Follow everyone through the frames, or until somebody is lost; frames done."""
        count, people = len(rgb_NHW3), len(self._aims)
        guess = Aims.joined([_looser(self._aims)] * count)
        frame_M = np.repeat(np.arange(count), people)
        first_look = look_around(rgb_NHW3, frame_M, guess, self._estimator)
        done = self._steady_frames(first_look, count, people)
        part = np.arange(done * people)
        seen = look_again(rgb_NHW3, frame_M[part], chosen(first_look, part), self._estimator)
        for offset in range(done):
            whom = chosen(seen, np.arange(people) + offset * people)
            self._keep(whom, rgb_NHW3[offset], first + offset)
        return done

    def _steady_frames(self, look: Poses, count: int, people: int) -> int:
        """How many frames the guessed boxes served: the next begins from fresh ones."""
        score_NM = pose_scores(look, self._estimator.skeleton).reshape(count, people)
        lost_N = np.flatnonzero((score_NM < LEAST_SCORE).any(axis=1))
        return max(1, int(lost_N[0])) if len(lost_N) else count

    def _keep(self, poses: Poses, rgb_HW3: RGB, frame: int) -> None:
        """Record the people of one frame; forget the lost and the doubles."""
        score_M = pose_scores(poses, self._estimator.skeleton)
        distinct = np.sort(distinct_people(poses.keypoints_MK2, poses.confidence_MK, score_M))
        poses = chosen(poses, distinct[score_M[distinct] >= LEAST_SCORE])
        self._aims = aims_at(poses)
        pairs = poses.keypoints_MK2, poses.confidence_MK
        appearance_MD = describe_people(rgb_HW3, *pairs, self._estimator.skeleton)
        for keypoints_K2, confidence_K, appearance_D in zip(*pairs, appearance_MD, strict=True):
            sighting = _Sighting(
                frame=frame,
                keypoints_K2=keypoints_K2,
                confidence_K=confidence_K,
                box_4=pose_box(keypoints_K2, confidence_K),
                appearance_D=appearance_D,
            )
            self._seen.append(sighting)


def _groups(batches: Iterable[FrameBatch]) -> Iterator[tuple[int, RGB]]:
    """The frames again, cut at multiples of GROUP_FRAMES however they came."""
    waiting: list[RGB] = []
    first = 0
    for batch in batches:
        is_group = len(batch) == GROUP_FRAMES and batch.first_index % GROUP_FRAMES == 0
        if is_group and not waiting:
            yield batch.first_index, batch.rgb_NHW3
            continue
        for offset, rgb_HW3 in enumerate(batch.rgb_NHW3):
            frame = batch.first_index + offset
            if waiting and frame != first + len(waiting):
                yield first, np.stack(waiting)
                waiting = []
            if not waiting:
                first = frame
            waiting.append(rgb_HW3)
            if (frame + 1) % GROUP_FRAMES == 0:
                yield first, np.stack(waiting)
                waiting = []
    if waiting:
        yield first, np.stack(waiting)


def _looser(aims: Aims) -> Aims:
    """The boxes with room for how far a person moves in a batch."""
    centre_M2 = (aims.box_M4[:, :2] + aims.box_M4[:, 2:]) / 2
    half_M2 = (aims.box_M4[:, 2:] - aims.box_M4[:, :2]) / 2 * _LOOSER
    box_M4 = np.concatenate([centre_M2 - half_M2, centre_M2 + half_M2], axis=1)
    return Aims(box_M4=box_M4.astype(np.float32), turn_M=aims.turn_M)


def _stacked(rows: list[Floats], shape: tuple[int, ...]) -> Floats:
    return np.array(rows, dtype=np.float32).reshape(len(rows), *shape)
