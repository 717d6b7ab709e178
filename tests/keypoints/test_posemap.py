"""Pose maps say where each limb is and how sure the pose is of it."""

import numpy as np
import pytest
import torch

from bodyswap.keypoints.posemap import draw_pose_map
from bodyswap.skeleton import COCO_17

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
