"""The strip is red where the shot is risky; the worst frames are shown beside what was filmed."""

from math import pi

import numpy as np
import pytest

from bodyswap.frames import RGB
from bodyswap.people import PoseSequence
from bodyswap.quality.coverage import CoverageIndex, build_index
from bodyswap.quality.coverage_picture import DrivingPose, draw_coverage
from bodyswap.quality.risk import Risk, assess
from bodyswap.training.vega import Take, take_poses


def _poses(*motions: tuple[str, float]) -> PoseSequence:
    takes = [Take(motion=name, yaw_rad=yaw, is_mirrored=False) for name, yaw in motions]
    return take_poses(takes)[0]


@pytest.fixture(scope="module")
def index() -> CoverageIndex:
    return build_index(_poses(("walk", pi / 4), ("walk", pi)), height_px=100)


class _Plate:
    """A grey plate that notes which of its frames were asked for."""

    def __init__(self, poses: PoseSequence) -> None:
        self._poses = poses
        self.asked: list[int] = []

    def show(self, frame: int) -> DrivingPose:
        self.asked.append(frame)
        return DrivingPose(
            picture_HW3=np.full((90, 160, 3), 77, np.uint8),
            keypoints_K2=self._poses.keypoints_NK2[frame],
            confidence_K=self._poses.confidence_NK[frame],
        )


def _drawn(poses: PoseSequence, index: CoverageIndex) -> tuple[RGB, Risk, list[int]]:
    risk, plate = assess(poses, index, rate=30), _Plate(poses)
    return draw_coverage(risk, index, plate.show), risk, plate.asked


def _reddish(picture: RGB) -> np.ndarray:
    """How red each column of the graph is: red minus green, at most."""
    strip = picture[48:168, 110:1420].astype(int)
    return (strip[:, :, 0] - strip[:, :, 1]).max(axis=0)


def test_a_calm_shot_is_a_strip_alone_and_nowhere_red(index: CoverageIndex) -> None:
    picture, risk, asked = _drawn(_poses(("walk", pi)), index)
    assert not risk.ranges and not asked
    assert picture.shape[0] < 400 and (_reddish(picture) <= 20).all()


def test_the_strip_is_red_where_the_risk_is(index: CoverageIndex) -> None:
    poses = _poses(("walk", pi), ("cartwheel", 0.6))
    picture, risk, _ = _drawn(poses, index)
    red = _reddish(picture)
    column = np.arange(len(red)) * len(poses) // len(red)
    assert (red[risk.risk_N[column] > 0.9] > 100).mean() > 0.95
    assert (red[risk.risk_N[column] < 0.1] > 100).mean() < 0.05


def test_the_worst_ranges_are_shown_by_their_riskiest_frame(index: CoverageIndex) -> None:
    picture, risk, asked = _drawn(_poses(("walk", pi), ("cartwheel", 0.6)), index)
    assert 1 <= len(asked) <= 4
    assert set(asked) <= {one.peak_frame for one in risk.ranges}
    assert (picture == 77).all(axis=2).sum() > len(asked) * 40_000
    assert picture.shape[0] > 400


def test_a_shot_that_shows_nobody_can_be_drawn(index: CoverageIndex) -> None:
    poses = _poses(("walk", pi))
    nobody = PoseSequence(
        skeleton=poses.skeleton,
        frames=poses.frames,
        keypoints_NK2=poses.keypoints_NK2,
        confidence_NK=np.zeros_like(poses.confidence_NK),
    )
    picture, _, asked = _drawn(nobody, index)
    assert not asked and (_reddish(picture) <= 20).all()
