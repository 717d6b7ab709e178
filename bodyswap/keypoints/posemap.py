"""Draws the pose map: one channel a limb, as bright as its pose is certain.

It does not know who is in the picture or how the joints were found.

Shape letters: B batch, K joints, L limbs, H rows, W columns, 2 = x and y in pixels (the centre of
the top-left pixel is 0, 0).
"""

import torch
from torch import Tensor

from bodyswap.skeleton import Skeleton

RADIUS_OF_HEIGHT = 1 / 110
"""Half a limb's thickness, in map heights: 2.3 pixels at 256."""

SOFT_EDGE_PX = 1.5


def draw_pose_map(
    keypoints_BK2: Tensor, confidence_BK: Tensor, skeleton: Skeleton, height: int, width: int
) -> Tensor:
    """The limbs as soft-edged lines, in [0, 1] and on the keypoints' own device: (B, L, H, W).

    A limb is as bright as the less certain of its two joints, so an absent joint leaves its limbs
    dark; a joint that is not finite counts as absent.
    """
    first_L, second_L = _limb_ends(skeleton, keypoints_BK2.device)
    known_BK = torch.isfinite(keypoints_BK2).all(dim=-1)
    points_BK2 = torch.where(known_BK[..., None], keypoints_BK2, 0.0).float()
    sure_BK = torch.where(known_BK, confidence_BK, 0.0).float().clamp(0, 1)
    brightness_BL = torch.minimum(sure_BK[:, first_L], sure_BK[:, second_L])
    squared_BLHW = _squared_distance(points_BK2[:, first_L], points_BK2[:, second_L], height, width)
    reach = max(height * RADIUS_OF_HEIGHT, SOFT_EDGE_PX / 2) + SOFT_EDGE_PX / 2
    coverage_BLHW = squared_BLHW.sqrt_().neg_().add_(reach).mul_(1 / SOFT_EDGE_PX).clamp_(0, 1)
    return coverage_BLHW.mul_(brightness_BL[..., None, None])


def _limb_ends(skeleton: Skeleton, device: torch.device) -> tuple[Tensor, Tensor]:
    ends = torch.tensor(skeleton.limb_indices, device=device)
    return ends[:, 0], ends[:, 1]


def _squared_distance(start_BL2: Tensor, end_BL2: Tensor, height: int, width: int) -> Tensor:
    """Of every pixel to every segment; in place where it can be, for this runs every frame."""
    along_BL2 = end_BL2 - start_BL2
    step_BL2 = along_BL2 / (along_BL2 * along_BL2).sum(-1, keepdim=True).clamp(min=1e-6)
    device = start_BL2.device
    x_BLW = torch.arange(width, device=device) - start_BL2[..., 0:1]
    y_BLH = torch.arange(height, device=device) - start_BL2[..., 1:2]
    part_x_BLW, part_y_BLH = x_BLW * step_BL2[..., 0:1], y_BLH * step_BL2[..., 1:2]
    place_BLHW = (part_y_BLH[..., :, None] + part_x_BLW[..., None, :]).clamp_(0, 1)
    off_x_BLHW = torch.addcmul(
        x_BLW[..., None, :], place_BLHW, along_BL2[..., 0, None, None], value=-1
    )
    off_y_BLHW = torch.addcmul(
        y_BLH[..., :, None], place_BLHW, along_BL2[..., 1, None, None], value=-1
    )
    return off_x_BLHW.square_().add_(off_y_BLHW.square_())
