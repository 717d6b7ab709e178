"""Cuts boxes out of frames the way MMPose does, all of a batch at once, on the frames' device.

It does not know models. The semantics are GetBBoxCenterScale and TopdownAffine without rotation:
pad the box, widen it to the network's aspect, map it linearly (bilinear, black outside).

Shape letters: N frames, B boxes, H rows, W columns, K joints, 3 = red, green, blue, 2 = x and y,
4 = x0, y0, x1, y1 (frame pixels).
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Regions:
    """Where each crop lies in its frame: a centre and a size, both in frame pixels."""

    centre_B2: Tensor
    size_B2: Tensor


def fit_regions(box_B4: Tensor, *, padding: float, width: int, height: int) -> Regions:
    """The padded regions of boxes, with the aspect of a `width` x `height` input."""
    centre_B2 = (box_B4[:, :2] + box_B4[:, 2:]) / 2
    wide_B, high_B = ((box_B4[:, 2:] - box_B4[:, :2]).clamp(min=1.0) * padding).unbind(1)
    aspect = width / height
    wide_B, high_B = torch.maximum(wide_B, high_B * aspect), torch.maximum(high_B, wide_B / aspect)
    return Regions(centre_B2=centre_B2, size_B2=torch.stack([wide_B, high_B], dim=1))


def cut_crops(
    rgb_NHW3: Tensor,
    frame_B: Tensor,
    regions: Regions,
    *,
    width: int,
    height: int,
    uses_udp: bool = False,
) -> Tensor:
    """The regions as (B, 3, height, width) floats in 0 to 255; `frame_B` picks each one's frame.

    On a processor OpenCV cuts them, as it does for MMPose, ten times faster than torch can there.
    """
    if rgb_NHW3.device.type == "cpu":
        return _cut_by_opencv(rgb_NHW3, frame_B, regions, width, height, uses_udp)
    return cut_on_device(rgb_NHW3, frame_B, regions, width=width, height=height, uses_udp=uses_udp)


def cut_on_device(
    rgb_NHW3: Tensor,
    frame_B: Tensor,
    regions: Regions,
    *,
    width: int,
    height: int,
    uses_udp: bool = False,
) -> Tensor:
    """The same, by torch, wherever the frames are."""
    size_2 = torch.tensor([width, height], device=rgb_NHW3.device)
    last = 1 if uses_udp else 0
    step_B2 = regions.size_B2 / (size_2 - last)
    corner_B2 = regions.centre_B2 - step_B2 * (size_2 - last) / 2
    x_BW = corner_B2[:, :1] + step_B2[:, :1] * torch.arange(width, device=rgb_NHW3.device)
    y_BH = corner_B2[:, 1:] + step_B2[:, 1:] * torch.arange(height, device=rgb_NHW3.device)
    crops_BHW3 = _interpolate(rgb_NHW3, frame_B, x_BW, y_BH)
    return crops_BHW3.permute(0, 3, 1, 2)


def _cut_by_opencv(
    rgb_NHW3: Tensor, frame_B: Tensor, regions: Regions, width: int, height: int, uses_udp: bool
) -> Tensor:
    last = 1 if uses_udp else 0
    far_2 = np.array([width - last, height - last])
    crops = []
    for frame, centre_2, size_2 in zip(
        frame_B.tolist(), regions.centre_B2.numpy(), regions.size_B2.numpy(), strict=True
    ):
        zoom_2 = far_2 / size_2
        matrix_23 = np.array([[zoom_2[0], 0, 0], [0, zoom_2[1], 0]])
        matrix_23[:, 2] = far_2 / 2 - centre_2 * zoom_2
        picture = rgb_NHW3[frame].numpy()
        crops.append(cv2.warpAffine(picture, matrix_23, (width, height), flags=cv2.INTER_LINEAR))
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float()


def to_frame(keypoints_BK2: Tensor, regions: Regions, *, width: int, height: int) -> Tensor:
    """Joints in crop pixels as joints in frame pixels, as MMPose maps them back."""
    size_2 = torch.tensor([width, height], device=keypoints_BK2.device)
    share_BK2 = keypoints_BK2 / size_2 - 0.5
    return share_BK2 * regions.size_B2[:, None] + regions.centre_B2[:, None]


def _interpolate(rgb_NHW3: Tensor, frame_B: Tensor, x_BW: Tensor, y_BH: Tensor) -> Tensor:
    """Bilinear samples at the crossings of x and y; only the pixels needed are ever converted."""
    rows_BHW3 = _weighed(rgb_NHW3, frame_B, x_BW, y_BH.floor())
    below_BHW3 = _weighed(rgb_NHW3, frame_B, x_BW, y_BH.floor() + 1)
    return torch.lerp(rows_BHW3, below_BHW3, (y_BH - y_BH.floor())[:, :, None, None])


def _weighed(rgb_NHW3: Tensor, frame_B: Tensor, x_BW: Tensor, y_BH: Tensor) -> Tensor:
    left_BW = x_BW.floor()
    first = _pixels(rgb_NHW3, frame_B, left_BW, y_BH)
    second = _pixels(rgb_NHW3, frame_B, left_BW + 1, y_BH)
    return torch.lerp(first, second, (x_BW - left_BW)[:, None, :, None])


def _pixels(rgb_NHW3: Tensor, frame_B: Tensor, x_BW: Tensor, y_BH: Tensor) -> Tensor:
    height, width = rgb_NHW3.shape[1:3]
    column_BW = x_BW.clamp(0, width - 1).long()
    row_BH = y_BH.clamp(0, height - 1).long()
    picked = rgb_NHW3[frame_B[:, None, None], row_BH[:, :, None], column_BW[:, None, :]]
    inside_BHW = ((x_BW >= 0) & (x_BW <= width - 1))[:, None, :] & (
        (y_BH >= 0) & (y_BH <= height - 1)
    )[:, :, None]
    return picked.float() * inside_BHW[..., None]
