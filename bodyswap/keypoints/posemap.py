"""Draws the pose map: a person's limbs as lines, as bright as their pose is certain.

It does not know who is in the picture or how the joints were found.

Limbs of the body and the feet are drawn all over the map, a channel each. Those of face and hands
are many and short, so they are drawn only where they are, and share channels.

Shape letters: B batch, K joints, L limbs, C channels, H rows, W columns, 2 = x and y in pixels (the
centre of the top-left pixel is 0, 0).
"""

import math
from itertools import groupby

import torch
from torch import Tensor

from bodyswap.skeleton import Part, Skeleton

RADIUS_OF_HEIGHT = 1 / 110
"""Half a thigh's thickness, in map heights: 2.3 pixels at 256."""

SOFT_EDGE_PX = 1.5


def draw_pose_map(
    keypoints_BK2: Tensor,
    confidence_BK: Tensor,
    skeleton: Skeleton,
    height: int,
    width: int,
    *,
    picture_height: int | None = None,
) -> Tensor:
    """The limbs as soft-edged lines, in [0, 1] and on the keypoints' own device: (B, C, H, W).

    A limb is as bright as the less certain of its two joints, so an absent joint leaves its limbs
    dark; a joint that is not finite counts as absent. A map of a window has the limbs of the
    picture it is a window of, `picture_height` pixels high: they are as thick as in the whole.
    """
    of_height = picture_height or height
    known_BK = torch.isfinite(keypoints_BK2).all(dim=-1)
    points_BK2 = torch.where(known_BK[..., None], keypoints_BK2, 0.0).float()
    sure_BK = torch.where(known_BK, confidence_BK, 0.0).float().clamp(0, 1)
    drawn = []
    for part, limbs in _runs_of_parts(skeleton):
        lines = _Lines(points_BK2, sure_BK, skeleton, limbs)
        draw = _draw_near if part.is_fine else _draw_everywhere
        drawn.append(draw(lines, _reach_px(part, of_height), height, width))
    return drawn[0] if len(drawn) == 1 else torch.cat(drawn, dim=1)


class _Lines:
    """Some limbs: their ends, their brightness, and which of their own channels each is in."""

    def __init__(
        self, points_BK2: Tensor, sure_BK: Tensor, skeleton: Skeleton, limbs: list[int]
    ) -> None:
        ends = torch.tensor([skeleton.limb_indices[limb] for limb in limbs])
        first_L, second_L = ends.to(points_BK2.device).unbind(dim=1)
        self.start_BL2, self.end_BL2 = points_BK2[:, first_L], points_BK2[:, second_L]
        self.brightness_BL = torch.minimum(sure_BK[:, first_L], sure_BK[:, second_L])
        channels = [skeleton.channels_of_limbs[limb] for limb in limbs]
        self.channels = [channel - channels[0] for channel in channels]


def _runs_of_parts(skeleton: Skeleton) -> list[tuple[Part, list[int]]]:
    """Limbs that follow on one another and are of one part; no channel is in two runs."""
    runs = groupby(range(len(skeleton.limbs)), key=skeleton.parts_of_limbs.__getitem__)
    return [(part, list(limbs)) for part, limbs in runs]


def _reach_px(part: Part, height: int) -> float:
    """How far from a limb's middle line it still shows."""
    return max(height * RADIUS_OF_HEIGHT * part.thickness, SOFT_EDGE_PX / 2) + SOFT_EDGE_PX / 2


def _draw_everywhere(lines: _Lines, reach_px: float, height: int, width: int) -> Tensor:
    device = lines.start_BL2.device
    x_W, y_H = torch.arange(width, device=device), torch.arange(height, device=device)
    return _coverage(lines, slice(None), x_W, y_H, reach_px)


def _draw_near(lines: _Lines, reach_px: float, height: int, width: int) -> Tensor:
    """Each pose's limbs in the smallest window that holds them; of a channel's, the brightest."""
    device, count = lines.start_BL2.device, len(lines.start_BL2)
    channel_L11 = torch.tensor(lines.channels, device=device)[:, None, None]
    map_BCHW = torch.zeros(count, lines.channels[-1] + 1, height, width, device=device)
    for pose, (x0, y0, x1, y1) in enumerate(_windows(lines, reach_px, height, width)):
        if x0 >= x1 or y0 >= y1:
            continue
        x_W, y_H = torch.arange(x0, x1, device=device), torch.arange(y0, y1, device=device)
        drawn_LHW = _coverage(lines, slice(pose, pose + 1), x_W, y_H, reach_px)[0]
        window_CHW = map_BCHW[pose, :, y0:y1, x0:x1]
        window_CHW.scatter_reduce_(0, channel_L11.expand_as(drawn_LHW), drawn_LHW, "amax")
    return map_BCHW


def _windows(lines: _Lines, reach_px: float, height: int, width: int) -> list[list[int]]:
    """x0, y0, x1, y1 around each pose's limbs that are there; empty where none is."""
    points_BP2 = torch.cat([lines.start_BL2, lines.end_BL2], dim=1)
    is_there_BP1 = (lines.brightness_BL > 0).repeat(1, 2)[..., None]
    low_B2 = torch.where(is_there_BP1, points_BP2, math.inf).amin(dim=1) - reach_px
    high_B2 = torch.where(is_there_BP1, points_BP2, -math.inf).amax(dim=1) + reach_px + 1
    sides_2 = torch.tensor([width, height], device=points_BP2.device)
    corners_B4 = torch.cat(
        [torch.minimum(low_B2.floor(), sides_2).clamp(min=0),
         torch.minimum(high_B2.ceil(), sides_2).clamp(min=0)], dim=1
    )  # fmt: skip
    windows: list[list[int]] = corners_B4.long().tolist()
    return windows


def _coverage(lines: _Lines, poses: slice, x_W: Tensor, y_H: Tensor, reach_px: float) -> Tensor:
    """How brightly each limb of some poses shows at these columns and rows: (B, L, H, W)."""
    squared_BLHW = _squared_distance(lines.start_BL2[poses], lines.end_BL2[poses], x_W, y_H)
    coverage_BLHW = squared_BLHW.sqrt_().neg_().add_(reach_px).mul_(1 / SOFT_EDGE_PX).clamp_(0, 1)
    return coverage_BLHW.mul_(lines.brightness_BL[poses][..., None, None])


def _squared_distance(start_BL2: Tensor, end_BL2: Tensor, x_W: Tensor, y_H: Tensor) -> Tensor:
    """Of every pixel to every segment; in place where it can be, for this runs every frame."""
    along_BL2 = end_BL2 - start_BL2
    step_BL2 = along_BL2 / (along_BL2 * along_BL2).sum(-1, keepdim=True).clamp(min=1e-6)
    x_BLW = x_W - start_BL2[..., 0:1]
    y_BLH = y_H - start_BL2[..., 1:2]
    part_x_BLW, part_y_BLH = x_BLW * step_BL2[..., 0:1], y_BLH * step_BL2[..., 1:2]
    place_BLHW = (part_y_BLH[..., :, None] + part_x_BLW[..., None, :]).clamp_(0, 1)
    off_x_BLHW = torch.addcmul(
        x_BLW[..., None, :], place_BLHW, along_BL2[..., 0, None, None], value=-1
    )
    off_y_BLHW = torch.addcmul(
        y_BLH[..., :, None], place_BLHW, along_BL2[..., 1, None, None], value=-1
    )
    return off_x_BLHW.square_().add_(off_y_BLHW.square_())
