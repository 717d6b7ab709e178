from dataclasses import replace
from fractions import Fraction
from math import pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyswap.errors import SubjectError
from bodyswap.people import PoseSequence
from bodyswap.quality.retarget_error import RetargetError, planted_feet, retarget_error
from bodyswap.retarget import measure_stance, retarget
from bodyswap.retargeting.floor import ground_line
from bodyswap.skeleton import COCO_17
from bodyswap.stage.camera import Camera
from bodyswap.stage.cast import REX, VEGA
from bodyswap.stage.mocap import Motion, load_motion
from bodyswap.stage.puppet import puppet
from bodyswap.stance import StanceStatistics
from bodyswap.timing import FrameRange
from tests.motions_on_stage import stage_poses, subject_stance, trusted_poses

WALK = stage_poses(REX, "walk", size=512)


def _with(poses: PoseSequence, keypoints: np.ndarray, confidence: np.ndarray) -> PoseSequence:
    return PoseSequence(
        skeleton=COCO_17,
        frames=FrameRange(start=0, stop=len(keypoints)),
        keypoints_NK2=keypoints.astype(np.float32),
        confidence_NK=confidence.astype(np.float32),
    )


@pytest.mark.parametrize("motion", ["walk", "backflip", "dance_a", "jump"])
def test_retargeting_someone_to_themselves_moves_little_but_planted_feet(motion: str) -> None:
    poses = stage_poses(REX, motion, size=512)
    stance = measure_stance(poses, width=512, height=512)
    same = retarget(poses, stance, stance)
    moved = np.linalg.norm(same.keypoints_NK2 - poses.keypoints_NK2, axis=2)
    assert moved[:, :11].mean() < 0.01 * stance.near_height
    assert moved.max() < 0.1 * stance.near_height


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


VEGAS = subject_stance(VEGA)


def _driven(motion: Motion, camera: Camera | None = None) -> RetargetError:
    """rex, retargeted to vega, against vega doing the same."""
    poses = trusted_poses(puppet(REX, motion).seen_by(camera or Camera(), 512, 512))
    real = puppet(VEGA, motion)
    moved = retarget(poses, measure_stance(poses, width=512, height=512), VEGAS)
    return retarget_error(
        moved.keypoints_NK2,
        real.seen_by(Camera(), 256, 256),
        planted_feet(real.joints_NK3, COCO_17, 30.0),
        skeleton=COCO_17,
        person_height_px=(VEGAS.far_height + VEGAS.near_height) / 2,
    )


@pytest.mark.parametrize(
    ("name", "worst", "worst_limbs"),
    [
        ("walk", 2.5, 1.1), ("cartwheel", 2.5, 1.0), ("backflip", 3.5, 1.2), ("roll", 2.5, 1.0),
        ("spinkick", 2.0, 1.0), ("jump", 3.5, 1.3), ("crawl", 4.0, 2.2), ("kick", 3.5, 1.0),
    ],
)  # fmt: skip
def test_the_truth_of_the_stage_is_met_within_a_few_percent_of_a_body(
    name: str, worst: float, worst_limbs: float
) -> None:
    error = _driven(load_motion(name).turned(0.3).at_rate(Fraction(30)))
    assert error.joints < worst
    assert error.limbs < worst_limbs
    assert error.feet_y < 2.5


@pytest.mark.parametrize("yaw", [0.0, pi / 2, pi])
def test_a_walk_stays_true_towards_across_and_away_from_the_camera(yaw: float) -> None:
    walk = load_motion("walk")
    step = (walk.root_T3[-1] - walk.root_T3[0]) * np.array([1, 0, 1])
    longer = walk.then(replace(walk, root_T3=walk.root_T3 + step))
    error = _driven(longer.turned(yaw).at_rate(Fraction(30)))
    assert error.placed_joints < 4.0
    assert error.limbs < 1.5
    assert error.slide_px < 0.4


@pytest.mark.parametrize("name", ["walk", "dance_a", "kick", "cartwheel"])
def test_a_planted_foot_stays_planted(name: str) -> None:
    error = _driven(load_motion(name).turned(0.3).at_rate(Fraction(30)))
    assert error.true_slide_px > 0.6
    assert error.slide_px < 0.3


def test_a_long_handstand_keeps_the_size_and_the_floor() -> None:
    poses = stage_poses(REX, "cartwheel", size=512, yaw=0.6)
    lowest = poses.keypoints_NK2[:, [9, 10], 1] > poses.keypoints_NK2[:, [15, 16], 1].max(
        axis=1, keepdims=True
    )
    upside_down = np.flatnonzero(lowest.any(axis=1))
    held = np.repeat(np.arange(len(poses)), 1 + 8 * np.isin(np.arange(len(poses)), upside_down))
    long = trusted_poses(poses.keypoints_NK2[held])
    assert len(long) > len(poses) + 100
    stance, usual = (measure_stance(one, width=512, height=512) for one in (long, poses))
    assert stance.near_height == pytest.approx(usual.near_height, rel=0.15)
    risen = np.ptp(ground_line(long, rate=30.0)) - np.ptp(ground_line(poses, rate=30.0))
    assert risen < 0.06 * stance.near_height


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
    stance = measure_stance(WALK, width=512, height=512)
    assert np.isfinite(retarget(none, stance, stance).keypoints_NK2).all()


def test_a_shot_that_would_leave_the_subjects_picture_is_shifted_into_it() -> None:
    keypoints = WALK.keypoints_NK2 + np.array([230, 0])
    aside = _with(WALK, keypoints, WALK.confidence_NK)
    subject = measure_stance(WALK, width=512, height=512)
    moved = retarget(aside, measure_stance(aside, width=512, height=512), subject)
    assert np.percentile(moved.keypoints_NK2[:, :, 0], 99) <= 512


def test_stance_survives_storage_and_refuses_what_it_does_not_know() -> None:
    stance = measure_stance(WALK, width=512, height=512)
    assert stance.limb_lengths["thigh"] == pytest.approx(0.29, abs=0.03)
    assert StanceStatistics.from_dict(stance.to_dict()) == stance
    older = {key: value for key, value in stance.to_dict().items() if key != "limb_lengths"}
    assert StanceStatistics.from_dict(older).limb_lengths == {}
    with pytest.raises(SubjectError, match=r"unknown key 'far_heigth'.*far_height"):
        StanceStatistics.from_dict({**stance.to_dict(), "far_heigth": 1.0})
    with pytest.raises(SubjectError, match="lacks near_height"):
        values = stance.to_dict()
        del values["near_height"]
        StanceStatistics.from_dict(values)
