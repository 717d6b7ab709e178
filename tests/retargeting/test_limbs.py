from dataclasses import replace

import numpy as np
import pytest

from bodyswap.people import PoseSequence
from bodyswap.retarget import measure_stance, retarget
from bodyswap.retargeting.limbs import (
    TYPICAL_LENGTHS,
    branches,
    limb_ratios,
    measure_limbs,
    with_limbs,
)
from bodyswap.skeleton import COCO_17, Part, Skeleton
from bodyswap.stage.cast import REX, VEGA
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.puppet import puppet
from tests.motions_on_stage import stage_poses, subject_stance

WITH_TOES = Skeleton(
    name="coco-with-toes",
    joints=(*COCO_17.joints, "left_toe", "right_toe", "left_toenail"),
    limbs=(*COCO_17.limbs, ("left_toe", "left_ankle"), ("right_ankle", "right_toe"),
           ("left_toe", "left_toenail")),
    mirrored=(*COCO_17.mirrored, 18, 17, 19),
    parts_of_joints=(*COCO_17.parts_of_joints, Part.FEET, Part.FEET, Part.FEET),
    channels_of_limbs=tuple(range(len(COCO_17.limbs) + 3)),
)  # fmt: skip


def _with_toes(poses: PoseSequence) -> PoseSequence:
    toes = poses.keypoints_NK2[:, [15, 16, 15]] + np.array([[9, 4], [9, 4], [12, 5]])
    return replace(
        poses,
        skeleton=WITH_TOES,
        keypoints_NK2=np.concatenate([poses.keypoints_NK2, toes], axis=1).astype(np.float32),
        confidence_NK=np.ones((len(poses), 20), np.float32),
    )


def _true_lengths(performer: object, names: tuple[str, str]) -> float:
    joints = puppet(performer, load_motion("walk")).joints_NK3  # type: ignore[arg-type]
    a, b = (COCO_17.joint(name) for name in names)
    return float(np.linalg.norm(joints[:, a] - joints[:, b], axis=1).mean())


@pytest.mark.parametrize(
    ("limb", "names"),
    [
        ("upper_arm", ("left_shoulder", "left_elbow")), ("forearm", ("left_elbow", "left_wrist")),
        ("thigh", ("left_hip", "left_knee")), ("shin", ("left_knee", "left_ankle")),
        ("shoulders", ("left_shoulder", "right_shoulder")),
    ],
)  # fmt: skip
def test_two_peoples_limbs_compare_as_they_do_in_the_flesh(
    limb: str, names: tuple[str, str]
) -> None:
    rex, vega = subject_stance(REX), subject_stance(VEGA)
    sizes = [stance.far_height * stance.limb_lengths[limb] for stance in (rex, vega)]
    thighs = [stance.far_height * stance.limb_lengths["thigh"] for stance in (rex, vega)]
    found = sizes[0] / sizes[1] / (thighs[0] / thighs[1])
    true = _true_lengths(REX, names) / _true_lengths(VEGA, names)
    true /= _true_lengths(REX, ("left_hip", "left_knee")) / _true_lengths(
        VEGA, ("left_hip", "left_knee")
    )
    assert found == pytest.approx(true, rel=0.05)


def test_a_limb_never_seen_at_length_is_left_out_and_not_scaled() -> None:
    poses = stage_poses(REX, "walk", size=512)
    narrow = poses.keypoints_NK2.copy()
    for pair in ((5, 6), (11, 12)):
        narrow[:, pair] = narrow[:, pair].mean(axis=1, keepdims=True)
    stance = measure_stance(replace(poses, keypoints_NK2=narrow), width=512, height=512)
    assert {"shoulders", "hips"}.isdisjoint(stance.limb_lengths)
    assert "thigh" in stance.limb_lengths
    ratios = limb_ratios(stance.limb_lengths, dict.fromkeys(TYPICAL_LENGTHS, 0.2))
    assert ratios["shoulders"] == 1.0


def test_no_limb_is_scaled_out_of_all_proportion() -> None:
    ratios = limb_ratios({"shin": 0.05, "thigh": 0.3}, {"shin": 0.3, "thigh": 0.1})
    assert (ratios["shin"], ratios["thigh"]) == (1.33, 0.75)


def test_joints_beyond_the_body_hang_on_its_nearest_and_go_with_it() -> None:
    parents = {one.joint: (one.parent, one.limb) for one in branches(WITH_TOES)}
    assert parents["left_toe"] == ("left_ankle", "shin")
    assert parents["left_toenail"] == ("left_toe", "shin")
    poses = _with_toes(stage_poses(REX, "kick", size=512))
    ratios = dict.fromkeys(TYPICAL_LENGTHS, 1.0) | {"shin": 1.2}
    moved = with_limbs(poses, ratios)
    np.testing.assert_allclose(moved[:, 17] - moved[:, 15], [[10.8, 4.8]] * len(poses), atol=1e-3)


def test_toes_stay_with_a_planted_foot() -> None:
    poses = _with_toes(stage_poses(REX, "kick", size=512))
    stance = measure_stance(poses, width=512, height=512)
    moved = retarget(poses, stance, stance).keypoints_NK2
    np.testing.assert_allclose(moved[:, 17] - moved[:, 15], [[9, 4]] * len(poses), atol=0.01)


def test_an_absent_joint_does_not_drag_what_hangs_on_it() -> None:
    poses = stage_poses(REX, "dance_a", size=512)
    keypoints, confidence = poses.keypoints_NK2.copy(), poses.confidence_NK.copy()
    keypoints[10:16, 7], confidence[10:16, 7] = -999, 0
    hidden = replace(poses, keypoints_NK2=keypoints, confidence_NK=confidence)
    ratios = dict.fromkeys(TYPICAL_LENGTHS, 1.1)
    whole, part = (with_limbs(one, ratios) for one in (poses, hidden))
    assert np.abs(whole[:, 9] - part[:, 9]).max() < 2.0


def test_height_zero_frames_measure_nothing() -> None:
    poses = stage_poses(REX, "walk", size=512)
    unseen = replace(poses, confidence_NK=np.zeros_like(poses.confidence_NK))
    assert measure_limbs(unseen, np.full(len(poses), 300, np.float32)) == {}
