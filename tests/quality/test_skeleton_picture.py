import numpy as np

from bodyswap.frames import RGB
from bodyswap.quality.skeleton_picture import draw_skeleton
from bodyswap.skeleton import COCO_17, Floats

GREY = np.full((80, 80, 3), 100, np.uint8)


def _pose() -> tuple[Floats, Floats]:
    """Arms apart: the left one on the right half of the picture, as seen from the front."""
    keypoints, confidence = np.zeros((17, 2), np.float32), np.zeros(17, np.float32)
    for name, point in {
        "left_shoulder": (50, 20), "left_elbow": (70, 20),
        "right_shoulder": (30, 20), "right_elbow": (10, 20),
    }.items():  # fmt: skip
        keypoints[COCO_17.joint(name)] = point
        confidence[COCO_17.joint(name)] = 1
    return keypoints, confidence


def _change(picture: RGB, x: int, y: int) -> int:
    return int(np.abs(picture[y, x].astype(int) - GREY[y, x]).sum())


def test_left_and_right_are_told_apart_by_colour() -> None:
    drawn = draw_skeleton(GREY, *_pose(), COCO_17)
    left, right = drawn[20, 60].astype(int), drawn[20, 20].astype(int)
    assert left[2] > left[0]
    assert right[0] > right[2]


def test_an_unsure_limb_is_fainter_and_an_absent_one_is_not_drawn() -> None:
    keypoints, confidence = _pose()
    sure = draw_skeleton(GREY, keypoints, confidence, COCO_17)
    confidence[COCO_17.joint("left_elbow")] = 0.2
    confidence[COCO_17.joint("right_elbow")] = 0
    unsure = draw_skeleton(GREY, keypoints, confidence, COCO_17)
    assert 0 < _change(unsure, 60, 20) < _change(sure, 60, 20)
    assert _change(unsure, 20, 20) == 0


def test_the_picture_given_is_left_as_it_was() -> None:
    before = GREY.copy()
    draw_skeleton(GREY, *_pose(), COCO_17)
    np.testing.assert_array_equal(GREY, before)


def test_joints_far_outside_do_no_harm() -> None:
    keypoints, confidence = _pose()
    keypoints[COCO_17.joint("left_elbow")] = (1e9, -1e9)
    assert draw_skeleton(GREY, keypoints, confidence, COCO_17).shape == GREY.shape
