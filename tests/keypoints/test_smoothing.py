"""Smoothing brings sightings nearer the truth, takes no time, and leaves a kick its snap."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from bodyswap.keypoints.body_size import torso_px
from bodyswap.keypoints.smoothing import smooth
from bodyswap.keypoints.steadiness import peak_speed
from bodyswap.people import PoseSequence
from bodyswap.skeleton import COCO_17, Floats
from bodyswap.stage.cast import REX
from bodyswap.timing import FrameRange
from tests.motions_on_stage import stage_poses
from tests.noisy_sightings import noisy

MOTIONS = ["kick", "punch", "spinkick", "walk", "dance_a", "jump"]


def _times(poses: PoseSequence, rate: float = 30) -> np.ndarray:
    return np.arange(len(poses)) / rate


def _error(poses: PoseSequence | Floats, truth: PoseSequence) -> float:
    keypoints = poses.keypoints_NK2 if isinstance(poses, PoseSequence) else poses
    return float(np.linalg.norm(keypoints - truth.keypoints_NK2, axis=2).mean())


def _gaussian(poses: PoseSequence) -> Floats:
    """What smoothed poses before: a Gaussian of 0.05 s, weighted by confidence."""
    weight = poses.confidence_NK[..., None].astype(np.float64)
    mixed, total = (
        gaussian_filter1d(values, 1.5, axis=0, mode="nearest", truncate=3)
        for values in (weight * poses.keypoints_NK2, weight)
    )
    return np.asarray(mixed / total, np.float32)


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_smoothed_poses_are_nearer_the_truth_than_sightings_and_than_a_gaussian(
    share: float,
) -> None:
    raw, blurred, smoothed = [], [], []
    for motion in MOTIONS:
        truth = stage_poses(REX, motion, size=512)
        seen = noisy(truth, share=share)
        raw.append(_error(seen, truth))
        blurred.append(_error(_gaussian(seen), truth))
        smoothed.append(_error(smooth(seen, _times(seen)), truth))
        assert smoothed[-1] < 0.75 * raw[-1], motion
    assert np.mean(smoothed) < 0.6 * np.mean(raw)
    assert np.mean(smoothed) < 0.9 * np.mean(blurred)


@pytest.mark.parametrize(
    ("motion", "joint"),
    [("kick", "right_ankle"), ("punch", "left_wrist"), ("punch", "right_wrist")],
)
def test_the_peak_speed_of_a_kick_and_a_punch_is_kept(motion: str, joint: str) -> None:
    truth = stage_poses(REX, motion, size=512)
    index, seen = COCO_17.joint(joint), np.ones(len(truth), bool)
    kept, blurred = [], []
    for seed in range(5):
        sightings = noisy(truth, seed=seed, share=0.3)
        paths = smooth(sightings, _times(truth)).keypoints_NK2, _gaussian(sightings)
        true = peak_speed(truth.keypoints_NK2[:, index], seen, _times(truth), over_s=0.05)
        for shares, path in zip((kept, blurred), paths, strict=True):
            shares.append(peak_speed(path[:, index], seen, _times(truth), over_s=0.05) / true)
    assert 0.97 < np.mean(kept) < 1.05
    assert np.mean(blurred) < 0.94


def test_smoothing_has_no_lag() -> None:
    truth = stage_poses(REX, "run", size=512)
    smoothed = smooth(noisy(truth), _times(truth))
    wrist = COCO_17.joint("left_wrist")
    apart = [
        np.abs(np.roll(smoothed.keypoints_NK2[:, wrist], shift, axis=0)[4:-4]
               - truth.keypoints_NK2[4:-4, wrist]).mean()
        for shift in (-2, -1, 0, 1, 2)
    ]  # fmt: skip
    assert int(np.argmin(apart)) == 2


def _one_joint_moves(path: np.ndarray, noise_px: float) -> tuple[PoseSequence, PoseSequence]:
    """A standing person of whom the left wrist follows `path` (N, 2), exact and seen with noise."""
    still = stage_poses(REX, "walk", size=512)
    keypoints = np.repeat(still.keypoints_NK2[:1], len(path), axis=0)
    keypoints[:, COCO_17.joint("left_wrist")] = path
    truth = PoseSequence(
        skeleton=COCO_17,
        frames=FrameRange(start=0, stop=len(path)),
        keypoints_NK2=keypoints.astype(np.float32),
        confidence_NK=np.ones(keypoints.shape[:2], np.float32),
    )
    noise = np.random.default_rng(4).normal(0, noise_px, keypoints.shape)
    return truth, replace(truth, keypoints_NK2=(keypoints + noise).astype(np.float32))


def test_a_landing_is_not_smeared() -> None:
    """A hand falls, hits the floor between two frames and lies: it neither brakes nor bounces."""
    time = np.arange(60) / 30
    fall = np.minimum(100 + 900 * np.maximum(time - 0.5, 0) ** 1.0, 400)
    truth, seen = _one_joint_moves(np.stack([np.full(60, 200.0), fall], axis=1), noise_px=1.0)
    wrist = COCO_17.joint("left_wrist")
    off = np.abs(smooth(seen, time).keypoints_NK2 - truth.keypoints_NK2)[:, wrist, 1]
    blurred = np.abs(_gaussian(seen) - truth.keypoints_NK2)[:, wrist, 1]
    impact = int(np.argmax(fall >= 400))
    around = slice(impact - 3, impact + 4)
    assert off[around].max() < 0.5 * blurred[around].max()
    assert off[impact + 6 :].max() < 2.0


def test_sightings_without_noise_are_left_where_they_are() -> None:
    for motion in ("kick", "punch", "walk"):
        truth = stage_poses(REX, motion, size=512)
        moved = smooth(truth, _times(truth)).keypoints_NK2 - truth.keypoints_NK2
        assert np.median(np.abs(moved)) < 0.01 * torso_px(truth)
        assert np.linalg.norm(moved, axis=2).mean() < 0.02 * torso_px(truth)


def test_an_unsure_sighting_far_off_hardly_moves_the_path() -> None:
    truth = stage_poses(REX, "walk", size=512)
    keypoints, confidence = truth.keypoints_NK2.copy(), truth.confidence_NK.copy()
    keypoints[20, 9] += 60
    confidence[20, 9] = 0.35
    unsure = replace(truth, keypoints_NK2=keypoints, confidence_NK=confidence)
    off = smooth(unsure, _times(truth)).keypoints_NK2[:, 9] - truth.keypoints_NK2[:, 9]
    assert np.linalg.norm(off, axis=1).max() < 8


def test_absent_joints_stay_and_what_is_beyond_a_gap_does_not_count() -> None:
    truth = stage_poses(REX, "walk", size=512)
    seen = noisy(truth)
    confidence = seen.confidence_NK.copy()
    confidence[15:24, 9] = 0
    gone = replace(seen, confidence_NK=confidence)
    smoothed = smooth(gone, _times(truth))
    np.testing.assert_array_equal(smoothed.confidence_NK, confidence)
    np.testing.assert_array_equal(smoothed.keypoints_NK2[15:24, 9], seen.keypoints_NK2[15:24, 9])
    beyond = gone.keypoints_NK2.copy()
    beyond[24:, 9] += 50
    other = smooth(replace(gone, keypoints_NK2=beyond), _times(truth))
    np.testing.assert_array_equal(other.keypoints_NK2[:15, 9], smoothed.keypoints_NK2[:15, 9])
    assert np.abs(other.keypoints_NK2[24:, 9] - smoothed.keypoints_NK2[24:, 9]).min() > 40


def test_uneven_frames_are_smoothed_by_their_times() -> None:
    """A hand in steady motion filmed by a camera that drops frames moves in uneven steps: keep."""
    time = np.cumsum(np.random.default_rng(0).choice([1, 1, 2, 3], 80)) / 60
    truth, seen = _one_joint_moves(np.stack([60 + 300 * time, 90 * time], axis=1), noise_px=1.5)
    wrist = COCO_17.joint("left_wrist")
    by_time, by_count = (
        np.abs(smooth(seen, when).keypoints_NK2 - truth.keypoints_NK2)[:, wrist].mean()
        for when in (time, np.arange(80) * np.diff(time).mean())
    )
    assert by_time < 0.7 * by_count
    assert by_time < 0.9


def test_strength_smooths_more_and_none_is_none() -> None:
    truth = stage_poses(REX, "walk", size=512)
    seen = noisy(truth)
    assert smooth(seen, _times(seen), 0.0) is seen
    trembles = [
        np.abs(np.diff(smooth(seen, _times(seen), strength).keypoints_NK2, n=3, axis=0)).mean()
        for strength in (0.05, 0.1, 0.2)
    ]
    assert trembles[0] > 1.3 * trembles[1] > 1.3 * 1.1 * trembles[2]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_shots_of_a_few_frames_are_no_trouble(count: int) -> None:
    few = noisy(stage_poses(REX, "walk", size=512)).cut(FrameRange(start=0, stop=count))
    smoothed = smooth(few, np.arange(count) / 24)
    assert np.isfinite(smoothed.keypoints_NK2).all()
    assert np.abs(smoothed.keypoints_NK2 - few.keypoints_NK2).max() < torso_px(few)
