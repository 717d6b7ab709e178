"""Close-ups: where a face or a hand is in a picture, its pixels cut out, and put back.

It does not know networks. The place is read off the pose map, so whoever has the pose map has it:
the middle of what is drawn in the close-up's channels. Windows are whole pixels, never resampled.

Shape letters: B batch, L pose-map channels, C channels, H rows, W columns, S window side.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from bodyswap.errors import ModelError
from bodyswap.skeleton import Part, Skeleton

SIDE_STEP = 8
_HEAD = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_FACE_SHARE, _HAND_SHARE = 0.26, 0.14
"""Sides of the windows, of a standing person's height."""
_LEAST_INK = 1.0
"""Drawn pixels, summed by brightness, that make something to look at."""


@dataclass(frozen=True, kw_only=True)
class CloseUp:
    """A part of the person with a refiner: `kind` names the refiner, `channels` show the place."""

    kind: str
    channels: tuple[int, ...]
    side_px: int

    def __post_init__(self) -> None:
        if self.side_px < SIDE_STEP or self.side_px % SIDE_STEP or not self.channels:
            raise ModelError(
                f"close-up '{self.kind}' has a side of {self.side_px} px over channels "
                f"{self.channels}; give a multiple of {SIDE_STEP}, and a channel or more"
            )


def closeups_of(skeleton: Skeleton, *, height_px: float) -> tuple[CloseUp, ...]:
    """The close-ups a skeleton allows of a person `height_px` tall: of a face and of hands, where
    it has limbs that show their place."""
    faces = (
        CloseUp(kind="face", channels=channels, side_px=_side(height_px * _FACE_SHARE))
        for channels in (_face_channels(skeleton),)
        if channels
    )
    hands = (
        CloseUp(kind="hand", channels=channels, side_px=_side(height_px * _HAND_SHARE))
        for part in (Part.LEFT_HAND, Part.RIGHT_HAND)
        if (channels := _channels_of(skeleton, part))
    )
    return (*faces, *hands)


def find_closeup(pose_BLHW: Tensor, closeup: CloseUp) -> tuple[list[tuple[int, int]], Tensor]:
    """Each picture's window, as its first row and column, and whether anything is there: (B).

    A window that would leave the picture is moved inside; where nothing is drawn it is anywhere.
    """
    ink_BHW = pose_BLHW[:, list(closeup.channels)].amax(dim=1).float()
    ink_B = ink_BHW.sum(dim=(1, 2))
    height, width = ink_BHW.shape[1:]
    places = []
    for ink_of, axis, length in ((ink_BHW, 2, height), (ink_BHW, 1, width)):
        along = torch.arange(length, device=ink_of.device, dtype=torch.float32)
        middle_B = (ink_of.sum(dim=axis) * along).sum(dim=1) / ink_B.clamp(min=1e-6)
        first_B = (middle_B - (closeup.side_px - 1) / 2).round().long()
        places.append(first_B.clamp(0, max(0, length - closeup.side_px)).tolist())
    return list(zip(*places, strict=True)), ink_B >= _LEAST_INK


def cut_closeup(picture_BCHW: Tensor, corners: list[tuple[int, int]], side_px: int) -> Tensor:
    """The windows of a batch: (B, C, S, S); smaller where the picture is smaller than a window."""
    return torch.stack(
        [
            picture_CHW[:, row : row + side_px, column : column + side_px]
            for picture_CHW, (row, column) in zip(picture_BCHW, corners, strict=True)
        ]
    )


def add_closeup(
    picture_BCHW: Tensor, change_BCSS: Tensor, corners: list[tuple[int, int]]
) -> Tensor:
    """New pictures, with a change added in each one's window."""
    height, width = picture_BCHW.shape[2:]
    rows, columns = change_BCSS.shape[2:]
    placed = [
        torch.nn.functional.pad(
            change_CSS, (column, width - column - columns, row, height - row - rows)
        )
        for change_CSS, (row, column) in zip(change_BCSS, corners, strict=True)
    ]
    return picture_BCHW + torch.stack(placed)


def _face_channels(skeleton: Skeleton) -> tuple[int, ...]:
    of_head = {
        channel
        for (a, b), channel in zip(skeleton.limbs, skeleton.channels_of_limbs, strict=True)
        if a in _HEAD and b in _HEAD
    }
    return tuple(sorted(of_head | set(_channels_of(skeleton, Part.FACE))))


def _channels_of(skeleton: Skeleton, part: Part) -> tuple[int, ...]:
    pairs = zip(skeleton.parts_of_limbs, skeleton.channels_of_limbs, strict=True)
    return tuple(sorted({channel for of_part, channel in pairs if of_part is part}))


def _side(pixels: float) -> int:
    return max(2 * SIDE_STEP, round(pixels / SIDE_STEP) * SIDE_STEP)
