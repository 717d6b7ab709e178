"""The filter for streams: steady at rest, quick on the move, and never ahead of its time."""

import numpy as np
import pytest

from bodyswap.keypoints.one_euro import OneEuroFilter, filter_stream
from bodyswap.stage.cast import REX
from bodyswap.timing import FrameRange
from tests.motions_on_stage import stage_poses
from tests.noisy_sightings import noisy

ONE = np.ones(1, np.float32)


def _run(path: np.ndarray, rate: float = 30, **options: float) -> np.ndarray:
    """One joint's path (N, 2) through the filter."""
    stream = OneEuroFilter(size_px=60, **options)
    steps = [stream.step(p[None].astype(np.float32), ONE, i / rate) for i, p in enumerate(path)]
    return np.concatenate(steps)


def _lag_frames(speed_px_s: float, **options: float) -> float:
    """How many frames a joint of steady speed is behind, once it moves."""
    path = np.stack([speed_px_s * np.arange(90) / 30, np.zeros(90)], axis=1)
    return float((path[-1, 0] - _run(path, **options)[-1, 0]) / speed_px_s * 30)


def test_a_joint_at_rest_trembles_far_less() -> None:
    path = np.random.default_rng(0).normal(0, 2, (300, 2)) + 100
    assert _run(path)[30:].std() < 0.5 * path.std()


def test_the_faster_a_joint_the_less_it_lags() -> None:
    slow, fast = _lag_frames(30.0), _lag_frames(600.0)
    assert 1.0 < slow < 3.5
    assert fast < 0.3


def test_without_the_speed_term_it_is_a_plain_low_pass_that_lags_by_its_time_constant() -> None:
    lag_s = _lag_frames(600.0, hz_per_speed=0.0, still_hz=1.6) / 30
    assert lag_s == pytest.approx(1 / (2 * np.pi * 1.6), rel=0.02)


def test_what_comes_later_changes_nothing() -> None:
    path = np.random.default_rng(1).normal(0, 5, (60, 2)).cumsum(axis=0)
    other = path.copy()
    other[40:] += 100
    np.testing.assert_array_equal(_run(path)[:40], _run(other)[:40])
    assert np.abs(_run(path)[40] - _run(other)[40]).max() > 10


def test_the_same_motion_at_another_rate_is_smoothed_alike() -> None:
    time = np.arange(241) / 120
    path = np.stack([80 * np.sin(2 * np.pi * time), 0 * time], axis=1)
    fine, coarse = _run(path, 120)[::4], _run(path[::4], 30)
    assert np.abs(fine - coarse)[15:].max() < 0.1 * 80


def test_an_unseen_joint_waits_and_after_long_is_taken_up_where_it_is() -> None:
    stream = OneEuroFilter(size_px=60)
    at, gone = np.full((1, 2), 10, np.float32), np.zeros((1, 2), np.float32)
    for frame in range(10):
        stream.step(at, ONE, frame / 30)
    for frame in range(10, 12):
        assert (stream.step(gone, 0 * ONE, frame / 30) == 0).all()
    near = stream.step(at + 8, ONE, 12 / 30)
    assert 10 < near[0, 0] < 18
    assert (stream.step(at + 80, ONE, 2.0) == at + 80).all()


def test_time_must_go_forward() -> None:
    stream = OneEuroFilter(size_px=60)
    stream.step(np.zeros((1, 2), np.float32), ONE, 1.0)
    with pytest.raises(ValueError, match=r"0\.5 s came after one at 1\.0 s"):
        stream.step(np.zeros((1, 2), np.float32), ONE, 0.5)


def test_a_shot_filtered_as_a_stream_is_nearer_the_truth_and_begins_where_it_was_seen() -> None:
    truth = stage_poses(REX, "walk", size=512)
    seen, times = noisy(truth), np.arange(len(truth)) / 30
    filtered = filter_stream(seen, times, 0.1)
    raw, left = (
        np.linalg.norm(poses.keypoints_NK2 - truth.keypoints_NK2, axis=2).mean()
        for poses in (seen, filtered)
    )
    assert left < 0.9 * raw
    first = FrameRange(start=0, stop=1)
    np.testing.assert_array_equal(filtered.cut(first).keypoints_NK2, seen.cut(first).keypoints_NK2)
    assert filter_stream(seen, times, 0.0) is seen
