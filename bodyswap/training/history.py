"""The previous frames that a rollout gives the generator: its own, clouded, zeroed, or not its own.

It does not know networks. Shape letters: B sequences, H rows, W columns, 3 = red, green, blue in
[-1, 1]. The last `twins` of B are the first ones again, and begin from another previous frame:
nothing, noise, or a frame of somebody elsewhere.
"""

import torch
from torch import Tensor

from bodyswap.training.config import Disturbance

_FIRST, _LATER = 1.0, 0.2
"""How often there is no previous frame, of `previous_zeroed`: at a rollout's first frame, later."""


def first_previous(
    real_before_B3HW: Tensor, twins: int, disturbance: Disturbance, chance: torch.Generator
) -> Tensor:
    """What a rollout begins from: the filmed frame before it, but another one for the twins."""
    own_B3HW = cloud(real_before_B3HW, disturbance, chance, odds=_FIRST)
    count = len(own_B3HW) - twins
    others = [
        _another_start(real_before_B3HW, row, count, chance) for row in range(count, count + twins)
    ]
    return torch.cat([own_B3HW[:count], *others])


def next_previous(
    rendered_B3HW: Tensor, disturbance: Disturbance, chance: torch.Generator
) -> Tensor:
    """What a rollout goes on from: its last frame as 8 bits hold it, sometimes noised or lost."""
    return cloud(as_stored(rendered_B3HW), disturbance, chance, odds=_LATER)


def as_stored(frame_B3HW: Tensor) -> Tensor:
    """As an 8-bit frame would hold it."""
    return ((frame_B3HW + 1) * 127.5).round() / 127.5 - 1


def cloud(
    frame_B3HW: Tensor, disturbance: Disturbance, chance: torch.Generator, *, odds: float
) -> Tensor:
    """Noise of a random level on each sequence's frame; none at all left of some."""
    count = len(frame_B3HW)
    kept_B = (torch.rand(count, generator=chance) >= disturbance.previous_zeroed * odds).float()
    level_B = torch.rand(count, generator=chance) * disturbance.previous_noise
    noise_B3HW = torch.randn(frame_B3HW.shape, generator=chance) * level_B.view(-1, 1, 1, 1)
    noisy_B3HW = frame_B3HW + noise_B3HW.to(frame_B3HW.device)
    return noisy_B3HW * kept_B.to(frame_B3HW.device).view(-1, 1, 1, 1)


def _another_start(real_B3HW: Tensor, row: int, count: int, chance: torch.Generator) -> Tensor:
    """One frame (1, 3, H, W) that is not the one before this row's."""
    kind = int(torch.randint(3, (1,), generator=chance))
    if kind == 0:
        return torch.zeros_like(real_B3HW[:1])
    if kind == 1:
        return (torch.rand(real_B3HW[:1].shape, generator=chance) * 2 - 1).to(real_B3HW.device)
    elsewhere = (row - count + 1) % count
    return real_B3HW[elsewhere][None].flip(3)
