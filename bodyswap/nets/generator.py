"""The generator: from a pose map and the previous frame to the subject and their matte.

It does not know training, files, or the background the subject is laid over.

pix2pixHD's coarse-to-fine generator (Wang et al. 2018): a global generator, and around it local
enhancers, each at twice the size; made recurrent over its own output, and given a refiner for the
face, as in Everybody Dance Now (Chan et al. 2019). What differs: the previous frame's say is
bounded (`memory`), it paints a person with a matte instead of a whole picture, skips are added
across equal sizes, and pictures grow by nearest neighbours, not by transposed convolution, which
leaves a checkerboard.

Shape letters: B batch, L limbs, C channels, H rows, W columns, 3 = red, green, blue in [-1, 1].
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bodyswap.errors import ModelError
from bodyswap.nets.closeup import CloseUp, add_closeup, cut_closeup, find_closeup
from bodyswap.nets.layers import ResidualBlock, convolution
from bodyswap.nets.memory import PreviousFrame
from bodyswap.nets.refiner import Refiner

LARGEST_SIDE_STEP = 32
_MOST = {
    "pose_channels": 1024, "first_channels": 1024, "most_channels": 8192, "residual_blocks": 64,
    "edge_kernel": 31, "enhancers": 5, "downsamplings": 5, "enhancer_blocks": 64,
    "refiner_channels": 1024, "refiner_blocks": 64,
}  # fmt: skip
"""A card may come from anybody: nothing beyond these is built, however it is asked for."""


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """The generator's architecture, as its card records it.

    `downsamplings` of the global generator halve the picture and double the channels, up to
    `most_channels`. Each of `enhancers` doubles the size the global generator works at, with half
    its channels. `memory_gain` bounds the previous frame's say; with 0 every frame stands alone.
    Without `has_matte` the whole picture is painted.
    """

    pose_channels: int
    first_channels: int = 16
    most_channels: int = 256
    downsamplings: int = 4
    residual_blocks: int = 4
    edge_kernel: int = 3
    enhancers: int = 0
    enhancer_blocks: int = 2
    memory_gain: float = 0.5
    has_matte: bool = True
    closeups: tuple[CloseUp, ...] = ()
    refiner_channels: int = 24
    refiner_blocks: int = 2

    def __post_init__(self) -> None:
        least = {
            "pose_channels": 1, "first_channels": 1, "most_channels": self.first_channels,
            "downsamplings": 1, "residual_blocks": 0, "edge_kernel": 1, "enhancers": 0,
            "enhancer_blocks": 0, "memory_gain": 0, "refiner_channels": 1, "refiner_blocks": 0,
        }  # fmt: skip
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise ModelError(f"generator {name} is {getattr(self, name)}; least {lowest}")
        for name, highest in _MOST.items():
            if getattr(self, name) > highest:
                raise ModelError(f"generator {name} is {getattr(self, name)}; most {highest}")
        if self.edge_kernel % 2 == 0:
            raise ModelError(f"generator edge_kernel is {self.edge_kernel}; give an odd number")
        if self.side_step > LARGEST_SIDE_STEP:
            raise ModelError(
                f"generator downsamplings is {self.downsamplings} with {self.enhancers} enhancers; "
                "give at most 5 in all"
            )
        if any(max(each.channels) >= self.pose_channels for each in self.closeups):
            raise ModelError("generator closeups look for channels that its pose map lacks")

    @property
    def side_step(self) -> int:
        """What a picture's sides must be multiples of."""
        return 1 << (self.downsamplings + self.enhancers)

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
        self.global_generator = GlobalGenerator(config)
        self.enhancers = nn.ModuleList(
            LocalEnhancer(config, _width(config, level)) for level in range(config.enhancers)
        )
        self.exits = nn.ModuleList(
            _exit(width, config)
            for width in (
                config.first_channels,
                *(_width(config, i) for i in range(config.enhancers)),
            )
        )
        kinds = {closeup.kind: closeup for closeup in config.closeups}
        self.refiners = nn.ModuleDict(
            {
                kind: Refiner(
                    len(closeup.channels),
                    channels=config.refiner_channels,
                    blocks=config.refiner_blocks,
                )
                for kind, closeup in kinds.items()
            }
        )

    def forward(
        self, pose_BLHW: Tensor, previous_B3HW: Tensor, *, is_coarse: bool = False
    ) -> GeneratorOutput:
        """One frame. Sides must be multiples of `config.side_step`; zeros mean no previous frame.

        A coarse frame is the global generator's alone, at whatever size it is given.

        Raises:
            ModelError: the pose map does not fit this generator.
        """
        self._check(pose_BLHW)
        if is_coarse:
            return self._painted(self.global_generator(pose_BLHW, previous_B3HW), level=0)
        refiners = cast("Mapping[str, Refiner]", self.refiners)
        return self.refined(self.trunk(pose_BLHW, previous_B3HW), pose_BLHW, refiners)

    def trunk(self, pose_BLHW: Tensor, previous_B3HW: Tensor) -> GeneratorOutput:
        """The frame before its close-ups are refined: convolutions alone, of one fixed size."""
        sizes = [(pose_BLHW, previous_B3HW)]
        for _ in self.enhancers:
            sizes.append((_halved(sizes[-1][0]), _halved(sizes[-1][1])))
        features_BCHW = self.global_generator(*sizes.pop())
        for enhancer in self.enhancers:
            features_BCHW = enhancer(*sizes.pop(), features_BCHW)
        return self._painted(features_BCHW, level=-1)

    def _painted(self, features_BCHW: Tensor, level: int) -> GeneratorOutput:
        last_BCHW = self.exits[level](features_BCHW).float()
        rgb_B3HW = torch.tanh(last_BCHW[:, :3])
        if not self.config.has_matte:
            return GeneratorOutput(rgb_B3HW=rgb_B3HW, matte_B1HW=torch.ones_like(rgb_B3HW[:, :1]))
        return GeneratorOutput(rgb_B3HW=rgb_B3HW, matte_B1HW=torch.sigmoid(last_BCHW[:, 3:]))

    def refined(
        self,
        output: GeneratorOutput,
        pose_BLHW: Tensor,
        refiners: Mapping[str, Callable[[Tensor, Tensor], Tensor]],
    ) -> GeneratorOutput:
        """The frame with what `refiners`, by the close-ups' kinds, change in its close-ups."""
        rgb_B3HW = output.rgb_B3HW
        for closeup in self.config.closeups:
            corners, is_there_B = find_closeup(pose_BLHW, closeup)
            pose_BLSS = cut_closeup(pose_BLHW[:, list(closeup.channels)], corners, closeup.side_px)
            seen_B3SS = cut_closeup(rgb_B3HW, corners, closeup.side_px)
            change_B3SS = refiners[closeup.kind](pose_BLSS, seen_B3SS)
            change_B3SS = change_B3SS * is_there_B.view(-1, 1, 1, 1)
            rgb_B3HW = add_closeup(rgb_B3HW, change_B3SS, corners)
        return GeneratorOutput(rgb_B3HW=rgb_B3HW.clamp(-1, 1), matte_B1HW=output.matte_B1HW)

    def _check(self, pose_BLHW: Tensor) -> None:
        _, limbs, height, width = pose_BLHW.shape
        if limbs != self.config.pose_channels:
            raise ModelError(
                f"the pose map has {limbs} channels, but this generator was made for "
                f"{self.config.pose_channels}: the skeletons differ"
            )
        step = self.config.side_step
        if height % step or width % step:
            raise ModelError(f"cannot render {width}x{height}; use sides that {step} divides")


class Entry(nn.Module):
    """The first features: the pose's, normalised, and the previous frame's bounded ones."""

    def __init__(self, config: GeneratorConfig, channels: int) -> None:
        super().__init__()
        kernel = config.edge_kernel
        self.pose = nn.Sequential(*convolution(config.pose_channels, channels, kernel))
        self.previous = (
            PreviousFrame(channels, kernel, largest_gain=config.memory_gain)
            if config.memory_gain
            else None
        )

    def forward(self, pose_BLHW: Tensor, previous_B3HW: Tensor) -> Tensor:
        features_BCHW: Tensor = self.pose(pose_BLHW)
        if self.previous is not None:
            features_BCHW = features_BCHW + self.previous(previous_B3HW)
        return F.relu(features_BCHW)


class GlobalGenerator(nn.Module):
    """The whole person at the coarsest size: down, residual blocks, and up again."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.entry = Entry(config, config.channels_at(0))
        levels = range(config.downsamplings)
        self.down = nn.ModuleList(
            nn.Sequential(
                *convolution(config.channels_at(i), config.channels_at(i + 1), 3, stride=2),
                nn.ReLU(),
            )
            for i in levels
        )
        widest = config.channels_at(config.downsamplings)
        self.blocks = nn.Sequential(*(ResidualBlock(widest) for _ in range(config.residual_blocks)))
        self.up = nn.ModuleList(
            _growth(config.channels_at(i + 1), config.channels_at(i)) for i in reversed(levels)
        )

    def forward(self, pose_BLHW: Tensor, previous_B3HW: Tensor) -> Tensor:
        features_BCHW: Tensor = self.entry(pose_BLHW, previous_B3HW)
        skips = []
        for down in self.down:
            skips.append(features_BCHW)
            features_BCHW = down(features_BCHW)
        features_BCHW = self.blocks(features_BCHW)
        for up in self.up:
            features_BCHW = up(features_BCHW) + skips.pop()
        return features_BCHW


class LocalEnhancer(nn.Module):
    """Twice the size of what is inside it, whose features it takes in at half its own size."""

    def __init__(self, config: GeneratorConfig, channels: int) -> None:
        super().__init__()
        self.entry = Entry(config, channels)
        self.down = nn.Sequential(*convolution(channels, channels * 2, 3, stride=2), nn.ReLU())
        self.blocks = nn.Sequential(
            *(ResidualBlock(channels * 2) for _ in range(config.enhancer_blocks))
        )
        self.up = _growth(channels * 2, channels)

    def forward(self, pose_BLHW: Tensor, previous_B3HW: Tensor, inner_BCHW: Tensor) -> Tensor:
        own_BCHW: Tensor = self.entry(pose_BLHW, previous_B3HW)
        joined_BCHW = self.blocks(self.down(own_BCHW) + inner_BCHW)
        grown_BCHW: Tensor = self.up(joined_BCHW)
        return grown_BCHW + own_BCHW


def _width(config: GeneratorConfig, level: int) -> int:
    """The channels of the enhancer that is `level` outside of the innermost."""
    return config.first_channels >> (level + 1)


def _exit(channels: int, config: GeneratorConfig) -> nn.Sequential:
    kernel = config.edge_kernel
    return nn.Sequential(
        nn.ReflectionPad2d(kernel // 2),
        nn.Conv2d(channels, 4 if config.has_matte else 3, kernel),
    )


def _growth(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"), *convolution(inside, outside, 3), nn.ReLU()
    )


def _halved(picture_BCHW: Tensor) -> Tensor:
    return F.avg_pool2d(picture_BCHW, 2)
