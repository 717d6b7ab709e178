"""A plate's pixels as deep as its files have them, for what is delivered of them unchanged.

Frames are looked at and laid over in 8 bits; where nothing was laid, a float or 16-bit plate's own
values go into the delivery. It does not know what was laid. Shape letters: H rows, W columns.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bodyswap.errors import PlateError
from bodyswap.frames import RGB, Whole
from bodyswap.media.colour import linear_light, linear_light_16
from bodyswap.media.exr import read_exr
from bodyswap.media.index import ClipIndex
from bodyswap.media.sequence import bits_of, read_codes_16

Mask = npt.NDArray[np.bool_]


class DeepPlate(Protocol):
    """A plate that knows its own depth."""

    @property
    def precision(self) -> str:
        """What the plate's untouched pixels are delivered as."""

    def with_laid(self, index: int, rgb_HW3: RGB, touched_HW: Mask) -> Whole:
        """The plate's frame `index` with the 8-bit picture where it was touched."""


def deep_plate(clip: ClipIndex) -> DeepPlate:
    """The clip, as deep as frames are read of it: videos and 8-bit files in 8 bits."""
    if not clip.files:
        return _EightBit()
    if clip.files[0].suffix.lower() == ".exr":
        return _Light(files=clip.files)
    return _SixteenBit(files=clip.files) if bits_of(clip.files[0]) > 8 else _EightBit()


@dataclass(frozen=True)
class _EightBit:
    precision: str = "8-bit display values"

    def with_laid(self, index: int, rgb_HW3: RGB, touched_HW: Mask) -> Whole:
        return Whole(codes_HW3=rgb_HW3, light_HW3=linear_light(rgb_HW3).astype(np.float16))


@dataclass(frozen=True)
class _SixteenBit:
    files: tuple[Path, ...]
    precision: str = "16-bit display values"

    def with_laid(self, index: int, rgb_HW3: RGB, touched_HW: Mask) -> Whole:
        own_HW3 = read_codes_16(self.files[index])
        laid_HW3 = rgb_HW3.astype(np.uint16) * np.uint16(257)
        codes_HW3 = np.where(touched_HW[:, :, None], laid_HW3, own_HW3)
        return Whole(codes_HW3=codes_HW3, light_HW3=linear_light_16(codes_HW3))


@dataclass(frozen=True)
class _Light:
    files: tuple[Path, ...]
    precision: str = "the file's own floats"

    def with_laid(self, index: int, rgb_HW3: RGB, touched_HW: Mask) -> Whole:
        own_HW3 = _light_of(self.files[index])
        laid_HW3 = linear_light(rgb_HW3).astype(own_HW3.dtype)
        light_HW3 = np.where(touched_HW[:, :, None], laid_HW3, own_HW3)
        return Whole(codes_HW3=rgb_HW3, light_HW3=light_HW3)


def _light_of(path: Path) -> npt.NDArray[np.floating]:
    for part in read_exr(path):
        if {"R", "G", "B"} <= part.channels.keys():
            return np.dstack([part.channels[name] for name in "RGB"])
    raise PlateError(f"{path} has no part with the channels R, G and B")
