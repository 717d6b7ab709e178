"""The branch by which the generator sees its own previous frame, with a bounded gain.

It does not know the generator. A recurrence that may amplify what it is given can keep an error
for ever; this branch cannot: whatever two previous frames differ by, its features differ by at
most `gain` times as much (in the largest absolute value). The pose's features beside it are
normalised to unit variance, so the bound is a bound on the previous frame's say.

Shape letters: B batch, C channels, H rows, W columns, 3 = red, green, blue in [-1, 1].
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PreviousFrame(nn.Module):
    """Features of the previous frame; a frame of zeros, which means none, has none."""

    def __init__(self, channels: int, kernel: int, *, largest_gain: float) -> None:
        super().__init__()
        self.largest_gain = largest_gain
        self.kernel_C3HW = nn.Parameter(torch.empty(channels, 3, kernel, kernel))
        self.share = nn.Parameter(torch.zeros(channels))
        nn.init.kaiming_uniform_(self.kernel_C3HW)

    @property
    def gain(self) -> float:
        """The most that the largest difference between two previous frames is multiplied by."""
        return self.largest_gain * float(self.share.detach().sigmoid().amax())

    def forward(self, previous_B3HW: Tensor) -> Tensor:
        padding = self.kernel_C3HW.shape[-1] // 2
        padded_B3HW = F.pad(previous_B3HW, (padding,) * 4, mode="reflect")
        return F.conv2d(padded_B3HW, self._bounded_kernel())

    def _bounded_kernel(self) -> Tensor:
        """Each channel's weights sum, in absolute value, to its share of the largest gain."""
        size_C111 = self.kernel_C3HW.abs().sum(dim=(1, 2, 3), keepdim=True).clamp(min=1e-6)
        share_C111 = self.share.sigmoid()[:, None, None, None]
        return self.kernel_C3HW / size_C111 * (share_C111 * self.largest_gain)
