"""Pixels that travel with their time.

Shape letters: N frames, H rows, W columns, 3 = red, green, blue; 8-bit, full range.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from bodyswap.timing import FrameRange

RGB = npt.NDArray[np.uint8]
RGBA = npt.NDArray[np.uint8]
"""Straight, not multiplied: colour that is valid where the fourth channel is above 0."""
Matte = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class FrameBatch:
    """Consecutive frames of one clip.

    `first_index` is the clip's own frame index of the first one; `pts` count ticks of `time_base`.
    """

    rgb_NHW3: RGB
    pts: tuple[int, ...]
    first_index: int
    time_base: Fraction

    def __post_init__(self) -> None:
        shape = self.rgb_NHW3.shape
        if self.rgb_NHW3.dtype != np.uint8 or len(shape) != 4 or shape[3] != 3:
            raise ValueError(f"frames must be uint8 (N, H, W, 3), not {shape}")
        if len(self.pts) != shape[0]:
            raise ValueError(f"{shape[0]} frames came with {len(self.pts)} pts")

    def __len__(self) -> int:
        return len(self.pts)

    def within(self, frames: FrameRange) -> "FrameBatch":
        """Its part of `frames`; of no frame where there is none."""
        start = min(max(0, frames.start - self.first_index), len(self))
        stop = min(max(start, frames.stop - self.first_index), len(self))
        return FrameBatch(
            rgb_NHW3=self.rgb_NHW3[start:stop],
            pts=self.pts[start:stop],
            first_index=self.first_index + start,
            time_base=self.time_base,
        )


@dataclass(frozen=True, kw_only=True)
class RenderedFrame:
    """The subject, rendered: colour that is valid under `matte_HW`, a soft alpha in [0, 1].

    `over_own_HW3` is the frame over the subject's own background, where that was made already.
    Of several who are rendered for one plate it is the lead, with the `others` in their order;
    None where a performer is removed and nobody stands in.
    """

    rgb_HW3: RGB
    matte_HW: Matte
    index: int
    over_own_HW3: RGB | None = None
    others: "tuple[RenderedFrame | None, ...]" = ()


@dataclass(frozen=True, kw_only=True)
class LayeredFrame:
    """A delivered frame, its layers apart, for formats that keep them so.

    `facts` are figures of the whole frame, each a channel of its own for quality control. Laid into
    the plate, it has the `performer_HW`'s matte too, and the `whole` picture, (H, W, 3): linear
    light in floats, or display values in 16 bits where the plate's are.
    """

    subject: RenderedFrame
    clean_plate_HW3: RGB
    facts: Mapping[str, float] = field(default_factory=dict)
    performer_HW: Matte | None = None
    whole: "Whole | None" = None


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A whole picture as deep as its plate: whole-number display values, and linear light."""

    codes_HW3: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
    light_HW3: npt.NDArray[np.floating]
