"""Renders a stretch of footage with a generator, as a render would: on its own output.

It does not know training or files.

Shape letters: N frames, K joints, H rows, W columns, 2 = x and y in pixels, 3 = red, green, blue.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bodyswap.frames import RGB, Matte
from bodyswap.keypoints.posemap import draw_pose_map
from bodyswap.nets.generator import Generator
from bodyswap.people import PoseSequence


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """What came out: frames over the background, mattes, and the pose maps summed to grey."""

    rgb_NHW3: RGB
    matte_NHW: Matte
    pose_NHW: Matte
    previous_NHW3: RGB


@torch.no_grad()
def roll_out(
    generator: Generator, poses: PoseSequence, background_HW3: RGB, device: torch.device | str
) -> Rollout:
    """Render every pose in turn from no previous frame, over the background."""
    height, width, _ = background_HW3.shape
    plate_13HW = to_signed(background_HW3, device)
    previous_13HW = torch.zeros_like(plate_13HW)
    frames, mattes, maps, befores = [], [], [], []
    for joints_K2, sure_K in zip(poses.keypoints_NK2, poses.confidence_NK, strict=True):
        pose_1LHW = draw_pose_map(
            torch.from_numpy(joints_K2)[None].to(device),
            torch.from_numpy(sure_K)[None].to(device),
            poses.skeleton,
            height,
            width,
        )
        output = generator(pose_1LHW, previous_13HW)
        befores.append(to_bytes(previous_13HW))
        frames.append(to_bytes(output.over(plate_13HW)))
        mattes.append(output.matte_B1HW[0, 0].cpu().numpy())
        maps.append(pose_1LHW[0].amax(dim=0).cpu().numpy())
        previous_13HW = to_signed(frames[-1], device)
    return Rollout(
        rgb_NHW3=np.stack(frames),
        matte_NHW=np.stack(mattes),
        pose_NHW=np.stack(maps),
        previous_NHW3=np.stack(befores),
    )


def to_signed(rgb_HW3: RGB, device: torch.device | str) -> Tensor:
    """An 8-bit frame as (1, 3, H, W) in [-1, 1]."""
    rgb_3HW = torch.tensor(rgb_HW3, device=device).permute(2, 0, 1)
    return rgb_3HW[None].float() / 127.5 - 1


def to_bytes(rgb_13HW: Tensor) -> RGB:
    """(1, 3, H, W) in [-1, 1] as an 8-bit frame."""
    bytes_HW3 = ((rgb_13HW[0] + 1) * 127.5).round().clamp(0, 255).byte().permute(1, 2, 0)
    return bytes_HW3.cpu().numpy()
