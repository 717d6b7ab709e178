"""A generator that sees only a window around the person: the rest of its picture stays empty.

The window's size is one for a whole shot, since engines are built for one size; its place follows
what is drawn of the pose, in steps that keep the network's grid where it was. It does not know
engines. Shape letters: B = 1, L limbs, H rows, W columns, N frames, K joints.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from bodyswap.nets.generator import GeneratorOutput
from bodyswap.nets.painter import Paint
from bodyswap.people import PoseSequence

MARGIN = 0.3
"""Of the person's largest extent, on each side: for hair, clothes, and the shadow they cast."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """How much of a picture a generator sees, in pixels."""

    rows: int
    columns: int


def window_for(poses: PoseSequence, *, height: int, width: int, step: int) -> Window:
    """One that holds the person in every frame of `poses`, its sides multiples of `step`.

    The same for every part of a shot: `poses` are the whole shot's. Of somebody who is nowhere in
    it, or fills the picture, the whole picture.
    """
    is_there_NK = (poses.confidence_NK > 0) & (poses.keypoints_NK2 == poses.keypoints_NK2).all(-1)
    sides = []
    for axis, whole in ((1, height), (0, width)):
        longest = 0.0
        for along_K, there_K in zip(poses.keypoints_NK2[:, :, axis], is_there_NK, strict=True):
            seen = along_K[there_K].clip(0, whole)
            longest = max(longest, float(seen.max() - seen.min())) if len(seen) else longest
        needed = longest * (1 + 2 * MARGIN) + step
        sides.append(min(whole, -(-int(needed) // step) * step) if longest else whole)
    return Window(rows=sides[0], columns=sides[1])


class WindowedPaint:
    """`paint`, made for the window's size, as if it painted whole pictures.

    Outside the window the matte is 0, and the colour, which shows nowhere, that of the past.
    """

    def __init__(self, paint: Paint, window: Window, *, step: int) -> None:
        self._paint, self._window, self._step = paint, window, step

    @torch.inference_mode()
    def __call__(self, pose_BLHW: Tensor, previous_B3HW: Tensor) -> GeneratorOutput:
        ink_HW = pose_BLHW[0].amax(dim=0) > 0
        top = self._first(ink_HW.any(dim=1), self._window.rows)
        left = self._first(ink_HW.any(dim=0), self._window.columns)
        part = (
            slice(None), slice(None),
            slice(top, top + self._window.rows), slice(left, left + self._window.columns),
        )  # fmt: skip
        inside = self._paint(pose_BLHW[part].contiguous(), previous_B3HW[part].contiguous())
        rgb_B3HW, matte_B1HW = previous_B3HW.clone(), torch.zeros_like(previous_B3HW[:, :1])
        rgb_B3HW[part], matte_B1HW[part] = inside.rgb_B3HW, inside.matte_B1HW
        return GeneratorOutput(rgb_B3HW=rgb_B3HW, matte_B1HW=matte_B1HW)

    def _first(self, is_there: Tensor, length: int) -> int:
        """Where along one side the window begins: around what is there, inside the picture."""
        places = torch.nonzero(is_there).flatten().tolist()
        middle = (places[0] + places[-1]) / 2 if places else len(is_there) / 2
        first = round((middle - length / 2) / self._step) * self._step
        return min(max(0, first), len(is_there) - length)
