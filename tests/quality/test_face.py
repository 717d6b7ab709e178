from dataclasses import replace

import cv2
import numpy as np
import pytest

from bodyswap.errors import UsageError
from bodyswap.frames import RGB
from bodyswap.quality.face import FACE_PX, FaceCrops
from bodyswap.quality.metrics import compare
from tests.quality.scenes import posed, texture

HEAD, HEIGHT = (60.0, 40.0), 170.0
POSES = posed(2, head=HEAD, height=HEIGHT)
PICTURE = texture(4, 200, 160)


def _blurred_at(x: float, y: float, side: int = 28) -> RGB:
    blurred = PICTURE.copy()
    place = (
        slice(round(y) - side // 2, round(y) + side // 2),
        slice(round(x) - side // 2, round(x) + side // 2),
    )
    blurred[place] = cv2.GaussianBlur(PICTURE, (0, 0), 6)[place]
    return blurred


def test_a_blurred_face_costs_the_face_score_and_hardly_any_other() -> None:
    mean = compare([_blurred_at(*HEAD)] * 2, [PICTURE] * 2, poses=POSES).mean
    assert mean.face_ssim is not None
    assert mean.face_ssim < 0.7
    assert mean.ssim > 0.96


def test_a_fault_elsewhere_leaves_the_face_score_alone() -> None:
    mean = compare([_blurred_at(100, 150)] * 2, [PICTURE] * 2, poses=POSES).mean
    assert mean.face_ssim == pytest.approx(1)
    assert mean.ssim < 0.99


def test_the_crop_is_around_the_head_and_grows_with_the_person() -> None:
    box = FaceCrops(POSES).box(0)
    assert box is not None
    assert box.centre_2 == pytest.approx((HEAD[0], HEAD[1] + HEIGHT * 0.01))
    larger = FaceCrops(posed(1, head=HEAD, height=2 * HEIGHT)).box(0)
    assert larger is not None and larger.side_px == pytest.approx(2 * box.side_px, abs=1)
    crop = FaceCrops(POSES).crop(PICTURE, 0)
    assert crop is not None and crop.shape == (FACE_PX, FACE_PX, 3)


def test_where_no_head_is_seen_or_too_small_a_one_no_face_is_scored() -> None:
    confidence_NK = POSES.confidence_NK.copy()
    confidence_NK[1, :5] = 0
    report = compare(
        [PICTURE] * 2, [PICTURE] * 2, poses=replace(POSES, confidence_NK=confidence_NK)
    )
    assert [frame.face_ssim is None for frame in report.frames] == [False, True]
    assert FaceCrops(posed(1, head=HEAD, height=30)).box(0) is None
    outside = FaceCrops(posed(1, head=(-40, 40), height=HEIGHT))
    assert outside.crop(PICTURE, 0) is None


def test_a_head_at_the_edge_is_cropped_whole() -> None:
    crop = FaceCrops(posed(1, head=(1, 1), height=HEIGHT)).crop(PICTURE, 0)
    assert crop is not None
    assert np.ptp(crop.astype(int)) > 20


@pytest.mark.parametrize("count", [1, 3])
def test_as_many_poses_as_frames_are_asked_for(count: int) -> None:
    with pytest.raises(UsageError, match=rf"2 frames with {count} poses"):
        compare([PICTURE] * 2, [PICTURE] * 2, poses=posed(count, head=HEAD, height=HEIGHT))


def test_a_head_of_which_one_joint_is_seen_has_a_crop_by_the_persons_size() -> None:
    confidence_NK = POSES.confidence_NK.copy()
    confidence_NK[:, 1:5] = 0
    box = FaceCrops(replace(POSES, confidence_NK=confidence_NK)).box(0)
    assert box is not None and HEIGHT / 9 < box.side_px < HEIGHT / 5
