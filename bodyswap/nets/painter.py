"""A generator, run by an engine: what the render stage calls once a frame.

The trunk and each refiner are run whole; finding close-ups, cutting them out and putting them back
is done between, since their places differ from frame to frame. It does not know how engines work.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn

from bodyswap.config import EngineName
from bodyswap.engines.engine import build_engine, chosen_engine
from bodyswap.engines.proof import ProvenEngine, Tolerance
from bodyswap.nets.generator import Generator, GeneratorOutput

Paint: TypeAlias = Callable[[Tensor, Tensor], GeneratorOutput]
"""Pose map (B, L, H, W) and previous frame (B, 3, H, W) to the person."""

_LEVEL = 2 / 255
TOLERANCE = Tolerance(mean=1 * _LEVEL, most=16 * _LEVEL)
"""Of colour in [-1, 1]; half as many levels of the matte's 255."""


def painter(
    generator: Generator, name: EngineName, *, height: int, width: int, device: torch.device
) -> Paint:
    """`generator`, which is on `device`, for single frames of one size, by the engine `name`.

    Raises:
        EngineError: the engine cannot be had here, or cannot run this generator; when called, its
            picture is not what PyTorch computes.
    """
    chosen = chosen_engine(name, device)
    if chosen is EngineName.EAGER:
        return generator
    pose_BLHW = torch.zeros(1, generator.config.pose_channels, height, width, device=device)
    previous_B3HW = torch.zeros(1, 3, height, width, device=device)
    trunk = _proven(chosen, _Trunk(generator), pose_BLHW, previous_B3HW)
    refiners = {}
    for closeup in generator.config.closeups:
        rows, columns = min(closeup.side_px, height), min(closeup.side_px, width)
        pose_BLSS = pose_BLHW[:, list(closeup.channels), :rows, :columns]
        seen_B3SS = previous_B3HW[:, :, :rows, :columns]
        network = _Single(generator.refiners[closeup.kind])
        refiners[closeup.kind] = _first(_proven(chosen, network, pose_BLSS, seen_B3SS))

    def paint(pose_BLHW: Tensor, previous_B3HW: Tensor) -> GeneratorOutput:
        rgb_B3HW, matte_B1HW = trunk(pose_BLHW, previous_B3HW)
        rough = GeneratorOutput(rgb_B3HW=rgb_B3HW, matte_B1HW=matte_B1HW)
        return generator.refined(rough, pose_BLHW, refiners)

    return paint


class _Trunk(nn.Module):
    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, pose_BLHW: Tensor, previous_B3HW: Tensor) -> tuple[Tensor, Tensor]:
        output = self.generator.trunk(pose_BLHW, previous_B3HW)
        return output.rgb_B3HW, output.matte_B1HW


class _Single(nn.Module):
    """A network of one output as one of a tuple of outputs."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> tuple[Tensor]:
        return (self.network(*inputs),)


def _proven(name: EngineName, network: nn.Module, *examples: Tensor) -> ProvenEngine:
    return ProvenEngine(name, build_engine(name, network, examples), network, TOLERANCE)


def _first(engine: ProvenEngine) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda pose_BLSS, seen_B3SS: engine(pose_BLSS, seen_B3SS)[0]
