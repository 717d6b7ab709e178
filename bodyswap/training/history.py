"""The previous frames that a rollout gives the generator: its own, clouded, zeroed, or not its own.

It does not know networks. Each sequence has a chance of its own, whatever batch it is in.

Shape letters: B sequences, H rows, W columns, 3 = red, green, blue in [-1, 1]. The last `twins` of
B are the first ones again, and begin from another previous frame: nothing, noise, or the person
elsewhere.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from bodyswap.training.config import Disturbance

_FIRST, _LATER = 1.0, 0.2
"""How often there is no previous frame, of `previous_zeroed`: at a rollout's first frame, later."""


Chances = Sequence[torch.Generator]
"""One for each sequence."""


def first_previous(
    before_B3HW: Tensor, far_B3HW: Tensor, twins: int, disturbance: Disturbance, chances: Chances
) -> Tensor:
    """What a rollout begins from: the filmed frame before it, but another one for the twins.

    `far_B3HW` are frames of the same sequences as far from the first as there are.
    """
    count = len(before_B3HW) - twins
    own_B3HW = cloud(before_B3HW[:count], disturbance, chances[:count], odds=_FIRST)
    others = [_another_start(far_B3HW[row], chances[row]) for row in range(count, count + twins)]
    return torch.stack([*own_B3HW, *others])


def next_previous(rendered_B3HW: Tensor, disturbance: Disturbance, chances: Chances) -> Tensor:
    """What a rollout goes on from: its last frame as 8 bits hold it, sometimes noised or lost."""
    return cloud(as_stored(rendered_B3HW), disturbance, chances, odds=_LATER)


def as_stored(frame_B3HW: Tensor) -> Tensor:
    """As an 8-bit frame would hold it."""
    return ((frame_B3HW + 1) * 127.5).round() / 127.5 - 1


def cloud(frame_B3HW: Tensor, disturbance: Disturbance, chances: Chances, *, odds: float) -> Tensor:
    """Noise of a random level on each sequence's frame; none at all left of some."""
    pairs = zip(frame_B3HW, chances, strict=True)
    return torch.stack([_clouded(frame, disturbance, chance, odds) for frame, chance in pairs])


def _clouded(
    frame_3HW: Tensor, disturbance: Disturbance, chance: torch.Generator, odds: float
) -> Tensor:
    is_kept = torch.rand(1, generator=chance) >= disturbance.previous_zeroed * odds
    level = torch.rand(1, generator=chance) * disturbance.previous_noise
    noise_3HW = torch.randn(frame_3HW.shape, generator=chance) * level
    noisy_3HW = frame_3HW + noise_3HW.to(frame_3HW.device)
    return noisy_3HW * is_kept.to(frame_3HW.device)


def _another_start(far_3HW: Tensor, chance: torch.Generator) -> Tensor:
    """A frame that is not the one before: nothing, noise, or a far one in the mirror."""
    kind = int(torch.randint(3, (1,), generator=chance))
    if kind == 0:
        return torch.zeros_like(far_3HW)
    if kind == 1:
        return (torch.rand(far_3HW.shape, generator=chance) * 2 - 1).to(far_3HW.device)
    return far_3HW.flip(2)
