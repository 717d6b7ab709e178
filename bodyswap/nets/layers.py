"""The two building blocks of generator, enhancers and refiners.

They do not know what is built of them. Shape letters: B batch, C channels, H rows, W columns.
"""

from torch import Tensor, nn


def convolution(inside: int, outside: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """A convolution that mirrors the picture at its edges, normalised within each picture."""
    return [
        nn.ReflectionPad2d(kernel // 2),
        nn.Conv2d(inside, outside, kernel, stride=stride, bias=False),
        nn.InstanceNorm2d(outside, affine=True),
    ]


class ResidualBlock(nn.Module):
    """Two convolutions around an identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *convolution(channels, channels, 3), nn.ReLU(), *convolution(channels, channels, 3)
        )

    def forward(self, features_BCHW: Tensor) -> Tensor:
        residual_BCHW: Tensor = self.body(features_BCHW)
        return features_BCHW + residual_BCHW
