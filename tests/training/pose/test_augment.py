from functools import cache

import numpy as np
import pytest
import torch

from bodyswap.skeleton import COCO_17
from bodyswap.training.pose.augment import Augmentation, Augmenter, Batch
from bodyswap.training.pose.samples import ABSENT, KNOWN

SIDE = 64
JOINT = COCO_17.joint("left_wrist")


@cache
def _spot() -> Batch:
    """A dark view with one bright blob, where the left wrist is."""
    rgb = torch.full((8, 3, SIDE, SIDE), 20, dtype=torch.uint8)
    rgb[:, :, 24:27, 38:41] = 255
    keypoints = torch.full((8, 17, 2), 30.0)
    keypoints[:, JOINT] = torch.tensor([39.0, 25.0])
    return Batch(
        rgb_B3SS=rgb,
        matte_B1SS=torch.full((8, 1, SIDE, SIDE), 255, dtype=torch.uint8),
        keypoints_BK2=keypoints,
        state_BK=torch.full((8, 17), KNOWN),
        box_B4=torch.tensor([[18.0, 14, 46, 50]]).repeat(8, 1),
    )


def _augmenter(**changes: float) -> Augmenter:
    calm = dict.fromkeys(
        ("recolour_share", "grey_share", "blur_share", "motion_share", "noise_share",
         "occluder_share", "neighbour_share", "elsewhere_share"), 0.0,
    )  # fmt: skip
    pictures = torch.zeros(2, 3, 384, 384, dtype=torch.uint8)
    return Augmenter(pictures, Augmentation(**(calm | changes)), height=128, width=96)


def test_joints_move_with_the_pixels_they_lie_on() -> None:
    augmenter = _augmenter(any_rotation_share=0.5)
    crops = augmenter(_spot(), torch.Generator().manual_seed(3))
    checked = 0
    for rgb, places, state in zip(crops.rgb_B3HW, crops.keypoints_BK2, crops.state_BK, strict=True):
        joint = next(
            index
            for index in (JOINT, COCO_17.mirrored[JOINT])
            if (places[index] != places[0]).any()
        )
        x, y = places[joint].tolist()
        if state[joint] == KNOWN and 12 < x < 84 and 12 < y < 116:  # the whole blob is in the crop
            checked += 1
            bright = torch.nonzero(rgb[1] > 0.9 * rgb[1].max()).float().mean(dim=0).flip(0)
            torch.testing.assert_close(bright, places[joint], atol=1.6, rtol=0)
    assert checked >= 3


def test_the_same_generator_draws_the_same_crops() -> None:
    first, again = (_augmenter()(_spot(), torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first.rgb_B3HW, again.rgb_B3HW)


def test_joints_beyond_the_crop_become_absent() -> None:
    batch = _spot()
    batch = Batch(**{**vars(batch), "keypoints_BK2": batch.keypoints_BK2 + 500})
    crops = _augmenter()(batch, torch.Generator().manual_seed(1))
    assert (crops.state_BK == ABSENT).all()


def test_empty_crops_hold_nobody() -> None:
    crops = _augmenter().empty(3, torch.Generator().manual_seed(1))
    assert crops.rgb_B3HW.shape == (3, 3, 128, 96) and (crops.state_BK == ABSENT).all()


@pytest.mark.parametrize("share", ["recolour_share", "noise_share", "occluder_share", "blur_share"])
def test_each_change_changes_pictures_and_stays_in_range(share: str) -> None:
    plain = _augmenter()(_spot(), torch.Generator().manual_seed(2)).rgb_B3HW
    changed = _augmenter(**{share: 1.0})(_spot(), torch.Generator().manual_seed(2)).rgb_B3HW
    assert not torch.equal(plain, changed)
    assert changed.min() >= 0 and changed.max() <= 1 and not np.isnan(changed.numpy()).any()
