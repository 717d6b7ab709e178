"""Pose maps say where each limb is and how sure the pose is of it."""

import numpy as np
import pytest
import torch

from bodyswap.keypoints.posemap import draw_pose_map
from bodyswap.skeleton import COCO_17, COCO_WHOLEBODY_133, HALPE_26, Skeleton
from bodyswap.stage.cast import VEGA
from tests.motions_on_stage import stage_poses
from tests.whole_people import as_skeleton

JOINTS = len(COCO_17.joints)
LEFT_FOREARM = COCO_17.limbs.index(("left_elbow", "left_wrist"))


def _forearm(elbow: tuple[float, float], wrist: tuple[float, float]) -> torch.Tensor:
    points = torch.full((1, JOINTS, 2), 10.0)
    points[0, COCO_17.joint("left_elbow")] = torch.tensor(elbow)
    points[0, COCO_17.joint("left_wrist")] = torch.tensor(wrist)
    return points


def test_a_limb_is_as_bright_as_its_less_certain_joint() -> None:
    sure = torch.ones(1, JOINTS)
    sure[0, COCO_17.joint("left_wrist")] = 0.4
    limbs = draw_pose_map(_forearm((20, 30), (50, 30)), sure, COCO_17, 64, 96)
    assert limbs[0, LEFT_FOREARM, 30, 35].item() == pytest.approx(0.4)


def test_pixels_off_the_limb_are_dark_and_the_line_ends_at_its_joints() -> None:
    limbs = draw_pose_map(_forearm((20, 30), (50, 30)), torch.ones(1, JOINTS), COCO_17, 64, 96)
    forearm = limbs[0, LEFT_FOREARM]
    assert forearm[30, 20:51].min() > 0.9999
    assert forearm[34:].max() == 0
    assert forearm[:27].max() == 0
    assert forearm[:, 55:].max() == 0


def test_an_absent_joint_leaves_its_limbs_dark_even_where_it_is_not_a_number() -> None:
    points = _forearm((20, 30), (50, 30))
    sure = torch.ones(1, JOINTS)
    points[0, COCO_17.joint("left_wrist")] = float("nan")
    assert draw_pose_map(points, sure, COCO_17, 64, 64)[0, LEFT_FOREARM].max() == 0
    assert torch.isfinite(draw_pose_map(points, sure, COCO_17, 64, 64)).all()


def test_lines_grow_with_the_map() -> None:
    sure = torch.ones(1, JOINTS)
    small = draw_pose_map(_forearm((20, 30), (50, 30)), sure, COCO_17, 64, 64)[0, LEFT_FOREARM]
    large = draw_pose_map(_forearm((160, 240), (400, 240)), sure, COCO_17, 512, 512)
    assert (large[0, LEFT_FOREARM, :, 250] > 0.5).sum() > (small[:, 35] > 0.5).sum()


def test_each_pose_of_a_batch_is_drawn_as_it_would_be_alone() -> None:
    generator = np.random.default_rng(3)
    points = torch.from_numpy(generator.uniform(-20, 80, (3, JOINTS, 2)).astype(np.float32))
    sure = torch.from_numpy(generator.uniform(0, 1, (3, JOINTS)).astype(np.float32))
    together = draw_pose_map(points, sure, COCO_17, 32, 64)
    assert together.shape == (3, len(COCO_17.limbs), 32, 64)
    assert together.min() >= 0
    assert together.max() <= 1
    for index in range(3):
        alone = draw_pose_map(points[index, None], sure[index, None], COCO_17, 32, 64)
        assert torch.equal(together[index], alone[0])


def _whole(skeleton: Skeleton, frames: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    poses = as_skeleton(stage_poses(VEGA, "punch", size=128), skeleton)
    points = torch.from_numpy(poses.keypoints_NK2[:frames])
    return points, torch.from_numpy(poses.confidence_NK[:frames].copy())


def test_a_body_is_drawn_alike_whatever_else_its_skeleton_has() -> None:
    plain = draw_pose_map(*_whole(COCO_17), COCO_17, 128, 128)
    for skeleton in (HALPE_26, COCO_WHOLEBODY_133):
        drawn = draw_pose_map(*_whole(skeleton), skeleton, 128, 128)
        assert drawn.shape == (1, skeleton.channels, 128, 128)
        assert torch.equal(drawn[:, :18], plain)
        assert (drawn.amax(dim=(2, 3)) > 0.6).all()


def test_a_whole_body_is_drawn_as_each_of_its_limbs_alone_would_be() -> None:
    """Windows and shared channels change nothing: drawn one by one, the brightest is the same."""
    points, sure = _whole(COCO_WHOLEBODY_133, frames=3)
    generator = np.random.default_rng(5)
    sure *= torch.from_numpy(generator.uniform(0, 1, sure.shape).astype(np.float32))
    points[1] += 70  # a pose half out of the map
    together = draw_pose_map(points, sure, COCO_WHOLEBODY_133, 128, 128)
    alone = torch.zeros_like(together)
    for (a, b), channel in zip(
        COCO_WHOLEBODY_133.limb_indices, COCO_WHOLEBODY_133.channels_of_limbs, strict=True
    ):
        only = torch.zeros_like(sure)
        only[:, [a, b]] = sure[:, [a, b]]
        drawn = draw_pose_map(points, only, COCO_WHOLEBODY_133, 128, 128)[:, channel]
        alone[:, channel] = torch.maximum(alone[:, channel], drawn)
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


def test_an_unseen_hand_is_dark_and_one_out_of_the_map_harms_nobody() -> None:
    points, sure = _whole(COCO_WHOLEBODY_133)
    left = [i for i, name in enumerate(COCO_WHOLEBODY_133.joints) if name.startswith("left_")]
    hands = slice(27, 31)
    assert (draw_pose_map(points, sure, COCO_WHOLEBODY_133, 128, 128)[:, hands] > 0.5).any()
    sure[:, left] = 0
    dark = draw_pose_map(points, sure, COCO_WHOLEBODY_133, 128, 128)
    assert dark[:, 27:29].max() == 0
    assert dark[:, 29:31].max() > 0.5
    points[:, 91:] = -900.0
    sure[:] = 1
    assert draw_pose_map(points, sure, COCO_WHOLEBODY_133, 128, 128)[:, hands].max() == 0


def test_fingers_are_drawn_finer_than_arms() -> None:
    points, sure = _whole(COCO_WHOLEBODY_133)
    drawn = draw_pose_map(points * 4, sure, COCO_WHOLEBODY_133, 512, 512)[0]
    joint = COCO_WHOLEBODY_133.joint
    ends = (
        (0, joint("left_shoulder"), joint("left_elbow")),
        (27, joint("left_middle_finger1"), joint("left_middle_finger4")),
    )
    widths = [
        float((drawn[channel] > 0.5).sum() / (points[0, a] - points[0, b]).norm())
        for channel, a, b in ends
    ]
    assert widths[1] / 3 < 0.6 * widths[0]  # three fingers in that channel


def test_a_window_has_the_limbs_of_the_picture_it_is_cut_from() -> None:
    sure = torch.ones(1, JOINTS)
    whole = draw_pose_map(_forearm((20, 30), (50, 30)), sure, COCO_17, 256, 256)
    window = draw_pose_map(_forearm((20, 30), (50, 30)), sure, COCO_17, 64, 64, picture_height=256)
    assert torch.equal(window, whole[:, :, :64, :64])
