"""A plate's pixels as deep as its files have them, for what is delivered of them unchanged.

Frames are looked at and laid over in 8 bits; where nothing was laid, the values of a plate that is
deeper go into the delivery, or the light that they are. It does not know what was laid.
Shape letters: H rows, W columns, 3 = red, green, blue.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB, Whole
from bodyswap.media.colour import Codes16
from bodyswap.media.exr import Floats, read_light
from bodyswap.media.index import ClipIndex
from bodyswap.media.sequence import read_codes_16
from bodyswap.media.shown import codes_16
from bodyswap.media.working import Working
from bodyswap.timing import FrameRange

EIGHT_BIT = "8-bit display values"
Mask = npt.NDArray[np.bool_]


class DeepPlate(Protocol):
    """A plate that knows its own depth."""

    @property
    def precision(self) -> str:
        """What the plate's untouched pixels are delivered as."""

    def with_laid(self, index: int, rgb_HW3: RGB, touched_HW: Mask) -> Whole:
        """The plate's frame `index` with the 8-bit picture where it was touched."""


@contextmanager
def deep_plate(clip: ClipIndex, frames: FrameRange) -> Iterator[DeepPlate]:
    """The clip, as deep as it is: its `frames` are laid in order, each once, within the block."""
    precision = f"{clip.bits}-bit display values"
    if clip.bits <= 8 and not clip.working.needs_depth:
        yield _EightBit(working=clip.working)
    elif clip.codec == "exr":
        yield _Light(files=clip.files, working=clip.working)
    elif clip.files:
        files = clip.files[frames.start : frames.stop]
        yield _Codes(own=map(read_codes_16, files), working=clip.working, precision=precision)
    else:
        with closing(codes_16(clip, frames)) as own:
            yield _Codes(own=own, working=clip.working, precision=precision)


@dataclass(frozen=True, kw_only=True)
class _EightBit:
    working: Working
    precision: str = EIGHT_BIT

    def with_laid(self, index: int, rgb_HW3: RGB, touched_HW: Mask) -> Whole:
        light_HW3 = self.working.painted(rgb_HW3)
        return Whole(codes_HW3=rgb_HW3, light_HW3=light_HW3.astype(np.float16))


@dataclass(frozen=True, kw_only=True)
class _Codes:
    own: Iterator[Codes16]
    working: Working
    precision: str

    def with_laid(self, index: int, rgb_HW3: RGB, touched_HW: Mask) -> Whole:
        own_HW3 = next(self.own)
        back_HW3 = np.rint(self.working.put_back(rgb_HW3).clip(0, 1) * 65535)
        codes_HW3 = np.where(touched_HW[:, :, None], back_HW3.astype(np.uint16), own_HW3)
        light_HW3 = self.working.light(codes_HW3 / np.float32(65535))
        return Whole(codes_HW3=codes_HW3, light_HW3=light_HW3)


@dataclass(frozen=True, kw_only=True)
class _Light:
    files: tuple[Path, ...]
    working: Working
    precision: str = "the file's own floats"

    def with_laid(self, index: int, rgb_HW3: RGB, touched_HW: Mask) -> Whole:
        own_HW3 = read_light(self.files[index])
        laid_HW3 = _as_deep(self.working.painted(rgb_HW3), own_HW3)
        light_HW3 = _as_deep(self.working.light(own_HW3), own_HW3)
        whole_HW3 = np.where(touched_HW[:, :, None], laid_HW3, light_HW3)
        return Whole(codes_HW3=rgb_HW3, light_HW3=whole_HW3)


def _as_deep(light_HW3: Floats, own_HW3: Floats) -> Floats:
    """The light in the floats of the plate's own, cut off at the largest that they hold."""
    if light_HW3.dtype == own_HW3.dtype:
        return light_HW3
    most = np.finfo(own_HW3.dtype).max
    return light_HW3.clip(-most, most).astype(own_HW3.dtype)
