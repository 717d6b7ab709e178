"""Limbs mistaken for each other are put back; limbs that cross are left to cross."""

from dataclasses import replace

import numpy as np
import pytest

from bodyswap.keypoints.swaps import untangle
from bodyswap.people import PoseSequence
from bodyswap.skeleton import COCO_WHOLEBODY_133, Part
from bodyswap.stage.cast import REX
from bodyswap.stage.mocap import motion_names
from tests.motions_on_stage import stage_poses
from tests.noisy_sightings import noisy
from tests.whole_people import as_skeleton

LEGS = ("hip", "knee", "ankle")


def _swapped(poses: PoseSequence, frames: slice, names: tuple[str, ...]) -> PoseSequence:
    keypoints, confidence = poses.keypoints_NK2.copy(), poses.confidence_NK.copy()
    for name in names:
        pair = [poses.skeleton.joint(f"{side}_{name}") for side in ("left", "right")]
        keypoints[frames, pair] = poses.keypoints_NK2[frames, pair[::-1]]
        confidence[frames, pair] = poses.confidence_NK[frames, pair[::-1]]
    return replace(poses, keypoints_NK2=keypoints, confidence_NK=confidence)


def _error(poses: PoseSequence, truth: PoseSequence) -> float:
    return float(np.linalg.norm(poses.keypoints_NK2 - truth.keypoints_NK2, axis=2).mean())


@pytest.mark.parametrize("motion", motion_names())
@pytest.mark.parametrize("rate", [24, 60])
def test_no_motion_as_it_was_is_touched(motion: str, rate: int) -> None:
    """Legs cross, a body turns, somebody rolls over: all of it stays."""
    truth = stage_poses(REX, motion, size=512, rate=rate)
    kept = untangle(truth, np.arange(len(truth)) / rate, 0.25)
    np.testing.assert_array_equal(kept.keypoints_NK2, truth.keypoints_NK2)


@pytest.mark.parametrize("length", [1, 2, 4, 6])
def test_legs_that_change_places_for_some_frames_are_put_back(length: int) -> None:
    truth = stage_poses(REX, "kick", size=512)
    seen = noisy(truth, share=0.2)
    times = np.arange(len(truth)) / 30
    repaired, broken = 0.0, 0.0
    for start in range(8, len(truth) - 14, 3):
        tangled = _swapped(seen, slice(start, start + length), LEGS)
        broken += _error(tangled, seen)
        repaired += _error(untangle(tangled, times, 0.25), seen)
    assert repaired < 0.35 * broken


def test_a_swap_that_lasts_may_be_how_it_was() -> None:
    truth = stage_poses(REX, "kick", size=512)
    tangled = _swapped(truth, slice(10, 22), LEGS)
    kept = untangle(tangled, np.arange(len(truth)) / 30, 0.25)
    np.testing.assert_array_equal(kept.keypoints_NK2, tangled.keypoints_NK2)


def test_confidence_goes_with_its_joint_and_a_hand_with_its_wrist() -> None:
    whole = as_skeleton(stage_poses(REX, "walk", size=512), COCO_WHOLEBODY_133)
    rising = np.linspace(0.5, 1, 133, dtype=np.float32)
    certain = replace(whole, confidence_NK=np.tile(rising, (len(whole), 1)))
    hand = [
        COCO_WHOLEBODY_133.joints[joint].removeprefix("left_")
        for joint in COCO_WHOLEBODY_133.of(Part.LEFT_HAND)
    ]
    tangled = _swapped(certain, slice(12, 15), ("wrist", *hand))
    repaired = untangle(tangled, np.arange(len(whole)) / 30, 0.25)
    np.testing.assert_array_equal(repaired.keypoints_NK2, certain.keypoints_NK2)
    np.testing.assert_array_equal(repaired.confidence_NK, certain.confidence_NK)


def test_hands_that_pass_each_other_and_are_confused_as_they_meet_are_told_apart() -> None:
    """By place alone they would seem to bounce off each other; their velocities tell."""
    still = stage_poses(REX, "walk", size=512)
    hands = [still.skeleton.joint("left_wrist"), still.skeleton.joint("right_wrist")]
    keypoints = np.repeat(still.keypoints_NK2[:1], len(still), axis=0)
    across = 40.0 * (np.arange(len(still)) - 15.5)
    keypoints[:, hands[0], 0], keypoints[:, hands[1], 0] = 256 + across, 256 - across
    keypoints[:, hands, 1] = [240.0, 250.0]
    truth = replace(still, keypoints_NK2=keypoints)
    tangled = _swapped(truth, slice(16, 19), ("wrist",))
    repaired = untangle(tangled, np.arange(len(truth)) / 30, 0.25)
    np.testing.assert_array_equal(repaired.keypoints_NK2, truth.keypoints_NK2)
