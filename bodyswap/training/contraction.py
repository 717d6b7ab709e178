"""Measures how fast a render forgets where it began: what decides how much warm-up a shard needs.

It does not know how a generator is built or trained, only how a render runs it: each frame from
the one before, 8-bit, over the background.

Shape letters: B runs, L limbs, H rows, W columns, K joints, 2 = x and y in pixels,
3 = red, green, blue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bodyswap.frames import RGB
from bodyswap.keypoints.posemap import draw_pose_map
from bodyswap.nets.figures import Contraction
from bodyswap.nets.generator import GeneratorOutput
from bodyswap.timing import FrameRange
from bodyswap.training.footage import SubjectFootage
from bodyswap.training.rollout import to_signed
from bodyswap.training.score import clips_of

STARTS = ("zeros", "noise", "far frame")
"""What a run may begin from: no picture, a random one, the footage's least like the right one."""

_PERCENTILE = 99
_MOST_FAR_CANDIDATES = 64
Order = npt.NDArray[np.int64]


class Renders(Protocol):
    """A generator, as far as a measurement calls it."""

    def __call__(self, pose_BLHW: Tensor, previous_B3HW: Tensor, /) -> GeneratorOutput:
        """One frame of each run."""


@torch.inference_mode()
def measure_contraction(
    generator: Renders,
    footage: SubjectFootage,
    *,
    stretches: int = 4,
    frames: int = 24,
    history: int = 24,
    device: torch.device | str = "cpu",
) -> Contraction:
    """Begin anew at moments spread over the footage, and see when that no longer shows.

    One run has rendered the `history` frames before the moment; the others begin there from each
    of `STARTS`. A clip too short for it is walked to and fro. The worst moment counts.
    """
    stage = _Stage(generator, footage, device)
    orders = [_order(clip, history + frames) for clip in _spread(footage, stretches)]
    measured = [stage.differences(order, history, seed) for seed, order in enumerate(orders)]
    worst = np.max(measured, axis=0)
    return Contraction.of(
        {start: tuple(map(float, curve)) for start, curve in zip(STARTS, worst.T, strict=True)}
    )


@dataclass(frozen=True)
class _Stage:
    """Where runs are rendered: the generator, the footage's poses and its background."""

    generator: Renders
    footage: SubjectFootage
    device: torch.device | str

    def differences(self, order: Order, history: int, seed: int) -> npt.NDArray[np.float64]:
        """Grey levels between the run with a history and each other: (frames, starts)."""
        plate_13HW = to_signed(self.footage.background_HW3, self.device)
        steady_13HW = torch.zeros_like(plate_13HW)
        for frame in order[:history]:
            steady_13HW = _rounded(self._render(frame, steady_13HW, plate_13HW))
        noise_HW3 = np.random.default_rng(seed).integers(
            0, 256, self.footage.background_HW3.shape, np.uint8
        )
        others = [
            torch.zeros_like(plate_13HW),
            to_signed(noise_HW3, self.device),
            to_signed(_farthest(self.footage, int(order[history - 1])), self.device),
        ]
        previous_B3HW = torch.cat([steady_13HW, *others])
        rows = []
        for frame in order[history:]:
            shown_B3HW = self._render(frame, previous_B3HW, plate_13HW)
            rows.append(_grey_levels_apart(shown_B3HW))
            previous_B3HW = _rounded(shown_B3HW)
        return np.array(rows)

    def _render(self, frame: int, previous_B3HW: Tensor, plate_13HW: Tensor) -> Tensor:
        """The frame over the background before it is rounded, of every run at once."""
        poses = self.footage.poses
        pose_1LHW = draw_pose_map(
            torch.from_numpy(poses.keypoints_NK2[frame])[None].to(self.device),
            torch.from_numpy(poses.confidence_NK[frame])[None].to(self.device),
            poses.skeleton,
            self.footage.height,
            self.footage.width,
        )
        count = len(previous_B3HW)
        output = self.generator(pose_1LHW.expand(count, -1, -1, -1).contiguous(), previous_B3HW)
        return output.over(plate_13HW).float()


def _spread(footage: SubjectFootage, stretches: int) -> list[FrameRange]:
    """As many clips, one for each moment, long ones taken first; each cut to its share."""
    clips = sorted(clips_of(footage), key=len, reverse=True)[:stretches]
    shares = np.bincount(np.arange(stretches) % len(clips))
    return [
        FrameRange(start=int(edges[0]), stop=int(edges[-1]) + 1)
        for clip, share in zip(clips, shares, strict=True)
        for edges in np.array_split(np.arange(clip.start, clip.stop), min(share, len(clip)))
    ]


def _order(clip: FrameRange, count: int) -> Order:
    """So many frames of the clip, to and fro where it has fewer."""
    indices = np.arange(clip.start, clip.stop)
    return np.pad(indices, (0, max(0, count - len(indices))), mode="reflect")[:count]


def _farthest(footage: SubjectFootage, frame: int) -> RGB:
    """The frame of the footage, among some spread over it, least like this one."""
    spread = np.linspace(0, len(footage) - 1, min(len(footage), _MOST_FAR_CANDIDATES))
    candidates = spread.round().astype(int)
    here_HW3 = footage.rgb_NHW3[frame].astype(np.int16)
    apart = [np.abs(footage.rgb_NHW3[one] - here_HW3).mean() for one in candidates]
    return np.asarray(footage.rgb_NHW3[candidates[int(np.argmax(apart))]])


def _rounded(shown_B3HW: Tensor) -> Tensor:
    """As the next frame sees it: 8-bit, in [-1, 1]."""
    levels_B3HW = ((shown_B3HW + 1) * 127.5).round().clamp(0, 255)
    return levels_B3HW / 127.5 - 1


def _grey_levels_apart(shown_B3HW: Tensor) -> Sequence[float]:
    """The 99th percentile of each run's difference from the first, which is left out."""
    apart_B3HW = (shown_B3HW[1:] - shown_B3HW[:1]).abs() * 127.5
    flat = apart_B3HW.flatten(1).cpu().numpy()
    return [float(value) for value in np.percentile(flat, _PERCENTILE, axis=1)]
