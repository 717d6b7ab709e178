"""Risk is low where the footage has the pose, high where it has not, and says which part is new."""

from dataclasses import replace
from math import pi

import numpy as np
import pytest

from bodyswap.errors import SubjectError
from bodyswap.people import PoseSequence
from bodyswap.quality.coverage import (
    MOST_POSES,
    PARTS,
    CoverageIndex,
    build_index,
    distances,
    pose_set,
)
from bodyswap.skeleton import BODY_13, COCO_17, Floats
from bodyswap.timing import FrameRange
from bodyswap.training.vega import Take, take_poses
from tests.whole_people import as_skeleton

HEIGHT_PX = 100.0


@pytest.fixture(scope="module")
def footage() -> PoseSequence:
    """Somebody walking and running, seen from eight sides."""
    return _filmed([(name, pi / 4 * side) for name in ("walk", "run") for side in range(8)])


@pytest.fixture(scope="module")
def index(footage: PoseSequence) -> CoverageIndex:
    return build_index(footage, height_px=HEIGHT_PX)


def _filmed(motions: list[tuple[str, float]]) -> PoseSequence:
    takes = [Take(motion=name, yaw_rad=yaw, is_mirrored=False) for name, yaw in motions]
    return take_poses(takes)[0]


def _with(poses: PoseSequence, keypoints_NK2: Floats) -> PoseSequence:
    return replace(poses, keypoints_NK2=keypoints_NK2.astype(np.float32))


def test_what_was_filmed_is_safe_and_a_cartwheel_is_not(
    footage: PoseSequence, index: CoverageIndex
) -> None:
    own, _, _ = index.risk(footage)
    assert np.median(own) < 0.05 and (own < 0.5).mean() > 0.97
    wheel, _, _ = index.risk(_filmed([("cartwheel", 0.6)]))
    assert (wheel > 0.5).mean() > 0.3 and wheel.max() > 0.8


def test_a_body_without_eyes_and_ears_is_judged_by_the_rest(
    footage: PoseSequence, index: CoverageIndex
) -> None:
    risk, parts, _ = index.risk(as_skeleton(footage, BODY_13))
    assert np.median(risk) < 0.05
    assert np.isfinite(parts).all(), "the nose alone tells where the head is"


def test_risk_lies_within_0_and_1_and_grows_as_a_hand_moves_away(
    footage: PoseSequence, index: CoverageIndex
) -> None:
    one = footage.cut(FrameRange(start=10, stop=11))
    risks, parts = [], []
    for away_px in (0, 10, 25, 60, 200):
        moved = one.keypoints_NK2.copy()
        moved[:, COCO_17.joint("left_wrist"), 0] += away_px
        risk_N, part_NP, _ = index.risk(_with(one, moved))
        risks.append(float(risk_N[0]))
        parts.append(part_NP[0])
    assert risks == sorted(risks) and 0 <= risks[0] < 0.1 < risks[-1] <= 1
    assert list(PARTS)[int(parts[-1].argmax())] == "left arm"
    assert parts[-1][list(PARTS).index("right leg")] < 0.3


def test_the_place_in_the_picture_counts_for_little_and_size_for_much(
    footage: PoseSequence, index: CoverageIndex
) -> None:
    aside, _, _ = index.risk(_with(footage, footage.keypoints_NK2 + np.float32(15)))
    larger, _, _ = index.risk(_with(footage, footage.keypoints_NK2 * np.float32(2)))
    assert np.median(aside) < 0.1 and np.median(larger) > 0.5


def test_a_pose_upside_down_is_another_pose(footage: PoseSequence, index: CoverageIndex) -> None:
    turned, _, _ = index.risk(_with(footage, -footage.keypoints_NK2))
    assert np.median(turned) > 0.5


def test_joints_that_are_absent_are_not_judged_and_nobody_is_no_risk_at_all(
    footage: PoseSequence, index: CoverageIndex
) -> None:
    confidence = footage.confidence_NK.copy()
    confidence[0] = 0
    confidence[1, COCO_17.joint("left_wrist")] = 0
    keypoints = footage.keypoints_NK2.copy()
    keypoints[1, COCO_17.joint("left_wrist")] = 1e4
    risk_N, part_NP, _ = index.risk(
        replace(footage, keypoints_NK2=keypoints, confidence_NK=confidence)
    )
    assert np.isnan(risk_N[0]) and np.isnan(part_NP[0]).all()
    assert risk_N[1] < 0.2


def test_every_training_pose_is_stood_for_and_the_worst_by_a_near_one(
    footage: PoseSequence, index: CoverageIndex
) -> None:
    assert len(index.poses) <= MOST_POSES
    assert index.count_C.sum() == len(footage) and index.count_C.min() >= 1
    found = distances(pose_set(footage, HEIGHT_PX), index.poses)
    assert found.whole_N.max() < 0.5 * index.unusual[0]


def test_the_calibration_is_that_of_poses_left_out_with_their_neighbours(
    footage: PoseSequence, index: CoverageIndex
) -> None:
    # Cut anew, every frame is its own clip: then its neighbours in time count, and are near.
    cut = build_index(footage, height_px=HEIGHT_PX, clip_starts=tuple(range(len(footage))))
    assert cut.usual[0] < index.usual[0]


def test_the_same_footage_gives_the_same_bytes_and_they_read_back(
    footage: PoseSequence, index: CoverageIndex
) -> None:
    data = index.to_bytes()
    assert build_index(footage, height_px=HEIGHT_PX).to_bytes() == data
    again = CoverageIndex.from_bytes(data)
    np.testing.assert_allclose(again.risk(footage)[0], index.risk(footage)[0], atol=0.02)
    assert len(data) < 40_000


def test_a_few_frames_are_enough_for_an_index(footage: PoseSequence) -> None:
    short = footage.cut(FrameRange(start=0, stop=3))
    risk_N, _, _ = build_index(short, height_px=HEIGHT_PX).risk(short)
    assert (risk_N < 0.05).all()


def test_footage_that_shows_nobody_and_bytes_that_are_no_index_are_refused(
    footage: PoseSequence,
) -> None:
    nobody = replace(footage, confidence_NK=np.zeros_like(footage.confidence_NK))
    with pytest.raises(SubjectError, match="no frame of the footage"):
        build_index(nobody, height_px=HEIGHT_PX)
    with pytest.raises(SubjectError, match="no index"):
        CoverageIndex.from_bytes(b"Dear supervisor")
