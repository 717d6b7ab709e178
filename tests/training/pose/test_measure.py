import numpy as np
import pytest

from bodyswap.skeleton import COCO_17
from bodyswap.training.pose.measure import measure_pck, torso_lengths

LEFT_HIP, RIGHT_HIP = COCO_17.joint("left_hip"), COCO_17.joint("right_hip")


def _person() -> np.ndarray:
    """A torso 100 long from the left shoulder to the right hip, 50 across the other way."""
    keypoints_NK2 = np.zeros((1, 17, 2), np.float32)
    keypoints_NK2[0, COCO_17.joint("left_shoulder")] = [0, 0]
    keypoints_NK2[0, RIGHT_HIP] = [0, 100]
    keypoints_NK2[0, COCO_17.joint("right_shoulder")] = [10, 50]
    keypoints_NK2[0, LEFT_HIP] = [10, 100]
    return keypoints_NK2


def test_the_torso_is_the_longer_diagonal() -> None:
    assert torso_lengths(_person()).tolist() == [100]


def test_an_unmarked_hip_leaves_the_other_diagonal_and_two_leave_none() -> None:
    keypoints_NK2 = _person()
    keypoints_NK2[0, RIGHT_HIP] = np.nan
    assert torso_lengths(keypoints_NK2).tolist() == [50]
    keypoints_NK2[0, LEFT_HIP] = np.nan
    assert np.isnan(torso_lengths(keypoints_NK2)).all()


def test_a_fifth_of_the_torso_is_right_and_more_is_wrong() -> None:
    found_NK2, counted_NK = _person(), np.zeros((1, 17), bool)
    counted_NK[0, [0, 1, 2]] = True
    found_NK2[0, 0, 0] += 19.9
    found_NK2[0, 1, 0] += 20.1
    accuracy = measure_pck(found_NK2, _person(), counted_NK)
    assert accuracy.joints == 3 and accuracy.pck == pytest.approx(2 / 3)
    assert accuracy.pck_K[:2].tolist() == [1.0, 0.0] and np.isnan(accuracy.pck_K[3])
