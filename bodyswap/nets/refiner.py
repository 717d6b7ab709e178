"""The refiner: a small network that looks at a close-up again and changes what it must.

It does not know where the close-up was cut from. The face generator of Everybody Dance Now (Chan
et al. 2019): a residual predicted from the pose and the picture, judged by a discriminator of its
own.

Shape letters: B batch, L channels of the close-up's pose map, S window side, 3 = red, green, blue.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from bodyswap.nets.layers import ResidualBlock, convolution

_DEPTH = 2
_SOFT_SHARE = 0.2
"""How much of the window's side fades the change out, so that its edge is never seen."""


class Refiner(nn.Module):
    """What to add to a close-up's colour, in [-1, 1]; nothing at all before it has learnt."""

    def __init__(self, pose_channels: int, *, channels: int, blocks: int) -> None:
        super().__init__()
        widths = [channels << level for level in range(_DEPTH + 1)]
        self.entry = nn.Sequential(*convolution(pose_channels + 3, channels, 3), nn.ReLU())
        self.down = nn.ModuleList(
            nn.Sequential(*convolution(thin, thick, 3, stride=2), nn.ReLU())
            for thin, thick in pairwise(widths)
        )
        self.blocks = nn.Sequential(*(ResidualBlock(widths[-1]) for _ in range(blocks)))
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.Upsample(scale_factor=2, mode="nearest"),
                *convolution(thick, thin, 3),
                nn.ReLU(),
            )
            for thick, thin in pairwise(reversed(widths))
        )
        self.exit = nn.Conv2d(channels, 3, 3, padding=1)
        nn.init.zeros_(self.exit.weight)
        nn.init.zeros_(self.exit.bias)  # type: ignore[arg-type]  # it has one

    def forward(self, pose_BLSS: Tensor, rgb_B3SS: Tensor) -> Tensor:
        features = self.entry(torch.cat([pose_BLSS, rgb_B3SS], dim=1))
        skips = []
        for down in self.down:
            skips.append(features)
            features = down(features)
        features = self.blocks(features)
        for up in self.up:
            features = up(features) + skips.pop()
        change_B3SS = torch.tanh(self.exit(features).float())
        return change_B3SS * _soft_window(rgb_B3SS)


def _soft_window(picture_BCHW: Tensor) -> Tensor:
    """1 in the middle, falling to 0 at the edge: (H, W)."""
    sides = [_fade(length, picture_BCHW.device) for length in picture_BCHW.shape[2:]]
    return sides[0][:, None] * sides[1][None, :]


def _fade(length: int, device: torch.device) -> Tensor:
    place = torch.arange(length, device=device)
    from_edge = torch.minimum(place, length - 1 - place) / (length * _SOFT_SHARE)
    return torch.sin(from_edge.clamp(max=1) * (torch.pi / 2)) ** 2
