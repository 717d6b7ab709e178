"""The generator: from a pose map and the previous frame to the subject and their matte.

It does not know training, files, or the background the subject is laid over.

pix2pixHD's global generator (Wang et al. 2018), made recurrent over its own output as Everybody
Dance Now does (Chan et al. 2019). Two things differ, for a CPU's sake: additive skips across
equal sizes, and nearest-neighbour growth instead of transposed convolution (no checkerboard).

Shape letters: B batch, L limbs, C channels, H rows, W columns, 3 = red, green, blue in [-1, 1].
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bodyswap.errors import ModelError

LARGEST_SIDE_STEP = 32


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """The generator's architecture, as its card records it.

    `downsamplings` halve the picture and double the channels, up to `most_channels`.
    """

    pose_channels: int
    first_channels: int = 16
    most_channels: int = 256
    downsamplings: int = 4
    residual_blocks: int = 4
    edge_kernel: int = 3

    def __post_init__(self) -> None:
        least = {
            "pose_channels": 1,
            "first_channels": 1,
            "most_channels": self.first_channels,
            "downsamplings": 1,
            "residual_blocks": 0,
            "edge_kernel": 1,
        }
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise ModelError(f"generator {name} is {getattr(self, name)}; least {lowest}")
        if self.edge_kernel % 2 == 0:
            raise ModelError(f"generator edge_kernel is {self.edge_kernel}; give an odd number")
        if 2**self.downsamplings > LARGEST_SIDE_STEP:
            raise ModelError(f"generator downsamplings is {self.downsamplings}; give at most 5")

    def channels_at(self, level: int) -> int:
        return min(self.first_channels << level, self.most_channels)


@dataclass(frozen=True, kw_only=True)
class GeneratorOutput:
    """The person alone: colour in [-1, 1], valid under `matte_B1HW`, a soft alpha in [0, 1]."""

    rgb_B3HW: Tensor
    matte_B1HW: Tensor

    def over(self, background_B3HW: Tensor) -> Tensor:
        """The person laid over a background in [-1, 1]."""
        return torch.lerp(background_B3HW, self.rgb_B3HW, self.matte_B1HW)


class Generator(nn.Module):
    """Renders one frame; feed it its own frame, laid over the background, for the next one."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        first = config.channels_at(0)
        self.entry = nn.Sequential(
            *_convolution(config.pose_channels + 3, first, config.edge_kernel), nn.ReLU()
        )
        levels = range(config.downsamplings)
        self.down = nn.ModuleList(
            nn.Sequential(
                *_convolution(config.channels_at(i), config.channels_at(i + 1), 3, stride=2),
                nn.ReLU(),
            )
            for i in levels
        )
        widest = config.channels_at(config.downsamplings)
        self.blocks = nn.Sequential(*(ResidualBlock(widest) for _ in range(config.residual_blocks)))
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.Upsample(scale_factor=2, mode="nearest"),
                *_convolution(config.channels_at(i + 1), config.channels_at(i), 3),
                nn.ReLU(),
            )
            for i in reversed(levels)
        )
        self.exit = nn.Sequential(
            nn.ReflectionPad2d(config.edge_kernel // 2),
            nn.Conv2d(first, 4, config.edge_kernel),
        )

    def forward(self, pose_BLHW: Tensor, previous_B3HW: Tensor) -> GeneratorOutput:
        """One frame. Sides must be multiples of 2 ** downsamplings; zeros mean no previous frame.

        Raises:
            ModelError: the pose map does not fit this generator.
        """
        self._check(pose_BLHW)
        features_BCHW = self.entry(torch.cat([pose_BLHW, previous_B3HW], dim=1))
        skips = []
        for down in self.down:
            skips.append(features_BCHW)
            features_BCHW = down(features_BCHW)
        features_BCHW = self.blocks(features_BCHW)
        for up in self.up:
            features_BCHW = up(features_BCHW) + skips.pop()
        last_B4HW = self.exit(features_BCHW).float()
        return GeneratorOutput(
            rgb_B3HW=torch.tanh(last_B4HW[:, :3]), matte_B1HW=torch.sigmoid(last_B4HW[:, 3:])
        )

    def _check(self, pose_BLHW: Tensor) -> None:
        _, limbs, height, width = pose_BLHW.shape
        if limbs != self.config.pose_channels:
            raise ModelError(
                f"the pose map has {limbs} channels, but this generator was made for "
                f"{self.config.pose_channels}: the skeletons differ"
            )
        step = 2**self.config.downsamplings
        if height % step or width % step:
            raise ModelError(f"cannot render {width}x{height}; use sides that {step} divides")


class ResidualBlock(nn.Module):
    """Two convolutions around an identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_convolution(channels, channels, 3), nn.ReLU(), *_convolution(channels, channels, 3)
        )

    def forward(self, features_BCHW: Tensor) -> Tensor:
        residual_BCHW: Tensor = self.body(features_BCHW)
        return features_BCHW + residual_BCHW


def _convolution(inside: int, outside: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    return [
        nn.ReflectionPad2d(kernel // 2),
        nn.Conv2d(inside, outside, kernel, stride=stride, bias=False),
        nn.InstanceNorm2d(outside, affine=True),
    ]
