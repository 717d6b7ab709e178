"""Teaches a SimCC head to read maps before there are any: poses alone suffice, and cost little.

It does not know pictures. The head sees each joint as a coarse map through dense layers; learning
to read them costs a network many times more from pictures than from maps drawn for known poses.

Shape letters: B samples, K joints, H rows and W columns of a map, 2 = x, y.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from bodyswap.training.pose.augment import Augmenter, PlacedJoints
from bodyswap.training.pose.samples import ABSENT, KNOWN, Samples
from bodyswap.training.pose.simcc import pose_loss, splat

_DOUBTFUL_SHARE = 0.2
_NOBODY_SHARE = 0.06
_PEAK_RATE = 2e-3
_BATCH = 96


def start_head(
    head: nn.Module, samples: Sequence[Samples], augmenter: Augmenter, *, steps: int, seed: int
) -> None:
    """Train the dense layers of an RTMCC head, all but the one that draws its maps."""
    layers = [head.get_submodule(name) for name in ("mlp", "gau", "cls_x", "cls_y")]
    mlp, gau, cls_x, cls_y = layers
    for module in [*mlp.modules(), *gau.modules()]:
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
    parameters = [parameter for layer in layers for parameter in layer.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=0.0, weight_decay=0.01)
    joints = _all_joints(samples)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = _PEAK_RATE * min(1.0, (step + 1) / 100) * (1 - 0.98 * step / steps)
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        placed = _draw_joints(joints, augmenter, generator)
        rows, columns = augmenter.height // 32, augmenter.width // 32
        cells_BK2 = (placed.keypoints_BK2 + 0.5) / 32 - 0.5
        maps = draw_maps(cells_BK2, placed.state_BK, rows, columns, generator)
        features = gau(mlp(maps.flatten(2)))
        loss = pose_loss(
            cls_x(features), cls_y(features), placed.keypoints_BK2, placed.state_BK, placed.side_B
        )
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss.total)
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()


def _all_joints(samples: Sequence[Samples]) -> tuple[Tensor, Tensor, Tensor]:
    keypoints = np.concatenate([part.keypoints_NK2 for part in samples])
    states = np.concatenate([part.state_NK for part in samples])
    boxes = np.concatenate([part.box_N4 for part in samples])
    return torch.from_numpy(keypoints), torch.from_numpy(states).long(), torch.from_numpy(boxes)


def _draw_joints(
    joints: tuple[Tensor, Tensor, Tensor], augmenter: Augmenter, generator: torch.Generator
) -> PlacedJoints:
    chosen = torch.randint(len(joints[0]), (_BATCH,), generator=generator)
    keypoints_NK2, state_NK, box_N4 = joints
    placed = augmenter.place(keypoints_NK2[chosen], state_NK[chosen], box_N4[chosen], generator)
    nobody_B1 = torch.rand(_BATCH, 1, generator=generator) < _NOBODY_SHARE
    state_BK = torch.where(nobody_B1, ABSENT, placed.state_BK)
    return PlacedJoints(keypoints_BK2=placed.keypoints_BK2, state_BK=state_BK, side_B=placed.side_B)


def draw_maps(
    cells_BK2: Tensor, state_BK: Tensor, height: int, width: int, generator: torch.Generator
) -> Tensor:
    """What a half-trained network might say (logits B, K, H, W) of joints at the given cells.

    Some joints are put down vaguely or a little off; joints that are not there leave only noise.
    """
    batch, joints = state_BK.shape
    doubtful_BK = torch.rand(batch, joints, generator=generator) < _DOUBTFUL_SHARE
    astray_BK2 = torch.randn(batch, joints, 2, generator=generator) * doubtful_BK[..., None]
    sharp = splat(cells_BK2, height, width)
    away_BKHW = _squared_distance(cells_BK2 + 0.7 * astray_BK2, height, width)
    vague = torch.exp(-0.5 * away_BKHW / (0.8 + torch.rand(batch, 1, 1, 1, generator=generator)))
    vague = vague / vague.sum(dim=(2, 3), keepdim=True).clamp(min=1e-6)
    share_BK11 = torch.where(doubtful_BK, 1.0, 0.3 * torch.rand(batch, joints, generator=generator))
    share_BK11 = share_BK11[..., None, None]
    known_BK11 = (state_BK == KNOWN)[..., None, None]
    chance = (share_BK11 * vague + (1 - share_BK11) * sharp) * known_BK11
    floor = 10 ** (-3.0 + 1.7 * torch.rand(batch, 1, 1, 1, generator=generator))
    noise = torch.randn(batch, joints, height, width, generator=generator)
    spread = 0.2 + 0.8 * torch.rand(batch, 1, 1, 1, generator=generator)
    level = torch.randn(batch, joints, 1, 1, generator=generator) + 3
    return torch.log(chance + floor) + spread * noise + level


def _squared_distance(cells_BK2: Tensor, height: int, width: int) -> Tensor:
    y_H1 = torch.arange(height)[:, None]
    x_1W = torch.arange(width)[None, :]
    x_BK, y_BK = cells_BK2[..., 0, None, None], cells_BK2[..., 1, None, None]
    return (x_1W - x_BK) ** 2 + (y_H1 - y_BK) ** 2
