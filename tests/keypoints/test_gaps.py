"""Gaps in a path are filled where they are short by the shot's own clock, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from bodyswap.keypoints.gaps import fill_gaps
from bodyswap.people import PoseSequence, Presence
from bodyswap.skeleton import COCO_17
from bodyswap.stage.cast import REX
from bodyswap.timing import FrameRange
from tests.motions_on_stage import stage_poses

KICK = stage_poses(REX, "kick", size=512)
TIMES = np.arange(len(KICK)) / 30
ANKLE = COCO_17.joint("right_ankle")


def _without(poses: PoseSequence, frames: slice, joints: slice = slice(None)) -> PoseSequence:
    confidence = poses.confidence_NK.copy()
    confidence[frames, joints] = 0
    keypoints = np.where(confidence[..., None] > 0, poses.keypoints_NK2, 0)
    return replace(poses, confidence_NK=confidence, keypoints_NK2=keypoints.astype(np.float32))


@pytest.mark.parametrize(("rate", "most"), [(24, 6), (25, 6), (29.97, 7), (30, 7), (50, 12)])
def test_a_quarter_of_a_second_is_the_longest_gap_at_any_rate(rate: float, most: int) -> None:
    times = np.arange(len(KICK)) / rate
    bridged = fill_gaps(_without(KICK, slice(10, 10 + most)), times, 0.25)
    assert (bridged.confidence_NK > 0).all()
    assert bridged.presence_N[10 : 10 + most].tolist() == [Presence.INTERPOLATED] * most
    left = fill_gaps(_without(KICK, slice(10, 11 + most)), times, 0.25)
    assert (left.confidence_NK[10 : 11 + most] == 0).all()
    assert left.presence_N[10 : 11 + most].tolist() == [Presence.ABSENT] * (most + 1)


def test_where_frames_come_unevenly_the_clock_counts_and_not_the_frames() -> None:
    gone = _without(KICK, slice(10, 14))
    quick = TIMES.copy()
    slow = np.where(np.arange(len(KICK)) > 12, TIMES + 0.2, TIMES)  # a camera that held one frame
    assert (fill_gaps(gone, quick, 0.25).confidence_NK > 0).all()
    assert (fill_gaps(gone, slow, 0.25).confidence_NK[10:14] == 0).all()


def test_a_joint_at_uneven_times_is_put_where_it_was_at_its_own_time() -> None:
    times = np.array([0, 0.04, 0.08, 0.1, 0.19, 0.23, 0.27])
    line = np.zeros((7, 17, 2), np.float32)
    line[:, :, 0] = 100 * times[:, None]
    steady = PoseSequence(
        skeleton=COCO_17,
        frames=FrameRange(start=0, stop=7),
        keypoints_NK2=line,
        confidence_NK=np.ones((7, 17), np.float32),
    )
    filled = fill_gaps(_without(steady, slice(3, 5)), times, 0.25)
    np.testing.assert_allclose(filled.keypoints_NK2, line, atol=1e-4)


def test_nothing_is_made_up_before_the_first_or_after_the_last_sighting() -> None:
    seen = _without(_without(KICK, slice(0, 3)), slice(len(KICK) - 3, None))
    filled = fill_gaps(seen, TIMES, 0.25)
    np.testing.assert_array_equal(filled.confidence_NK, seen.confidence_NK)
    assert filled.filled_NK is not None and not filled.filled_NK.any()


def test_filled_joints_are_marked_and_half_as_certain_as_the_less_certain_end() -> None:
    confidence = KICK.confidence_NK.copy()
    confidence[9, ANKLE], confidence[13, ANKLE] = 0.6, 0.8
    seen = _without(replace(KICK, confidence_NK=confidence), slice(10, 13), slice(ANKLE, ANKLE + 1))
    filled = fill_gaps(seen, TIMES, 0.25)
    assert filled.filled_NK is not None
    assert filled.filled_NK.sum() == 3 and filled.filled_NK[10:13, ANKLE].all()
    np.testing.assert_allclose(filled.confidence_NK[10:13, ANKLE], 0.3)
    assert (filled.presence_N == Presence.PRESENT).all()


@pytest.mark.parametrize("motion", ["kick", "punch", "spinkick", "walk", "dance_a"])
def test_a_bridge_that_knows_velocities_is_nearer_the_truth_than_a_straight_line(
    motion: str,
) -> None:
    truth = stage_poses(REX, motion, size=512)
    times = np.arange(len(truth)) / 30
    errors = {"bridge": 0.0, "line": 0.0}
    for start in range(4, len(truth) - 12):
        gone = slice(start, start + 6)
        filled = fill_gaps(_without(truth, gone), times, 0.25).keypoints_NK2[gone]
        ends = truth.keypoints_NK2[[start - 1, start + 6]]
        share = (np.arange(1, 7) / 7)[:, None, None]
        line = ends[0] + share * (ends[1] - ends[0])
        for name, made in (("bridge", filled), ("line", line)):
            errors[name] += float(np.linalg.norm(made - truth.keypoints_NK2[gone], axis=2).mean())
    assert errors["bridge"] < 0.75 * errors["line"]
