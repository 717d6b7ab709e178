"""The pose loss: where a joint is, as two one-dimensional distributions, and whether it is there.

It does not know pictures or optimisers. SimCC (Li et al., 2022) with RTMPose's temperature; the
presence term is this project's: it makes the raw maximum, MMPose's keypoint score, mean something.

Shape letters: B samples, K joints, X and Y bins along the width and the height, 2 = x, y.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from bodyswap.training.pose.samples import ABSENT, KNOWN

SPLIT_RATIO = 2.0
SIGMA_BINS = (4.9, 5.66)
TEMPERATURE = 10.0
_PRESENCE_WEIGHT = 2.0
_FAR_SHARE = 0.1
_NEAR_SHARE = 0.06
"""A place this far off, over the box's longer side, still deserves 60 percent confidence."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """`total` is what training minimises; the others are its parts, for the log."""

    total: Tensor
    place: Tensor
    presence: Tensor


def pose_loss(
    x_BKX: Tensor, y_BKY: Tensor, keypoints_BK2: Tensor, state_BK: Tensor, box_side_B: Tensor
) -> Loss:
    """Divergence from the true places of known joints, and squared error of the presence score.

    Places are in network-input pixels, as is `box_side_B`.
    """
    known_BK = state_BK == KNOWN
    place_BK = _divergence(x_BKX, keypoints_BK2[..., 0], SIGMA_BINS[0])
    place_BK = place_BK + _divergence(y_BKY, keypoints_BK2[..., 1], SIGMA_BINS[1])
    place = (place_BK * known_BK).sum() / known_BK.sum().clamp(min=1)
    score_BK = torch.minimum(x_BKX.amax(dim=-1), y_BKY.amax(dim=-1))
    aim_BK = _earned_confidence(x_BKX, y_BKY, keypoints_BK2, box_side_B) * known_BK
    counted_BK = known_BK | (state_BK == ABSENT)
    error_BK = (score_BK - aim_BK) ** 2
    presence = (error_BK * counted_BK).sum() / counted_BK.sum().clamp(min=1)
    return Loss(total=place + _PRESENCE_WEIGHT * presence, place=place, presence=presence)


@torch.no_grad()
def sample_errors(
    x_BKX: Tensor, y_BKY: Tensor, keypoints_BK2: Tensor, state_BK: Tensor, box_side_B: Tensor
) -> Tensor:
    """How wrong each sample's known joints are (B): 0 in place, 1 a tenth of the box off."""
    known_BK = state_BK == KNOWN
    away_BK = (read_places(x_BKX, y_BKY) - keypoints_BK2).norm(dim=-1)
    share_BK = (away_BK / (_FAR_SHARE * box_side_B[:, None])).clamp(max=1)
    error_B: Tensor = (share_BK * known_BK).sum(dim=1) / known_BK.sum(dim=1).clamp(min=1)
    return error_B


def map_loss(logits_BKHW: Tensor, keypoints_BK2: Tensor, state_BK: Tensor) -> Tensor:
    """Cross entropy of a coarse map against each known joint, shared out bilinearly.

    Joints are in cells of the map. It teaches the early layers where joints are long before the
    two distributions, which see the maps only through dense layers, can.
    """
    known_BK = state_BK == KNOWN
    label_BKN = splat(keypoints_BK2, *logits_BKHW.shape[-2:]).flatten(2)
    log_BKN = torch.log_softmax(logits_BKHW.flatten(2), dim=-1)
    return -((label_BKN * log_BKN).sum(dim=-1) * known_BK).sum() / known_BK.sum().clamp(min=1)


def splat(cells_BK2: Tensor, height: int, width: int) -> Tensor:
    """Each joint shared out bilinearly over the four cells around it (B, K, H, W)."""
    y_H = torch.arange(height, device=cells_BK2.device)
    x_W = torch.arange(width, device=cells_BK2.device)
    x_BK = cells_BK2[..., 0].clamp(0, width - 1)
    y_BK = cells_BK2[..., 1].clamp(0, height - 1)
    row_BKH = (1 - (y_H - y_BK[..., None]).abs()).clamp(min=0)
    column_BKW = (1 - (x_W - x_BK[..., None]).abs()).clamp(min=0)
    return row_BKH[..., :, None] * column_BKW[..., None, :]


def read_places(x_BKX: Tensor, y_BKY: Tensor) -> Tensor:
    """The most likely places (B, K, 2), in network-input pixels."""
    return torch.stack([x_BKX.argmax(dim=-1), y_BKY.argmax(dim=-1)], dim=-1) / SPLIT_RATIO


def _divergence(logits_BKN: Tensor, centre_BK: Tensor, sigma_bins: float) -> Tensor:
    bins_N = torch.arange(logits_BKN.shape[-1], device=logits_BKN.device)
    away_BKN = (bins_N - centre_BK[..., None] * SPLIT_RATIO) / sigma_bins
    label_BKN = torch.softmax(TEMPERATURE * torch.exp(-0.5 * away_BKN**2), dim=-1)
    log_BKN = torch.log_softmax(TEMPERATURE * logits_BKN, dim=-1)
    return (label_BKN * (label_BKN.clamp(min=1e-12).log() - log_BKN)).sum(dim=-1)


@torch.no_grad()
def _earned_confidence(
    x_BKX: Tensor, y_BKY: Tensor, keypoints_BK2: Tensor, box_side_B: Tensor
) -> Tensor:
    """What the score should be: 1 for a place found exactly, less the farther off it is."""
    away_BK = (read_places(x_BKX, y_BKY) - keypoints_BK2).norm(dim=-1)
    share_BK = away_BK / (_NEAR_SHARE * box_side_B[:, None])
    return 0.2 + 0.8 * torch.exp(-0.7 * share_BK**2)
