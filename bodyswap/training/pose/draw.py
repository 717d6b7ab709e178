"""Random draws for a batch, and colours changed by them.

Shape letters: B samples, H rows, W columns, 3 = red, green, blue in 0 to 1.
"""

import math

import torch
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)


class Draw:
    """Random draws for one batch, all from one generator."""

    def __init__(self, generator: torch.Generator, count: int, device: torch.device) -> None:
        self.generator = generator
        self._count = count
        self._device = device

    def uniform(self, width: int | None = None) -> Tensor:
        shape = (self._count,) if width is None else (self._count, width)
        return torch.rand(shape, generator=self.generator).to(self._device)

    def signed(self, width: int | None = None) -> Tensor:
        return self.uniform(width) * 2 - 1

    def chance(self, share: float) -> Tensor:
        return self.uniform() < share

    def integers(self, limit: int) -> Tensor:
        return torch.randint(limit, (self._count,), generator=self.generator)

    def integer(self, low: int, high: int) -> int:
        return int(torch.randint(low, high, (1,), generator=self.generator))


def colour_change(rgb_B3HW: Tensor, draw: Draw, chosen_B: Tensor, *, strength: float) -> Tensor:
    """Turns hue, scales saturation, contrast and brightness, where chosen, by one 3x4 matrix."""
    angle_B = draw.signed() * math.pi * strength * chosen_B
    saturation_B = 1 + draw.signed() * 0.7 * strength * chosen_B
    gain_B3 = torch.exp2(draw.signed(1) * 0.9 * strength + draw.signed(3) * 0.25 * strength)
    gain_B3 = torch.where(chosen_B[:, None], gain_B3, 1.0)
    lift_B = draw.signed() * 0.15 * strength * chosen_B
    grey_33 = torch.tensor(LUMA).expand(3, 3)
    spin_B33 = _hue_turn(angle_B) - grey_33
    matrix_B33 = grey_33 + saturation_B[:, None, None] * spin_B33
    matrix_B33 = gain_B3[:, :, None] * matrix_B33
    batch, _, height, width = rgb_B3HW.shape
    changed = torch.baddbmm(lift_B[:, None, None], matrix_B33, rgb_B3HW.reshape(batch, 3, -1))
    return changed.clamp(0, 1).reshape(batch, 3, height, width)


def _hue_turn(angle_B: Tensor) -> Tensor:
    """Turns colour by `angle_B` about the grey axis (B, 3, 3)."""
    cos_B, sin_B = torch.cos(angle_B), torch.sin(angle_B)
    third_B = (1 - cos_B) / 3
    cross_B = sin_B / math.sqrt(3)
    same, after, before = cos_B + third_B, third_B - cross_B, third_B + cross_B
    rows = [same, after, before, before, same, after, after, before, same]
    return torch.stack(rows, dim=1).reshape(-1, 3, 3)
