"""The figures of the solve report say what they claim."""

from dataclasses import replace

import numpy as np
import pytest

from bodyswap.keypoints.smoothing import smooth
from bodyswap.keypoints.steadiness import compare_steadiness, peak_speed
from bodyswap.people import PoseSequence
from bodyswap.stage.cast import REX
from tests.motions_on_stage import stage_poses

KICK = stage_poses(REX, "kick", size=512, rate=60)
TIMES = np.arange(len(KICK)) / 60


def _shaken(deviation_px: float) -> PoseSequence:
    noise = np.random.default_rng(0).normal(0, deviation_px, KICK.keypoints_NK2.shape)
    return replace(KICK, keypoints_NK2=(KICK.keypoints_NK2 + noise).astype(np.float32))


def test_jitter_is_told_as_the_noise_that_was_added() -> None:
    for deviation in (3.0, 6.0):
        told = compare_steadiness(_shaken(deviation), KICK, TIMES)
        assert told.jitter_before_px == pytest.approx(deviation, rel=0.15)
        assert told.jitter_after_px < 1.0
        assert told.jitter_removed > 0.9


def test_nothing_done_is_nothing_removed_and_all_speed_kept() -> None:
    told = compare_steadiness(KICK, KICK, TIMES)
    assert told.jitter_removed == 0
    assert set(told.peak_speed_kept.values()) == {1.0}
    assert len(told.peak_speed_kept) == 4


def test_half_the_motion_is_half_the_peak_speed() -> None:
    middle = KICK.keypoints_NK2.mean(axis=0)
    half = replace(KICK, keypoints_NK2=middle + (KICK.keypoints_NK2 - middle) / 2)
    told = compare_steadiness(KICK, half, TIMES)
    for share in told.peak_speed_kept.values():
        assert share == pytest.approx(0.5, abs=1e-3)


def test_a_good_smoothing_removes_jitter_and_keeps_speed() -> None:
    shaken = _shaken(2.0)
    told = compare_steadiness(shaken, smooth(shaken, TIMES), TIMES)
    assert told.jitter_removed > 0.9
    assert told.peak_speed_kept["right_ankle"] > 0.95


def test_filled_absent_and_unsure_joints_do_not_count() -> None:
    filled = np.zeros(KICK.confidence_NK.shape, bool)
    filled[20:30] = True
    wild = KICK.keypoints_NK2.copy()
    wild[20:30] += np.arange(0, 5000, 500)[:, None, None]
    before = replace(KICK, keypoints_NK2=wild, filled_NK=filled)
    told = compare_steadiness(before, KICK, TIMES)
    assert told.jitter_before_px == pytest.approx(told.jitter_after_px, rel=0.05)
    doubted = replace(
        before, filled_NK=None, confidence_NK=np.where(filled, 0.5, 1).astype(np.float32)
    )
    kept = compare_steadiness(doubted, KICK, TIMES).peak_speed_kept
    assert set(kept.values()) == {1.0}
    nobody = replace(KICK, confidence_NK=np.zeros_like(KICK.confidence_NK))
    none = compare_steadiness(nobody, nobody, TIMES)
    assert (none.jitter_before_px, none.jitter_removed, none.peak_speed_kept) == (0.0, 0.0, {})


def test_speed_is_by_the_clock() -> None:
    path = np.stack([np.arange(20.0), np.zeros(20)], axis=1).astype(np.float32)
    seen = np.ones(20, bool)
    assert peak_speed(path, seen, np.arange(20) / 25) == pytest.approx(25, rel=1e-3)
    assert peak_speed(path, seen, np.arange(20) / 50) == pytest.approx(50, rel=1e-3)
    assert peak_speed(path[:1], seen[:1], np.zeros(1)) == 0
