from dataclasses import replace

import numpy as np
import pytest

from bodyswap.errors import UsageError
from bodyswap.quality.metrics import compare
from bodyswap.quality.pose_error import person_height_px, pose_errors
from tests.quality.scenes import posed, texture

TRUTH = posed(3, head=(60, 40), height=170)


def test_a_shifted_pose_is_off_by_the_shift_in_percent_of_the_persons_height() -> None:
    off = replace(TRUTH, keypoints_NK2=TRUTH.keypoints_NK2 + np.float32([3, 4]))
    expected = 100 * 5 / person_height_px(TRUTH)
    for error in pose_errors(off, TRUTH):
        assert error is not None
        assert error.pose_error_percent == pytest.approx(expected, rel=1e-4)
        assert error.joints_lost_percent == 0


def test_a_persons_height_is_guessed_from_their_torso() -> None:
    assert person_height_px(TRUTH) == pytest.approx(170, rel=0.15)


def test_lost_joints_are_counted_and_their_places_are_not() -> None:
    confidence_NK, keypoints_NK2 = TRUTH.confidence_NK.copy(), TRUTH.keypoints_NK2.copy()
    confidence_NK[:, 15:], keypoints_NK2[:, 15:] = 0, 9999
    found = replace(TRUTH, confidence_NK=confidence_NK, keypoints_NK2=keypoints_NK2)
    error = pose_errors(found, TRUTH)[0]
    assert error is not None and error.pose_error_percent == 0
    assert error.joints_lost_percent == pytest.approx(100 * 2 / 17)


def test_a_render_that_shows_nobody_loses_every_joint_where_somebody_should_be() -> None:
    confidence_NK = TRUTH.confidence_NK.copy()
    confidence_NK[2] = 0
    truth = replace(TRUTH, confidence_NK=confidence_NK)
    lost = [error and error.joints_lost_percent for error in pose_errors(None, truth)]
    assert lost == [100, 100, None]


def test_poses_of_other_frames_are_refused() -> None:
    with pytest.raises(UsageError, match="2 poses of coco-17 with 3"):
        pose_errors(posed(2, head=(60, 40), height=170), TRUTH)


def test_a_report_takes_pose_errors_up() -> None:
    pictures = [texture(1)] * 3
    report = compare(pictures, pictures).with_poses(pose_errors(TRUTH, TRUTH))
    assert report.mean.pose_error_percent == 0
    assert "pose error 0.00 % of height" in report.summary()
