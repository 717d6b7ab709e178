import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyswap.errors import SubjectError
from bodyswap.people import PoseSequence
from bodyswap.retarget import measure_stance, retarget
from bodyswap.retargeting.floor import ground_line
from bodyswap.skeleton import COCO_17
from bodyswap.stage.cast import REX, VEGA
from bodyswap.stance import StanceStatistics
from bodyswap.timing import FrameRange
from tests.motions_on_stage import stage_poses

WALK = stage_poses(REX, "walk", size=512)


def _with(poses: PoseSequence, keypoints: np.ndarray, confidence: np.ndarray) -> PoseSequence:
    return PoseSequence(
        skeleton=COCO_17,
        frames=FrameRange(start=0, stop=len(keypoints)),
        keypoints_NK2=keypoints.astype(np.float32),
        confidence_NK=confidence.astype(np.float32),
    )


@pytest.mark.parametrize("motion", ["walk", "backflip", "dance_a", "jump"])
def test_retargeting_someone_to_themselves_moves_nothing(motion: str) -> None:
    poses = stage_poses(REX, motion, size=512)
    stance = measure_stance(poses, width=512, height=512)
    same = retarget(poses, stance, stance)
    np.testing.assert_allclose(same.keypoints_NK2, poses.keypoints_NK2, atol=0.01)


@given(st.floats(0.2, 4.0))
@settings(max_examples=15, deadline=None)
def test_the_size_of_the_plate_does_not_matter(factor: float) -> None:
    subject = measure_stance(stage_poses(VEGA, "walk", size=256), width=256, height=256)
    plain = retarget(WALK, measure_stance(WALK, width=512, height=512), subject)
    larger = _with(WALK, WALK.keypoints_NK2 * factor, WALK.confidence_NK)
    stance = measure_stance(larger, width=round(512 * factor), height=round(512 * factor))
    scaled = retarget(larger, stance, subject)
    np.testing.assert_allclose(scaled.keypoints_NK2, plain.keypoints_NK2, atol=1.5)


def test_a_jump_keeps_its_height_over_the_ground() -> None:
    poses = stage_poses(REX, "backflip", size=512)
    stance = measure_stance(poses, width=512, height=512)
    subject = measure_stance(stage_poses(VEGA, "backflip", size=256), width=256, height=256)
    moved = retarget(poses, stance, subject)
    heights = []
    for one, tall in ((poses, stance.far_height), (moved, subject.far_height)):
        feet = one.keypoints_NK2[:, 15:, 1].max(axis=1)
        heights.append((ground_line(one, rate=30.0) - feet).max() / tall)
    assert heights[0] > 0.15
    assert heights[1] == pytest.approx(heights[0], rel=0.1)


@pytest.mark.parametrize(("motion", "worst"), [("walk", 0.06), ("spinkick", 0.05), ("kick", 0.06)])
def test_the_truth_of_the_stage_is_met_within_a_few_percent_of_a_body(
    motion: str, worst: float
) -> None:
    driven = stage_poses(REX, motion, size=512)
    truth = stage_poses(VEGA, motion, size=256)
    subject = measure_stance(truth, width=256, height=256)
    moved = retarget(driven, measure_stance(driven, width=512, height=512), subject)
    error = np.linalg.norm(moved.keypoints_NK2 - truth.keypoints_NK2, axis=2).mean()
    assert error / subject.near_height < worst


def test_a_smooth_motion_stays_smooth() -> None:
    subject = measure_stance(stage_poses(VEGA, "dance_a", size=256), width=256, height=256)
    driven = stage_poses(REX, "run", size=512)
    moved = retarget(driven, measure_stance(driven, width=512, height=512), subject)
    scale = subject.far_height / measure_stance(driven, width=512, height=512).far_height
    was = np.abs(np.diff(driven.keypoints_NK2, n=2, axis=0)).max() * scale
    assert np.abs(np.diff(moved.keypoints_NK2, n=2, axis=0)).max() < 1.3 * was + 0.5


def test_absent_joints_stay_absent_and_measure_nothing() -> None:
    confidence = WALK.confidence_NK.copy()
    confidence[:, [15, 16]] = 0
    keypoints = WALK.keypoints_NK2.copy()
    keypoints[:, [15, 16]] = -9999
    footless = _with(WALK, keypoints, confidence)
    stance = measure_stance(footless, width=512, height=512)
    assert 150 < stance.far_height < 600
    moved = retarget(footless, stance, stance)
    assert (moved.confidence_NK[:, [15, 16]] == 0).all()


def test_a_single_frame_and_a_person_never_seen_still_have_a_stance() -> None:
    one = _with(WALK, WALK.keypoints_NK2[:1], WALK.confidence_NK[:1])
    assert measure_stance(one, width=512, height=512).far_height > 0
    none = _with(WALK, WALK.keypoints_NK2[:4], np.zeros((4, 17)))
    assert measure_stance(none, width=512, height=512).far_height == 256


def test_a_shot_that_would_leave_the_subjects_picture_is_shifted_into_it() -> None:
    keypoints = WALK.keypoints_NK2 + np.array([230, 0])
    aside = _with(WALK, keypoints, WALK.confidence_NK)
    subject = measure_stance(WALK, width=512, height=512)
    moved = retarget(aside, measure_stance(aside, width=512, height=512), subject)
    assert np.percentile(moved.keypoints_NK2[:, :, 0], 99) <= 512


def test_stance_survives_storage_and_refuses_what_it_does_not_know() -> None:
    stance = measure_stance(WALK, width=512, height=512)
    assert StanceStatistics.from_dict(stance.to_dict()) == stance
    with pytest.raises(SubjectError, match=r"unknown key 'far_heigth'.*far_height"):
        StanceStatistics.from_dict({**stance.to_dict(), "far_heigth": 1.0})
    with pytest.raises(SubjectError, match="lacks near_height"):
        values = stance.to_dict()
        del values["near_height"]
        StanceStatistics.from_dict(values)
