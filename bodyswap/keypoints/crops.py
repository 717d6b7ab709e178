"""Cuts boxes out of frames the way MMPose does, all of a batch at once, on the frames' device.

It does not know models. The semantics are GetBBoxCenterScale and TopdownAffine: pad the box, widen
it to the network's aspect, turn it about its centre, map it linearly (bilinear, black outside).
A positive turn is clockwise in the picture, as MMPose's bbox_rotation is (there in degrees).

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
    """Where each crop lies in its frame: centre and size in frame pixels, and its turn in radians.

    The size is along the crop's own sides, so a turned region is a turned rectangle.
    """

    centre_B2: Tensor
    size_B2: Tensor
    turn_B: Tensor

    @property
    def axes_B22(self) -> Tensor:
        """Columns: the crop's right and its down, as unit vectors of the frame."""
        cos_B, sin_B = torch.cos(self.turn_B), torch.sin(self.turn_B)
        return torch.stack([cos_B, -sin_B, sin_B, cos_B], dim=1).reshape(-1, 2, 2)


def fit_regions(
    box_B4: Tensor, turn_B: Tensor | None = None, *, padding: float, width: int, height: int
) -> Regions:
    """The padded regions of boxes, with the aspect of a `width` x `height` input."""
    centre_B2 = (box_B4[:, :2] + box_B4[:, 2:]) / 2
    wide_B, high_B = ((box_B4[:, 2:] - box_B4[:, :2]).clamp(min=1.0) * padding).unbind(1)
    aspect = width / height
    wide_B, high_B = torch.maximum(wide_B, high_B * aspect), torch.maximum(high_B, wide_B / aspect)
    turn_B = torch.zeros_like(wide_B) if turn_B is None else turn_B
    size_B2 = torch.stack([wide_B, high_B], dim=1)
    return Regions(centre_B2=centre_B2, size_B2=size_B2, turn_B=turn_B)


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
    last = 1 if uses_udp else 0
    far_2 = torch.tensor([width - last, height - last], device=rgb_NHW3.device)
    step_B2 = regions.size_B2 / far_2
    right_B2, down_B2 = (regions.axes_B22 * step_B2[:, None]).unbind(dim=2)
    x_W = torch.arange(width, device=rgb_NHW3.device) - far_2[0] / 2
    y_H = torch.arange(height, device=rgb_NHW3.device) - far_2[1] / 2
    places_BHW2 = (
        regions.centre_B2[:, None, None]
        + right_B2[:, None, None] * x_W[:, None]
        + down_B2[:, None, None] * y_H[:, None, None]
    )
    return _interpolate(rgb_NHW3, frame_B, *places_BHW2.unbind(dim=3)).permute(0, 3, 1, 2)


def _cut_by_opencv(
    rgb_NHW3: Tensor, frame_B: Tensor, regions: Regions, width: int, height: int, uses_udp: bool
) -> Tensor:
    last = 1 if uses_udp else 0
    far_2 = np.array([width - last, height - last])
    crops = []
    for frame, centre_2, size_2, axes_22 in zip(
        frame_B.tolist(),
        regions.centre_B2.numpy().astype(np.float64),
        regions.size_B2.numpy(),
        regions.axes_B22.numpy(),
        strict=True,
    ):
        to_crop_22 = axes_22.T * (far_2 / size_2)[:, None]
        shift_2 = far_2 / 2 - to_crop_22 @ centre_2
        matrix_23 = np.concatenate([to_crop_22, shift_2[:, None]], axis=1)
        picture = rgb_NHW3[frame].numpy()
        crops.append(cv2.warpAffine(picture, matrix_23, (width, height), flags=cv2.INTER_LINEAR))
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float()


def to_frame(keypoints_BK2: Tensor, regions: Regions, *, width: int, height: int) -> Tensor:
    """Joints in crop pixels as joints in frame pixels, as MMPose maps them back."""
    size_2 = torch.tensor([width, height], device=keypoints_BK2.device)
    along_BK2 = (keypoints_BK2 / size_2 - 0.5) * regions.size_B2[:, None]
    return along_BK2 @ regions.axes_B22.transpose(1, 2) + regions.centre_B2[:, None]


def _interpolate(rgb_NHW3: Tensor, frame_B: Tensor, x_BHW: Tensor, y_BHW: Tensor) -> Tensor:
    """Bilinear samples at the places x, y; only the pixels needed are ever converted."""
    left_BHW, top_BHW = x_BHW.floor(), y_BHW.floor()
    share_BHW1 = (x_BHW - left_BHW)[..., None]
    rows = [
        torch.lerp(
            _pixels(rgb_NHW3, frame_B, left_BHW, row_BHW),
            _pixels(rgb_NHW3, frame_B, left_BHW + 1, row_BHW),
            share_BHW1,
        )
        for row_BHW in (top_BHW, top_BHW + 1)
    ]
    return torch.lerp(rows[0], rows[1], (y_BHW - top_BHW)[..., None])


def _pixels(rgb_NHW3: Tensor, frame_B: Tensor, x_BHW: Tensor, y_BHW: Tensor) -> Tensor:
    height, width = rgb_NHW3.shape[1:3]
    column_BHW = x_BHW.clamp(0, width - 1).long()
    row_BHW = y_BHW.clamp(0, height - 1).long()
    picked = rgb_NHW3[frame_B[:, None, None], row_BHW, column_BHW]
    inside_BHW = (x_BHW >= 0) & (x_BHW <= width - 1) & (y_BHW >= 0) & (y_BHW <= height - 1)
    return picked.float() * inside_BHW[..., None]
