"""A joint that is elsewhere for a frame or three was not seen; a kick was."""

from dataclasses import replace

import numpy as np
import pytest

from bodyswap.keypoints.body_size import torso_px
from bodyswap.keypoints.spikes import drop_spikes
from bodyswap.skeleton import COCO_17
from bodyswap.stage.cast import REX
from bodyswap.stage.mocap import motion_names
from tests.motions_on_stage import stage_poses

WALK = stage_poses(REX, "walk", size=512)
TIMES = np.arange(len(WALK)) / 30
WRIST = COCO_17.joint("left_wrist")


@pytest.mark.parametrize("motion", motion_names())
@pytest.mark.parametrize("rate", [24, 60])
def test_no_real_motion_is_a_spike(motion: str, rate: int) -> None:
    truth = stage_poses(REX, motion, size=512, rate=rate)
    believed = drop_spikes(truth, np.arange(len(truth)) / rate)
    np.testing.assert_array_equal(believed.confidence_NK, truth.confidence_NK)


@pytest.mark.parametrize(("start", "length"), [(1, 1), (12, 1), (12, 2), (20, 3), (35, 2)])
def test_a_joint_that_jumps_away_and_back_is_unseen_there_and_only_there(
    start: int, length: int
) -> None:
    keypoints = WALK.keypoints_NK2.copy()
    keypoints[start : start + length, WRIST] += torso_px(WALK)
    believed = drop_spikes(replace(WALK, keypoints_NK2=keypoints), TIMES)
    gone = np.argwhere(believed.confidence_NK == 0).tolist()
    assert gone == [[frame, WRIST] for frame in range(start, start + length)]


def test_a_jump_that_lasts_is_believed() -> None:
    keypoints = WALK.keypoints_NK2.copy()
    keypoints[12:17, WRIST] += torso_px(WALK)
    believed = drop_spikes(replace(WALK, keypoints_NK2=keypoints), TIMES)
    assert (believed.confidence_NK > 0).all()


def test_a_whole_person_elsewhere_from_a_frame_on_is_no_spike() -> None:
    keypoints = WALK.keypoints_NK2.copy()
    keypoints[20:] += 200
    assert (drop_spikes(replace(WALK, keypoints_NK2=keypoints), TIMES).confidence_NK > 0).all()


def test_a_spike_beside_a_gap_is_found_too() -> None:
    keypoints, confidence = WALK.keypoints_NK2.copy(), WALK.confidence_NK.copy()
    keypoints[12, WRIST] += torso_px(WALK)
    confidence[13:15, WRIST] = 0
    seen = replace(WALK, keypoints_NK2=keypoints, confidence_NK=confidence)
    assert drop_spikes(seen, TIMES).confidence_NK[12, WRIST] == 0
