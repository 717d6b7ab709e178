from collections.abc import Iterator
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from bodyswap.config import POSE_SEARCH_EVERY
from bodyswap.errors import PlateError
from bodyswap.frames import RGB, FrameBatch
from bodyswap.keypoints.estimator import PoseEstimator, build_estimator
from bodyswap.pose import GROUP_FRAMES, estimate_poses
from bodyswap.stage.cast import PERFORMERS
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, film
from bodyswap.timing import FrameRange

FRAMES = FrameRange(start=20, stop=32)
SIDE = 256


@cache
def _estimator() -> PoseEstimator:
    return build_estimator("rtmpose-t-bodyswap", "cpu")


@cache
def _walk() -> tuple[RGB, np.ndarray]:
    """Frames 20 to 31 of somebody walking on the stage, and their joints."""
    instants = load_motion("walk").at(np.linspace(0.1, 0.5, len(FRAMES)))
    frames = list(film(PERFORMERS["vega"], instants, Shot(width=SIDE, height=SIDE)))
    return np.stack([one.rgb_HW3 for one in frames]), np.stack([one.keypoints_K2 for one in frames])


def _batches(rgb_NHW3: RGB, first: int, size: int) -> Iterator[FrameBatch]:
    for start in range(0, len(rgb_NHW3), size):
        part = rgb_NHW3[start : start + size]
        pts = tuple(range(first + start, first + start + len(part)))
        yield FrameBatch(
            rgb_NHW3=part, pts=pts, first_index=first + start, time_base=Fraction(1, 24)
        )


def test_a_walker_is_followed_through_every_frame() -> None:
    rgb, truth = _walk()
    seen = estimate_poses(_batches(rgb, 20, 5), FRAMES, _estimator())
    assert sorted(set(seen.frame_M.tolist())) == list(FRAMES)
    first = [int(np.flatnonzero(seen.frame_M == frame)[0]) for frame in FRAMES]
    away = np.linalg.norm(seen.keypoints_MK2[first] - truth, axis=2)
    torso = np.linalg.norm(truth[:, 5] - truth[:, 12], axis=1)[:, None]
    assert np.median(away / torso) < 0.2


def test_the_size_of_batches_changes_nothing() -> None:
    rgb, _ = _walk()
    one = estimate_poses(_batches(rgb, 20, 3), FRAMES, _estimator())
    other = estimate_poses(_batches(rgb, 20, 12), FRAMES, _estimator())
    assert one.to_bytes() == other.to_bytes()


def test_a_range_begun_later_sees_the_same_from_the_first_common_search_on() -> None:
    rgb, _ = _walk()
    assert POSE_SEARCH_EVERY in FRAMES and POSE_SEARCH_EVERY % GROUP_FRAMES == 0
    whole = estimate_poses(_batches(rgb, 20, 4), FRAMES, _estimator())
    later = FrameRange(start=22, stop=FRAMES.stop)
    part = estimate_poses(_batches(rgb[2:], 22, 4), later, _estimator())
    common = [seen.keypoints_MK2[seen.frame_M >= POSE_SEARCH_EVERY] for seen in (whole, part)]
    np.testing.assert_array_equal(common[0], common[1])


def test_frames_without_anybody_give_no_detections() -> None:
    empty = np.full((4, SIDE, SIDE, 3), 128, np.uint8)
    frames = FrameRange(start=0, stop=4)
    seen = estimate_poses(_batches(empty, 0, 4), frames, _estimator())
    assert len(seen.frame_M) == 0 and seen.keypoints_MK2.shape == (0, 17, 2)


def test_a_person_who_leaves_is_lost_and_one_who_comes_is_found() -> None:
    rgb, _ = _walk()
    empty = np.full_like(rgb[:8], 128)
    film_ = np.concatenate([rgb[:8], empty, rgb[:8]])
    seen = estimate_poses(_batches(film_, 0, 6), FrameRange(start=0, stop=24), _estimator())
    assert set(seen.frame_M.tolist()) == {*range(8), *range(16, 24)}


def test_missing_frames_are_refused() -> None:
    rgb, _ = _walk()
    with pytest.raises(PlateError, match="ended early"):
        estimate_poses(_batches(rgb[:4], 20, 4), FRAMES, _estimator())
    with pytest.raises(PlateError, match="frame 20 was expected, 21 came"):
        estimate_poses(_batches(rgb[1:], 21, 4), FRAMES, _estimator())
